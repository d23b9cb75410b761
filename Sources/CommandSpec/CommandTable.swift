// The table of subcommands, and what a whole command line asks for.

/// A subcommand's options: stored properties are the values, `init()` their defaults.
public protocol CommandOptions: Sendable {
  /// All defaults.
  init()
  /// What a person reads about the subcommand.
  static var page: CommandPage { get }
  /// The options in the order in which they are shown.
  static var parameters: [Bound<Self>] { get }
  /// Options of other programs, and what there is here in their place.
  static var foreignOptions: [ForeignWord] { get }
  /// The operand words as they stood. The parser checks only their number; a word `HOST:PORT`
  /// where a host and then a port are expected counts as both.
  var operands: [String] { get set }
  /// Checks what one option alone cannot know. Called at the end of parsing.
  mutating func validate() throws(UsageError)
}

extension CommandOptions {
  /// None.
  public static var foreignOptions: [ForeignWord] { [] }
  /// Finds nothing wrong.
  public mutating func validate() throws(UsageError) {}
}

/// One row of the table: a subcommand with its parser.
public struct Command<Invocation: Sendable>: Sendable {
  // Made when asked for: most runs need one subcommand's page and parameters, and making those of
  // all of them took as long as all the rest of a short run.
  private let makePage: @Sendable () -> CommandPage
  private let makeParameters: @Sendable () -> [Parameter]
  let read: @Sendable ([String]) throws(UsageError) -> Parsed<Invocation>

  /// Makes a row of a type of options and of what is to be done with them.
  public init<O: CommandOptions>(_: O.Type, _ invoke: @escaping @Sendable (O) -> Invocation) {
    makePage = { O.page }
    makeParameters = {
      let options = O.parameters.map(\.parameter)
      let operands = O.page.operands.map { operand in
        var parameter = operand.parameter
        parameter.waivers = options.filter { $0.waivedOperands.contains(operand.name) }.map(\.name)
        return parameter
      }
      return operands + options
    }
    read = { words throws(UsageError) -> Parsed<Invocation> in
      let operands = O.page.operands.map { $0.parameter }
      switch try parseOptions(words, as: O.self, operands: operands) {
      case .options(let options): return .options(invoke(options))
      case .help: return .help
      case .version: return .version
      }
    }
  }

  /// What a person reads.
  public var page: CommandPage { makePage() }
  /// The operands, then the options and flags, as declared; `--help` and `--version` are not here.
  public var parameters: [Parameter] { makeParameters() }

  /// The operands in the order in which they are typed.
  var operands: [Parameter] { parameters.filter { $0.kind == .operand } }
  /// The options and flags that may stand before an operand.
  var leadingOptions: [Parameter] {
    parameters.filter { $0.kind != .operand && $0.valueForm != .remaining }
  }
  /// The options that take all the words that are left.
  var lastOptions: [Parameter] { parameters.filter { $0.valueForm == .remaining } }
  /// The options and flags, with those that every subcommand has.
  var options: [Parameter] { parameters.filter { $0.kind != .operand } + [.version, .help] }
}

/// A shell for which a completion script can be printed.
public enum Shell: String, CaseIterable, ArgumentValue {
  /// GNU Bash, 4.0 or later.
  case bash
  /// The Z shell.
  case zsh
  /// fish, 3.0 or later.
  case fish
}

/// The whole command line as a table: parsing, help, manual pages and completion scripts.
public struct CommandTable<Invocation: Sendable>: Sendable {
  /// What a person reads about the tool.
  public let tool: ToolPage
  /// The subcommands in the order in which they are shown.
  public let commands: [Command<Invocation>]

  /// What a command line asks for.
  public enum Request {
    /// Run a subcommand.
    case invoke(Invocation)
    /// Write this text to standard output as it stands (it ends with a newline) and exit with 0.
    case print(String)
  }

  /// Makes the table.
  public init(tool: ToolPage, commands: [Command<Invocation>]) {
    self.tool = tool
    self.commands = commands
  }

