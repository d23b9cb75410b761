// A filter as a tree, and what it says about one socket.

internal import SocketCore

/// A relation between what a socket has and what a filter gives.
public enum FilterComparison: Hashable, Sendable {
  case equal, notEqual, greater, atLeast, less, atMost

  func holds<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
    switch self {
    case .equal: left == right
    case .notEqual: left != right
    case .greater: left > right
    case .atLeast: left >= right
    case .less: left < right
    case .atMost: left <= right
    }
  }
}

/// What a filter says about a socket: three values, since facts can be unknown (Kleene's logic).
public enum FilterAnswer: Hashable, Sendable {
  case yes, no
  /// It depends on a fact that is not known. Such a socket never matches, neither under `not`.
  case unknown

  init(_ isYes: Bool) { self = isYes ? .yes : .no }

  /// Nil is unknown.
  init(_ isYes: Bool?) { self = isYes.map { .init($0) } ?? .unknown }

  prefix static func ! (answer: Self) -> Self {
    switch answer {
    case .yes: .no
    case .no: .yes
    case .unknown: .unknown
    }
  }
}

/// A socket that a filter is asked about: its row, and facts that only some filters need.
public protocol FilterSubject {
  var row: SocketRow { get }
  /// The smoothed round-trip time (tcpi_rtt); nil where it is not known.
  var roundTripTime: Duration? { get }
  /// Segments that were retransmitted over the whole life (tcpi_total_retrans); nil where not known.
  var totalRetransmissions: Int? { get }
  /// The processes that hold it; nil where not known. Not asked for a row without an inode, which
  /// nobody holds.
  var owners: [SocketOwner]? { get }
}

extension FilterSubject {
  public var roundTripTime: Duration? { nil }
  public var totalRetransmissions: Int? { nil }
  public var owners: [SocketOwner]? { nil }

  /// A row without an inode is held by nobody, whoever says what.
  fileprivate var holders: [SocketOwner]? { row.inode == 0 ? [] : owners }
}

extension SocketRow: FilterSubject {
  public var row: SocketRow { self }
}

/// One end of a connection.
enum FilterEnd: Hashable, Sendable {
  case local, peer

  func endpoint(of row: SocketRow) -> Endpoint { self == .local ? row.local : row.peer }
}

/// An address range with a port, either of which may be left open.
struct FilterHost: Hashable, Sendable {
  /// Never one that holds only mapped IPv4 addresses: that is an IPv4 prefix.
  var prefix: AddressPrefix?
  var port: UInt16?

  func contains(_ endpoint: Endpoint) -> Bool {
    (port.map { $0 == endpoint.port } ?? true) && (prefix?.contains(endpoint.address) ?? true)
  }
}

/// Something that a socket has or has not.
enum FilterTest: Hashable, Sendable {
  case state(Set<TCPState>)
  /// Ascending ranges that do not touch.
  case port(FilterEnd, [ClosedRange<UInt16>])
  case host(FilterEnd, FilterHost)
  case receiveQueue(FilterComparison, Int)
  case sendQueue(FilterComparison, Int)
  case roundTripTime(FilterComparison, Duration)
  case retransmissions(FilterComparison, Int)
  case user(FilterComparison, UInt32)
  case process(FilterComparison, Int32)
  /// The name as /proc/PID/comm has it, cut there to 15 bytes.
  case processName([UInt8])
  /// Of the role `pendingAccept`.
  case pending
  case orphan
}

/// A filter as a tree. It is never deeper than the parser lets parentheses be.
indirect enum FilterExpression: Hashable, Sendable {
  case test(FilterTest)
  case not(FilterExpression)
  /// Holds where all of them do; also where there are none.
  case all([FilterExpression])
  /// Holds where one of them does.
  case any([FilterExpression])

  func answer(about subject: some FilterSubject) -> FilterAnswer {
    switch self {
    case .test(let test): return test.answer(about: subject)
    case .not(let expression): return !expression.answer(about: subject)
    case .all(let parts):
      var answer = FilterAnswer.yes
      for part in parts {
        switch part.answer(about: subject) {
        case .no: return .no
        case .unknown: answer = .unknown
        case .yes: break
        }
      }
      return answer
    case .any(let parts):
      var answer = FilterAnswer.no
      for part in parts {
        switch part.answer(about: subject) {
        case .yes: return .yes
        case .unknown: answer = .unknown
        case .no: break
        }
      }
      return answer
    }
  }
}

extension FilterTest {
  func answer(about subject: some FilterSubject) -> FilterAnswer {
    let row = subject.row
    switch self {
    case .state(let states): return .init(states.contains(row.state))
    case .port(let end, let ranges):
      let port = end.endpoint(of: row).port
      return .init(ranges.contains { $0.contains(port) })
    case .host(let end, let host): return .init(host.contains(end.endpoint(of: row)))
    case .receiveQueue(let comparison, let count):
      return .init(comparison.holds(row.receiveQueue, count))
    case .sendQueue(let comparison, let count):
      // A listener sends nothing; its backlog, which tables show in that column, is no bytes.
      return row.state == .listen ? .unknown : .init(comparison.holds(row.sendQueue, count))
    case .roundTripTime(let comparison, let time):
      guard row.canHaveSent else { return .unknown }
      return .init(subject.roundTripTime.map { comparison.holds($0, time) })
    case .retransmissions(let comparison, let count):
      guard row.canHaveSent else { return .unknown }
      return .init(subject.totalRetransmissions.map { comparison.holds($0, count) })
    case .user(let comparison, let uid): return .init(row.uid.map { comparison.holds($0, uid) })
    case .process(let comparison, let pid):
      return .init(subject.holders.map { $0.contains { comparison.holds($0.pid, pid) } })
    case .processName(let name): return Self.isHeld(by: name, subject.holders)
    case .pending: return .init(SocketRole(row) == .pendingAccept)
    case .orphan: return .init(SocketRole(row) == .orphan)
    }
  }

  /// A process that ended before its name could be read may have been the one.
  private static func isHeld(by name: [UInt8], _ owners: [SocketOwner]?) -> FilterAnswer {
    guard let owners else { return .unknown }
    if owners.contains(where: { $0.name == name }) { return .yes }
    return owners.contains { $0.name == nil } ? .unknown : .no
  }
}

extension SocketRow {
  /// Whether TCP_INFO has something to say about its traffic.
  fileprivate var canHaveSent: Bool {
    shape == .full && state != .listen && state != .timeWait
  }

  /// The states in which a socket of the role `pendingAccept` can be.
  static let pendingStates: Set<TCPState> = [.synReceived, .established, .closeWait]
  /// The same of `orphan`.
  static let orphanStates: Set<TCPState> = [.finWait1, .finWait2, .lastAck, .closing]
}
