// The low-water mark of what is received: when it is raised, and that it never holds anything up.

import Glibc
import Synchronization
import TestSupport
import Testing

@testable import SocketCore

struct ReceiveLowWaterTests {
  private static let mark = ReceiveLowWater.mark

  private static func at(_ milliseconds: Int) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: 1) + .milliseconds(milliseconds)
  }

  @Test func `it is raised by a full turn alone`() {
    var lowWater = ReceiveLowWater()
    #expect(lowWater.change(received: Self.mark - 1, isWanted: true, at: Self.at(0)) == nil)
    #expect(lowWater.change(received: Self.mark + 100, isWanted: true, at: Self.at(1)) == nil)
    #expect(lowWater.deadline == nil)
    let change = lowWater.change(received: 2 * Self.mark + 100, isWanted: true, at: Self.at(2))
    #expect(change == Self.mark)
    #expect(lowWater.deadline == Self.at(2) + ReceiveLowWater.patience)
  }

  @Test func `it is lowered when nothing has reached it in time`() {
    var lowWater = ReceiveLowWater()
    var received = Self.mark
    _ = lowWater.change(received: received, isWanted: true, at: Self.at(0))
    // Whatever comes counts from anew, and another wake-up does not.
    received += 10
    #expect(lowWater.change(received: received, isWanted: true, at: Self.at(1)) == nil)
    let deadline = Self.at(1) + ReceiveLowWater.patience
    #expect(lowWater.change(received: received, isWanted: true, at: Self.at(2)) == nil)
    #expect(lowWater.deadline == deadline)
    let change = lowWater.change(received: received, isWanted: true, at: deadline)
    #expect(change == ReceiveLowWater.unset)
    #expect(lowWater.deadline == nil)
  }

  @Test func `a local reader that takes its time does not lower it`() {
    var lowWater = ReceiveLowWater()
    _ = lowWater.change(received: Self.mark, isWanted: true, at: Self.at(0))
    #expect(lowWater.change(received: Self.mark, isWanted: false, at: Self.at(10)) == nil)
    #expect(lowWater.deadline == nil)
    #expect(lowWater.change(received: Self.mark, isWanted: true, at: Self.at(20)) == nil)
    #expect(lowWater.deadline == Self.at(20) + ReceiveLowWater.patience)
  }

  /// A peer that sends a lot raises it, and what little comes behind that is taken all the same.
  @Test(arguments: [CopyChoice.auto, .userspace])
  func `the last bytes of a burst are not held up`(_ copy: CopyChoice) throws {
    let ends = try Ends()
    let peer = ends.peer
    let socket = fcntl(ends.connection.socket.descriptor.rawValue, F_DUPFD_CLOEXEC, 3)
    try #require(socket >= 0)
    let output = try Pipe()
    var options = RelayOptions()
    options.readsInput = false
    options.copy = copy
    let relay = try RunningRelay(
      over: ends.connection, input: -1, output: output.writeEnd, options)
    output.closeWriteEnd()
    let draining = Background { try output.readToEnd().count }
    let burst = Burst()
    let sending = Background { try burst.send(to: peer) }
    let isRaised = eventually { lowWater(of: socket) == Self.mark }
    burst.end()
    var sent = try sending.value()
    #expect(isRaised)
    for count in [1, 300, 20_000] {
      try peer.write(bytes(count: count))
      sent += count
      try peer.waitUntilAcknowledged()
      #expect(eventually { unread(of: socket) == 0 })
    }
    #expect(eventually { lowWater(of: socket) == 1 })
    close(socket)
    peer.finishSending()
    let received = try draining.value()
    #expect(received == sent)
    #expect(try relay.result().outcome.received == sent)
  }

  /// Whoever may be asked something answers at once: an end that sends leaves the mark alone.
  @Test func `it stays where something is sent`() throws {
    let ends = try Ends()
    let peer = ends.peer
    let socket = fcntl(ends.connection.socket.descriptor.rawValue, F_DUPFD_CLOEXEC, 3)
    try #require(socket >= 0)
    defer { close(socket) }
    let input = try Pipe()
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    output.closeWriteEnd()
    let draining = Background { try output.readToEnd().count }
    try peer.write(bytes(count: 4 << 20))
    try peer.waitUntilAcknowledged()
    #expect(eventually { unread(of: socket) == 0 })
    #expect(lowWater(of: socket) == 1)
    input.closeWriteEnd()
    peer.finishSending()
    #expect(try draining.value() == 4 << 20)
    _ = try relay.result()
  }
}

/// Sends until it is told to end.
private final class Burst: Sendable {
  private let isOver = Mutex(false)

  func end() { isOver.withLock { $0 = true } }

  /// - Returns: how many bytes it was.
  func send(to peer: Peer) throws -> Int {
    let piece = bytes(count: 1 << 20)
    var sent = 0
    while !isOver.withLock({ $0 }) {
      try peer.write(piece)
      sent += piece.count
    }
    return sent
  }
}

private func lowWater(of socket: Int32) -> Int {
  var value: Int32 = -1
  var length = socklen_t(MemoryLayout<Int32>.size)
  _ = unsafe getsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &value, &length)
  return Int(value)
}

/// Bytes that have come and were not taken.
private func unread(of socket: Int32) -> Int32 {
  var count: Int32 = -1
  _ = unsafe ioctl(socket, UInt(FIONREAD), &count)
  return count
}
