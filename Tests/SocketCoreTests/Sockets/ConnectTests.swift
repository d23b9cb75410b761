// Handshakes: answered, refused, not answered, interrupted, and with several addresses.

import Glibc
import TestSupport
import Testing

@testable import SocketCore

struct ConnectTests {
  /// What connecting came to, without the connection.
  private struct Report: Sendable {
    enum Ending: Equatable, Sendable {
      case connected(to: Endpoint, synRetransmissions: Int)
      case failed
      case signal(Int32)
    }
    var ending: Ending
    var failures: [FailedAttempt]
  }

  /// Connects on this thread, with a loop of its own.
  private static func connect(
    to targets: [Endpoint], within limit: Duration? = .seconds(30)
  ) throws -> Report {
    var loop = try ReadinessLoop()
    var failures: [FailedAttempt] = []
    let outcome = try Connector.connect(
      to: targets, until: limit.map { .now + $0 }, loop: &loop
    ) { event in failures += [event.failed].compactMap(\.self) }
    switch consume outcome {
    case .connected(let connected):
      let retransmissions = connected.synRetransmissions
      #expect(connected.handshake > .zero)
      let connection = connected.take()
      #expect(try connection.socket.info().state == .established)
      #expect(try connection.socket.peerEndpoint() == connection.peer)
      return Report(
        ending: .connected(to: connection.peer, synRetransmissions: retransmissions),
        failures: failures)
    case .failed: return Report(ending: .failed, failures: failures)
    case .signal(let signal): return Report(ending: .signal(signal), failures: failures)
    }
  }

  @Test(arguments: [IPAddress.v4(.loopback), .v6(.loopback)])
  func `a listener answers`(address: IPAddress) throws {
    let listener = try Listener(on: Endpoint(address, 0))
    let report = try Self.connect(to: [listener.local])
    #expect(report.ending == .connected(to: listener.local, synRetransmissions: 0))
    #expect(report.failures.isEmpty)
  }

  @Test(arguments: [IPAddress.v4(.loopback), .v6(.loopback)])
  func `a port without a listener refuses`(address: IPAddress) throws {
    let target = Endpoint(address, try unusedPort())
    let report = try Self.connect(to: [target])
    #expect(report.ending == .failed)
    let failure = try #require(report.failures.first)
    #expect(report.failures.count == 1)
    #expect(failure.target == target)
    #expect(failure.error.description == "connect to \(target): connection refused (ECONNREFUSED)")
    #expect(failure.failure == .refused)
    #expect(failure.elapsed >= .zero)
  }

  @Test func `the first address that answers is kept`() throws {
    let closed = Endpoint(.v4(.loopback), try unusedPort())
    let first = try Listener(on: Endpoint(.v6(.loopback), 0))
    let second = try Listener(on: Endpoint(.v4(.loopback), 0))
    let report = try Self.connect(to: [closed, first.local, second.local])
    #expect(report.ending == .connected(to: first.local, synRetransmissions: 0))
    #expect(report.failures.map(\.target) == [closed])
    let isAlone = try second.accept() == nil
    #expect(isAlone)
  }

