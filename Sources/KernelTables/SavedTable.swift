// Saved copies of /proc/net/tcp and /proc/net/tcp6, from this machine or another.

internal import Glibc
public import SocketCore

/// A text that somebody saved, for a look at it later or elsewhere.
public enum SavedTable {
  /// Calls `body` with each row of a saved text, which may hold both tables one behind the other, and
  /// whatever else: lines that are no rows are counted.
  ///
  /// - Parameters:
  ///   - path: a file; `-` is standard input.
  ///   - byteOrder: that of the machine on which it was saved.
  /// - Returns: what was handed over and what was not, or what `body` threw, which ends the walk.
  /// - Throws: the errno of open(2) or read(2).
  public static func forEachRow<Failure>(
    in path: String, byteOrder: ProcNetTCPParser.ByteOrder = .host,
    _ body: (SocketRow) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<TableTally, Failure> {
    if path == "-" {
      return try ProcNetTCPParser.walk(byteOrder, body) { buffer throws(SystemCallError) in
        let room = buffer.count
        return try ProcFile.make("read", "standard input") {
          unsafe Glibc.read(STDIN_FILENO, &buffer, room)
        }
      }
    }
    let file = try ProcFile(path)
    return try ProcNetTCPParser.walk(byteOrder, body) { buffer throws(SystemCallError) in
      try file.read(into: &buffer)
    }
  }
}

extension SavedTable {
  /// The same through a filter, and as the live tables tell it.
  ///
  /// - Returns: what became of it, under the name of the file, or what `body` threw.
  public static func forEachRow<Failure>(
    in path: String, byteOrder: ProcNetTCPParser.ByteOrder, matching filter: Filter,
    _ body: (SocketRow, SocketDetails) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<SocketTable.FilteredOutcome, Failure> {
    let nothing = SocketDetails()
    return try forEachRow(in: path, byteOrder: byteOrder) { row throws(Failure) in
      if filter.matches(row) { try body(row, nothing) }
    }.map { tally in
      SocketTable.FilteredOutcome(
        outcome: SocketTable.Outcome(source: .proc, fallback: nil, tallies: [(path, tally)]))
    }
  }
}

extension TableTally {
  /// Whether what was read is a table of sockets at all: it has a header, or more rows than other lines.
  public var isTable: Bool { headers > 0 || rows > damaged }
}
