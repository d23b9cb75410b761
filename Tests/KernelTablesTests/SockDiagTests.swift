// sock_diag's messages byte by byte, and its rows on this kernel.

import SocketCore
import TestSupport
import Testing

@testable import KernelTables

/// Builds netlink messages as the kernel does on this machine: its byte order, multiples of four.
private enum Wire {
  static func message(
    type: UInt16, sequence: UInt32 = 7, length: UInt32? = nil, _ body: [UInt8]
  ) -> [UInt8] {
    let padding = [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
    return word(length ?? UInt32(16 + body.count)) + half(type) + half(2) + word(sequence) + word(0)
      + body + padding
  }

  /// struct inet_diag_msg, 72 bytes.
  static func row(
    family: UInt8 = 2, state: UInt8 = 1, timer: UInt8 = 0, retransmissions: UInt8 = 0,
    local: [UInt8] = [127, 0, 0, 1], localPort: UInt16 = 7000, peer: [UInt8] = [192, 0, 2, 9],
    peerPort: UInt16 = 50_000, interface: UInt32 = 0, expires: UInt32 = 0, receiveQueue: UInt32 = 0,
    sendQueue: UInt32 = 0, uid: UInt32 = 1000, inode: UInt32 = 4711, attributes: [UInt8] = shutdown
  ) -> [UInt8] {
    func address(_ bytes: [UInt8]) -> [UInt8] {
      bytes + [UInt8](repeating: 0, count: 16 - bytes.count)
    }
    return [family, state, timer, retransmissions] + half(localPort.bigEndian)
      + half(peerPort.bigEndian) + address(local) + address(peer) + word(interface) + word(5)
      + word(6) + word(expires) + word(receiveQueue) + word(sendQueue) + word(uid) + word(inode)
      + attributes
  }

  /// INET_DIAG_SHUTDOWN, one byte of value, which every whole socket has.
  static let shutdown: [UInt8] = half(5) + half(8) + [0, 0, 0, 0]

  static func half(_ value: UInt16) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8)] }

  static func word(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }

  static func read(_ datagram: [UInt8]) throws -> [SockDiagMessage] {
    var reader = SockDiagReader(sequence: 7)
    var messages: [SockDiagMessage] = []
    while let message = try reader.next(in: unsafe datagram.span.bytes) { messages.append(message) }
    return messages
  }

  static func readRow(_ body: [UInt8]) throws -> SocketRow {
    let datagram = message(type: 20, body)
    var reader = SockDiagReader(sequence: 7)
    let first = try reader.next(in: unsafe datagram.span.bytes)
    guard case .row = first else { throw NoRow(found: first) }
    return reader.entry.row
  }
}

private struct NoRow: Error {
  var found: SockDiagMessage?
}

@Suite struct SockDiagReaderTests {
  @Test func aConnection() throws {
    let row = try Wire.readRow(
      Wire.row(timer: 1, retransmissions: 3, expires: 250, receiveQueue: 11, sendQueue: 22))
    let expected = SocketRow(
      family: .v4, shape: .full, state: .established,
      local: Endpoint(.v4(.loopback), 7000),
      peer: Endpoint(.v4(IPv4Address(bits: 0xC000_0209)), 50_000), receiveQueue: 11,
      sendQueue: 22, timer: .retransmit, timerExpiry: .milliseconds(250), retransmissions: 3,
      uid: 1000, inode: 4711)
    #expect(row == expected)
  }

  /// Minus the least number of 32 bits is none of them.
  @Test func noErrnoIsTooMuch() throws {
    let worst = Wire.word(0x8000_0000)
    #expect(try Wire.read(Wire.message(type: 3, worst)) == [.done(.min)])
    #expect(try Wire.read(Wire.message(type: 2, worst)) == [.refused(.min)])
  }

  @Test func aListenerHasItsBacklogInPlaceOfASendQueue() throws {
    let row = try Wire.readRow(Wire.row(state: 10, receiveQueue: 3, sendQueue: 128))
    #expect(row.state == .listen)
    #expect(row.receiveQueue == 3)
    #expect(row.sendQueue == 0)
    #expect(row.backlog == 128)
  }

