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

  static let form = "a percentage from 1 to 100"
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
        "state", "timers", "uid", "memory", "info", "cgroup", "columns", "summary", "by", "explain",
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
    /// One for each network namespace.
    var reports: [ListenerReport]
    var outcome: SocketTable.Outcome
    var owners: SocketOwners?
    /// How the tour over all network namespaces went.
    var tour: NamespaceTour?

    /// All of them, in the order that was asked for.
    var items: [ListenerReport.Item]
  }

  /// A network namespace with its listeners.
  private struct Met {
    var table: ListenerTable
    var facts: NamespaceFacts
  }

  /// Reads the listeners that the filter wants.
  func readListeners(matching filter: Filter) throws(SystemCallError) -> ReadListeners {
    var met: [Met] = []
    var tour: NamespaceTour?
    func read(outside process: Int32?) throws(SystemCallError) -> ListenerTable {
      try ListenerTable.read(from: source, process: process, findsOldest: listeners.findsOldest)
    }
    if place.areAll {
      var going = NamespaceTour()
      try going.visit { supplement, process throws(SystemCallError) in
        let table = try read(outside: process)
        met.append(Met(table: table, facts: .met(supplement.place, outside: process)))
        return true
      }
      tour = going
    } else {
      let table = try read(outside: place.outside)
      met = [Met(table: table, facts: place.namespaceFacts())]
    }
    var owners: SocketOwners?
    if showsProcesses || filter.needs.contains(.owners) {
      owners = try SocketOwners.find(met.flatMap(\.table.listeners).map(\.row.inode))
    }
    var read = chosen(by: filter, of: met, owners, areSeveral: place.areAll)
    read.tour = tour
    return read
  }

  private func chosen(
    by filter: Filter, of met: [Met], _ owners: SocketOwners?, areSeveral: Bool
  ) -> ReadListeners {
    var outcome: SocketTable.Outcome?
    let reports = met.map { met in
      outcome = outcome.map { $0.adding(met.table.outcome) } ?? met.table.outcome
      let listeners = met.table.listeners.filter { listener in
        let found = owners?[listener.row.inode] ?? []
        return filter.matches(
          KnownSocket(row: listener.row, owners: found.isEmpty ? nil : found))
      }
      return ListenerReport(listeners, met.facts, owners: owners, isOneOfSeveral: areSeveral)
    }
    let items = listenerOrder.sorted(reports.flatMap(\.items)) { $0 }
    return ReadListeners(
      reports: reports, outcome: outcome ?? .nothing, owners: owners, items: items)
  }

  func showListeners(_ narrator: Narrator) throws(Failure) -> Ending {
    let read: ReadListeners
    if place.file == nil {
      do throws(SystemCallError) {
        read = try readListeners(matching: filter)
      } catch {
        throw Failure(.failure, error)
      }
      tellOfListeners(read, narrator)
      if let owners = read.owners { tell(owners, of: read.items, narrator) }
    } else {
      read = try readSavedListeners(narrator)
    }
    let items = read.items
    if items.isEmpty, listeners.check != nil { return .status(.failure) }
    if let percent = listeners.check?.value { return try check(items, percent, narrator) }
    try toStandardOutput { output throws(OutputError) in
      switch outputFormat {
      case .json:
        for item in items { try output.line(item.json) }
        for report in read.reports { try output.line(report.namespaceJSON) }
      case .csv: try write(items, asCSVTo: &output)
      case .openmetrics: try output.metrics(ListenerReport.metrics(of: read.reports))
      case .text:
        try ListenerReport.write(
          items, of: read.reports, to: &output,
          Display(descriptor: output.descriptor, color: color),
          showsOldest: listeners.findsOldest, hasHeader: !hasNoHeader, isWhole: isWide)
      }
    }
    if items.isEmpty, filter == .everything {
      narrator.line(
        place.file != nil
          ? "nothing listens in it"
          : "nothing listens in \(place.areAll ? "any" : "this") network namespace")
    }
    return .status(items.isEmpty ? .failure : .done)
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
      throw reading.failure(error)
    }
    try tell(loaded.outcome, narrator)
    let owners = SocketOwners(
      Dictionary(
        loaded.rows.map { ($0.row.inode, $0.supplement?.processes ?? []) },
        uniquingKeysWith: { first, _ in first }))
    let met = byNamespace(loaded).map { facts, sockets in
      Met(
        table: ListenerTable(
          sockets, findsOldest: listeners.findsOldest, outcome: loaded.outcome.table),
        facts: facts)
    }
    return chosen(by: filter, of: met, wantsOwners ? owners : nil, areSeveral: met.count > 1)
  }

  /// Saved rows with what is known of their network namespaces: of some no more than that there are rows.
  private func byNamespace(
    _ loaded: StatesReading.Loaded
  ) -> [(facts: NamespaceFacts, sockets: [ReadSocket])] {
    var sockets: [RowSupplement.Place: [ReadSocket]] = [:]
    for socket in loaded.rows {
      let place = socket.supplement?.place ?? RowSupplement.Place()
      sockets[place.identity, default: []].append(
        ReadSocket(socket.row, socket.details, namespace: place.number))
    }
    var all = loaded.outcome.saved?.namespaces ?? []
    if all.count <= 1, sockets.count <= 1 {
      return [(all.first ?? NamespaceFacts(), sockets.values.first ?? [])]
    }
    let named = Set(all.map(\.place.identity))
    all += sockets.keys.filter { !named.contains($0) }
      .sorted { ($0.number ?? 0, $0.text) < ($1.number ?? 0, $1.text) }
      .map { NamespaceFacts(number: $0.number, name: $0.name) }
    return all.map { ($0, sockets[$0.place.identity] ?? []) }
  }

  /// Shows what is too full, and nothing else.
  private func check(
    _ items: [ListenerReport.Item], _ percent: Int, _ narrator: Narrator
  ) throws(Failure) -> Ending {
    let unknown = items.count { $0.acceptQueue.limit == nil }
    if unknown == items.count {
      throw Failure(
        .failure,
        "nothing was checked: /proc does not have the limits of the queues; --source diag has them")
    }
    if unknown > 0 {
      narrator.line(
        "not checked: \(Units.plural(unknown, "listener")) read from /proc, which does not have "
          + "the limits of the queues")
    }
    let over = items.filter { $0.isAtLeast(percent) }
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
  private func tellOfListeners(_ read: ReadListeners, _ narrator: Narrator) {
    let outcome = read.outcome
    for line in read.tour?.remarks(isRoot: geteuid() == 0) ?? [] { narrator.line(line) }
    if outcome.source == .proc {
      let reason = outcome.fallback.map { ": \($0)" } ?? ""
      narrator.line("read from /proc/net, without limits, backlogs and drops\(reason)")
    }
    tellOfDamage(outcome, narrator)
  }

  private func tell(
    _ owners: SocketOwners, of items: [ListenerReport.Item], _ narrator: Narrator
  ) {
    let unseen = items.count { $0.status.row.inode != 0 && $0.owners?.isEmpty == true }
    guard unseen > 0 else { return }
    narrator.line(
      owners.visibility.remark(onMissingOwnersOf: unseen, "listener", isRoot: geteuid() == 0))
  }
}
