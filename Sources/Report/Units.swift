// Quantities as a person reads them: three significant digits and a unit.

/// Texts for durations, sizes, rates and counts.
public enum Units {
  /// A duration: `870 ns`, `87 µs`, `1.52 ms`, `2.5 s`; from a minute on in two whole units,
  /// `3 min 20 s`, `2 h 5 min`, `4 d 3 h`.
  public static func duration(_ duration: Duration) -> String {
    let (whole, fraction) = duration.components
    let signed = Double(whole) + Double(fraction) / 1e18
    let sign = signed < 0 ? "-" : ""
    return sign + text(seconds: signed.magnitude)
  }

  /// The same for nanoseconds that were worked out, as a mean of them; 0 where that is not finite.
  public static func duration(nanoseconds: Double) -> String {
    duration(.nanoseconds(Int64(exactly: nanoseconds.rounded()) ?? 0))
  }

  private static func text(seconds: Double) -> String {
    if seconds == 0 { return "0 s" }
    for (unit, scale) in [("ns", 1e9), ("µs", 1e6), ("ms", 1e3)] {
      if let text = threeDigits(seconds * scale, below: 1_000) {
        return "\(withoutTrailingZeros(text)) \(unit)"
      }
    }
    if let text = threeDigits(seconds, below: 60) { return "\(withoutTrailingZeros(text)) s" }
    // Rounded to the small unit before the large one is chosen; the bound only keeps to `Int`.
    let whole = Int(min(seconds, 1e15).rounded())
    if whole < 3_600 { return two(whole, of: 60, "min", "s") }
    let minutes = (whole + 30) / 60
    if minutes < 1_440 { return two(minutes, of: 60, "h", "min") }
    return two((whole + 1_800) / 3_600, of: 24, "d", "h")
  }

  /// A number of bytes in binary units: `512 B`, `64 KiB`, `1.50 GiB`.
  public static func bytes(_ count: some BinaryInteger) -> String {
    if count < 0 { return "-" + bytes(count.magnitude) }
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    return scaled(Double(count), by: 1_024, units)
  }

  /// A rate in decimal units: `12.3 Gbit/s`.
  ///
  /// - Parameter bitsPerSecond: What is not finite is shown as `unknown`.
  /// - Returns: The rate with its unit.
  public static func bitRate(_ bitsPerSecond: Double) -> String {
    guard bitsPerSecond.isFinite else { return "unknown" }
    if bitsPerSecond < 0 { return "-" + bitRate(-bitsPerSecond) }
    return scaled(bitsPerSecond, by: 1_000, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"])
  }

  /// A whole number with a comma at every third digit: `1,024`.
  public static func count(_ count: some BinaryInteger) -> String {
    let digits = count.magnitude.description.utf8
    var text: [UInt8] = count < 0 ? [UInt8(ascii: "-")] : []
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place).isMultiple(of: 3) { text.append(UInt8(ascii: ",")) }
      text.append(digit)
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// A share of a whole: `3.9 %`, `50 %`. A little is never rounded to nothing, nor nearly all to all:
  /// `< 0.1 %`, `> 99.9 %`. Of nothing it is `0 %`.
  public static func percent(_ part: some BinaryInteger, of whole: some BinaryInteger) -> String {
    guard part > 0, whole > 0 else { return "0 %" }
    guard part < whole else { return "100 %" }
    let thousandths = Double(part) / Double(whole) * 1_000
    if thousandths < 1 { return "< 0.1 %" }
    if thousandths > 999 { return "> 99.9 %" }
    let (units, tenths) = Int(thousandths.rounded()).quotientAndRemainder(dividingBy: 10)
    return tenths == 0 ? "\(units) %" : "\(units).\(tenths) %"
  }

  /// A count and its noun: `1 row`, `1,024 rows`.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - noun: The noun for one.
  ///   - nouns: The noun for several; by default with an “s”.
  /// - Returns: Both, with a blank between.
  public static func plural(
    _ count: some BinaryInteger, _ noun: String, _ nouns: String? = nil
  ) -> String {
    "\(Self.count(count)) \(count == 1 ? noun : nouns ?? noun + "s")"
  }

  /// In the first unit that needs no more digits than it should; the last unit takes all the rest.
  /// A whole number has no decimals.
  private static func scaled(_ value: Double, by base: Double, _ units: [String]) -> String {
    var value = value
    for unit in units {
      if value == value.rounded(), value < base { return "\(Int(value)) \(unit)" }
      if let text = threeDigits(value, below: Int(base)) { return "\(text) \(unit)" }
      if unit != units.last { value /= base }
    }
    return "\(count(Int(exactly: value.rounded()) ?? .max)) \(units.last ?? "")"
  }

  /// Three significant digits, more only where `limit` allows a larger whole number; `nil` when the
  /// number rounds to `limit` or above.
  private static func threeDigits(_ value: Double, below limit: Int) -> String? {
    guard value < Double(limit) else { return nil }
    for (decimals, scale) in [(2, 100.0), (1, 10.0)] where value * scale < 999.5 {
      let digits = Int((value * scale).rounded())
      // 59.96 s must not become 60 s.
      guard digits < limit * Int(scale) else { return nil }
      let text = "\(digits)"
      let padded = String(repeating: "0", count: max(0, decimals + 1 - text.count)) + text
      return padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }
    let whole = Int(value.rounded())
    return whole < limit ? "\(whole)" : nil
  }

  private static func withoutTrailingZeros(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var text = text
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  /// A number of small units as large and small ones; the small one is left out where it is 0.
  private static func two(_ smalls: Int, of ratio: Int, _ large: String, _ small: String) -> String
  {
    let (whole, rest) = smalls.quotientAndRemainder(dividingBy: ratio)
    return rest == 0 ? "\(whole) \(large)" : "\(whole) \(large) \(rest) \(small)"
  }
}