  @Test(arguments: [0, 1, 255] as [UInt8])
  func whetherASocketIsForIPv6Only(_ value: UInt8) throws {
    // INET_DIAG_SKV6ONLY, behind another attribute.
    let attributes = Wire.shutdown + Wire.half(5) + Wire.half(11) + [value, 0, 0, 0]
    for state: UInt8 in [7, 10] {
      let row = try Wire.readRow(Wire.row(family: 10, state: state, attributes: attributes))
      #expect(row.isIPv6Only == (value != 0))
      #expect(try Wire.readRow(Wire.row(state: state, attributes: attributes)).isIPv6Only == nil)
    }
    #expect(try Wire.readRow(Wire.row(family: 10, attributes: attributes)).isIPv6Only == nil)
    let empty = Wire.shutdown + Wire.half(4) + Wire.half(11)
    for attributes in [Wire.shutdown, empty, empty + Wire.half(1) + Wire.half(1)] {
      #expect(
        try Wire.readRow(Wire.row(family: 10, state: 10, attributes: attributes)).isIPv6Only == nil)
    }
  }

  @Test func whatIsNoWholeSocketHasNoKnownUser() throws {
    let request = try Wire.readRow(Wire.row(state: 3, timer: 1, uid: 0, inode: 0, attributes: []))
    #expect(request.shape == .request && request.uid == nil)
    let fastOpenChild = try Wire.readRow(Wire.row(state: 3))
    #expect(fastOpenChild.shape == .full && fastOpenChild.uid == 1000)
    let timeWait = try Wire.readRow(Wire.row(state: 6, timer: 3, uid: 0, attributes: []))
    #expect(timeWait.shape == .timeWait && timeWait.uid == nil)
    let kept = try Wire.readRow(Wire.row(state: 5, timer: 3, uid: 0, attributes: []))
    #expect(kept.shape == .timeWait && kept.state == .finWait2)
    let whole = try Wire.readRow(Wire.row(state: 5))
    #expect(whole.shape == .full && whole.uid == 1000)
  }

  @Test func onlyLinkLocalAddressesKeepTheInterface() throws {
    let linkLocal: [UInt8] = [0xFE, 0x80] + [UInt8](repeating: 0, count: 13) + [1]
    let row = try Wire.readRow(
      Wire.row(family: 10, local: linkLocal, peer: [0x20, 0x01, 0x0D, 0xB8], interface: 3))
    #expect(
      row.local.address == .v6(IPv6Address(high: 0xFE80_0000_0000_0000, low: 1, scope: 3)))
    #expect(row.peer.address == .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 0)))
  }

  /// Attributes as the kernel writes them: a length that includes the header, a number, the value.
  private static func attribute(_ number: UInt16, _ value: [UInt8]) -> [UInt8] {
    Wire.half(UInt16(4 + value.count)) + Wire.half(number) + value
      + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
  }

  private static func details(
    _ attributes: [UInt8], wants: SocketWants = [.info, .memory, .congestionControl, .controlGroup]
  ) throws -> SocketDetails {
    let datagram = Wire.message(type: 20, Wire.row(interface: 3, attributes: attributes))
    var reader = SockDiagReader(sequence: 7, wants: wants)
    _ = try reader.next(in: unsafe datagram.span.bytes)
    return reader.entry.details
  }

  @Test func whatComesWithARow() throws {
    let memory = (1...9).flatMap { Wire.word($0) }
    let info = [UInt8(8)] + [UInt8](repeating: 0, count: 103)
    let attributes =
      Self.attribute(200, [1, 2, 3]) + Self.attribute(8, [3]) + Self.attribute(7, memory)
      + Self.attribute(2, info) + Self.attribute(4, [UInt8]("cubic".utf8) + [0])
      + Self.attribute(21, Wire.word(5) + Wire.word(1))
    let details = try Self.details(attributes)
    // Typed outside of the macro: within it the sum becomes an AnyHashable, whose conversion reads a
    // byte too much (found by the address sanitizer, Swift 6.3.1).
    let (cookie, group): (UInt64, UInt64) = (6 << 32 | 5, 1 << 32 | 5)
    #expect(details.cookie == cookie)
    #expect(details.interface == 3)
    #expect(details.shutdown == [.receive, .send])
    #expect(
      details.memory
        == SocketMemory(
          received: 1, receiveBuffer: 2, sent: 3, sendBuffer: 4, reserved: 5, queued: 6,
          options: 7, backlog: 8, drops: 9))
    #expect(details.info?.state == .closeWait)
    #expect(details.info?.length == 104)
    #expect(details.info?.bytesSent == nil)
    #expect(details.congestionControl == "cubic")
    #expect(details.controlGroup == group)

    let unasked = try Self.details(attributes, wants: [])
    #expect(unasked.memory == nil && unasked.info == nil && unasked.congestionControl == nil)
    #expect(unasked.controlGroup == nil && unasked.cookie != nil && unasked.shutdown != nil)
  }

  @Test func whatIsTooShortIsNotThere() throws {
    let memory = (1...8).flatMap { Wire.word($0) }
    let details = try Self.details(
      Self.attribute(7, memory) + Self.attribute(2, []) + Self.attribute(21, [1])
        + Self.attribute(8, []))
    #expect(details.memory == nil && details.info == nil && details.controlGroup == nil)
    #expect(details.shutdown == nil)
    // More of TCP_INFO than this program knows, and a state that it does not know.
    let long = [UInt8(1)] + [UInt8](repeating: 0, count: 999)
    #expect(try Self.details(Self.attribute(2, long)).info?.state == .established)
    #expect(try Self.details(Self.attribute(2, [77] + long)).info == nil)
  }

  @Test func detailsAreOfTheirOwnRow() throws {
    let memory = Self.attribute(7, (1...9).flatMap { Wire.word($0) })
    let datagram =
      Wire.message(type: 20, Wire.row(attributes: memory)) + Wire.message(type: 20, Wire.row())
    var reader = SockDiagReader(sequence: 7, wants: [.memory])
    _ = try reader.next(in: unsafe datagram.span.bytes)
    #expect(reader.entry.details.memory != nil)
    _ = try reader.next(in: unsafe datagram.span.bytes)
    #expect(reader.entry.details.memory == nil)
  }

  @Test func endsAndErrors() throws {
    #expect(try Wire.read(Wire.message(type: 3, Wire.word(0))) == [.done(0)])
    #expect(try Wire.read(Wire.message(type: 3, [])) == [.done(0)])
    // −2, ENOENT: a dump that failed on its way.
    #expect(try Wire.read(Wire.message(type: 3, Wire.word(.max - 1))) == [.done(2)])
    #expect(try Wire.read(Wire.message(type: 2, Wire.word(.max))) == [.refused(1)])
    #expect(try Wire.read(Wire.message(type: 1, [])) == [.foreign])
    #expect(try Wire.read(Wire.message(type: 20, sequence: 8, Wire.row())) == [.foreign])
    #expect(try Wire.read([]) == [])
  }

  @Test func whatCannotBeUsedIsCounted() throws {
    #expect(try Wire.read(Wire.message(type: 20, Array(Wire.row().prefix(71)))) == [.damaged])
    #expect(try Wire.read(Wire.message(type: 20, Wire.row(state: 12))) == [.damaged])
    #expect(try Wire.read(Wire.message(type: 20, Wire.row(state: 0))) == [.damaged])
    #expect(try Wire.read(Wire.message(type: 20, Wire.row(family: 1))) == [.damaged])
    // An attribute that claims to be longer than the message, and one shorter than its own header.
    let long = Wire.row(state: 3, attributes: Wire.half(400) + Wire.half(9))
    #expect(try Wire.readRow(long).shape == .request)
    let short = Wire.row(state: 3, attributes: Wire.half(0) + Wire.half(9) + Wire.shutdown)
    #expect(try Wire.readRow(short).shape == .request)
  }

  @Test(arguments: [UInt32(0), 1, 15, 89, 4_000, .max])
  func aLengthThatCannotBeEndsTheWalk(_ length: UInt32) {
    let datagram = Wire.message(type: 20, length: length, Wire.row(attributes: []))
    #expect(throws: SystemCallError("recv", "from sock_diag", .malformedMessage)) {
      try Wire.read(datagram)
    }
  }

  @Test func severalMessagesInOneDatagram() throws {
    let datagram =
      Wire.message(type: 20, Wire.row()) + Wire.message(type: 20, Wire.row(state: 10))
      + Wire.message(type: 3, Wire.word(0))
    #expect(try Wire.read(datagram).count == 3)
  }

  /// Any bytes end: with rows, or with an error, but not with a crash or for ever.
  @Test func anyBytesAreSurvived() {
    var generator = SystemRandomNumberGenerator()
    for round in 0..<2_000 {
      var datagram =
        Wire.message(type: 20, Wire.row()) + Wire.message(type: 20, Wire.row(family: 10))
      for _ in 0...(round % 9) {
        let place = Int.random(in: datagram.indices, using: &generator)
        datagram[place] = UInt8.random(in: 0...255, using: &generator)
      }
      datagram.removeLast(Int.random(in: 0..<datagram.count, using: &generator))
      let messages = (try? Wire.read(datagram)) ?? []
      #expect(messages.count <= datagram.count / 16)
    }
  }
}

