// How long connections have waited for accept(2): noted on a walk for rows alone, asked for afterwards.

public import SocketCore

/// The connections that a walk found in accept queues.
///
/// A walk that wants TCP_INFO has it from every connection, which costs more than the rows do. Those
/// that wait are few beside the others, and are asked one by one, though an answer costs more than a
/// row of a dump: where 4,000 of 18,000 waited, a summary took 55 ms instead of 75, and a look for the
/// oldest of each listener, which has to walk anyway, 74 instead of 66 (one busy machine, Linux 6.18).
public struct PendingConnections: Sendable {
  private var identities: [SockDiagIdentity] = []

  public init() {}

  /// Notes a row if it is one of them; those from /proc are passed over, of which no more is known.
  public mutating func add(_ row: SocketRow, _ details: SocketDetails) {
    guard SocketRole(row) == .pendingAccept, let identity = SockDiagIdentity(row, details) else {
      return
    }
    identities.append(identity)
  }

  /// Calls `body` with each that still waits, and with how long it has.
  ///
  /// - Throws: where sock_diag does not answer.
  public func forEachAge(
    _ body: (SocketRow, SocketDetails, Duration) -> Void
  ) throws(SystemCallError) {
    try SockDiag.forEachEntry(of: identities, wants: .info) { entry in
      // Nothing can be sent before accept(2), so this clock has run since the connection was made
      // (tcp_create_openreq_child). The one of the last reception starts again with early data.
      if SocketRole(entry.row) == .pendingAccept, let age = entry.details.info?.sinceLastSent {
        body(entry.row, entry.details, age)
      }
    }
  }
}
