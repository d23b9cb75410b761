// `states --watch`: the sockets on a screen and in lines.

internal import Glibc
internal import KernelTables
internal import Report
internal import SocketCore

struct SocketWatchView: Watched {
  private(set) var watch: SocketWatch
  private let columns: [StatesColumn]
  private let hasHeader: Bool
  private let isWhole: Bool
  private let interval: Duration
  /// Of the operands, and later what was typed.
  private(set) var filterText: String
  /// What is asked for besides the words of the filter: --state.
  private let restriction: Set<TCPState>?
  private var sort: SortOrder?
  /// The rows in their order, once a reading is there.
  private var rows: [Row] = []
  private var table = WatchTable()
  private var hasReceiveGraph = false
  private var hasSendGraph = false

  /// A row by its place in the table, or in the list of those that are gone.
  private enum Row {
    case here(Int)
    case gone(Int)
  }

  init(
    _ reading: StatesReading, _ columns: [StatesColumn], filterText: String,
    restriction: Set<TCPState>?, interval: Duration, hasHeader: Bool, isWhole: Bool
  ) {
    watch = SocketWatch(reading)
    self.columns = columns
    self.filterText = filterText
    self.restriction = restriction
    self.interval = interval
    self.hasHeader = hasHeader
    self.isWhole = isWhole
    sort = reading.order
  }

  mutating func read() throws(SystemCallError) {
    try watch.read()
    arrange()
  }

  mutating func choose(filter text: String) throws(FilterError) {
    var filter = try Filter(parsing: text)
    if let restriction { filter = filter.restricted(to: restriction) }
    filterText = text
    table.forget()
    watch.restart(filter)
  }

  // MARK: Order

  var order: String? { sort.map { ($0.isReversed ? "-" : "") + $0.column.name } ?? "newest change" }

  /// Newest change first, then by each column that is shown.
  mutating func chooseNextOrder() {
    let place = sort.flatMap { sort in columns.firstIndex { $0.name == sort.column.name } } ?? -1
    // Large numbers are what one looks for.
    sort = columns.dropFirst(place + 1).first.map {
      SortOrder($0, isReversed: $0.alignment == .right)
    }
    arrange()
  }

  mutating func reverseOrder() {
    sort?.isReversed.toggle()
    arrange()
  }

  private var freshReadings: Int {
    // What happened is marked for three seconds, and at least until the next reading.
    max(1, Int(Duration.seconds(3).nanoseconds / max(1, interval.nanoseconds)))
  }

  private func isFresh(_ track: SocketTrack) -> Bool {
    guard track.event != .present else { return false }
    if track.event == .moved { return track.reading == watch.number }
    return watch.number - track.reading < freshReadings
  }

