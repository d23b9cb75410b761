// Sockets in every state that the kernel's tables can show.

/// Makes sockets in each TCP state, over IPv4, over IPv6 and from IPv4 to a dual-stack listener.
///
/// CLOSE is missing: such a socket is in no table. All are held by one process, but those whose
/// purpose is to have none.
public enum StateMaker {
  /// How many rows the two tables hold while it runs.
  public static let rows = (ipv4: 57, ipv6: 58)

  /// Starts the script and waits until all sockets are in their states. They stay there for
  /// TIME_WAIT's minute, as long as the child lives.
  ///
  /// - Throws: `TestFailure`, with the script's words, when it fails.
  public static func start(in network: PrivateNetwork) throws -> Child {
    let child = try Child(network.command(["python3", "-c", script]), input: .pipe)
    try child.waitForLine(containing: "ready", in: .standardOutput)
    return child
  }

  private static let script = """
    import fcntl, socket, struct, sys, time

    SIOCOUTQ, SIOCOUTQNSD = 0x5411, 0x894B
    TCP_DEFER_ACCEPT = 9
    held = []

    def keep(*sockets):
        held.extend(sockets)
        return sockets

    # Sockets of one kind: IPv4, IPv6, or an IPv4 client of a dual-stack listener.
    class Network:

        def __init__(self, server, client):
            self.server_family, self.bound = server
            self.client_family, self.target = client

        def listener(self, backlog=16, defer=False):
            s = socket.socket(self.server_family)
            if self.server_family == socket.AF_INET6:
                only = self.client_family == socket.AF_INET6
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            if defer:
                s.setsockopt(socket.IPPROTO_TCP, TCP_DEFER_ACCEPT, 600)
            s.bind((self.bound, 0))
            s.listen(backlog)
            keep(s)
            return s

        def client(self, listener, wait=True):
            s = socket.socket(self.client_family)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.setblocking(wait)
            s.connect_ex((self.target, listener.getsockname()[1]))
            s.setblocking(True)
            keep(s)
            return s

        # A connection: its client's end and its server's.
        def pair(self):
            c = self.client(self.shared)
            s, _ = self.shared.accept()
            keep(s)
            return c, s

        def make(self):
            self.shared = self.listener()
            self.established()
            self.handshakes()
            self.half_closed()
            self.stuck()
            self.finished()

        def established(self):
            self.pair()
            c, s = self.pair()
            c.sendall(b"unread")
            # Two connections in the accept queue, one with data, and one that its client gave up.
            waiting = self.listener()
            self.client(waiting)
            self.client(waiting).sendall(b"early")
            self.client(waiting).close()

        def handshakes(self):
            # A queue of backlog + 1 is full, so the third SYN is dropped again and again.
            full = self.listener(backlog=1)
            self.client(full), self.client(full), self.client(full, wait=False)
            # The last ACK of the handshake is ignored until data come.
            self.client(self.listener(defer=True))

        def half_closed(self):
            c, s = self.pair()
            c.sendall(b"abc")
            c.shutdown(socket.SHUT_WR)      # FIN_WAIT2; CLOSE_WAIT with three bytes and a FIN
            c, s = self.pair()
            c.shutdown(socket.SHUT_WR)
            s.recv(1)                       # CLOSE_WAIT whose FIN is read
            c, s = self.pair()
            c.shutdown(socket.SHUT_WR)
            s.recv(1)
            c.close()                       # FIN_WAIT2 without a socket

        # Sends until neither end has room: nothing is on its way, and the rest waits for the
        # receiver's window, which is closed.
        def fill(self, sender):
            def pending(request):
                return struct.unpack("i", fcntl.ioctl(sender, request, bytes(4)))[0]
            sender.setblocking(False)
            while True:
                try:
                    while True:
                        sender.send(b"x" * 1024)
                except BlockingIOError:
                    unsent = pending(SIOCOUTQNSD)
                    if unsent > 0 and unsent == pending(SIOCOUTQ):
                        break
                time.sleep(0.001)
            sender.setblocking(True)

        def stuck(self):
            c, s = self.pair()
            self.fill(c)                    # ESTABLISHED with both queues full
            c, s = self.pair()
            self.fill(c)
            c.shutdown(socket.SHUT_WR)      # FIN_WAIT1: the FIN waits behind the data
            c, s = self.pair()
            self.fill(c)
            c.close()                       # FIN_WAIT1 without a process
            c, s = self.pair()
            self.fill(s)
            c.shutdown(socket.SHUT_WR)
            s.shutdown(socket.SHUT_WR)      # LAST_ACK; the client's FIN_WAIT2 with unread data
            c, s = self.pair()
            self.fill(c)
            c.shutdown(socket.SHUT_WR)
            s.shutdown(socket.SHUT_WR)      # both have sent a FIN, one is not acknowledged: CLOSING

        def finished(self):
            c, s = self.pair()
            c.close()
            s.recv(1)
            s.close()                       # TIME_WAIT at the client

    v4 = (socket.AF_INET, "127.0.0.1")
    v6 = (socket.AF_INET6, "::1")
    for server, client in [(v4, v4), (v6, v6), ((socket.AF_INET6, "::"), v4)]:
        Network(server, client).make()
    every = socket.socket()
    every.bind(("0.0.0.0", 0))
    every.listen(7)
    print("ready", flush=True)
    sys.stdin.read()
    """
}
