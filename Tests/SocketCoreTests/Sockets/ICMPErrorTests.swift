// What an ICMP message means for a connection: class and words. Messages on the wire: Tests/Interop.

import TestSupport
import Testing

@testable import SocketCore

struct ICMPErrorTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var icmp: ICMPError
    var failure: ConnectFailure
    var words: String
    var testDescription: String { words }

    init(_ type: UInt8, _ code: UInt8, _ failure: ConnectFailure, _ words: String) {
      (icmp, self.failure, self.words) = (ICMPError(type: type, code: code), failure, words)
    }

    init(v6 type: UInt8, _ code: UInt8, _ failure: ConnectFailure, _ words: String) {
      self.init(type, code, failure, words)
      icmp.isICMPv6 = true
    }
  }

  @Test(
    arguments: [
      Row(3, 0, .unreachable, "ICMP destination unreachable, network unreachable (3/0)"),
      Row(3, 1, .unreachable, "ICMP destination unreachable, host unreachable (3/1)"),
      Row(3, 2, .unreachable, "ICMP destination unreachable, protocol unreachable (3/2)"),
      Row(3, 3, .refused, "ICMP destination unreachable, port unreachable (3/3)"),
      Row(3, 5, .unreachable, "ICMP destination unreachable, source route failed (3/5)"),
      Row(
        3, 9, .prohibited,
        "ICMP destination unreachable, network administratively prohibited (3/9)"),
      Row(
        3, 10, .prohibited,
        "ICMP destination unreachable, host administratively prohibited (3/10)"),
      Row(
        3, 13, .prohibited,
        "ICMP destination unreachable, communication administratively prohibited (3/13)"),
      Row(3, 15, .unreachable, "ICMP destination unreachable, precedence cutoff in effect (3/15)"),
      Row(3, 16, .unreachable, "ICMP destination unreachable (3/16)"),
      Row(11, 0, .unreachable, "ICMP time exceeded, hop limit reached in transit (11/0)"),
      Row(12, 0, .unreachable, "ICMP parameter problem (12/0)"),
      // The types of the two families are different numbers.
      Row(1, 1, .unreachable, "ICMP message (1/1)"),
      Row(v6: 1, 0, .unreachable, "ICMPv6 destination unreachable, no route to destination (1/0)"),
      Row(
        v6: 1, 1, .prohibited,
        "ICMPv6 destination unreachable, communication administratively prohibited (1/1)"),
      Row(v6: 1, 3, .unreachable, "ICMPv6 destination unreachable, address unreachable (1/3)"),
      Row(v6: 1, 4, .refused, "ICMPv6 destination unreachable, port unreachable (1/4)"),
      Row(
        v6: 1, 5, .prohibited,
        "ICMPv6 destination unreachable, source address failed the filter's policy (1/5)"),
      Row(
        v6: 1, 6, .prohibited,
        "ICMPv6 destination unreachable, route to destination rejected (1/6)"),
      Row(v6: 3, 0, .unreachable, "ICMPv6 time exceeded, hop limit reached in transit (3/0)"),
      Row(v6: 3, 3, .unreachable, "ICMPv6 time exceeded (3/3)"),
      Row(v6: 4, 1, .unreachable, "ICMPv6 parameter problem (4/1)"),
    ])
  func `class and words`(row: Row) {
    #expect(row.icmp.failure == row.failure)
    #expect(row.icmp.description == row.words)
    var withSender = row.icmp
    withSender.from = .v4(.loopback)
    #expect(withSender.description == row.words + ", from 127.0.0.1")
  }

  /// The kernel's errno is the same for both.
  @Test func `a message decides over the errno`() {
    var attempt = FailedAttempt(
      target: Endpoint(.v4(.loopback), 1),
      error: SystemCallError("connect", "", .hostUnreachable), elapsed: .zero, synsSent: 1)
    #expect(attempt.failure == .unreachable)
    attempt.icmp = ICMPError(type: 3, code: 13)
    #expect(attempt.failure == .prohibited)
  }

  @Test func `what fails before connect is this end's own`() {
    let attempt = FailedAttempt(
      target: Endpoint(.v4(.loopback), 1), error: SystemCallError("bind", "", .accessDenied),
      elapsed: .zero, synsSent: nil)
    #expect(attempt.failure == .local)
  }

  @Test(arguments: [IPAddress.v4(.loopback), .v6(.loopback)])
  func `an empty error queue gives none`(address: IPAddress) throws {
    let socket = try Socket(for: address)
    socket.keepErrors(true, for: address)
    #expect(try socket.value(of: address.isIPv6 ? .errorQueueV6 : .errorQueueV4))
    let taken = socket.takeICMPError()
    #expect(taken == nil)
    socket.keepErrors(false, for: address)
    #expect(try !socket.value(of: address.isIPv6 ? .errorQueueV6 : .errorQueueV4))
  }

  /// Kept on, it would let a passing unreachability end an established connection.
  @Test(arguments: [IPAddress.v4(.loopback), .v6(.loopback)])
  func `a connection does not keep the messages`(address: IPAddress) throws {
    let listener = try Listener(on: Endpoint(address, 0))
    var loop = try ReadinessLoop()
    let outcome = try Connector.connect(
      to: [listener.local], until: .now + .seconds(30), loop: &loop
    ) { event in if event.failed != nil { Issue.record("\(event)") } }
    guard case .connected(let connected) = consume outcome else {
      Issue.record("not connected")
      return
    }
    #expect(
      try !connected.connection.socket.value(of: address.isIPv6 ? .errorQueueV6 : .errorQueueV4))
    if connected.synRetransmissions == 0 { #expect(connected.roundTripTime != nil) }
    #expect(connected.abandoned.isEmpty)
  }
}
