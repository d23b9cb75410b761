// A whole JSON text as a tree of values, and what is looked up in one.

extension JSONValue {
  /// Reads a whole JSON text.
  ///
  /// - Throws: where it is none, or more follows.
  public init(parsing text: Span<UInt8>) throws(JSONError) {
    var scanner = JSONScanner()
    self = try Self.read(&scanner, in: text)
    try scanner.finish(in: text)
  }

  private static func read(
    _ scanner: inout JSONScanner, in text: Span<UInt8>
  ) throws(JSONError) -> JSONValue {
    switch try scanner.kind(in: text) {
    case .null:
      _ = try scanner.skipNull(in: text)
      return .null
    case .bool: return .bool(try scanner.bool(in: text))
    case .string: return .string(try scanner.string(in: text).string(in: text))
    case .number: return try readNumber(&scanner, in: text)
    case .array:
      var elements: [JSONValue] = []
      try scanner.enterArray(in: text)
      while try scanner.nextElement(in: text) { elements.append(try read(&scanner, in: text)) }
      return .array(elements)
    case .object:
      var members: [(String, JSONValue)] = []
      try scanner.enterObject(in: text)
      while let key = try scanner.nextMember(in: text) {
        members.append((key.string(in: text), try read(&scanner, in: text)))
      }
      return .object(members)
    }
  }

  private static func readNumber(
    _ scanner: inout JSONScanner, in text: Span<UInt8>
  ) throws(JSONError) -> JSONValue {
    _ = try scanner.kind(in: text)
    let start = scanner
    if let integer = try scanner.integer(as: Int64.self, in: text) { return .integer(integer) }
    scanner = start
    if let unsigned = try scanner.integer(as: UInt64.self, in: text) { return .unsigned(unsigned) }
    let digits = scanner
    scanner = start
    let range = try scanner.number(in: text).range
    var bytes: [UInt8] = []
    for place in range { bytes.append(text[place]) }
    guard let number = Double(String(decoding: bytes, as: UTF8.self)), number.isFinite else {
      throw digits.error(.badNumber)
    }
    return .number(number)
  }

  /// The member of an object with this key; nil where there is none, or where it is null.
  public subscript(_ key: String) -> JSONValue? {
    guard case .object(let members) = self, let value = members.first(where: { $0.0 == key })?.1
    else { return nil }
    if case .null = value { return nil }
    return value
  }

  /// The value as an integer; nil where it is none.
  public func wholeNumber<Number: FixedWidthInteger>(as type: Number.Type) -> Number? {
    switch self {
    case .integer(let value): Number(exactly: value)
    case .unsigned(let value): Number(exactly: value)
    default: nil
    }
  }

  /// The value as a text; nil where it is none.
  public var text: String? {
    if case .string(let text) = self { return text }
    return nil
  }
}
