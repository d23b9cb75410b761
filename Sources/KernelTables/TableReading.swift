// One reading of the socket table, kept: what a later one is compared with.

/// A row as a reading keeps it.
public struct ReadSocket: Sendable {
  public var row: SocketRow
  public var details: SocketDetails
  /// The number of the network namespace that it is of; nil where that is not known.
  public var namespace: UInt64?

  public init(_ row: SocketRow, _ details: SocketDetails = .init(), namespace: UInt64? = nil) {
    self.row = row
    self.details = details
    self.namespace = namespace
  }
}

/// All rows of one walk over the socket table, in its order.
public struct TableReading: Sendable {
  public private(set) var sockets: [ReadSocket] = []

  public init() {}

  /// Adds a row behind the others.
  public mutating func append(_ socket: ReadSocket) { sockets.append(socket) }

  /// What happened between this reading and a later one.
  public func changes(to later: TableReading) -> TableChanges {
    TableChanges(from: self, to: later)
  }

  /// The same for who reads again and again: the later reading takes the place of this one.
  ///
  /// - Returns: the changes, and the reading that they start from, which is this one no more.
  public mutating func advance(to later: TableReading) -> (TableChanges, from: TableReading) {
    let earlier = self
    self = later
    return (earlier.changes(to: later), earlier)
  }
}
