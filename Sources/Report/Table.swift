// Rows in columns of plain text, as a stream: memory does not grow with the number of rows.

/// Lays rows out in columns and writes them as they come.
///
/// The first rows are kept until there are enough of them to choose the widths; from then on the
/// widths are fixed, and a later cell that is wider pushes the rest of its row to the right. No cell
/// is ever cut. Where lines have a width, the text of a last column that is aligned left is broken
/// between words, and columns that have no room beside the others stand below their row, numbers with
/// their title. Two blanks stand between columns, and none at the end of a line. Widths count Unicode
/// scalars.
public struct Table: ~Copyable {
  /// On which side of its column a cell stands.
  public enum Alignment: Sendable { case left, right }

  /// A heading, and how the cells below it stand.
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

  /// The texts of cells, written as bytes one after the other, so that no cell needs a String.
  public struct CellWriter: ~Copyable {
    /// To be appended to, in UTF-8 and free of control characters.
    public var bytes = ByteBuffer()
    /// Where in `bytes` each cell ends, and its ink, unless cells are laid out at once.
    fileprivate var cells: [(end: Int, ink: Style.Ink?)] = []
    /// How cells are laid out as they come; none where they are kept.
    fileprivate var places: [(width: Int, isRight: Bool)] = []
    fileprivate let style: Style
    /// Whether the scalars of a cell are counted, or its bytes.
    private var countsScalars = false
    /// Where the row starts, the cell that is being written, and where that starts.
    private var rowStart = 0
    fileprivate var place = 0
    private var start = 0
    /// Where the last text of the row ends: blanks behind it are not written.
    private var end = 0

    fileprivate init(style: Style) { self.style = style }

    /// Ends the cell whose text was appended; the next one starts here.
    public mutating func endCell(_ ink: Style.Ink? = nil) {
      if places.isEmpty { return keepCell(ink) }
      let (wanted, isRight) = places[place]
      let isEmpty = bytes.count == start
      let width =
        countsScalars ? bytes.scalarCount(start..<bytes.count) : bytes.count &- start
      var padding = max(0, wanted &- width)
      if let ink, style.isOn, !isEmpty { paint(ink) }
      if isRight && !isEmpty {
        bytes.insert(repeating: Self.blank, count: padding, at: start)
        padding = 0
      }
      if !isEmpty { end = bytes.count }
      bytes.append(repeating: Self.blank, count: padding &+ Table.gap)
      place &+= 1
      start = bytes.count
    }

    private mutating func keepCell(_ ink: Style.Ink?) { cells.append((bytes.count, ink)) }

    private mutating func paint(_ ink: Style.Ink) {
      let text = bytes.text(start..<bytes.count)
      bytes.remove(from: start)
      bytes += style(text, ink).utf8
    }

    /// Lays a row out. Nearly all have nothing but ASCII, where bytes are scalars. It is seen at the
    /// row as a whole whether this one has, and if not it is laid out again.
    fileprivate mutating func row(_ write: (inout Self) -> Void) {
      beginRow()
      write(&self)
      if !bytes.isASCII(from: rowStart) {
        bytes.remove(from: rowStart)
        countsScalars = true
        beginRow()
        write(&self)
        countsScalars = false
      }
      precondition(place == places.count, "a row needs one cell for each column")
      bytes.remove(from: end)
      bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func beginRow() {
      rowStart = bytes.count
      place = 0
      start = rowStart
      end = rowStart
    }

    fileprivate func range(_ place: Int) -> Range<Int> {
      (place == 0 ? 0 : cells[place - 1].end)..<cells[place].end
    }

    fileprivate func width(_ place: Int) -> Int { bytes.scalarCount(range(place)) }

    fileprivate mutating func removeAll() {
      bytes.remove(from: 0)
      cells.removeAll(keepingCapacity: true)
    }

    private static let blank = UInt8(ascii: " ")
  }

  /// The blanks between two columns.
  fileprivate static let gap = 2

