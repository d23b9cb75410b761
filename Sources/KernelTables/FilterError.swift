// What is wrong with a filter, and where.

/// A mistake in a filter: where it is and what was expected there.
public struct FilterError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The whole expression as it was given.
  public var expression: String
  /// The bytes of its UTF-8 that the mistake is about; empty and at the end where something is missing.
  public var range: Range<Int>
  /// What is wrong and what was expected, as a sentence without a full stop. Words of the expression
  /// that it quotes are cut, but may hold control characters.
  public var message: String

  /// The message and the place as a number, for where no caret can be drawn.
  public var description: String { "\(message) (at byte \(range.lowerBound) of the filter)" }
}

/// A mistake while only its place is known, before the expression is put beside it.
struct FilterMistake: Error {
  var range: Range<Int>
  var message: String

  init(_ range: Range<Int>, _ message: String) {
    self.range = range
    self.message = message
  }

  init(_ token: FilterToken, _ message: String) { self.init(token.range, message) }
}

/// A word in quotes for a message, cut where it is long.
func quoted(_ word: String) -> String {
  let scalars = word.unicodeScalars
  let start = String(String.UnicodeScalarView(scalars.prefix(40)))
  return scalars.count > 40 ? "'\(start)...'" : "'\(word)'"
}

/// `. Did you mean 'X'?` for the candidate nearest to the word; nothing where none is near.
func didYouMean(_ word: String, _ candidates: some Sequence<String>) -> String {
  nearest(to: word, in: candidates).map { ". Did you mean '\($0)'?" } ?? ""
}

/// The candidate that was probably meant: the nearest by edits, at most two, and at least half of
/// the word unchanged. Of several the one that begins like it.
private func nearest(to word: String, in candidates: some Sequence<String>) -> String? {
  let word = Array(word.lowercased().utf8.prefix(32))
  var best: (name: String, distance: Int)?
  for name in candidates where abs(name.utf8.count - word.count) <= 2 {
    let letters = Array(name.lowercased().utf8)
    let count = edits(word, letters)
    let common = zip(word, letters).prefix { $0 == $1 }.count
    let distance = count * 64 - common
    if count <= 2, count * 2 <= word.count, distance < best?.distance ?? .max {
      best = (name, distance)
    }
  }
  return best?.name
}

/// Insertions, deletions, substitutions and swaps of neighbours between two words.
private func edits(_ old: [UInt8], _ new: [UInt8]) -> Int {
  var last: [Int] = []
  var rows = Array(0...new.count)
  for (i, letter) in old.enumerated() {
    var row = [i + 1]
    for (j, other) in new.enumerated() {
      var distance = min(rows[j + 1] + 1, row[j] + 1, rows[j] + (letter == other ? 0 : 1))
      if i > 0, j > 0, letter == new[j - 1], old[i - 1] == other {
        distance = min(distance, last[j - 1] + 1)
      }
      row.append(distance)
    }
    (last, rows) = (rows, row)
  }
  return rows[new.count]
}
