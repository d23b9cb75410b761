// What rows mean, and which listener stands behind them.

import KernelTables
import SocketCore
import Testing

@Suite struct SocketRoleTests {
  private static func row(
    _ state: TCPState, _ shape: SocketRow.Shape = .full, inode: UInt64 = 7, receiveQueue: Int = 0
  ) -> SocketRow {
    SocketRow(
      family: .v4, shape: shape, state: state, local: Endpoint(.v4(.loopback), 80),
      peer: Endpoint(.v4(.loopback), 50_000), receiveQueue: receiveQueue, sendQueue: 0,
      timer: .none, timerExpiry: nil, retransmissions: 0, uid: 0, inode: inode)
  }

  private static let cases: [(SocketRow, SocketRole)] = [
    (row(.listen), .listener),
    (row(.synSent), .connecting),
    (row(.synReceived, .request, inode: 0), .synQueue),
    // A Fast Open child is a whole socket before the handshake is.
    (row(.synReceived, inode: 0), .pendingAccept), (row(.synReceived), .connection),
    (row(.established), .connection), (row(.established, inode: 0), .pendingAccept),
    (row(.closeWait, inode: 0, receiveQueue: 1), .pendingAccept),
    (row(.closeWait, receiveQueue: 4), .peerClosed(unread: 3)),
    (row(.closeWait, receiveQueue: 1), .peerClosed(unread: 0)),
    (row(.closeWait), .leftOpen),
    (row(.finWait1), .closing), (row(.finWait1, inode: 0), .orphan),
    (row(.finWait2), .closing), (row(.finWait2, inode: 0), .orphan),
    (row(.finWait2, .timeWait, inode: 0), .timeWait),
    (row(.lastAck), .closing), (row(.lastAck, inode: 0), .orphan),
    (row(.closing), .closing), (row(.closing, inode: 0), .orphan),
    (row(.timeWait, .timeWait, inode: 0), .timeWait),
    (row(.closed), .bound),
  ]

  @Test(arguments: cases) func aRowHasOneRole(_ row: SocketRow, _ role: SocketRole) {
    #expect(SocketRole(row) == role)
  }

  @Test func namesAreDifferent() {
    let names = Set(Self.cases.map { "\($0.1.name)" })
    #expect(names.count == 11)
  }
}

@Suite struct ListenerIndexTests {
  private static func listener(
    _ address: IPAddress, _ port: UInt16, inode: UInt64, isIPv6Only: Bool? = nil
  ) -> SocketRow {
    SocketRow(
      family: address.isIPv6 ? .v6 : .v4, shape: .full, state: .listen,
      local: Endpoint(address, port), peer: Endpoint(.v4(.any), 0), receiveQueue: 0, sendQueue: 0,
      timer: .none, timerExpiry: nil, retransmissions: 0, uid: 0, inode: inode,
      isIPv6Only: isIPv6Only)
  }

  private static func waiting(_ address: IPAddress, _ port: UInt16 = 80) -> SocketRow {
    SocketRow(
      family: address.isIPv6 ? .v6 : .v4, shape: .full, state: .established,
      local: Endpoint(address, port), peer: Endpoint(address, 50_000), receiveQueue: 0,
      sendQueue: 0, timer: .none, timerExpiry: nil, retransmissions: 0, uid: 0, inode: 0)
  }

  private static let mapped = IPAddress.v6(IPv6Address(high: 0, low: 0xFFFF_7F00_0001))
  private static let v4 = IPAddress.v4(.loopback)
  private static let v6 = IPAddress.v6(.loopback)

  private static let cases: [([SocketRow], SocketRow, [UInt64])] = [
    ([], waiting(v4), []),
    ([listener(v4, 81, inode: 1)], waiting(v4), []),
    ([listener(.v4(.any), 80, inode: 1), listener(v4, 80, inode: 2)], waiting(v4), [2]),
    ([listener(v4, 80, inode: 1), listener(v4, 80, inode: 2)], waiting(v4), [1, 2]),
    ([listener(.v6(.any), 80, inode: 1)], waiting(v4), [1]),
    ([listener(.v6(.any), 80, inode: 1, isIPv6Only: true)], waiting(v4), []),
    ([listener(.v6(.any), 80, inode: 1)], waiting(mapped), [1]),
    ([listener(.v4(.any), 80, inode: 1)], waiting(v6), []),
    (
      [listener(.v4(.any), 80, inode: 1), listener(.v6(.any), 80, inode: 2, isIPv6Only: true)],
      waiting(v6), [2]
    ),
    ([listener(v6, 80, inode: 1), listener(.v6(.any), 80, inode: 2)], waiting(v6), [1]),
  ]

  @Test(arguments: cases)
  func itsListenerIsFound(_ listeners: [SocketRow], _ row: SocketRow, _ inodes: [UInt64]) {
    var index = ListenerIndex()
    index.add(row)
    for listener in listeners { index.add(listener) }
    #expect(index.candidates(for: row).map(\.inode) == inodes)
  }
}
