// Options, operands and statuses that several subcommands have: each is described once.

internal import CommandSpec

/// The second argument of listen(2), handed on as it is.
struct Backlog: ArgumentValue {
  /// The number as it was typed.
  var typed: Int
  /// What listen(2) gets: its type is a C int, and the kernel reads the same 32 bits as unsigned.
  var value: Int32

  init(_ value: Int32) {
    typed = Int(value)
    self.value = value
  }

  /// Reads every number that 32 bits can hold, signed or not: a larger one could not be handed on.
  init?(argument: String) {
    guard let number = Int(argument),
      let bits = Int32(exactly: number) ?? UInt32(exactly: number).map({ Int32(bitPattern: $0) })
    else { return nil }
    typed = number
    value = bits
  }

  static let form = "a whole number that 32 bits can hold, signed or not"
  var argumentText: String { String(typed) }
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
  static func connecting(
    done: String, hasTimeouts: Bool = false, hasMismatch: Bool = false, sends: Bool = true
  ) -> [ExitStatusRow] {
    [
      ExitStatus.done.row(done), ExitStatus.notResolved.row(), ExitStatus.refused.row(),
      ExitStatus.noAnswer.row(), ExitStatus.unreachable.row(), ExitStatus.prohibited.row(),
      ExitStatus.localEnd.row(), ExitStatus.reset.row(),
    ] + (sends ? [ExitStatus.peerStoppedReceiving.row()] : [])
      + (hasTimeouts ? [ExitStatus.timeout.row()] : [])
      + (hasMismatch ? [ExitStatus.mismatch.row()] : []) + [
        ExitStatus.localStream.row(), ExitStatus.usage.row(),
      ]
  }
}
