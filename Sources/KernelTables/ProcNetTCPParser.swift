// The text of /proc/net/tcp and /proc/net/tcp6, in pieces of any size, to rows.

internal import Glibc
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
/// Memory is bounded: an eighth of a megabyte, and nothing is allocated for a row. A row that the
/// kernel gives again is recognised if it comes within 2,048 rows after the first (`RecentRows` says
/// why that is enough).
public struct ProcNetTCPParser: Sendable {
  /// The order of bytes in a word on the machine that the text is from.
  public enum ByteOrder: Hashable, Sendable {
    case little, big

    /// This machine's.
    public static var host: ByteOrder { 1.littleEndian == 1 ? .little : .big }
  }

  /// What became of the lines so far.
  public private(set) var tally = TableTally()

  private let byteOrder: ByteOrder
  private var lineNumber = 0
  /// The start of a line whose end has not come yet, as far as it is read at all.
  private var pending: [UInt8] = []
  /// Its whole length.
  private var pendingLength = 0
  private var recent = RecentRows()
  /// The row of the last line, in the place for all of them.
  private var row = SocketRow.empty

  private static let longestLine = 4_096

  /// - Parameter byteOrder: That of the machine that the text is from: addresses are printed as
  ///   words of its own order.
  public init(byteOrder: ByteOrder = .host) {
    self.byteOrder = byteOrder
    pending.reserveCapacity(Self.longestLine)
  }

  /// Takes the next piece of text and calls `body` with each row that it completes.
  ///
  /// - Throws: what `body` throws. The rest of the piece is lost then.
  public mutating func consume<Failure>(
    _ bytes: Span<UInt8>, _ body: (SocketRow) throws(Failure) -> Void
  ) throws(Failure) {
    var start = 0
    while let end = Self.newline(in: bytes, from: start) {
      if pendingLength == 0 {
        try take(bytes.extracting(start..<end), isTerminated: true, body)
      } else {
        keep(bytes.extracting(start..<end))
        try takePending(isTerminated: true, body)
      }
      start = end + 1
    }
    keep(bytes.extracting(start..<bytes.count))
  }

  /// Takes what is left as the last line. To be called once, at the end of the text.
  ///
  /// - Throws: what `body` throws.
  public mutating func finish<Failure>(
    _ body: (SocketRow) throws(Failure) -> Void
  ) throws(Failure) {
    if pendingLength > 0 { try takePending(isTerminated: false, body) }
  }

  private mutating func keep(_ bytes: Span<UInt8>) {
    pendingLength += bytes.count
    for index in 0..<min(bytes.count, Self.longestLine - pending.count) {
      pending.append(bytes[index])
    }
  }

  private mutating func takePending<Failure>(
    isTerminated: Bool, _ body: (SocketRow) throws(Failure) -> Void
  ) throws(Failure) {
    // Taken out, so that the line can be read while the parser changes; then its room is reused.
    var line: [UInt8] = []
    swap(&line, &pending)
    let length = pendingLength
    pendingLength = 0
    defer {
      swap(&line, &pending)
      pending.removeAll(keepingCapacity: true)
    }
    try take(line.span, isTerminated: isTerminated && length == line.count, body)
  }

  /// Deals with one line. It is not terminated where its end is missing, or too far away.
  private mutating func take<Failure>(
    _ line: Span<UInt8>, isTerminated: Bool, _ body: (SocketRow) throws(Failure) -> Void
  ) throws(Failure) {
    lineNumber += 1
    let isWhole = isTerminated && line.count <= Self.longestLine
    switch ProcNetTCPLine(
      line.extracting(first: min(line.count, Self.longestLine)), isWhole: isWhole,
      byteOrder: byteOrder, into: &row)
    {
    case .empty: break
    case .header:
      tally.headers += 1
      recent.removeAll()
    case .damaged:
      tally.damaged += 1
      if tally.firstDamaged == nil { tally.firstDamaged = lineNumber }
    case .row(let pointer):
      guard recent.insert(row, pointer: pointer) else {
        tally.duplicates += 1
        return
      }
      tally.rows += 1
      try body(row)
    }
  }

  private static func newline(in bytes: Span<UInt8>, from start: Int) -> Int? {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress, start < buffer.count,
        let found = unsafe memchr(base + start, Int32(UInt8(ascii: "\n")), buffer.count - start)
      else { return nil }
      return unsafe UnsafeRawPointer(base).distance(to: found)
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
    _ byteOrder: ByteOrder = .host, _ body: (SocketRow) throws(Failure) -> Void,
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
