// The kernel's socket table from whichever source gives it.

public import SocketCore

/// Both sources behind one call. They give the same rows but for these differences: only sock_diag
/// knows a listener's backlog, IPV6_V6ONLY and the interface of a link-local address; only /proc knows
/// the user of a handshake; timers are in steps of 10 ms in /proc; and the two count a handshake's
/// retransmissions differently.
public enum SocketTable {
  /// Where rows come from.
  public enum Source: String, CaseIterable, Sendable {
    /// sock_diag, and /proc where the kernel does not answer there.
    case auto
    /// /proc/net/tcp and /proc/net/tcp6.
    case proc
    /// sock_diag(7).
    case diag
  }

  /// What became of a walk.
  public struct Outcome: Sendable {
    /// Where the rows came from; never `auto`.
    public var source: Source
    /// Why sock_diag was passed over, where it was to be tried first.
    public var fallback: SystemCallError?
    /// What was handed over and what was not, by the table's name.
    public var tallies: [(table: String, tally: TableTally)]

    public init(
      source: Source, fallback: SystemCallError?, tallies: [(table: String, tally: TableTally)]
    ) {
      self.source = source
      self.fallback = fallback
      self.tallies = tallies
    }

    /// Where no table was read.
    public static let nothing = Outcome(source: .diag, fallback: nil, tallies: [])

    /// Of another network namespace besides: its source is this one's.
    public func adding(_ other: Outcome) -> Outcome {
      var sum = self
      sum.tallies += other.tallies
      sum.fallback = sum.fallback ?? other.fallback
      return sum
    }
  }

  /// Calls `body` with each TCP socket of this network namespace that the query is for. What it wants
  /// besides comes from sock_diag alone: where /proc was read nothing of it is there.
  ///
  /// - Parameter process: A process whose network namespace is looked into from outside, which needs
  ///   no privilege and is left to /proc; nil for the calling thread's own.
  /// - Returns: what became of it, or what `body` threw, which ends the walk.
  /// - Throws: where no source could be read.
  public static func forEachEntry<Failure>(
    from source: Source = .auto, process: Int32? = nil, _ query: SocketQuery,
    _ body: (inout SocketEntry) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<Outcome, Failure> {
    var fallback: SystemCallError?
    if source != .proc, process == nil {
      var tally = TableTally()
      do throws(SystemCallError) {
        return try SockDiag.forEachEntry(query, &tally, body).map {
          Outcome(source: .diag, fallback: nil, tallies: [("sock_diag", tally)])
        }
      } catch {
        // Once rows have been handed over, /proc would give them a second time.
        if tally.rows > 0 || source == .diag { throw error }
        fallback = error
      }
    }
    let states = query.mask
    var tallies: [(table: String, tally: TableTally)] = []
    for (family, name) in [(SocketRow.Family.v4, "tcp"), (.v6, "tcp6")] {
      let walked = try ProcNetTCP.forEachEntry(in: family, process: process) {
        entry throws(Failure) in
        guard states & 1 << UInt32(entry.row.state.rawValue) != 0 else { return }
        try body(&entry)
      }
      switch walked {
      case .success(let tally):
        tallies.append(("/proc/\(process.map { "\($0)/" } ?? "")net/\(name)", tally))
      case .failure(let failure): return .failure(failure)
      }
    }
    return .success(Outcome(source: .proc, fallback: fallback, tallies: tallies))
  }

  /// The same in two parts.
  public static func forEachRow<Failure>(
    from source: Source = .auto, process: Int32? = nil, _ query: SocketQuery,
    _ body: (SocketRow, SocketDetails) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<Outcome, Failure> {
    try forEachEntry(from: source, process: process, query) { entry throws(Failure) in
      try body(entry.row, entry.details)
    }
  }

  /// The same for rows alone.
  public static func forEachRow<Failure>(
    from source: Source = .auto, process: Int32? = nil,
    in states: Set<TCPState> = Set(TCPState.allCases),
    includesBound: Bool = false, _ body: (SocketRow) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<Outcome, Failure> {
    try forEachEntry(
      from: source, process: process, SocketQuery(states: states, includesBound: includesBound)
    ) { entry throws(Failure) in try body(entry.row) }
  }
}

extension SocketTable {
  /// How many handshakes of a listener are in its SYN queue: rows in SYN_RECV with its address, or
  /// with any of its families where it listens on all. The rows do not name their listener, so where
  /// several share the port (SO_REUSEPORT) it is the number of all of them.
  ///
  /// - Throws: where no source could be read.
  public static func countRequests(
    at listener: BoundAddress, from source: Source = .auto
  ) throws(SystemCallError) -> Int {
    var count = 0
    let place = ListenerPlace(listener)
    let query = SocketQuery(states: [.synReceived])
    _ = try forEachRow(from: source, query) { row, details in
      if row.local.port == place.port,
        ListenerPlace(row, details.interface).rank(of: place, isIPv6Only: listener.isIPv6Only) > 0
      {
        count += 1
      }
    }
    return count
  }
}
