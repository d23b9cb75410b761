// Reading what was saved: a copy of /proc/net/tcp, a capture of --save, or the JSON of `states`. Which
// of them it is, is seen from the text.

internal import KernelTables
internal import Report
internal import SocketCore

/// What a saved text says besides its rows.
struct SavedFacts: Sendable {
  enum Kind: Sendable {
    /// Nothing that has a table of sockets in it.
    case unknown
    /// /proc/net/tcp and tcp6.
    case procCopy
    /// JSON lines of this program.
    case json
  }

  var kind = Kind.unknown
  var tally = TableTally()
  /// Whether it begins as a capture does.
  var isCapture = false
  /// Whether a capture's last line was there, and all of its rows.
  var isComplete = true
  var unixMicroseconds: Int64?
  var host: String?
  var kernel: String?
  /// The kernel's number for the time since it was started (/proc/sys/kernel/random/boot_id).
  var boot: String?
  var namespaces: [NamespaceFacts] = []
  /// What any row had.
  var seen: StatesColumn.Needs = []

  /// The facts of the namespace that a row is of.
  func namespace(_ number: UInt64?) -> NamespaceFacts? {
    namespaces.first { $0.number == number } ?? (namespaces.count == 1 ? namespaces[0] : nil)
  }
}

struct SavedReading {
  let path: String
  var byteOrder = ProcNetTCPParser.ByteOrder.host
  /// What is wanted besides the rows.
  var needs: StatesColumn.Needs = []

  /// A row with some thousands of processes has its place in one line.
  private static let longestLine = 4 << 20

  /// Calls `body` with each row.
  ///
  /// - Returns: what else the text says, or what `body` threw.
  /// - Throws: where it cannot be read.
  func forEachRow<Failure>(
    _ body: (StatesRow) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<SavedFacts, Failure> {
    var file = try SavedFile(path)
    var facts = SavedFacts()
    guard try file.firstByte() == UInt8(ascii: "{") else {
      return try SavedTable.forEachEntry(in: &file, byteOrder: byteOrder) {
        entry throws(Failure) in
        try body(entry)
      }.map { tally in
        facts.kind = tally.isTable ? .procCopy : .unknown
        facts.tally = tally
        return facts
      }
    }
    facts.kind = .json
    var reader = SavedSocketReader(needs: needs)
    var end: JSONValue?
    let walked = try file.forEachLine(upTo: Self.longestLine) { line, place throws(Failure) in
      if line.isBlank { return }
      // A line that was cut is no object any more, unless only its newline is missing.
      switch try? reader.read(line) {
      case .socket(let socket):
        facts.tally.rows += 1
        try body(socket)
      case .other(let record):
        if record["record"]?.text == "end" { end = record } else { facts.take(record) }
      case .damaged, nil:
        facts.tally.damaged += 1
        if facts.tally.firstDamaged == nil { facts.tally.firstDamaged = place.number }
      }
    }
    facts.seen = reader.seen
    if facts.isCapture {
      let rows = end?["rows"]?.wholeNumber(as: Int.self)
      facts.isComplete = rows == facts.tally.rows + facts.tally.damaged
    }
    if facts.tally.rows == 0, !facts.isCapture { facts.kind = .unknown }
    return walked.map { facts }
  }
}

extension SavedFacts {
  /// Takes in a record that is no row.
  fileprivate mutating func take(_ record: JSONValue) {
    switch record["record"]?.text {
    case "capture":
      isCapture = true
      unixMicroseconds = record["unix_time_us"]?.wholeNumber(as: Int64.self)
      host = record["host"]?.text
      kernel = record["kernel"]?.text
      boot = record["boot_id"]?.text
    case "netns": namespaces.append(NamespaceFacts(record))
    default: break
    }
  }
}

extension Span<UInt8> {
  fileprivate var isBlank: Bool {
    for place in indices where self[place] > 0x20 { return false }
    return true
  }
}
