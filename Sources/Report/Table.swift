// Rows in columns of plain text, as a stream: memory does not grow with the number of rows.

/// Lays rows out in columns and writes them as they come.
///
/// The first rows are kept until there are enough of them to choose the widths; from then on the
/// widths are fixed, and a later cell that is wider pushes the rest of its row to the right. No cell
/// is ever cut, but the text of a last column that is aligned left may be broken between words. Two blanks stand between columns, and none at the end of a line. Widths count
/// Unicode scalars.
public struct Table: Sendable {
  public enum Alignment: Sendable { case left, right }

  public struct Column: Sendable {
    public var title: String
    public var alignment: Alignment
    /// In cells.
    public var minimumWidth: Int

    public init(_ title: String, _ alignment: Alignment = .left, minimumWidth: Int = 0) {
      self.title = title
      self.alignment = alignment
      self.minimumWidth = minimumWidth
    }
  }

  /// The text of one column in one row, free of control characters (see `sanitized`).
  public struct Cell: Sendable, ExpressibleByStringInterpolation {
    public var text: String
    public var ink: Style.Ink?

    public init(_ text: String, _ ink: Style.Ink? = nil) {
      self.text = text
      self.ink = ink
    }

    public init(stringLiteral value: String) { self.init(value) }
  }

  private let columns: [Column]
  private let style: Style
  private let hasHeader: Bool
  private let sampleCount: Int
  private let lineWidth: Int?
  /// Fewer cells hold no words.
  private static let leastPlace = 20
  /// The rows so far while the widths are not chosen.
  private var sample: [[Cell]] = []
  /// Empty until the widths are chosen.
  private var widths: [Int] = []

  /// - Parameters:
  ///   - columns: From left to right, at least one.
  ///   - style: For the header and the inks of the cells.
  ///   - hasHeader: Whether the titles are shown.
  ///   - sampleCount: How many rows decide on the widths.
  ///   - lineWidth: In cells: where the text of the last column is broken between words, the rest
  ///     under its beginning. Nil leaves it whole.
  public init(
    _ columns: [Column], style: Style = .plain, hasHeader: Bool = true, sampleCount: Int = 1_000,
    lineWidth: Int? = nil
  ) {
    precondition(!columns.isEmpty, "a table needs columns")
    self.columns = columns
    self.style = style
    self.hasHeader = hasHeader
    self.sampleCount = sampleCount
    self.lineWidth = lineWidth
  }

  /// Adds a row, one cell for each column.
  public mutating func row(
    _ cells: [Cell], to output: inout OutputBuffer
  ) throws(OutputError) {
    precondition(cells.count == columns.count, "a row needs one cell for each column")
    guard widths.isEmpty else {
      return try write(cells, to: &output)
    }
    sample.append(cells)
    if sample.count >= sampleCount { try settle(&output) }
  }

  /// Writes the rows that are still kept; nothing when there are none. A table without rows is its
  /// header. Does not flush the output.
  public mutating func finish(to output: inout OutputBuffer) throws(OutputError) {
    if widths.isEmpty { try settle(&output) }
  }

  /// Chooses the widths and writes the header and the kept rows.
  private mutating func settle(_ output: inout OutputBuffer) throws(OutputError) {
    widths = columns.indices.map { place in
      let title = hasHeader ? columns[place].title.unicodeScalars.count : 0
      let cells = sample.lazy.map { $0[place].text.unicodeScalars.count }.max() ?? 0
      return max(columns[place].minimumWidth, title, cells)
    }
    if hasHeader { try write(columns.map { Cell($0.title, .bold) }, to: &output) }
    for cells in sample { try write(cells, to: &output) }
    sample = []
  }

  /// The cells with the last one in several lines where it is too long for its place.
  private func broken(_ cells: [Cell]) -> [Cell] {
    guard let lineWidth, let last = cells.last, columns.last?.alignment == .left else {
      return cells
    }
    let start = widths.dropLast().reduce(0) { $0 + $1 + 2 }
    guard start + last.text.unicodeScalars.count > lineWidth,
      lineWidth - start >= Self.leastPlace
    else { return cells }
    let place = String(repeating: " ", count: start)
    let lines = wrapped(Substring(place + last.text), width: lineWidth, indent: start)
    return cells.dropLast() + [Cell(String(lines.dropFirst(start)), last.ink)]
  }

  private func write(_ cells: [Cell], to output: inout OutputBuffer) throws(OutputError) {
    let cells = broken(cells)
    try output.write { bytes in
      /// Blanks that are written only if something follows them.
      var blanks = 0
      for place in cells.indices {
        let cell = cells[place]
        let padding = max(0, widths[place] - cell.text.unicodeScalars.count)
        if cell.text.isEmpty || columns[place].alignment == .right { blanks += padding }
        if !cell.text.isEmpty {
          bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: blanks))
          blanks = columns[place].alignment == .right ? 0 : padding
          if let ink = cell.ink, style.isOn {
            bytes += style(cell.text, ink).utf8
          } else {
            bytes += cell.text.utf8
          }
        }
        blanks += 2
      }
      bytes.append(UInt8(ascii: "\n"))
    }
  }
}
