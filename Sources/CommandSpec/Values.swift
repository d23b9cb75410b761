// Values of options: how a word is read, and how a value is written as a person would type it.

/// A value read from one word of the command line.
public protocol ArgumentValue: ArgumentStorage where Value == Self {
  /// Reads a word; `nil` refuses it.
  init?(argument: String)
  /// The words of a closed set; empty for an open one.
  static var choices: [String] { get }
  /// Whether one word holds several of the choices, separated by commas.
  static var isList: Bool { get }
  /// What a shell offers in place of the choices, or where there are none.
  static var completion: Parameter.Completion { get }
  /// How a value is written, as it stands behind 'Give': `a size like 64K`. Empty where any word is a
  /// value, and for a closed set.
  static var form: String { get }
  /// The value as a person would type it.
  var argumentText: String { get }
}

extension ArgumentValue {
  /// No closed set.
  public static var choices: [String] { [] }
  /// One value a word.
  public static var isList: Bool { false }
  /// The choices, if there are any.
  public static var completion: Parameter.Completion { .none }
  /// Nothing to say.
  public static var form: String { "" }
}

extension ArgumentValue where Self: RawRepresentable, RawValue == String {
  /// Reads the raw value.
  public init?(argument: String) { self.init(rawValue: argument) }
  /// The raw value.
  public var argumentText: String { rawValue }
}

extension ArgumentValue where Self: RawRepresentable & CaseIterable, RawValue == String {
  /// The raw values of all cases.
  public static var choices: [String] { allCases.map(\.rawValue) }
}

extension Int: ArgumentValue {
  /// Reads a decimal number with an optional sign.
  public init?(argument: String) { self.init(argument, radix: 10) }
  /// A whole number.
  public static var form: String { "a whole number" }
  /// The decimal digits.
  public var argumentText: String { String(self) }
}

extension String: ArgumentValue {
  /// Takes any word.
  public init?(argument: String) { self = argument }
  /// The string itself.
  public var argumentText: String { self }
}

extension Duration: ArgumentValue {
  /// Attoseconds in each unit that a person may write.
  private static let units: KeyValuePairs<String, Int128> = [
    "h": 3600 * second, "m": 60 * second, "s": second, "ms": second / 1000,
    "us": second / 1_000_000, "ns": second / 1_000_000_000, "": second,
  ]
  private static let second: Int128 = 1_000_000_000_000_000_000

  /// Reads `250ms`, `1.5s`, `2m`, `1h`, `500us` or `10ns`; a bare number is seconds.
  ///
  /// Refuses what is negative, and more than 292 years: nanoseconds then always fit in an `Int64`.
  public init?(argument: String) {
    guard let attoseconds = exactQuantity(argument, units: Self.units),
      attoseconds <= Int128(Int64.max) * (Self.second / 1_000_000_000)
    else { return nil }
    self.init(attoseconds: attoseconds)
  }

  /// Some durations.
  public static var form: String {
    "a duration like 250ms, 1.5s, 2m or 1h; a number without a unit is seconds"
  }

  /// Whole hours or minutes if they are exact, else a decimal number of the largest unit that fits.
  public var argumentText: String {
    let sign = attoseconds < 0 ? "-" : ""
    let size = Int128(clamping: attoseconds.magnitude)
    for (unit, length) in Self.units where length > Self.second && size >= length {
      if size % length == 0 { return "\(sign)\(size / length)\(unit)" }
    }
    guard size > 0 else { return "0s" }
    let fit =
      Self.units.first { $0.value <= Self.second && $0.value <= size } ?? ("ns", 1_000_000_000)
    var digits = String(fit.value + size % fit.value).dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(sign)\(size / fit.value)\(digits.isEmpty ? "" : ".")\(digits)\(fit.key)"
  }
}

/// A number of bytes.
public struct ByteCount: ArgumentValue, Hashable {
  /// Bytes, never negative when it was read from a word.
  public var bytes: Int

  /// Wraps a number of bytes.
  public init(bytes: Int) { self.bytes = bytes }

  /// Multiples, in the order in which `argumentText` prefers them.
  private static let units: KeyValuePairs<String, Int128> = [
    "T": 1 << 40, "G": 1 << 30, "M": 1 << 20, "K": 1 << 10,
    "TB": 1_000_000_000_000, "GB": 1_000_000_000, "MB": 1_000_000, "KB": 1000,
    "TIB": 1 << 40, "GIB": 1 << 30, "MIB": 1 << 20, "KIB": 1 << 10, "B": 1, "": 1,
  ]

  /// Reads `65536`, `64K` (binary, as `64KiB`) or `64KB` (decimal), with K, M, G and T in either
  /// case, and with a decimal point if whole bytes result.
  public init?(argument: String) {
    guard let value = exactQuantity(argument.uppercased(), units: Self.units),
      let bytes = Int(exactly: value)
    else { return nil }
    self.bytes = bytes
  }

