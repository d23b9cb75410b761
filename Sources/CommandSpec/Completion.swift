// What the three completion scripts have in common: the table as they see it, and words in quotes.

extension CommandTable {
  /// A script that completes the whole command line in a shell. Ends with a newline.
  public func completionScript(_ shell: Shell) -> String {
    switch shell {
    case .bash: bashScript()
    case .zsh: zshScript()
    case .fish: fishScript()
    }
  }

  /// The tool's name as part of the name of a shell function.
  var identifier: String {
    String(tool.name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
  }

  /// The names and abstracts of all subcommands, `help` among them.
  var subcommands: [(name: String, abstract: String)] {
    commands.map { ($0.page.name, $0.page.abstract) } + [("help", "Show subcommand help.")]
  }

  /// All rows with a subcommand's options; the tool's own stand under the empty name.
  var optionRows: [(command: String, options: [Parameter])] {
    [("", rootOptions)] + commands.map { ($0.page.name, $0.options) }
      + [("help", [.version, .help])]
  }

  /// First lines that say what a script is.
  func scriptHeading(_ shell: Shell) -> String {
    "# Completion of \(tool.name) for \(shell.rawValue), "
      + "printed by '\(tool.name) --generate-completion-script \(shell.rawValue)'."
  }
}

/// The operands that a word at one position may be: more than one where optional ones come first.
struct Place {
  var first: Int
  /// `nil` if all the later words belong here too.
  var last: Int?
  var operands: [Parameter]
}

extension Command {
  /// The positions at which operands may stand.
  var places: [Place] {
    operands.indices.map { position in
      let here = operands.indices.filter { index in
        index >= position && operands[..<index].count(where: \.isRequired) <= position
      }
      let isLast = position == operands.count - 1 && operands[position].isRepeated
      return Place(
        first: position, last: isLast ? nil : position, operands: here.map { operands[$0] })
    }
  }
}

extension TermList {
  /// What a shell offers: `pending`, `port=`, or `state=A,B` with all values.
  public var completion: Parameter.Completion { .words(completions) }

  private var completions: [String] {
    rows.flatMap { row in
      row.words.map { $0.hasSuffix("=") ? $0 + row.choices.joined(separator: ",") : $0 }
    }
  }
}

/// One line of text without control characters, which no script needs.
func oneLine(_ text: String) -> String {
  String(
    String.UnicodeScalarView(
      text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
}

/// A text with a replacement for certain scalars. (Characters would not do: a quote with a combining
/// mark is another character, but ends a quoted word all the same.)
func escaped(_ text: String, _ replacements: KeyValuePairs<Unicode.Scalar, String>) -> String {
  var result = ""
  for scalar in oneLine(text).unicodeScalars {
    let replacement = replacements.first { $0.key == scalar }?.value
    result.unicodeScalars.append(
      contentsOf: replacement.map { Array($0.unicodeScalars) } ?? [scalar])
  }
  return result
}

/// A word for bash and zsh, in quotes unless it is a plain name.
func shellQuoted(_ text: String) -> String {
  isName(text) ? text : "'" + escaped(text, ["'": "'\\''"]) + "'"
}

private func isName(_ text: String) -> Bool {
  !text.isEmpty
    && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
}

/// A word for fish, whose single quotes know two escapes.
func fishQuoted(_ text: String) -> String {
  isName(text) ? text : "'" + escaped(text, ["\\": "\\\\", "'": "\\'"]) + "'"
}
