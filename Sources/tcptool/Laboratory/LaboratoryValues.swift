// Values of backlog-test's options: settings, and lists of numbers.

internal import BacklogLab
internal import CommandSpec

/// `NAME=VALUE`: a setting of the private network namespace.
struct SettingValue: ArgumentValue, Hashable {
  var name: String
  /// As /proc/sys takes it.
  var value: String

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    name = String(parts[0])
    value = String(parts[1])
  }

  static let form = "a name and a value, like somaxconn=16"
  static var completion: Parameter.Completion { .settings }
  var argumentText: String { "\(name)=\(value)" }
}

/// `NAME=LIST`: a setting and the values that it takes one after the other.
struct SettingList: ArgumentValue, Hashable {
  var name: String
  var values: NumberList

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let values = NumberList(argument: String(parts[1]))
    else { return nil }
    name = String(parts[0])
    self.values = values
  }

  static let form = "a name and a list, like somaxconn=16,128,4096"
  static var completion: Parameter.Completion { .settings }
  var argumentText: String { "\(name)=\(values.argumentText)" }
}

extension Parameter.Completion {
  /// The settings that matter to the queues; others are taken too.
  fileprivate static var settings: Self { .words(Setting.known.map { "\($0.shortName)=" }) }
}

/// Numbers, one by one or in ranges: `0,1,5`, `1..8`, `0..100+25`, `1..4096*2`, and mixed.
///
/// A range begins with its first number; each further one is the one before plus the step (1 where
/// none is given) or times the factor, up to the last number. The last number itself is taken only
/// where a step leads to it.
struct NumberList: ArgumentValue, Hashable {
  var numbers: [Int]
  /// As it was typed.
  let argumentText: String
  static let form = "numbers or ranges, like 0,5,128, 0..500+100 or 1..4096*2, at most 1,000"

  /// More would be a slip of the finger: at half a second each they take minutes.
  static let most = 1_000

  init?(argument: String) {
    argumentText = argument
    numbers = []
    for word in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let more = Self.range(word), numbers.count + more.count <= Self.most else { return nil }
      numbers += more
    }
  }

  /// One number, or a range of them.
  private static func range(_ word: Substring) -> [Int]? {
    let parts = word.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[1].isEmpty else { return Int(word).map { [$0] } }
    guard let first = Int(parts[0]) else { return nil }
    let mark = parts[2].dropFirst().firstIndex { $0 == "*" || $0 == "+" } ?? parts[2].endIndex
    guard let last = Int(parts[2][..<mark]), first <= last else { return nil }
    var step = 1
    let multiplies = mark != parts[2].endIndex && parts[2][mark] == "*"
    if mark != parts[2].endIndex {
      guard let given = Int(parts[2][parts[2].index(after: mark)...]) else { return nil }
      step = given
    }
    // What does not grow would never end.
    guard multiplies ? step > 1 && first > 0 : step > 0 else { return nil }
    var numbers: [Int] = []
    var next = first
    while next <= last {
      guard numbers.count < most else { return nil }
      numbers.append(next)
      let (value, overflow) =
        multiplies ? next.multipliedReportingOverflow(by: step) : next.addingReportingOverflow(step)
      if overflow { break }
      next = value
    }
    return numbers
  }
}
