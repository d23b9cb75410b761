// tcptool listen: bind, listen, accept, and relay to standard input and output.

internal import CommandSpec
internal import SocketCore

struct ListenOptions: RelayingCommand, Narrating, OpensSockets {
  var operands: [String] = []
  var backlog: Backlog?
  var family = FamilyOptions()
  var keepsOpen = false
  var relay = RelayPolicy()
  var narration = NarrationOptions()
  var sockets = SocketSettings()
  private var endpoint = TypedEndpoint(port: 0)

  static let page = CommandPage(
    name: "listen",
    abstract: "Wait for a connection and relay it to standard input and output.",
    discussion: [
      """
      Without a host it listens on every local address, with one socket for IPv6 and IPv4. Once \
      listen(2) has returned it says where it listens, and which backlog is in force.
      """,
      """
      It takes one connection and closes the listening socket, so that a second client is refused \
      instead of waiting in a queue that nobody serves. With --keep-open it takes one connection \
      after another; clients that come meanwhile wait in the accept queue.
      """,
      """
      The end of standard input half-closes the connection; the end of what the peer sends closes \
      standard output; the program ends when both have ended and the peer has acknowledged \
      everything. With --keep-open a connection ends as soon as the peer ends its side; timeouts \
      count for each connection, and the next is taken after them.
      """,
      .relayPolicyNotes,
    ],
    operands: .localHostAndPort,
    examples: [
      Example(
        command: "tcptool listen 7000", explanation: "Listen on port 7000 of every local address."),
      Example(
        command: "tcptool listen 127.0.0.1 7000 > received",
        explanation: "Take one connection on loopback and keep what it sends."),
      Example(
        command: "tcptool listen --backlog 5 --keep-open 7000",
        explanation: "Serve one client after another, with at most six waiting."),
    ],
    exitStatuses: [
      ExitStatus.done.row("Both directions ended and everything was acknowledged."),
      ExitStatus.notResolved.row(), ExitStatus.localEnd.row(), ExitStatus.reset.row(),
      ExitStatus.peerStoppedReceiving.row(), ExitStatus.timeout.row(), ExitStatus.localStream.row(),
      ExitStatus.usage.row(),
    ],
    seeAlso: ["nc(1)", "listen(2)", "tcp(7)"])

  static let parameters: [Bound<Self>] =
    [
      Backlog.option(\.backlog),
      .flag(
        "keep-open", "k", \.keepsOpen,
        help: "Take one connection after another."),
    ] + FamilyOptions.parameters(\.family.wantsIPv4, \.family.wantsIPv6) + relayParameters
    + listenerParameters
    + narrationParameters

  mutating func validate() throws(UsageError) {
    try family.validate()
    var words = operands[...]
    endpoint = try TypedEndpoint.take(from: &words, hostIsOptional: true, most: 2)
    try relay.validate(keepsOpen: keepsOpen)
  }

  func run(_ narrator: Narrator) throws(Failure) -> Ending {
    var listener: Listener? = try openListener(
      endpoint, family, sockets, backlog: backlog, narrator: narrator)
    var loop = try ReadinessLoop.forProgram()
    let input = self.relay.input
    var output = self.relay.output
    let relay = self.relay.options(keepsOpen: keepsOpen)

    while let open = listener.take() {
      switch try acceptOne(open, loop: &loop, narrator: narrator) {
      case .signal(let signal): return .signal(signal)
      case .connection(let connection):
        guard keepsOpen else {
          try? open.close()
          return try runSession(
            connection, relay, input: input, output: &output, loop: &loop, narrator: narrator)
        }
        if case .signal(let signal) = try serve(connection, relay, input, &output, &loop, narrator)
        {
          return .signal(signal)
        }
        listener = consume open
      }
    }
    return .status(.done)
  }

  /// One of many connections: its failure is told and the next one is taken, but a failure of our own input or output ends the program.
  private func serve(
    _ connection: borrowing Connection, _ relay: RelayOptions, _ input: borrowing ByteInput,
    _ output: inout ByteOutput, _ loop: inout ReadinessLoop, _ narrator: Narrator
  ) throws(Failure) -> Ending {
    do throws(Failure) {
      return try runSession(
        connection, relay, input: input, output: &output, loop: &loop, narrator: narrator)
    } catch {
      guard [.reset, .peerStoppedReceiving, .timeout].contains(error.status) else { throw error }
      narrator.tell(.connectionFailed(error, connection: 1))
      return .status(error.status)
    }
  }
}