  /// Reads a command line.
  ///
  /// - Parameters:
  ///   - words: The arguments without the program's name.
  ///   - columns: The width for help; below 40 counts as 40.
  ///   - shell: The value of `$SHELL`, for `--generate-completion-script` without a value.
  /// - Throws: `UsageError` with its context: print its `description` to standard error, exit 64.
  /// - Returns: What is to be done.
  public func parse(
    _ words: [String], columns: Int, shell: String?
  ) throws(UsageError) -> Request {
    guard let first = words.first else { return .print(help(nil, columns: columns)) }
    var command: Command<Invocation>?
    do {
      if isOption(first) { return try parseRoot(words, columns: columns, shell: shell) }
      if first == "help" { return try parseHelp(words.dropFirst(), columns: columns) }
      command = try find(first)
      switch try command?.read(Array(words.dropFirst())) {
      case .options(let invocation): return .invoke(invocation)
      case .version: return .print(tool.version + "\n")
      case .help, nil: return .print(help(first, columns: columns))
      }
    } catch {
      var error = error
      error.usage = wrap(usage(command), width: max(columns, 40) - 7).joined(separator: "\n       ")
      error.manual = [tool.name, command?.page.name, "--help"].compactMap(\.self)
        .joined(separator: " ")
      throw error
    }
  }

  /// The options that stand before any subcommand.
  var rootOptions: [Parameter] { [.script, .version, .help] }

  /// The words of the usage line, of which none may be broken.
  func usage(_ command: Command<Invocation>?) -> [String] {
    guard let command else { return [tool.name, "<subcommand>"] }
    let options = command.leadingOptions
    // A longer list is better read below, one option a line.
    let shown = options.count > 12 ? ["[<options>]"] : options.map(\.usage)
    return [tool.name, command.page.name] + shown
      + (command.operands + command.lastOptions).map(\.usage)
  }

  /// Options that stand before a subcommand in vain: those of other programs, and those that have to
  /// stand behind one.
  private var foreignRootOptions: [ForeignWord] {
    let taken = Set(rootOptions.flatMap(\.spellings))
    var owners: [String: [String]] = [:]
    for command in commands {
      for spelling in command.options.flatMap(\.spellings) where !taken.contains(spelling) {
        owners[spelling, default: []].append(command.page.name)
      }
    }
    return tool.foreignWords()
      + owners.map { spelling, names in
        ForeignWord(
          [spelling], "It goes behind a subcommand: \(names.joined(separator: ", ")).")
      }
  }

  private func find(_ name: String) throws(UsageError) -> Command<Invocation> {
    if let command = commands.first(where: { $0.page.name == name }) { return command }
    if let answer = tool.foreignWords().answer(to: name) {
      throw UsageError("Unknown subcommand '\(shown(name))'. \(answer)")
    }
    let near = nearest(to: name, in: commands.map(\.page.name) + ["help"])
    throw UsageError("Unknown subcommand '\(shown(name))'", suggestion: near)
  }

  /// The text that `--help` or `--version` asks for outside of a subcommand.
  private func answer(_ scan: Scan, _ columns: Int) throws(UsageError) -> String? {
    if let request = scan.request {
      return request == .version ? tool.version + "\n" : help(nil, columns: columns)
    }
    if let problem = scan.problem { throw problem }
    return nil
  }

  private func parseHelp(
    _ words: ArraySlice<String>, columns: Int
  ) throws(UsageError) -> Request {
    var scan = Scan(options: [.version, .help])
    scan.read(words)
    if let text = try answer(scan, columns) { return .print(text) }
    if scan.operands.count > 1 {
      throw UsageError("Unexpected argument '\(shown(scan.operands[1]))'")
    }
    guard let name = scan.operands.first, name != "help" else {
      return .print(help(nil, columns: columns))
    }
    return .print(help(try find(name).page.name, columns: columns))
  }

  private func parseRoot(
    _ words: [String], columns: Int, shell: String?
  ) throws(UsageError) -> Request {
    var words = words
    if words[0] == "--\(Parameter.script.name)", words.count == 1 || isOption(words[1]) {
      let name = shell?.split(separator: "/").last.map(String.init) ?? ""
      // An unknown $SHELL stays a missing value.
      if Shell(rawValue: name) != nil { words.insert(name, at: 1) }
    }
    var scan = Scan(options: rootOptions, foreign: { foreignRootOptions })
    scan.read(words[...])
    if let text = try answer(scan, columns) { return .print(text) }
    guard let setting = scan.settings.first else { throw UsageError("Missing subcommand") }
    guard let shell = Shell(argument: setting.value) else { throw setting.refusal }
    if let extra = scan.operands.first {
      throw UsageError("Unexpected argument '\(shown(extra))'")
    }
    return .print(completionScript(shell))
  }
}
