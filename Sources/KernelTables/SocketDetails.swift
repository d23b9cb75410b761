// What sock_diag(7) tells about a socket besides its row: some unasked, the rest where it is wanted.

public import SocketCore

/// What is asked for besides the row itself. sock_diag has all of it, /proc none.
public struct SocketWants: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// TCP_INFO. The kernel takes the lock of each socket for it, and a row costs half as much again.
  public static let info = Self(rawValue: 1)
  /// The buffers of the socket, and how many segments or connections it has dropped.
  public static let memory = Self(rawValue: 2)
  /// The name of the congestion control.
  public static let congestionControl = Self(rawValue: 4)
  /// The control group. Linux 5.8 tells it unasked: it costs the reading alone.
  public static let controlGroup = Self(rawValue: 8)
}

/// A socket's memory in bytes, and its drops: SK_MEMINFO of sock_diag(7).
public struct SocketMemory: Hashable, Sendable {
  /// What is in the receive queue, with the kernel's own structures around it.
  public var received: Int
  /// SO_RCVBUF: how much that may be.
  public var receiveBuffer: Int
  /// What the network device has not sent yet, with its structures.
  public var sent: Int
  /// SO_SNDBUF: how much the queue for sending may be.
  public var sendBuffer: Int
  /// Reserved, and not in use yet.
  public var reserved: Int
  /// What is in the queue for sending, sent or not, with its structures.
  public var queued: Int
  /// Options and ancillary data.
  public var options: Int
  /// What came while a program held the socket's lock, and is not processed yet.
  public var backlog: Int
  /// For a listener: connections and handshakes that were turned away, nearly always because a queue
  /// was full. Otherwise: segments. `sk_drops` of the kernel.
  public var drops: Int

  public init(
    received: Int, receiveBuffer: Int, sent: Int, sendBuffer: Int, reserved: Int, queued: Int,
    options: Int, backlog: Int, drops: Int
  ) {
    self.received = received
    self.receiveBuffer = receiveBuffer
    self.sent = sent
    self.sendBuffer = sendBuffer
    self.reserved = reserved
    self.queued = queued
    self.options = options
    self.backlog = backlog
    self.drops = drops
  }
}

/// What accompanies a row. Everything is nil where it was not asked for, where the source does not
/// have it (/proc has none of it), and where the kernel has none for such a socket: those of the
/// shapes `request` and `timeWait` have a cookie and an interface, and nothing else.
public struct SocketDetails: Sendable {
  /// The directions in which no more data can come or go.
  public struct Shutdown: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Nothing more is received: the peer's FIN came, or shutdown(2) said so.
    public static let receive = Self(rawValue: 1)
    /// Nothing more is sent after what is queued.
    public static let send = Self(rawValue: 2)
  }

  /// The kernel's own number of the socket, the same from SYN_RECV to the end of TIME_WAIT and never
  /// given twice (SO_COOKIE).
  public var cookie: UInt64?
  /// The number of its control group: the inode of the group's directory.
  public var controlGroup: UInt64?
  /// The index of the interface that the socket is bound to (SO_BINDTODEVICE), or that its
  /// link-local address belongs to; 0 where there is none.
  public var interface: UInt32?
  public var shutdown: Shutdown?
  /// The large parts, which most walks do not want: apart, so that a row without them stays small.
  private var asked: Asked?

  public init() {}

  package init(memory: SocketMemory?, congestionControl: String?, info: TCPInfo?) {
    if memory != nil || congestionControl != nil || info != nil {
      asked = Asked(memory, congestionControl, info)
    }
  }

  public var memory: SocketMemory? {
    get { asked?.memory }
    set { asked = Asked(newValue, congestionControl, info) }
  }

  public var congestionControl: String? {
    get { asked?.congestionControl }
    set { asked = Asked(memory, newValue, info) }
  }

  public var info: TCPInfo? {
    get { asked?.info }
    set { asked = Asked(memory, congestionControl, newValue) }
  }

  private final class Asked: Sendable {
    let memory: SocketMemory?
    let congestionControl: String?
    let info: TCPInfo?

    init(_ memory: SocketMemory?, _ congestionControl: String?, _ info: TCPInfo?) {
      self.memory = memory
      self.congestionControl = congestionControl
      self.info = info
    }
  }
}

/// Which sockets a walk over the kernel's table is for, and what is to come with each.
public struct SocketQuery: Hashable, Sendable {
  /// Only sockets in these states; the kernel does the choosing, and listeners alone cost next to
  /// nothing.
  public var states: Set<TCPState>
  /// Also sockets that are bound and neither listen nor are connected, which sock_diag alone knows:
  /// as CLOSE, since Linux 6.8.
  public var includesBound: Bool
  public var wants: SocketWants
  /// What else the kernel may leave out; sock_diag alone does more of it than the states. It covers a
  /// filter and is not equal to it.
  public var selection: SockDiagSelection

  public init(
    states: Set<TCPState> = Set(TCPState.allCases), includesBound: Bool = false,
    wants: SocketWants = [], selection: SockDiagSelection = .everything
  ) {
    self.states = states
    self.includesBound = includesBound
    self.wants = wants
    self.selection = selection
  }
}
