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
      // One blank is usual.
      if line.count - offset > 1, line[offset + 1] > 0x20 {
        offset += 1
        return true
      }
    }
    skipSpaces(in: line)
    while offset < line.count && Self.isBlank(line[offset]) { offset += 1 }
    return offset < line.count
  }

  /// Goes past spaces, which are seen at eight bytes at once: the kernel pads its columns with them.
  /// Other blanks, and spaces among the last seven bytes, may be left.
  @inline(__always)
  private mutating func skipSpaces(in line: Span<UInt8>) {
    while let word = eightBytes(at: offset, in: line) {
      let others = word ^ 0x2020_2020_2020_2020
      offset += others.trailingZeroBitCount / 8
      if others != 0 { return }
    }
  }

  /// Whether the word is read to its end.
  @inline(__always)
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
  @inline(__always)
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
    if let word = eightBytes(at: offset, in: line) {
      let digits = Self.decimalDigits(of: word)
      value = digits.value
      offset += digits.count
      if digits.count < 8 { return offset > start ? value : nil }
    }
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
  @inline(__always)
  mutating func wholeDecimal(in line: Span<UInt8>) -> UInt64? {
    guard let value = decimal(in: line), isAtEnd(of: line) else { return nil }
    return value
  }

  /// Reads hexadecimal digits, at least one.
  ///
  /// - Parameters:
  ///   - width: How many there nearly always are, up to 8: a place that does not depend on what was
  ///     read lets the processor go on to the next number at once.
  ///   - most: The largest number that fits, which has at least so many digits.
  @inline(__always)
  mutating func hexadecimal(
    _ width: Int, upTo most: UInt64, in line: Span<UInt8>
  ) -> UInt64? {
    if line.count - offset > 8, let word = eightBytes(at: offset, in: line) {
      let digits = Self.hexadecimalDigits(of: word)
      if digits.count == width, width < 8 || Self.digit(line[offset + 8]) > 15 {
        offset += width
        return digits.value
      }
    }
    return anyHexadecimal(upTo: most, in: line)
  }

  /// The same for any number of digits.
  @inline(never)
  private mutating func anyHexadecimal(upTo most: UInt64, in line: Span<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    var lost: UInt64 = 0
    let start = offset
    while offset < line.count {
      let digit = Self.digit(line[offset])
      guard digit < 16 else { break }
      lost |= value >> 60
      value = value << 4 | UInt64(digit)
      offset += 1
    }
    return offset > start && lost == 0 && value <= most ? value : nil
  }

  /// Reads the rest of the word as a hexadecimal number.
  @inline(__always)
  mutating func wholeHexadecimal(
    _ width: Int, upTo most: UInt64, in line: Span<UInt8>
  ) -> UInt64? {
    guard let value = hexadecimal(width, upTo: most, in: line), isAtEnd(of: line) else {
      return nil
    }
    return value
  }

  /// The same for a number of 64 bits, which nearly always has 16 digits.
  @inline(__always)
  mutating func wholeHexadecimal(in line: Span<UInt8>) -> UInt64? {
    if let high = eightBytes(at: offset, in: line), let low = eightBytes(at: offset + 8, in: line) {
      let (first, second) = (Self.hexadecimalDigits(of: high), Self.hexadecimalDigits(of: low))
      let end = WordReader(offset: offset + 16)
      if first.count == 8, second.count == 8, end.isAtEnd(of: line) {
        self = end
        return first.value << 32 | second.value
      }
    }
    guard let value = anyHexadecimal(upTo: .max, in: line), isAtEnd(of: line) else { return nil }
    return value
  }

  /// Reads exactly eight hexadecimal digits, of which more may follow.
  @inline(__always)
  mutating func eightDigits(in line: Span<UInt8>) -> UInt64? {
    guard let word = eightBytes(at: offset, in: line) else { return nil }
    let digits = Self.hexadecimalDigits(of: word)
    guard digits.count == 8 else { return nil }
    offset += 8
    return digits.value
  }

  /// Eight bytes, the first of them lowest; nil where the line has fewer from there on. To look at all
  /// of them at once, each in its byte of a word, takes half the time of a loop.
  @inline(__always)
  private func eightBytes(at place: Int, in line: Span<UInt8>) -> UInt64? {
    guard line.count - place >= 8 else { return nil }
    return UInt64(
      littleEndian: unsafe line.bytes.unsafeLoadUnaligned(fromByteOffset: place, as: UInt64.self))
  }

  /// The digits at the start of eight bytes: how many there are, and their value.
  @inline(__always)
  private static func decimalDigits(of word: UInt64) -> (count: Int, value: UInt64) {
    let count = leading(areDecimal(word), in: word)
    // To the end, behind zeros.
    let ones = (count == 0 ? 0 : word << UInt64(64 - 8 * count)) & 0x0F0F_0F0F_0F0F_0F0F
    let twos = (ones &* 10 &+ ones >> 8) & 0x00FF_00FF_00FF_00FF
    let fours = (twos &* 100 &+ twos >> 16) & 0x0000_FFFF_0000_FFFF
    return (count, (fours &* 10_000 &+ fours >> 32) & 0xFFFF_FFFF)
  }

  /// The same for hexadecimal digits.
  @inline(__always)
  private static func hexadecimalDigits(of word: UInt64) -> (count: Int, value: UInt64) {
    // Capitals become small letters, and what is neither stays so.
    let small = word & 0x7F7F_7F7F_7F7F_7F7F | 0x2020_2020_2020_2020
    let areLetters = (small &+ 0x1F1F_1F1F_1F1F_1F1F) & ~(small &+ 0x1919_1919_1919_1919)
    let letters = areLetters >> 7 & 0x0101_0101_0101_0101
    let count = leading(areDecimal(word) | areLetters, in: word)
    let ones = (word & 0x0F0F_0F0F_0F0F_0F0F &+ letters &* 9).byteSwapped
    let twos = (ones | ones >> 4) & 0x00FF_00FF_00FF_00FF
    let fours = (twos | twos >> 8) & 0x0000_FFFF_0000_FFFF
    let all = (fours | fours >> 16) & 0xFFFF_FFFF
    return (count, all >> UInt64(32 - 4 * count))
  }

  /// The highest bit of each byte that is a decimal digit, or becomes one without its own highest bit.
  /// No sum goes beyond its byte.
  @inline(__always)
  private static func areDecimal(_ word: UInt64) -> UInt64 {
    let low = word & 0x7F7F_7F7F_7F7F_7F7F
    return (low &+ 0x5050_5050_5050_5050) & ~(low &+ 0x4646_4646_4646_4646)
  }

  /// How many bytes at the start of a word have their highest bit in `marks` and not in the word.
  @inline(__always)
  private static func leading(_ marks: UInt64, in word: UInt64) -> Int {
    (~(marks & ~word) & 0x8080_8080_8080_8080).trailingZeroBitCount / 8
  }

  /// The value of a hexadecimal digit; 255 for anything else. Without branches, which could not be
  /// foretold for random digits.
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
