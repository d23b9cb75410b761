// Reading JSON from bytes, value by value, without a tree and without a String for each text. RFC 8259.

/// What is wrong with a text that was to be JSON.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, as a person reads it.
  public enum Reason: String, Hashable, Sendable {
    case endsEarly = "the text ends within a value"
    case unexpected = "something else stands here than the value that belongs here"
    case tooDeep = "values are nested too deeply"
    case badNumber = "this is no number"
    case badEscape = "no such escape"
    case controlCharacter = "a control character has to be escaped"
  }

  public var reason: Reason
  /// The byte where it was seen, from 0.
  public var offset: Int

  public var description: String { "\(reason.rawValue) (byte \(offset + 1))" }
}

/// A place in a JSON text. The text is handed to each call, since a structure cannot hold a span.
///
/// Every call stands before a value, or before what separates two of them, and leaves the place behind
/// what it read. Nothing is allocated but for texts that are asked for.
public struct JSONScanner: Sendable {
  public private(set) var offset: Int
  private var depth = 0
  /// Whether an object or array was just entered: no comma stands before its first member.
  private var isFirst = false

  /// Objects and arrays inside each other, at most.
  public static let greatestDepth = 64

  public init(at offset: Int = 0) { self.offset = offset }

  /// What kind of value comes next.
  public enum Kind: Hashable, Sendable {
    case null, bool, number, string, array, object
  }

  /// A text between its quotation marks, as it stands there.
  public struct Text: Hashable, Sendable {
    public let range: Range<Int>
    /// Whether it has to be decoded.
    public let hasEscapes: Bool
  }

  public func error(_ reason: JSONError.Reason) -> JSONError {
    JSONError(reason: reason, offset: offset)
  }

