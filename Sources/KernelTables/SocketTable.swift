// The kernel's socket table from whichever source gives it.

public import SocketCore

/// Both sources behind one call. They give the same rows but for these differences: only sock_diag
/// knows a listener's backlog, IPV6_V6ONLY and the interface of a link-local address; only /proc knows
/// the user of a handshake; timers are in steps of 10 ms in /proc; and the two count a handshake's
/// retransmissions differently.
public enum SocketTable {
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
  }

  /// Calls `body` with each TCP socket of this network namespace that is in one of `states`.
  ///
  /// - Parameter includesBound: Also sockets that are bound and neither listen nor are connected,
  ///   where sock_diag knows them: as CLOSE, since Linux 6.8.
  /// - Returns: what became of it, or what `body` threw, which ends the walk.
  /// - Throws: where no source could be read.
  public static func forEachRow<Failure>(
    from source: Source = .auto, in states: Set<TCPState> = Set(TCPState.allCases),
    includesBound: Bool = false, _ body: (SocketRow) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<Outcome, Failure> {
    var fallback: SystemCallError?
    if source != .proc {
      var hasRows = false
      do throws(SystemCallError) {
        return try SockDiag.forEachRow(in: states, includesBound: includesBound) {
          row throws(Failure) in
          hasRows = true
          try body(row)
        }.map { Outcome(source: .diag, fallback: nil, tallies: [("sock_diag", $0)]) }
      } catch {
        // Once rows have been handed over, /proc would give them a second time.
        if hasRows || source == .diag { throw error }
        fallback = error
      }
    }
    var tallies: [(table: String, tally: TableTally)] = []
    for (family, name) in [(SocketRow.Family.v4, "/proc/net/tcp"), (.v6, "/proc/net/tcp6")] {
      let walked = try ProcNetTCP.forEachRow(in: family) { row throws(Failure) in
        if states.contains(row.state) { try body(row) }
      }
      switch walked {
      case .success(let tally): tallies.append((name, tally))
      case .failure(let failure): return .failure(failure)
      }
    }
    return .success(Outcome(source: .proc, fallback: fallback, tallies: tallies))
  }
}

extension SocketTable {
  /// How many handshakes of a listener are in its SYN queue: rows in SYN_RECV with its address, or
  /// with any where it listens on all. The rows do not name their listener, so where several share
  /// the port (SO_REUSEPORT) it is the number of all of them.
  ///
  /// - Throws: where no source could be read.
  public static func countRequests(at listener: Endpoint) throws(SystemCallError) -> Int {
    var count = 0
    let address = listener.address.unmapped
    _ = try forEachRow(in: [.synReceived]) { row in
      if row.local.port == listener.port,
        address.isUnspecified || row.local.address.unmapped == address
      {
        count += 1
      }
    }
    return count
  }
}
