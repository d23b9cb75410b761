// tcptool backlog-test: what a listener's accept queue really holds, beside what the kernel's rules say.

internal import BacklogLab
internal import CommandSpec
internal import Glibc
internal import KernelTables
internal import Report

struct BacklogTestOptions: Subcommand {
  var operands: [String] = []
  var backlog = Backlog(128)
  var isJSON = false
  var color = ColorChoice.auto

  static let page = CommandPage(
    name: "backlog-test",
    abstract:
      "Fill the queue of a listener that never accepts, and compare it with the kernel's rules.",
    discussion: [
      """
      It opens a listener of its own on loopback, connects more clients than the accept queue \
      should hold, and half a second later looks how many are held, how many had their SYN dropped, \
      and which connect was the first to be dropped. No privilege is needed, nothing leaves this \
      host, and no setting is changed.
      """,
      """
      Linux holds one connection more than the effective backlog, which is the argument of \
      listen(2) clamped by net.core.somaxconn. A SYN that meets a full queue is dropped silently; \
      the client sends it again after 1, 2, 3, 4, 5 and 7 seconds.
      """,
    ],
    examples: [
      Example(command: "tcptool backlog-test", explanation: "Fill a queue of the usual size."),
      Example(
        command: "tcptool backlog-test --backlog 5000",
        explanation: "Find out whether a backlog of 5000 would be in force on this host."),
      Example(
        command: "tcptool backlog-test --backlog 0 --json",
        explanation: "The same as one JSON object."),
    ],
    exitStatuses: [
      ExitStatus.done.row("The kernel did what was predicted."),
      ExitStatus.failure.row("Kernel and prediction differ, or the experiment could not be made."),
      ExitStatus.localStream.row(), ExitStatus.usage.row(),
    ],
    seeAlso: ["ss(8)", "listen(2)", "tcp(7)"])

  static let parameters: [Bound<Self>] = [
    .option(
      "backlog", "b", \.backlog, value: "n", help: "Backlog for listen(2), passed on unchanged."),
    .flag("json", "j", \.isJSON, help: "One JSON object."),
    .option("color", \.color, value: "when", help: "Whether to use colour."),
  ]

  func run(_ narrator: Narrator) throws(Failure) -> Ending {
    let result: FloodResult
    do throws(LabError) {
      let settings = try QueueSettings.current()
      result = try Flood.run(
        FloodPlan(asked: backlog.value, settings: settings), settings: settings)
    } catch {
      throw Failure(.failure, error.description)
    }
    try toStandardOutput { output throws(OutputError) in
      if isJSON {
        try output.line(result.json)
      } else {
        try result.write(to: &output, Display(descriptor: output.descriptor, color: color))
      }
    }
    return .status(result.matches ? .done : .failure)
  }
}
