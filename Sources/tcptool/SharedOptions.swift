// Options, operands and statuses that several subcommands have: each is described once.

internal import CommandSpec

/// The second argument of listen(2), handed on as it is.
struct Backlog: ArgumentValue {
  var value: Int32

  init(_ value: Int32) { self.value = value }

  init?(argument: String) {
    guard let number = Int32(argument) else { return nil }
    value = number
  }

  var argumentText: String { String(value) }

  /// The option of those that listen.
  static func option<Options: CommandOptions>(
    _ path: Bound<Options>.Path<Backlog?>
  ) -> Bound<Options> {
    .option(
      "backlog", "b", path, value: "n",
      help: "Backlog for listen(2), passed on unchanged. Default: the largest, net.core.somaxconn.")
  }
}

extension [Operand] {
  /// Where to connect to.
  static let hostAndPort = [
    Operand("host", help: "Name or address to connect to.", completion: .host),
    Operand("port", help: "Port from 0 to 65535, or a service's name.", completion: .port),
  ]

  /// Where to listen.
  static let localHostAndPort = [
    Operand(
      "host", required: false, help: "Local address or name to listen on.", completion: .host),
    Operand(
      "port", help: "Port from 0 to 65535, or a service's name; 0 lets the kernel choose.",
      completion: .port),
  ]
}

extension [ExitStatusRow] {
  /// How a subcommand that connects and relays ends; `done` is what 0 means.
  static func connecting(done: String, hasTimeouts: Bool = false) -> [ExitStatusRow] {
    [
      ExitStatus.done.row(done), ExitStatus.notResolved.row(), ExitStatus.refused.row(),
      ExitStatus.noAnswer.row(), ExitStatus.unreachable.row(), ExitStatus.prohibited.row(),
      ExitStatus.localEnd.row(), ExitStatus.reset.row(), ExitStatus.peerStoppedReceiving.row(),
    ] + (hasTimeouts ? [ExitStatus.timeout.row()] : []) + [
      ExitStatus.localStream.row(), ExitStatus.usage.row(),
    ]
  }
}
