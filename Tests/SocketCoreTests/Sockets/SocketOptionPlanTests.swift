// Options set before a socket is used, read back with getsockopt(2) itself.

import Glibc
import Synchronization
import TestSupport
import Testing

@testable import SocketCore

struct SocketOptionPlanTests {
  /// One option, where to read it, and what it is then.
  struct Row: Sendable, CustomTestStringConvertible {
    var options: [RequestedOption]
    var level: Int32
    var number: Int32
    var effective: Int32
    var testDescription: String { "\(level)/\(number) → \(effective)" }

    init(_ option: RequestedOption, _ level: Int, _ number: Int32, is effective: Int32) {
      self.init([option], level, number, is: effective)
    }

    init(_ options: [RequestedOption], _ level: Int, _ number: Int32, is effective: Int32) {
      self.options = options
      self.level = Int32(level)
      self.number = number
      self.effective = effective
    }
  }

  private static let ofBothFamilies: [Row] = [
    Row(RequestedOption(.receiveBuffer, 30_000), Int(SOL_SOCKET), SO_RCVBUF, is: 60_000),
    Row(RequestedOption(.sendBuffer, 30_000), Int(SOL_SOCKET), SO_SNDBUF, is: 60_000),
    Row(RequestedOption(.noDelay, true), IPPROTO_TCP, TCP_NODELAY, is: 1),
    Row(RequestedOption(.keepAlive, true), Int(SOL_SOCKET), SO_KEEPALIVE, is: 1),
    Row(RequestedOption(.keepAliveIdle, 61), IPPROTO_TCP, TCP_KEEPIDLE, is: 61),
    Row(RequestedOption(.keepAliveInterval, 11), IPPROTO_TCP, TCP_KEEPINTVL, is: 11),
    Row(RequestedOption(.keepAliveCount, 3), IPPROTO_TCP, TCP_KEEPCNT, is: 3),
    Row(RequestedOption(.maximumSegment, 1_111), IPPROTO_TCP, TCP_MAXSEG, is: 1_111),
    Row(RequestedOption(.userTimeout, 1_500), IPPROTO_TCP, TCP_USER_TIMEOUT, is: 1_500),
    Row(RequestedOption(.notSentLowWater, 16_384), IPPROTO_TCP, TCP_NOTSENT_LOWAT, is: 16_384),
    // 1 + 2 + 4 s: the retransmissions of the SYN-ACK that cover 5 s.
    Row(RequestedOption(.deferAccept, 5), IPPROTO_TCP, TCP_DEFER_ACCEPT, is: 7),
    Row(RequestedOption(.fastOpen, 9), IPPROTO_TCP, TCP_FASTOPEN, is: 9),
    Row(RequestedOption(.reusePort, true), Int(SOL_SOCKET), SO_REUSEPORT, is: 1),
  ]

  private static func rows(
    _ level: Int, _ hopLimit: Int32, _ field: Int32
  ) -> [Row] {
    [
      Row(RequestedOption.hopLimit(33), level, hopLimit, is: 33),
      Row(RequestedOption.codePoint(46), level, field, is: 184),
    ]
  }

  private static let ofIPv4 = rows(IPPROTO_IP, IP_TTL, IP_TOS)
  private static let ofIPv6 = rows(IPPROTO_IPV6, IPV6_UNICAST_HOPS, IPV6_TCLASS)

  @Test(arguments: ofBothFamilies + ofIPv4)
  func `an IPv4 listener gets it`(row: Row) throws {
    try check(row, on: Endpoint(.v4(.loopback), 0), ipv6Only: true)
  }

  @Test(arguments: ofBothFamilies + ofIPv6)
  func `an IPv6 listener gets it`(row: Row) throws {
    try check(row, on: Endpoint(.v6(.loopback), 0), ipv6Only: true)
  }

  @Test(arguments: ofIPv4 + ofIPv6)
  func `a listener for both families gets those of both`(row: Row) throws {
    try check(row, on: Endpoint(.v6(.any), 0), ipv6Only: false)
  }

  private func check(_ row: Row, on endpoint: Endpoint, ipv6Only: Bool) throws {
    var options = Listener.Options()
    options.socketOptions = SocketOptionPlan(row.options)
    options.ipv6Only = ipv6Only
    let listener = try Listener(on: endpoint, options)
    #expect(try value(listener.socket.descriptor.rawValue, row) == row.effective)
  }

