// `states --listeners --watch`: the listeners on a screen and in lines.

internal import BacklogLab
internal import CommandSpec
internal import KernelTables
internal import Report
internal import SocketCore

struct ListenersWatchView: Watched {
  private var watch: ListenersWatch
  private let options: StatesOptions
  private let interval: Duration
  private(set) var filterText: String
  private var table = WatchTable()
  private var sort: ListenerOrder

  init(_ options: StatesOptions, every interval: Duration) {
    watch = ListenersWatch(options)
    self.options = options
    self.interval = interval
    filterText = options.operands.joined(separator: " ")
    sort = options.listenerOrder
  }

  mutating func read() throws(SystemCallError) { try watch.read() }

  mutating func choose(filter text: String) throws(FilterError) {
    let filter = try Filter(parsing: text)
    filterText = text
    table.forget()
    watch.restart(filter)
  }

  // MARK: On a screen

  var title: String { "tcptool states --listeners --watch" }
  var rowCount: Int { watch.listeners.count + watch.closed.count }
  var order: String? { (sort.isReversed ? "-" : "") + sort.key.rawValue }

  mutating func chooseNextOrder() {
    let key = sort.key.next
    // Large numbers are what one looks for.
    sort = ListenerOrder(key: key, isReversed: key != .local)
  }

  mutating func reverseOrder() { sort.isReversed.toggle() }

  func summary(_ display: Display) -> [String] {
    var notes = [
      ("settings", watch.report?.settings.map(\.text) ?? "-"), ("namespace", counterText),
    ]
    if watch.listeners.contains(where: { $0.item.status.groupSize > 1 }) {
      notes.append(("*", "of all listeners with this address and port (SO_REUSEPORT) together"))
    }
    if watch.source == .proc {
      notes.append(("source", "/proc/net, without limits, backlogs and drops"))
    }
    return notes.flatMap { label, text in
      display.fit(
        display.style(label, .bold) + String(repeating: " ", count: 11 - label.count) + text,
        indent: 11
      ).split(separator: "\n").map(String.init)
    } + ["What happens between two readings is not seen, but counters and drops count it.", ""]
  }

  private var counterText: String {
    ListenerTable.counters.map { name in
      let rate = watch.perSecond(name).map { $0 == 0 ? "" : " +\(Self.text($0))/s" } ?? ""
      return "\(name) \(watch.report?.counters?[name].map { String($0) } ?? "-")\(rate)"
    }.joined(separator: ", ")
  }

  /// A rate with one decimal where it is small.
  private static func text(_ rate: Double) -> String {
    if rate >= 9.95 { return Units.count(Int(rate.rounded())) }
    let tenths = Int((rate * 10).rounded())
    // A little is not nothing.
    return rate > 0 && tenths == 0 ? "<0.1" : "\(tenths / 10).\(tenths % 10)"
  }

  var help: [String] {
    [
      "  +  opened    ~  its queues or drops moved    -  closed", "",
      "  The graphs are of the last readings; a full height is a full queue.",
      "  The counters are of all listeners of the network namespace.",
    ]
  }

  mutating func table(
    from first: Int, height: Int, _ display: Display
  ) -> (lines: [String], rows: Int) {
    let all = sort.sorted(watch.listeners + watch.closed) { $0.item }
    // The accept queue's limit tells the backlog, too, where there is no room for both.
    let isNarrow = display.columns < 100
    let length = isNarrow ? 5 : display.columns < 130 ? 10 : ListenersWatch.historyLength
    let hasOwners = all.contains { $0.item.owners != nil }
    var titles: [Table.Column] = [
      .init(""), .init("Local"), .init("Accept-Q", .right), .init("Full", .right),
      .init("", .right, minimumWidth: length), .init("SYN-Q", .right),
      .init("", .right, minimumWidth: length), .init("Drops", .right), .init("/s", .right),
    ]
    if !isNarrow { titles.append(.init("Backlog", .right)) }
    titles.append(.init("Family"))
    if options.listeners.findsOldest { titles.append(.init("Oldest", .right)) }
    if hasOwners { titles.append(.init("Process")) }
    return table.lines(
      titles,
      all.dropFirst(first).prefix(height).map { listener in
        WatchTable.Row(
          cells: cells(
            listener, length, hasBacklog: !isNarrow, hasOwners: hasOwners, display))
      }, noteTitle: "", height: height, hasHeader: !options.hasNoHeader, display)
  }

