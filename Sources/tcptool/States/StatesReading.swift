// Reading the socket table for `states`: as a stream where rows may go out as they come, all at once
// where they must be sorted or where their owners are looked for.

internal import KernelTables
internal import SocketCore

/// What is read, and what is found out about it.
struct StatesReading {
  var place = StatesPlace()
  var source = SocketTable.Source.auto
  var query = SocketQuery()
  var filter = Filter.everything
  var needs: StatesColumn.Needs = []
  var order: SortOrder?

  /// Why the tables, or the file that was named in their place, could not be read.
  func failure(_ error: SystemCallError) -> Failure {
    Failure(place.file == nil ? .failure : .localStream, error)
  }

  /// What became of it.
  struct Outcome {
    var filtered: SocketTable.FilteredOutcome
    var table: SocketTable.Outcome { filtered.outcome }
    /// Rows of a socket that a process holds, which was not found.
    var unseenOwners = 0
    /// Which processes were seen.
    var visibility = ProcessVisibility.all
    /// What a saved text said besides its rows.
    var saved: SavedFacts?
    /// How the tour over all network namespaces went.
    var tour: NamespaceTour?
  }

  /// All rows at once.
  struct Loaded {
    var rows: [StatesRow]
    var context: StatesContext
    var outcome: Outcome
  }

  /// Calls `body` with each row.
  ///
  /// - Returns: what became of it, or what `body` threw.
  /// - Throws: where the tables, or /proc, could not be read.
  func forEachRow<Failure>(
    _ body: (StatesRow, StatesContext) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<Outcome, Failure> {
    let isSaved = place.file != nil
    guard order != nil || needs.contains(.owners) && !isSaved else {
      let context = freshContext
      return try walk { socket throws(Failure) in try body(socket, context) }
    }
    let loaded = try load()
    do throws(Failure) {
      for row in loaded.rows { try body(row, loaded.context) }
    } catch {
      return .failure(error)
    }
    return .success(loaded.outcome)
  }

  /// Reads all rows, in the order that was asked for.
  ///
  /// - Throws: where the tables, or /proc, could not be read.
  func load() throws(SystemCallError) -> Loaded {
    var loaded: Loaded
    var rows: [StatesRow] = []
    switch try walk({ rows.append($0) }) {
    case .success(let outcome): loaded = Loaded(rows: rows, context: freshContext, outcome: outcome)
    }
    if needs.contains(.owners), place.file == nil { try findOwners(of: &loaded) }
    if let order { loaded.rows.sort(by: order, loaded.context) }
    return loaded
  }

  private var freshContext: StatesContext {
    var context = StatesContext()
    if place.file != nil {
      context.isSaved = true
      context.showsSavedOwners = needs.contains(.owners)
      return context
    }
    context.namespace = NetworkNamespace.number(of: place.outside)
    if needs.contains(.group) { context.groups = ControlGroups.read() }
    return context
  }

  /// Each row that the filter lets through, from the place that was asked for.
  private func walk<Failure>(
    _ body: (StatesRow) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<Outcome, Failure> {
    if let saved = place.saved { return try walk(saved, body) }
    if place.areAll { return try walkAll(body) }
    return try SocketTable.forEachEntry(
      from: source, process: place.outside, query, matching: filter
    ) { entry throws(Failure) in try body(entry) }.map { Outcome(filtered: $0) }
  }

  private func walk<Failure>(
    _ saved: SavedReading, _ body: (StatesRow) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<Outcome, Failure> {
    var saved = saved
    saved.needs = needs
    if filter.needs.contains(.info) { saved.needs.insert(.info) }
    var withoutOwner = 0
    return try saved.forEachRow { socket throws(Failure) in
      guard query.states.contains(socket.row.state) else { return }
      let processes = socket.supplement?.processes
      let subject = KnownSocket(
        row: socket.row, info: socket.details.info,
        owners: processes?.isEmpty == false ? processes : nil)
      switch filter.answer(about: subject) {
      case .yes: try body(socket)
      case .no: break
      case .unknown:
        if filter.needs.contains(.owners), socket.row.inode != 0, subject.owners == nil {
          withoutOwner += 1
        }
      }
    }.map { facts in
      var outcome = Outcome(
        filtered: SocketTable.FilteredOutcome(
          outcome: SocketTable.Outcome(
            source: facts.kind == .json ? .diag : .proc, fallback: nil,
            tallies: [(saved.path == "-" ? "standard input" : saved.path, facts.tally)])))
      outcome.filtered.withoutOwner = withoutOwner
      outcome.saved = facts
      return outcome
    }
  }

  private func walkAll<Failure>(
    _ body: (StatesRow) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<Outcome, Failure> {
    var tour = NamespaceTour()
    var outcome: Outcome?
    var failure: Failure?
    try tour.visit { supplement, process throws(SystemCallError) in
      let walked = try SocketTable.forEachEntry(
        from: source, process: process, query, matching: filter
      ) { entry throws(Failure) in
        entry.supplement = supplement
        try body(entry)
      }
      switch walked {
      case .success(let filtered):
        outcome = outcome?.adding(filtered) ?? Outcome(filtered: filtered)
        return true
      case .failure(let error):
        failure = error
        return false
      }
    }
    if let failure { return .failure(failure) }
    var whole = outcome ?? Outcome(filtered: SocketTable.FilteredOutcome(outcome: .nothing))
    whole.tour = tour
    return .success(whole)
  }

  private func findOwners(of loaded: inout Loaded) throws(SystemCallError) {
    var inodes = loaded.rows.map(\.row.inode)
    if loaded.rows.contains(where: { $0.role.belongsToListener }) {
      // The listeners may not be among the rows. Listeners alone cost next to nothing.
      var context = loaded.context
      func add(
        _ outside: Int32?, to listeners: inout ListenerIndex<UInt64>
      ) throws(SystemCallError) {
        let query = SocketQuery(states: [.listen])
        _ = try SocketTable.forEachRow(from: source, process: outside, query) { row, details in
          listeners.add(row.inode, row, interface: details.interface)
          inodes.append(row.inode)
        }
      }
      if place.areAll {
        var tour = NamespaceTour()
        try tour.visit { supplement, process throws(SystemCallError) in
          var listeners = ListenerIndex<UInt64>()
          try add(process, to: &listeners)
          context.listenersElsewhere[supplement.place] = listeners
          return true
        }
      } else {
        try add(place.outside, to: &context.listeners)
      }
      loaded.context = context
    }
    let owners = try SocketOwners.find(inodes)
    loaded.context.owners = owners
    loaded.outcome.visibility = owners.visibility
    if !owners.areComplete {
      loaded.outcome.unseenOwners = loaded.rows.count {
        $0.row.inode != 0 && !owners.contains($0.row.inode)
      }
    }
  }
}

extension StatesReading.Outcome {
  /// Of another network namespace besides.
  fileprivate func adding(_ other: SocketTable.FilteredOutcome) -> Self {
    var sum = self
    sum.filtered.withoutOwner += other.withoutOwner
    // Each walked over the same processes.
    sum.filtered.visibility = other.visibility
    sum.filtered.outcome = sum.filtered.outcome.adding(other.outcome)
    return sum
  }
}
