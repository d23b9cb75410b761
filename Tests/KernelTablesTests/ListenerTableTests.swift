// Which listener waits for which handshake: the kernel's rule, row by row.

import KernelTables
import SocketCore
import Testing

@Suite struct ListenerTableTests {
  private static let v4 = IPAddress.v4(.loopback)
  private static let v6 = IPAddress.v6(.loopback)
  private static let mapped = IPAddress.v6(IPv6Address(high: 0, low: 0xFFFF_7F00_0001))
  private static let mappedAny = IPAddress.v6(IPv6Address(high: 0, low: 0xFFFF_0000_0000))
  private static func link(_ scope: UInt32) -> IPAddress {
    .v6(IPv6Address(high: 0xFE80 << 48, low: 1, scope: scope))
  }

  private static func row(
    _ state: TCPState, _ address: IPAddress, _ port: UInt16, queue: Int = 0,
    isIPv6Only: Bool? = nil
  ) -> SocketRow {
    SocketRow(
      family: address.isIPv6 ? .v6 : .v4, shape: state == .synReceived ? .request : .full,
      state: state, local: Endpoint(address, port), peer: Endpoint(.v4(.any), 0),
      receiveQueue: queue, sendQueue: 0, timer: .none, timerExpiry: nil, retransmissions: 0,
      uid: 0, inode: 0, backlog: state == .listen ? 8 : nil, isIPv6Only: isIPv6Only)
  }

  private static func listener(
    _ address: IPAddress, _ port: UInt16 = 80, cookie: UInt64 = 1, interface: UInt32? = 0,
    queue: Int = 0, isIPv6Only: Bool? = nil
  ) -> ListenerStatus {
    var details = SocketDetails()
    details.cookie = cookie
    details.interface = interface
    return ListenerStatus(
      row(.listen, address, port, queue: queue, isIPv6Only: isIPv6Only), details)
  }

  private static func waiting(_ places: [(IPAddress, UInt16, UInt32?)]) -> WaitingConnections {
    var waiting = WaitingConnections()
    for (address, port, interface) in places {
      var details = SocketDetails()
      details.interface = interface
      waiting.addHandshake(row(.synReceived, address, port), details)
    }
    return waiting
  }

  /// Listeners, a handshake, and at which of them it is counted.
  private static let cases: [([ListenerStatus], (IPAddress, UInt16, UInt32?), [Int])] = [
    ([listener(v4)], (v4, 80, 0), [1]),
    ([listener(v4)], (v4, 81, 0), [0]),
    ([listener(v4)], (.v4(IPv4Address(bits: 0x7F00_0002)), 80, 0), [0]),
    ([listener(.v4(.any))], (v4, 80, 0), [1]),
    // The very address goes before the wildcard.
    ([listener(.v4(.any)), listener(v4)], (v4, 80, 0), [0, 1]),
    ([listener(.v6(.any)), listener(v6)], (v6, 80, 0), [0, 1]),
    // A handshake has the family of its listener's socket.
    ([listener(.v4(.any)), listener(.v6(.any))], (v4, 80, 0), [1, 0]),
    ([listener(.v4(.any)), listener(.v6(.any))], (mapped, 80, 0), [0, 1]),
    ([listener(.v4(.any)), listener(.v6(.any), isIPv6Only: true)], (v6, 80, 0), [0, 1]),
    ([listener(.v6(.any), isIPv6Only: true)], (mapped, 80, 0), [0]),
    ([listener(.v6(.any), isIPv6Only: false)], (mapped, 80, 0), [1]),
    // /proc does not tell whether an IPv6 socket is for both.
    ([listener(.v6(.any), interface: nil)], (mapped, 80, nil), [1]),
    ([listener(mapped)], (mapped, 80, 0), [1]),
    ([listener(mappedAny)], (mapped, 80, 0), [1]),
    ([listener(mappedAny)], (v6, 80, 0), [0]),
    // SO_REUSEPORT: nobody can tell whose it is.
    ([listener(v4, cookie: 1), listener(v4, cookie: 2)], (v4, 80, 0), [1, 1]),
    // SO_BINDTODEVICE.
    ([listener(v4, interface: 2)], (v4, 80, 3), [0]),
    ([listener(v4, interface: 2)], (v4, 80, 2), [1]),
    ([listener(v4, cookie: 1), listener(v4, cookie: 2, interface: 2)], (v4, 80, 2), [0, 1]),
    ([listener(v4, cookie: 1), listener(v4, cookie: 2, interface: 2)], (v4, 80, 3), [1, 0]),
    ([listener(.v4(.any), interface: 2), listener(v4)], (v4, 80, 2), [0, 1]),
    ([listener(link(2), interface: 2)], (link(2), 80, 2), [1]),
    ([listener(link(0), interface: nil)], (link(0), 80, nil), [1]),
  ]

  @Test(arguments: cases)
  func aHandshakeIsCountedAtItsListener(
    _ listeners: [ListenerStatus], _ place: (IPAddress, UInt16, UInt32?), _ counts: [Int]
  ) {
    let joined = ListenerTable.joined(listeners, with: Self.waiting([place, place]))
    #expect(joined.map(\.synQueue) == counts.map { 2 * $0 })
  }

  @Test func groupsAreThoseOfOneAddressAndPort() {
    let joined = ListenerTable.joined(
      [
        Self.listener(Self.v4, 81), Self.listener(Self.v4, cookie: 9),
        Self.listener(.v4(.any), cookie: 5), Self.listener(Self.v4, cookie: 3),
        Self.listener(Self.v4, cookie: 4, interface: 2), Self.listener(Self.v6),
      ], with: Self.waiting([(Self.v4, 80, 0)]))
    #expect(joined.map(\.row.local.port) == [80, 80, 80, 80, 80, 81])
    #expect(joined.map(\.cookie) == [5, 3, 4, 9, 1, 1])
    #expect(joined.map(\.groupSize) == [1, 2, 1, 2, 1, 1])
    #expect(joined[1].group == joined[3].group)
    #expect(Set(joined.map(\.group)).count == 5)
    #expect(joined.map(\.synQueue) == [0, 1, 0, 1, 0, 0])
  }

  /// A connection that waits cannot be at a listener whose queue is empty.
  @Test func theOldestIsTheGroups() {
    var waiting = WaitingConnections()
    for seconds in [3, 7, 5] {
      waiting.addPending(
        Self.row(.established, Self.v4, 80), SocketDetails(), age: .seconds(seconds))
    }
    let joined = ListenerTable.joined(
      [
        Self.listener(Self.v4, cookie: 1, queue: 2), Self.listener(Self.v4, cookie: 2),
        Self.listener(Self.v4, cookie: 3, queue: 1), Self.listener(Self.v4, 81, queue: 1),
      ], with: waiting)
    #expect(joined.map(\.oldestPending) == [.seconds(7), nil, .seconds(7), nil])
  }

  @Test func theLimitIsOneMoreThanTheBacklog() {
    #expect(Self.listener(Self.v4).acceptQueueLimit == 9)
    var row = Self.row(.listen, Self.v4, 80)
    row.backlog = nil
    #expect(ListenerStatus(row).acceptQueueLimit == nil)
  }
}
