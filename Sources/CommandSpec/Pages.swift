// What a person reads about the tool and about each subcommand, apart from the options.

/// A word of a subcommand that is known by its position.
public struct Operand: Sendable, Equatable {
  /// The name without angle brackets.
  public var name: String
  /// Whether it must be there.
  public var isRequired: Bool
  /// Whether it takes all the words that are left; only the last operand may.
  public var isRepeated: Bool
  /// One or more sentences.
  public var help: String
  /// What a shell offers. A host followed by a port may also be typed as one word, `HOST:PORT`.
  public var completion: Parameter.Completion

  /// Creates an operand.
  public init(
    _ name: String, required: Bool = true, repeated: Bool = false, help: String,
    completion: Parameter.Completion = .none
  ) {
    self.name = name
    isRequired = required
    isRepeated = repeated
    self.help = help
    self.completion = completion
  }

  /// The same for the parser and the generators.
  var parameter: Parameter {
    Parameter(
      kind: .operand, name: name, help: help, completion: completion, isRequired: isRequired,
      isRepeated: isRepeated)
  }
}

/// A command line to type, and what it does.
public struct Example: Sendable, Equatable {
  /// The whole line, as it is typed at the shell's prompt.
  public var command: String
  /// One or more sentences.
  public var explanation: String

  /// Creates an example.
  public init(command: String, explanation: String) {
    self.command = command
    self.explanation = explanation
  }
}

/// An exit status and its meaning.
public struct ExitStatusRow: Sendable, Equatable {
  /// 0 to 255.
  public var status: Int
  /// What the status says.
  public var meaning: String

  /// Creates a row.
  public init(status: Int, meaning: String) {
    self.status = status
    self.meaning = meaning
  }
}

/// An environment variable that the tool obeys.
public struct EnvironmentRow: Sendable, Equatable {
  /// The variable's name.
  public var name: String
  /// What it does.
  public var meaning: String

  /// Creates a row.
  public init(name: String, meaning: String) {
    self.name = name
    self.meaning = meaning
  }
}

/// Words of a small language of the tool's own, with what they mean, under a title.
public struct TermList: Sendable, Equatable {
  /// In capitals, as `FILTER FORMS`.
  public var title: String
  /// What is typed, and what it means in one or more sentences.
  public var rows: [Row]

  /// A form and its meaning.
  public struct Row: Sendable, Equatable {
    /// As it is typed; short enough for a line of its own.
    public var form: String
    /// One or more sentences.
    public var meaning: String
    /// What a shell offers, such as `pending`, or `state=` where a value follows.
    public var words: [String]
    /// What a shell offers behind each of the words that end with `=`; separated by commas where there
    /// are several.
    public var choices: [String]

    /// Creates a row.
    public init(
      _ form: String, _ meaning: String, words: [String] = [], choices: [String] = []
    ) {
      self.form = form
      self.meaning = meaning
      self.words = words
      self.choices = choices
    }
  }

  /// Creates a list.
  public init(title: String, rows: [Row]) {
    self.title = title
    self.rows = rows
  }
}

/// What a person may type who knows other programs, and what there is here in its place.
public struct ForeignWord: Sendable, Equatable {
  /// Which words it is about.
  public enum Form: Sendable, Equatable {
    /// These, options with their dashes.
    case words([String])
    /// Every word that has a dot or a colon in it, and does not begin with a dash.
    case host
    /// Every word of digits alone.
    case number
  }

  /// Which words it is about.
  public var form: Form
  /// A sentence. What is between quotes can be typed.
  public var answer: String

  /// Creates an answer to one of several words.
  public init(_ words: [String], _ answer: String) {
    self.init(.words(words), answer)
  }

  /// Creates an answer.
  public init(_ form: Form, _ answer: String) {
    self.form = form
    self.answer = answer
  }

  func isAbout(_ word: String) -> Bool {
    switch form {
    case .words(let words): words.contains(word)
    case .host: word.first != "-" && word.contains { $0 == "." || $0 == ":" }
    case .number: !word.isEmpty && word.utf8.allSatisfy { (48...57).contains($0) }
    }
  }
}

extension [ForeignWord] {
  /// The answer to a word, if there is one.
  func answer(to word: String) -> String? { first { $0.isAbout(word) }?.answer }
}

/// What a person reads about one subcommand.
public struct CommandPage: Sendable, Equatable {
  /// The word that selects it: lower-case ASCII letters, digits and `-`.
  public var name: String
  /// One sentence.
  public var abstract: String
  /// Paragraphs.
  public var discussion: [String]
  /// In the order in which they are typed.
  public var operands: [Operand]
  /// The language of an operand or option, where it has one.
  public var terms: TermList?
  /// The most useful one first.
  public var examples: [Example]
  /// The statuses that this subcommand can end with; empty stands for those of the tool.
  public var exitStatuses: [ExitStatusRow]
  /// Other manual pages, as `ss(8)`.
  public var seeAlso: [String]

  /// Creates a page.
  public init(
    name: String, abstract: String, discussion: [String] = [], operands: [Operand] = [],
    terms: TermList? = nil, examples: [Example] = [], exitStatuses: [ExitStatusRow] = [],
    seeAlso: [String] = []
  ) {
    self.name = name
    self.abstract = abstract
    self.discussion = discussion
    self.operands = operands
    self.terms = terms
    self.examples = examples
    self.exitStatuses = exitStatuses
    self.seeAlso = seeAlso
  }
}

/// What a person reads about the tool as a whole.
public struct ToolPage: Sendable {
  /// The program's name.
  public var name: String
  /// What `--version` prints.
  public var version: String
  /// The manual's date as mdoc wants it: `November 23, 2026`.
  public var date: String
  /// One sentence.
  public var abstract: String
  /// Paragraphs.
  public var discussion: [String]
  /// The variables that the tool obeys.
  public var environment: [EnvironmentRow]
  /// All statuses.
  public var exitStatuses: [ExitStatusRow]
  /// The most useful one first.
  public var examples: [Example]
  /// Other manual pages, as `ss(8)`; the subcommands' own pages need not be named.
  public var seeAlso: [String]
  /// Options and subcommands of other programs, made when asked for.
  public var foreignWords: @Sendable () -> [ForeignWord]

  /// Creates a page.
  public init(
    name: String, version: String, date: String, abstract: String, discussion: [String] = [],
    environment: [EnvironmentRow] = [], exitStatuses: [ExitStatusRow] = [],
    examples: [Example] = [], seeAlso: [String] = [],
    foreignWords: @escaping @Sendable () -> [ForeignWord] = { [] }
  ) {
    self.name = name
    self.version = version
    self.date = date
    self.abstract = abstract
    self.discussion = discussion
    self.environment = environment
    self.exitStatuses = exitStatuses
    self.examples = examples
    self.seeAlso = seeAlso
    self.foreignWords = foreignWords
  }
}
