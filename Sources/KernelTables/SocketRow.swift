// One row of the kernel's socket table as a value, whatever source it came from.

public import SocketCore

/// One row of the kernel's table of TCP sockets.
///
/// Field by field this is what `get_tcp4_sock`, `get_openreq4` and `get_timewait4_sock`
/// (net/ipv4/tcp_ipv4.c) and their IPv6 twins print.
public struct SocketRow: Hashable, Sendable {
  /// The table that the row stood in. A dual-stack socket stands in IPv6's, with mapped addresses.
  public enum Family: Hashable, Sendable, CaseIterable {
    case v4, v6
  }

  /// Which of the kernel's three structures the row describes.
  public enum Shape: Hashable, Sendable {
    /// A whole socket.
    case full
    /// A handshake whose connection has no socket yet; always in state `synReceived`.
    case request
    /// What is kept of a socket that has done its work, in state `timeWait` or `finWait2`.
    case timeWait
  }

  /// What the row's timer waits for. The numbers are those of /proc/net/tcp and of inet_diag.
  public enum TimerKind: RawRepresentable, Hashable, Sendable {
    /// No timer runs.
    case none
    /// Retransmission of a segment, also as a tail loss probe or a reordering timeout.
    case retransmit
    /// A keepalive probe, or the end of an orphan.
    case keepalive
    /// The end of a row of the shape `timeWait`.
    case timeWait
    /// A probe of the peer's closed window.
    case zeroWindowProbe
    /// A number that this program does not know.
    case other(UInt8)

    public init(rawValue: UInt8) {
      switch rawValue {
      case 0: self = .none
      case 1: self = .retransmit
      case 2: self = .keepalive
      case 3: self = .timeWait
      case 4: self = .zeroWindowProbe
      default: self = .other(rawValue)
      }
    }

    public var rawValue: UInt8 {
      switch self {
      case .none: 0
      case .retransmit: 1
      case .keepalive: 2
      case .timeWait: 3
      case .zeroWindowProbe: 4
      case .other(let number): number
      }
    }
  }

  public var family: Family
  public var shape: Shape
  public var state: TCPState
  /// As in the table: mapped addresses stay mapped. The table of /proc has no scope for link-local
  /// addresses, so it is 0 there.
  public var local: Endpoint
  /// Unspecified, with port 0, for a listener.
  public var peer: Endpoint
  /// Bytes that wait for the process to read them; a FIN that it has not read counts as one. For a
  /// listener: connections that wait for accept(2).
  public var receiveQueue: Int
  /// Bytes that the peer has not acknowledged, sent or not; a SYN and a FIN count as one each. For
  /// a listener 0.
  public var sendQueue: Int
  public var timer: TimerKind
  /// When the timer ends, in steps of 10 ms (USER_HZ); nil where no timer runs. 0 where it is due.
  public var timerExpiry: Duration?
  /// Retransmissions of one segment that were not answered. For the shape `request`: timeouts of
  /// the SYN-ACK.
  public var retransmissions: Int
  /// The user whose socket it is, as the reader's user namespace numbers him; for the shape
  /// `request` the listener's. Nil for the shape `timeWait`, of which the kernel does not know it.
  public var uid: UInt32?
  /// The socket's inode number; 0 where no process holds it: not accepted yet, orphaned, or not
  /// of the shape `full`.
  public var inode: UInt64
  /// A listener's effective backlog: its accept queue holds one more. Nil for other sockets, and
  /// where the source does not tell (/proc).
  public var backlog: Int?
  /// Whether an IPv6 socket refuses IPv4 peers (IPV6_V6ONLY). Nil for IPv4 sockets, for states other
  /// than LISTEN and CLOSE, and where the source does not tell (/proc).
  public var isIPv6Only: Bool?

  public init(
    family: Family, shape: Shape, state: TCPState, local: Endpoint, peer: Endpoint,
    receiveQueue: Int, sendQueue: Int, timer: TimerKind, timerExpiry: Duration?,
    retransmissions: Int, uid: UInt32?, inode: UInt64,
    backlog: Int? = nil, isIPv6Only: Bool? = nil
  ) {
    self.family = family
    self.shape = shape
    self.state = state
    self.local = local
    self.peer = peer
    self.receiveQueue = receiveQueue
    self.sendQueue = sendQueue
    self.timer = timer
    self.timerExpiry = timerExpiry
    self.retransmissions = retransmissions
    self.uid = uid
    self.inode = inode
    self.backlog = backlog
    self.isIPv6Only = isIPv6Only
  }
  /// A place for a row that is still to be read.
  static let empty = SocketRow(
    family: .v4, shape: .full, state: .closed, local: Endpoint(.v4(.any), 0),
    peer: Endpoint(.v4(.any), 0), receiveQueue: 0, sendQueue: 0, timer: .none, timerExpiry: nil,
    retransmissions: 0, uid: nil, inode: 0)
}
