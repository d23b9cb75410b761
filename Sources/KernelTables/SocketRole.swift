// What a row means: why it has no process, and who has to act next.

internal import SocketCore

/// What a socket is there for, as far as its row alone can tell.
public enum SocketRole: Hashable, Sendable {
  /// Waits for connections.
  case listener
  /// A handshake in a listener's SYN queue: the SYN-ACK is sent and not acknowledged, and there is no
  /// socket yet.
  case synQueue
  /// A whole connection in a listener's accept queue: no accept(2) has taken it yet, so it has no
  /// inode and no descriptor. The peer may have closed it meanwhile (CLOSE_WAIT).
  case pendingAccept
  /// Its SYN is sent and not answered.
  case connecting
  /// A program holds both directions.
  case connection
  /// CLOSE_WAIT: the peer has closed, and the program has not read the end of the stream. So many
  /// bytes lie before it. A program that called shutdown(SHUT_RD) looks the same.
  case peerClosed(unread: Int)
  /// CLOSE_WAIT: the program has read everything including the end of the stream, and has not closed.
  case leftOpen
  /// This end has closed or half-closed, and a program still holds the socket.
  case closing
  /// No program holds it any more: the kernel alone finishes the closing.
  case orphan
  /// What is kept of a finished connection (TIME_WAIT), or of one that only waits for the peer's FIN
  /// (FIN_WAIT2). It has no owner and no known user.
  case timeWait
  /// Has an address and neither listens nor is connected.
  case bound

  public init(_ row: SocketRow) {
    switch (row.shape, row.state) {
    case (.request, _): self = .synQueue
    case (.timeWait, _): self = .timeWait
    case (.full, .listen): self = .listener
    case (.full, .synSent): self = .connecting
    case (.full, .established), (.full, .synReceived):
      self = row.inode == 0 ? .pendingAccept : .connection
    case (.full, .closeWait):
      // The FIN counts as one byte until it is read. It comes into the queue of an orphan never:
      // closing makes it LAST_ACK.
      if row.inode == 0 {
        self = .pendingAccept
      } else {
        self = row.receiveQueue > 0 ? .peerClosed(unread: row.receiveQueue - 1) : .leftOpen
      }
    case (.full, .finWait1), (.full, .finWait2), (.full, .lastAck), (.full, .closing):
      self = row.inode == 0 ? .orphan : .closing
    case (.full, .timeWait): self = .timeWait
    case (.full, .closed): self = .bound
    }
  }

  /// The role in one word for tables, filters and JSON.
  public var name: StaticString {
    switch self {
    case .listener: "listener"
    case .synQueue: "syn_queue"
    case .pendingAccept: "pending_accept"
    case .connecting: "connecting"
    case .connection: "connection"
    case .peerClosed: "peer_closed"
    case .leftOpen: "left_open"
    case .closing: "closing"
    case .orphan: "orphan"
    case .timeWait: "time_wait"
    case .bound: "bound"
    }
  }

  /// Whether a listener stands behind it, which alone has a process.
  public var belongsToListener: Bool { self == .synQueue || self == .pendingAccept }
}
