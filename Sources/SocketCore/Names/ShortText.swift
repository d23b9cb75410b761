// Numbers and short texts as bytes, without a String for each and without a loop over their digits:
// tables of 100,000 rows are written with these.

/// Up to eight characters of ASCII in one word, the first in its lowest byte.
struct ShortText {
  private(set) var word: UInt64
  private(set) var count: Int

  /// One character.
  @inline(__always)
  init(_ character: Unicode.Scalar) {
    word = UInt64(UInt8(ascii: character))
    count = 1
  }

  /// A byte as a decimal number, and a full stop.
  @inline(__always)
  init(byteAndStop byte: UInt8) {
    word = UInt64(bytesAndStops[Int(byte)])
    count = 2 + (byte > 9 ? 1 : 0) + (byte > 99 ? 1 : 0)
  }

  /// A port in decimal digits. Their number is found beside them, not from them: the next text waits
  /// for it.
  @inline(__always)
  init(port: UInt16) {
    self.init(eightDigits: UInt32(port))
    count =
      1 + (port > 9 ? 1 : 0) + (port > 99 ? 1 : 0) + (port > 999 ? 1 : 0)
      + (port > 9_999 ? 1 : 0)
    word &>>= UInt64(8 &* (8 &- count))
  }

  /// A number below 10⁸ in decimal digits.
  @inline(__always)
  init(decimal number: UInt32) {
    self.init(eightDigits: number)
    // At least one of them stays. The lower four bits of a digit are its value.
    let zeros = min(7, (word & 0x0F0F_0F0F_0F0F_0F0F).trailingZeroBitCount / 8)
    word &>>= UInt64(8 &* zeros)
    count = 8 - zeros
  }

  /// The same with leading zeros. The digits are found in three steps instead of eight, side by side:
  /// halves of four digits, then of two, then of one. A division is a multiplication that is exact for
  /// so few digits.
  @inline(__always)
  init(eightDigits number: UInt32) {
    let fours = UInt64(number / 10_000) | UInt64(number % 10_000) << 32
    let hundreds = (fours &* 10_486) >> 20 & 0x7F_0000_007F
    let twos = hundreds | (fours &- 100 &* hundreds) << 16
    let tens = (twos &* 103) >> 10 & 0x000F_000F_000F_000F
    let ones = tens | (twos &- 10 &* tens) << 8
    word = ones | 0x3030_3030_3030_3030
    count = 8
  }

  @inline(__always)
  static func + (left: Self, right: Self) -> Self {
    var sum = left
    sum.word |= right.word &<< UInt64(8 &* left.count)
    sum.count += right.count
    return sum
  }

  @inline(__always)
  func withoutLast() -> Self {
    var text = self
    text.count -= 1
    text.word &= ~(0xFF &<< UInt64(8 &* text.count))
    return text
  }
}

/// `0.`, `1.` and so on to `255.`, the first character lowest.
private let bytesAndStops = InlineArray<256, UInt32> { byte in
  "\(byte).".utf8.reversed().reduce(0) { $0 << 8 | UInt32($1) }
}

extension OutputSpan<UInt8> {
  /// Appends texts. There has to be room for eight bytes for each.
  @inline(__always)
  mutating func append<let count: Int>(_ texts: InlineArray<count, ShortText>) {
    unsafe withUnsafeMutableBufferPointer { room, filled in
      precondition(room.count &- filled >= 8 * count, "no room")
      let bytes = UnsafeMutableRawBufferPointer(room)
      var place = filled
      for number in texts.indices {
        unsafe bytes.storeBytes(
          of: texts[number].word.littleEndian, toByteOffset: place, as: UInt64.self)
        place &+= texts[number].count
      }
      filled = place
    }
  }

  /// Appends a decimal number. There has to be room for 24 bytes.
  public mutating func append(decimal number: UInt64) {
    // Most numbers of a table are 0.
    if number < 10 { return append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number)) }
    if number < 100_000_000 {
      return append([ShortText(decimal: UInt32(truncatingIfNeeded: number))])
    }
    append(decimal: number / 100_000_000)
    append([ShortText(eightDigits: UInt32(truncatingIfNeeded: number % 100_000_000))])
  }

  /// Appends a text.
  mutating func append(_ text: StaticString) {
    for place in 0..<text.utf8CodeUnitCount { append(unsafe text.utf8Start[place]) }
  }

  /// Appends a number below 65,536 in lower case, without leading zeros.
  mutating func append(hexadecimal group: UInt64) {
    var started = false
    for shift in stride(from: 12, through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: group >> UInt64(shift) & 0xF)
      if digit == 0 && !started && shift != 0 { continue }
      started = true
      append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }
}
