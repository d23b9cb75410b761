// The help texts, in the layout that Swift's argument parser has made familiar.

/// The column in which explanations start, counted from 0.
private let textColumn = 26

extension CommandTable {
  /// The help of the tool (`nil`, or a name that is no subcommand) or of a subcommand.
  ///
  /// The text ends with a newline. Fewer than 40 columns count as 40.
  public func help(_ name: String?, columns: Int) -> String {
    let width = max(columns, 40)
    let command = commands.first { $0.page.name == name }
    let abstract = command?.page.abstract ?? tool.abstract
    var blocks = [wrap("OVERVIEW: \(abstract)", width: width)]
    blocks += (command?.page.discussion ?? tool.discussion).map { wrap($0, width: width) }
    blocks.append(
      indented(wrap(usage(command), width: width - 7), by: 7, after: "USAGE:"))

    let operands = command?.operands ?? []
    blocks.append(section("ARGUMENTS:", operands.map { ($0.label, $0.details) }, width))
    let options = command?.options ?? rootOptions
    blocks.append(section("OPTIONS:", options.map { ($0.label, $0.details) }, width))

    if let terms = command?.page.terms {
      let rows = terms.rows.map { ($0.form, $0.meaning) }
      blocks.append(section("\(terms.title):", rows, width))
    }
    if let command {
      blocks.append(examples(command.page.examples, width))
      let statuses = exitStatuses(command).map { (String($0.status), $0.meaning) }
      blocks.append(section("EXIT STATUS:", statuses, width, column: 6))
    } else {
      let rows = commands.map { ($0.page.name, $0.page.abstract) }
      blocks.append(section("SUBCOMMANDS:", rows, width))
      blocks.append(["  See '\(tool.name) help <subcommand>' for detailed help."])
    }
    return blocks.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }
      .joined(separator: "\n\n") + "\n"
  }

  /// A subcommand that names no statuses can end with any of the tool's.
  func exitStatuses(_ command: Command<Invocation>) -> [ExitStatusRow] {
    command.page.exitStatuses.isEmpty ? tool.exitStatuses : command.page.exitStatuses
  }
}

/// A title and its rows; nothing if there are no rows.
private func section(
  _ title: String, _ rows: [(label: String, text: String)], _ width: Int, column: Int = textColumn
) -> [String] {
  rows.isEmpty
    ? []
    : [title]
      + rows.flatMap { label, text in
        indented(wrap(text, width: width - column), by: column, after: "  " + label)
      }
}

/// Examples can be copied: their command lines are not broken.
private func examples(_ examples: [Example], _ width: Int) -> [String] {
  var lines: [String] = []
  for example in examples {
    lines += example.command.split(whereSeparator: \.isNewline).map { "  \($0)" }
    lines += wrap(example.explanation, width: width - 6).map { "      \($0)" }
  }
  return lines.isEmpty ? [] : ["EXAMPLES:"] + lines
}

/// Lines that start in a column, the first one behind a label, or below it if the label is too long.
private func indented(_ lines: [String], by column: Int, after label: String) -> [String] {
  let space = String(repeating: " ", count: column)
  let rest = lines.map { space + $0 }
  guard let first = lines.first, label.count < column else { return [label] + rest }
  return [label + space.dropFirst(label.count) + first] + rest.dropFirst()
}

/// The text in lines of at most `width` characters, with all white space made single.
func wrap(_ text: String, width: Int) -> [String] {
  wrap(words(of: text).map(String.init), width: width)
}

/// The words in lines of at most `width` characters; a longer word has a line of its own.
func wrap(_ words: [String], width: Int) -> [String] {
  var lines: [String] = []
  for word in words {
    if let line = lines.last, line.count + 1 + word.count <= width {
      lines[lines.count - 1] = line + " " + word
    } else {
      lines.append(word)
    }
  }
  return lines
}

/// The words between white space. A no-break space is no white space.
func words(of text: String) -> [Substring] {
  text.split { $0 == " " || $0 == "\t" || $0.isNewline }
}