  public mutating func kind(in text: Span<UInt8>) throws(JSONError) -> Kind {
    skipBlanks(in: text)
    guard offset < text.count else { throw error(.endsEarly) }
    return switch text[offset] {
    case UInt8(ascii: "{"): .object
    case UInt8(ascii: "["): .array
    case UInt8(ascii: "\""): .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
    case UInt8(ascii: "n"): .null
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): .number
    default: throw error(.unexpected)
    }
  }

  /// Throws where anything but blanks follows.
  public mutating func finish(in text: Span<UInt8>) throws(JSONError) {
    skipBlanks(in: text)
    if offset < text.count { throw error(.unexpected) }
  }

  // MARK: - Objects and arrays

  public mutating func enterObject(in text: Span<UInt8>) throws(JSONError) {
    try enter(UInt8(ascii: "{"), in: text)
  }

  public mutating func enterArray(in text: Span<UInt8>) throws(JSONError) {
    try enter(UInt8(ascii: "["), in: text)
  }

  private mutating func enter(_ bracket: UInt8, in text: Span<UInt8>) throws(JSONError) {
    skipBlanks(in: text)
    try take(bracket, in: text)
    depth += 1
    if depth > Self.greatestDepth { throw error(.tooDeep) }
    isFirst = true
  }

  /// Goes to the value of the next member of the object.
  ///
  /// - Returns: its key; nil at the object's end, which it goes past.
  public mutating func nextMember(in text: Span<UInt8>) throws(JSONError) -> Text? {
    guard try next(before: UInt8(ascii: "}"), in: text) else { return nil }
    let key = try string(in: text)
    skipBlanks(in: text)
    try take(UInt8(ascii: ":"), in: text)
    return key
  }

  /// Goes to the next element of the array.
  ///
  /// - Returns: false at the array's end, which it goes past.
  public mutating func nextElement(in text: Span<UInt8>) throws(JSONError) -> Bool {
    try next(before: UInt8(ascii: "]"), in: text)
  }

  private mutating func next(before end: UInt8, in text: Span<UInt8>) throws(JSONError) -> Bool {
    skipBlanks(in: text)
    guard offset < text.count else { throw error(.endsEarly) }
    if text[offset] == end {
      offset += 1
      depth -= 1
      isFirst = false
      return false
    }
    if !isFirst { try take(UInt8(ascii: ","), in: text) }
    isFirst = false
    skipBlanks(in: text)
    return true
  }

  // MARK: - Values

  /// Goes past null where it stands here.
  public mutating func skipNull(in text: Span<UInt8>) throws(JSONError) -> Bool {
    skipBlanks(in: text)
    guard offset < text.count else { throw error(.endsEarly) }
    guard text[offset] == UInt8(ascii: "n") else { return false }
    try take("null", in: text)
    return true
  }

  public mutating func bool(in text: Span<UInt8>) throws(JSONError) -> Bool {
    skipBlanks(in: text)
    guard offset < text.count else { throw error(.endsEarly) }
    if text[offset] == UInt8(ascii: "t") {
      try take("true", in: text)
      return true
    }
    try take("false", in: text)
    return false
  }

  /// A text between quotation marks, not decoded.
  public mutating func string(in text: Span<UInt8>) throws(JSONError) -> Text {
    skipBlanks(in: text)
    try take(UInt8(ascii: "\""), in: text)
    let start = offset
    var hasEscapes = false
    while offset < text.count {
      switch text[offset] {
      case UInt8(ascii: "\""):
        offset += 1
        return Text(range: start..<(offset - 1), hasEscapes: hasEscapes)
      case UInt8(ascii: "\\"):
        hasEscapes = true
        try checkEscape(in: text)
      case 0..<0x20: throw error(.controlCharacter)
      default: offset += 1
      }
    }
    throw error(.endsEarly)
  }

  private mutating func checkEscape(in text: Span<UInt8>) throws(JSONError) {
    guard offset + 1 < text.count else { throw error(.endsEarly) }
    switch text[offset + 1] {
    case UInt8(ascii: "u"):
      guard offset + 5 < text.count else { throw error(.endsEarly) }
      guard Self.codeUnit(at: offset + 2, in: text) != nil else { throw error(.badEscape) }
      offset += 6
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      offset += 2
    default: throw error(.badEscape)
    }
  }

  /// The bytes of a number as they stand there.
  ///
  /// - Returns: its range, and whether it has neither a fraction nor an exponent.
  public mutating func number(
    in text: Span<UInt8>
  ) throws(JSONError) -> (range: Range<Int>, isInteger: Bool) {
    skipBlanks(in: text)
    let start = offset
    if offset < text.count, text[offset] == UInt8(ascii: "-") { offset += 1 }
    let first = offset
    try digits(in: text)
    if text[first] == UInt8(ascii: "0"), offset > first + 1 { throw error(.badNumber) }
    var isInteger = true
    if offset < text.count, text[offset] == UInt8(ascii: ".") {
      isInteger = false
      offset += 1
      try digits(in: text)
    }
    if offset < text.count, text[offset] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      offset += 1
      if offset < text.count, text[offset] == UInt8(ascii: "+") || text[offset] == UInt8(ascii: "-")
      {
        offset += 1
      }
      try digits(in: text)
    }
    return (start..<offset, isInteger)
  }

  private mutating func digits(in text: Span<UInt8>) throws(JSONError) {
    let start = offset
    while offset < text.count, text[offset] &- UInt8(ascii: "0") < 10 { offset += 1 }
    if offset == start { throw error(offset < text.count ? .badNumber : .endsEarly) }
  }

  /// A number that is an integer of 64 bits, signed or not.
  ///
  /// - Returns: nil for any other number.
  public mutating func integer<Number: FixedWidthInteger>(
    as type: Number.Type = Number.self, in text: Span<UInt8>
  ) throws(JSONError) -> Number? {
    let (range, isInteger) = try number(in: text)
    guard isInteger else { return nil }
    let isNegative = text[range.lowerBound] == UInt8(ascii: "-")
    var value: Number = 0
    for place in (range.lowerBound + (isNegative ? 1 : 0))..<range.upperBound {
      let digit = Number(truncatingIfNeeded: text[place] &- UInt8(ascii: "0"))
      let (tens, isTooMuch) = value.multipliedReportingOverflow(by: 10)
      let (sum, isTooMuchNow) =
        isNegative
        ? tens.subtractingReportingOverflow(digit) : tens.addingReportingOverflow(digit)
      if isTooMuch || isTooMuchNow { return nil }
      value = sum
    }
    return value
  }

  /// Goes past a value of any kind.
  public mutating func skipValue(in text: Span<UInt8>) throws(JSONError) {
    switch try kind(in: text) {
    case .null: try take("null", in: text)
    case .bool: _ = try bool(in: text)
    case .number: _ = try number(in: text)
    case .string: _ = try string(in: text)
    case .array:
      try enterArray(in: text)
      while try nextElement(in: text) { try skipValue(in: text) }
    case .object:
      try enterObject(in: text)
      while try nextMember(in: text) != nil { try skipValue(in: text) }
    }
  }

  // MARK: - Bytes

  private mutating func skipBlanks(in text: Span<UInt8>) {
    while offset < text.count {
      switch text[offset] {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      default: return
      }
    }
  }

  private mutating func take(_ byte: UInt8, in text: Span<UInt8>) throws(JSONError) {
    guard offset < text.count else { throw error(.endsEarly) }
    guard text[offset] == byte else { throw error(.unexpected) }
    offset += 1
  }

  private mutating func take(_ word: StaticString, in text: Span<UInt8>) throws(JSONError) {
    for place in 0..<word.utf8CodeUnitCount {
      try take(unsafe word.utf8Start[place], in: text)
    }
  }

  /// The number that four hexadecimal digits are.
  fileprivate static func codeUnit(at start: Int, in text: Span<UInt8>) -> UInt16? {
    var value: UInt16 = 0
    for place in start..<(start + 4) {
      let digit: UInt8
      switch text[place] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = text[place] - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = text[place] - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = text[place] - UInt8(ascii: "A") + 10
      default: return nil
      }
      value = value << 4 | UInt16(digit)
    }
    return value
  }
}