  /// As without a route: the kernel sends no SYN to the broadcast address. A head start for each would
  /// take a minute.
  @Test(.timeLimit(.minutes(2)))
  func `what fails at once has no head start, also while another attempt is under way`() throws {
    let full = try FullListener()
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let broadcast = Endpoint(try #require(IPAddress("255.255.255.255")), listener.local.port)
    let useless = Array(repeating: broadcast, count: 240)
    let start = MonotonicInstant.now
    let report = try Self.connect(
      to: [full.listener.local] + useless + [listener.local], within: .seconds(90))
    #expect(.now - start < .seconds(45))
    #expect(report.ending == .connected(to: listener.local, synRetransmissions: 0))
    #expect(report.failures.map(\.target) == useless)
    #expect(report.failures.allSatisfy { $0.failure == .unreachable && $0.synsSent == nil })
  }

  @Test func `all addresses refuse`() throws {
    let targets = [
      Endpoint(.v4(.loopback), try unusedPort()), Endpoint(.v6(.loopback), try unusedPort()),
    ]
    let report = try Self.connect(to: targets)
    #expect(report.ending == .failed)
    #expect(report.failures.map(\.target) == targets)
    #expect(report.failures.map(\.failure) == [.refused, .refused])
  }

  @Test func `no address is no connection`() throws {
    let report = try Self.connect(to: [])
    #expect(report.ending == .failed)
    #expect(report.failures.isEmpty)
  }

  @Test func `an unspecified address leads to this host, which is named`() throws {
    let listener = try Listener.onEveryAddress(port: 0)
    let report = try Self.connect(to: [Endpoint(.v4(.any), listener.local.port)])
    let peer = Endpoint(.v4(.loopback), listener.local.port)
    #expect(report.ending == .connected(to: peer, synRetransmissions: 0))
  }

  @Test func `a black hole is no answer in time, with its SYNs counted`() throws {
    let full = try FullListener()
    let start = MonotonicInstant.now
    let report = try Self.connect(to: [full.listener.local], within: .milliseconds(50))
    #expect(.now - start >= .milliseconds(50))
    #expect(report.ending == .failed)
    let failure = try #require(report.failures.first)
    #expect(report.failures.count == 1)
    #expect(failure.error == SystemCallError("connect", "to \(full.listener.local)", .timedOut))
    #expect(failure.failure == .noAnswer)
    #expect(failure.elapsed >= .milliseconds(40))
    #expect(try #require(failure.synsSent) >= 1)
  }

  @Test func `once the time is over no further address is tried`() throws {
    let full = try FullListener()
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let report = try Self.connect(
      to: [full.listener.local, listener.local], within: .milliseconds(50))
    #expect(report.ending == .failed)
    #expect(report.failures.map(\.target) == [full.listener.local])
    #expect(try listener.queue().length == 0)
  }

  @Test func `a SYN that was lost is seen`() throws {
    let full = try FullListener()
    let target = full.listener.local
    let drops = full.listener.socket.dropCount() ?? .max
    let connecting = Background { try Self.connect(to: [target]) }
    let dropped = eventually { (full.listener.socket.dropCount() ?? 0) > drops }
    #expect(dropped)
    // There is room now, and the kernel sends the SYN again after a second.
    let occupant = try accepted(by: full.listener)
    #expect(occupant.peer == full.occupant.local)
    let report = try connecting.value()
    guard case .connected(target, let retransmissions) = report.ending else {
      Issue.record("\(report.ending)")
      return
    }
    #expect(retransmissions >= 1)
  }

  @Test func `a signal ends the wait`() throws {
    let full = try FullListener()
    let target = full.listener.local
    let drops = full.listener.socket.dropCount() ?? .max
    let thread = OtherThread()
    let connecting = Background {
      thread.isThis()
      return try Self.connect(to: [target])
    }
    // The SYN is sent after the signals have been blocked.
    let dropped = eventually { (full.listener.socket.dropCount() ?? 0) > drops }
    try #require(dropped)
    thread.signal(SIGTERM)
    let report = try connecting.value()
    #expect(report.ending == .signal(SIGTERM))
    #expect(report.failures.isEmpty)
  }

  @Test func `other descriptors of the loop are not mistaken for the handshake`() throws {
    let full = try FullListener()
    let pipe = try Pipe()
    var loop = try ReadinessLoop()
    try loop.watch(pipe.writeEnd, for: .writable)
    var failures: [FailedAttempt] = []
    let outcome = try Connector.connect(
      to: [full.listener.local], until: .now + .milliseconds(50), loop: &loop
    ) { event in failures += [event.failed].compactMap(\.self) }
    if case .failed = outcome {} else { Issue.record("a handshake without an answer succeeded") }
    #expect(failures.map(\.failure) == [.noAnswer])
  }

  @Test(arguments: [IPAddress.v4(.loopback), .v4(.any), .v6(.loopback)])
  func `a client that meets itself was refused`(address: IPAddress) throws {
    // The kernel walks through the ports that it gives to clients, the even ones first; sooner or
    // later a client gets the very port that it wants to connect to.
    let target = Endpoint(address, try unusedClientPort())
    var met = 0
    for _ in 0..<200_000 where met == 0 {
      let attempt: ConnectAttempt
      do {
        attempt = try ConnectAttempt(to: target)
      } catch {
        try #require(error.errno == .connectionRefused)
        continue
      }
      // A refusal may also come a moment after connect(2) has returned.
      if try attempt.state() == .established { met += 1 }
      let isSettled = isReady(attempt.socket.descriptor.rawValue, for: POLLOUT)
      try #require(isSettled)
      let error = failure(of: attempt)
      #expect(error == SystemCallError("connect", "to \(target)", .connectionRefused))
    }
    #expect(met == 1)
  }

  private func failure(of attempt: consuming ConnectAttempt) -> SystemCallError? {
    do throws(SystemCallError) {
      _ = try attempt.finish()
      return nil
    } catch {
      return error
    }
  }

  /// Whether /proc/net/tcp6 has a row with this local port in state 0A.
  private func isListenedOn(_ port: UInt16) throws -> Bool {
    let suffix = ":" + String(port, radix: 16, uppercase: true)
    return try kernelFile("/proc/net/tcp6").split(separator: "\n").contains { row in
      let fields = row.split(separator: " ")
      return fields.count > 3 && fields[1].hasSuffix(suffix) && fields[3] == "0A"
    }
  }

  /// An even port from the range of which the kernel gives ports to clients, which nobody has.
  private func unusedClientPort() throws -> UInt16 {
    let text = try kernelFile("/proc/sys/net/ipv4/ip_local_port_range")
    let range = text.split { $0.isWhitespace }.compactMap { UInt16($0) }
    try #require(range.count == 2)
    for _ in 0..<100 {
      let port = UInt16.random(in: range[0]...range[1]) & ~1 | range[0] & 1
      guard (try? Listener.onEveryAddress(port: port)) != nil else { continue }
      // The listener is gone once no child of another test has it any more, which each does in the
      // moment between its fork and its exec.
      let isGone = try eventually { try !isListenedOn(port) }
      if isGone { return port }
    }
    throw TestFailure("no free port in \(range)")
  }
}

@Suite struct RaceTests {
  private func endpoints(_ texts: String...) -> [Endpoint] {
    texts.compactMap { IPAddress($0) }.map { Endpoint($0, 80) }
  }

