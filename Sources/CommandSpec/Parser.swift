// Reads the words of one subcommand, in two steps: words become settings and operands by the table
// alone (so an unknown option is told before anything else), and only then values are read.

/// What the words of a subcommand ask for.
enum Parsed<Options: Sendable>: Sendable {
  case options(Options)
  case help
  case version
}

/// Reads a subcommand's words into its options.
func parseOptions<O: CommandOptions>(
  _ words: [String], as _: O.Type, operands: [Parameter]
) throws(UsageError) -> Parsed<O> {
  let parameters = O.parameters
  var scan = Scan(
    options: parameters.map(\.parameter) + [.version, .help], foreign: { O.foreignOptions })
  scan.read(words[...])
  // Whoever asks for help gets it, whatever else is wrong.
  if scan.request == .help { return .help }
  if scan.request == .version { return .version }
  if let problem = scan.problem { throw problem }

  var options = O()
  var seen: Set<Int> = []
  for setting in scan.settings {
    let isFirst = seen.insert(setting.index).inserted
    guard parameters[setting.index].store(&options, setting.value, isFirst) else {
      throw setting.refusal
    }
  }
  try checkCombination(of: scan.settings)
  do {
    try checkNumber(of: scan.operands, expected: operands, given: scan.settings)
    try checkOperands(neededBy: scan.settings, given: scan.operands)
  } catch {
    var error = error
    if error.parameter?.kind == .operand, let last = scan.settings.last,
      last.parameter.valueForm == .remaining
    {
      error.message += ". Words after '\(last.spelling)' belong to that option."
    }
    throw error
  }
  options.operands = scan.operands
  try options.validate()
  return .options(options)
}

/// Throws if words are missing or too many, with what the given options waive.
private func checkNumber(
  of words: [String], expected all: [Parameter], given settings: [Scan.Setting]
) throws(UsageError) {
  var count = words.count
  let host = all.indices.dropLast().first {
    all[$0].completion == .host && all[$0 + 1].completion == .port
  }
  if let host, words.indices.contains(host) {
    if let endpoint = endpoint(ofURL: words[host]) {
      throw UsageError("'\(shown(words[host]))' is a URL", suggestion: shown(endpoint))
    }
    if isHostAndPort(words[host]) { count += 1 }
  }
  let waived = settings.flatMap { $0.parameter.waivedOperands }
  let expected = all.filter { !waived.contains($0.name) }
  let required = expected.filter(\.isRequired)
  if count < required.count {
    var error = UsageError(
      "Missing expected argument '\(required[count].label)'", about: required[count])
    if required[count].completion == .port, let word = words.last,
      word.utf8.first != UInt8(ascii: "["), word.utf8.count(where: { $0 == UInt8(ascii: ":") }) > 1
    {
      error.message += ". Behind an IPv6 address in brackets it is one word: '[::1]:80'."
    }
    throw error
  }
  if count > expected.count, expected.last?.isRepeated != true {
    let word = words[words.count - min(count - expected.count, words.count)]
    let waiver = settings.first { !$0.parameter.waivedOperands.isEmpty }
    throw UsageError(
      "Unexpected argument '\(shown(word))'" + (waiver.map { explanation(of: $0) } ?? ""))
  }
}

/// `HOST:PORT` or `HOST SCHEME` of a URL: a scheme is the name of its service. Nil for other words.
private func endpoint(ofURL word: String) -> String? {
  guard let colon = word.firstIndex(of: ":"), word[colon...].hasPrefix("://") else { return nil }
  let authority = word[colon...].dropFirst(3).prefix { !"/?#".contains($0) }
  let host = authority.split(separator: "@").last.map(String.init) ?? "HOST"
  return isHostAndPort(host) ? host : "\(host) \(word[..<colon])"
}

/// Why a word that another command line needs is too much in this one.
private func explanation(of waiver: Scan.Setting) -> String {
  let names = waiver.parameter.waivedOperands.map { "'<\($0)>'" }.joined(separator: " and no ")
  return ". With '\(waiver.spelling)' there is no \(names)."
}