  private let columns: [Column]
  private let style: Style
  private let hasHeader: Bool
  private let sampleCount: Int
  private let lineWidth: Int?
  /// Fewer cells hold no words.
  private static let leastPlace = 20
  /// The rows so far while the widths are not chosen, one after the other; afterwards one row.
  private var kept: CellWriter
  /// Empty until the widths are chosen.
  private var widths: [Int] = []
  /// How many columns stand beside each other; the others stand below.
  private var besideCount: Int

  /// - Parameters:
  ///   - columns: From left to right, at least one.
  ///   - style: For the header and the inks of the cells.
  ///   - hasHeader: Whether the titles are shown.
  ///   - sampleCount: How many rows decide on the widths.
  ///   - lineWidth: In cells: how much stands beside each other. The text of the last column is broken
  ///     between words, the rest under its beginning. Nil leaves a row in one line.
  public init(
    _ columns: [Column], style: Style = .plain, hasHeader: Bool = true, sampleCount: Int = 1_000,
    lineWidth: Int? = nil
  ) {
    precondition(!columns.isEmpty, "a table needs columns")
    self.columns = columns
    self.style = style
    kept = CellWriter(style: style)
    self.hasHeader = hasHeader
    self.sampleCount = sampleCount
    self.lineWidth = lineWidth
    besideCount = columns.count
  }

  /// Adds a row, one cell for each column.
  public mutating func row(
    _ cells: [Cell], to output: inout OutputBuffer
  ) throws(OutputError) {
    try row(to: &output) { writer in
      for cell in cells {
        writer.bytes += cell.text.utf8
        writer.endCell(cell.ink)
      }
    }
  }

  /// Adds a row without making a String: `write` appends the text of each cell and ends it, once for
  /// each column. It may be called twice.
  public mutating func row(
    to output: inout OutputBuffer, _ write: (inout CellWriter) -> Void
  ) throws(OutputError) {
    if !kept.places.isEmpty {
      try output.write { bytes in
        // The output's bytes are lent to the writer and come back.
        swap(&bytes, &kept.bytes)
        kept.row(write)
        swap(&bytes, &kept.bytes)
      }
      return
    }
    write(&kept)
    precondition(
      kept.cells.count % columns.count == 0, "a row needs one cell for each column")
    if !widths.isEmpty {
      try put(kept, row: 0, to: &output)
      kept.removeAll()
    } else if kept.cells.count >= sampleCount * columns.count {
      try settle(&output)
    }
  }

  /// Writes the rows that are still kept; nothing when there are none. A table without rows is its
  /// header. Does not flush the output.
  public mutating func finish(to output: inout OutputBuffer) throws(OutputError) {
    if widths.isEmpty { try settle(&output) }
  }

  /// Chooses the widths and writes the header and the kept rows.
  private mutating func settle(_ output: inout OutputBuffer) throws(OutputError) {
    let rows = kept.cells.count / columns.count
    widths = columns.map { column in
      max(column.minimumWidth, hasHeader ? column.title.unicodeScalars.count : 0)
    }
    for cell in kept.cells.indices {
      let place = cell % columns.count
      widths[place] = max(widths[place], kept.width(cell))
    }
    besideCount = columnsBeside()
    if hasHeader {
      var header = CellWriter(style: style)
      for column in columns {
        header.bytes += column.title.utf8
        header.endCell(.bold)
      }
      try put(header, row: 0, isHeader: true, to: &output)
    }
    for row in 0..<rows { try put(kept, row: row, to: &output) }
    kept = CellWriter(style: style)
    // Lines that may have to be broken are written one by one.
    if lineWidth == nil {
      kept.places = columns.indices.map { (widths[$0], columns[$0].alignment == .right) }
    }
  }

