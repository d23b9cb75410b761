// TCP_INFO through the life of sockets, and as an older kernel would give it.

import Glibc
@testable import SocketCore
import TestSupport
import Testing

struct TCPInfoTests {
  @Test func `bytes are counted on both ends`() throws {
    let pair = try Pair()
    try send(bytes(count: 5_000), over: pair.client)
    // The SYN counts as one, in the direction in which it went.
    let acknowledged = try eventually { try pair.client.socket.info().bytesAcknowledged == 5_001 }
    #expect(acknowledged)
    let info = try pair.server.socket.info()
    #expect(info.bytesReceived == 5_000)
    #expect(info.totalRetransmissions == 0)
    #expect(info.unacknowledgedSegments == 0)
    let drained = eventually { pair.client.unacknowledgedBytes() == 0 }
    #expect(drained)
  }

  @Test func `the round-trip time is known after the handshake`() throws {
    let pair = try Pair()
    let time = try pair.client.socket.info().roundTripTime
    #expect(time > .zero)
    #expect(time < .seconds(1))
  }

  @Test func `the states of an orderly end`() throws {
    let pair = try Pair()
    #expect(try pair.client.socket.info().state == .established)
    try pair.client.finishSending()
    let halfClosed = try eventually {
      try pair.client.socket.info().state == .finWait2
        && pair.server.socket.info().state == .closeWait
    }
    #expect(halfClosed)
    try pair.server.finishSending()
    // What is in TIME_WAIT is no longer this socket, which is left with CLOSE.
    let closed = try eventually {
      try pair.client.socket.info().state == .closed && pair.server.socket.info().state == .closed
    }
    #expect(closed)
  }

  @Test func `the states of an end that waits for a receiver that does not receive`() throws {
    let pair = try Pair()
    let stuffed = try fill(pair.client)
    try pair.client.finishSending()
    #expect(try pair.client.socket.info().state == .finWait1)
    try pair.server.finishSending()
    let crossed = try eventually {
      try pair.client.socket.info().state == .closing
        && pair.server.socket.info().state == .finWait2
    }
    #expect(crossed)
    // The FIN counts as one.
    let pending = pair.client.unacknowledgedBytes() ?? 0
    #expect(pending > 1 && pending <= stuffed + 1)
  }

  @Test func `the states of an end that the peer began`() throws {
    let pair = try Pair()
    try pair.server.finishSending()
    let halfClosed = try eventually { try pair.client.socket.info().state == .closeWait }
    #expect(halfClosed)
    _ = try fill(pair.client)
    try pair.client.finishSending()
    #expect(try pair.client.socket.info().state == .lastAck)
  }

  @Test func `the states of sockets that have no connection`() throws {
    let socket = try Socket(for: .v4(.loopback))
    #expect(try socket.info().state == .closed)
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    #expect(try listener.socket.info().state == .listen)
  }

  @Test func `an unanswered handshake is in SYN_SENT, and the listener counts the drops`() throws {
    let full = try FullListener()
    let drops = full.listener.socket.dropCount() ?? .max
    let attempt = try ConnectAttempt(to: full.listener.local)
    #expect(try attempt.state() == .synSent)
    let dropped = eventually { (full.listener.socket.dropCount() ?? 0) > drops }
    #expect(dropped)
  }

  @Test func `a listener that has dropped nothing says 0`() throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    #expect(listener.socket.dropCount() == 0)
  }

  @Test(arguments: [
    (104, false, false), (127, false, false), (128, true, false), (135, true, false),
    (136, true, true), (232, true, true),
  ])
  func `a field that an older kernel does not return is nil and not 0`(
    limit: Int, hasAcknowledged: Bool, hasReceived: Bool
  ) throws {
    let pair = try Pair()
    let info = try TCPInfo(of: pair.client.socket.descriptor.rawValue, limit: limit)
    #expect(info.length <= limit)
    #expect(info.state == .established)
    #expect((info.bytesAcknowledged != nil) == hasAcknowledged)
    #expect((info.bytesReceived != nil) == hasReceived)
  }

  @Test func `a descriptor that is no TCP socket has no state`() throws {
    let pipe = try Pipe()
    let error = #expect(throws: SystemCallError.self) { try TCPInfo(of: pipe.readEnd) }
    #expect(error?.errno.name == "ENOTSOCK")
    #expect(TCPState(ofDescriptor: pipe.readEnd) == nil)
    #expect(TCPState(ofDescriptor: -1) == nil)
    let datagram = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(datagram) }
    #expect(TCPState(ofDescriptor: datagram) == nil)
  }

  /// Sends until nothing more goes into the send buffer, and returns how much did.
  private func fill(_ connection: borrowing Connection) throws -> Int {
    let chunk = [UInt8](repeating: 0, count: 1 << 16)
    var sent = 0
    var refusals = 0
    // The kernel may still move some of it to the other end and so make room.
    let isFull = try eventually {
      if case .transferred(let count) = try unsafe connection.send(chunk.span.bytes) {
        sent += count
        refusals = 0
      } else {
        refusals += 1
      }
      return refusals == 5
    }
    guard isFull else { throw TestFailure("\(sent) bytes sent, and still room for more") }
    return sent
  }

  private func send(_ bytes: [UInt8], over connection: borrowing Connection) throws {
    guard try unsafe connection.send(bytes.span.bytes) == .transferred(bytes.count) else {
      throw TestFailure("\(bytes.count) bytes did not go into the send buffer")
    }
  }
}
