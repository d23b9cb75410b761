// tcptool states --diff: what happened to the sockets between two captures, or since one.

internal import CommandSpec
internal import KernelTables
internal import Report
internal import SocketCore

/// A socket before and after, as far as it was there.
struct StatesChange {
  enum Kind: String {
    case opened, closed, changed
  }

  var kind: Kind
  var before: StatesRow?
  var after: StatesRow?
  var facts: TableChanges.Facts = []

  /// How much its queues have grown, negative where they have shrunk; nil for one that was not there
  /// all the time.
  var receiveQueueGrowth: Int? { growth { $0.row.receiveQueue } }
  var sendQueueGrowth: Int? { growth { $0.row.sendQueue } }

  private func growth(_ queue: (StatesRow) -> Int) -> Int? {
    guard let before, let after else { return nil }
    return queue(after) - queue(before)
  }
}

/// All that changed between two readings, and what they are.
struct StatesDifference {
  var before: StatesReading.Loaded
  var after: StatesReading.Loaded
  private(set) var changes: [StatesChange] = []

  init(_ before: StatesReading.Loaded, _ after: StatesReading.Loaded, matching filter: Filter) {
    self.before = before
    self.after = after
    let (old, new) = (before.reading, after.reading)
    // Sockets of two boots have nothing to do with each other, whatever their numbers are.
    let changes =
      isOfOneBoot ? old.changes(to: new) : old.changes(to: TableReading())
    let opened = isOfOneBoot ? changes.opened : Array(after.rows.indices)
    for place in opened where after.matches(filter, place) {
      self.changes.append(StatesChange(kind: .opened, after: after.rows[place]))
    }
    for place in changes.closed where before.matches(filter, place) {
      self.changes.append(StatesChange(kind: .closed, before: before.rows[place]))
    }
    let changed = changes.changed.compactMap { change -> StatesChange? in
      guard before.matches(filter, change.earlier) || after.matches(filter, change.later) else {
        return nil
      }
      return StatesChange(
        kind: .changed, before: before.rows[change.earlier], after: after.rows[change.later],
        facts: change.facts)
    }
    // Those whose queues grew most come first, and else the order is the table's.
    let order = changed.indices.sorted { left, right in
      let (first, second) = (changed[left].growth, changed[right].growth)
      return first == second ? left < right : first > second
    }
    self.changes += order.map { changed[$0] }
  }

  /// False where both are known to be of another boot, or another machine.
  var isOfOneBoot: Bool {
    guard let old = before.boot, let new = after.boot else { return true }
    return old == new
  }

  func count(_ kind: StatesChange.Kind) -> Int { changes.count { $0.kind == kind } }

  /// Bytes by which queues grew, over all sockets that are in both; listeners have connections there.
  var growth: Int {
    changes.reduce(0) { $0 + ($1.before?.row.state == .listen ? 0 : max(0, $1.growth)) }
  }

  /// How long lies between them; nil where that is not known.
  var elapsed: Duration? {
    guard let old = before.unixMicroseconds, let new = after.unixMicroseconds else { return nil }
    let (difference, isTooMuch) = new.subtractingReportingOverflow(old)
    return isTooMuch ? nil : .microseconds(difference)
  }
}

extension StatesChange {
  fileprivate var growth: Int { (receiveQueueGrowth ?? 0) + (sendQueueGrowth ?? 0) }
}

extension StatesReading.Loaded {
  fileprivate var reading: TableReading {
    var reading = TableReading()
    for socket in rows {
      reading.append(
        ReadSocket(socket.row, socket.details, namespace: context.namespace(of: socket)))
    }
    return reading
  }

  fileprivate func matches(_ filter: Filter, _ place: Int) -> Bool {
    let socket = rows[place]
    let owners = context.processes(of: socket) ?? []
    return filter.matches(
      KnownSocket(
        row: socket.row, info: socket.details.info, owners: owners.isEmpty ? nil : owners))
  }

  fileprivate var boot: String? {
    outcome.saved.map { $0.boot } ?? (try? Sysctl.text("kernel.random.boot_id"))
  }

  fileprivate var unixMicroseconds: Int64? {
    outcome.saved.map { $0.unixMicroseconds } ?? WallClock.unixMicroseconds
  }
}

extension StatesOptions {
  func showChanges(since path: String, _ narrator: Narrator) throws(Failure) -> Ending {
    var earlier = reading
    // The filter is for a socket before or after: it is asked when both are known.
    earlier.filter = .everything
    earlier.query.states = Set(TCPState.allCases)
    if filter.needs.contains(.info) { earlier.needs.insert(.info) }
    if filter.needs.contains(.owners) { earlier.needs.insert(.owners) }
    earlier.query.wants = earlier.needs.wants
    let later = earlier
    earlier.place = StatesPlace()
    earlier.place.file = path
    earlier.place.endian = place.endian
    func load(_ reading: StatesReading) throws(Failure) -> StatesReading.Loaded {
      do throws(SystemCallError) { return try reading.load() } catch {
        throw reading.failure(error)
      }
    }
    let difference = StatesDifference(try load(earlier), try load(later), matching: filter)
    if let saved = difference.before.outcome.saved {
      try tellOfSaved(saved, difference.before.outcome.filtered, named: path, narrator)
      tellOfDamage(difference.before.outcome.table, narrator)
    }
    try tell(difference.after.outcome, narrator)
    if !difference.isOfOneBoot {
      narrator.line("the two are of different boots: no socket can be the same one in both")
    }
    try toStandardOutput { output throws(OutputError) in
      if isJSON {
        try difference.writeJSON(to: &output)
      } else {
        try difference.write(
          to: &output, Display(descriptor: output.descriptor, color: color),
          hasHeader: !hasNoHeader, isWhole: isWide, showsProcesses: showsProcesses)
      }
    }
    return .status(difference.changes.isEmpty ? .failure : .done)
  }
}