  /// How many columns there is room for beside each other.
  private func columnsBeside() -> Int {
    guard let lineWidth else { return columns.count }
    let starts = widths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1 + Self.gap) }
    let isBroken =
      columns.last?.alignment == .left
      && lineWidth - starts[columns.count - 1] >= Self.leastPlace
    if isBroken || starts[columns.count] - Self.gap <= lineWidth { return columns.count }
    return max(1, columns.indices.count { starts[$0] + widths[$0] <= lineWidth })
  }

  /// The cells that stand below their row, in lines of their own; those that tell nothing are left out.
  private func below(_ source: borrowing CellWriter, row: Int) -> [String] {
    var lines: [String] = []
    var length = 0
    for place in besideCount..<columns.count {
      let text = source.bytes.text(source.range(row * columns.count + place))
      if text == "-" || text.allSatisfy({ $0 == " " }) { continue }
      let column = columns[place]
      let part =
        column.alignment == .right && !column.title.isEmpty ? "\(column.title) \(text)" : text
      let width = part.unicodeScalars.count
      if let last = lines.indices.last, length + Self.gap + width <= lineWidth ?? .max {
        lines[last] += String(repeating: " ", count: Self.gap) + part
        length += Self.gap + width
      } else {
        let indent = String(repeating: " ", count: lines.isEmpty ? 3 : 6)
        lines.append(wrapped(Substring(indent + part), width: lineWidth ?? .max, indent: 6))
        length = indent.count + width
      }
    }
    return lines
  }

  /// The text of the last column in several lines where it is too long for its place; nil where it
  /// is not.
  private func broken(_ text: String, width: Int) -> String? {
    guard let lineWidth, besideCount == columns.count, columns.last?.alignment == .left else {
      return nil
    }
    let start = widths.dropLast().reduce(0) { $0 + $1 + Self.gap }
    guard start + width > lineWidth, lineWidth - start >= Self.leastPlace else { return nil }
    let place = String(repeating: " ", count: start)
    let lines = wrapped(
      Substring(place + text), width: lineWidth, indent: start)
    return String(lines.dropFirst(start))
  }

  /// Writes one of the rows that `source` holds.
  private func put(
    _ source: borrowing CellWriter, row: Int, isHeader: Bool = false, to output: inout OutputBuffer
  ) throws(OutputError) {
    let below = besideCount == columns.count || isHeader ? [] : below(source, row: row)
    try output.write { bytes in
      /// Blanks that are written only if something follows them.
      var blanks = 0
      for place in 0..<besideCount {
        let cell = row * columns.count + place
        let text = source.bytes.text(source.range(cell))
        let width = source.width(cell)
        let padding = max(0, widths[place] - width)
        let isRight = columns[place].alignment == .right
        if text.isEmpty || isRight { blanks += padding }
        if !text.isEmpty {
          bytes.append(repeating: UInt8(ascii: " "), count: blanks)
          blanks = isRight ? 0 : padding
          let lines = place == columns.count - 1 ? broken(text, width: width) : nil
          if let ink = source.cells[cell].ink, style.isOn {
            bytes += style(lines ?? text, ink).utf8
          } else {
            bytes += (lines ?? text).utf8
          }
        }
        blanks += Self.gap
      }
      bytes.append(UInt8(ascii: "\n"))
      for line in below { bytes += "\(line)\n".utf8 }
    }
  }
}

extension ByteBuffer {
  /// How many scalars a range of UTF-8 text has: bytes that do not continue one.
  fileprivate func scalarCount(_ range: Range<Int>) -> Int {
    withSpan(range) { text in
      var count = 0
      for place in text.indices where text[place] & 0xC0 != 0x80 { count += 1 }
      return count
    }
  }

  /// Whether no byte from `start` on is above 127, which is seen at eight of them at once.
  fileprivate func isASCII(from start: Int) -> Bool {
    withSpan(start..<count) { text in
      guard text.count >= 8 else { return text.indices.allSatisfy { text[$0] < 0x80 } }
      // The last eight may have been among those before.
      let last = text.count - 8
      var bits = unsafe text.bytes.unsafeLoadUnaligned(fromByteOffset: last, as: UInt64.self)
      var place = 0
      while place < last {
        bits |= unsafe text.bytes.unsafeLoadUnaligned(
          fromUncheckedByteOffset: place, as: UInt64.self)
        place &+= 8
      }
      return bits & 0x8080_8080_8080_8080 == 0
    }
  }
}
