// The grammar of a filter: ss(8)'s with shorter forms beside it.

internal import SocketCore

/// Reads the tokens of a filter into a tree.
///
///     filter    = { ("state" | "exclude") STATE } [ any ]
///     any       = all { ("or" | "|" | "||") all }
///     all       = not { [ "and" | "&" | "&&" ] not }
///     not       = { "not" | "!" } ( "(" any ")" | condition )
///     condition = NAME [ comparison ] value | ":" ports | address | STATE | "pending" | "orphan"
///
/// As in ss, `state` and `exclude` at the front hold for all of the rest: `state listening sport = :80
/// or sport = :443` shows listeners only. Several of them add to each other and take away from each
/// other. Where `and` or `or` follows they are a condition like any other.
///
/// A comparison stands between the words or without blanks in one, and as a sign or a word (`=`, `eq`).
/// `!=` is `not` of `=`. A condition of either end (`port`, `addr`) holds where it holds of one of
/// them; a listener has no peer there.
public struct FilterParser {
  /// How often parentheses may be nested.
  public static let deepest = 100

  private let tokens: [FilterToken]
  private var place = 0
  var values: FilterValues

  init(_ tokens: [FilterToken], _ names: FilterNames) {
    self.tokens = tokens
    values = FilterValues(names)
  }

  private var token: FilterToken { tokens[place] }

  mutating func parse() throws(FilterMistake) -> FilterExpression {
    if token.kind == .end { return .all([]) }
    guard let front = try front() else { return try whole(nil) }
    switch connective(token) {
    case .end: return front
    case .and, .or: return try whole(front)
    default: return .all([front, try whole(nil)])
    }
  }

  private mutating func whole(_ first: FilterExpression?) throws(FilterMistake) -> FilterExpression
  {
    let expression = try any(depth: 0, first)
    if token.kind == .close { throw FilterMistake(token, "there is no '(' for this ')'") }
    return expression
  }

  /// The states that ss takes at the front; nil where there are none.
  private mutating func front() throws(FilterMistake) -> FilterExpression? {
    var states: Set<TCPState>?
    while token.kind == .word, ["state", "exclude"].contains(token.text.lowercased()),
      FilterWords.comparison(tokens[place + 1]) == nil, tokens[place + 1].isValue
    {
      let named = try values.states(tokens[place + 1])
      if token.text.lowercased() == "state" {
        states = (states ?? []).union(named)
      } else {
        states = (states ?? Set(TCPState.allCases)).subtracting(named)
      }
      place += 2
    }
    return states.map { .test(.state($0)) }
  }

  // The depth counts parentheses, and nothing else here calls itself: the stack is bounded.

  private mutating func any(
    depth: Int, _ first: FilterExpression? = nil
  ) throws(FilterMistake) -> FilterExpression {
    var parts = [try all(depth: depth, first)]
    while connective(token) == .or {
      place += 1
      parts.append(try all(depth: depth))
    }
    return parts.count == 1 ? parts[0] : .any(parts)
  }

  private mutating func all(
    depth: Int, _ first: FilterExpression? = nil
  ) throws(FilterMistake) -> FilterExpression {
    var parts: [FilterExpression] = []
    if let first { parts.append(first) } else { parts.append(try not(depth: depth)) }
    while true {
      switch connective(token) {
      case .and: place += 1
      case .or, .close, .end: return parts.count == 1 ? parts[0] : .all(parts)
      default: break
      }
      parts.append(try not(depth: depth))
    }
  }

  private mutating func not(depth: Int) throws(FilterMistake) -> FilterExpression {
    var isNegated = false
    while connective(token) == .not {
      isNegated.toggle()
      place += 1
    }
    let expression = try primary(depth: depth)
    return isNegated ? .not(expression) : expression
  }

