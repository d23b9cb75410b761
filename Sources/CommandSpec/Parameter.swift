// One parameter of a command: what the parser, the help, the manual and the completions all read.

/// A flag, an option with a value, or an operand, as plain data.
public struct Parameter: Sendable, Equatable {
  /// How the parameter stands on the command line.
  public enum Kind: Sendable {
    /// `--name`, without a value.
    case flag
    /// `--name <value>`, in one of the forms of `ValueForm`.
    case option
    /// A word known by its position.
    case operand
  }

  /// How the value of an option stands on the command line.
  public enum ValueForm: Sendable, Equatable {
    /// `--name <value>` or `--name=<value>`.
    case required
    /// `--name=<value>`, or `--name` alone, which stands for the value `bare`. The next word is never
    /// the value, since it could be an operand.
    case optional(bare: String)
    /// `--name <value> ...`: all the words that are left, also those that look like options.
    case remaining
  }

  /// What a shell offers for the value.
  public enum Completion: Sendable, Equatable {
    /// The choices, if there are any.
    case none
    /// Names of files.
    case file
    /// Names of hosts that this machine knows.
    case host
    /// Names of TCP services.
    case port
    /// Names of programs, and of files where more words follow.
    case command
    /// These words, beside which others may do. One that ends with `=`, `<`, `>` or `:` is to be
    /// continued, as `state=` is; `state=A,B` also offers what it may be continued with, in a list.
    /// One that begins with `-` is offered behind `--name=-`, since it has to be attached.
    case words([String])
    /// The words of the file of this path, or the names in the folder of this path, as they are when
    /// somebody asks; names of files once a slash has been typed.
    case listed(at: String)
  }

  /// How the parameter stands on the command line.
  public var kind: Kind
  /// The long name without dashes, or the operand's name: lower-case ASCII letters, digits and `-`.
  public var name: String
  /// The letter or digit of the short form.
  public var short: Character?
  /// What stands between angle brackets after an option; empty for the other kinds.
  public var valueName: String
  /// How the value of an option stands; `required` for the other kinds.
  public var valueForm: ValueForm
  /// One or more sentences.
  public var help: String
  /// The values of a closed set; empty if the set is open.
  public var choices: [String]
  /// Whether the value is a comma-separated list, whose elements are `choices`.
  public var isList: Bool
  /// How the value is written, as it stands behind 'Give'; empty where there is nothing to say.
  public var form: String
  /// What a shell offers for the value.
  public var completion: Completion
  /// The default as a person would type it; `nil` if there is none to show.
  public var defaultText: String?
  /// Whether an operand must be there.
  public var isRequired: Bool
  /// Whether it may stand more than once.
  public var isRepeated: Bool
  /// The names of the operands that need not and must not be there once this option is.
  public var waivedOperands: [String]
  /// The options that may not be given together with this one.
  public var exclusions: [Exclusion] = []
  /// The long names of the options of which one has to be given for this one to do anything.
  public var neededOptions: [String] = []
  /// The names of the operands that have to be given for this option to do anything.
  public var neededOperands: [String] = []
  /// The long names of the options that waive this operand; the command fills them in.
  var waivers: [String] = []

  /// Creates a parameter; what is left out is absent.
  public init(
    kind: Kind, name: String, short: Character? = nil, valueName: String = "",
    valueForm: ValueForm = .required, help: String, choices: [String] = [],
    isList: Bool = false, form: String = "",
    completion: Completion = .none, defaultText: String? = nil,
    isRequired: Bool = false, isRepeated: Bool = false, waivedOperands: [String] = []
  ) {
    self.kind = kind
    self.name = name
    self.short = short
    self.valueName = valueName
    self.valueForm = valueForm
    self.help = help
    self.choices = choices
    self.isList = isList
    self.form = form
    self.completion = completion
    self.defaultText = defaultText
    self.isRequired = isRequired
    self.isRepeated = isRepeated
    self.waivedOperands = waivedOperands
  }
}

extension Parameter {
  static let help = Self(kind: .flag, name: "help", short: "h", help: "Show help information.")
  static let version = Self(kind: .flag, name: "version", help: "Show the version.")
  static let script = Self(
    kind: .option, name: "generate-completion-script", valueName: "shell",
    help: "Print a completion script for a shell; without a value, for the one that $SHELL names.",
    choices: Shell.choices)

  /// `-b` and `--backlog`, shortest first; none for an operand.
  var spellings: [String] {
    kind == .operand ? [] : (short.map { ["-\($0)"] } ?? []) + ["--\(name)"]
  }

  /// The value that the option has where none is given; `nil` where one must be.
  var bareValue: String? {
    if case .optional(let bare) = valueForm { bare } else { nil }
  }

  /// What the help lists: `-b, --backlog <n>` or `<port>`.
  var label: String {
    kind == .operand ? "<\(name)>" : withValue(spellings.joined(separator: ", "))
  }

  /// What the usage line shows: `[--backlog <n>]`, `<port>`, `[<filter> ...]`.
  var usage: String {
    let word = (kind == .operand ? label : withValue("--\(name)")) + (isRepeated ? " ..." : "")
    return isAlwaysRequired ? word : "[\(word)]"
  }

  /// Whether an operand must be there, whatever options are.
  var isAlwaysRequired: Bool { isRequired && waivers.isEmpty }

  /// The help with its choices, its values where none is given, and the options that it needs or
  /// that make it superfluous.
  var details: String {
    var notes: [String] = []
    if !choices.isEmpty { notes.append("values: " + choices.joined(separator: ", ")) }
    if let bareValue { notes.append("without a value: \(bareValue)") }
    if let defaultText { notes.append("default: \(defaultText)") }
    notes += note("only with", neededOptions.map { "--\($0)" } + neededOperands.map { "<\($0)>" })
    // A long list is told better in a sentence of the page.
    if waivers.count <= 3 { notes += note("not with", waivers.map { "--\($0)" }) }
    return notes.isEmpty ? help : "\(help) (\(notes.joined(separator: "; ")))"
  }

  private func note(_ words: String, _ names: [String]) -> [String] {
    names.isEmpty ? [] : ["\(words) " + names.joined(separator: ", ")]
  }

  /// An option's spelling as it was typed, with the value that it wants.
  func withValue(_ spelling: String) -> String {
    guard kind == .option else { return spelling }
    return switch valueForm {
    case .required: "\(spelling) <\(valueName)>"
    case .optional: "\(spelling)[\(spelling.hasSuffix("--\(name)") ? "=" : "")<\(valueName)>]"
    case .remaining: "\(spelling) <\(valueName)> ..."
    }
  }
}
