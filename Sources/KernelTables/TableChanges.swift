// Two readings of the socket table beside each other: which sockets are new, gone or different.

internal import SocketCore

/// What happened between two readings of the socket table. Sockets are named by their places in the
/// two readings.
///
/// A socket is the same one where the kernel's cookie is: it stays from the first SYN to the end of
/// TIME_WAIT (`inet_csk_clone_lock`, `inet_twsk_alloc`). Where one of the two readings has no cookie
/// (/proc), it is the same one where both ends are, unless that would need a step that no connection
/// makes: back to an earlier state, or from one inode to another. What began and ended between the two
/// readings is in neither of them.
public struct TableChanges: Sendable {
  /// What differs between the two rows of one socket. Timers are left out: they always run.
  public struct Facts: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let state = Self(rawValue: 1)
    /// Why it is there, or who has to act next: accept(2) took it, or its process closed it.
    public static let role = Self(rawValue: 2)
    public static let receiveQueue = Self(rawValue: 4)
    public static let sendQueue = Self(rawValue: 8)
    /// The retransmissions of one segment that were not answered.
    public static let retransmissions = Self(rawValue: 16)
    /// A listener's backlog: listen(2) was called again.
    public static let backlog = Self(rawValue: 32)
    /// `sk_drops`; only where both readings have it.
    public static let drops = Self(rawValue: 64)
    /// An end of it: a socket that was bound, or whose connect(2) failed, was connected.
    public static let ends = Self(rawValue: 128)

    public static let queues: Self = [.receiveQueue, .sendQueue]
  }

  /// A socket that is in both readings and not the same in them.
  public struct Change: Hashable, Sendable {
    public var earlier: Int
    public var later: Int
    public var facts: Facts

    public init(earlier: Int, later: Int, facts: Facts) {
      self.earlier = earlier
      self.later = later
      self.facts = facts
    }
  }

  /// Places in the later reading.
  public private(set) var opened: [Int] = []
  /// Places in the earlier reading.
  public private(set) var closed: [Int] = []
  /// In the later reading's order.
  public private(set) var changed: [Change] = []
  /// By place in the later reading the place in the earlier one; −1 where it is new.
  private var predecessors: [Int]

  /// Whether nothing happened.
  public var isEmpty: Bool { opened.isEmpty && closed.isEmpty && changed.isEmpty }

  /// Where a socket of the later reading stood in the earlier one; nil where it is new.
  public func predecessor(of place: Int) -> Int? {
    predecessors[place] < 0 ? nil : predecessors[place]
  }

  init(from earlier: TableReading, to later: TableReading) {
    var matching = Matching(earlier.sockets, later.sockets)
    matching.matchByCookie()
    matching.matchByEnds()
    predecessors = matching.predecessors
    for place in later.sockets.indices {
      let before = predecessors[place]
      if before < 0 {
        opened.append(place)
        continue
      }
      let facts = Facts(from: earlier.sockets[before], to: later.sockets[place])
      if !facts.isEmpty {
        changed.append(Change(earlier: before, later: place, facts: facts))
      }
    }
    closed = earlier.sockets.indices.filter { !matching.isTaken[$0] }
  }
}

extension TableChanges.Facts {
  init(from earlier: ReadSocket, to later: ReadSocket) {
    let (before, after) = (earlier.row, later.row)
    self = []
    if before.state != after.state { insert(.state) }
    if !SocketRole(before).isAlike(SocketRole(after)) { insert(.role) }
    if before.receiveQueue != after.receiveQueue { insert(.receiveQueue) }
    if before.sendQueue != after.sendQueue { insert(.sendQueue) }
    // A handshake's number counts something else in each source, and a new shape starts again.
    if before.shape == after.shape, before.retransmissions != after.retransmissions,
      (earlier.details.cookie == nil) == (later.details.cookie == nil)
    {
      insert(.retransmissions)
    }
    if let old = before.backlog, let new = after.backlog, old != new { insert(.backlog) }
    if let old = earlier.details.memory?.drops, let new = later.details.memory?.drops, old != new {
      insert(.drops)
    }
    if Ends(earlier) != Ends(later) { insert(.ends) }
  }
}

extension SocketRole {
  /// The same but for the number of bytes.
  fileprivate func isAlike(_ other: SocketRole) -> Bool {
    switch (self, other) {
    case (.peerClosed, .peerClosed): true
    default: self == other
    }
  }
}

/// Both ends of a socket, in a form in which all sources agree.
private struct Ends: Hashable {
  let local: Endpoint
  let peer: Endpoint
  let family: SocketRow.Family
  let namespace: UInt64
  /// Listeners share their ends (SO_REUSEPORT), and keep their inode; 0 for others.
  let listener: UInt64

  /// - Parameter knowsNamespace: Whether both readings know of which network namespace they are.
  init(_ socket: ReadSocket, knowsNamespace: Bool = false) {
    local = Self.common(socket.row.local)
    peer = Self.common(socket.row.peer)
    family = socket.row.family
    namespace = knowsNamespace ? socket.namespace ?? 0 : 0
    listener = socket.row.state == .listen ? socket.row.inode : 0
  }

