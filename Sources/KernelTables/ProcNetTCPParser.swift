// The text of /proc/net/tcp and /proc/net/tcp6, in pieces of any size, to rows.

internal import SocketCore

/// Reads the text of /proc/net/tcp and /proc/net/tcp6, saved or live, piece by piece.
///
/// The same text gives the same rows wherever it is cut into pieces. Which family a row belongs to
/// is seen from its addresses, so both tables may follow each other in one text; each header starts
/// a new table.
///
/// A line is a row where its fields say so, whatever its columns: 17 fields or more, or 12 in the
/// states that have so few. All else is counted as damaged and skipped. Of a line only the first
/// 4,096 bytes are read, twenty times what the kernel needs; fields beyond the seventeenth may go
/// on for ever. A last line without its newline counts as damaged unless all 17 fields are there,
/// for with fewer nobody can tell whether it was cut.
///
/// Memory is bounded: a third of a megabyte, and nothing is allocated for a row. A row that the
/// kernel gives again is recognised if it comes within 8,192 rows after the first (`RecentRows` says
/// why that is enough).
public struct ProcNetTCPParser: Sendable {
  /// The order of bytes in a word on the machine that the text is from.
  public enum ByteOrder: Hashable, Sendable {
    case little, big

    /// This machine's.
    public static var host: ByteOrder { 1.littleEndian == 1 ? .little : .big }
  }

  private var cutter = LineCutter(longest: Self.longestLine)
  private var lines: Lines

  private static let longestLine = 4_096

  /// - Parameter byteOrder: That of the machine that the text is from: addresses are printed as
  ///   words of its own order.
  public init(byteOrder: ByteOrder = .host) { lines = Lines(byteOrder: byteOrder) }

  /// What became of the lines so far.
  public var tally: TableTally { lines.tally }

  /// Takes the next piece of text and calls `body` with each row that it completes, lent without what
  /// this source does not tell.
  ///
  /// - Throws: what `body` throws. The rest of the piece is lost then.
  public mutating func consume<Failure>(
    _ bytes: Span<UInt8>, _ body: (inout SocketEntry) throws(Failure) -> Void
  ) throws(Failure) {
    func consume(_ cutter: inout LineCutter, _ lines: inout Lines) throws(Failure) {
      try cutter.consume(bytes) { line, place throws(Failure) in
        try lines.take(line, place, body)
      }
    }
    try consume(&cutter, &lines)
  }

  /// Takes what is left as the last line. To be called once, at the end of the text.
  ///
  /// - Throws: what `body` throws.
  public mutating func finish<Failure>(
    _ body: (inout SocketEntry) throws(Failure) -> Void
  ) throws(Failure) {
    func finish(_ cutter: inout LineCutter, _ lines: inout Lines) throws(Failure) {
      try cutter.finish { line, place throws(Failure) in try lines.take(line, place, body) }
    }
    try finish(&cutter, &lines)
  }

  /// What is known from the lines so far.
  private struct Lines: Sendable {
    let byteOrder: ByteOrder
    var tally = TableTally()
    private var recent = RecentRows()
    /// The row of the last line, in the place for all of them.
    private var entry = SocketEntry.empty

    init(byteOrder: ByteOrder) { self.byteOrder = byteOrder }

    mutating func take<Failure>(
      _ line: Span<UInt8>, _ place: LineCutter.Line,
      _ body: (inout SocketEntry) throws(Failure) -> Void
    ) throws(Failure) {
      switch ProcNetTCPLine(line, isWhole: place.isWhole, byteOrder: byteOrder, into: &entry.row) {
      case .empty: break
      case .header:
        tally.headers += 1
        recent.removeAll()
      case .damaged:
        tally.damaged += 1
        if tally.firstDamaged == nil { tally.firstDamaged = place.number }
      case .row(let pointer):
        guard recent.insert(entry.row, pointer: pointer) else {
          tally.duplicates += 1
          return
        }
        tally.rows += 1
        try body(&entry)
      }
    }
  }
}

extension ProcNetTCPParser {
  /// Calls `body` with each row of a text that `read` gives piece by piece: it fills the start of the
  /// buffer and returns how many bytes, 0 at the end.
  ///
  /// - Returns: what became of the lines, or what `body` threw, which ends the walk.
  /// - Throws: what `read` throws.
  static func walk<Failure>(
    _ byteOrder: ByteOrder = .host, _ body: (inout SocketEntry) throws(Failure) -> Void,
    _ read: (inout [UInt8]) throws(SystemCallError) -> Int
  ) throws(SystemCallError) -> Result<TableTally, Failure> {
    var parser = ProcNetTCPParser(byteOrder: byteOrder)
    // One read(2) of /proc gives at most a page, which is 64 KiB on some machines.
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = try read(&buffer)
      do throws(Failure) {
        if count == 0 {
          try parser.finish(body)
          return .success(parser.tally)
        }
        try parser.consume(buffer.span.extracting(first: count), body)
      } catch {
        return .failure(error)
      }
    }
  }
}
