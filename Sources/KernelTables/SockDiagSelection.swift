// What of a filter the kernel can do by itself: states, ports and address ranges.

public import SocketCore

/// What sock_diag(7) is asked to leave out of its answer, and nothing that a filter wants is among it.
///
/// Which sockets come of a filter is the same with and without it, since the filter is asked about
/// each row that the kernel gives. What the kernel cannot test (queues, users, processes, times) is
/// taken to hold, with and without `not`; so the selection covers the filter and is seldom equal to
/// it.
public struct SockDiagSelection: Hashable, Sendable {
  /// The states of all sockets that can match.
  public let states: Set<TCPState>
  /// The only local port, which the kernel compares before all else; nil for any.
  public let localPort: UInt16?
  /// The only peer's port: with it the kernel does not even look at listeners.
  public let peerPort: UInt16?
  /// The rest as a program for the kernel (`SockDiagProgram`); empty where there is nothing to test.
  public let program: [UInt8]

  /// Leaves out nothing.
  public static let everything = SockDiagSelection(covering: .all([]))

  init(covering expression: FilterExpression) {
    var test = SockDiagTest(covering: expression, isNegated: false)
    localPort = test.takePort(.local)
    peerPort = test.takePort(.peer)
    states = test == .never ? [] : expression.states(isNegated: false)
    program = test == .never ? [] : SockDiagProgram.bytes(of: test) ?? []
  }

  package init(
    states: Set<TCPState>, localPort: UInt16? = nil, peerPort: UInt16? = nil, program: [UInt8] = []
  ) {
    self.states = states
    self.localPort = localPort
    self.peerPort = peerPort
    self.program = program
  }
}

extension FilterExpression {
  /// The states in which a socket can be about which the answer is yes, or no where that is asked.
  fileprivate func states(isNegated: Bool) -> Set<TCPState> {
    switch self {
    case .test(let test): test.states(isNegated: isNegated)
    case .not(let part): part.states(isNegated: !isNegated)
    case .all(let parts): Self.states(parts, isNegated, isUnion: isNegated)
    case .any(let parts): Self.states(parts, isNegated, isUnion: !isNegated)
    }
  }

  private static func states(
    _ parts: [FilterExpression], _ isNegated: Bool, isUnion: Bool
  ) -> Set<TCPState> {
    parts.reduce(isUnion ? [] : Set(TCPState.allCases)) {
      let states = $1.states(isNegated: isNegated)
      return isUnion ? $0.union(states) : $0.intersection(states)
    }
  }
}

extension FilterTest {
  fileprivate func states(isNegated: Bool) -> Set<TCPState> {
    let every = Set(TCPState.allCases)
    return switch self {
    case .state(let states): isNegated ? every.subtracting(states) : states
    case .pending: isNegated ? every : SocketRow.pendingStates
    case .orphan: isNegated ? every : SocketRow.orphanStates
    // The answer is unknown in the others, either way.
    case .sendQueue: every.subtracting([.listen])
    case .roundTripTime, .retransmissions: every.subtracting([.listen, .timeWait])
    default: every
    }
  }
}

/// A test that the kernel can do, without `not` but before ranges of addresses.
indirect enum SockDiagTest: Hashable {
  case always, never
  case port(FilterEnd, ClosedRange<UInt16>)
  /// The kernel takes the mapped addresses for members of IPv6's ranges, and for those of IPv4's.
  case host(FilterEnd, FilterHost, isNegated: Bool)
  case all([SockDiagTest])
  case any([SockDiagTest])

  /// A test that is true wherever the answer is yes, or wherever it is no where that is asked.
  init(covering expression: FilterExpression, isNegated: Bool) {
    switch expression {
    case .test(let test): self.init(covering: test, isNegated)
    case .not(let part): self.init(covering: part, isNegated: !isNegated)
    case .all(let parts):
      let tests = parts.map { SockDiagTest(covering: $0, isNegated: isNegated) }
      self = isNegated ? Self.anyOf(tests) : Self.allOf(tests)
    case .any(let parts):
      let tests = parts.map { SockDiagTest(covering: $0, isNegated: isNegated) }
      self = isNegated ? Self.allOf(tests) : Self.anyOf(tests)
    }
  }

  private init(covering test: FilterTest, _ isNegated: Bool) {
    switch test {
    case .port(let end, let ranges):
      let wanted = isNegated ? PortRanges.complement(ranges) : ranges
      self =
        wanted == [0...(.max)] ? .always : Self.anyOf(wanted.map { .port(end, $0) })
    case .host(let end, let host):
      guard let prefix = host.prefix else {
        self =
          host.port.map { .init(covering: .port(end, [$0...$0]), isNegated) }
          ?? (isNegated ? .never : .always)
        return
      }
      let test = SockDiagTest.host(end, host, isNegated: isNegated)
      guard prefix.coversMapped else {
        self = test
        return
      }
      let mapped = SockDiagTest.host(end, .everyIPv4, isNegated: !isNegated)
      self = isNegated ? .any([test, mapped]) : .all([test, mapped])
    default: self = .always
    }
  }

  private static func allOf(_ tests: [SockDiagTest]) -> SockDiagTest {
    if tests.contains(.never) { return .never }
    let rest = tests.filter { $0 != .always }
    return rest.isEmpty ? .always : rest.count == 1 ? rest[0] : .all(rest)
  }

  private static func anyOf(_ tests: [SockDiagTest]) -> SockDiagTest {
    if tests.contains(.always) { return .always }
    let rest = tests.filter { $0 != .never }
    return rest.isEmpty ? .never : rest.count == 1 ? rest[0] : .any(rest)
  }

  /// Takes the test for one port out, where it has to hold; nil where there is none. For port 0 the
  /// kernel's request has no place: 0 stands for any there.
  fileprivate mutating func takePort(_ end: FilterEnd) -> UInt16? {
    switch self {
    case .port(end, let range) where range.count == 1 && range.lowerBound != 0:
      self = .always
      return range.lowerBound
    case .all(var parts):
      for index in parts.indices {
        guard let port = parts[index].takePort(end) else { continue }
        parts[index] = Self.allOf([parts[index]])
        self = Self.allOf(parts)
        return port
      }
      return nil
    default: return nil
    }
  }
}

extension FilterHost {
  fileprivate static let everyIPv4 = FilterHost(
    prefix: AddressPrefix(masking: .v4(.any), length: 0))
}
