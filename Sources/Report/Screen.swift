// A whole screen that is drawn again and again: only the lines that differ are written.

/// What a terminal shows while one program has all of it.
public struct Screen: Sendable {
  /// To the alternate screen, so that what was there comes back at the end; without a cursor, and
  /// without breaking lines at the edge.
  public static let entering: [UInt8] = Array("\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l".utf8)
  /// Back again.
  public static let leaving: [UInt8] = Array("\u{1b}[0m\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l".utf8)

  private var shown: [String] = []
  private var size = (columns: 0, rows: 0)

  public init() {}

  /// Forgets what is there: the next frame is drawn whole.
  public mutating func forget() { size = (0, 0) }

  /// What has to be written to show these lines.
  ///
  /// - Parameters:
  ///   - lines: From the top; what is beyond either edge of the display is left out.
  ///   - cursor: Where the cursor is shown, in cells from 0; nil hides it.
  public mutating func frame(
    _ lines: [String], cursor: (row: Int, column: Int)? = nil, on display: Display
  ) -> [UInt8] {
    var bytes = "\u{1b}[?25l"
    let isWhole = size != (display.columns, display.rows)
    if isWhole { bytes += "\u{1b}[0m\u{1b}[H\u{1b}[2J" }
    size = (display.columns, display.rows)
    var next: [String] = []
    for row in 0..<display.rows {
      let (line, width) = row < lines.count ? display.cutStyled(lines[row]) : ("", 0)
      let before = isWhole ? "" : row < shown.count ? shown[row] : ""
      if line != before {
        bytes += "\u{1b}[\(row + 1);1H" + line
        // Behind a line that fills the row this would take its last character.
        if width < display.columns { bytes += "\u{1b}[K" }
      }
      next.append(line)
    }
    shown = next
    if let cursor {
      bytes += "\u{1b}[\(cursor.row + 1);\(min(cursor.column, display.columns - 1) + 1)H\u{1b}[?25h"
    }
    return Array(bytes.utf8)
  }
}

extension Display {
  /// The line without what is beyond the last column, and its width in cells. Sequences of `Style`
  /// take none, and those that were open at the cut are closed.
  func cutStyled(_ line: String) -> (String, width: Int) {
    var shown = String.UnicodeScalarView()
    var width = 0
    var isEscape = false
    var isStyled = false
    let text = hasUnicode ? line : spelledInASCII(line)
    for scalar in text.unicodeScalars {
      if scalar == "\u{1b}" {
        isEscape = true
        isStyled = true
      } else if isEscape {
        isEscape = scalar != "m"
      } else {
        let cells = cellCount(scalar)
        if width + cells > columns { break }
        width += cells
      }
      shown.append(scalar)
    }
    return (String(shown) + (isStyled ? "\u{1b}[0m" : ""), width)
  }
}
