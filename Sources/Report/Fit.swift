// Prose on a terminal: lines broken between words, and characters that the terminal has.

extension Display {
  /// The text as a person reads it best here.
  ///
  /// On a terminal a line that is too long is broken between words, and where the locale is not
  /// UTF-8 the few characters that this tool writes outside ASCII are spelled in ASCII. Anywhere
  /// else the text stays as it is, so that a log has one line for one thing.
  ///
  /// - Parameters:
  ///   - text: One or more lines, with or without the sequences of `Style`.
  ///   - indent: How many blanks stand before the rest of a broken line.
  /// - Returns: The lines, without a newline at the end unless the text has one.
  public func fit(_ text: String, indent: Int = 0) -> String {
    guard isTerminal else { return text }
    return (hasUnicode ? text : spelledInASCII(text))
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { wrapped($0, width: columns, indent: indent) }
      .joined(separator: "\n")
  }
}

extension Display {
  /// The text, with what this terminal lacks spelled in ASCII, and without what is beyond so many
  /// cells: for a line that is drawn over, and therefore must not be broken.
  public func cut(_ text: String, to width: Int) -> String {
    let shown = hasUnicode ? text : spelledInASCII(text)
    return String(String.UnicodeScalarView(shown.unicodeScalars.prefix(max(0, width))))
  }
}

/// The line, broken between words where it is wider than `width`. A word that is wider stays whole,
/// since addresses are never cut; blanks stay as they are, apart from those at a break.
func wrapped(_ line: Substring, width: Int, indent: Int) -> String {
  guard cells(line) > width else { return String(line) }
  var text = ""
  var used = 0
  var rest = line
  while !rest.isEmpty {
    let blanks = rest.prefix { $0 == " " }
    let word = rest.dropFirst(blanks.count).prefix { $0 != " " }
    rest = rest[word.endIndex...]
    let size = cells(word)
    if used > 0, used + blanks.count + size > width {
      text += "\n" + String(repeating: " ", count: indent)
      used = indent
    } else {
      text += blanks
      used += blanks.count
    }
    text += word
    used += size
  }
  return text
}

/// The scalars that take a cell: all but those of escape sequences for weight and colour.
private func cells(_ text: Substring) -> Int {
  var count = 0
  var isEscape = false
  for scalar in text.unicodeScalars {
    if scalar == "\u{1b}" {
      isEscape = true
    } else if !isEscape {
      count += 1
    } else if scalar == "m" {
      isEscape = false
    }
  }
  return count
}

/// The few characters outside ASCII that this tool writes, in ASCII. What others there are come from the user, who
/// knows how to show them.
func spelledInASCII(_ text: String) -> String {
  text.map { ["→": "->", "µ": "u", "…": "...", "¾": "3/4", "−": "-", "–": "-"][$0] ?? String($0) }
    .joined()
}