  private mutating func arrange() {
    let here = watch.tracks.indices.filter { watch.tracks[$0].isWanted }
    // What is gone stays for as long as what is new is marked.
    let gone = watch.gone.indices.filter { isFresh(watch.gone[$0].track) }
    guard let sort else {
      let events = here.filter { watch.tracks[$0].eventReading > 0 }
      let happened =
        (events.map { (Row.here($0), watch.tracks[$0].eventReading) }
        + gone.map { (Row.gone($0), watch.gone[$0].track.eventReading) })
        .enumerated()
        .sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }
        .map(\.element.0)
      rows = happened + here.filter { watch.tracks[$0].eventReading == 0 }.map { Row.here($0) }
      return
    }
    let all = here.map { Row.here($0) } + gone.map { Row.gone($0) }
    let places = all.map { socket($0) }.places(by: sort, watch.context)
    rows = places.map { all[$0] }
  }

  private func socket(_ row: Row) -> StatesRow {
    switch row {
    case .here(let place): watch.socket(place)
    case .gone(let place): watch.gone[place].socket
    }
  }

  private func track(_ row: Row) -> SocketTrack {
    switch row {
    case .here(let place): watch.tracks[place]
    case .gone(let place): watch.gone[place].track
    }
  }

  // MARK: On a screen

  var title: String { "tcptool states --watch" }
  var rowCount: Int { rows.count }

  func summary(_ display: Display) -> [String] {
    let (tally, all) = (watch.tally, watch.sum)
    var lines = [
      Units.plural(tally.wanted, "socket")
        + "; this reading: \(tally.opened) opened, \(tally.changed) changed, "
        + "\(tally.closed) closed; in all: \(all.opened), \(all.changed), \(all.closed)",
      "What happens between two readings is not seen.",
    ]
    if let fallback = watch.outcome?.fallback {
      lines.append("read from /proc/net, without the listeners' backlogs: \(fallback)")
    }
    if watch.unseenOwners > 0 {
      lines.append(
        watch.visibility.remark(
          onMissingOwnersOf: watch.unseenOwners, "socket", isRoot: geteuid() == 0))
    }
    return lines
  }

  var help: [String] {
    [
      "  +  opened    *  another state or role    ~  its queues moved",
      "  -  closed    <  still there, and not in the filter any more", "",
      "  The states that a socket was seen in stand behind it. The graphs are of",
      "  its last \(SocketTrack.historyLength) readings, each with its own height.",
    ]
  }

  mutating func table(
    from first: Int, height: Int, _ display: Display
  ) -> (lines: [String], rows: Int) {
    let some = rows.dropFirst(first).prefix(height)
    let tracks = some.map { self.track($0) }
    hasReceiveGraph = hasReceiveGraph || tracks.contains { !$0.receive.values.isEmpty }
    hasSendGraph = hasSendGraph || tracks.contains { !$0.send.values.isEmpty }
    var titles: [Table.Column] = [.init("")]
    for column in columns {
      titles.append(.init(column.title, column.alignment))
      if graph(column, nil) != nil { titles.append(.init("", .right)) }
    }
    return table.lines(
      titles,
      zip(some, tracks).map { row, track in
        WatchTable.Row(
          cells: cells(row, track, isNarrow: display.columns < 100, display),
          note: track.hasPath ? track.pathText : "")
      }, noteTitle: "Seen", height: height, hasHeader: hasHeader, display)
  }

  /// The graph that stands behind a column; nil where there is none.
  private func graph(_ column: StatesColumn, _ track: SocketTrack?) -> History? {
    switch column.name {
    case "recvq" where hasReceiveGraph: track?.receive ?? History(length: 0)
    case "sendq" where hasSendGraph: track?.send ?? History(length: 0)
    default: nil
    }
  }

  private func cells(
    _ row: Row, _ track: SocketTrack, isNarrow: Bool, _ display: Display
  ) -> [Table.Cell] {
    let socket = socket(row)
    let isFresh = isFresh(track)
    let isGone = if case .gone = row { true } else { false }
    var cells: [Table.Cell] = [
      .init(isFresh ? track.event.mark : " ", isFresh ? track.event.ink : nil)
    ]
    for column in columns {
      var bytes = ByteBuffer()
      value(column, socket, track).appendText(to: &bytes, isWhole: isWhole)
      let ink = isGone ? .dim : column.ink?(socket)
      cells.append(.init(bytes.text, ink))
      if let history = graph(column, track) {
        let length = SocketTrack.historyLength / (isNarrow ? 2 : 1)
        let values = Array(history.values.suffix(length))
        let line = sparkline(values, unicode: display.hasUnicode)
        cells.append(.init(line, isGone ? .dim : .cyan))
      }
    }
    return cells
  }

  /// A process that held the socket is shown as long as the socket is.
  private func value(
    _ column: StatesColumn, _ socket: StatesRow, _ track: SocketTrack
  ) -> StatesValue {
    let value = column.value(socket, watch.context)
    guard column.name == "process", !track.holders.isEmpty else { return value }
    return switch value {
    case .processes([]), .listenerInPlace([]), .unknown: .processes(track.holders)
    default: value
    }
  }

  // MARK: In lines

  var opening: Event {
    .watching(
      Units.plural(watch.tally.wanted, "socket"), every: interval,
      [
        ("count", .init(watch.tally.wanted)), ("source", .init(watch.outcome?.source.rawValue)),
      ])
  }

  /// What the last reading brought, and nothing of what it did not change.
  private var news: [(socket: StatesRow, track: SocketTrack)] {
    watch.gone.filter { $0.track.reading == watch.number && $0.track.event == .closed }
      .map { ($0.socket, $0.track) }
      + watch.tracks.indices.filter { place in
        let track = watch.tracks[place]
        return track.reading == watch.number && track.event != .moved
          && (track.isWanted || track.wasWanted)
      }.map { (watch.socket($0), watch.tracks[$0]) }
  }

  func tell(asJSON: Bool, to output: inout OutputBuffer) throws(OutputError) {
    let now = WallClock.unixMicroseconds
    let news = news
    if news.isEmpty { return }
    guard asJSON else {
      let time = WallClock.timeOfDay(unixMicroseconds: now)
      for (socket, track) in news { try output.line(line(socket, track, time)) }
      return
    }
    try output.lines(news.map(\.socket), columns, watch.context) { place in
      json(news[place].track, now)
    }
  }

  private func line(_ socket: StatesRow, _ track: SocketTrack, _ time: String) -> String {
    var ends = ByteBuffer()
    socket.row.local.appendShown(to: &ends)
    ends.append(UInt8(ascii: " "))
    socket.row.peer.appendShown(to: &ends)
    let word = track.event.word
    let holders = track.holders.isEmpty ? "" : "  \(track.holders.text(isWhole: isWhole))"
    return "\(time) \(word)\(String(repeating: " ", count: 8 - word.count))"
      + "\(ends.text) \(track.stepText)\(holders)"
  }

  /// The event without its row, which stands in it as `states --json` has it.
  private func json(_ track: SocketTrack, _ now: Int64) -> JSONValue {
    func json(_ step: SocketTrack.Step?) -> JSONValue {
      step.map { ["state": .init("\($0.state.name)"), "role": .init("\($0.role.name)")] } ?? .null
    }
    let from: SocketTrack.Step? =
      switch track.event {
      case .present, .opened: nil
      case .changed, .moved, .left: track.before
      case .closed: track.path.last
      }
    return .object([
      ("schema", "tcptool/1"), ("event", .init("socket_\(track.event.word)")),
      ("unix_time_us", .init(now)), ("from", json(from)),
      ("to", track.event == .closed ? .null : json(track.path.last)),
      ("last_processes", watch.findsOwners ? .array(track.holders.map(\.json)) : .null),
    ])
  }
}

extension OutputBuffer {
  /// Adds an event a socket, with its row under `socket` as `states --json` has it.
  ///
  /// - Parameter event: Gives the event without that, by the socket's place; an object.
  mutating func lines(
    _ sockets: [StatesRow], _ columns: [StatesColumn], _ context: StatesContext,
    event: (Int) -> JSONValue
  ) throws(OutputError) {
    let records = try Self.text { output throws(OutputError) in
      var writer = StatesWriter(
        .json, columns, display: Display(descriptor: output.descriptor), hasHeader: false,
        isWhole: true)
      for socket in sockets { try writer.write(socket, context, to: &output) }
      try writer.finish(to: &output)
    }
    for (place, record) in records.split(separator: "\n").enumerated() {
      try write { bytes in
        event(place).append(to: &bytes)
        bytes.removeLast()
        bytes += ",\"socket\":".utf8
        bytes += record.utf8
        bytes += "}\n".utf8
      }
    }
  }
}
