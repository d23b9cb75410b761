// Streams that are made or used up inside this process: no descriptor, and never anything to wait for
// but the program itself.

/// Bytes to be sent that come from this process.
protocol InternalInput: AnyObject {
  /// Whether a read would give bytes or the end.
  var isReady: Bool { get }
  func read(into buffer: inout MutableRawSpan) throws(SystemCallError) -> TransferResult
  /// Nothing more is read.
  func abandon()
  /// Where all bytes of it are the same: some of them, to be sent over and over in place of reading.
  var run: [UInt8]? { get }
  /// How many of these may be sent now; 0 at the end.
  var rest: Int { get }
  /// Takes in that so many were sent.
  func skip(_ count: Int)
}

extension InternalInput {
  func abandon() {}
  var run: [UInt8]? { nil }
  var rest: Int { 0 }
  func skip(_ count: Int) {}
}

/// Received bytes that stay in this process.
protocol InternalOutput: AnyObject {
  /// - Returns: `wouldBlock` where nothing can be taken now.
  func write(_ bytes: RawSpan) throws(SystemCallError) -> TransferResult
  /// Takes what was there when the connection was cut short; there is no other try.
  func writeLast(_ bytes: RawSpan) throws(SystemCallError) -> TransferResult
  /// Nothing more comes.
  func close() throws(SystemCallError)
}

/// What is written comes out again: the peer gets back what it sent.
final class EchoStream: InternalInput, InternalOutput {
  private var bytes: [UInt8] = []
  private var filled = 0..<0
  private var hasEnded = false
  private var isAbandoned = false
  private let pool: BufferPool

  init(_ pool: BufferPool) { self.pool = pool }

  var isReady: Bool { !filled.isEmpty || hasEnded }

  /// From now on what is written is dropped: room for it would never come.
  func abandon() {
    isAbandoned = true
    filled = 0..<0
    pool.takeBack(from: &bytes)
  }

  func write(_ source: RawSpan) -> TransferResult {
    if isAbandoned { return .transferred(source.byteCount) }
    pool.lend(to: &bytes)
    let count = min(source.byteCount, bytes.count - filled.upperBound)
    guard count > 0 else { return .wouldBlock }
    copy(source.extracting(first: count), at: filled.upperBound)
    filled = filled.lowerBound..<filled.upperBound + count
    return .transferred(count)
  }

  func writeLast(_ bytes: RawSpan) -> TransferResult { write(bytes) }

  private func copy(_ source: RawSpan, at place: Int) {
    unsafe source.withUnsafeBytes { source in
      unsafe bytes.withUnsafeMutableBytes { target in
        unsafe UnsafeMutableRawBufferPointer(rebasing: target[place...]).copyMemory(from: source)
      }
    }
  }

  func read(into buffer: inout MutableRawSpan) -> TransferResult {
    let count = min(buffer.byteCount, filled.count)
    guard count > 0 else { return hasEnded ? .endOfInput : .wouldBlock }
    unsafe buffer.withUnsafeMutableBytes { target in
      unsafe bytes.withUnsafeBytes { source in
        unsafe target.copyMemory(
          from: UnsafeRawBufferPointer(
            rebasing: source[filled.lowerBound..<filled.lowerBound + count]))
      }
    }
    filled = filled.lowerBound + count..<filled.upperBound
    if filled.isEmpty {
      filled = 0..<0
      pool.takeBack(from: &bytes)
    }
    return .transferred(count)
  }

  func close() { hasEnded = true }
}

/// Lines of printable characters, each shifted by one against the line before, without end or up to
/// a size: the pattern of the character generator protocol, RFC 864.
final class CharacterGenerator: InternalInput {
  /// Bytes still to come; nil is without end.
  private var rest: Int?
  private var offset = 0
  private static let firstCharacter = UInt8(ascii: " ")
  private static let characterCount = 95
  /// Printable characters a line; CR and LF follow.
  private static let lineLength = 72
  /// All lines there are, once: from then on they repeat.
  private static let pattern: [UInt8] = {
    var text: [UInt8] = []
    for line in 0..<characterCount {
      for place in 0..<lineLength {
        text.append(firstCharacter + UInt8((line + place) % characterCount))
      }
      text += [UInt8(ascii: "\r"), UInt8(ascii: "\n")]
    }
    return text
  }()

  init(size: Int?) { rest = size }

  var isReady: Bool { true }

  func read(into buffer: inout MutableRawSpan) -> TransferResult {
    let count = min(buffer.byteCount, rest ?? .max)
    guard count > 0 else { return .endOfInput }
    unsafe buffer.withUnsafeMutableBytes { target in
      unsafe Self.pattern.withUnsafeBytes { pattern in
        var done = 0
        while done < count {
          let part = min(count - done, pattern.count - offset)
          unsafe UnsafeMutableRawBufferPointer(rebasing: target[done...]).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: pattern[offset..<offset + part]))
          done += part
          offset = (offset + part) % pattern.count
        }
      }
    }
    rest = rest.map { $0 - count }
    return .transferred(count)
  }
}
