// What a person typed wrong, how it is told, and what they may have meant.

/// Everything wrong that a person typed. Print `description` to standard error and exit with 64.
public struct UsageError: Error, Sendable, CustomStringConvertible {
  /// What is wrong, without the context.
  public var message: String
  /// The option that it is about.
  var parameter: Parameter?
  /// The usage line; the table adds it.
  var usage: String?
  /// The command line that prints more; the table adds it.
  var manual: String?

  /// An error without context; the parser adds the usage.
  ///
  /// - Parameter message: one line. A line break is of a word that it quotes, and is shown as `\n`.
  public init(_ message: String) {
    let parts = message.split(separator: "\n", omittingEmptySubsequences: false)
    self.message = parts.joined(separator: "\\n")
  }

  init(_ message: String, about parameter: Parameter? = nil, suggestion: String? = nil) {
    self.message = message
    self.parameter = parameter
    if let suggestion { self.message += ". Did you mean '\(suggestion)'?" }
  }

  /// The whole text: what is wrong, help on the option, the usage and where to read more.
  public var description: String {
    var lines = ["Error: \(message)"]
    if let parameter { lines.append("Help:  \(parameter.label)  \(parameter.help)") }
    if let usage { lines.append("Usage: \(usage)") }
    if let manual { lines.append("  See '\(manual)' for more information.") }
    return lines.joined(separator: "\n")
  }
}

/// A word of the command line as an error shows it: control characters escaped, excess cut.
func shown(_ word: String) -> String {
  var text = ""
  for scalar in word.unicodeScalars.prefix(200) {
    text +=
      scalar.properties.generalCategory == .control
      ? scalar.escaped(asASCII: true) : String(scalar)
  }
  return word.unicodeScalars.count > 200 ? text + "..." : text
}

/// The candidate that was probably meant: one that the word begins, or else the nearest by edits.
public func nearest(to word: String, in candidates: [String]) -> String? {
  if word.count >= 3, let longer = candidates.first(where: { $0.hasPrefix(word) }) { return longer }
  var best: (name: String, distance: Int)?
  for name in candidates where abs(name.count - word.count) < 4 {
    let distance = edits(from: Array(word), to: Array(name))
    // At most three edits, and at least half of the word unchanged: else any name is near a short one.
    if distance < best?.distance ?? 4, distance * 2 <= max(word.count, name.count) {
      best = (name, distance)
    }
  }
  return best?.name
}

/// The number of insertions, deletions, substitutions and swaps of neighbours between two words.
func edits(from old: [Character], to new: [Character]) -> Int {
  var rows = [Array(0...new.count)]
  for (i, letter) in old.enumerated() {
    var row = [i + 1]
    for (j, other) in new.enumerated() {
      var distance = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (letter == other ? 0 : 1))
      if i > 0, j > 0, letter == new[j - 1], old[i - 1] == other {
        distance = min(distance, rows[i - 1][j - 1] + 1)
      }
      row.append(distance)
    }
    rows.append(row)
  }
  return rows[old.count][new.count]
}
