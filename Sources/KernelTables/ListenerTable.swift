// The listeners of this network namespace with both their queues: what accept(2) has not taken yet,
// and the handshakes that are not complete.

public import SocketCore

/// A listener with its queues.
public struct ListenerStatus: Sendable {
  /// The kernel's row. Its `receiveQueue` is the accept queue, and `backlog` one less than that holds.
  public var row: SocketRow
  /// The kernel's own number of the socket, smaller for one that was made earlier; nil from /proc.
  public var cookie: UInt64?
  /// The interface that it is bound to (SO_BINDTODEVICE), 0 for none; nil from /proc.
  public var interface: UInt32?
  /// What this listener turned away since it was made: SYNs and last ACKs that met a full queue, and
  /// whatever else it dropped (a bare ACK under TCP_DEFER_ACCEPT, for one). Nil from /proc.
  public var drops: Int?
  /// Handshakes in the SYN queue: rows in SYN_RECV. They do not name their listener, so it is the
  /// number of all listeners of the group together.
  public var synQueue = 0
  /// How long the connection that waits longest has waited for accept(2). Of a group it is the one
  /// that waits longest at any of them. Nil where that was not looked for, or where none was found.
  public var oldestPending: Duration?
  /// Listeners with the same number have the same address, port and interface (SO_REUSEPORT).
  public var group = 0
  /// How many are in the group, this one among them.
  public var groupSize = 1

  public init(_ row: SocketRow, _ details: SocketDetails = SocketDetails()) {
    self.row = row
    cookie = details.cookie
    interface = details.interface
    drops = details.memory?.drops
  }

  /// How many connections the accept queue holds; nil from /proc. sk_acceptq_is_full.
  public var acceptQueueLimit: Int? { row.backlog.map { $0 + 1 } }
}

/// The listeners, each with what waits at it.
///
/// It is no snapshot: queues go on moving while the kernel walks over its tables.
public struct ListenerTable: Sendable {
  /// By port, then by address; those of a group as they were made.
  public var listeners: [ListenerStatus]
  /// Where the rows came from, and what could not be read.
  public var outcome: SocketTable.Outcome

  /// The counters of a network namespace that tell of its listeners, in the kernel's names.
  public static let counters = [
    "ListenOverflows", "ListenDrops", "TCPReqQFullDrop", "TCPReqQFullDoCookies", "SyncookiesSent",
    "SyncookiesRecv", "SyncookiesFailed",
  ]

  /// Reads the listeners and their queues, in one walk over the kernel's tables.
  ///
  /// - Parameters:
  ///   - process: As for `SocketTable`.
  ///   - source: /proc knows neither limits nor drops.
  ///   - findsOldest: Whether to look for the connections that wait longest. Where any wait it
  ///     takes a second walk, over all connections, which costs more than the first. Only sock_diag
  ///     tells.
  /// - Throws: where no source could be read.
  public static func read(
    from source: SocketTable.Source = .auto, process: Int32? = nil, findsOldest: Bool = false
  ) throws(SystemCallError) -> ListenerTable {
    var listeners: [ListenerStatus] = []
    var waiting = WaitingConnections()
    // One request for both states: the kernel walks the listeners first, and then everything else
    // once (tcp_diag_dump).
    let query = SocketQuery(states: [.listen, .synReceived], wants: .memory)
    let outcome = try SocketTable.forEachRow(from: source, process: process, query) {
      row, details in
      if row.state == .listen {
        listeners.append(ListenerStatus(row, details))
      } else if row.shape == .request {
        waiting.addHandshake(row, details)
      }
    }.get()
    if findsOldest, outcome.source == .diag,
      listeners.contains(where: { $0.row.receiveQueue > 0 })
    {
      try waiting.addPending()
    }
    return ListenerTable(
      listeners: joined(listeners, with: waiting), outcome: outcome)
  }