  /// Without the scope, which /proc does not have, and with one form for a mapped address.
  private static func common(_ endpoint: Endpoint) -> Endpoint {
    endpoint.unmapped.unscoped
  }
}

/// Finds for each socket of the later reading the one of the earlier that it was.
private struct Matching {
  let earlier: [ReadSocket]
  let later: [ReadSocket]
  var predecessors: [Int]
  var isTaken: [Bool]
  private let knowsNamespace: Bool

  init(_ earlier: [ReadSocket], _ later: [ReadSocket]) {
    self.earlier = earlier
    self.later = later
    predecessors = [Int](repeating: -1, count: later.count)
    isTaken = [Bool](repeating: false, count: earlier.count)
    knowsNamespace = [earlier, later].allSatisfy { $0.contains { $0.namespace != nil } }
  }

  mutating func matchByCookie() {
    let index = PlaceIndex(earlier) { $0.details.cookie.map { $0.hashValue } }
    for place in later.indices {
      guard let cookie = later[place].details.cookie else { continue }
      let namespace = later[place].namespace
      // Kernels before 5.13 numbered the sockets of each network namespace for themselves.
      let found = index.first(hash: cookie.hashValue) { candidate in
        !isTaken[candidate] && earlier[candidate].details.cookie == cookie
          && (!knowsNamespace || earlier[candidate].namespace == namespace)
      }
      if let found { take(found, for: place) }
    }
  }

  mutating func matchByEnds() {
    let index = PlaceIndex(earlier, except: isTaken) { [knowsNamespace] in
      Ends($0, knowsNamespace: knowsNamespace).hashValue
    }
    for place in later.indices where predecessors[place] < 0 {
      let socket = later[place]
      let ends = Ends(socket, knowsNamespace: knowsNamespace)
      // SO_BINDTODEVICE lets several sockets have the same ends.
      let found = index.first(
        hash: ends.hashValue, best: { earlier[$0].row.inode == socket.row.inode }
      ) { candidate in
        !isTaken[candidate] && Ends(earlier[candidate], knowsNamespace: knowsNamespace) == ends
          && socket.continues(earlier[candidate])
      }
      if let found { take(found, for: place) }
    }
  }

  private mutating func take(_ candidate: Int, for place: Int) {
    predecessors[place] = candidate
    isTaken[candidate] = true
  }
}

extension ReadSocket {
  /// Whether it can be the same connection as an earlier row with the same ends.
  fileprivate func continues(_ earlier: ReadSocket) -> Bool {
    if let mine = details.cookie, let other = earlier.details.cookie, mine != other {
      // Not even then where a kernel gives each structure a cookie of its own.
      if row.shape == earlier.row.shape { return false }
    }
    if row.inode != earlier.row.inode, row.inode != 0, earlier.row.inode != 0 { return false }
    if earlier.row.shape == .timeWait { return row.shape == .timeWait }
    if row.shape == .request { return earlier.row.shape == .request }
    return row.state.step >= earlier.row.state.step
  }
}

extension TCPState {
  /// How far a connection is on its way: no step leads back.
  fileprivate var step: Int {
    switch self {
    case .listen: 0
    case .synSent: 1
    case .synReceived: 2
    case .established: 3
    case .finWait1, .closeWait: 4
    case .finWait2, .closing, .lastAck: 5
    case .timeWait: 6
    case .closed: 7
    }
  }
}

/// Places by a hash, without a key of their own for each.
private struct PlaceIndex {
  /// The last place in each bucket, and before each place the one before it; −1 ends the chain.
  private var last: [Int32]
  private var previous: [Int32]
  /// More sockets than this with the same ends were never one connection: someone made them up.
  private static let longestSearch = 256

  /// - Parameter hash: nil for what is not looked for.
  init(
    _ sockets: [ReadSocket], except isLeftOut: [Bool]? = nil, hash: (ReadSocket) -> Int?
  ) {
    var size = 16
    while size < sockets.count * 2 { size *= 2 }
    last = [Int32](repeating: -1, count: size)
    previous = [Int32](repeating: -1, count: sockets.count)
    for place in sockets.indices.reversed() where isLeftOut?[place] != true {
      guard let hash = hash(sockets[place]) else { continue }
      let bucket = hash & (size - 1)
      previous[place] = last[bucket]
      last[bucket] = Int32(truncatingIfNeeded: place)
    }
  }

  /// The first place that fits; one that is best before others.
  func first(
    hash: Int, best isBest: (Int) -> Bool = { _ in true }, where fits: (Int) -> Bool
  ) -> Int? {
    var place = Int(last[hash & (last.count - 1)])
    var found: Int?
    var steps = 0
    while place >= 0, steps < Self.longestSearch {
      if fits(place) {
        if isBest(place) { return place }
        found = found ?? place
      }
      place = Int(previous[place])
      steps += 1
    }
    return found
  }
}
