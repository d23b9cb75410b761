// Choices of other modules as values of the command line.

public import BacklogLab
public import CommandSpec
public import KernelTables
public import Report
public import SocketCore

extension ColorChoice: ArgumentValue {}

extension IsolationMode: ArgumentValue {}
extension CopyChoice: ArgumentValue {}

extension SocketTable.Source: ArgumentValue {}

/// A process, by the number that fits in a pid_t.
struct ProcessNumber: ArgumentValue, Hashable {
  var value: Int32

  init?(argument: String) {
    guard let value = Int32(argument), value > 0 else { return nil }
    self.value = value
  }

  static let form = "the number of a process, from 1 to \(Int32.max)"
  var argumentText: String { String(value) }
}

/// A number from 1 on.
struct PositiveCount: ArgumentValue, Hashable {
  var value: Int

  init?(argument: String) {
    guard let value = Int(argument), value > 0 else { return nil }
    self.value = value
  }

  static let form = "a whole number from 1 on"
  var argumentText: String { String(value) }
}
