// What the data of a transfer is, in words and as JSON.

internal import CommandSpec
internal import Report
internal import SocketCore

extension Event {
  /// A digest as sha256sum(1) prints it. Whoever asks for it wants it, and gets it with --quiet too.
  static func digest(_ value: DigestValue, of name: String, number: Int?) -> Event {
    Event(
      "digest", sumLine(value.hexadecimal, name), for: .everybody,
      [
        ("connection", .init(number ?? 1)), ("algorithm", .init(value.algorithm.rawValue)),
        ("digest", .init(value.hexadecimal)), ("name", .init(name)),
      ])
  }

  /// The first received byte that is not what it should be.
  static func wrongByte(
    _ difference: PatternCheck.Difference, _ pattern: PatternName, number: Int?
  ) -> Event {
    Event(
      "wrong_byte",
      "\(tag(number))the byte at offset \(Units.count(difference.offset)) is "
        + "\(hexadecimal(difference.found)) where \(pattern.argumentText) has "
        + hexadecimal(difference.expected),
      [
        ("connection", .init(number ?? 1)), ("offset", .init(difference.offset)),
        ("expected", .init(difference.expected)), ("found", .init(difference.found)),
      ])
  }

  /// Everything that was expected of the data holds.
  static func verified(
    _ options: ContentOptions, _ pattern: PatternName?, bytes: Int, number: Int?,
    for audience: Audience = .all
  ) -> Event {
    let held = [
      options.expectedSize.map { _ in "the size" },
      options.expectedDigest.map { "the \($0.value.algorithm.rawValue) digest" },
      pattern.map { "every byte of \($0.argumentText)" },
    ].compactMap(\.self)
    return Event(
      "verified",
      "\(tag(number))\(Units.plural(bytes, "byte")), as expected: "
        + held.joined(separator: ", "), for: audience,
      [
        ("connection", .init(number ?? 1)), ("bytes", .init(bytes)),
        ("size", .init(options.expectedSize?.bytes)),
        ("digest", .init(options.expectedDigest?.argumentText)),
        ("pattern", .init(pattern?.argumentText)),
      ])
  }

  /// Everything that was expected of all streams together holds.
  static func verified(
    _ bytes: Int, on streams: Int, hasSize: Bool, _ pattern: PatternName?
  ) -> Event {
    let held = [
      hasSize ? "the size" : nil, pattern.map { "every byte of \($0.argumentText)" },
    ].compactMap(\.self)
    return Event(
      "verified",
      "\(Units.plural(bytes, "byte")) on \(Units.plural(streams, "stream")), as expected: "
        + held.joined(separator: ", "),
      [
        ("connection", nil), ("bytes", .init(bytes)), ("size", .init(hasSize ? bytes : nil)),
        ("digest", nil), ("pattern", .init(pattern?.argumentText)),
      ])
  }

  /// A connection's file is whole and has its name.
  static func received(_ path: String, bytes: Int, number: Int?) -> Event {
    Event(
      "received", "\(tag(number))\(Units.plural(bytes, "byte")) in \(sanitized(path))",
      [
        ("connection", .init(number ?? 1)), ("path", .init(path)), ("bytes", .init(bytes)),
      ])
  }

  /// What came of a transfer that a signal has ended is kept in a file that does not get its name.
  static func kept(_ path: String, bytes: Int, number: Int?) -> Event {
    Event(
      "kept", "\(tag(number))kept \(Units.plural(bytes, "byte")) in \(sanitized(path))",
      [
        ("connection", .init(number ?? 1)), ("path", .init(path)), ("bytes", .init(bytes)),
      ])
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    "0x" + String(0x100 | UInt16(byte), radix: 16).dropFirst()
  }

  /// As coreutils write it: a name with a backslash or a line end in it is escaped, and a backslash
  /// in front of the line says so.
  private static func sumLine(_ digits: String, _ name: String) -> String {
    var escaped = ""
    for scalar in name.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\r": escaped += "\\r"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return (escaped == name ? "" : "\\") + "\(digits)  \(escaped)"
  }
}
