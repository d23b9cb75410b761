// JSON lines: values with ordered keys, written straight into the output's bytes.

/// A JSON value. Literals make one: `["port": 7000, "address": "::1", "pid": nil]`.
public enum JSONValue: Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  /// For counters above `Int64.max`; `init` with an integer chooses.
  case unsigned(UInt64)
  /// Written with the fewest digits that read back as the same value; `null` where not finite.
  case number(Double)
  case string(String)
  case array([JSONValue])
  /// The members in the order in which they are written. Keys should be unique.
  case object([(String, JSONValue)])

  /// An integer of any type. Above 64 bits it is clamped.
  public init(_ value: some BinaryInteger) {
    if let small = Int64(exactly: value) {
      self = .integer(small)
    } else {
      self = value < 0 ? .integer(.min) : .unsigned(UInt64(clamping: value))
    }
  }

  public init(_ value: Bool) { self = .bool(value) }
  public init(_ value: Double) { self = .number(value) }
  public init(_ value: String) { self = .string(value) }

  /// Text from outside: bytes that are not valid UTF-8 become U+FFFD.
  public init(decoding bytes: [UInt8]) {
    self = .string(String(decoding: bytes, as: UTF8.self))
  }

  /// What is unknown is `null`.
  public init(_ value: (some BinaryInteger)?) { self = value.map { Self($0) } ?? .null }
  public init(_ value: Bool?) { self = value.map { Self($0) } ?? .null }
  public init(_ value: Double?) { self = value.map { Self($0) } ?? .null }
  public init(_ value: String?) { self = value.map { Self($0) } ?? .null }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringInterpolation,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements)
  }
}

extension JSONValue: CustomStringConvertible {
  /// The value as JSON, on one line.
  public var description: String {
    var bytes = ByteBuffer()
    append(to: &bytes)
    return bytes.text
  }

  /// Adds the value as JSON: one line, no blanks, and no character that a terminal would obey.
  public func append(to bytes: inout ByteBuffer) {
    switch self {
    case .null: bytes += "null".utf8
    case .bool(let value): bytes += (value ? "true" : "false").utf8
    case .integer(let value): bytes += value.description.utf8
    case .unsigned(let value): bytes += value.description.utf8
    case .number(let value): bytes += (value.isFinite ? value.description : "null").utf8
    case .string(let value): appendQuoted(value, to: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (place, element) in elements.enumerated() {
        if place > 0 { bytes.append(UInt8(ascii: ",")) }
        element.append(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (place, (key, value)) in members.enumerated() {
        if place > 0 { bytes.append(UInt8(ascii: ",")) }
        appendQuoted(key, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        value.append(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }
}

extension OutputBuffer {
  /// Adds the value as one line of JSON.
  public mutating func line(_ value: JSONValue) throws(OutputError) {
    try write { bytes in
      value.append(to: &bytes)
      bytes.append(UInt8(ascii: "\n"))
    }
  }
}

private func appendQuoted(_ text: String, to bytes: inout ByteBuffer) {
  bytes.append(UInt8(ascii: "\""))
  if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x5c }) {
    bytes += text.utf8
  } else {
    for scalar in text.unicodeScalars { appendEscaped(scalar, to: &bytes) }
  }
  bytes.append(UInt8(ascii: "\""))
}

private func appendEscaped(_ scalar: Unicode.Scalar, to bytes: inout ByteBuffer) {
  switch scalar {
  case "\"": bytes += "\\\"".utf8
  case "\\": bytes += "\\\\".utf8
  case "\n": bytes += "\\n".utf8
  case "\r": bytes += "\\r".utf8
  case "\t": bytes += "\\t".utf8
  // JSON asks for this below U+0020 only. Terminals obey some of the others, readers of lines split
  // at a few, and Foundation drops U+FEFF.
  case _ where isInvisible(scalar):
    for unit in String(scalar).utf16 {
      bytes += ("\\u" + hexadecimal(UInt32(unit), digits: 4)).utf8
    }
  default: bytes += UTF8.encode(scalar).map { Array($0) } ?? []
  }
}
