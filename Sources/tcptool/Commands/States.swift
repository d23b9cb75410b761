// tcptool states: the kernel's table of TCP sockets.

internal import CommandSpec
internal import KernelTables
internal import Report
internal import SocketCore

/// A state as it is typed: the kernel's name, in any case, with `-` for `_`.
struct StateName: ArgumentValue {
  var state: TCPState

  init?(argument: String) {
    let name = String(argument.uppercased().map { $0 == "-" ? "_" : $0 })
    guard let state = TCPState.allCases.first(where: { "\($0.name)" == name }) else { return nil }
    self.state = state
  }

  static var choices: [String] { TCPState.allCases.map { "\($0.name)" } }
  var argumentText: String { "\(state.name)" }
}

struct StatesOptions: Subcommand {
  var operands: [String] = []
  var states: CommaSeparated<StateName>?
  var source = SocketTable.Source.auto
  var isJSON = false
  var color = ColorChoice.auto

  static let page = CommandPage(
    name: "states",
    abstract: "Show the TCP sockets of this host with their states and queues.",
    discussion: [
      """
      Every socket of this network namespace is shown, in every state. The kernel is asked through \
      sock_diag, or, where that is refused, through /proc/net/tcp and /proc/net/tcp6. An IPv4 peer \
      of an IPv6 socket is shown with its IPv4 address.
      """,
      """
      Recv-Q is what the program has not read yet; for a listener it is the number of connections \
      that wait for accept(2). Send-Q is what the peer has not acknowledged, sent or not. SYN and \
      FIN count as one byte each. For a listener Send-Q is the backlog in force, one less than \
      its queue holds; /proc does not have it, and then it is '-'.
      """,
    ],
    examples: [
      Example(command: "tcptool states", explanation: "Show everything."),
      Example(command: "tcptool states --state LISTEN", explanation: "Show what listens."),
      Example(
        command: "tcptool states --state SYN_RECV,CLOSE_WAIT --json",
        explanation: "One JSON object a socket, for jq or a program."),
    ],
    exitStatuses: [
      ExitStatus.done.row("At least one socket was shown."),
      ExitStatus.failure.row("No socket matched, or the tables could not be read."),
      ExitStatus.localStream.row(), ExitStatus.usage.row(),
    ],
    seeAlso: ["ss(8)", "proc(5)", "tcp(7)"])

  static let parameters: [Bound<Self>] = [
    .option(
      "state", "s", \.states, value: "state,...", help: "Show only sockets in these states."),
    .option(
      "source", \.source, value: "source",
      help: """
        Where to read: sock_diag (diag), /proc/net/tcp and tcp6 (proc), or sock_diag with /proc \
        in reserve (auto).
        """),
    .flag("json", "j", \.isJSON, help: "One JSON object a line."),
    .option("color", \.color, value: "when", help: "Whether to use colour."),
  ]

  func run(_ narrator: Narrator) throws(Failure) -> Ending {
    let wanted = states.map { Set($0.elements.map(\.state)) } ?? Set(TCPState.allCases)
    var shown = 0
    var outcome: SocketTable.Outcome?
    var readError: SystemCallError?
    try toStandardOutput { output throws(OutputError) in
      var table = Table(
        [
          .init("State", minimumWidth: 11), .init("Recv-Q", .right, minimumWidth: 6),
          .init("Send-Q", .right, minimumWidth: 6), .init("Local", minimumWidth: 21), .init("Peer"),
        ], style: Display(descriptor: output.descriptor, color: color).style)
      var walked: Result<SocketTable.Outcome, OutputError>?
      do throws(SystemCallError) {
        walked = try SocketTable.forEachRow(from: source, in: wanted) { row throws(OutputError) in
          shown += 1
          if isJSON {
            try output.line(row.json)
          } else {
            try table.row(row.cells, to: &output)
          }
        }
      } catch {
        readError = error
      }
      outcome = try walked?.get()
      if !isJSON { try table.finish(to: &output) }
    }
    if let readError { throw Failure(.failure, readError) }
    if let outcome { tell(outcome, narrator) }
    return .status(shown > 0 ? .done : .failure)
  }

  /// What the rows themselves do not show: another source than expected, lines that could not be read.
  private func tell(_ outcome: SocketTable.Outcome, _ narrator: Narrator) {
    if let error = outcome.fallback {
      narrator.line("read from /proc/net, without the listeners' backlogs: \(error)")
    }
    for (table, tally) in outcome.tallies where tally.damaged > 0 {
      let place = tally.firstDamaged.map { "; the first is line \($0)" } ?? ""
      narrator.line("\(Units.plural(tally.damaged, "row")) of \(table) could not be read\(place)")
    }
  }
}
