// tcptool recv: what one peer sends, to a file or standard output.

internal import CommandSpec
internal import SocketCore

struct ReceiveOptions: Narrating, Listening, OpensSockets {
  var operands: [String] = []
  var output = "-"
  var copy = CopyChoice.auto
  var listening = ListenSettings()
  var narration = NarrationOptions()
  var sockets = SocketSettings()
  private var endpoint = TypedEndpoint(port: 0)

  static let page = CommandPage(
    name: "recv",
    abstract: "Receive what one peer sends, into a file or standard output.",
    discussion: [
      """
      It takes one connection, receives until the peer's FIN, and only then closes its own side. \
      An RST instead of the FIN means that something may be missing: what came is kept, and the \
      exit status is 20.
      """,
      """
      A file appears under its name only when it is complete. Until then '.part' is appended to \
      the name, and it stays there if the transfer fails.
      """,
      .copyNotes,
    ],
    operands: .localHostAndPort,
    examples: [
      Example(
        command: "tcptool recv 7000 --output disk.img", explanation: "Receive a file."),
      Example(
        command: "tcptool recv 7000 | tar -x", explanation: "Hand on what arrives as it arrives."),
    ],
    exitStatuses: [
      ExitStatus.done.row("The peer ended with FIN and everything is written."),
      ExitStatus.notResolved.row(), ExitStatus.localEnd.row(), ExitStatus.reset.row(),
      ExitStatus.localStream.row(), ExitStatus.usage.row(),
    ],
    seeAlso: ["tcptool-trace(7)", "tcptool-json(7)", "nc(1)", "accept(2)", "splice(2)", "tcp(7)"])

  static let parameters: [Bound<Self>] =
    [
      .option(
        "output", "o", \.output, value: "file", help: "Where to write; '-' is standard output.",
        completion: .file),
      copyParameter(\.copy),
    ] + listeningParameters + listenerParameters
    + narrationParameters

  mutating func validate() throws(UsageError) {
    endpoint = try listening.takeEndpoint(from: operands)
  }

  func run(_ narrator: Narrator) throws(Failure) -> Ending {
    var output: ByteOutput
    do throws(SystemCallError) {
      output = self.output == "-" ? .standard() : try ByteOutput(file: self.output)
    } catch {
      throw Failure(.localStream, error)
    }
    try copy.check(output)
    let listener = try openListener(
      on: listening.endpoint(endpoint), port: endpoint.port, listening, sockets,
      narrator: narrator)
    var loop = try ReadinessLoop.forProgram()
    try listening.announce(listener, narrator)
    switch try acceptOne(listener, loop: &loop, narrator: narrator) {
    case .signal(let signal): return .signal(signal)
    case .connection(let connection):
      try? listener.close()
      var relay = RelayOptions()
      relay.readsInput = false
      relay.endsWithPeer = true
      relay.copy = copy
      let nothing = ByteInput.nothing()
      let ending = try runSession(
        connection, relay, input: nothing, output: &output, loop: &loop, narrator: narrator)
      if ending == .status(.done) {
        do throws(SystemCallError) {
          try output.commit()
        } catch {
          throw Failure(.localStream, error)
        }
      }
      return ending
    }
  }
}
