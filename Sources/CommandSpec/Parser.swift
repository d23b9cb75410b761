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
  var scan = Scan(options: parameters.map(\.parameter) + [.version, .help])
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
  if let host, words.indices.contains(host), isHostAndPort(words[host]) { count += 1 }
  let waived = settings.flatMap { $0.parameter.waivedOperands }
  let expected = all.filter { !waived.contains($0.name) }
  let required = expected.filter(\.isRequired)
  if count < required.count {
    throw UsageError(
      "Missing expected argument '\(required[count].label)'", about: required[count])
  }
  if count > expected.count, expected.last?.isRepeated != true {
    let word = words[words.count - min(count - expected.count, words.count)]
    let waiver = settings.first { !$0.parameter.waivedOperands.isEmpty }
    throw UsageError(
      "Unexpected argument '\(shown(word))'" + (waiver.map { explanation(of: $0) } ?? ""))
  }
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
      if !parameter.choices.isEmpty {
        let names = parameter.choices.map { "'\($0)'" }
        let list = [names.dropLast().joined(separator: ", "), names.last ?? ""]
        message += " Please provide \(parameter.isList ? "a comma-separated list" : "one") of "
        message += list.filter { !$0.isEmpty }.joined(separator: " and ") + "."
      }
      return UsageError(message, about: parameter)
    }
  }

  let options: [Parameter]
  private(set) var settings: [Setting] = []
  private(set) var operands: [String] = []
  /// `--help` or `--version`, whichever stood first.
  private(set) var request: Parameter?
  /// The first thing that is wrong.
  private(set) var problem: UsageError?

  init(options: [Parameter]) { self.options = options }

  /// Sorts the words. Goes on after a problem: a request for help may follow.
  mutating func read(_ words: ArraySlice<String>) {
    var rest = words
    while let word = rest.popFirst() {
      if word == "--" {
        operands += rest
        return
      } else if word.hasPrefix("--") {
        readLong(word, &rest)
      } else if isOption(word) || isDigitFlag(word) {
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

  private mutating func readLong(_ word: String, _ rest: inout ArraySlice<String>) {
    let parts = word.dropFirst(2).split(
      separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let index = options.firstIndex(where: { $0.name == name }) else {
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
        return note(
          UsageError("Missing value for '\(parameter.withValue(spelling))'", about: parameter))
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

  private mutating func note(_ error: UsageError) { problem = problem ?? error }

  private func unknown(_ option: String, suggestion: String?) -> UsageError {
    UsageError("Unknown option '\(shown(option))'", suggestion: suggestion)
  }

  /// Suggests the same letter in the other case, or the long name that a word of several begins to spell.
  private func unknownShort(_ letter: Character, in word: String) -> UsageError {
    let name = String(word.dropFirst())
    if name.count > 1, name.first != letter {
      return unknown("-\(letter)' in '\(word)", suggestion: nil)
    }
    let folded = options.compactMap(\.short).first { $0.lowercased() == letter.lowercased() }
    let near = name.count > 2 ? nearest(to: name, in: options.map(\.name)) : nil
    return unknown(word, suggestion: near.map { "--\($0)" } ?? folded.map { "-\($0)" })
  }
}
