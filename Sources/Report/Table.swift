// Rows in columns of plain text, as a stream: memory does not grow with the number of rows.

/// Lays rows out in columns and writes them as they come.
///
/// The first rows are kept until there are enough of them to choose the widths; from then on the
/// widths are fixed, and a later cell that is wider pushes the rest of its row to the right. No cell
/// is ever cut, but the text of a last column that is aligned left may be broken between words. Two
/// blanks stand between columns, and none at the end of a line. Widths count Unicode scalars.
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

  /// Texts of cells, written as bytes one after the other, so that no cell needs a String.
  public struct CellWriter: Sendable {
    /// To be appended to, in UTF-8 and free of control characters.
    public var bytes: [UInt8] = []
    /// Where in `bytes` each cell ends, and its ink; unless cells are laid out at once.
    fileprivate var cells: [(end: Int, ink: Style.Ink?)] = []
    /// What lays the cells out as they come; nil while the widths are not chosen.
    fileprivate var layout: Layout?

    /// Ends the cell whose text was appended; the next one starts here.
    public mutating func endCell(_ ink: Style.Ink? = nil) {
      if layout?.endCell(in: &bytes, ink) == nil { cells.append((bytes.count, ink)) }
    }

    fileprivate func range(_ place: Int) -> Range<Int> {
      (place == 0 ? 0 : cells[place - 1].end)..<cells[place].end
    }

    fileprivate func width(_ place: Int) -> Int { Table.width(of: range(place), in: bytes) }

    fileprivate mutating func removeAll() {
      bytes.removeAll(keepingCapacity: true)
      cells.removeAll(keepingCapacity: true)
    }
  }

  /// The layout of one row after the other, in the output's own bytes: no text is copied.
  fileprivate struct Layout: Sendable {
    let places: [(width: Int, isRight: Bool)]
    let style: Style
    private(set) var place = 0
    /// Where the cell that is being written starts.
    private var start = 0
    /// Where the last text of the row ends: blanks behind it are not written.
    private var end = 0

    init(_ places: [(width: Int, isRight: Bool)], style: Style) {
      self.places = places
      self.style = style
    }

    mutating func beginRow(in bytes: borrowing [UInt8]) {
      place = 0
      start = bytes.count
      end = start
    }

    mutating func endCell(in bytes: inout [UInt8], _ ink: Style.Ink?) {
      let (wanted, isRight) = places[place]
      let length = bytes.count - start
      let padding = max(0, wanted - Table.width(of: start..<bytes.count, in: bytes))
      if let ink, style.isOn, length > 0 {
        let text = String(decoding: bytes[start...], as: UTF8.self)
        bytes.removeSubrange(start...)
        bytes += style(text, ink).utf8
      }
      if isRight && padding > 0 && length > 0 {
        Table.insertBlanks(padding, at: start, in: &bytes)
        end = bytes.count
        Table.appendBlanks(2, to: &bytes)
      } else {
        if length > 0 { end = bytes.count }
        Table.appendBlanks(padding + 2, to: &bytes)
      }
      place += 1
      start = bytes.count
    }

    mutating func endRow(in bytes: inout [UInt8]) {
      bytes.removeLast(bytes.count - end)
      bytes.append(UInt8(ascii: "\n"))
    }
  }

  fileprivate static func appendBlanks(_ count: Int, to bytes: inout [UInt8]) {
    bytes.append(addingCapacity: count) {
      $0.append(repeating: UInt8(ascii: " "), count: count)
    }
  }

  /// Moves what stands behind a place to the right.
  private static func insertBlanks(_ count: Int, at place: Int, in bytes: inout [UInt8]) {
    let end = bytes.count
    appendBlanks(count, to: &bytes)
    var span = bytes.mutableSpan
    for from in stride(from: end - 1, through: place, by: -1) { span[from + count] = span[from] }
    for blank in place..<min(place + count, end) { span[blank] = UInt8(ascii: " ") }
  }

  /// The scalars of UTF-8 text: bytes that do not continue one.
  fileprivate static func width(of range: Range<Int>, in bytes: [UInt8]) -> Int {
    /// How many of eight bytes continue a scalar: those that begin with the bits 10.
    func continuations(_ word: UInt64) -> Int {
      (word & ~(word << 1) & 0x8080_8080_8080_8080).nonzeroBitCount
    }
    let all = unsafe bytes.span.bytes
    var count = range.count
    var place = range.lowerBound
    while range.upperBound - place >= 8 {
      count -= continuations(
        unsafe all.unsafeLoadUnaligned(fromByteOffset: place, as: UInt64.self))
      place += 8
    }
    while place < range.upperBound {
      if bytes[place] & 0xC0 == 0x80 { count -= 1 }
      place += 1
    }
    return count
  }

  private let columns: [Column]
  private let style: Style
  private let hasHeader: Bool
  private let sampleCount: Int
  private let lineWidth: Int?
  /// Fewer cells hold no words.
  private static let leastPlace = 20
  /// The rows so far while the widths are not chosen, one after the other; afterwards one row.
  private var kept = CellWriter()
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
    try row(to: &output) { writer in
      for cell in cells {
        writer.bytes += cell.text.utf8
        writer.endCell(cell.ink)
      }
    }
  }

  /// Adds a row without making a String: `write` appends the text of each cell and ends it, once for
  /// each column.
  public mutating func row(
    to output: inout OutputBuffer, _ write: (inout CellWriter) -> Void
  ) throws(OutputError) {
    if kept.layout != nil {
      try output.write { bytes in
        // The output's bytes are lent to the writer and come back.
        swap(&bytes, &kept.bytes)
        kept.layout?.beginRow(in: kept.bytes)
        write(&kept)
        precondition(kept.layout?.place == columns.count, "a row needs one cell for each column")
        kept.layout?.endRow(in: &kept.bytes)
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
    if hasHeader {
      var header = CellWriter()
      for column in columns {
        header.bytes += column.title.utf8
        header.endCell(.bold)
      }
      try put(header, row: 0, to: &output)
    }
    for row in 0..<rows { try put(kept, row: row, to: &output) }
    kept = CellWriter()
    // Lines that may have to be broken are written one by one.
    if lineWidth == nil {
      kept.layout = Layout(
        columns.indices.map { (widths[$0], columns[$0].alignment == .right) }, style: style)
    }
  }

  /// The text of the last column in several lines where it is too long for its place; nil where it
  /// is not.
  private func broken(_ text: ArraySlice<UInt8>, width: Int) -> String? {
    guard let lineWidth, columns.last?.alignment == .left else { return nil }
    let start = widths.dropLast().reduce(0) { $0 + $1 + 2 }
    guard start + width > lineWidth, lineWidth - start >= Self.leastPlace else { return nil }
    let place = String(repeating: " ", count: start)
    let lines = wrapped(
      Substring(place + String(decoding: text, as: UTF8.self)), width: lineWidth, indent: start)
    return String(lines.dropFirst(start))
  }

  /// Writes one of the rows that `source` holds.
  private func put(
    _ source: CellWriter, row: Int, to output: inout OutputBuffer
  ) throws(OutputError) {
    try output.write { bytes in
      /// Blanks that are written only if something follows them.
      var blanks = 0
      for place in columns.indices {
        let cell = row * columns.count + place
        let text = source.bytes[source.range(cell)]
        let width = source.width(cell)
        let padding = max(0, widths[place] - width)
        let isRight = columns[place].alignment == .right
        if text.isEmpty || isRight { blanks += padding }
        if !text.isEmpty {
          for _ in 0..<blanks { bytes.append(UInt8(ascii: " ")) }
          blanks = isRight ? 0 : padding
          let lines = place == columns.count - 1 ? broken(text, width: width) : nil
          if let ink = source.cells[cell].ink, style.isOn {
            bytes += style(lines ?? String(decoding: text, as: UTF8.self), ink).utf8
          } else if let lines {
            bytes += lines.utf8
          } else {
            bytes += text
          }
        }
        blanks += 2
      }
      bytes.append(UInt8(ascii: "\n"))
    }
  }
}
