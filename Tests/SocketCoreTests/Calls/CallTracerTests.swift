// The calls that a tracer sees: which, on what, with what result, and what they did to the state.

import Glibc
import SocketCore
import Synchronization
import TestSupport
import Testing

struct CallTracerTests {
  /// Collects what a tracer is told.
  private final class Record: Sendable {
    private let made = Mutex<[TracedCall]>([])
    var calls: [TracedCall] { made.withLock { $0 } }
    var tracer: CallTracer { CallTracer { call in self.made.withLock { $0.append(call) } } }

    /// The calls as lines: name, arguments, states, and what they answered.
    var lines: [String] {
      calls.map { call in
        let states = [call.stateBefore, call.stateAfter].map { $0.map { "\($0.name)" } ?? "-" }
        return
          "\(call.name)(\(call.arguments)) \(states.joined(separator: ">")) \(call.errno?.name ?? "ok")"
      }
    }
  }

  @Test func `the calls of a listener`() throws {
    let record = Record()
    var options = Listener.Options()
    options.backlog = 7
    options.reusePort = true
    options.tracer = record.tracer
    let listener = try Listener(on: Endpoint(.v6(.loopback), 0), options)
    #expect(
      record.lines == [
        "socket(AF_INET6, SOCK_STREAM) ->- ok",
        "setsockopt(IPV6_V6ONLY, 0) CLOSE>CLOSE ok",
        "getsockopt(IPV6_V6ONLY, [0]) CLOSE>CLOSE ok",
        "setsockopt(SO_REUSEADDR, 1) CLOSE>CLOSE ok",
        "getsockopt(SO_REUSEADDR, [1]) CLOSE>CLOSE ok",
        "setsockopt(SO_REUSEPORT, 1) CLOSE>CLOSE ok",
        "getsockopt(SO_REUSEPORT, [1]) CLOSE>CLOSE ok",
        "bind([::1]:0) CLOSE>CLOSE ok",
        "listen(7) CLOSE>LISTEN ok",
      ])
    let descriptor = listener.socket.descriptor.rawValue
    let calls = record.calls
    // What makes a socket has none yet; its result is the new one.
    #expect(calls[0].result == Int(descriptor))
    #expect(calls[0].made?.descriptor == descriptor)
    #expect(calls[0].made?.state == .closed)
    #expect(calls.dropFirst().allSatisfy { $0.made == nil })
    #expect(calls.map(\.descriptor) == [nil] + Array(repeating: descriptor, count: 8))
    #expect(calls.dropFirst().allSatisfy { $0.result == 0 })
    #expect(calls.allSatisfy { $0.duration >= .zero })

    let isEmpty = try listener.accept() == nil
    #expect(isEmpty)
    let client = try connection(to: listener.local)
    let server = try accepted(by: listener)
    #expect(server.peer == client.local)
    #expect(
      record.lines.dropFirst(9) == [
        "accept4() LISTEN>LISTEN EAGAIN", "accept4() LISTEN>LISTEN ok",
      ])
    #expect(record.calls[9].result == -1)
    #expect(record.calls[9].made == nil)
    #expect(record.calls[10].result == Int(server.socket.descriptor.rawValue))
    let made = try #require(record.calls[10].made)
    #expect(made.descriptor == server.socket.descriptor.rawValue)
    #expect(made.state == .established)
    #expect(made.local == server.local)
    #expect(made.peer == server.peer)
  }

  @Test func `the calls of a connection`() throws {
    let record = Record()
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let client = try connection(to: listener.local, tracer: record.tracer)
    let server = try accepted(by: listener)
    let text: [UInt8] = [1, 2, 3]
    #expect(try unsafe client.send(text.span.bytes) == .transferred(3))
    var buffer = [UInt8](repeating: 0, count: 10)
    #expect(try receive(&buffer, from: client) == .wouldBlock)
    #expect(try receive(&buffer, from: server) == .transferred(3))
    try client.finishSending()
    let lines = record.lines
    #expect(lines[0] == "socket(AF_INET, SOCK_STREAM) ->- ok")
    // On loopback the handshake is over before connect(2) returns, or a moment later.
    #expect(
      [
        "connect(\(listener.local)) CLOSE>ESTABLISHED ok",
        "connect(\(listener.local)) CLOSE>ESTABLISHED EINPROGRESS",
        "connect(\(listener.local)) CLOSE>SYN_SENT EINPROGRESS",
      ].contains(lines[1]), "\(lines[1])")
    #expect(lines[2] == "getsockopt(SO_ERROR, [0]) ESTABLISHED>ESTABLISHED ok")
    #expect(lines[3] == "send(3) ESTABLISHED>ESTABLISHED ok")
    #expect(lines[4] == "recv(10) ESTABLISHED>ESTABLISHED EAGAIN")
    #expect(lines[5].hasPrefix("shutdown(SHUT_WR) ESTABLISHED>FIN_WAIT"))
    #expect(lines.count == 6)
    #expect(record.calls[3].result == 3)
  }

  @Test func `the end of a socket is seen, with the 4-tuple that it had`() throws {
    let record = Record()
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let client = try connection(to: listener.local, tracer: record.tracer)
    let (number, local, peer) = (client.socket.descriptor.rawValue, client.local, client.peer)
    _ = consume client
    let last = try #require(record.calls.last)
    #expect(last.name == "close")
    #expect(last.descriptor == number)
    #expect(last.result == 0)
    #expect(last.stateBefore == .established)
    // Whose the number is by then nobody knows.
    #expect(last.stateAfter == nil)
    #expect(last.socket?.local == local)
    #expect(last.socket?.peer == peer)
    #expect(record.calls.filter { $0.name == "close" }.count == 1)
  }

  @Test func `a listener that is closed by hand is closed once`() throws {
    let record = Record()
    var options = Listener.Options()
    options.tracer = record.tracer
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0), options)
    try listener.close()
    #expect(record.lines.filter { $0.hasPrefix("close") } == ["close() LISTEN>- ok"])
  }

  @Test func `a socket whose making fails half-way is closed too`() throws {
    let record = Record()
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    var options = Listener.Options()
    options.tracer = record.tracer
    #expect(throws: SystemCallError.self) { _ = try Listener(on: listener.local, options) }
    #expect(record.lines.last == "close() CLOSE>- ok")
  }

  @Test func `a call that fails is seen with its errno`() throws {
    let record = Record()
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    var options = Listener.Options()
    options.tracer = record.tracer
    #expect(throws: SystemCallError.self) { _ = try Listener(on: listener.local, options) }
    let last = try #require(record.calls.last { $0.errno != nil })
    #expect(last.name == "bind")
    #expect(last.arguments == "\(listener.local)")
    #expect(last.result == -1)
    #expect(last.errno == .addressInUse)
    #expect(last.stateAfter == .closed)
  }

  @Test func `who is not watched tells nothing`() throws {
    let record = Record()
    _ = record.tracer
    let pair = try Pair(tracer: .silent)
    #expect(try unsafe pair.client.send([1 as UInt8].span.bytes) == .transferred(1))
    #expect(record.calls.isEmpty)
  }
}
