// What became of the rows of one table.

/// What became of the lines of a table.
public struct TableTally: Hashable, Sendable {
  /// Headers of /proc/net/tcp or tcp6 that were met; sock_diag has none.
  public var headers = 0
  /// Rows that were handed over.
  public var rows = 0
  /// Lines that are no rows and were skipped. The header and empty lines are not counted.
  public var damaged = 0
  /// The number of the first damaged line, from 1, the header included; nil where there is none.
  public var firstDamaged: Int?
  /// Rows that the kernel gave again and that were dropped.
  public var duplicates = 0

  public init() {}
}
