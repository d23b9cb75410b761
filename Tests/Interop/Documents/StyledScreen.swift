// What a terminal shows, as rows of runs of one style: read from what tmux captures with its colours.

/// A run of characters of one style in a row.
struct StyledRun: Hashable {
  /// The first column, counted from 0.
  var column: Int
  var text: String
  var isBold = false
  var isDim = false
  var isReversed = false
  /// The terminal's colour, 0–7; brighter ones are taken for the same. `nil` is the text's own.
  var color: Int?
}

struct StyledScreen: Hashable {
  var rows: [[StyledRun]]

  init(rows: [[StyledRun]]) {
    self.rows = rows
  }

  init(_ captured: String) {
    rows = []
    // A style lasts over the end of a row.
    var style = StyledRun(column: 0, text: "")
    for line in captured.split(separator: "\n", omittingEmptySubsequences: false) {
      var runs: [StyledRun] = []
      var column = 0
      var rest = Substring(line)
      while let character = rest.first {
        if character == "\u{1b}", let end = rest.firstIndex(where: { $0.isLetter }) {
          // Only SGR sequences come out of a capture: ESC [ numbers m.
          style.apply(rest[rest.index(rest.startIndex, offsetBy: 2)..<end])
          rest = rest[rest.index(after: end)...]
          continue
        }
        if let last = runs.last, last.hasStyle(of: style) {
          runs[runs.count - 1].text.append(character)
        } else {
          var run = style
          run.column = column
          run.text = String(character)
          runs.append(run)
        }
        column += 1
        rest = rest.dropFirst()
      }
      rows.append(runs.compactMap { $0.trimmed })
    }
  }

  /// Without colours, as `Terminal.screen` has it.
  var lines: [String] {
    rows.map { runs in
      runs.reduce(into: "") { line, run in
        line += String(repeating: " ", count: max(0, run.column - line.count)) + run.text
      }
    }
  }
}

extension StyledRun {
  fileprivate func hasStyle(of other: StyledRun) -> Bool {
    isBold == other.isBold && isDim == other.isDim && isReversed == other.isReversed
      && color == other.color
  }

  /// Without blanks at its ends, which show only where they are reversed.
  fileprivate var trimmed: StyledRun? {
    if isReversed { return self }
    var run = self
    let front = text.prefix { $0 == " " }.count
    guard front < text.count else { return nil }
    run.column += front
    run.text = String(text.dropFirst(front).reversed().drop { $0 == " " }.reversed())
    return run
  }

  fileprivate mutating func apply(_ sequence: Substring) {
    let numbers = sequence.split(separator: ";", omittingEmptySubsequences: false).map {
      Int($0) ?? 0
    }
    var index = 0
    while index < numbers.count {
      switch numbers[index] {
      case 0: self = StyledRun(column: column, text: text)
      case 1: isBold = true
      case 2: isDim = true
      case 7: isReversed = true
      case 22: (isBold, isDim) = (false, false)
      case 27: isReversed = false
      case let code where 30...37 ~= code: color = code - 30
      case let code where 90...97 ~= code: color = code == 90 ? nil : code - 90
      case 39: color = nil
      // 256 colours are not used by the views; the number is left out.
      case 38, 48: index += 2
      default: break
      }
      index += 1
    }
  }
}
