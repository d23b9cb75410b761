// Digests of what is sent and received, computed on the way.

internal import CLinux

/// The kinds of digests.
public enum DigestAlgorithm: String, CaseIterable, Hashable, Sendable {
  /// FIPS 180-4: nobody can make other data with the same digest.
  case sha256
  /// CRC-32C, RFC 3720: finds what happens by accident, at the cost of next to nothing.
  case crc32c

  /// Bytes of its result.
  public var byteCount: Int { self == .sha256 ? 32 : 4 }

  /// Whether this processor has instructions for it.
  public var hasHardware: Bool {
    switch self {
    case .sha256: clinux_has_sha256() != 0
    case .crc32c: clinux_has_crc32c() != 0
    }
  }
}

/// What a digest came to.
public struct DigestValue: Hashable, Sendable {
  public let algorithm: DigestAlgorithm
  /// As many as the algorithm gives; a checksum's most significant one is first.
  public let bytes: [UInt8]

  init(_ algorithm: DigestAlgorithm, _ bytes: [UInt8]) {
    self.algorithm = algorithm
    self.bytes = bytes
  }

  /// Reads hexadecimal digits of either case; nil where they are no digest of this kind.
  public init?(_ algorithm: DigestAlgorithm, hexadecimal text: some StringProtocol) {
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in text.utf8 {
      guard digit < 0x80, let value = Character(UnicodeScalar(digit)).hexDigitValue else {
        return nil
      }
      if let first = high {
        bytes.append(first << 4 | UInt8(value))
        high = nil
      } else {
        high = UInt8(value)
      }
    }
    guard high == nil, bytes.count == algorithm.byteCount else { return nil }
    self.init(algorithm, bytes)
  }

  /// Lower-case hexadecimal digits.
  public var hexadecimal: String {
    bytes.map { String(0x100 | UInt16($0), radix: 16).dropFirst() }.joined()
  }
}

/// Takes bytes in, in pieces of any size, and gives their digest.
public struct Digest: Sendable {
  private enum State: Sendable {
    case sha256(SHA256)
    case crc32c(CRC32C)
  }

  private var state: State

  /// - Parameter usesHardware: Whether the processor's own instructions are used, where it has them.
  public init(_ algorithm: DigestAlgorithm, usesHardware: Bool = true) {
    let usesHardware = usesHardware && algorithm.hasHardware
    switch algorithm {
    case .sha256: state = .sha256(SHA256(usesHardware: usesHardware))
    case .crc32c: state = .crc32c(CRC32C(usesHardware: usesHardware))
    }
  }

  public mutating func append(_ bytes: Span<UInt8>) {
    // Taken out and put back, so that there is one owner and nothing is copied.
    switch state {
    case .sha256(var digest):
      digest.append(bytes)
      state = .sha256(digest)
    case .crc32c(var digest):
      digest.append(bytes)
      state = .crc32c(digest)
    }
  }

  /// The digest of what has been taken in so far.
  public var value: DigestValue {
    switch state {
    case .sha256(let digest): DigestValue(.sha256, digest.value)
    case .crc32c(let digest): DigestValue(.crc32c, digest.value)
    }
  }
}

/// SHA-256 over pieces: the rest that is no whole block waits for more.
private struct SHA256: Sendable {
  private static let blockSize = 64
  private let usesHardware: Bool
  /// The first 32 bits of the fractional parts of the square roots of the first eight primes.
  private var words: [8 of UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
    0x5be0_cd19,
  ]
  private var rest = [64 of UInt8](repeating: 0)
  private var restCount = 0
  private var length: UInt64 = 0

  init(usesHardware: Bool) { self.usesHardware = usesHardware }

  mutating func append(_ bytes: Span<UInt8>) {
    length &+= UInt64(bytes.count)
    var bytes = bytes
    if restCount > 0 {
      let taken = min(Self.blockSize - restCount, bytes.count)
      keep(bytes.extracting(first: taken))
      bytes = bytes.extracting(droppingFirst: taken)
      guard restCount == Self.blockSize else { return }
      compressRest()
    }
    let whole = bytes.count / Self.blockSize * Self.blockSize
    if whole > 0 { compress(bytes.extracting(first: whole)) }
    keep(bytes.extracting(droppingFirst: whole))
  }

  var value: [UInt8] {
    var last = self
    let bitCount = length &* 8
    // A one bit, zeros up to the last eight bytes of a block, and there the length in bits.
    last.rest[restCount] = 0x80
    last.restCount += 1
    if last.restCount > Self.blockSize - 8 {
      last.fillWithZeros(to: Self.blockSize)
      last.compressRest()
    }
    last.fillWithZeros(to: Self.blockSize - 8)
    for shift in 0..<8 {
      last.rest[Self.blockSize - 1 - shift] = UInt8(truncatingIfNeeded: bitCount >> (8 * shift))
    }
    last.compressRest()
    var bytes: [UInt8] = []
    for word in last.words.indices {
      for shift in [24, 16, 8, 0] {
        bytes.append(UInt8(truncatingIfNeeded: last.words[word] >> UInt32(shift)))
      }
    }
    return bytes
  }

  private mutating func fillWithZeros(to end: Int) {
    while restCount < end {
      rest[restCount] = 0
      restCount += 1
    }
  }

  private mutating func keep(_ bytes: Span<UInt8>) {
    for place in bytes.indices { rest[restCount + place] = bytes[place] }
    restCount += bytes.count
  }

  private mutating func compressRest() {
    let block = rest
    compress(block.span)
    restCount = 0
  }

  private mutating func compress(_ blocks: Span<UInt8>) {
    let count = blocks.count / Self.blockSize
    var state = words.mutableSpan
    unsafe state.withUnsafeMutableBufferPointer { state in
      unsafe blocks.withUnsafeBytes { blocks in
        if usesHardware {
          unsafe clinux_sha256_hardware(state.baseAddress, blocks.baseAddress, count)
        } else {
          unsafe clinux_sha256_portable(state.baseAddress, blocks.baseAddress, count)
        }
      }
    }
  }
}

/// CRC-32C over pieces.
private struct CRC32C: Sendable {
  private let usesHardware: Bool
  private var register = ~UInt32(0)

  init(usesHardware: Bool) { self.usesHardware = usesHardware }

  mutating func append(_ bytes: Span<UInt8>) {
    unsafe bytes.withUnsafeBytes { bytes in
      register =
        usesHardware
        ? unsafe clinux_crc32c_hardware(register, bytes.baseAddress, bytes.count)
        : unsafe clinux_crc32c_portable(register, bytes.baseAddress, bytes.count)
    }
  }

  var value: [UInt8] {
    let crc = ~register
    return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: crc >> UInt32($0)) }
  }
}
