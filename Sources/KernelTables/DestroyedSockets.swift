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
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  /// What came.
  public enum Reading: Equatable, Sendable {
    /// Rows were handed over, and there may be more.
    case some
    /// Nothing waits.
    case nothing
    /// Sockets were destroyed faster than they were read, and the kernel does not say how many.
    case lost
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
    case .nothing: return .nothing
    case .lost: return .lost
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

  private static func receive(
    _ socket: borrowing DiagnosticSocket, into buffer: inout [UInt8]
  ) throws(SystemCallError) -> DiagnosticSocket.Received {
    var span = buffer.mutableSpan
    var bytes = unsafe span.mutableBytes
    return try socket.receiveNow(into: &bytes)
  }
}