@Suite struct SockDiagTests {
  @Test func itsOwnListenerIsAmongTheRows() throws {
    var options = Listener.Options()
    options.backlog = 17
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0), options)
    let attempt = try ConnectAttempt(to: listener.local)
    let client = try attempt.finish()
    var listeners: [SocketRow] = []
    var connections: [SocketRow] = []
    let tally = try SockDiag.forEachRow { row in
      if row.local == listener.local && row.state == .listen { listeners.append(row) }
      if row.local == client.local { connections.append(row) }
    }.get()
    #expect(tally.damaged == 0)
    #expect(listeners.count == 1)
    #expect(listeners.first?.backlog == 17)
    #expect(listeners.first?.receiveQueue == 1)
    #expect(connections.map(\.state) == [.established])
    #expect(connections.first?.peer == listener.local)
  }

  @Test func theKernelChoosesTheStates() throws {
    let listener = try Listener(on: Endpoint(.v6(.loopback), 0))
    var states: Set<TCPState> = []
    var found = false
    _ = try SockDiag.forEachRow(in: [.listen]) { row in
      states.insert(row.state)
      found = found || row.local == listener.local
    }.get()
    #expect(states == [.listen])
    #expect(found)
  }

  @Test func whatIsWantedComesWithTheRow() throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let attempt = try ConnectAttempt(to: listener.local)
    let client = try attempt.finish()
    var found: [TCPState: SocketDetails] = [:]
    let query = SocketQuery(wants: [.info, .memory, .congestionControl, .controlGroup])
    _ = try SocketTable.forEachRow(from: .diag, query) { row, details in
      if row.local == listener.local || row.peer == listener.local { found[row.state] = details }
    }.get()
    let connection = try #require(found[.established])
    #expect(connection.info?.state == .established)
    #expect((connection.info?.sendMSS ?? 0) > 0)
    #expect((connection.memory?.receiveBuffer ?? 0) > 0)
    #expect(connection.congestionControl?.isEmpty == false)
    #expect(found[.listen]?.memory?.drops == 0)
    #expect(found[.listen]?.cookie != nil && found[.listen]?.cookie != connection.cookie)
    withExtendedLifetime(client.local) {}

    var proc: SocketDetails?
    _ = try SocketTable.forEachRow(from: .proc, query) { _, details in proc = details }.get()
    #expect(proc != nil && proc?.cookie == nil && proc?.memory == nil && proc?.interface == nil)
  }

  /// Which no other table shows; kernels before 6.8 show it here neither.
  @Test func aBoundSocketIsAmongTheRowsWhereItIsAskedFor() throws {
    let socket = try Socket(for: .v4(.loopback))
    try socket.bind(to: Endpoint(.v4(.loopback), 0))
    let local = try socket.localEndpoint()
    func rows(includesBound: Bool) throws -> [SocketRow] {
      var rows: [SocketRow] = []
      _ = try SocketTable.forEachRow(from: .diag, includesBound: includesBound) { row in
        if row.local == local { rows.append(row) }
      }.get()
      return rows
    }
    #expect(try rows(includesBound: false) == [])
    let bound = try rows(includesBound: true)
    #expect(bound.map(\.state) == (Self.knowsBoundSockets ? [.closed] : []))
    #expect(bound.allSatisfy { $0.inode != 0 && $0.peer.port == 0 && $0.shape == .full })
  }

  private static let knowsBoundSockets: Bool = {
    let release = (try? kernelFile("/proc/sys/kernel/osrelease")) ?? ""
    let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    return !numbers.lexicographicallyPrecedes([6, 8])
  }()

  @Test func whatTheBodyThrowsEndsTheWalk() throws {
    struct Enough: Error {}
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    var count = 0
    #expect(throws: Enough.self) {
      try SockDiag.forEachRow { _ throws(Enough) in
        count += 1
        throw Enough()
      }.get()
    }
    #expect(count == 1)
    #expect(listener.local.port != 0)
  }
}
