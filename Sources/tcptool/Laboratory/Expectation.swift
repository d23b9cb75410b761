// What --expect says of a result: comparisons of its numbers, joined by 'and'.
//
//     expectation = comparison { ("and" | ",") comparison }
//     comparison  = name [ operator value ]
//     operator    = ">=" | ">" | "<=" | "<" | "=" | "==" | "!="
//     value       = number | "true" | "false" | name [ ("+" | "-") number ]
//
// Names are the keys of the JSON object, joined by points: 'listener.accept_queue'. The first words
// may be left out as long as one key alone ends like that, and what is asked for most has a short form.

internal import CommandSpec

/// One --expect, read and ready to be held to results.
struct Expectation: Sendable, Equatable {
  /// As it was typed.
  let text: String
  private let comparisons: [Comparison]

  /// A name's place among the values of a result, and how it was typed.
  fileprivate struct Name: Sendable, Equatable {
    var key: String
    var typed: String
  }

  fileprivate enum Operand: Sendable, Equatable {
    case number(Double)
    case name(Name, offset: Double)
  }

  fileprivate enum Relation: String, CaseIterable, Sendable {
    // The longer ones first, since the shorter ones begin them.
    case atLeast = ">="
    case atMost = "<="
    case differs = "!="
    case same = "=="
    case equal = "="
    case above = ">"
    case below = "<"

    func holds(_ left: Double, _ right: Double) -> Bool {
      switch self {
      case .atLeast: left >= right
      case .atMost: left <= right
      case .differs: left != right
      case .same, .equal: left == right
      case .above: left > right
      case .below: left < right
      }
    }
  }

  private struct Comparison: Sendable, Equatable {
    var left: Name
    var relation: Relation
    var right: Operand
    /// This comparison alone, as it was typed.
    var text: String
  }

  /// A mistake, and which bytes of the text it is about.
  struct Mistake: Error, Equatable {
    var message: String
    var range: Range<Int>
  }

  /// - Parameter names: what a result has.
  init(parsing text: String, names: ExpectationNames) throws(Mistake) {
    self.text = text
    var reader = Reader(text, names)
    var comparisons: [Comparison] = []
    repeat {
      reader.skipBlanks()
      let start = reader.position
      let left = try reader.name()
      var relation = Relation.differs
      var right = Operand.number(0)
      if let found = reader.relation() {
        relation = found
        right = try reader.operand()
      }
      comparisons.append(
        Comparison(left: left, relation: relation, right: right, text: reader.text(from: start)))
    } while try reader.goesOn()
    self.comparisons = comparisons
  }

  /// What of it does not hold, each as a sentence with the number that was found.
  ///
  /// - Parameter value: gives the value of a key; nil where it is not known.
  func failures(_ value: (String) -> Double?) -> [String] {
    comparisons.compactMap { comparison in
      let left = value(comparison.left.key)
      guard let left else { return "\(comparison.text): \(comparison.left.typed) is not known" }
      let right: Double
      var found = "\(comparison.left.typed) is \(number(left))"
      switch comparison.right {
      case .number(let given): right = given
      case .name(let name, let offset):
        guard let base = value(name.key) else {
          return "\(comparison.text): \(name.typed) is not known"
        }
        right = base + offset
        found += ", \(name.typed) is \(number(base))"
      }
      return comparison.relation.holds(left, right) ? nil : "\(comparison.text): \(found)"
    }
  }
}

/// Without a point where it is whole.
private func number(_ value: Double) -> String {
  Int(exactly: value).map { String($0) } ?? "\(value)"
}

/// The names that an expectation may use.
struct ExpectationNames: Sendable {
  /// Keys of the JSON object, joined by points.
  var keys: [String]
  /// What is short for one of them.
  var shortForms: KeyValuePairs<String, String>

  /// The key that a name stands for.
  ///
  /// - Returns: none or several where it is not clear.
  fileprivate func keys(for name: String) -> [String] {
    if let long = shortForms.first(where: { $0.key == name })?.value { return [long] }
    if keys.contains(name) { return [name] }
    return keys.filter { $0.hasSuffix("." + name) }
  }
}

/// Reads the parts of an expectation from left to right.
private struct Reader {
  private let bytes: [UInt8]
  private let names: ExpectationNames
  private(set) var position = 0

  init(_ text: String, _ names: ExpectationNames) {
    bytes = Array(text.utf8)
    self.names = names
  }

  mutating func skipBlanks() {
    while position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
  }

