// When the peer's kernel had everything: the watch looks for it late, and dates it back.

import TestSupport
import Testing

@testable import SocketCore

@Suite(.timeLimit(.minutes(5))) struct AcknowledgementWatchTests {
  /// Sends a byte, which the answer acknowledges.
  ///
  /// - Returns: between which two instants that was.
  @discardableResult
  private func deliver(
    over pair: borrowing Pair
  ) throws -> (after: MonotonicInstant, before: MonotonicInstant) {
    let byte: [UInt8] = [1]
    var after = MonotonicInstant.now
    #expect(try pair.client.send(unsafe byte.span.bytes) == .transferred(1))
    #expect(try pair.server.send(unsafe byte.span.bytes) == .transferred(1))
    var seen = after
    while pair.client.unacknowledgedBytes() != 0 {
      after = seen
      seen = .now
    }
    return (after, .now)
  }

  /// Lets some time pass in which nothing is acknowledged.
  private func waitInSilence(_ connection: borrowing Connection, _ duration: Duration) throws {
    var told = Duration.zero
    while told < duration {
      (.now + .milliseconds(20)).wait()
      told = try connection.socket.info().sinceLastAcknowledgement
    }
  }

  @Test func `the end is when the last acknowledgement came`() throws {
    let pair = try Pair()
    var watch = AcknowledgementWatch()
    let sent = MonotonicInstant.now
    let acknowledged = try deliver(over: pair).before
    try waitInSilence(pair.client, .seconds(1))
    let before = MonotonicInstant.now
    try watch.look(at: pair.client, isExact: true)
    let completed = try #require(watch.completed)
    // What this thread was held up for while it looked is not known to the watch.
    let pause = MonotonicInstant.now - before
    #expect(completed >= sent)
    #expect(completed <= acknowledged + pause + .milliseconds(200))
  }

  @Test func `where only the end itself matters it is when it was seen`() throws {
    let pair = try Pair()
    var watch = AcknowledgementWatch()
    try deliver(over: pair)
    try waitInSilence(pair.client, .milliseconds(100))
    let before = MonotonicInstant.now
    try watch.look(at: pair.client, isExact: false)
    #expect(try #require(watch.completed) >= before)
  }

  /// What was acknowledged before our FIN went out is none of the watch's.
  @Test func `the end is not before the watch began`() throws {
    let pair = try Pair()
    try deliver(over: pair)
    try waitInSilence(pair.client, .milliseconds(100))
    let before = MonotonicInstant.now
    var watch = AcknowledgementWatch()
    try watch.look(at: pair.client, isExact: true)
    #expect(try #require(watch.completed) >= before)
  }

  /// The kernel counts in ticks, and one that has only begun must not make the end earlier.
  @Test func `a tick that has begun does not count`() throws {
    let pair = try Pair()
    var quick = 0
    while quick < 1_000 {
      var watch = AcknowledgementWatch()
      let acknowledged = try deliver(over: pair)
      try watch.look(at: pair.client, isExact: true)
      let completed = try #require(watch.completed)
      // Behind a pause the kernel may have counted more than the tick that has begun.
      guard .now - acknowledged.after < .milliseconds(1) else { continue }
      quick += 1
      #expect(completed >= acknowledged.before)
    }
  }

  @Test func `nothing is complete before it is acknowledged`() throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let client = try connection(to: listener.local)
    try client.socket.set(.sendBuffer, to: 4_096)
    let server = try accepted(by: listener)
    let bytes = [UInt8](repeating: 0, count: 1 << 16)
    // The peer's window is shut, and the rest waits.
    while case .transferred = try client.send(unsafe bytes.span.bytes) {}
    var watch = AcknowledgementWatch()
    #expect(client.unacknowledgedBytes() != 0)
    try watch.look(at: client, isExact: true)
    #expect(!watch.isComplete && !watch.isOver(after: .zero))
    _ = server
  }
}