  /// The same from rows that are at hand, of one network namespace.
  ///
  /// - Parameter findsOldest: Only rows with TCP_INFO tell.
  public init(
    _ sockets: [ReadSocket], findsOldest: Bool = false, outcome: SocketTable.Outcome
  ) {
    var waiting = WaitingConnections()
    var listeners: [ListenerStatus] = []
    for socket in sockets {
      if socket.row.state == .listen {
        listeners.append(ListenerStatus(socket.row, socket.details))
      } else if socket.row.shape == .request {
        waiting.addHandshake(socket.row, socket.details)
      } else if findsOldest, SocketRole(socket.row) == .pendingAccept,
        let age = socket.details.info?.sinceLastSent
      {
        waiting.addPending(socket.row, socket.details, age: age)
      }
    }
    self.init(listeners: Self.joined(listeners, with: waiting), outcome: outcome)
  }

  private init(listeners: [ListenerStatus], outcome: SocketTable.Outcome) {
    self.listeners = listeners
    self.outcome = outcome
  }

  /// Gives each listener what waits at it, and puts the listeners in order.
  package static func joined(
    _ listeners: [ListenerStatus], with waiting: WaitingConnections
  ) -> [ListenerStatus] {
    var listeners = listeners.sorted(by: isBefore)
    var index = ListenerIndex<Int>()
    var groups: [ListenerPlace: [Int]] = [:]
    for (number, listener) in listeners.enumerated() {
      index.add(number, listener.row, interface: listener.interface)
      groups[ListenerPlace(listener.row, listener.interface), default: []].append(number)
    }
    for members in groups.values {
      for number in members {
        listeners[number].group = members[0]
        listeners[number].groupSize = members.count
      }
    }
    for (place, count) in waiting.handshakes {
      for number in index.candidates(at: place) {
        listeners[number].synQueue += count
      }
    }
    for (place, age) in waiting.oldest {
      for number in index.candidates(at: place)
      where listeners[number].row.receiveQueue > 0 {
        listeners[number].oldestPending = max(age, listeners[number].oldestPending ?? .zero)
      }
    }
    return listeners
  }

  private static func isBefore(_ left: ListenerStatus, _ right: ListenerStatus) -> Bool {
    func key(_ listener: ListenerStatus) -> (UInt16, UInt64, UInt64, UInt64, UInt64) {
      let (high, low): (UInt64, UInt64) =
        switch listener.row.local.address.unmapped {
        case .v4(let address): (0, UInt64(address.bits))
        case .v6(let address): (address.high, address.low)
        }
      // A wildcard of IPv6 is 0 too, and comes after IPv4's.
      let family: UInt64 = listener.row.local.address.unmapped.isIPv6 ? 1 : 0
      return (
        listener.row.local.port, family, high, low, listener.cookie ?? listener.row.inode
      )
    }
    return key(left) < key(right)
  }
}

/// What waits at the listeners, by where it waits: its size does not grow with the number of
/// connections.
package struct WaitingConnections: Sendable {
  /// How many handshakes.
  fileprivate(set) var handshakes: [ListenerPlace: Int] = [:]
  /// How long the connection has waited that waits longest.
  fileprivate(set) var oldest: [ListenerPlace: Duration] = [:]

  package init() {}

  package mutating func addHandshake(_ row: SocketRow, _ details: SocketDetails) {
    handshakes[ListenerPlace(row, details.interface), default: 0] += 1
  }

  package mutating func addPending(_ row: SocketRow, _ details: SocketDetails, age: Duration) {
    let place = ListenerPlace(row, details.interface)
    oldest[place] = max(age, oldest[place] ?? .zero)
  }

  /// Walks over the connections and notes those that no accept(2) has taken.
  fileprivate mutating func addPending() throws(SystemCallError) {
    var pending = PendingConnections()
    let query = SocketQuery(states: [.established, .closeWait, .synReceived])
    _ = try SockDiag.forEachRow(query) { row, details in pending.add(row, details) }
    try pending.forEachAge { row, details, age in addPending(row, details, age: age) }
  }
}
