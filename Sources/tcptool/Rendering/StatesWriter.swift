// The rows of `states` on their way out: as a table, as CSV or as JSON lines, one after the other.

internal import KernelTables
internal import Report
internal import SocketCore

/// The form of the rows.
enum StatesFormat {
  case text, csv, json
}

/// Writes rows as they come. Memory does not grow with their number.
struct StatesWriter: ~Copyable {
  private let isWhole: Bool
  private let isColored: Bool
  /// What the columns give, apart from all else that they have: 100,000 rows go through these.
  private let sources: [Source]
  private let format: StatesFormat
  /// The heading of CSV, until it is written.
  private var csvHeading: String?
  private var table: Table?
  private var pieces: [JSONPiece] = []
  /// The keys of all pieces, each behind a `null`, and room for the last to be read eight bytes at once.
  private var keys: [UInt8] = []

  /// In a structure, since functions that stand in an array by themselves are called by a detour.
  private struct Source {
    var value: StatesColumn.Value
    var text: StatesColumn.Text?
    var ink: StatesColumn.Inking?
  }

  /// A piece of a row's JSON object.
  private struct JSONPiece {
    /// Where `keys` has the key with what stands before it.
    var key: Range<Int>
    var value: StatesColumn.Value
    /// The piece that follows where the value is unknown: the next one, or the one behind the group that
    /// this one begins.
    var end: Int
  }

  /// What stands above the rows is written with the first of them, or at the end.
  ///
  /// - Parameters:
  ///   - columns: In their order; JSON gathers those of a group where its first one stands.
  ///   - isWhole: Whether nothing is shortened or broken into lines.
  init(
    _ format: StatesFormat, _ columns: [StatesColumn], display: Display, hasHeader: Bool,
    isWhole: Bool
  ) {
    self.format = format
    self.isWhole = isWhole
    isColored = display.style.isOn
    sources = columns.map { Source(value: $0.value, text: $0.text, ink: $0.ink) }
    switch format {
    case .text:
      table = Table(
        columns.map { .init($0.title, $0.alignment, minimumWidth: $0.minimumWidth) },
        style: display.style, hasHeader: hasHeader,
        lineWidth: display.isTerminal && !isWhole ? display.columns : nil)
    case .csv where hasHeader:
      let names = columns.map { column in
        (column.group.map { "\($0.rawValue)_" } ?? "") + (column.key ?? column.name)
      }
      csvHeading = names.joined(separator: ",")
    case .csv: break
    case .json:
      addPieces(columns)
      keys += Array(repeating: 0, count: 8)
    }
  }

  mutating func write(
    _ socket: StatesRow, _ context: StatesContext, to output: inout OutputBuffer
  ) throws(OutputError) {
    switch format {
    case .text:
      try table?.row(to: &output) { cells in
        for place in sources.indices {
          if let text = sources[place].text {
            text(socket, &cells.bytes)
          } else {
            sources[place].value(socket, context).appendText(to: &cells.bytes, isWhole: isWhole)
          }
          cells.endCell(isColored ? sources[place].ink?(socket) : nil)
        }
      }
    case .csv:
      try writeHeading(to: &output)
      try output.write { bytes in
        for place in sources.indices {
          if place > 0 { bytes.append(UInt8(ascii: ",")) }
          sources[place].value(socket, context).appendCSV(to: &bytes)
        }
        bytes.append(UInt8(ascii: "\n"))
      }
    case .json: try output.write { bytes in appendJSON(socket, context, to: &bytes) }
    }
  }

  /// Writes what is still kept.
  mutating func finish(to output: inout OutputBuffer) throws(OutputError) {
    try table?.finish(to: &output)
    try writeHeading(to: &output)
  }

  private mutating func writeHeading(to output: inout OutputBuffer) throws(OutputError) {
    guard let heading = csvHeading else { return }
    csvHeading = nil
    try output.line(heading)
  }

  private mutating func addPieces(_ columns: [StatesColumn]) {
    var groups: Set<String> = []
    for column in columns {
      guard let key = column.key else { continue }
      guard let group = column.group else {
        addPiece(",\"\(key)\":", column.value)
        continue
      }
      guard groups.insert(group.rawValue).inserted else { continue }
      let members = columns.filter { $0.group == group }
      addPiece(",\"\(group.rawValue)\":", skipping: members.count + 1) { socket, _ in
        group.isKnown(of: socket) ? .nothing : .unknown
      }
      for (place, member) in members.enumerated() {
        addPiece((place == 0 ? "{" : ",") + "\"\(member.key ?? member.name)\":", member.value)
      }
      addPiece("}") { _, _ in .nothing }
    }
    addPiece("}\n") { _, _ in .nothing }
  }

  private mutating func addPiece(
    _ key: String, skipping skipped: Int = 0, _ value: @escaping StatesColumn.Value
  ) {
    keys += "null".utf8
    let start = keys.count
    keys += key.utf8
    pieces.append(
      JSONPiece(key: start..<keys.count, value: value, end: pieces.count + 1 + skipped))
  }

  private func appendJSON(
    _ socket: StatesRow, _ context: StatesContext, to bytes: inout ByteBuffer
  ) {
    bytes.append("{\"schema\":\"tcptool/1\",\"record\":\"socket\"")
    var place = 0
    // What is unknown is written with the next key.
    var null = 0
    while place < pieces.count {
      let key = pieces[place].key
      bytes.append(key.lowerBound - null..<key.upperBound, of: keys.span)
      let value = pieces[place].value(socket, context)
      switch value {
      case .unknown, .inPlace:
        null = 4
        place = pieces[place].end
      default:
        null = 0
        value.appendJSON(to: &bytes)
        place += 1
      }
    }
  }
}
