// A relay that has nothing to do does nothing: in each of these situations its thread must come to
// rest, and it must leave it again when something happens.

import Glibc
import SocketCore
import TestSupport
import Testing

struct RelayIdleTests {
  @Test func `while nothing happens`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    try expectRest(of: relay)
    ends.peer.reset()
    #expect(try relay.result().outcome.connectionError?.errno == .connectionReset)
  }

  @Test func `when the peer has ended and the input goes on`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    ends.peer.finishSending()
    let told = eventually { relay.events == [.peerEnded] }
    #expect(told)
    try expectRest(of: relay)
    input.closeWriteEnd()
    #expect(try relay.result().events == [.peerEnded, .localEnded])
  }

  @Test func `when the input has ended and the peer goes on`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    input.closeWriteEnd()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    let told = eventually { relay.events == [.localEnded] }
    #expect(told)
    try expectRest(of: relay)
    ends.peer.close()
    #expect(try relay.result().events == [.localEnded, .peerEnded])
  }

  @Test func `when a file goes to a peer that does not read`() throws {
    let directory = try TemporaryDirectory()
    let source = try File(directory.file("in"), holding: bytes(count: 20_000_000))
    let ends = try Ends()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: source.descriptor, output: output.writeEnd)
    try expectRest(of: relay)
    ends.peer.reset()
    #expect(try relay.result().outcome.connectionError != nil)
  }

  @Test(arguments: [false, true])
  func `when the output is blocked and the connection is over`(isReset: Bool) throws {
    let ends = try Ends(receiveBuffer: 2 << 20)
    let input = try Pipe()
    let output = try Pipe()
    let filler = try output.fill()
    try ends.peer.write(bytes(count: 1_000_000))
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    output.closeWriteEnd()
    try expectRest(of: relay)
    if isReset {
      try ends.peer.waitUntilAcknowledged()
      ends.peer.reset()
    } else {
      ends.peer.finishSending()
      input.closeWriteEnd()
      #expect(try ends.peer.readToEnd().isEmpty)
      ends.peer.close()
    }
    try expectRest(of: relay)
    #expect(try output.readToEnd().count == filler + 1_000_000)
    #expect(try relay.result().outcome.received == 1_000_000)
  }

  @Test func `when an output that others have too is closed`() throws {
    // As under inetd, or where a program was given one end of a socketpair as its output.
    let ends = try Ends()
    let input = try Pipe()
    let pair = try SocketPair()
    let peer = ends.peer
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: pair.first)
    // More than the socket holds, so that the relay waits for it and has seen the end by then.
    let sending = Background {
      try peer.write(bytes(count: 300_000))
      peer.finishSending()
    }
    try expectRest(of: relay)
    #expect(try pair.read(300_000) == 300_000)
    try sending.value()
    let told = eventually { relay.events == [.peerEnded] }
    #expect(told)
    try expectRest(of: relay)
    input.closeWriteEnd()
    #expect(try relay.result().events == [.peerEnded, .localEnded])
  }

  @Test func `with streams that are used only when they are ready`() async {
    // In a process of its own, because it takes the descriptors away for a moment.
    await #expect(processExitsWith: .success) {
      let ends = try Ends()
      let input = try Pipe()
      let output = try Pipe()
      let filler = try output.fill()
      let peer = ends.peer
      let relay = try RunningRelay(
        over: ends.connection, input: input.readEnd, output: output.writeEnd, isPatient: true)
      output.closeWriteEnd()
      let flood = bytes(count: 3_000_000, seed: 8)
      let flooding = Background {
        try peer.write(flood)
        peer.finishSending()
      }
      guard eventually({ relay.isAsleep }) else { preconditionFailure("no rest") }
      // The blocked output stalls the input as little as elsewhere.
      let data = bytes(count: 2_000_000, seed: 9)
      let feeding = Background { try input.writeAndClose(data) }
      let sent = try peer.read(.max)
      precondition(sent == data)
      try feeding.value()
      guard eventually({ relay.isAsleep }) else { preconditionFailure("no rest") }
      let received = try output.readToEnd()
      precondition(Array(received.dropFirst(filler)) == flood)
      try flooding.value()
      let outcome = try relay.result().outcome
      precondition(outcome.acknowledged == data.count && outcome.received == flood.count)
      precondition(outcome.connectionError == nil && outcome.localError == nil)
    }
  }

  @Test func `a hundred relays of every kind leave no descriptor behind`() async {
    await #expect(processExitsWith: .success) {
      func one(_ round: Int) throws {
        let ends = try Ends()
        let input = try Pipe()
        let output = try Pipe()
        let closed = Endpoint(.v4(.loopback), try unusedPort())
        _ = try? connection(to: closed)
        _ = try? Listener(on: ends.connection.local)
        let relay = try RunningRelay(
          over: ends.connection, input: round % 5 == 0 ? -1 : input.readEnd, output: output.writeEnd
        )
        output.closeWriteEnd()
        if round % 5 == 2 { output.closeReadEnd() }
        // Where the input fails, the relay may be over before that.
        try? ends.peer.write([1, 2, 3])
        switch round % 5 {
        case 1: ends.peer.reset()
        case 3:
          ends.peer.close()
          input.closeWriteEnd()
        case 4:
          guard eventually({ relay.isAsleep }) else { preconditionFailure("no rest") }
          relay.thread.signal(SIGTERM)
        default: break
        }
        _ = try relay.result()
      }
      // What the run-time opens once it keeps.
      for round in 0..<10 { try one(round) }
      let before = try openDescriptors()
      for round in 0..<100 { try one(round) }
      let isSame = try eventually { try openDescriptors() == before }
      precondition(isSame, "more than \(before) descriptors")
    }
  }

  private func expectRest(
    of relay: RunningRelay, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let rests = eventually { relay.isAsleep }
    try #require(rests, "it goes round and round", sourceLocation: sourceLocation)
  }
}

/// How many descriptors this process has open.
private func openDescriptors() throws -> Int {
  guard let directory = unsafe opendir("/proc/self/fd") else { throw TestFailure("no /proc") }
  defer { unsafe closedir(directory) }
  var count = 0
  while unsafe readdir(directory) != nil { count += 1 }
  return count
}
