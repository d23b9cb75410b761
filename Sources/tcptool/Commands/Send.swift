// tcptool send: a file or standard input to a peer, and the certainty that it arrived.

internal import CommandSpec
internal import SocketCore

struct SendOptions: Narrating, Dialing, OpensSockets {
  var operands: [String] = []
  var timeout: Duration?
  var dialing = DialOptions()
  var linger = Duration.seconds(5)
  var copy = CopyChoice.auto
  var narration = NarrationOptions()
  var sockets = SocketSettings()
  private var endpoint = TypedEndpoint(port: 0)
  private var file = "-"

  static let page = CommandPage(
    name: "send",
    abstract: "Send a file or standard input, and wait until it has arrived.",
    discussion: [
      """
      After the last byte it half-closes the connection, discards whatever the peer sends, and \
      waits until the peer's kernel has acknowledged every byte. Then it gives the peer some time \
      (--linger) to close its own side. Closing earlier could reset the connection and lose what \
      was still on its way.
      """,
      """
      If not everything was acknowledged, it says how much was, and exits with status 21.
      """,
      .copyNotes,
    ],
    operands: .hostAndPort + [
      Operand(
        "file", required: false, help: "What to send. Default, and '-': standard input.",
        completion: .file)
    ],
    examples: [
      Example(command: "tcptool send backup.example 7000 disk.img", explanation: "Send a file."),
      Example(
        command: "tar -c photos | tcptool send 192.0.2.7 7000",
        explanation: "Send what a program writes."),
    ],
    exitStatuses: .connecting(done: "The peer has acknowledged every byte."),
    seeAlso: [
      "tcptool-trace(7)", "tcptool-json(7)", "nc(1)", "sendfile(2)", "shutdown(2)", "splice(2)",
      "tcp(7)",
    ])

  static let parameters: [Bound<Self>] =
    [
      .option(
        "timeout", "t", \.timeout, value: "duration",
        help: "Longest time for connecting: 500ms, 2s, 1m."),
      .option(
        "linger", "l", \.linger, value: "duration",
        help: "How long the peer may keep its side open once it has acknowledged everything."),
      copyParameter(\.copy),
    ] + Bound.dialing + socketParameters
    + narrationParameters

  mutating func validate() throws(UsageError) {
    try dialing.validate()
    var words = operands[...]
    endpoint = try TypedEndpoint.take(from: &words, hostIsOptional: false, most: 3)
    file = words.popFirst() ?? "-"
    if let extra = words.first { throw UsageError("Unexpected argument '\(extra)'") }
  }

  func run(_ narrator: Narrator) throws(Failure) -> Ending {
    // Before anything is connected: a file that cannot be read is found out first.
    let input: ByteInput
    do throws(SystemCallError) {
      input = file == "-" ? .standard() : try ByteInput(file: file)
    } catch {
      throw Failure(.localStream, error)
    }
    try copy.check(input)
    let destination = try endpoint.destination(dialing, narrator)
    var loop = try ReadinessLoop.forProgram()
    switch try openConnection(
      endpoint, timeout: timeout, dialing, sockets, loop: &loop, destination, narrator: narrator)
    {
    case .signal(let signal): return .signal(signal)
    case .connection(let connection):
      var relay = RelayOptions()
      relay.linger = linger
      relay.mustDeliver = true
      relay.copy = copy
      var nowhere = ByteOutput.discarding()
      return try runSession(
        connection, relay, input: input, output: &nowhere, loop: &loop, narrator: narrator)
    }
  }
}
