// Reading words and numbers in the bytes of a line, without copying them.

/// A place in a line. The line itself is handed to each call, since a struct cannot hold a span.
///
/// Numbers that do not fit are no numbers: every reader returns nil rather than something else than
/// what stands there.
///
/// The readers are inlined by force: the compiler leaves them out of line otherwise, and a row has
/// two dozen words.
struct WordReader {
  private var offset = 0

  /// Goes to the start of the next word, past what is left of this one.
  ///
  /// - Returns: false where there is none.
  @inline(__always)
  mutating func advance(in line: Span<UInt8>) -> Bool {
    if offset > 0 {
      while offset < line.count && !Self.isBlank(line[offset]) { offset += 1 }
    }
    skipSpaces(in: line)
    while offset < line.count && Self.isBlank(line[offset]) { offset += 1 }
    return offset < line.count
  }

  /// Goes past spaces, which are seen at eight bytes at once: the kernel pads its columns with them.
  /// Other blanks, and spaces among the last seven bytes, may be left.
  @inline(__always)
  private mutating func skipSpaces(in line: Span<UInt8>) {
    while line.count - offset >= 8 {
      let word = UInt64(
        littleEndian: unsafe line.bytes.unsafeLoadUnaligned(
          fromByteOffset: offset, as: UInt64.self))
      let others = word ^ 0x2020_2020_2020_2020
      offset += others.trailingZeroBitCount / 8
      if others != 0 { return }
    }
  }

  /// Whether the word is read to its end.
  func isAtEnd(of line: Span<UInt8>) -> Bool {
    offset == line.count || Self.isBlank(line[offset])
  }

  /// Whether the rest of the word is `text`. Moves nothing.
  func reads(_ text: StaticString, in line: Span<UInt8>) -> Bool {
    var other = self
    for index in 0..<text.utf8CodeUnitCount {
      guard other.offset < line.count,
        unsafe line[other.offset] == text.utf8Start[index]
      else { return false }
      other.offset += 1
    }
    return other.isAtEnd(of: line)
  }

  /// Goes past one character if it stands here.
  mutating func skip(_ character: Unicode.Scalar, in line: Span<UInt8>) -> Bool {
    guard offset < line.count, line[offset] == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  /// Reads decimal digits, at least one.
  @inline(__always)
  mutating func decimal(in line: Span<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    let start = offset
    while offset < line.count {
      let digit = line[offset] &- UInt8(ascii: "0")
      guard digit < 10 else { break }
      let (tens, isTooMuch) = value.multipliedReportingOverflow(by: 10)
      let (sum, isTooMuchNow) = tens.addingReportingOverflow(UInt64(digit))
      if isTooMuch || isTooMuchNow { return nil }
      value = sum
      offset += 1
    }
    return offset > start ? value : nil
  }

  /// Reads the rest of the word as a decimal number.
  mutating func wholeDecimal(in line: Span<UInt8>) -> UInt64? {
    guard let value = decimal(in: line), isAtEnd(of: line) else { return nil }
    return value
  }

  /// Reads hexadecimal digits, at least one.
  @inline(__always)
  mutating func hexadecimal<Number: FixedWidthInteger>(
    as type: Number.Type, in line: Span<UInt8>
  ) -> Number? {
    var value: UInt64 = 0
    var lost: UInt64 = 0
    let start = offset
    // Most numbers have four digits or eight: it is seen at the fifth whether eight can be there.
    while line.count - offset > 4, Self.digit(line[offset + 4]) < 16,
      let eight = eightDigits(in: line)
    {
      lost |= value >> 32
      value = value << 32 | UInt64(eight)
    }
    while offset < line.count {
      let digit = Self.digit(line[offset])
      guard digit < 16 else { break }
      lost |= value >> 60
      value = value << 4 | UInt64(digit)
      offset += 1
    }
    return offset > start && lost == 0 ? Number(exactly: value) : nil
  }

  /// Reads the rest of the word as a hexadecimal number.
  @inline(__always)
  mutating func wholeHexadecimal<Number: FixedWidthInteger>(
    as type: Number.Type, in line: Span<UInt8>
  ) -> Number? {
    guard let value = hexadecimal(as: type, in: line), isAtEnd(of: line) else { return nil }
    return value
  }

  /// Reads exactly eight hexadecimal digits, of which more may follow.
  @inline(__always)
  mutating func eightDigits(in line: Span<UInt8>) -> UInt32? {
    guard line.count - offset >= 8 else { return nil }
    // All eight at once, one in each byte of a word: saves a fifth of the time of a whole table.
    let word = UInt64(
      bigEndian: unsafe line.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    // Bit 6 tells a letter from a digit, if it is either. A small letter has bit 5 besides.
    let letters = word & 0x4040_4040_4040_4040
    let low = (word | letters >> 1) ^ (0x3030_3030_3030_3030 ^ (letters >> 6) &* 0x50)
    let values = low &+ (letters >> 6) &* 9
    // Nothing beyond four bits, and ten or more exactly where there is a letter.
    guard (low | values) & 0xF0F0_F0F0_F0F0_F0F0 == 0,
      ((values &+ 0x0606_0606_0606_0606) ^ letters >> 2) & 0x1010_1010_1010_1010 == 0
    else { return nil }
    offset += 8
    let bytes = (values | values >> 4) & 0x00FF_00FF_00FF_00FF
    let halves = (bytes | bytes >> 8) & 0x0000_FFFF_0000_FFFF
    return UInt32(truncatingIfNeeded: halves | halves >> 16)
  }

  /// The value of a hexadecimal digit; 255 for anything else. Without branches, which could not be
  /// foretold for random digits.
  @inline(__always)
  private static func digit(_ byte: UInt8) -> UInt8 {
    let decimal = byte &- UInt8(ascii: "0")
    let letter = (byte | 0x20) &- UInt8(ascii: "a")
    let isNone: UInt8 = (decimal < 10 ? 0 : 0xFF) & (letter < 6 ? 0 : 0xFF)
    return isNone | ((byte & 0x0F) &+ (byte >> 6) &* 9)
  }

  /// Blanks are what isspace(3) calls so, a carriage return among them.
  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte &- 0x09 < 5
  }
}
