// Data that both ends can make for themselves, so that one can tell whether it got what the other
// sent, and where it differs.

internal import Glibc

/// Endless data of which every part can be made without what is in front of it.
///
/// All of it is made of words of eight bytes; word n stands at the bytes 8n to 8n + 7.
public enum DataPattern: Hashable, Sendable {
  /// Zeros: the least work for whoever sends them.
  case zero
  /// Word n is n, its most significant byte first: a dump of the data tells where in it one is.
  case counter
  /// Word n is output n of SplitMix64 (Steele, Lea and Flood, 2014) from the seed, its least
  /// significant byte first: no compression makes it smaller, and no shift gives the same again.
  case random(seed: UInt64)

  /// Fills `bytes` with what stands at `offset` in the data.
  public func fill(_ bytes: inout MutableRawSpan, at offset: Int) {
    unsafe bytes.withUnsafeMutableBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      switch self {
      case .zero: unsafe memset(start, 0, bytes.count)
      case .counter, .random:
        // A part of a word in front, whole words, a part of one behind.
        var done = 0
        var position = UInt64(offset)
        while done < bytes.count {
          let skipped = Int(position % 8)
          if skipped == 0, bytes.count - done >= 8 {
            let words = (bytes.count - done) / 8
            unsafe fill(start + done, words: words, from: position / 8)
            done += words * 8
            position += UInt64(words * 8)
          } else {
            let word = word(position / 8)
            let count = min(8 - skipped, bytes.count - done)
            for place in 0..<count {
              let shift = UInt64(8 * (skipped + place))
              unsafe bytes[done + place] = UInt8(truncatingIfNeeded: word >> shift)
            }
            done += count
            position += UInt64(count)
          }
        }
      }
    }
  }

  private func fill(_ start: UnsafeMutableRawPointer, words: Int, from first: UInt64) {
    switch self {
    case .zero: break
    case .counter:
      for place in 0..<words {
        unsafe start.storeBytes(
          of: (first &+ UInt64(place)).bigEndian, toByteOffset: place &* 8, as: UInt64.self)
      }
    case .random(let seed):
      var state = seed &+ first &* Self.step
      for place in 0..<words {
        state &+= Self.step
        unsafe start.storeBytes(
          of: Self.mixed(state).littleEndian, toByteOffset: place &* 8, as: UInt64.self)
      }
    }
  }

  /// A word, the byte that comes first in its lowest place.
  private func word(_ number: UInt64) -> UInt64 {
    switch self {
    case .zero: 0
    case .counter: number.byteSwapped
    case .random(let seed): Self.mixed(seed &+ (number &+ 1) &* Self.step)
    }
  }

  /// 2⁶⁴ divided by the golden ratio, made odd.
  private static let step: UInt64 = 0x9e37_79b9_7f4a_7c15

  private static func mixed(_ state: UInt64) -> UInt64 {
    var word = state
    word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
    return word ^ word >> 31
  }
}

/// Compares received data with a pattern.
public struct PatternCheck: Sendable {
  /// A byte that is not what it should be.
  public struct Difference: Hashable, Sendable {
    /// Where it stands, counted from 0.
    public var offset: Int
    public var expected: UInt8
    public var found: UInt8
  }

  private let pattern: DataPattern
  private var expected = [UInt8](repeating: 0, count: 16 * 1024)
  /// Bytes that have been compared.
  public private(set) var count = 0
  /// The first byte that differs.
  public private(set) var first: Difference?
  /// How many bytes differ.
  public private(set) var wrong = 0

  public init(_ pattern: DataPattern) { self.pattern = pattern }

  public mutating func append(_ bytes: Span<UInt8>) {
    let pattern = pattern
    var bytes = bytes
    while !bytes.isEmpty {
      let part = bytes.extracting(first: min(bytes.count, expected.count))
      bytes = bytes.extracting(droppingFirst: part.count)
      let place = count
      var span = expected.mutableSpan
      var whole = unsafe span.mutableBytes
      var target = whole._mutatingExtracting(first: part.count)
      pattern.fill(&target, at: place)
      if !isEqual(part) { findDifferences(part) }
      count += part.count
    }
  }

  private func isEqual(_ part: Span<UInt8>) -> Bool {
    unsafe part.withUnsafeBytes { found in
      unsafe expected.withUnsafeBytes { expected in
        guard let found = found.baseAddress, let expected = expected.baseAddress else {
          return true
        }
        return unsafe memcmp(found, expected, part.count) == 0
      }
    }
  }

  private mutating func findDifferences(_ part: Span<UInt8>) {
    for place in part.indices where part[place] != expected[place] {
      if first == nil {
        first = Difference(
          offset: count + place, expected: expected[place], found: part[place])
      }
      wrong += 1
    }
  }
}

/// Bytes to be sent that follow a pattern: so many, or for so long, or both.
final class PatternSource: InternalInput {
  private let pattern: DataPattern
  /// Bytes still to come; nil is without end.
  private var sizeLeft: Int?
  private let duration: Duration?
  /// When nothing more is made; known once the first bytes are asked for.
  private var end: MonotonicInstant?
  private var offset = 0

  init(_ pattern: DataPattern, size: Int?, duration: Duration?) {
    self.pattern = pattern
    self.duration = duration
    sizeLeft = size
  }

  var isReady: Bool { true }

  /// Zeros, as many as one part of a message.
  private static let zeros = [UInt8](repeating: 0, count: 64 * 1024)

  var run: [UInt8]? { pattern == .zero ? Self.zeros : nil }

  var rest: Int {
    if end == nil { end = duration.map { .now + $0 } }
    if let end, .now >= end { return 0 }
    return sizeLeft ?? .max
  }

  func skip(_ count: Int) {
    offset += count
    sizeLeft = sizeLeft.map { $0 - count }
  }

  func read(into buffer: inout MutableRawSpan) -> TransferResult {
    let count = min(buffer.byteCount, rest)
    guard count > 0 else { return .endOfInput }
    var target = buffer._mutatingExtracting(first: count)
    pattern.fill(&target, at: offset)
    skip(count)
    return .transferred(count)
  }
}

extension ByteInput {
  /// Data that follows a pattern, made in this process.
  ///
  /// - Parameters:
  ///   - size: How many bytes; nil is without end.
  ///   - duration: How long, counted from the first byte; nil is for ever.
  public static func pattern(
    _ pattern: DataPattern, size: Int?, duration: Duration?
  ) -> ByteInput {
    ByteInput(PatternSource(pattern, size: size, duration: duration))
  }
}
