// The words and signs of a filter.

/// A word or a sign of a filter, with its place.
struct FilterToken: Equatable {
  enum Kind: Equatable {
    /// Anything that is no sign: a name, a value, `and`.
    case word
    /// A value in quotes, which is never a name or an operator.
    case quoted
    case comparison(FilterComparison)
    case and, or, not, open, close
    /// What stands behind the last one.
    case end
  }

  var kind: Kind
  /// The text; of a quoted value what is between the quotes.
  var text: String
  /// The bytes of the expression that it takes.
  var range: Range<Int>
}

enum FilterLexer {
  /// Takes an expression apart; the last token is `end`. Time and room are linear.
  static func tokens(of expression: String) throws(FilterMistake) -> [FilterToken] {
    let bytes = Array(expression.utf8)
    var tokens: [FilterToken] = []
    var place = 0
    while place < bytes.count {
      let start = place
      let byte = bytes[place]
      if isBlank(byte) {
        place += 1
        continue
      }
      let kind: FilterToken.Kind
      var inner: Range<Int>?
      if let (sign, length) = sign(byte, place + 1 < bytes.count ? bytes[place + 1] : 0) {
        kind = sign
        place += length
      } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
        guard let end = bytes[(place + 1)...].firstIndex(of: byte) else {
          throw FilterMistake(place..<bytes.count, "a quote is opened here and never closed")
        }
        kind = .quoted
        inner = (place + 1)..<end
        place = end + 1
      } else {
        kind = .word
        while place < bytes.count, !endsWord(bytes[place]) { place += 1 }
      }
      tokens.append(
        FilterToken(
          kind: kind, text: String(decoding: bytes[inner ?? (start..<place)], as: UTF8.self),
          range: start..<place))
    }
    tokens.append(FilterToken(kind: .end, text: "", range: bytes.count..<bytes.count))
    return tokens
  }

  /// The sign that begins with these two bytes, and how many of them it takes.
  private static func sign(_ first: UInt8, _ second: UInt8) -> (FilterToken.Kind, length: Int)? {
    let isPair = { (byte: Unicode.Scalar) in second == UInt8(ascii: byte) }
    return switch Unicode.Scalar(first) {
    case "(": (.open, 1)
    case ")": (.close, 1)
    case "&": (.and, isPair("&") ? 2 : 1)
    case "|": (.or, isPair("|") ? 2 : 1)
    case "!": isPair("=") ? (.comparison(.notEqual), 2) : (.not, 1)
    case "=": (.comparison(.equal), isPair("=") ? 2 : 1)
    case "<": isPair("=") ? (.comparison(.atMost), 2) : (.comparison(.less), 1)
    case ">": isPair("=") ? (.comparison(.atLeast), 2) : (.comparison(.greater), 1)
    default: nil
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  private static func endsWord(_ byte: UInt8) -> Bool {
    isBlank(byte) || sign(byte, 0) != nil || byte == UInt8(ascii: "'")
      || byte == UInt8(ascii: "\"")
  }
}
