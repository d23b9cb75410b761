// What is said of the sockets that keep a listener from its port.

import KernelTables
import SocketCore
import Testing

@testable import tcptool

@Suite struct PortHolders {
  private static func row(
    _ state: TCPState = .listen, _ local: String = "127.0.0.1", inode: UInt64 = 1,
    uid: UInt32? = 1000, expiry: Duration? = nil
  ) throws -> SocketRow {
    let address = try #require(IPAddress(local))
    let peer: Endpoint =
      state == .listen || state == .closed
      ? Endpoint(.v4(.any), 0) : Endpoint(.v4(IPv4Address(bits: 0xC000_0209)), 80)
    return SocketRow(
      family: address.isIPv6 ? .v6 : .v4, shape: state == .timeWait ? .timeWait : .full,
      state: state, local: Endpoint(address, 7000), peer: peer, receiveQueue: 0, sendQueue: 0,
      timer: expiry == nil ? .none : .timeWait, timerExpiry: expiry, retransmissions: 0, uid: uid,
      inode: inode)
  }

  private static func owner(
    _ pid: Int32, _ name: String? = "nginx", _ descriptor: Int32 = 3
  ) -> SocketOwner {
    SocketOwner(pid: pid, name: name.map { Array($0.utf8) }, descriptor: descriptor)
  }

  private static func text(
    _ rows: [SocketRow], _ owners: [UInt64: [SocketOwner]] = [:], unreadable: Int = 0,
    isRoot: Bool = false, isEphemeral: Bool = false
  ) -> String {
    var holder = PortHolder(rows: rows, owners: SocketOwners(owners, unreadable: unreadable))
    holder.isRoot = isRoot
    holder.isEphemeral = isEphemeral
    return holder.text
  }

  @Test func aProcessIsNamedOnce() throws {
    let owners: [UInt64: [SocketOwner]] = [1: [Self.owner(5), Self.owner(5, "nginx", 9)]]
    #expect(
      Self.text([try Self.row()], owners, unreadable: 3)
        == ": 127.0.0.1:7000 is held by nginx (pid 5)")
    #expect(
      Self.text([try Self.row()], [1: [Self.owner(5, nil)]]) == ": 127.0.0.1:7000 is held by pid 5")
  }

  @Test func manyProcessesAreCounted() throws {
    let rows = [try Self.row()]
    func owners(_ count: Int32) -> [UInt64: [SocketOwner]] {
      [1: (1...count).map { Self.owner($0) }]
    }
    let three = "nginx (pid 1), nginx (pid 2)"
    #expect(
      Self.text(rows, owners(2)) == ": 127.0.0.1:7000 is held by nginx (pid 1) and nginx (pid 2)")
    #expect(Self.text(rows, owners(3)) == ": 127.0.0.1:7000 is held by \(three) and nginx (pid 3)")
    #expect(
      Self.text(rows, owners(4))
        == ": 127.0.0.1:7000 is held by \(three), nginx (pid 3) and 1 other process")
    #expect(
      Self.text(rows, owners(1003))
        == ": 127.0.0.1:7000 is held by \(three), nginx (pid 3) and 1,000 other processes")
  }

  @Test func manySocketsAreCounted() throws {
    let rows = try (1...5).map { try Self.row(.listen, "127.0.0.\($0)", inode: UInt64($0)) }
    var owners = Dictionary(uniqueKeysWithValues: rows.map { ($0.inode, [Self.owner(5)]) })
    let three = "127.0.0.1:7000, 127.0.0.2:7000 and 127.0.0.3:7000 are held by nginx (pid 5)"
    #expect(Self.text(rows.reversed(), owners) == ": \(three); and 2 more sockets on that port")
    #expect(Self.text(Array(rows[..<3]), owners) == ": \(three)")
    owners[2] = [Self.owner(6, "exim")]
    #expect(
      Self.text(Array(rows[..<2]), owners)
        == ": 127.0.0.1:7000 is held by nginx (pid 5); 127.0.0.2:7000 is held by exim (pid 6)")
  }

  @Test func aSharedPortIsOneSocketToAPerson() throws {
    let rows = [try Self.row(inode: 1), try Self.row(inode: 2)]
    #expect(
      Self.text(rows, [1: [Self.owner(5)], 2: [Self.owner(6)]])
        == ": 127.0.0.1:7000 is held by nginx (pid 5) and nginx (pid 6)")
    #expect(
      Self.text(rows, [1: [Self.owner(5)]], unreadable: 1)
        == ": 127.0.0.1:7000 is held by nginx (pid 5) and others whose names are not readable")
  }

  @Test func whatIsNotReadableIsSaidToBe() throws {
    let rows = [try Self.row()]
    let hidden = ": 127.0.0.1:7000 is held by a process of uid 1000 whose name is not readable"
    #expect(Self.text(rows, unreadable: 1) == hidden + ": run as root to see it")
    #expect(Self.text(rows, unreadable: 1, isRoot: true) == hidden)
    #expect(
      Self.text(rows, isRoot: true)
        == ": 127.0.0.1:7000 is held by nobody who can be seen here: a process of uid 1000 in "
        + "another PID namespace, or the kernel")
    #expect(
      Self.text([try Self.row(uid: nil)], unreadable: 1, isRoot: true)
        == ": 127.0.0.1:7000 is held by a process whose name is not readable")
  }

  /// A process chooses its name.
  @Test func aNameIsMadeHarmless() throws {
    let name = "a\nError: \u{1b}[31m"
    #expect(
      Self.text([try Self.row()], [1: [Self.owner(5, name)]])
        == ": 127.0.0.1:7000 is held by a\\nError: \\x1b[31m (pid 5)")
  }

  @Test func socketsThatDoNotListen() throws {
    let owners: [UInt64: [SocketOwner]] = [1: [Self.owner(5)]]
    let range =
      "; clients get their ports from net.ipv4.ip_local_port_range, and this is one of them"
    let connection = ": the connection 127.0.0.1:7000 → 192.0.2.9:80 is "
    #expect(
      Self.text([try Self.row(.closed)], owners, isEphemeral: true)
        == ": 127.0.0.1:7000, bound but not listening, is held by nginx (pid 5)")
    #expect(
      Self.text([try Self.row(.established, "::ffff:127.0.0.1")], owners)
        == connection + "held by nginx (pid 5)")
    #expect(
      Self.text([try Self.row(.established)], owners, isEphemeral: true)
        == connection + "held by nginx (pid 5)" + range)
    #expect(
      Self.text([try Self.row(.timeWait, inode: 0, uid: nil, expiry: .milliseconds(37_120))])
        == connection + "in TIME_WAIT for another 37.1 s")
    #expect(
      Self.text([try Self.row(.finWait1, inode: 0)])
        == connection + "in FIN_WAIT1, left by its process")
    // What keeps the port for good comes first.
    let rows = [try Self.row(.established), try Self.row(.closed, inode: 2)]
    #expect(
      Self.text(rows, [1: [Self.owner(5)], 2: [Self.owner(6)]], isEphemeral: true)
        == ": 127.0.0.1:7000, bound but not listening, is held by nginx (pid 6); "
        + "the connection 127.0.0.1:7000 → 192.0.2.9:80 is held by nginx (pid 5)")
  }

  @Test func nothingThatTheTablesShow() {
    #expect(
      Self.text([])
        == "; no table of the kernel shows what has it: it was given up a moment ago, or a socket "
        + "is bound to it and does not listen")
  }
}
