// Two readings of the socket table: what is the same socket, and what happened to it.

import KernelTables
import SocketCore
import TestSupport
import Testing

private func socket(
  _ state: TCPState, _ shape: SocketRow.Shape = .full, port: UInt16 = 5000, peer: UInt16 = 6000,
  inode: UInt64 = 0, cookie: UInt64? = nil, received: Int = 0, sent: Int = 0,
  namespace: UInt64? = nil, retransmissions: Int = 0
) -> ReadSocket {
  var details = SocketDetails()
  details.cookie = cookie
  return ReadSocket(
    SocketRow(
      family: .v4, shape: shape, state: state, local: Endpoint(.v4(.loopback), port),
      peer: Endpoint(.v4(state == .listen ? .any : .loopback), state == .listen ? 0 : peer),
      receiveQueue: received, sendQueue: sent, timer: .none, timerExpiry: nil,
      retransmissions: retransmissions,
      uid: 0, inode: inode), details, namespace: namespace)
}

private func reading(_ sockets: [ReadSocket]) -> TableReading {
  var reading = TableReading()
  for socket in sockets { reading.append(socket) }
  return reading
}

@Suite struct TableChangesTests {
  struct Step: Sendable {
    var before: ReadSocket
    var after: ReadSocket
    /// Nil where they are two sockets.
    var facts: TableChanges.Facts?

    init(_ before: ReadSocket, _ after: ReadSocket, _ facts: TableChanges.Facts?) {
      self.before = before
      self.after = after
      self.facts = facts
    }
  }

  /// One socket, or two.
  private static let steps: [Step] = [
    Step(socket(.established, inode: 7), socket(.established, inode: 7), []),
    Step(
      socket(.established, inode: 7), socket(.established, inode: 7, received: 5, sent: 6), .queues),
    // accept(2) took it.
    Step(socket(.established), socket(.established, inode: 7), .role),
    Step(socket(.established, inode: 7), socket(.established, inode: 8), nil),
    Step(socket(.synReceived, .request), socket(.established), [.state, .role]),
    Step(socket(.established, inode: 7), socket(.finWait2), [.state, .role]),
    Step(socket(.finWait2, inode: 7), socket(.finWait2, .timeWait), .role),
    Step(socket(.finWait2, .timeWait), socket(.timeWait, .timeWait), .state),
    Step(socket(.timeWait, .timeWait), socket(.synReceived, .request), nil),
    Step(socket(.timeWait, .timeWait), socket(.established, inode: 9), nil),
    Step(socket(.established, inode: 7), socket(.synSent, inode: 7), nil),
    Step(socket(.established), socket(.synReceived, .request), nil),
    Step(socket(.listen, inode: 7), socket(.listen, inode: 7, received: 3), .receiveQueue),
    Step(socket(.listen, inode: 7), socket(.listen, inode: 8), nil),
    Step(socket(.established, port: 1), socket(.established, port: 2), nil),
    // With a cookie the ends do not matter, and nothing else does where cookies differ.
    Step(
      socket(.closed, peer: 0, inode: 7, cookie: 1), socket(.synSent, inode: 7, cookie: 1),
      [.state, .role, .ends]),
    Step(
      socket(.established, inode: 7, cookie: 1), socket(.established, inode: 7, cookie: 2), nil),
    // One reading is a copy of /proc.
    Step(socket(.established, inode: 7), socket(.closeWait, inode: 7, cookie: 2), [.state, .role]),
    // Each structure with its own cookie.
    Step(
      socket(.synReceived, .request, cookie: 1), socket(.established, cookie: 2), [.state, .role]),
    Step(
      socket(.established, inode: 7, cookie: 1), socket(.timeWait, .timeWait, cookie: 2),
      [.state, .role]),
    Step(
      socket(.established, inode: 7, namespace: 1), socket(.established, inode: 7, namespace: 2),
      nil),
    Step(socket(.established, inode: 7), socket(.established, inode: 7, namespace: 2), []),
    // Before Linux 5.13 each namespace had its own numbers.
    Step(
      socket(.established, cookie: 1, namespace: 1), socket(.established, cookie: 1, namespace: 2),
      nil),
    Step(
      socket(.established, cookie: 1), socket(.established, cookie: 1, retransmissions: 2),
      .retransmissions),
    // /proc counts them otherwise.
    Step(socket(.established), socket(.established, cookie: 1, retransmissions: 2), []),
  ]

