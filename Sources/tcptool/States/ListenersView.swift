// tcptool states --listeners: the options of this view, and what is done with them.

internal import BacklogLab
internal import CommandSpec
internal import Glibc
internal import KernelTables
internal import Report
internal import SocketCore

/// The form of what `states` writes.
enum OutputFormat: String, CaseIterable, ArgumentValue {
  case text, json, csv, openmetrics
}

/// From 1 to 100, with or without its sign.
struct Percentage: ArgumentValue, Equatable {
  var value: Int

  init?(argument: String) {
    let digits = argument.hasSuffix("%") ? String(argument.dropLast()) : argument
    guard let value = Int(digits), (1...100).contains(value) else { return nil }
    self.value = value
  }

  var argumentText: String { "\(value)" }
}

/// What is asked for of the listeners.
struct ListenersOptions: Sendable {
  var areWanted = false
  var check: Percentage?
  var findsOldest = false
}

extension StatesOptions {
  static let listenerDiscussion = [
    """
    With --listeners each listener is shown with both its queues. Accept-Q is how many \
    connections wait for accept(2), and how many fit: one more than the backlog. SYN-Q is how \
    many handshakes are not complete. The kernel's rows do not name the listener, so listeners \
    that share an address and port (SO_REUSEPORT) have one number together. Drops are what this \
    listener has turned away since it was made, for any reason. The counters below the table are \
    those of the whole network namespace. Where /proc is read, limits, backlogs and drops are \
    unknown.
    """,
    """
    --check compares the accept queue with its limit, and the SYN queue with the limit that the \
    kernel's rules give it: the backlog and one more (before Linux 6.13 the backlog), and \
    without SYN cookies no more than three quarters of tcp_max_syn_backlog, and one more. If \
    every SYN is answered with a cookie (tcp_syncookies 2), there is no SYN queue.
    """,
  ]

  static let listenerParameters: [Bound<Self>] = [
    .flag(
      "listeners", "l", \.listeners.areWanted,
      help: "Instead of all rows show each listener with its accept queue, SYN queue and drops."
    ).excluding(
      [
        "state", "timers", "uid", "memory", "info", "cgroup", "columns", "sort", "summary", "by",
        "explain",
      ], because: "listeners have columns of their own"),
    .flag(
      "oldest", \.listeners.findsOldest,
      help: """
        Also show how long the oldest connection has waited for accept(2). If any waits, this \
        reads all connections.
        """
    ).needing("listeners"),
    .option(
      "check", \.listeners.check, value: "percent",
      help: """
        Show only listeners with a queue filled to this percentage or more; if there is one, the \
        status is 3.
        """
    ).needing("listeners"),
    .option(
      "format", "f", \.format, value: "format",
      help: """
        The form of the output; --json and --csv are short for two of them, and openmetrics needs \
        --listeners.
        """
    ).excluding(["json", "csv"], because: "both name the form"),
  ]

  mutating func settleFormat() throws(UsageError) {
    switch format {
    case .json: isJSON = true
    case .csv: isCSV = true
    case .openmetrics:
      if !listeners.areWanted { throw UsageError("The format 'openmetrics' needs '--listeners'") }
      if listeners.check != nil {
        throw UsageError(
          "'--check' has no format 'openmetrics', which has all listeners. Leave one of them out.")
      }
    case .text, nil: break
    }
  }

  private var outputFormat: OutputFormat { format ?? (isCSV ? .csv : isJSON ? .json : .text) }

  /// Listeners as they were read, with what belongs to them.
  struct ReadListeners {
    var report: ListenerReport
    var table: ListenerTable
    var owners: SocketOwners?
  }

  /// Reads the listeners that the filter wants.
  func readListeners(matching filter: Filter) throws(SystemCallError) -> ReadListeners {
    let table = try ListenerTable.read(
      from: source, process: place.outside, findsOldest: listeners.findsOldest)
    var owners: SocketOwners?
    if showsProcesses || filter.needs.contains(.owners) {
      owners = try SocketOwners.find(table.listeners.map(\.row.inode))
    }
    return chosen(by: filter, of: table, owners, place.namespaceFacts())
  }

  private func chosen(
    by filter: Filter, of table: ListenerTable, _ owners: SocketOwners?, _ facts: NamespaceFacts
  ) -> ReadListeners {
    var table = table
    table.listeners = table.listeners.filter { listener in
      let found = owners?[listener.row.inode] ?? []
      return filter.matches(
        KnownSocket(row: listener.row, owners: found.isEmpty ? nil : found))
    }
    let report = ListenerReport(
      table.listeners, settings: facts.settings, counters: facts.counters, owners: owners)
    return ReadListeners(report: report, table: table, owners: owners)
  }

