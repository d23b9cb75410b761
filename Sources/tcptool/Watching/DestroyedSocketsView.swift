// `states --events`: a line or a JSON object for each socket that the kernel destroys.

internal import CommandSpec
internal import Glibc
internal import KernelTables
internal import Report
internal import SocketCore

extension StatesOptions {
  static let eventDiscussion = [
    """
    With --events the kernel itself reports each socket that it destroys, so that none is missed \
    between two readings: its two ends, what was left in its queues, and its last TCP_INFO, with \
    all bytes, round-trip times and retransmissions. Its state is CLOSE by then, and nobody \
    holds it any more. What is in TIME_WAIT is not a socket, and is not reported. No privilege \
    is needed. If sockets are destroyed faster than they can be reported, a line says how many are \
    missing.
    """
  ]

  static let eventParameters: [Bound<Self>] = [
    .flag(
      "events", \.followsEvents,
      help: """
        Instead of rows show each socket that the kernel destroys, with its last TCP_INFO, until \
        a signal.
        """
    ).excluding(
      [
        "watch", "state", "source", "process", "timers", "uid", "memory", "info", "cgroup", "sort",
        "summary", "by", "explain", "csv", "listeners", "from",
      ], because: "the kernel tells what it tells")
  ]

  /// What a destroyed socket still has.
  private static let eventColumns = [
    "family", "state", "recvq", "sendq", "local", "peer", "cookie", "interface", "netns",
  ]

  func settleEvents() throws(UsageError) {
    guard followsEvents else { return }
    if filter.needs.contains(.owners) {
      throw UsageError(
        "With '--events' a filter has no processes: nobody holds a destroyed socket. Use ports or addresses."
      )
    }
    if !filter.selection.states.contains(.closed) {
      throw UsageError(
        "With '--events' a filter has no states: every destroyed socket is in CLOSE. Use ports or addresses."
      )
    }
    if format == .csv || format == .openmetrics {
      throw UsageError(
        "'--events' has no format '\(format?.argumentText ?? "")'. Use text or json.")
    }
    for column in columns?.elements.map(\.column) ?? [] where !Self.isEventColumn(column) {
      throw UsageError("With '--events' there is no column '\(column.name)'. Leave it out.")
    }
  }

  private static func isEventColumn(_ column: StatesColumn) -> Bool {
    eventColumns.contains(column.name) || column.group == .info
  }

  private var shownEventColumns: [StatesColumn] {
    if let columns { return columns.elements.map(\.column) }
    if isJSON { return StatesColumn.all.filter(Self.isEventColumn) }
    let names = [
      "local", "peer", "rtt", "min_rtt", "retrans", "bytes_sent", "bytes_received", "busy",
    ]
    return names.compactMap { name in StatesColumn.all.first { $0.name == name } }
  }

  func followEvents(_ narrator: Narrator) throws(Failure) -> Ending {
    let wait = ReaderWait()
    var output = OutputBuffer(descriptor: STDOUT_FILENO, whileWaiting: wait.mayGoOn)
    do throws(SystemCallError) {
      var loop = try ReadinessLoop()
      var feed = try DestroyedSockets()
      try loop.watch(feed.descriptor, for: .readable)
      try loop.watch(STDOUT_FILENO, for: [])
      var writer = DestroyedSocketsWriter(
        shownEventColumns, isJSON: isJSON,
        display: Display(descriptor: STDOUT_FILENO, color: color), hasHeader: !hasNoHeader)
      if !isJSON { narrator.line("each TCP socket that is destroyed, until Ctrl-C") }
      while true {
        if case .signal(let signal) = try loop.wait() { return .signal(signal) }
        if loop.readiness(of: STDOUT_FILENO).contains(.hungUp) { return .signal(SIGPIPE) }
        let told = try drain(&feed, &writer, &output, narrator)
        do throws(OutputError) {
          try told.get()
          try output.flush()
        } catch {
          return try endOfWatch(after: error, &loop)
        }
      }
    } catch {
      throw Failure(.failure, error)
    }
  }

  /// Tells all that waits, or a part of it where more and more comes.
  private func drain(
    _ feed: inout DestroyedSockets, _ writer: inout DestroyedSocketsWriter,
    _ output: inout OutputBuffer, _ narrator: Narrator
  ) throws(SystemCallError) -> Result<Void, OutputError> {
    var sockets: [StatesRow] = []
    var count = 0
    // What was lost is known when all is read, and nothing wakes the loop for that.
    while count < 256 || feed.isCongested {
      count += 1
      let reading = try feed.read { row, details in
        if filter.matches(KnownSocket(row: row, info: details.info)) {
          sockets.append(StatesRow(row: row, details: details))
        }
      }
      do throws(OutputError) {
        try writer.write(sockets, to: &output)
        if case .lost(let count) = reading {
          try writer.writeLoss(of: count, to: &output, narrator)
        }
      } catch {
        return .failure(error)
      }
      sockets.removeAll(keepingCapacity: true)
      if reading == .nothing { break }
    }
    return .success(())
  }
}

/// Writes destroyed sockets as they come: the widths of the columns are chosen by the first.
private struct DestroyedSocketsWriter: ~Copyable {
  private let columns: [StatesColumn]
  private let isJSON: Bool
  private var table: Table
  private var context = StatesContext()

  init(_ columns: [StatesColumn], isJSON: Bool, display: Display, hasHeader: Bool) {
    self.columns = columns
    self.isJSON = isJSON
    context.namespace = NetworkNamespace.number()
    table = Table(
      [.init("Time", minimumWidth: 12)]
        + columns.map { column in
          // Most numbers have so many digits, and an address of IPv4 with its port.
          .init(
            column.title, column.alignment, minimumWidth: column.alignment == .left ? 21 : 7)
        }, style: display.style, hasHeader: hasHeader, sampleCount: 1,
      lineWidth: display.isTerminal ? display.columns : nil)
  }

  mutating func write(
    _ sockets: [StatesRow], to output: inout OutputBuffer
  ) throws(OutputError) {
    if sockets.isEmpty { return }
    let now = WallClock.unixMicroseconds
    if isJSON {
      try output.lines(
        sockets, columns, context
      ) { _ in
        .object([
          ("schema", "tcptool/1"), ("event", "socket_destroyed"), ("unix_time_us", .init(now)),
        ])
      }
      return
    }
    let time = WallClock.timeOfDay(unixMicroseconds: now)
    for socket in sockets {
      try table.row(to: &output) { cells in
        cells.bytes += time.utf8
        cells.endCell()
        for column in columns {
          column.value(socket, context).appendText(to: &cells.bytes, isWhole: false)
          cells.endCell()
        }
      }
    }
  }

  /// The sockets are missing from here on: what waited when the first did not fit is told after this.
  func writeLoss(
    of count: Int?, to output: inout OutputBuffer, _ narrator: Narrator
  ) throws(OutputError) {
    let sockets = count.map { Units.plural($0, "socket") } ?? "some sockets"
    let event = Event(
      "events_lost",
      "\(sockets) missing here: destroyed faster than they could be reported",
      [("count", .init(count))])
    if isJSON {
      try output.line(event.json)
    } else {
      narrator.line(event.text)
    }
  }
}