  @Test(arguments: ofBothFamilies.prefix(10) + ofIPv4)
  func `a connecting socket has it before its SYN`(row: Row) throws {
    let calls = Mutex<[String]>([])
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let attempt = try ConnectAttempt(
      to: listener.local, options: SocketOptionPlan(row.options),
      tracer: CallTracer { call in calls.withLock { $0.append(call.name) } })
    #expect(
      calls.withLock { $0 }.prefix(4) == ["socket", "setsockopt", "getsockopt", "connect"])
    // The segment size in use is less by the room that timestamps take.
    guard row.number != TCP_MAXSEG || row.level == SOL_SOCKET else { return }
    #expect(try value(attempt.socket.descriptor.rawValue, row) == row.effective)
  }

  /// What goes to a mapped address are packets of IPv4.
  @Test(arguments: ofIPv4)
  func `a connecting socket has those of IPv4 for a mapped address`(row: Row) throws {
    let listener = try Listener.onEveryAddress(port: 0)
    let mapped = try #require(IPAddress("::ffff:127.0.0.1"))
    let names = Mutex<[String]>([])
    let attempt = try ConnectAttempt(
      to: Endpoint(mapped, listener.local.port),
      options: SocketOptionPlan(row.options) { outcome in
        names.withLock { $0.append(outcome.name) }
      })
    #expect(try value(attempt.socket.descriptor.rawValue, row) == row.effective)
    #expect(names.withLock { $0 } == [row.number == IP_TTL ? "IP_TTL" : "IP_TOS"])
  }

  @Test func `the algorithm of congestion control is set by its name`() throws {
    let outcomes = Mutex<[OptionOutcome]>([])
    var options = Listener.Options()
    options.socketOptions = SocketOptionPlan([RequestedOption(.congestionControl, "reno")]) {
      outcome in outcomes.withLock { $0.append(outcome) }
    }
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0), options)
    #expect(
      outcomes.withLock { $0 } == [
        OptionOutcome(name: "TCP_CONGESTION", requested: "reno", effective: "reno")
      ])
    #expect(try listener.socket.value(of: .congestionControl) == "reno")
  }

  @Test func `the observer is told of both values`() throws {
    let outcomes = Mutex<[OptionOutcome]>([])
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let plan = SocketOptionPlan(
      [RequestedOption(.receiveBuffer, 20_000)] + RequestedOption.codePoint(8)
    ) { outcome in outcomes.withLock { $0.append(outcome) } }
    _ = try ConnectAttempt(to: listener.local, options: plan)
    // An IPv4 socket has nothing to do with the traffic class.
    #expect(
      outcomes.withLock { $0 } == [
        OptionOutcome(name: "SO_RCVBUF", requested: "20000", effective: "40000"),
        OptionOutcome(name: "IP_TOS", requested: "32", effective: "32"),
      ])
  }

  @Test func `a refused option is a failure of this end, whatever its errno`() throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    var loop = try ReadinessLoop()
    var failures: [FailedAttempt] = []
    var options = Connector.Options()
    options.socketOptions = SocketOptionPlan([RequestedOption(.congestionControl, "nosuch")])
    let outcome = try Connector.connect(
      to: [listener.local], until: nil, options: options, loop: &loop
    ) { event in failures += [event.failed].compactMap(\.self) }
    guard case .failed = consume outcome else { throw TestFailure("connected") }
    #expect(failures.map(\.failure) == [.local])
    #expect(
      failures.first?.error.description
        == "setsockopt TCP_CONGESTION nosuch: no such file or directory (ENOENT)")
    let prohibited = SystemCallError("setsockopt", "SO_MARK 1", .operationNotPermitted)
    let failed = FailedAttempt(
      target: listener.local, error: prohibited, elapsed: .zero, synsSent: nil)
    #expect(failed.failure == .local)
  }

  private func value(_ descriptor: Int32, _ row: Row) throws -> Int32 {
    var value: Int32 = -1
    var length = socklen_t(MemoryLayout<Int32>.size)
    let result = unsafe getsockopt(descriptor, row.level, row.number, &value, &length)
    guard result == 0 else { throw TestFailure("getsockopt: errno \(errno)") }
    return value
  }
}
