// tcptool states --save: all that the views need, in one file, for a look at it later or elsewhere.

internal import CommandSpec
internal import Glibc
internal import KernelTables
internal import Report
internal import SocketCore

/// Captures to be written and compared.
struct CaptureOptions: Sendable {
  /// Where to save.
  var target: String?
  /// What to compare with.
  var earlier: String?
}

extension StatesOptions {
  static let captureDiscussion = [
    """
    --save writes a capture: every socket that the filter chooses, with all that the kernel \
    reports (and with --process its processes), and the settings, counters and totals that the \
    other views show. --from shows it again in each of these views, on any machine. A capture is \
    JSON, one object a line, and its last record is "end": a capture without it is incomplete. \
    The file gets its name only when it is complete.
    """,
    """
    --diff shows what happened between two captures, or between one and now: sockets that were \
    opened or closed, and those whose state, role or queues changed. A socket is identified by \
    the kernel's cookie or, where a copy of /proc/net/tcp has none, by both its ends. What came \
    and went in between is not seen.
    """,
  ]

  static let captureParameters: [Bound<Self>] = [
    .option(
      "save", \.capture.target, value: "file",
      help: """
        Write a capture instead of showing rows; '-' is standard output. A file is replaced only \
        when the new one is complete.
        """, completion: .file
    ).excluding(
      [
        "from", "diff", "columns", "sort", "summary", "by", "listeners", "csv", "json", "format",
        "explain", "no-header", "watch", "events",
      ], because: "a capture has everything, in its own form"),
    .option(
      "diff", \.capture.earlier, value: "file",
      help: """
        Show what has changed since this capture was saved: until now, or until another one that \
        --from, or the first operand, names.
        """, completion: .file
    ).excluding(
      [
        "columns", "sort", "summary", "by", "listeners", "csv", "format", "explain", "timers",
        "uid",
        "memory", "info", "cgroup", "watch", "events",
      ], because: "changes have a form of their own"),
  ]

  /// The filter. With --diff the first operand may be the name of the second capture: where all words
  /// together are no filter, and there is such a file.
  mutating func filterBesideCapture() throws(UsageError) -> Filter {
    do throws(UsageError) {
      return try Filter(operands: operands)
    } catch {
      guard capture.earlier != nil, place.file == nil, let first = operands.first,
        unsafe access(first, F_OK) == 0
      else { throw error }
      if place.process != nil || place.namespace != nil || place.areAll || source != .auto {
        throw UsageError("'\(first)' is a second capture: there is no other table to read")
      }
      place.file = first
      return try Filter(operands: Array(operands.dropFirst()))
    }
  }

  /// What became of a capture.
  private struct Written {
    var rows = 0
    var outcome: StatesReading.Outcome?
    /// Why the tables could not be read to their end.
    var error: SystemCallError?
  }

  func save(to path: String, _ narrator: Narrator) throws(Failure) -> Ending {
    var written = Written()
    if path == "-" {
      try toStandardOutput { output throws(OutputError) in
        written = try writeCapture(to: &output)
      }
    } else {
      written = try replace(path)
    }
    if let error = written.error { throw Failure(.failure, error) }
    if let outcome = written.outcome { try tell(outcome, narrator) }
    if path != "-" {
      narrator.line("saved \(Units.plural(written.rows, "socket")) to \(sanitized(path))")
    }
    return .status(.done)
  }

  private func replace(_ path: String) throws(Failure) -> Written {
    var written = Written()
    let file = try ResultFile(path)
    // Keeps signals back, so that one of them takes the unfinished file with it before it ends the
    // program. The open of a FIFO, and its reader, can be interrupted.
    let loop: ReadinessLoop? = if file.isOnDisk { try .forProgram() } else { nil }
    let wait = ReaderWait()
    try file.fill { output throws(OutputError) in
      written = try writeCapture(to: &output)
      if written.error != nil || !wait.mayGoOn() { file.abandon() }
    }
    withExtendedLifetime(loop) {}
    return written
  }

  private func writeCapture(to output: inout OutputBuffer) throws(OutputError) -> Written {
    var reading = reading
    reading.needs.formUnion([.info, .memory, .congestionControl, .group])
    reading.query.wants = reading.needs.wants
    var written = Written()
    let namespaces: [NamespaceFacts]
    do throws(SystemCallError) {
      namespaces = try namespaceFacts()
    } catch {
      written.error = error
      return written
    }
    try output.line(Self.captureHead)
    for facts in namespaces { try output.line(facts.json) }
    var writer = StatesWriter(
      .json, StatesColumn.all, display: Display(descriptor: output.descriptor, color: .never),
      hasHeader: false, isWhole: true)
    var walked: Result<StatesReading.Outcome, OutputError>?
    do throws(SystemCallError) {
      walked = try reading.forEachRow { socket, context throws(OutputError) in
        written.rows += 1
        try writer.write(socket, context, to: &output)
      }
    } catch {
      written.error = error
      return written
    }
    written.outcome = try walked?.get()
    try writer.finish(to: &output)
    try output.line(["schema": "tcptool/1", "record": "end", "rows": .init(written.rows)])
    return written
  }

  private func namespaceFacts() throws(SystemCallError) -> [NamespaceFacts] {
    guard place.areAll else { return [place.namespaceFacts()] }
    var all: [NamespaceFacts] = []
    var tour = NamespaceTour()
    try tour.visit { supplement, process throws(SystemCallError) in
      all.append(.met(supplement.place, outside: process))
      return true
    }
    return all
  }

  private static var captureHead: JSONValue {
    [
      "schema": "tcptool/1", "record": "capture",
      "unix_time_us": .init(WallClock.unixMicroseconds),
      "host": .init(try? Sysctl.text("kernel.hostname")),
      "kernel": .init(try? Sysctl.text("kernel.osrelease")),
      "boot_id": .init(try? Sysctl.text("kernel.random.boot_id")),
    ]
  }

  /// What is to be said of a saved text.
  func tellOfSaved(
    _ saved: SavedFacts, _ filtered: SocketTable.FilteredOutcome, named name: String? = nil,
    _ narrator: Narrator
  ) throws(Failure) {
    let path = name ?? place.file ?? "-"
    let name = path == "-" ? "standard input" : sanitized(path)
    if saved.kind == .unknown {
      throw Failure(
        .failure,
        "\(name) has no table of sockets in it: 'tcptool states --save file' writes one, and "
          + "'cat /proc/net/tcp /proc/net/tcp6 > file' another")
    }
    if !saved.isComplete { narrator.line("\(name) is not whole: a part of the capture is missing") }
    let has = saved.kind == .json ? saved.seen : []
    let missing = reading.needs.subtracting(has).names
    if !missing.isEmpty, saved.tally.rows > 0 {
      narrator.line("\(name) has no \(missing.joined(separator: ", ")) of its sockets")
    }
    if filter.needs.contains(.info), !has.contains(.info) {
      narrator.line(
        "\(name) has no rtt and retrans: what the filter says of them matches nothing")
    }
    if filtered.withoutOwner > 0 {
      let rows = Units.plural(filtered.withoutOwner, "socket")
      narrator.line("\(rows) left out, whose processes are not in \(name)")
    }
  }
}

extension StatesColumn.Needs {
  /// What it is called where it is not there.
  fileprivate var names: [String] {
    [
      (Self.memory, "memory"), (.info, "TCP_INFO"), (.congestionControl, "congestion control"),
      (.group, "control group"), (.owners, "processes"),
    ].filter { contains($0.0) }.map(\.1)
  }
}
