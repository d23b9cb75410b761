// A peer that does exactly what a test tells it to, step by step: a Python program, so that nothing
// of it is shared with what is tested.

import TestSupport

/// Steps, done in their order on one connection:
///
/// - `send`, `send=N`: standard input to the connection, to its end or N bytes
/// - `receive`, `receive=N`: the connection to standard output, to its end or N bytes
/// - `both`: `send`, `finish` and `receive` at the same time
/// - `flood`: from now on sends without end, in the background
/// - `slowly`: `receive`, 64 KiB every 2 ms
/// - `trickle`: standard input to its end, each byte in a segment of its own
/// - `finish`: half-closes
/// - `acknowledged`: waits until the other side has acknowledged everything
/// - `settled`: waits until nothing more comes, and says how many bytes this side has acknowledged
/// - `reset`: closes with an RST
/// - `say=WORD`: writes a line to standard error
/// - `wait`: waits for a line on standard input, or its end
/// - `pause=S`: does nothing for so many seconds
enum ScriptedPeer {
  static func client(of port: UInt16, _ steps: [String], _ family: Family = .ipv4) -> [String] {
    ["python3", "-c", script, "client", family.loopback, "\(port)"] + steps
  }

  static func server(on port: UInt16, _ steps: [String], _ family: Family = .ipv4) -> [String] {
    ["python3", "-c", script, "server", family.loopback, "\(port)"] + steps
  }

  /// Starts a server on a port that the kernel chooses.
  static func serve(
    _ steps: String..., input: Child.Input = .null, in network: PrivateNetwork? = nil
  ) throws -> (peer: Child, port: UInt16) {
    let peer = try Child(command(server(on: 0, steps), in: network), input: input)
    let line = try peer.waitForLine(containing: "listening on ")
    guard let port = UInt16(line.split(separator: " ").last ?? "") else {
      throw TestFailure("no port in “\(line)”")
    }
    return (peer, port)
  }

  private static let script = """
    import fcntl, os, socket, struct, sys, threading, time

    SIOCOUTQ = 0x5411
    BYTES_RECEIVED = 128    # tcpi_bytes_received in struct tcp_info
    role, host, port, *steps = sys.argv[1:]
    address = (host, int(port))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET

    def say(*words):
        print(*words, file=sys.stderr, flush=True)

    def write(data):
        while data:
            data = data[os.write(1, data):]

    def send(limit=None):
        while limit is None or limit > 0:
            data = os.read(0, 65536 if limit is None else min(65536, limit))
            if not data:
                break
            peer.sendall(data)
            if limit is not None:
                limit -= len(data)

    def receive(limit=None, pause=0):
        while limit is None or limit > 0:
            data = peer.recv(65536 if limit is None else min(65536, limit))
            if not data:
                break
            write(data)
            if limit is not None:
                limit -= len(data)
            time.sleep(pause)

    def trickle():
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := os.read(0, 65536):
            for place in range(len(data)):
                peer.sendall(data[place:place + 1])

    def both():
        def outbound():
            send()
            peer.shutdown(socket.SHUT_WR)
        thread = threading.Thread(target=outbound)
        thread.start()
        receive()
        thread.join()

    def flood():
        def outbound():
            try:
                while True:
                    peer.sendall(bytes(65536))
            except OSError:
                pass
        threading.Thread(target=outbound, daemon=True).start()

    def until(condition):
        deadline = time.monotonic() + 120
        while not condition():
            if time.monotonic() > deadline:
                sys.exit("it took too long")
            time.sleep(0.002)

    def acknowledged():
        pending = lambda: struct.unpack("i", fcntl.ioctl(peer, SIOCOUTQ, bytes(4)))[0]
        until(lambda: pending() == 0)

    def received():
        info = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return struct.unpack_from("Q", info, BYTES_RECEIVED)[0]

    def settled():
        seen = [received()]
        def unchanged():
            time.sleep(0.1)
            seen.append(received())
            return len(seen) > 5 and len(set(seen[-5:])) == 1
        until(unchanged)
        say("settled at", seen[-1])

    def reset():
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()

    if role == "server":
        listener = socket.create_server(address, family=family)
        say("listening on", listener.getsockname()[1])
        peer, _ = listener.accept()
        listener.close()
    else:
        peer = socket.create_connection(address)

    for step in steps:
        name, _, value = step.partition("=")
        if name in ("send", "receive"):
            globals()[name](int(value) if value else None)
        elif name == "slowly":
            receive(pause=0.002)
        elif name == "finish":
            peer.shutdown(socket.SHUT_WR)
        elif name == "say":
            say(value)
        elif name == "wait":
            while os.read(0, 1) not in (b"", b"\\n"):
                pass
        elif name == "pause":
            time.sleep(float(value))
        else:
            {"both": both, "flood": flood, "trickle": trickle, "acknowledged": acknowledged,
             "settled": settled, "reset": reset}[name]()
    """
}
