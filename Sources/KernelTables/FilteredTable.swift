// The kernel's socket table through a filter: what it needs is asked for, and nothing else.

public import SocketCore

/// A row with the facts that a filter can ask about.
public struct KnownSocket: FilterSubject {
  public var row: SocketRow
  public var info: TCPInfo?
  public var owners: [SocketOwner]?

  /// - Parameter owners: nil where nobody was found, which is not known to be nobody.
  public init(row: SocketRow, info: TCPInfo? = nil, owners: [SocketOwner]? = nil) {
    self.row = row
    self.info = info
    self.owners = owners
  }

  /// 0 is what the kernel says before it has measured any.
  public var roundTripTime: Duration? {
    info.flatMap { $0.roundTripTime > .zero ? $0.roundTripTime : nil }
  }
  public var totalRetransmissions: Int? { info?.totalRetransmissions }
}

extension SocketTable {
  /// What became of a walk through a filter.
  public struct FilteredOutcome: Sendable {
    public var outcome: Outcome
    /// How many sockets were left out because nothing says who holds them: the processes may not be
    /// looked at, or are in another PID namespace.
    public var withoutOwner = 0
    /// Which processes were seen, where the filter asks about owners.
    public var visibility = ProcessVisibility.all

    public init(outcome: Outcome) { self.outcome = outcome }
  }

  /// Calls `body` with each socket of the query that matches the filter. The kernel is asked to leave
  /// out what it can, and for TCP_INFO and owners only where the filter needs them. Memory does not
  /// grow with the number of rows, but where the filter asks about owners.
  ///
  /// - Parameter query: its selection is replaced by the filter's.
  /// - Returns: what became of it, or what `body` threw, which ends the walk.
  /// - Throws: where no source could be read, or /proc may not be.
  public static func forEachEntry<Failure>(
    from source: Source = .auto, process: Int32? = nil, _ query: SocketQuery,
    matching filter: Filter,
    _ body: (inout SocketEntry) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<FilteredOutcome, Failure> {
    var query = query
    query.selection = filter.selection
    if filter.needs.contains(.info) { query.wants.insert(.info) }
    if filter.isEverything {
      return try forEachEntry(from: source, process: process, query, body).map {
        FilteredOutcome(outcome: $0)
      }
    }
    guard filter.needs.contains(.owners) else {
      let isPlain = filter.needs.isEmpty
      return try forEachEntry(from: source, process: process, query) { entry throws(Failure) in
        let info = isPlain ? nil : entry.details.info
        if filter.matches(KnownSocket(row: entry.row, info: info)) { try body(&entry) }
      }.map { FilteredOutcome(outcome: $0) }
    }

    // Rows about which it is not settled without their owners, and those before and after them: the
    // order stays the kernel's.
    var kept: [SocketEntry] = []
    var wanted: [UInt64] = []
    let walked = try forEachEntry(from: source, process: process, query) { entry in
      let answer = filter.answer(about: KnownSocket(row: entry.row, info: entry.details.info))
      if answer == .no { return }
      kept.append(entry)
      if answer == .unknown { wanted.append(entry.row.inode) }
    }
    let owners = try SocketOwners.find(wanted)
    var filtered: FilteredOutcome
    switch walked {
    case .success(let outcome): filtered = FilteredOutcome(outcome: outcome)
    }
    filtered.visibility = owners.visibility
    for var entry in kept {
      let row = entry.row
      let found = owners[row.inode]
      let subject = KnownSocket(
        row: row, info: entry.details.info, owners: found.isEmpty ? nil : found)
      switch filter.answer(about: subject) {
      case .yes:
        do throws(Failure) {
          try body(&entry)
        } catch {
          return .failure(error)
        }
      case .unknown: if found.isEmpty && row.inode != 0 { filtered.withoutOwner += 1 }
      case .no: break
      }
    }
    return .success(filtered)
  }
}
