// How listen and recv get their listener: its options, and how they say that it is ready.

internal import CommandSpec
internal import Glibc
internal import KernelTables
internal import Report
internal import SocketCore

/// The options of a subcommand that listens.
struct ListenSettings: Sendable {
  var backlog: Backlog?
  var family = FamilyOptions()
  var isUnbound = false
  var readyDescriptor: ReadyDescriptor?
  var portFile: String?

  /// Where to listen; nil is every local address of both families.
  func endpoint(_ typed: TypedEndpoint) throws(Failure) -> Endpoint? {
    try typed.resolve(family.family).first ?? family.wildcard.map { Endpoint($0, typed.port) }
  }

  /// Takes the endpoint from the operands; there is none to take where the kernel chooses it.
  func takeEndpoint(from operands: [String]) throws(UsageError) -> TypedEndpoint {
    try family.validate()
    if isUnbound { return TypedEndpoint(port: 0) }
    var words = operands[...]
    return try TypedEndpoint.take(from: &words, hostIsOptional: true, most: 2)
  }
}

/// A descriptor that the program was started with, beyond the standard three.
struct ReadyDescriptor: ArgumentValue {
  var number: Int32

  init?(argument: String) {
    guard let number = Int32(argument), number > STDERR_FILENO else { return nil }
    self.number = number
  }

  static let form = "the number of a descriptor, 3 or more"
  var argumentText: String { String(number) }

  /// Whether the program was started with it. What it opened itself, a file for events perhaps, is
  /// closed on exec, and nothing that is could have been inherited.
  var isInherited: Bool {
    let flags = fcntl(number, F_GETFD)
    return flags != -1 && flags & FD_CLOEXEC == 0
  }
}

/// A subcommand that listens.
protocol Listening: CommandOptions {
  var listening: ListenSettings { get set }
}

extension Listening {
  /// The options that all of these have.
  static var listeningParameters: [Bound<Self>] {
    [
      .option(
        "backlog", "b", \.listening.backlog, value: "n",
        help: """
          Backlog for listen(2), passed on unchanged: any 32-bit number, signed or not. Default: \
          the largest, net.core.somaxconn.
          """)
    ] + FamilyOptions.parameters(\.listening.family.wantsIPv4, \.listening.family.wantsIPv6) + [
      .flag(
        "unbound", \.listening.isUnbound,
        help: "Do not call bind(2): listen(2) itself takes a free port on every local address.",
        waives: ["host", "port"]),
      .option(
        "ready-fd", \.listening.readyDescriptor, value: "n",
        help: """
          Once it listens, write the port and a newline to this descriptor, 3 or more, and close it.
          """),
      .option(
        "port-file", \.listening.portFile, value: "file",
        help: "Once it listens, write the port and a newline to this file, whole or not at all.",
        completion: .file),
    ]
  }
}

/// Opens a listener as the operands say, which `announce` then tells of.
///
/// - Parameter endpoint: nil is every local address of both families.
func openListener(
  on endpoint: Endpoint?, port: UInt16, _ settings: ListenSettings, _ sockets: SocketSettings,
  narrator: Narrator
) throws(Failure) -> Listener {
  if let ready = settings.readyDescriptor, !ready.isInherited {
    throw Failure(
      .localStream,
      "descriptor \(ready.number) is not open; start tcptool with something like "
        + "'\(ready.number)>ready' behind it")
  }
  var options = Listener.Options()
  options.backlog = settings.backlog?.value ?? .max
  options.binds = !settings.isUnbound
  options.socketOptions = sockets.plan(narrator)
  options.tracer = sockets.tracer(narrator)
  do throws(SystemCallError) {
    if let endpoint {
      options.ipv6Only = true
      return try Listener(on: endpoint, options)
    }
    return try Listener.onEveryAddress(port: port, options)
  } catch {
    guard error.errno == .addressInUse else { throw Failure(.localEnd, error) }
    throw Failure(.localEnd, error.description + PortHolder.text(of: endpoint, port: port))
  }
}

extension ListenSettings {
  /// Tells where it listens and with which backlog, and whoever waits for it that clients can
  /// connect now.
  ///
  /// - Returns: the program's loop, which reads signals since before that: the next thing may be one.
  func announce(
    _ listener: borrowing Listener, _ narrator: Narrator
  ) throws(Failure) -> ReadinessLoop {
    // A FIFO waits for its reader.
    let portFile = try ResultFile(portFile)
    let loop = try ReadinessLoop.forProgram()
    narrator.tell(.listening(listener, asked: backlog))
    let port = listener.local.port
    if let ready = readyDescriptor {
      var output = OutputBuffer(descriptor: ready.number, name: "descriptor \(ready.number)")
      do throws(OutputError) {
        try output.line("\(port)")
        try output.flush()
      } catch {
        throw Failure(error)
      }
      // The end of a pipe is a signal as well.
      _ = Descriptor(owning: ready.number)
    }
    try portFile.write { "\(port)\n" }
    return loop
  }
}

extension Listener {
  /// What it is bound to.
  var bound: BoundAddress { BoundAddress(local, isIPv6Only: isDualStack.map { !$0 }) }
}

/// Waits for a client.
///
/// - Returns: the signal where one came first.
func acceptOne(
  _ listener: borrowing Listener, loop: inout ReadinessLoop, narrator: Narrator
) throws(Failure) -> ConnectionOutcome {
  do throws(SystemCallError) {
    let descriptor = listener.socket.descriptor.rawValue
    defer { loop.forget(descriptor) }
    while true {
      try loop.watch(descriptor, for: .readable)
      if case .signal(let signal) = try loop.wait() { return .signal(signal) }
      if let connection = try listener.accept() {
        narrator.tell(
          .accepted(local: connection.local, peer: connection.peer, connection: nil))
        return .connection(connection)
      }
    }
  } catch {
    throw Failure(.localEnd, error)
  }
}
