// Numbers with units as a filter has them; the same spellings as in the options of the command line,
// which this module cannot see.

internal import SocketCore

enum FilterQuantity {
  /// A whole number of decimal digits.
  static func whole(_ text: String) -> Int? {
    text.isDecimal ? Int(text) : nil
  }

  /// `65536`, `64K` and `64KiB` (binary), `64KB` (decimal), with K, M, G and T in either case; a
  /// fraction where whole bytes result.
  static func bytes(_ text: String) -> Int? { quantity(text.uppercased(), sizes) }

  /// `250ms`, `1.5s`, `2m`; the unit may be left out for 0 only, since a round-trip time without one
  /// would be taken for milliseconds by some and for seconds by others.
  static func time(_ text: String) -> Duration? {
    if text == "0" { return .zero }
    return quantity(text, times).map { .nanoseconds($0) }
  }

  private static let sizes: KeyValuePairs<String, Int> = [
    "": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40,
    "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
    "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000,
  ]

  /// Nanoseconds.
  private static let times: KeyValuePairs<String, Int> = [
    "ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000,
    "h": 3_600_000_000_000,
  ]

  /// `digits[.digits]unit` in whole base units; nil for all else.
  private static func quantity(_ text: String, _ units: KeyValuePairs<String, Int>) -> Int? {
    let number = text.utf8.prefix { (48...57).contains($0) || $0 == UInt8(ascii: ".") }
    let unit = String(Substring(text.utf8.dropFirst(number.count)))
    let parts = number.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }),
      let size = units.first(where: { $0.key == unit })?.value
    else { return nil }
    var digits: Int128 = 0
    var scale: Int128 = 1
    for (index, part) in parts.enumerated() {
      for digit in part {
        digits = digits * 10 + Int128(digit - 48)
        if index == 1 { scale *= 10 }
        // More than any Int, and far from what the arithmetic of this type can hold.
        guard digits < 1 << 80, scale < 1 << 80 else { return nil }
      }
    }
    guard case let (product, false) = digits.multipliedReportingOverflow(by: Int128(size)),
      product % scale == 0
    else { return nil }
    return Int(exactly: product / scale)
  }
}
