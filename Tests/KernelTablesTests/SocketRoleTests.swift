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
