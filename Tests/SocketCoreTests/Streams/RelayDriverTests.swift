// Relays over real sockets and pipes that end as they should: every byte arrives, in both orders of
// ending, and blocked streams hold up nothing but themselves.

import Glibc
import SocketCore
import TestSupport
import Testing

struct RelayDriverTests {
  @Test func `16 MiB each way at once arrive byte for byte`() throws {
    let ends = try Ends()
    let peer = ends.peer
    let input = try Pipe()
    let output = try Pipe()
    let outbound = bytes(count: 16 << 20, seed: 1)
    let inbound = bytes(count: 16 << 20, seed: 2)
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    output.closeWriteEnd()
    let feeding = Background { try input.writeAndClose(outbound) }
    let draining = Background { try output.readToEnd() }
    let sending = Background {
      try peer.write(inbound)
      peer.finishSending()
    }
    let sent = try peer.readToEnd() == outbound
    #expect(sent)
    let received = try draining.value() == inbound
    #expect(received)
    try feeding.value()
    try sending.value()

    let outcome = try relay.result().outcome
    #expect(outcome.read == 16 << 20)
    #expect(outcome.sent == 16 << 20)
    #expect(outcome.acknowledged == 16 << 20)
    #expect(outcome.received == 16 << 20)
    #expect(outcome.peerEnded)
    #expect(outcome.connectionError == nil)
    #expect(outcome.localError == nil)
    #expect(outcome.signal == nil)
  }

  @Test func `files go through as pipes do`() throws {
    let directory = try TemporaryDirectory()
    let data = bytes(count: 3_000_000, seed: 3)
    let source = try File(directory.file("in"), holding: data)
    let target = try File(directory.file("out"))
    let ends = try Ends()
    let peer = ends.peer
    let relay = try RunningRelay(
      over: ends.connection, input: source.descriptor, output: target.descriptor)
    let echoing = Background {
      let all = try peer.readToEnd()
      try peer.write(all)
      peer.close()
    }
    try echoing.value()
    let outcome = try relay.result().outcome
    #expect(outcome.sent == data.count && outcome.received == data.count)
    let isSame = try target.contents() == data
    #expect(isSame)
  }