/// Whether a word is `HOST:PORT` or `[v6]:PORT`; an IPv6 address without brackets is neither.
private func isHostAndPort(_ word: String) -> Bool {
  if word.utf8.first == UInt8(ascii: "[") { return word.split(separator: "]").last?.first == ":" }
  return word.utf8.count { $0 == UInt8(ascii: ":") } == 1
}

/// Whether a word looks like an option: `-x`, but neither `-` alone nor a negative number.
func isOption(_ word: String) -> Bool {
  let bytes = Array(word.utf8.prefix(2))
  return bytes.count == 2 && bytes[0] == UInt8(ascii: "-")
    && !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[1])
}

/// The first step: which words are options, which are their values, which are operands.
struct Scan {
  /// An option or flag as it was given.
  struct Setting {
    var index: Int
    var parameter: Parameter
    var spelling: String
    var value: String

    /// The error that says that the value is not one.
    var refusal: UsageError {
      var message =
        "The value '\(shown(value))' is invalid for '\(parameter.withValue(spelling))'."
      if !parameter.form.isEmpty { message += " Give \(parameter.form)." }
      // A short list says more than a guess.
      if parameter.choices.count > 12, let near = nearChoice {
        message += " Did you mean '\(near)'?"
      } else if !parameter.choices.isEmpty {
        let names = parameter.choices.map { "'\($0)'" }
        let list = [names.dropLast().joined(separator: ", "), names.last ?? ""]
        message += " Please provide \(parameter.isList ? "a comma-separated list" : "one") of "
        message += list.filter { !$0.isEmpty }.joined(separator: " and ") + "."
      }
      return UsageError(message, about: parameter)
    }

    /// What the first element that is no choice was probably meant to be.
    private var nearChoice: String? {
      let words =
        parameter.isList
        ? value.split(separator: ",", omittingEmptySubsequences: false).map(String.init) : [value]
      for word in words {
        let known = parameter.choices.first { $0.lowercased() == word.lowercased() }
        if known == nil { return CommandSpec.nearest(to: word, in: parameter.choices) }
      }
      return nil
    }
  }

  let options: [Parameter]
  /// What other programs call an option; asked only about words that are none here.
  private let foreign: @Sendable () -> [ForeignWord]
  private(set) var settings: [Setting] = []
  private(set) var operands: [String] = []
  /// `--help` or `--version`, whichever stood first.
  private(set) var request: Parameter?
  /// The first thing that is wrong.
  private(set) var problem: UsageError?

  init(options: [Parameter], foreign: @escaping @Sendable () -> [ForeignWord] = { [] }) {
    self.options = options
    self.foreign = foreign
  }

  /// Sorts the words. Goes on after a problem: a request for help may follow.
  mutating func read(_ words: ArraySlice<String>) {
    var rest = words
    while let word = rest.popFirst() {
      if word == "--" {
        operands += rest
        return
      } else if word.hasPrefix("--") {
        readLong(word, &rest)
      } else if isOption(word) || isDigitFlag(word) || answer(to: word) != nil {
        readShort(word, &rest)
      } else {
        operands.append(word)
      }
    }
  }

  /// `-4` is a flag where one is declared, else a number.
  private func isDigitFlag(_ word: String) -> Bool {
    guard word.hasPrefix("-"), let letter = word.dropFirst().first else { return false }
    return options.contains { $0.short == letter }
  }

  /// What there is in place of another program's option.
  private func answer(to option: String) -> String? {
    option.utf8.first == UInt8(ascii: "-") ? foreign().answer(to: option) : nil
  }

