// The table of a watch: as many rows as there is room for, in columns that do not jump.

internal import Report

/// Lays out the rows that are on the screen. Its columns only grow, since a table whose columns jump
/// at each reading cannot be read.
struct WatchTable {
  struct Row {
    var cells: [Table.Cell]
    /// What stands behind the row where there is room, and else below it.
    var note = ""
  }

  private var widths: [Int] = []
  /// With so much room notes stand behind the rows.
  private static let noteRoom = 45

  /// Lets the columns be chosen again.
  mutating func forget() { widths = [] }

  /// - Parameters:
  ///   - titles: One for each cell of a row. Columns that have no room beside the others stand below,
  ///     with their title where they are numbers.
  ///   - noteTitle: Of the notes.
  /// - Returns: the heading and the rows, no more than `height` lines, and how many rows these are.
  mutating func lines(
    _ titles: [Table.Column], _ rows: [Row], noteTitle: String, height: Int, hasHeader: Bool,
    _ display: Display
  ) -> (lines: [String], rows: Int) {
    var titles = titles
    if widths.count != titles.count { widths = titles.map { $0.title.unicodeScalars.count } }
    for place in titles.indices {
      let widest = rows.map { $0.cells[place].text.unicodeScalars.count }.max() ?? 0
      widths[place] = max(widths[place], titles[place].minimumWidth, widest)
      titles[place].minimumWidth = widths[place]
    }
    var used = 0
    let fitting = widths.prefix { width in
      used += width + 2
      return used - 2 <= display.columns
    }.count
    let isBeside = fitting == widths.count && used + Self.noteRoom <= display.columns
    let lines = Self.lines(
      of: Array(titles.prefix(fitting)) + (isBeside ? [.init(noteTitle)] : []),
      rows.map { Array($0.cells.prefix(fitting)) + (isBeside ? [.init($0.note)] : []) }, display,
      hasHeader: hasHeader)
    var shown = hasHeader ? Array(lines.prefix(1)) : []
    var count = 0
    for (line, row) in zip(lines.dropFirst(shown.count), rows) {
      var text = display.fit(line, indent: isBeside ? used : 6)
      let rest = (fitting..<titles.count).compactMap { Self.labelled(row.cells[$0], titles[$0]) }
      for part in [rest.joined(separator: "  "), isBeside ? "" : row.note] where !part.isEmpty {
        text += "\n" + display.fit("   " + part, indent: 6)
      }
      let more = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      // A row that is higher than the whole screen is shown as far as it goes.
      if shown.count + more.count > height, count > 0 { break }
      shown += more
      count += 1
    }
    return (Array(shown.prefix(height)), count)
  }

  /// The cell as it stands below its row; nil where it has nothing to say.
  private static func labelled(_ cell: Table.Cell, _ title: Table.Column) -> String? {
    if cell.text.allSatisfy({ $0 == " " }) || cell.text == "-" { return nil }
    return title.alignment == .right && !title.title.isEmpty
      ? "\(title.title) \(cell.text)" : cell.text
  }

  private static func lines(
    of titles: [Table.Column], _ cells: [[Table.Cell]], _ display: Display, hasHeader: Bool
  ) -> [String] {
    // Writing to memory does not fail.
    let text = try? OutputBuffer.text { output throws(OutputError) in
      var table = Table(titles, style: display.style, hasHeader: hasHeader)
      for row in cells { try table.row(row, to: &output) }
      try table.finish(to: &output)
    }
    return (text ?? "").split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      .map(String.init)
  }
}