  @Test func `a peer that answers only after our end is heard`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    output.closeWriteEnd()
    try input.writeAndClose(Array("question".utf8))
    #expect(try ends.peer.readToEnd() == Array("question".utf8))
    let answer = bytes(count: 1_000_000)
    let draining = Background { try output.readToEnd() }
    try ends.peer.write(answer)
    ends.peer.close()
    let isWhole = try draining.value() == answer
    #expect(isWhole)
    let report = try relay.result()
    #expect(report.events == [.localEnded, .peerEnded])
    #expect(report.outcome.peerEnded)
    #expect(report.outcome.acknowledged == 8)
    #expect(report.outcome.connectionError == nil)
  }

  @Test func `a peer that has ended is still sent to, and the output's reader knows`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    output.closeWriteEnd()
    try ends.peer.write(Array("farewell".utf8))
    ends.peer.finishSending()
    #expect(try output.readToEnd() == Array("farewell".utf8))
    let told = eventually { relay.events == [.peerEnded] }
    #expect(told)
    let rest = bytes(count: 1_000_000)
    let feeding = Background { try input.writeAndClose(rest) }
    let isWhole = try ends.peer.readToEnd() == rest
    #expect(isWhole)
    try feeding.value()
    let report = try relay.result()
    #expect(report.events == [.peerEnded, .localEnded])
    #expect(report.outcome.acknowledged == 1_000_000)
    #expect(report.outcome.connectionError == nil)
  }

  @Test func `both ends at once without a byte`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    input.closeWriteEnd()
    ends.peer.finishSending()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    output.closeWriteEnd()
    #expect(try output.readToEnd().isEmpty)
    #expect(try ends.peer.readToEnd().isEmpty)
    let report = try relay.result()
    #expect(Set(report.events) == [.localEnded, .peerEnded])
    #expect(report.outcome.read == 0 && report.outcome.sent == 0)
    #expect(report.outcome.acknowledged == 0 && report.outcome.received == 0)
    #expect(report.outcome.connectionError == nil && report.outcome.localError == nil)
  }

  @Test(arguments: [Duration.zero, .seconds(3_600)])
  func `progress is told no more often than asked, and only when bytes moved`(
    _ interval: Duration
  ) throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    var options = RelayOptions()
    options.progressInterval = interval
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd, options)
    output.closeWriteEnd()
    try input.writeAndClose(Array("question".utf8))
    #expect(try ends.peer.readToEnd() == Array("question".utf8))
    try ends.peer.write(Array("answer".utf8))
    ends.peer.close()
    #expect(try output.readToEnd() == Array("answer".utf8))
    let told = try relay.result().events.filter {
      if case .progress = $0 { true } else { false }
    }
    if interval == .zero {
      #expect(told.last == .progress(sent: 8, received: 6))
      #expect(Set(told).count == told.count)
    } else {
      #expect(told.isEmpty)
    }
  }

  @Test func `a blocked output does not stall the input`() throws {
    let ends = try Ends()
    let peer = ends.peer
    let input = try Pipe()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    output.closeWriteEnd()
    let flood = bytes(count: 12 << 20, seed: 4)
    let flooding = Background {
      try peer.write(flood)
      peer.finishSending()
    }
    // Nobody reads the output: it and all the buffers before it fill up.
    let isStuck = eventually { relay.isAsleep }
    #expect(isStuck)
    let data = bytes(count: 2_000_000, seed: 5)
    let feeding = Background { try input.writeAndClose(data) }
    let arrived = try peer.read(data.count) == data
    #expect(arrived)
    try feeding.value()
    let isWhole = try output.readToEnd() == flood
    #expect(isWhole)
    try flooding.value()
    #expect(try relay.result().outcome.acknowledged == 2_000_000)
  }

  @Test func `a peer that does not read does not stall the output`() throws {
    let ends = try Ends()
    let directory = try TemporaryDirectory()
    let data = bytes(count: 20_000_000, seed: 6)
    let source = try File(directory.file("in"), holding: data)
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: source.descriptor, output: output.writeEnd)
    output.closeWriteEnd()
    let isStuck = eventually { relay.isAsleep }
    #expect(isStuck)
    let text = bytes(count: 300_000, seed: 7)
    let draining = Background { try output.readToEnd() }
    try ends.peer.write(text)
    ends.peer.finishSending()
    let isWhole = try draining.value() == text
    #expect(isWhole)
    let arrived = try ends.peer.readToEnd() == data
    #expect(arrived)
    #expect(try relay.result().outcome.acknowledged == data.count)
  }

  // MARK: Options

  @Test func `the peer's end can be the end`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    var options = RelayOptions()
    options.endsWithPeer = true
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd, options)
    output.closeWriteEnd()
    try ends.peer.write([1, 2, 3])
    ends.peer.finishSending()
    #expect(try output.readToEnd() == [1, 2, 3])
    // Our FIN comes though the input goes on.
    #expect(try ends.peer.readToEnd().isEmpty)
    let report = try relay.result()
    #expect(report.outcome.peerEnded)
    #expect(report.outcome.connectionError == nil && report.outcome.localError == nil)
  }

  @Test func `without input this end is silent until the peer has ended`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    var options = RelayOptions()
    options.readsInput = false
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd, options)
    output.closeWriteEnd()
    try input.writeAndClose(Array("not for you".utf8))
    try ends.peer.write(Array("all there is".utf8))
    let isIdle = eventually { relay.isAsleep }
    #expect(isIdle)
    #expect(relay.events.isEmpty)
    ends.peer.finishSending()
    #expect(try output.readToEnd() == Array("all there is".utf8))
    #expect(try ends.peer.readToEnd().isEmpty)
    #expect(try relay.result().outcome.read == 0)
    // Nothing of it was taken.
    #expect(try input.readToEnd() == Array("not for you".utf8))
  }

  @Test func `an output that will be used again stays open`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    input.closeWriteEnd()
    var options = RelayOptions()
    options.closesOutput = false
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd, options)
    try ends.peer.write([1])
    ends.peer.finishSending()
    #expect(try relay.result().outcome.received == 1)
    var more: UInt8 = 2
    let count = unsafe write(output.writeEnd, &more, 1)
    #expect(count == 1)
    output.closeWriteEnd()
    #expect(try output.readToEnd() == [1, 2])
  }

  @Test func `who has it all gets so much time for its own end`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    var options = RelayOptions()
    options.linger = .milliseconds(30)
    let start = MonotonicInstant.now
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd, options)
    try input.writeAndClose([1, 2, 3])
    let report = try relay.result()
    #expect(.now - start >= .milliseconds(30))
    #expect(report.events == [.localEnded])
    #expect(report.outcome.acknowledged == 3)
    #expect(!report.outcome.peerEnded)
    #expect(report.outcome.connectionError == nil && report.outcome.localError == nil)
    #expect(try ends.peer.readToEnd() == [1, 2, 3])
  }

  @Test func `the time for the peer's end begins once it has it all`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    var options = RelayOptions()
    options.linger = .zero
    let data = bytes(count: 1_000_000)
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd, options)
    try input.writeAndClose(data)
    let isSent = eventually { relay.events == [.localEnded] }
    #expect(isSent)
    let arrived = try ends.peer.readToEnd() == data
    #expect(arrived)
    #expect(try relay.result().outcome.acknowledged == data.count)
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func `a signal ends it and is told`(signal: Int32) throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    try ends.peer.write([1, 2, 3])
    let isIdle = eventually { relay.isAsleep }
    #expect(isIdle)
    relay.thread.signal(signal)
    let outcome = try relay.result().outcome
    #expect(outcome.signal == signal)
    #expect(outcome.received == 3)
    #expect(!outcome.peerEnded)
    output.closeWriteEnd()
    #expect(try output.readToEnd() == [1, 2, 3])
  }

  // MARK: What it leaves alone

  @Test func `the pipes that it was given keep their flags`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    var byte: UInt8 = 1
    let fed = unsafe write(input.writeEnd, &byte, 1)
    #expect(fed == 1)
    #expect(try ends.peer.read(1) == [1])
    try ends.peer.write([2])
    try #require(isReady(output.readEnd, for: POLLIN))
    // It is under way, and both have been used.
    for descriptor in [input.readEnd, input.writeEnd, output.readEnd, output.writeEnd] {
      #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK == 0)
    }
    input.closeWriteEnd()
    ends.peer.close()
    #expect(try relay.result().outcome.received == 1)
    for descriptor in [input.readEnd, output.readEnd, output.writeEnd] {
      #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK == 0)
    }
  }
}

/// A regular file that is open for reading and writing.
final class File: Sendable {
  let descriptor: Int32

  init(_ path: String, holding bytes: [UInt8] = []) throws {
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw TestFailure("open \(path): errno \(errno)") }
    let count = unsafe pwrite(descriptor, bytes, bytes.count, 0)
    guard count == bytes.count else { throw TestFailure("write \(path): errno \(errno)") }
  }

  deinit { close(descriptor) }

  /// All that is in it.
  func contents() throws -> [UInt8] {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw TestFailure("fstat: errno \(errno)") }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
    guard count == bytes.count else { throw TestFailure("read: errno \(errno)") }
    return bytes
  }
}
