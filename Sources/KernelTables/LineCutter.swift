// Text in pieces of any size, cut into lines: the one place where that is done.

internal import Glibc

/// Cuts bytes into lines. The same text gives the same lines wherever it is cut into pieces.
///
/// Memory is bounded: of a line no more is kept than the longest that is asked for, and nothing is
/// allocated for a line.
public struct LineCutter: Sendable {
  /// What a line is, besides its bytes.
  public struct Line: Sendable {
    /// From 1.
    public let number: Int
    /// False where its newline is missing, or where it is longer than what was kept of it.
    public let isWhole: Bool
  }

  private let longest: Int
  private var number = 0
  /// The start of a line whose end has not come yet, as far as it is kept at all.
  private var pending: [UInt8] = []
  /// Its whole length.
  private var pendingLength = 0

  /// - Parameter longest: how many bytes of a line are handed over at most.
  public init(longest: Int) {
    self.longest = longest
    pending.reserveCapacity(min(longest, 65_536))
  }

  /// Takes the next piece of text and calls `body` with each line that it completes, without its
  /// newline.
  ///
  /// - Throws: what `body` throws. The rest of the piece is lost then.
  public mutating func consume<Failure>(
    _ bytes: Span<UInt8>, _ body: (Span<UInt8>, Line) throws(Failure) -> Void
  ) throws(Failure) {
    var start = 0
    while let end = Self.newline(in: bytes, from: start) {
      if pendingLength == 0 {
        number += 1
        let length = min(end - start, longest)
        try body(
          bytes.extracting(start..<(start + length)),
          Line(number: number, isWhole: length == end - start))
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
    _ body: (Span<UInt8>, Line) throws(Failure) -> Void
  ) throws(Failure) {
    if pendingLength > 0 { try takePending(isTerminated: false, body) }
  }

  private mutating func keep(_ bytes: Span<UInt8>) {
    pendingLength += bytes.count
    let room = min(bytes.count, longest - pending.count)
    if room > 0 {
      unsafe bytes.extracting(first: room).withUnsafeBufferPointer {
        unsafe pending.append(contentsOf: $0)
      }
    }
  }

  private mutating func takePending<Failure>(
    isTerminated: Bool, _ body: (Span<UInt8>, Line) throws(Failure) -> Void
  ) throws(Failure) {
    // Taken out, so that the line can be read while this changes; then its room is reused.
    var line: [UInt8] = []
    swap(&line, &pending)
    number += 1
    let isWhole = isTerminated && pendingLength == line.count
    pendingLength = 0
    defer {
      swap(&line, &pending)
      pending.removeAll(keepingCapacity: true)
    }
    try body(line.span, Line(number: number, isWhole: isWhole))
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
