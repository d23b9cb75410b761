// Relays that something goes wrong with: the peer resets, the peer stops reading, a local stream
// fails. What came before is not lost, and what is told about it is true.

import Glibc
import SocketCore
import TestSupport
import Testing

struct RelayFailureTests {
  /// 262,144 is what a buffer of the relay holds.
  @Test(arguments: [0, 1, 100_000, 262_144, 262_145, 1_000_000])
  func `what the peer sent before its reset is handed over`(count: Int) throws {
    let ends = try Ends(receiveBuffer: 2 << 20)
    let error = SystemCallError("splice", "from \(ends.connection.peer)", .connectionReset)
    let data = bytes(count: count)
    try ends.peer.write(data)
    try ends.peer.waitUntilAcknowledged()
    ends.peer.reset()

    let input = try Pipe()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    output.closeWriteEnd()
    let isWhole = try output.readToEnd() == data
    #expect(isWhole)
    let report = try relay.result()
    #expect(report.outcome.received == count)
    #expect(report.outcome.connectionError == error)
    #expect(report.outcome.localError == nil)
    #expect(!report.outcome.peerEnded)
    #expect(report.events == [.failed(.connectionReset)])
  }

  @Test func `a slow reader gets all that came before a reset`() throws {
    let ends = try Ends(receiveBuffer: 2 << 20)
    let input = try Pipe()
    let output = try Pipe()
    let filler = try output.fill()
    let data = bytes(count: 1_000_000)
    try ends.peer.write(data)
    try ends.peer.waitUntilAcknowledged()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    output.closeWriteEnd()
    let isStuck = eventually { relay.isAsleep }
    #expect(isStuck)
    ends.peer.reset()
    let isStuckAgain = eventually { relay.isAsleep }
    #expect(isStuckAgain)
    let isWhole = try Array(output.readToEnd().dropFirst(filler)) == data
    #expect(isWhole)
    #expect(try relay.result().outcome.connectionError?.errno == .connectionReset)
  }

  @Test func `a slow reader gets all that came before both ends`() throws {
    let ends = try Ends(receiveBuffer: 2 << 20)
    let input = try Pipe()
    let output = try Pipe()
    let filler = try output.fill()
    let data = bytes(count: 1_000_000)
    try ends.peer.write(data)
    ends.peer.finishSending()
    input.closeWriteEnd()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    output.closeWriteEnd()
    #expect(try ends.peer.readToEnd().isEmpty)
    let isStuck = eventually { relay.isAsleep }
    #expect(isStuck)
    let isWhole = try Array(output.readToEnd().dropFirst(filler)) == data
    #expect(isWhole)
    let outcome = try relay.result().outcome
    #expect(outcome.peerEnded)
    #expect(outcome.connectionError == nil)
  }

