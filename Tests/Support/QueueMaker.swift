// Listeners whose queues hold what a test asks for.

/// A process with listeners and clients, made from words:
///
/// - `listen=ADDRESS,PORT,BACKLOG[,v6only][,both][,shared]`: a listener; `shared` sets SO_REUSEPORT
/// - `connect=ADDRESS,PORT,N`: N clients that complete the handshake where the kernel lets them
/// - `half=ADDRESS,PORT,N`: N clients that never see the answer to their SYN, so that the listener
///   keeps a handshake for each
/// - `name=TEXT`: what the process calls itself
public enum QueueMaker {
  /// Starts the script and waits until everything is made. It stays as long as the child lives.
  public static func start(_ steps: [String], in network: PrivateNetwork) throws -> Child {
    let child = try Child(
      network.command(["python3", "-c", script] + steps), input: .pipe)
    try child.waitForLine(containing: "ready", in: .standardOutput)
    return child
  }

  private static let script = """
    import ctypes, socket, struct, sys

    SO_ATTACH_FILTER = 26
    held = []

    def make(address):
        s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        held.append(s)
        return s

    def listen(address, port, backlog, *flags):
        s = make(address)
        if ":" in address:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, "both" not in flags)
        if "shared" in flags:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind((address, int(port)))
        s.listen(int(backlog))

    def connect(address, port, count, deaf=False):
        for _ in range(int(count)):
            s = make(address)
            s.setblocking(False)
            if deaf:
                # One instruction: return 0, which drops each segment that comes.
                code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
                s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                             struct.pack("HP", 1, ctypes.addressof(code)))
            s.connect_ex((address, int(port)))

    for step in sys.argv[1:]:
        name, _, value = step.partition("=")
        if name == "name":
            open("/proc/self/comm", "w").write(value)
        elif name == "half":
            connect(*value.split(","), deaf=True)
        else:
            globals()[name](*value.split(","))
    print("ready", flush=True)
    sys.stdin.read()
    """
}
