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

  /// What became of it.
  struct Outcome {
    var filtered: SocketTable.FilteredOutcome
    var table: SocketTable.Outcome { filtered.outcome }
    /// Rows of a socket that a process holds, which was not found.
    var unseenOwners = 0
    /// Whether processes were hidden from this user.
    var hidesProcesses = false
  }

  /// Calls `body` with each row.
  ///
  /// - Returns: what became of it, or what `body` threw.
  /// - Throws: where the tables, or /proc, could not be read.
  func forEachRow<Failure>(
    _ body: (StatesRow, StatesContext) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<Outcome, Failure> {
    var context = StatesContext()
    context.namespace = NetworkNamespace.number()
    if needs.contains(.group) { context.groups = ControlGroups.read() }
    guard order != nil || needs.contains(.owners) else {
      let context = context
      return try walk { row, details throws(Failure) in
        try body(StatesRow(row: row, details: details), context)
      }.map { Outcome(filtered: $0) }
    }

    var rows: [StatesRow] = []
    let walked = try walk { row, details in
      rows.append(StatesRow(row: row, details: details))
    }
    var outcome: Outcome
    switch walked {
    case .success(let filtered): outcome = Outcome(filtered: filtered)
    }
    if needs.contains(.owners) { try findOwners(of: rows, &context, &outcome) }
    if let order { rows.sort(by: order, context) }
    do throws(Failure) {
      for row in rows { try body(row, context) }
    } catch {
      return .failure(error)
    }
    return .success(outcome)
  }

  /// Each row that the filter lets through, from the place that was asked for.
  private func walk<Failure>(
    _ body: (SocketRow, borrowing SocketDetails) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<SocketTable.FilteredOutcome, Failure> {
    if let file = place.file {
      return try SavedTable.forEachRow(
        in: file, byteOrder: place.endian?.byteOrder ?? .host, matching: filter, body)
    }
    return try SocketTable.forEachRow(from: source, query, matching: filter, body)
  }

  private func findOwners(
    of rows: [StatesRow], _ context: inout StatesContext, _ outcome: inout Outcome
  ) throws(SystemCallError) {
    var inodes = Set(rows.lazy.map(\.row.inode))
    if rows.contains(where: { $0.role.belongsToListener }) {
      // The listeners may not be among the rows. Listeners alone cost next to nothing.
      _ = try SocketTable.forEachRow(from: source, in: [.listen]) { row in
        context.listeners.add(row)
        inodes.insert(row.inode)
      }
    }
    let owners = try SocketOwners.find(inodes)
    context.owners = owners
    outcome.hidesProcesses = owners.unreadable > 0
    outcome.unseenOwners = rows.count { $0.row.inode != 0 && owners[$0.row.inode].isEmpty }
  }
}