  @Test func `a peer that closes early is an error, with what it acknowledged`() throws {
    let directory = try TemporaryDirectory()
    let source = try File(directory.file("in"), holding: bytes(count: 20_000_000))
    let ends = try Ends()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: source.descriptor, output: output.writeEnd)
    output.closeWriteEnd()
    let start = try ends.peer.read(100_000)
    #expect(start == bytes(count: 100_000))
    let isStuck = eventually { relay.isAsleep }
    #expect(isStuck)
    // With bytes unread that is a reset and no FIN.
    ends.peer.close()
    let report = try relay.result()
    let error = try #require(report.outcome.connectionError)
    #expect([.connectionReset, .brokenPipe].contains(error.errno))
    #expect(report.outcome.acknowledged >= 100_000)
    #expect(report.outcome.acknowledged < report.outcome.sent)
    #expect(report.outcome.sent <= report.outcome.read)
    #expect(!report.outcome.peerEnded)
    #expect(report.outcome.localError == nil)
    #expect(report.events == [.failed(.connectionReset)])
  }

  @Test func `a peer that ends and then resets has ended`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    output.closeWriteEnd()
    try ends.peer.write([1, 2, 3])
    ends.peer.finishSending()
    #expect(try output.readToEnd() == [1, 2, 3])
    ends.peer.reset()
    let report = try relay.result()
    #expect(report.outcome.peerEnded)
    #expect(report.events == [.peerEnded, .failed(.brokenPipe)])
    #expect(report.outcome.connectionError != nil)
  }

  @Test func `a reset is never taken for the peer's end, whoever meets it first`() throws {
    let directory = try TemporaryDirectory()
    for round in 0..<100 {
      let ends = try Ends()
      // An input without an end: a file of any size might have been sent as a whole by then.
      let own = unsafe open("/dev/zero", O_RDONLY | O_CLOEXEC)
      defer { close(own) }
      let sink = try File(directory.file("out"))
      let peer = ends.peer
      let relay = try RunningRelay(over: ends.connection, input: own, output: sink.descriptor)
      // Data goes both ways when the reset comes.
      let got = try peer.read(10_000 * (round + 1))
      #expect(!got.isEmpty)
      try peer.write([1, 2, 3])
      peer.reset()
      let report = try relay.result()
      #expect(report.outcome.connectionError != nil, "round \(round)")
      #expect(!report.outcome.peerEnded, "round \(round)")
      #expect(
        report.events.count == 1
          && report.events.allSatisfy { if case .failed = $0 { true } else { false } },
        "round \(round)")
    }
  }

  @Test func `a reset that a send meets does not turn into the peer's end`() throws {
    // A send(2) takes the error of the socket with it; the receive that follows finds none.
    let ends = try Ends(receiveBuffer: 2 << 20)
    let input = try Pipe()
    let gate = try Pipe()
    _ = try gate.fill()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: gate.writeEnd)
    gate.closeWriteEnd()
    // The output has no room, so that it does not receive.
    let peer = ends.peer
    let filling = Background { try peer.write(bytes(count: 350_000)) }
    let isStuck = eventually { relay.isAsleep }
    #expect(isStuck)
    try filling.value()
    // What the peer's kernel still has is dropped by a reset.
    try peer.waitUntilAcknowledged()
    peer.reset()
    try input.writeAndClose([1, 2, 3])
    _ = try gate.readToEnd()
    let report = try relay.result()
    #expect(report.outcome.connectionError?.errno == .connectionReset)
    #expect(!report.outcome.peerEnded)
    #expect(report.events == [.failed(.connectionReset)])
    #expect(report.outcome.received == 350_000)
  }

  // MARK: Local streams

  @Test func `a full disk is a local error`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let full = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
    defer { close(full) }
    let relay = try RunningRelay(over: ends.connection, input: input.readEnd, output: full)
    try ends.peer.write([1, 2, 3])
    let outcome = try relay.result().outcome
    #expect(outcome.localError?.description == "write to output: no space left on device (ENOSPC)")
    #expect(outcome.received == 0)
    #expect(outcome.connectionError == nil)
  }

  @Test func `an output that nobody reads any more is a local error`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    output.closeReadEnd()
    try ends.peer.write([1, 2, 3])
    let outcome = try relay.result().outcome
    #expect(outcome.localError == SystemCallError("splice", "to output", .brokenPipe))
  }

  @Test func `an output that loses its reader while it is full is a local error`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    _ = try output.fill()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    try ends.peer.write(bytes(count: 100_000))
    let isStuck = eventually { relay.isAsleep }
    #expect(isStuck)
    output.closeReadEnd()
    #expect(try relay.result().outcome.localError?.errno == .brokenPipe)
  }

  @Test func `a directory as input is a local error, and no end`() throws {
    let ends = try Ends()
    let peer = ends.peer
    let directory = unsafe open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(directory) }
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: directory, output: output.writeEnd)
    let outcome = try relay.result().outcome
    #expect(outcome.localError?.description == "read from input: is a directory (EISDIR)")
    // The peer must not take what it got for everything.
    let error = #expect(throws: TestFailure.self) { try peer.readToEnd() }
    #expect(error?.description.hasSuffix("errno \(ECONNRESET)") == true)
  }

  @Test(arguments: [false, true])
  func `an input that cannot be read is a local error`(isOpen: Bool) throws {
    let ends = try Ends()
    let wrong = try Pipe()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: isOpen ? wrong.writeEnd : -1, output: output.writeEnd)
    let outcome = try relay.result().outcome
    #expect(outcome.localError == SystemCallError("read", "from input", .badDescriptor))
  }

  @Test func `the wrong end of a pipe as output is a local error`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.readEnd)
    try ends.peer.write([1])
    let outcome = try relay.result().outcome
    #expect(outcome.localError == SystemCallError("write", "to output", .badDescriptor))
  }
}