extension JSONScanner.Text {
  /// Whether the text is this one. Only for what needs no escapes.
  public func equals(_ other: StaticString, in text: Span<UInt8>) -> Bool {
    guard !hasEscapes, range.count == other.utf8CodeUnitCount else { return false }
    for place in 0..<range.count {
      guard unsafe text[range.lowerBound + place] == other.utf8Start[place] else { return false }
    }
    return true
  }

  /// The same for bytes.
  public func equals(_ other: [UInt8], in text: Span<UInt8>) -> Bool {
    guard !hasEscapes, range.count == other.count else { return false }
    for place in 0..<range.count where text[range.lowerBound + place] != other[place] {
      return false
    }
    return true
  }

  /// What the text says. Half of a surrogate pair alone becomes U+FFFD; bytes that are no UTF-8 stay
  /// what they are.
  public func decoded(in text: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count)
    var place = range.lowerBound
    while place < range.upperBound {
      guard text[place] == UInt8(ascii: "\\") else {
        bytes.append(text[place])
        place += 1
        continue
      }
      switch text[place + 1] {
      case UInt8(ascii: "u"):
        bytes += Self.scalar(at: &place, in: text, before: range.upperBound).utf8Bytes
        continue
      case UInt8(ascii: "b"): bytes.append(0x08)
      case UInt8(ascii: "f"): bytes.append(0x0C)
      case UInt8(ascii: "n"): bytes.append(0x0A)
      case UInt8(ascii: "r"): bytes.append(0x0D)
      case UInt8(ascii: "t"): bytes.append(0x09)
      case let byte: bytes.append(byte)
      }
      place += 2
    }
    return bytes
  }

  public func string(in text: Span<UInt8>) -> String {
    String(decoding: decoded(in: text), as: UTF8.self)
  }

  /// Reads one `\uXXXX`, or two that are a pair.
  private static func scalar(
    at place: inout Int, in text: Span<UInt8>, before end: Int
  ) -> Unicode.Scalar {
    let replacement: Unicode.Scalar = "\u{FFFD}"
    let first = JSONScanner.codeUnit(at: place + 2, in: text) ?? 0xFFFD
    place += 6
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard UTF16.isLeadSurrogate(first), place + 6 <= end, text[place] == UInt8(ascii: "\\"),
      text[place + 1] == UInt8(ascii: "u"),
      let second = JSONScanner.codeUnit(at: place + 2, in: text), UTF16.isTrailSurrogate(second)
    else { return replacement }
    place += 6
    let value = 0x1_0000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
    return Unicode.Scalar(value) ?? replacement
  }
}

extension Unicode.Scalar {
  fileprivate var utf8Bytes: [UInt8] { UTF8.encode(self).map { Array($0) } ?? [] }
}
