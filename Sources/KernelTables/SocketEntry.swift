// A row of the table with all that came with it, in one place: a walk reads each row into the same one
// and lends it as `inout`, which is never copied. To copy 200 bytes that were just written costs more
// than to read them.

/// A socket with all that is told about it.
public struct SocketEntry: Sendable {
  public var row: SocketRow
  public var details: SocketDetails
  /// What came with this row alone: from a capture, or where rows are of several namespaces.
  public var supplement: RowSupplement?

  public init(row: SocketRow, details: SocketDetails, supplement: RowSupplement? = nil) {
    self.row = row
    self.details = details
    self.supplement = supplement
  }

  /// A place for a row that is still to be read.
  static let empty = SocketEntry(row: .empty, details: SocketDetails())
}

/// What a row brings with it that is otherwise found out for all rows together.
public final class RowSupplement: Sendable {
  public let namespace: UInt64?
  /// What ip-netns(8) calls it, or by which process it was found; need not be UTF-8.
  public let namespaceName: [UInt8]?
  /// The path of its control group; need not be UTF-8.
  public let controlGroup: [UInt8]?
  public let processes: [SocketOwner]?
  public let listenerProcesses: [SocketOwner]?

  public init(
    namespace: UInt64? = nil, namespaceName: [UInt8]? = nil, controlGroup: [UInt8]? = nil,
    processes: [SocketOwner]? = nil, listenerProcesses: [SocketOwner]? = nil
  ) {
    self.namespace = namespace
    self.namespaceName = namespaceName
    self.controlGroup = controlGroup
    self.processes = processes
    self.listenerProcesses = listenerProcesses
  }

  /// Of which namespace a row is, also where its number is hidden.
  public struct Place: Hashable, Sendable {
    public var number: UInt64?
    public var name: [UInt8]?

    public init(number: UInt64? = nil, name: [UInt8]? = nil) {
      self.number = number
      self.name = name
    }
  }

  public var place: Place { Place(number: namespace, name: namespaceName) }
}