  @Test func familiesTakeTurns() {
    let mixed = endpoints("2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1")
    #expect(
      Connector.interleaved(mixed)
        == endpoints("2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3"))
    let v4First = endpoints("192.0.2.1", "2001:db8::1", "192.0.2.2")
    #expect(
      Connector.interleaved(v4First) == endpoints("192.0.2.1", "2001:db8::1", "192.0.2.2"))
    #expect(Connector.interleaved([]) == [])
  }

  /// A full accept queue drops the SYN; the healthy address behind it is not kept waiting for the
  /// retransmission that comes after a second.
  @Test func aSilentAddressHoldsTheRaceUpOnlyForItsHeadStart() throws {
    var options = Listener.Options()
    options.backlog = 0
    let silent = try Listener(on: Endpoint(.v4(.loopback), 0), options)
    let filler = try ConnectAttempt(to: silent.local)
    #expect(try filler.state() == .established)
    let healthy = try Listener(on: Endpoint(.v4(.loopback), 0))
    var loop = try ReadinessLoop()
    var failures = 0
    let outcome = try Connector.connect(
      to: [silent.local, healthy.local], until: .now + .seconds(30), loop: &loop
    ) { event in if event.failed != nil { failures += 1 } }
    guard case .connected(let connected) = consume outcome else {
      Issue.record("not connected")
      return
    }
    #expect(failures == 0)
    #expect(connected.connection.peer == healthy.local)
    #expect(connected.synRetransmissions == 0)
  }

  @Test func theDeadlineEndsEveryAttempt() throws {
    var options = Listener.Options()
    options.backlog = 0
    let first = try Listener(on: Endpoint(.v4(.loopback), 0), options)
    let second = try Listener(on: Endpoint(.v4(.loopback), 0), options)
    let fillers = try (
      ConnectAttempt(to: first.local).state(), ConnectAttempt(to: second.local).state()
    )
    #expect(fillers == (.established, .established))
    var loop = try ReadinessLoop()
    var failed: [Endpoint] = []
    let start = MonotonicInstant.now
    let outcome = try Connector.connect(
      to: [first.local, second.local], until: start + .seconds(2), loop: &loop
    ) { event in
      guard let attempt = event.failed else { return }
      failed.append(attempt.target)
      #expect(attempt.failure == .noAnswer)
      #expect(attempt.synsSent ?? 0 >= 1)
    }
    guard case .failed = consume outcome else {
      Issue.record("not failed")
      return
    }
    #expect(failed == [first.local, second.local])
    #expect(MonotonicInstant.now - start >= .seconds(2))
  }
}
