// Lines of the kernel and the rows that they are.

import KernelTables
import SocketCore
import Testing

@Suite struct RowTests {
  private static let loopback = IPAddress.v4(.loopback)
  private static let mapped = IPAddress.v6(IPv6Address(high: 0, low: 0xFFFF_7F00_0001))

  /// What the kernel printed, and what it means.
  private static let cases: [(String, SocketRow)] = [
    (
      """
      0: 0100007F:BBD3 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 \
      234151 4 0000000033138113 100 0 0 10 0
      """,
      SocketRow(
        family: .v4, shape: .full, state: .listen, local: Endpoint(loopback, 48083),
        peer: Endpoint(.v4(.any), 0), receiveQueue: 3, sendQueue: 0, timer: .none,
        timerExpiry: nil, retransmissions: 0, uid: 0, inode: 234_151)
    ),
    (
      """
      10: 0100007F:CA6C 0100007F:B499 02 00000001:00000000 01:00000033 00000001     0        0 \
      234244 2 000000001e26a3ea 100 0 0 1 -1
      """,
      SocketRow(
        family: .v4, shape: .full, state: .synSent, local: Endpoint(loopback, 51820),
        peer: Endpoint(loopback, 46233), receiveQueue: 0, sendQueue: 1, timer: .retransmit,
        timerExpiry: .milliseconds(510), retransmissions: 1, uid: 0, inode: 234_244)
    ),
    (
      """
      53: 0100007F:8B1D 0100007F:8A16 03 00000000:00000000 01:00000109 00000002  1000        0 \
      0 0 000000005189fd02
      """,
      SocketRow(
        family: .v4, shape: .request, state: .synReceived, local: Endpoint(loopback, 35613),
        peer: Endpoint(loopback, 35350), receiveQueue: 0, sendQueue: 0, timer: .retransmit,
        timerExpiry: .milliseconds(2650), retransmissions: 2, uid: 1000, inode: 0)
    ),
    // An orphan: no process, so no inode.
    (
      """
      19: 0100007F:99CE 0100007F:EE37 04 00001401:00000000 04:00000044 00000000     0        1 \
      0 2 00000000ea9cdc70 21 0 0 14 -1
      """,
      SocketRow(
        family: .v4, shape: .full, state: .finWait1, local: Endpoint(loopback, 39374),
        peer: Endpoint(loopback, 60983), receiveQueue: 0, sendQueue: 5121,
        timer: .zeroWindowProbe, timerExpiry: .milliseconds(680), retransmissions: 0, uid: 0,
        inode: 0)
    ),
    (
      """
      16: 0100007F:99AC 0100007F:EE37 05 00000000:00000000 03:000016DA 00000000     0        0 \
      0 3 000000005114a8d9
      """,
      SocketRow(
        family: .v4, shape: .timeWait, state: .finWait2, local: Endpoint(loopback, 39340),
        peer: Endpoint(loopback, 60983), receiveQueue: 0, sendQueue: 0, timer: .timeWait,
        timerExpiry: .milliseconds(58_500), retransmissions: 0, uid: nil, inode: 0)
    ),
    (
      """
      22: 0100007F:99DE 0100007F:EE37 06 00000000:00000000 03:0000176A 00000000     0        0 \
      0 3 0000000055776cbc
      """,
      SocketRow(
        family: .v4, shape: .timeWait, state: .timeWait, local: Endpoint(loopback, 39390),
        peer: Endpoint(loopback, 60983), receiveQueue: 0, sendQueue: 0, timer: .timeWait,
        timerExpiry: .milliseconds(59_940), retransmissions: 0, uid: nil, inode: 0)
    ),
    (
      """
      31: 0100007F:801B 0100007F:B1E6 09 001E6401:00000001 04:00000152 00000000     0        0 \
      234991 2 000000003bf3115a 21 4 0 14 -1
      """,
      SocketRow(
        family: .v4, shape: .full, state: .lastAck, local: Endpoint(loopback, 32795),
        peer: Endpoint(loopback, 45542), receiveQueue: 1, sendQueue: 1_991_681,
        timer: .zeroWindowProbe, timerExpiry: .milliseconds(3380), retransmissions: 0, uid: 0,
        inode: 234_991)
    ),
    (
      """
      9: 00000000000000000000000001000000:E32B 00000000000000000000000001000000:B9A6 03 \
      00000000:00000000 01:00000007 00000001     0        0 0 0 000000003af6aecb
      """,
      SocketRow(
        family: .v6, shape: .request, state: .synReceived,
        local: Endpoint(.v6(.loopback), 58155), peer: Endpoint(.v6(.loopback), 47526),
        receiveQueue: 0, sendQueue: 0, timer: .retransmit, timerExpiry: .milliseconds(70),
        retransmissions: 1, uid: 0, inode: 0)
    ),
    (
      """
      19: 0000000000000000FFFF00000100007F:EE37 0000000000000000FFFF00000100007F:999A 08 \
      00000000:00000004 00:00000000 00000000     0        0 234248 1 0000000032fde25e 20 4 2 10 -1
      """,
      SocketRow(
        family: .v6, shape: .full, state: .closeWait, local: Endpoint(mapped, 60983),
        peer: Endpoint(mapped, 39322), receiveQueue: 4, sendQueue: 0, timer: .none,
        timerExpiry: nil, retransmissions: 0, uid: 0, inode: 234_248)
    ),
    // Columns burst by their numbers: the sixth digit of the uid, the fifth of the line's number.
    (
      """
      12345: B80D0120785634120000000001000000:01BB B80D012000000000EFBEADDE02000000:FFFF 01 \
      FFFFFFFF:FFFFFFFF 02:0000000000000064 FFFFFFFF 4294967295 4294967295 \
      18446744073709551615 1 ffff888003456789 4294967295 4294967295 30 2147483647 -1
      """,
      SocketRow(
        family: .v6, shape: .full, state: .established,
        local: Endpoint(.v6(IPv6Address(high: 0x2001_0DB8_1234_5678, low: 1)), 443),
        peer: Endpoint(
          .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 0xDEAD_BEEF_0000_0002)), 65535),
        receiveQueue: 4_294_967_295, sendQueue: 4_294_967_295, timer: .keepalive,
        timerExpiry: .seconds(1), retransmissions: 4_294_967_295, uid: 4_294_967_295,
        inode: .max)
    ),
    // A child of Fast Open: in SYN_RECV, but a whole socket.
    (
      """
      0: 0100007F:0050 0200007F:1388 03 00000001:00000000 01:00000014 00000000 33 0 0 1 \
      0000000000000000 20 4 30 10 -1
      """,
      SocketRow(
        family: .v4, shape: .full, state: .synReceived, local: Endpoint(loopback, 80),
        peer: Endpoint(.v4(IPv4Address(bits: 0x7F00_0002)), 5000), receiveQueue: 0, sendQueue: 1,
        timer: .retransmit, timerExpiry: .milliseconds(200), retransmissions: 0, uid: 33,
        inode: 0)
    ),
  ]

  @Test(arguments: cases) func lineIsRow(_ line: String, _ row: SocketRow) {
    let parsed = parse((line + "\n").utf8)
    #expect(parsed.rows == [row])
    #expect(parsed.tally.damaged == 0)
  }

  /// Forms of one line that all mean the same.
  @Test(arguments: [
    "\t0:\t0100007f:1389  0200007f:0050\t01 0000000a:0000000b 00:00000000 00000000 0 0 7 1 0 1 1 1 1 1",
    "0: 0100007F:1389 0200007F:0050 1 A:B 0:0 0 0 0 7 1 0 1 1 1 1 1\r",
    "0: 0100007F:1389 0200007F:50 01 A:B 00:0 0 0 0 7 1 0 1 1 1 1 1 future fields \u{1}\u{FF}",
    "0: 0100007F:1389 0200007F:0050 01 A:B 0:0 0 0 -1 7 1 (____ptrval____) 1 1 1 1 -1",
  ])
  func formDoesNotMatter(_ line: String) {
    let row = SocketRow(
      family: .v4, shape: .full, state: .established, local: Endpoint(Self.loopback, 5001),
      peer: Endpoint(.v4(IPv4Address(bits: 0x7F00_0002)), 80), receiveQueue: 11, sendQueue: 10,
      timer: .none, timerExpiry: nil, retransmissions: 0, uid: 0, inode: 7)
    #expect(parse((line + "\n").utf8).rows == [row])
  }

  @Test func wordsOfABigEndianMachine() {
    let text = line().replacing("0100007F", with: "7F000001")
    let row = parse(text.utf8, byteOrder: .big).rows.first
    #expect(row?.local == Endpoint(Self.loopback, 5000))
    #expect(row?.peer == Endpoint(Self.loopback, 6000))
    #expect(parse(text.utf8).rows.first?.local.description == "1.0.0.127:5000")
    #expect(ProcNetTCPParser.ByteOrder.host == (UInt16(1).bigEndian == 1 ? .big : .little))
  }

  @Test func unknownTimerKeepsItsNumber() {
    let text = line().replacing(" 00:00000000 ", with: " FF:00000001 ")
    let row = parse(text.utf8).rows.first
    #expect(row?.timer == .other(255))
    #expect(row?.timerExpiry == .milliseconds(10))
    for number in 0...UInt8.max {
      #expect(SocketRow.TimerKind(rawValue: number).rawValue == number)
    }
  }

  @Test func savedTables() {
    let v4 = parse(SavedTables.ipv4.utf8)
    let v6 = parse(SavedTables.ipv6.utf8)
    #expect(v4.rows.count == 57 && v4.tally.damaged == 0 && v4.tally.duplicates == 0)
    #expect(v6.rows.count == 58 && v6.tally.damaged == 0 && v6.tally.duplicates == 0)
    #expect(v4.rows.allSatisfy { $0.family == .v4 })
    #expect(v6.rows.allSatisfy { $0.family == .v6 })
    let counts = Dictionary(grouping: v4.rows + v6.rows) { $0.state }.mapValues(\.count)
    #expect(
      counts == [
        .established: 51, .synSent: 3, .synReceived: 3, .finWait1: 6, .finWait2: 18,
        .timeWait: 3, .closeWait: 12, .lastAck: 3, .listen: 13, .closing: 3,
      ])
  }
}