  /// The text up to here, without blanks at its end.
  func text(from start: Int) -> String {
    var end = position
    while end > start, bytes[end - 1] == UInt8(ascii: " ") { end -= 1 }
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  /// A run of letters, digits, `_` and `.`; empty where something else is.
  private mutating func word() -> (text: String, range: Range<Int>) {
    skipBlanks()
    let start = position
    while position < bytes.count, Self.isWord(bytes[position]) { position += 1 }
    return (String(decoding: bytes[start..<position], as: UTF8.self), start..<position)
  }

  /// What stands here instead of what was expected, for a message and its mark.
  private func mistake(_ expected: String) -> Expectation.Mistake {
    guard position < bytes.count else {
      return .init(message: "Expected \(expected) at the end", range: position..<position)
    }
    let end = bytes[position...].firstIndex { $0 == UInt8(ascii: " ") } ?? bytes.count
    return .init(message: "Expected \(expected) here", range: position..<max(position + 1, end))
  }

  mutating func name() throws(Expectation.Mistake) -> Expectation.Name {
    let (text, range) = word()
    guard !text.isEmpty else { throw mistake("a name of the result") }
    return try named(text, range)
  }

  private func named(
    _ text: String, _ range: Range<Int>
  ) throws(Expectation.Mistake) -> Expectation.Name {
    let found = names.keys(for: text)
    if found.count == 1 { return .init(key: found[0], typed: text) }
    let shown = text.count > 40 ? text.prefix(40) + "..." : text
    if let first = found.first {
      throw .init(
        message: "The name '\(shown)' stands for several, of which '\(first)' is one", range: range)
    }
    let candidates =
      names.shortForms.map(\.key)
      + names.keys.flatMap { key in
        [key, key.split(separator: ".").last.map(String.init) ?? key]
      }
    let near = nearest(to: text, in: candidates).map { ". Did you mean '\($0)'?" } ?? ""
    throw .init(message: "The result has no '\(shown)'\(near)", range: range)
  }

  mutating func relation() -> Expectation.Relation? {
    skipBlanks()
    let rest = bytes[position...]
    guard
      let found = Expectation.Relation.allCases.first(where: { rest.starts(with: $0.rawValue.utf8) }
      )
    else { return nil }
    position += found.rawValue.utf8.count
    return found
  }

  mutating func operand() throws(Expectation.Mistake) -> Expectation.Operand {
    skipBlanks()
    let sign = takeSign()
    if let sign {
      return .number(sign * (try plainNumber("a number")))
    }
    let (text, range) = word()
    guard !text.isEmpty else { throw mistake("a number or a name") }
    switch text {
    case "true": return .number(1)
    case "false": return .number(0)
    default: break
    }
    if text.utf8.first.map({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) == true {
      return .number(try Self.number(text, range))
    }
    let name = try named(text, range)
    skipBlanks()
    guard let sign = takeSign() else { return .name(name, offset: 0) }
    return .name(name, offset: sign * (try plainNumber("a number")))
  }

  private mutating func takeSign() -> Double? {
    guard position < bytes.count else { return nil }
    let sign: Double
    switch bytes[position] {
    case UInt8(ascii: "+"): sign = 1
    case UInt8(ascii: "-"): sign = -1
    default: return nil
    }
    position += 1
    return sign
  }

  private mutating func plainNumber(_ expected: String) throws(Expectation.Mistake) -> Double {
    let (text, range) = word()
    guard !text.isEmpty else { throw mistake(expected) }
    return try Self.number(text, range)
  }

  private static func number(
    _ text: String, _ range: Range<Int>
  ) throws(Expectation.Mistake) -> Double {
    // `Double` would also take hexadecimal digits, exponents and names.
    let isPlain = text.utf8.allSatisfy {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".")
    }
    guard isPlain, let number = Double(text), number.isFinite else {
      throw .init(message: "Expected a number without a unit", range: range)
    }
    return number
  }

  /// Whether another comparison follows; takes what joins it.
  mutating func goesOn() throws(Expectation.Mistake) -> Bool {
    skipBlanks()
    guard position < bytes.count else { return false }
    if bytes[position] == UInt8(ascii: ",") {
      position += 1
      return true
    }
    let start = position
    if word().text == "and" { return true }
    position = start
    throw mistake("'and', or a comparison (>=, >, <=, <, =, !=),")
  }
}

extension Expectation {
  /// Reads the words of --expect.
  ///
  /// - Throws: the first mistake, with a mark under it.
  static func read(_ texts: [String], names: ExpectationNames) throws(UsageError) -> [Expectation] {
    var read: [Expectation] = []
    for text in texts {
      do throws(Mistake) {
        read.append(try Expectation(parsing: text, names: names))
      } catch {
        throw UsageError(error.message, in: text, at: error.range)
      }
    }
    return read
  }
}