  private mutating func readLong(_ word: String, _ rest: inout ArraySlice<String>) {
    let parts = word.dropFirst(2).split(
      separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let index = options.firstIndex(where: { $0.name == name }) else {
      if let answer = answer(to: "--\(name)") { return note(unknown("--\(name)", answer: answer)) }
      let near = nearest(to: name, in: options.map(\.name)).map { "--\($0)" }
      let short = options.contains { $0.short.map(String.init) == name } ? "-\(name)" : nil
      return note(unknown("--\(name)", suggestion: short ?? near))
    }
    take(index, "--\(name)", attached: parts.count == 2 ? String(parts[1]) : nil, &rest)
  }

  private mutating func readShort(_ word: String, _ rest: inout ArraySlice<String>) {
    var letters = word.dropFirst()
    if letters.count > 2, options.contains(where: { $0.name == letters }) {
      return note(unknown(word, suggestion: "-\(word)"))
    }
    while let letter = letters.popFirst() {
      let spelling = "-\(letter)"
      guard let index = options.firstIndex(where: { $0.short == letter }) else {
        return note(unknownShort(letter, in: word))
      }
      // `-b5` and `-b=5`; what follows a flag is another letter.
      let isValue = letters.first == "=" || options[index].kind == .option && !letters.isEmpty
      let value = letters.first == "=" ? letters.dropFirst() : letters
      take(index, spelling, attached: isValue ? String(value) : nil, &rest)
      if isValue { return }
    }
  }

  private mutating func take(
    _ index: Int, _ spelling: String, attached: String?, _ rest: inout ArraySlice<String>
  ) {
    let parameter = options[index]
    if parameter.kind == .flag, let attached {
      let text = "The option '\(spelling)' does not take any value, but '\(shown(attached))' was"
      return note(UsageError("\(text) specified.", about: parameter))
    }
    if parameter == .help || parameter == .version {
      request = request ?? parameter
      return
    }
    var values = [attached ?? parameter.bareValue ?? ""]
    if parameter.kind == .option, attached == nil, parameter.bareValue == nil {
      guard let next = rest.first, !isOption(next) else {
        return note(missingValue(of: parameter, spelling, before: rest.first))
      }
      values = [next]
      rest.removeFirst()
    }
    if parameter.valueForm == .remaining {
      values += rest
      rest = []
    }
    settings += values.map {
      Setting(index: index, parameter: parameter, spelling: spelling, value: $0)
    }
  }

  /// A value that begins with a dash has to be attached; a word that is an option is none.
  private func missingValue(
    of parameter: Parameter, _ spelling: String, before next: String?
  ) -> UsageError {
    var error = UsageError(
      "Missing value for '\(parameter.withValue(spelling))'", about: parameter)
    guard let next, next != "--", parameter.valueForm != .remaining else { return error }
    let spellings = options.flatMap(\.spellings)
    if !spellings.contains(where: { next == $0 || next.hasPrefix("\($0)=") }) {
      error.message += ". If '\(shown(next))' is the value, write '\(spelling)=\(shown(next))'."
    }
    return error
  }

  private mutating func note(_ error: UsageError) { problem = problem ?? error }

  private func unknown(_ option: String, answer: String) -> UsageError {
    UsageError("Unknown option '\(shown(option))'. \(answer)")
  }

  private func unknown(_ option: String, suggestion: String?) -> UsageError {
    UsageError("Unknown option '\(shown(option))'", suggestion: suggestion)
  }

  /// Suggests the same letter in the other case, or the long name that a word of several begins to spell.
  private func unknownShort(_ letter: Character, in word: String) -> UsageError {
    let name = String(word.dropFirst())
    let answer = answer(to: "-\(letter)")
    if name.count > 1, name.first != letter {
      let option = "-\(letter)' in '\(word)"
      return answer.map { unknown(option, answer: $0) } ?? unknown(option, suggestion: nil)
    }
    let folded = options.compactMap(\.short).first { $0.lowercased() == letter.lowercased() }
    let near = name.count > 2 ? nearest(to: name, in: options.map(\.name)) : nil
    if near == nil, let answer {
      return unknown(name.count > 1 ? "-\(letter)' in '\(word)" : word, answer: answer)
    }
    return unknown(word, suggestion: near.map { "--\($0)" } ?? folded.map { "-\($0)" })
  }
}