  private func cells(
    _ listener: ListenersWatch.Tracked, _ length: Int, hasBacklog: Bool, hasOwners: Bool,
    _ display: Display
  ) -> [Table.Cell] {
    let item = listener.item
    func graph(_ history: History, _ queue: QueueFill) -> Table.Cell {
      .init(
        sparkline(
          Array(history.values.suffix(length)), top: queue.limit, unicode: display.hasUnicode),
        queue.ink ?? .cyan)
    }
    let (mark, ink) = listener.mark
    let rate = listener.dropsPerSecond.map { $0 == 0 ? "0" : "+\(Self.text($0))" } ?? "-"
    var cells: [Table.Cell] = [
      .init(mark, ink), .init(item.status.row.local.unmapped.description),
      .init(item.acceptQueue.text, item.acceptQueue.ink),
      .init(item.acceptQueue.percentText, item.acceptQueue.ink),
      graph(listener.accept, item.acceptQueue),
      .init("\(item.synQueue.length)\(item.status.groupSize > 1 ? "*" : "")", item.synQueue.ink),
      graph(listener.syn, item.synQueue),
      .init(item.dropsText, item.status.drops ?? 0 > 0 ? .magenta : nil),
      .init(rate, listener.dropsPerSecond ?? 0 > 0 ? .red : nil),
    ]
    if hasBacklog { cells.append(.init(item.backlogText)) }
    cells.append(.init(item.familyText))
    if options.listeners.findsOldest {
      cells.append(.init(item.status.oldestPending.map { Units.duration($0) } ?? "-"))
    }
    if hasOwners { cells.append(.init(item.processText(isWhole: options.isWide))) }
    return cells
  }

  // MARK: In lines

  var opening: Event {
    .watching(
      Units.plural(watch.listeners.count, "listener"), every: interval,
      [("count", .init(watch.listeners.count)), ("source", .init(watch.source?.rawValue))])
  }

  func tell(asJSON: Bool, to output: inout OutputBuffer) throws(OutputError) {
    let now = WallClock.unixMicroseconds
    let time = WallClock.timeOfDay(unixMicroseconds: now)
    for listener in watch.closed + watch.listeners
    where listener.reading == watch.number && listener.event != .same {
      if asJSON {
        try output.line(
          .object([
            ("schema", "tcptool/1"), ("event", .init("listener_\(listener.event.word)")),
            ("unix_time_us", .init(now)), ("drops_per_second", .init(listener.dropsPerSecond)),
            ("listener", listener.item.json),
          ]))
      } else {
        let word = listener.event.word
        let blanks = String(repeating: " ", count: 8 - word.count)
        let rate = listener.dropsPerSecond.flatMap { $0 > 0 ? " (+\(Self.text($0))/s)" : nil }
        try output.line(
          "\(time) \(word)\(blanks)\(listener.item.checkLine(101, .plain))\(rate ?? "")")
      }
    }
    guard watch.number == 0 || watch.countersMoved else { return }
    if asJSON {
      try output.line(
        .object([
          ("schema", "tcptool/1"), ("event", "counters"), ("unix_time_us", .init(now)),
          ("interval_ns", .init(watch.elapsed?.nanoseconds)),
          (
            "counters",
            .object(
              ListenerTable.counters.map { ($0, .init(watch.report?.counters?[$0])) })
          ),
          (
            "per_second",
            .object(ListenerTable.counters.map { ($0, .init(watch.perSecond($0))) })
          ),
        ]))
    } else {
      try output.line("\(time) counters \(counterText)")
    }
  }
}

extension ListenersWatch.Tracked {
  var mark: (String, Style.Ink?) {
    switch event {
    case .present, .same: (" ", nil)
    case .opened: ("+", .green)
    case .changed: ("~", .cyan)
    case .closed: ("-", .red)
    }
  }
}

extension ListenersWatch.Tracked.Event {
  var word: String {
    switch self {
    case .present: "present"
    case .opened: "opened"
    case .changed, .same: "changed"
    case .closed: "closed"
    }
  }
}

extension Event {
  /// The first thing that a watch tells.
  static func watching(
    _ what: String, every interval: Duration, _ fields: [(String, JSONValue)]
  ) -> Event {
    Event(
      "watching",
      "watching \(what) every \(interval.argumentText); what happens between two readings is not "
        + "seen",
      [("interval_ms", .init(interval.nanoseconds / 1_000_000))] + fields)
  }
}
