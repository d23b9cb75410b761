// The states of TCP as words of the command line.

internal import CommandSpec
internal import KernelTables
internal import SocketCore

/// A name of one state or several, as the filter takes it.
struct StateName: ArgumentValue {
  var states: Set<TCPState>
  /// As it was typed.
  let argumentText: String

  init?(argument: String) {
    guard let states = TCPState.named(argument) else { return nil }
    self.states = states
    argumentText = argument
  }

  /// The kernel's names: those that the table shows.
  static var choices: [String] { TCPState.allCases.map { "\($0.name)" } }
}
