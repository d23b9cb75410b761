// Connections: transfers that do not wait, half-close, and what a dead one answers.

import Glibc
import SocketCore
import TestSupport
import Testing

struct ConnectionTests {
  @Test func `nothing there is no end`() throws {
    let pair = try Pair()
    var buffer: [UInt8] = [0]
    #expect(try receive(&buffer, from: pair.client) == .wouldBlock)
    #expect(pair.client.unacknowledgedBytes() == 0)
  }

  @Test func `the end comes after the last byte and stays`() throws {
    let pair = try Pair()
    let text = Array("last words".utf8)
    #expect(try unsafe pair.server.send(text.span.bytes) == .transferred(text.count))
    try pair.server.finishSending()
    var buffer = [UInt8](repeating: 0, count: 100)
    let hasEnded = try eventually { try pair.client.socket.info().state == .closeWait }
    try #require(hasEnded)
    #expect(try receive(&buffer, from: pair.client) == .transferred(text.count))
    #expect(Array(buffer.prefix(text.count)) == text)
    #expect(try receive(&buffer, from: pair.client) == .endOfInput)
    #expect(try receive(&buffer, from: pair.client) == .endOfInput)
    // The other direction is still open.
    #expect(try unsafe pair.client.send(text.span.bytes) == .transferred(text.count))
  }

  @Test func `a full send buffer says so`() throws {
    let pair = try Pair()
    let chunk = [UInt8](repeating: 0, count: 1 << 20)
    let isFull = try eventually {
      try unsafe pair.client.send(chunk.span.bytes) == .wouldBlock
    }
    #expect(isFull)
  }

  @Test func `sending after the own end is a broken pipe and no signal`() async {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_DFL)
      let pair = try Pair()
      try pair.client.finishSending()
      do {
        let result = try unsafe pair.client.send([1 as UInt8].span.bytes)
        preconditionFailure("\(result)")
      } catch let error as SystemCallError {
        precondition(error == SystemCallError("send", "to \(pair.client.peer)", .brokenPipe))
      }
    }
  }

  @Test func `a reset is told once, by its errno`() throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let client = try connection(to: listener.local)
    try Peer(acceptedBy: listener).reset()
    try #require(isReady(client.socket.descriptor.rawValue, for: 0))
    #expect(client.socket.takePendingError() == .connectionReset)
    #expect(client.socket.takePendingError() == nil)
    let error = #expect(throws: SystemCallError.self) { _ = try client.socket.peerEndpoint() }
    #expect(error == SystemCallError("getpeername", "", .notConnected))
    // That it is gone is no reason to fail at ending it.
    let finished = try client.finishSending()
    #expect(!finished)
  }

  @Test func `closing with a reset leaves an error and no end`() throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let client = try connection(to: listener.local)
    do {
      let server = try accepted(by: listener)
      try server.socket.resetOnClose()
    }
    try #require(isReady(client.socket.descriptor.rawValue, for: 0))
    var buffer: [UInt8] = [0]
    let error = #expect(throws: SystemCallError.self) { try receive(&buffer, from: client) }
    #expect(error == SystemCallError("recv", "from \(listener.local)", .connectionReset))
  }
}
