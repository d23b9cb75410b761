// What a relay does at the end of either side and at its time limits, over real sockets.

import Glibc
import TestSupport
import Testing

@testable import SocketCore

struct RelayPolicyTests {
  private static func options(_ change: (inout RelayOptions) -> Void) -> RelayOptions {
    var options = RelayOptions()
    change(&options)
    return options
  }

  // MARK: The end of the local input

  @Test func `with wait the peer is told nothing before its own end`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    try input.writeAndClose(Array("question".utf8))
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd,
      Self.options { $0.onLocalEnd = .wait })
    output.closeWriteEnd()
    #expect(try ends.peer.read(8) == Array("question".utf8))
    let rests = eventually { relay.isAsleep }
    #expect(rests)
    #expect(relay.events == [])
    // No FIN: there is nothing to be read, not even an end.
    var byte: UInt8 = 0
    #expect(unsafe recv(ends.peer.descriptor, &byte, 1, Int32(MSG_DONTWAIT)) == -1)
    try ends.peer.write(Array("answer".utf8))
    ends.peer.finishSending()
    #expect(try ends.peer.readToEnd() == [])
    #expect(try output.readToEnd() == Array("answer".utf8))
    let report = try relay.result()
    #expect(report.events == [.peerEnded, .localEnded])
    #expect(report.outcome.acknowledged == 8 && report.outcome.received == 6)
  }

  @Test func `with close the peer's silence is not waited for`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    try input.writeAndClose(Array("goodbye".utf8))
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd,
      Self.options { $0.onLocalEnd = .close })
    output.closeWriteEnd()
    let report = try relay.result()
    #expect(report.events == [.localEnded])
    #expect(report.outcome.inputEnded && report.outcome.acknowledged == 7)
    #expect(!report.outcome.peerEnded && report.outcome.timeout == nil)
    #expect(report.outcome.connectionError == nil && report.outcome.localError == nil)
    #expect(try ends.peer.readToEnd() == Array("goodbye".utf8))
    #expect(try output.readToEnd() == [])
  }

  /// `close`, and `finish` with no time for the peer: what has come by then was acknowledged, and
  /// the output is slow.
  @Test(arguments: [LocalEndPolicy.close, .finish])
  func `what had come at our end is handed over`(policy: LocalEndPolicy) throws {
    let ends = try Ends(receiveBuffer: 2 << 20)
    let input = try Pipe()
    let output = try Pipe()
    let filler = try output.fill()
    let data = bytes(count: 1_000_000, seed: 4)
    try ends.peer.write(data)
    try ends.peer.waitUntilAcknowledged()
    input.closeWriteEnd()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd,
      Self.options {
        $0.onLocalEnd = policy
        if policy == .finish { $0.linger = .zero }
      })
    output.closeWriteEnd()
    let rests = eventually { relay.isAsleep }
    #expect(rests)
    let isWhole = try Array(output.readToEnd().dropFirst(filler)) == data
    #expect(isWhole)
    let outcome = try relay.result().outcome
    #expect(outcome.received == data.count && outcome.undelivered == 0)
    #expect(!outcome.peerEnded && outcome.connectionError == nil && outcome.timeout == nil)
  }

  @Test func `with close a peer that talks without end is left`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let peer = ends.peer
    // Ends when the connection is gone, with an error.
    let flooding = Background { while true { try peer.write(bytes(count: 100_000)) } }
    input.closeWriteEnd()
    let directory = try TemporaryDirectory()
    let target = try File(directory.file("out"))
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: target.descriptor,
      Self.options { $0.onLocalEnd = .close })
    let outcome = try relay.result().outcome
    #expect(outcome.connectionError == nil && outcome.timeout == nil)
    #expect(throws: (any Error).self) { try flooding.value() }
  }

  // MARK: Time limits

  /// The peer's kernel was told that they have come: those that wait unread as well as those in between.
  @Test(arguments: [CopyChoice.userspace, .splice])
  func `what a limit keeps from the output is counted`(copy: CopyChoice) throws {
    let ends = try Ends(receiveBuffer: 2 << 20)
    let output = try Pipe()
    _ = try output.fill()
    var relay = RelayDriver(
      Self.options {
        $0.copy = copy
        $0.readsInput = false
      })
    var loop = try ReadinessLoop()
    let input = ByteInput.nothing()
    var sink = ByteOutput(output.writeEnd, name: "output")
    try ends.peer.write(bytes(count: 1_000))
    try ends.peer.waitUntilAcknowledged()
    // One turn, which takes what is there where the way has a place for it.
    let need = relay.prepare(
      ends.connection, input: input, output: &sink, loop: &loop, observe: { _ in })
    #expect(need != .nothing)
    _ = try loop.wait(until: .now)
    relay.proceed(ends.connection, input: input, output: &sink, loop: &loop, observe: { _ in })
    try ends.peer.write(bytes(count: 500))
    try ends.peer.waitUntilAcknowledged()
    relay.expire()
    let outcome = relay.conclude(ends.connection, input: input, output: sink, loop: &loop)
    #expect(outcome.timeout == .idle)
    #expect(outcome.received == 0 && outcome.undelivered == 1_500)
  }

  @Test func `silence ends at the idle limit`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd,
      Self.options { $0.idleTimeout = .milliseconds(50) })
    let outcome = try relay.result().outcome
    #expect(outcome.timeout == .idle)
    #expect(outcome.read == 0 && outcome.received == 0 && outcome.undelivered == 0)
    // Nothing was cut in two: the peer sees an ordinary end.
    #expect(try ends.peer.readToEnd() == [])
  }

  @Test func `a peer that takes nothing is cut with an RST, for it has not everything`() throws {
    let directory = try TemporaryDirectory()
    let source = try File(directory.file("in"), holding: bytes(count: 20_000_000))
    let ends = try Ends()
    let peer = ends.peer
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: source.descriptor, output: output.writeEnd,
      Self.options { $0.idleTimeout = .milliseconds(200) })
    let outcome = try relay.result().outcome
    #expect(outcome.timeout == .idle)
    #expect(!outcome.inputEnded && outcome.acknowledged < outcome.read)
    #expect(throws: TestFailure.self) { _ = try peer.readToEnd() }
  }

  @Test func `a flood ends at the total limit, and what was received is handed over`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    let peer = ends.peer
    let flooding = Background { while true { try peer.write(bytes(count: 100_000)) } }
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd,
      Self.options {
        $0.totalTimeout = .milliseconds(100)
        $0.idleTimeout = .seconds(60)
      })
    output.closeWriteEnd()
    let received = try output.readToEnd()
    let outcome = try relay.result().outcome
    #expect(outcome.timeout == .total)
    #expect(outcome.received == received.count)
    #expect(throws: (any Error).self) { try flooding.value() }
  }

  @Test func `a local reader that takes its time is no idle connection`() throws {
    let ends = try Ends(receiveBuffer: 2 << 20)
    let input = try Pipe()
    let output = try Pipe()
    input.closeWriteEnd()
    // There is no room, so that the end waits in the kernel.
    let filler = try output.fill()
    let data = bytes(count: 400_000, seed: 5)
    try ends.peer.write(data)
    ends.peer.finishSending()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd,
      Self.options { $0.idleTimeout = .milliseconds(250) })
    output.closeWriteEnd()
    #expect(try ends.peer.readToEnd() == [])
    // Each look takes a while, and all together longer than the limit.
    for _ in 0..<6 {
      let rests = eventually { relay.isAsleep }
      #expect(rests)
    }
    let isWhole = try Array(output.readToEnd().dropFirst(filler)) == data
    #expect(isWhole)
    let outcome = try relay.result().outcome
    #expect(outcome.timeout == nil && outcome.peerEnded && outcome.received == data.count)
  }

  @Test(arguments: [RelayTimeout.idle, .total])
  func `a delivery that has arrived is not cut`(timeout: RelayTimeout) throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    try input.writeAndClose(Array("all of it".utf8))
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd,
      Self.options {
        $0.mustDeliver = true
        if timeout == .idle { $0.idleTimeout = .seconds(1) } else { $0.totalTimeout = .seconds(1) }
      })
    // The peer keeps its side open.
    let outcome = try relay.result().outcome
    #expect(outcome.timeout == nil && !outcome.peerEnded)
    #expect(outcome.acknowledged == 9 && outcome.inputEnded)
    #expect(try ends.peer.readToEnd() == Array("all of it".utf8))
  }
}