  @Test(arguments: steps) func isOneSocketOrTwo(_ step: Step) {
    let changes = reading([step.before]).changes(to: reading([step.after]))
    if let facts = step.facts {
      #expect(changes.opened.isEmpty && changes.closed.isEmpty)
      #expect(changes.changed.map(\.facts) == (facts.isEmpty ? [] : [facts]))
      #expect(changes.predecessor(of: 0) == 0)
    } else {
      #expect(changes.opened == [0] && changes.closed == [0] && changes.changed.isEmpty)
      #expect(changes.predecessor(of: 0) == nil)
    }
  }

  @Test func nothingBecomesEverythingAndTheReverse() {
    let some = reading((0..<5).map { socket(.established, port: $0, cookie: UInt64($0)) })
    #expect(TableReading().changes(to: some).opened == Array(0..<5))
    #expect(some.changes(to: TableReading()).closed == Array(0..<5))
    #expect(some.changes(to: some).isEmpty)
  }

  @Test func listenersThatShareAPortAreToldApart() {
    let before = reading((1...4).map { socket(.listen, inode: $0) })
    let after = reading([4, 2, 9].map { socket(.listen, inode: $0, received: $0 == 2 ? 1 : 0) })
    let changes = before.changes(to: after)
    #expect(changes.opened == [2] && changes.closed == [0, 2])
    #expect(changes.changed == [.init(earlier: 1, later: 1, facts: .receiveQueue)])
  }

  /// Several sockets with the same ends, each bound to an interface: the one with the same inode is it.
  @Test func socketsOfTheSameEndsAreToldApart() {
    let before = reading([0, 7, 8].map { socket(.established, inode: $0) })
    let changes = before.changes(to: reading([8, 7].map { socket(.established, inode: $0) }))
    #expect(changes.predecessor(of: 0) == 2 && changes.predecessor(of: 1) == 1)
    #expect(changes.closed == [0])
  }

  @Test func aReadingTakesTheNextOne() {
    var previous = reading([socket(.synSent, inode: 7, cookie: 1)])
    let (changes, from) = previous.advance(to: reading([socket(.established, inode: 7, cookie: 1)]))
    #expect(changes.changed.map(\.facts) == [[.state, .role]])
    #expect(from.sockets[0].row.state == .synSent)
    #expect(previous.sockets[0].row.state == .established)
    #expect(previous.advance(to: TableReading()).0.closed == [0])
  }

  /// With and without cookies, in another order; and ends that are all the same, as in a file that
  /// somebody made up, must not take time for each pair.
  @Test(arguments: [true, false]) func aHundredThousandRows(_ hasCookies: Bool) {
    func rows(_ range: Range<Int>, received: Int = 0) -> [ReadSocket] {
      range.map { number in
        socket(
          .established, port: UInt16(truncatingIfNeeded: number),
          peer: UInt16(truncatingIfNeeded: number >> 16), inode: UInt64(number) + 1,
          cookie: hasCookies ? UInt64(number) + 1 : nil, received: number % 10 == 0 ? received : 0)
      }
    }
    let changes = reading(rows(0..<100_000))
      .changes(to: reading(rows(1_000..<101_000, received: 1).reversed()))
    #expect(changes.opened.count == 1_000 && changes.closed == Array(0..<1_000))
    #expect(changes.changed.count == 9_900)
    // The later one begins at 100,999 and goes down.
    #expect(changes.changed.allSatisfy { $0.earlier + $0.later == 100_999 })
    #expect(changes.changed.allSatisfy { change in change.facts == .receiveQueue })
    let same = reading(
      (0..<20_000).map { _ in socket(.timeWait, .timeWait, cookie: hasCookies ? 1 : nil) })
    let other = reading((0..<20_000).map { _ in socket(.established, inode: 3) })
    #expect(same.changes(to: other).opened.count == 20_000)
  }
}
