// The sockets that the kernel destroys, told as it happens, each with its last TCP_INFO.

internal import CLinux
public import SocketCore

/// The multicast groups of sock_diag on which the kernel tells of each TCP socket that it destroys,
/// in this network namespace (`sock_diag_broadcast_destroy`). They need no privilege.
///
/// A row has both ends and the queues as they were left. Its state is always CLOSE, and the inode is 0
/// and the user unknown, since nobody holds it any more. Rows of TIME_WAIT and handshakes are no
/// sockets and do not come.
public struct DestroyedSockets: ~Copyable {
  private let socket: DiagnosticSocket
  private var lostCount: UInt32 = 0
  /// Whether the kernel adds nothing until all that waits is read (NETLINK_S_CONGESTED).
  public private(set) var isCongested = false
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  /// What came.
  public enum Reading: Equatable, Sendable {
    /// Rows were handed over, and there may be more.
    case some
    /// Nothing waits.
    case nothing
    /// Sockets were destroyed faster than they were read: how many of them are missing since the last
    /// such answer, before any filter; nil before Linux 4.12.
    case lost(Int?)
  }

  /// Joins both groups.
  ///
  /// - Throws: where sock_diag, or its groups (Linux 4.5), are not there.
  public init() throws(SystemCallError) {
    let socket = try DiagnosticSocket()
    try socket.join([SKNLGRP_INET_TCP_DESTROY.rawValue, SKNLGRP_INET6_TCP_DESTROY.rawValue])
    self.socket = socket
  }

  /// To be watched for readability.
  public var descriptor: Int32 { socket.number }

  /// Reads one datagram, and does not wait for it.
  ///
  /// - Parameter body: Gets each row, with TCP_INFO in its details if it was connected.
  /// - Throws: where it could not be read.
  public mutating func read(
    _ body: (SocketRow, SocketDetails) -> Void
  ) throws(SystemCallError) -> Reading {
    let length: Int
    switch try Self.receive(socket, into: &buffer) {
    case .nothing:
      guard isCongested else { return .nothing }
      isCongested = false
      // There is no second error for what was lost since the first one.
      let count = newlyLost() ?? 0
      return count > 0 ? .lost(count) : .nothing
    case .lost:
      isCongested = true
      return .lost(newlyLost())
    case .datagram(let count): length = min(count, buffer.count)
    }
    // Nobody asked, so that there is no request whose number an answer could have.
    var reader = SockDiagReader(sequence: 0, wants: .info)
    while let message = try reader.next(
      in: unsafe buffer.span.bytes.extracting(first: length))
    {
      guard message == .row else { continue }
      var row = reader.entry.row
      row.uid = nil
      row.isIPv6Only = nil
      var details = reader.entry.details
      // A listener, or one that was never connected: there was no path to tell of.
      if row.peer.port == 0 { details.info = nil }
      body(row, details)
    }
    return .some
  }

  /// How many were lost since the last call; nil where the kernel does not tell.
  private mutating func newlyLost() -> Int? {
    guard let count = socket.lostCount else { return nil }
    // The kernel's number begins at 0 again after 2³² of them.
    defer { lostCount = count }
    return Int(count &- lostCount)
  }

  private static func receive(
    _ socket: borrowing DiagnosticSocket, into buffer: inout [UInt8]
  ) throws(SystemCallError) -> DiagnosticSocket.Received {
    var span = buffer.mutableSpan
    var bytes = unsafe span.mutableBytes
    return try socket.receiveNow(into: &bytes)
  }
}