  private mutating func primary(depth: Int) throws(FilterMistake) -> FilterExpression {
    let first = token
    switch connective(first) {
    case .open:
      guard depth < Self.deepest else {
        throw FilterMistake(first, "more than \(Self.deepest) parentheses are open here")
      }
      place += 1
      if token.kind == .close {
        throw FilterMistake(token, "expected a condition between the parentheses")
      }
      let inner = try any(depth: depth + 1)
      guard token.kind == .close else { throw FilterMistake(first, "this '(' is never closed") }
      place += 1
      return inner
    case .word, .quoted: return try condition()
    case .comparison:
      throw FilterMistake(
        first, "expected what to compare before '\(first.text)', such as 'port' or 'addr'")
    case .end where place == 0: return .all([])
    case .end: throw FilterMistake(first, "expected a condition after '\(tokens[place - 1].text)'")
    default: throw FilterMistake(first, "expected a condition before '\(first.text)'")
    }
  }

  private mutating func condition() throws(FilterMistake) -> FilterExpression {
    let name = token
    place += 1
    let comparison = FilterWords.comparison(token)
    guard name.kind == .word, let condition = FilterWords.condition(name.text) else {
      if comparison != nil {
        guard name.kind == .word, FilterWords.states(name.text) != nil else { throw unknown(name) }
        throw FilterMistake(token, "\(quoted(name.text)) stands alone: it is not compared")
      }
      return try bare(name)
    }
    switch condition {
    case .pending, .orphan, .ssOnly:
      if condition == .ssOnly {
        throw FilterMistake(name, "\(quoted(name.text)) is a condition of ss that tcptool lacks")
      }
      if comparison != nil {
        throw FilterMistake(token, "\(quoted(name.text)) stands alone: it is not compared")
      }
      return .test(condition == .pending ? .pending : .orphan)
    default: break
    }
    let sign = token
    if comparison != nil {
      place += 1
    } else if condition.isQuantity || !token.isValue {
      throw FilterMistake(
        token,
        "expected a comparison and \(condition.expected) after \(quoted(name.text))"
          + (condition.isQuantity
            ? "; the shell takes > and < for itself outside quotes, so 'gt', 'ge', 'lt' and 'le' "
              + "mean the same" : ""))
    }
    guard token.isValue else {
      throw FilterMistake(token, "expected \(condition.expected) after \(quoted(sign.text))")
    }
    let relation = comparison ?? .equal
    if condition.isUnordered, relation != .equal, relation != .notEqual {
      throw FilterMistake(
        sign, "\(quoted(name.text)) has no order: expected '=' or '!=', not \(quoted(sign.text))")
    }
    let value = token
    place += 1
    return try values.expression(condition, relation, value)
  }

  /// A word that is a condition by itself.
  private mutating func bare(_ word: FilterToken) throws(FilterMistake) -> FilterExpression {
    if word.kind == .word {
      if let states = FilterWords.states(word.text) { return .test(.state(states)) }
      if word.text.hasPrefix(":"), !word.text.hasPrefix("::") {
        return try values.expression(.port(nil), .equal, word)
      }
      if word.text.isDecimal {
        throw FilterMistake(
          word, "a number alone says nothing. Did you mean ':\(word.text.prefix(10))'?")
      }
      if word.text.utf8.contains(where: { [UInt8(ascii: "."), UInt8(ascii: ":")].contains($0) }) {
        return try values.expression(.host(nil), .equal, word)
      }
    }
    throw unknown(word)
  }

  private func unknown(_ word: FilterToken) -> FilterMistake {
    let hint = didYouMean(word.text, FilterWords.all)
    let example = ", such as 'port=80', 'peer=10.0.0.0/8', 'state=LISTEN' or 'pending'"
    return FilterMistake(
      word, "expected a condition\(hint.isEmpty ? example : ""), not \(quoted(word.text))\(hint)")
  }

  /// `and`, `or` and `not` as signs, whichever way they are written.
  private func connective(_ token: FilterToken) -> FilterToken.Kind {
    guard token.kind == .word, token.text.utf8.count <= 3 else { return token.kind }
    return switch token.text.lowercased() {
    case "and": .and
    case "or": .or
    case "not": .not
    default: .word
    }
  }
}

extension FilterToken {
  /// Whether it can be what something is compared with.
  var isValue: Bool { kind == .word || kind == .quoted }
}
