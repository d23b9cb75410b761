// Texts that somebody saved: files and standard input, and the copies of /proc/net/tcp and tcp6 that
// may be in them.

internal import Glibc
public import SocketCore

/// A text that somebody saved, open for one reading. What it is can be seen before it is read.
public struct SavedFile: ~Copyable {
  /// What messages call it.
  public let name: String
  /// Nil for standard input.
  private let file: ProcFile?
  /// What was read and not handed over yet.
  private var ahead: [UInt8] = []

  /// - Parameter path: a file; `-` is standard input.
  /// - Throws: the errno of open(2).
  public init(_ path: String) throws(SystemCallError) {
    name = path == "-" ? "standard input" : path
    file = path == "-" ? nil : try ProcFile(path)
  }

  /// Reads into the start of `buffer`, which must not be empty.
  ///
  /// - Returns: how many bytes; 0 at the end.
  /// - Throws: the errno of read(2).
  public mutating func read(into buffer: inout [UInt8]) throws(SystemCallError) -> Int {
    if ahead.isEmpty { return try readOn(into: &buffer) }
    let count = min(ahead.count, buffer.count)
    buffer.replaceSubrange(0..<count, with: ahead.prefix(count))
    ahead.removeFirst(count)
    return count
  }

  /// The first byte that is no blank, which is not taken from what is to be read; nil where there is
  /// none in the first 64 KiB.
  ///
  /// - Throws: the errno of read(2).
  public mutating func firstByte() throws(SystemCallError) -> UInt8? {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while true {
      if let byte = ahead.first(where: { $0 > 0x20 }) { return byte }
      if ahead.count > 65_536 { return nil }
      let count = try readOn(into: &buffer)
      if count == 0 { return nil }
      ahead += buffer.prefix(count)
    }
  }

  private func readOn(into buffer: inout [UInt8]) throws(SystemCallError) -> Int {
    switch file {
    case .some(let file): return try file.read(into: &buffer)
    case .none:
      let room = buffer.count
      return try SystemCall(name: "read").make(name) {
        unsafe Glibc.read(STDIN_FILENO, &buffer, room)
      }
    }
  }
}

extension SavedFile {
  /// Calls `body` with each line of what is left.
  ///
  /// - Parameter longest: how many bytes of a line are handed over at most.
  /// - Returns: nothing, or what `body` threw, which ends the walk.
  /// - Throws: the errno of read(2).
  public mutating func forEachLine<Failure>(
    upTo longest: Int, _ body: (Span<UInt8>, LineCutter.Line) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<Void, Failure> {
    var cutter = LineCutter(longest: longest)
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = try read(into: &buffer)
      do throws(Failure) {
        if count == 0 {
          try cutter.finish(body)
          return .success(())
        }
        try cutter.consume(buffer.span.extracting(first: count), body)
      } catch {
        return .failure(error)
      }
    }
  }
}

/// Saved copies of /proc/net/tcp and /proc/net/tcp6, from this machine or another.
public enum SavedTable {
  /// Calls `body` with each row of a saved text, lent without what comes from elsewhere. The text may hold both tables one behind the other, and
  /// whatever else: lines that are no rows are counted.
  ///
  /// - Parameter byteOrder: that of the machine on which it was saved.
  /// - Returns: what was handed over and what was not, or what `body` threw, which ends the walk.
  /// - Throws: the errno of read(2).
  public static func forEachEntry<Failure>(
    in file: inout SavedFile, byteOrder: ProcNetTCPParser.ByteOrder = .host,
    _ body: (inout SocketEntry) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<TableTally, Failure> {
    try ProcNetTCPParser.walk(byteOrder, body) { buffer throws(SystemCallError) in
      try file.read(into: &buffer)
    }
  }

  /// The same for the rows of a file, or for standard input as `-`.
  ///
  /// - Throws: the errno of open(2) or read(2).
  public static func forEachRow<Failure>(
    in path: String, byteOrder: ProcNetTCPParser.ByteOrder = .host,
    _ body: (SocketRow) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<TableTally, Failure> {
    var file = try SavedFile(path)
    return try forEachEntry(in: &file, byteOrder: byteOrder) { entry throws(Failure) in
      try body(entry.row)
    }
  }
}

extension TableTally {
  /// Whether what was read is a table of sockets at all: it has a header, or more rows than other lines.
  public var isTable: Bool { headers > 0 || rows > damaged }
}