  /// Some sizes.
  public static var form: String { "whole bytes, like 1000, 64K (binary) or 64KB (decimal)" }

  /// The shortest way to write the number exactly, in binary units if the decimal ones aren't shorter.
  public var argumentText: String {
    let texts = Self.units.filter { bytes != 0 && Int128(bytes) % $0.value == 0 && $0.key != "B" }
      .map { "\(Int128(bytes) / $0.value)\($0.key)" }
    return texts.min { $0.count < $1.count } ?? String(bytes)
  }
}

/// A number of bits a second.
public struct BitRate: ArgumentValue, Hashable {
  /// Bits a second, at least 8 when it was read from a word.
  public var bits: Int
  /// Whole bytes a second.
  public var bytes: Int { bits / 8 }

  /// Wraps a number of bits a second.
  public init(bits: Int) { self.bits = bits }

  /// Multiples, in the order in which `argumentText` prefers them.
  private static let units: KeyValuePairs<String, Int128> = [
    "TBIT": 1_000_000_000_000, "GBIT": 1_000_000_000, "MBIT": 1_000_000, "KBIT": 1000, "BIT": 1,
    "TB": 8_000_000_000_000, "GB": 8_000_000_000, "MB": 8_000_000, "KB": 8000, "B": 8,
    "T": 8 << 40, "G": 8 << 30, "M": 8 << 20, "K": 8 << 10,
    "TIB": 8 << 40, "GIB": 8 << 30, "MIB": 8 << 20, "KIB": 8 << 10,
  ]

  /// Reads `100Mbit`, or bytes as sizes are written: `12MB`, `12M`; a `/s` behind them is allowed.
  /// Refuses less than a byte a second, and a number without a unit, which could mean either.
  public init?(argument: String) {
    let text = argument.hasSuffix("/s") ? String(argument.dropLast(2)) : argument
    guard let value = exactQuantity(text.uppercased(), units: Self.units), value >= 8,
      let bits = Int(exactly: value)
    else { return nil }
    self.bits = bits
  }

  /// Some rates.
  public static var form: String {
    "a rate with a unit, like 100Mbit (bits a second) or 12MB (bytes a second)"
  }

  /// In the largest decimal unit of bits that leaves a whole number.
  public var argumentText: String {
    let unit = Self.units.first { $0.key.hasSuffix("BIT") && Int128(bits) % $0.value == 0 }
    guard let unit, bits > 0 else { return "\(bits)bit" }
    let prefix = unit.key.dropLast(3)
    return "\(Int128(bits) / unit.value)\(prefix == "K" ? "k" : prefix)bit"
  }
}

/// A list that one word holds: `A,B`.
public struct CommaSeparated<Element: ArgumentValue>: ArgumentValue {
  /// The elements in the order given; at least one when it was read from a word.
  public var elements: [Element]

  /// Wraps elements.
  public init(_ elements: [Element]) { self.elements = elements }

  /// Reads the elements; an empty one is refused, and so is an empty word.
  public init?(argument: String) {
    elements = []
    for word in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard !word.isEmpty, let element = Element(argument: String(word)) else { return nil }
      elements.append(element)
    }
  }

  /// The choices of the element.
  public static var choices: [String] { Element.choices }
  /// Several values a word.
  public static var isList: Bool { true }
  /// The form of one, and that there may be several.
  public static var form: String {
    Element.form.isEmpty ? "" : "\(Element.form), or several with commas between them"
  }
  /// The elements, joined by commas.
  public var argumentText: String { elements.map(\.argumentText).joined(separator: ",") }
}

extension CommaSeparated: Equatable where Element: Equatable {}

/// Reads `digits[.digits]unit` as a whole number of the base unit; `nil` for all else, for what is
/// not whole, and for what overflows.
private func exactQuantity(_ text: String, units: KeyValuePairs<String, Int128>) -> Int128? {
  let zero = UInt8(ascii: "0")
  let point = UInt8(ascii: ".")
  let number = text.utf8.prefix { $0 == point || (zero...zero + 9).contains($0) }
  let unit = String(Substring(text.utf8.dropFirst(number.count)))
  let parts = number.split(separator: point, omittingEmptySubsequences: false)
  guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }),
    let size = units.first(where: { $0.key == unit })?.value
  else { return nil }

  var value: Int128 = 0
  var scale: Int128 = 1
  for (index, digits) in parts.enumerated() {
    for digit in digits {
      guard let tenfold = value.times(10), let factor = index == 0 ? 1 : scale.times(10)
      else { return nil }
      let (sum, overflow) = tenfold.addingReportingOverflow(Int128(digit - zero))
      guard !overflow else { return nil }
      value = sum
      scale = factor
    }
  }
  guard let product = value.times(size), product % scale == 0 else { return nil }
  return product / scale
}

extension Int128 {
  /// The product, or `nil` if it overflows.
  fileprivate func times(_ other: Self) -> Self? {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? nil : product
  }
}