  func showListeners(_ narrator: Narrator) throws(Failure) -> Ending {
    let read: ReadListeners
    if place.file == nil {
      do throws(SystemCallError) {
        read = try readListeners(matching: filter)
      } catch {
        throw Failure(.failure, error)
      }
      tellOfListeners(read.table.outcome, narrator)
      if let owners = read.owners { tell(owners, of: read.table.listeners, narrator) }
    } else {
      read = try readSavedListeners(narrator)
    }
    let (report, table) = (read.report, read.table)
    if table.listeners.isEmpty, listeners.check != nil { return .status(.failure) }
    if let percent = listeners.check?.value { return try check(report, percent) }
    try toStandardOutput { output throws(OutputError) in
      switch outputFormat {
      case .json:
        for item in report.items { try output.line(item.json) }
        try output.line(report.namespaceJSON)
      case .csv: try write(report.items, asCSVTo: &output)
      case .openmetrics: try output.metrics(report.metrics)
      case .text:
        try report.write(
          to: &output, Display(descriptor: output.descriptor, color: color),
          showsOldest: listeners.findsOldest, hasHeader: !hasNoHeader, isWhole: isWide)
      }
    }
    if report.items.isEmpty, filter == .everything {
      narrator.line(
        place.file == nil ? "nothing listens in this network namespace" : "nothing listens in it")
    }
    return .status(report.items.isEmpty ? .failure : .done)
  }

  /// What is in a capture, before the filter looks at the listeners.
  private func readSavedListeners(_ narrator: Narrator) throws(Failure) -> ReadListeners {
    let wantsOwners = showsProcesses || filter.needs.contains(.owners)
    var reading = reading
    reading.filter = .everything
    reading.needs = .memory
    if listeners.findsOldest { reading.needs.insert(.info) }
    if wantsOwners { reading.needs.insert(.owners) }
    let loaded: StatesReading.Loaded
    do throws(SystemCallError) { loaded = try reading.load() } catch {
      throw Failure(.failure, error)
    }
    try tell(loaded.outcome, narrator)
    let sockets = loaded.rows.map { socket in
      ReadSocket(socket.row, socket.details, namespace: socket.supplement?.namespace)
    }
    if Set(sockets.map(\.namespace)).count > 1 {
      throw Failure(
        .failure,
        "the capture is of several network namespaces, and listeners are shown of one: "
          + "save it with --netns or --pid")
    }
    let owners = SocketOwners(
      Dictionary(
        loaded.rows.map { ($0.row.inode, $0.supplement?.processes ?? []) },
        uniquingKeysWith: { first, _ in first }))
    let table = ListenerTable(
      sockets, findsOldest: listeners.findsOldest, outcome: loaded.outcome.table)
    return chosen(
      by: filter, of: table, wantsOwners ? owners : nil,
      loaded.outcome.saved?.namespaces.first ?? NamespaceFacts())
  }

  /// Shows what is too full, and nothing else.
  private func check(_ report: ListenerReport, _ percent: Int) throws(Failure) -> Ending {
    if report.items.contains(where: { $0.acceptQueue.limit == nil }) {
      throw Failure(
        .failure,
        "nothing was checked: /proc does not have the limits of the queues; --source diag has them")
    }
    let over = report.items.filter { $0.isAtLeast(percent) }
    try toStandardOutput { output throws(OutputError) in
      switch outputFormat {
      case .json: for item in over { try output.line(item.json) }
      case .csv: try write(over, asCSVTo: &output)
      case .text, .openmetrics:
        let style = Display(descriptor: output.descriptor, color: color).style
        for item in over { try output.line(item.checkLine(percent, style)) }
      }
    }
    return .status(over.isEmpty ? .done : .overThreshold)
  }

  private func write(
    _ items: [ListenerReport.Item], asCSVTo output: inout OutputBuffer
  ) throws(OutputError) {
    if !hasNoHeader { try output.line(ListenerReport.Item.csvHeader) }
    for item in items {
      try output.write { bytes in item.appendCSV(to: &bytes) }
    }
  }

  /// What the table cannot show.
  private func tellOfListeners(_ outcome: SocketTable.Outcome, _ narrator: Narrator) {
    if outcome.source == .proc {
      let reason = outcome.fallback.map { ": \($0)" } ?? ""
      narrator.line("read from /proc/net, without limits, backlogs and drops\(reason)")
    }
    tellOfDamage(outcome, narrator)
  }

  private func tell(
    _ owners: SocketOwners, of listeners: [ListenerStatus], _ narrator: Narrator
  ) {
    let unseen = listeners.count { $0.row.inode != 0 && owners[$0.row.inode].isEmpty }
    guard unseen > 0 else { return }
    narrator.line(
      owners.visibility.remark(onMissingOwnersOf: unseen, "listener", isRoot: geteuid() == 0))
  }
}
