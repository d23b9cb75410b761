// Many handshakes at once: their outcomes, the bound, the shortage of descriptors, the signal.

import Glibc
import Synchronization
import TestSupport
import Testing

@testable import SocketCore

/// How a scan went.
private struct Report: Sendable {
  var results: [Int: [ScanResult]] = [:]
  var pulses = 0
  var signal: Int32?
  var parallel = 0

  /// The result of an item that was told of exactly once.
  func only(_ item: Int) throws -> ScanResult {
    let all = results[item] ?? []
    guard all.count == 1 else { throw TestFailure("item \(item) has \(all.count) results") }
    return all[0]
  }

  func open(_ item: Int) throws -> OpenEndpoint {
    guard case .open(let open) = try only(item) else {
      throw TestFailure("item \(item): \(try only(item))")
    }
    return open
  }

  func failed(_ item: Int) throws -> FailedAttempt {
    guard case .failed(let failed) = try only(item) else {
      throw TestFailure("item \(item): \(try only(item))")
    }
    return failed
  }
}

private func scan(
  _ items: [[Endpoint]], tracer: CallTracer = .silent,
  _ change: (inout ConnectScan.Options) -> Void = { _ in }
) throws -> Report {
  var options = ConnectScan.Options()
  options.timeout = .seconds(30)
  change(&options)
  var loop = try ReadinessLoop()
  var report = Report()
  let ending = try ConnectScan.run(items, options: options, loop: &loop, tracer: tracer) { event in
    switch event {
    case .settled(let item, let result): report.results[item, default: []].append(result)
    case .pulse: report.pulses += 1
    }
  }
  report.signal = ending.signal
  report.parallel = ending.parallel
  return report
}

private func closedEndpoint(_ address: IPAddress = .v4(.loopback)) throws -> Endpoint {
  Endpoint(address, try unusedPort())
}

/// How many sockets there are at once, from the calls that make and close them.
private final class SocketCount: Sendable {
  private let state = Mutex((now: 0, most: 0))
  var now: Int { state.withLock { $0.now } }
  var most: Int { state.withLock { $0.most } }
  var tracer: CallTracer {
    CallTracer { call in
      self.state.withLock { state in
        if call.name == "socket", call.errno == nil { state.now += 1 }
        if call.name == "close" { state.now -= 1 }
        state.most = max(state.most, state.now)
      }
    }
  }
}

struct ConnectScanTests {
  @Test func `nothing to do is over at once`() throws {
    let report = try scan([])
    #expect(report.results.isEmpty)
    #expect(report.signal == nil)
    #expect(try scan([[], []]).results.isEmpty)
  }

  @Test(arguments: [IPAddress.v4(.loopback), .v6(.loopback)])
  func `open, refused and silent endpoints are told apart`(address: IPAddress) throws {
    let listener = try Listener(on: Endpoint(address, 0))
    let closed = try closedEndpoint(address)
    let silent = try FullListener()
    let report = try scan([[listener.local], [closed], [silent.listener.local]]) {
      $0.timeout = .milliseconds(100)
    }
    #expect(report.results.count == 3)
    #expect(report.signal == nil)
    #expect(report.parallel == 64)

    let open = try report.open(0)
    #expect(open.target == listener.local)
    #expect(open.handshake > .zero)
    #expect(try #require(open.roundTripTime) > .zero)
    #expect(open.synRetransmissions == 0)
    #expect(open.end == nil)

    let refused = try report.failed(1)
    #expect(refused.target == closed)
    #expect(refused.failure == .refused)
    #expect(refused.error.description == "connect to \(closed): connection refused (ECONNREFUSED)")
    #expect(refused.synsSent == 1)
    #expect(refused.icmp == nil)
    #expect(refused.elapsed > .zero)

    let unanswered = try report.failed(2)
    #expect(unanswered.target == silent.listener.local)
    #expect(unanswered.failure == .noAnswer)
    #expect(unanswered.error.errno == .timedOut)
    #expect(unanswered.elapsed >= .milliseconds(100))
    #expect(try #require(unanswered.synsSent) >= 1)
  }

  @Test func `a connection ends by FIN, and nothing is sent`() throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    _ = try scan([[listener.local]]).open(0)
    let peer = try Peer(acceptedBy: listener)
    #expect(try peer.readToEnd() == [])
  }

  @Test func `every endpoint of an item is tried until one accepts`() throws {
    let first = try Listener(on: Endpoint(.v6(.loopback), 0))
    let second = try Listener(on: Endpoint(.v4(.loopback), 0))
    let closed = [try closedEndpoint(.v6(.loopback)), try closedEndpoint()]
    let report = try scan([
      [closed[0], closed[1], first.local, second.local], [second.local, first.local], closed,
    ])
    #expect(try report.open(0).target == first.local)
    #expect(try report.open(1).target == second.local)
    #expect(try report.failed(2).target == closed[0])
    #expect(try first.queue().length == 1)
    #expect(try second.queue().length == 1)
  }

  @Test(arguments: [false, true])
  func `of an item's failures the one that got farthest is told`(silenceFirst: Bool) throws {
    let silent = try FullListener()
    let closed = try closedEndpoint()
    let endpoints = [silent.listener.local, closed]
    let report = try scan([silenceFirst ? endpoints : endpoints.reversed()]) {
      $0.timeout = .milliseconds(20)
    }
    let failure = try report.failed(0)
    #expect(failure.target == closed)
    #expect(failure.failure == .refused)
  }

  @Test func `a thousand ports are each told of once`() throws {
    let listeners = Listeners()
    for _ in 0..<20 { listeners.add(try Listener(on: Endpoint(.v4(.loopback), 0))) }
    var endpoints = listeners.locals
    while endpoints.count < 1_000 { endpoints.append(try closedEndpoint()) }
    endpoints.shuffle()
    let report = try scan(endpoints.map { [$0] })
    #expect(report.results.count == 1_000)
    for (item, endpoint) in endpoints.enumerated() {
      if listeners.locals.contains(endpoint) {
        #expect(try report.open(item).target == endpoint)
      } else {
        let failure = try report.failed(item)
        #expect(failure.target == endpoint)
        #expect(failure.failure == .refused)
      }
    }
  }

  @Test func `no more are under way than may be`() throws {
    let silent = try FullListener()
    let count = SocketCount()
    let target = silent.listener.local
    let report = try scan(
      Array(repeating: [target], count: 23), tracer: count.tracer
    ) { options in
      options.parallel = 5
      options.timeout = .milliseconds(20)
    }
    #expect(report.parallel == 5)
    #expect(report.results.count == 23)
    for item in 0..<23 { #expect(try report.failed(item).failure == .noAnswer) }
    #expect(count.most == 5)
    #expect(count.now == 0)
  }

  @Test func `a bound of nothing is one`() throws {
    let closed = try closedEndpoint()
    let report = try scan([[closed], [closed]]) { $0.parallel = 0 }
    #expect(report.parallel == 1)
    #expect(report.results.count == 2)
  }

  /// The silent ones hold their places; the others go on beside them, and each has its own time.
  @Test func `silence holds nobody else up`() throws {
    let silent = try FullListener()
    let closed = try closedEndpoint()
    let items = [[silent.listener.local]] + Array(repeating: [closed], count: 3_000)
    var order: [Int] = []
    var options = ConnectScan.Options()
    options.parallel = 2
    options.timeout = .seconds(1)
    var loop = try ReadinessLoop()
    _ = try ConnectScan.run(items, options: options, loop: &loop) { event in
      if case .settled(let item, _) = event { order.append(item) }
    }
    #expect(order.count == 3_001)
    #expect(order.first == 1)
    #expect(Set(order).count == 3_001)
  }

  @Test func `without a descriptor an endpoint waits for one`() async {
    await #expect(processExitsWith: .success) {
      let silent = try FullListener()
      // Nothing raises it again: the hard limit goes down with it.
      var limit = rlimit(rlim_cur: 40, rlim_max: 40)
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      let target = silent.listener.local
      let report = try scan(Array(repeating: [target], count: 200)) { options in
        options.parallel = 100
        options.timeout = .milliseconds(20)
      }
      precondition(report.parallel < 40)
      precondition(report.results.count == 200)
      for item in 0..<200 {
        let failure = try report.failed(item).failure
        precondition(failure == .noAnswer)
      }
    }
  }

  @Test func `without any descriptor it fails`() async {
    await #expect(processExitsWith: .success) {
      let closed = try closedEndpoint()
      var loop = try ReadinessLoop()
      var limit = rlimit(rlim_cur: 3, rlim_max: 3)
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      do throws(SystemCallError) {
        _ = try ConnectScan.run([[closed]], loop: &loop) { _ in }
      } catch {
        precondition(error.call == "socket" && error.errno == .tooManyDescriptors)
        return
      }
      preconditionFailure("a socket without a descriptor")
    }
  }

  @Test func `a signal ends it with what is known by then`() throws {
    let silent = try FullListener()
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let target = silent.listener.local
    let open = listener.local
    let drops = silent.listener.socket.dropCount() ?? .max
    let count = SocketCount()
    let thread = OtherThread()
    let scanning = Background {
      thread.isThis()
      return try scan([[open], [target], [target]], tracer: count.tracer)
    }
    let areDropped = eventually { (silent.listener.socket.dropCount() ?? 0) >= drops + 2 }
    try #require(areDropped)
    let waits = eventually { thread.isAsleep }
    try #require(waits)
    thread.signal(SIGINT)
    let report = try scanning.value()
    #expect(report.signal == SIGINT)
    #expect(report.results.keys.sorted() == [0])
    #expect(try report.open(0).target == open)
    #expect(count.now == 0)
  }

  @Test func `a SYN that was lost is seen, and has no round trip`() throws {
    let silent = try FullListener()
    let target = silent.listener.local
    let drops = silent.listener.socket.dropCount() ?? .max
    let scanning = Background { try scan([[target]]) }
    let isDropped = eventually { (silent.listener.socket.dropCount() ?? 0) > drops }
    try #require(isDropped)
    // There is room now, and the kernel sends the SYN again after a second.
    let occupant = try accepted(by: silent.listener)
    #expect(occupant.peer == silent.occupant.local)
    let open = try scanning.value().open(0)
    #expect(open.synRetransmissions >= 1)
    #expect(open.roundTripTime == nil)
  }

  /// The peer has taken the connection and reset it before the scan comes to look: that port is open.
  @Test func `a connection that is reset at once was open`() throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let descriptor = listener.socket.descriptor.rawValue
    let tracer = CallTracer { call in
      guard call.name == "connect" else { return }
      let peer = accept(descriptor, nil, nil)
      var value = linger(l_onoff: 1, l_linger: 0)
      _ = unsafe setsockopt(
        peer, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
      _ = close(peer)
    }
    let open = try scan([[listener.local]], tracer: tracer).open(0)
    #expect(open.end == .connectionReset)
    #expect(open.roundTripTime == nil)
    #expect(open.synRetransmissions == 0)
  }

  @Test func `an own end that is not there is no outcome of the others`() throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let report = try scan([[listener.local], [listener.local]]) {
      $0.end = ClientEnd(interface: "no-such-one")
    }
    for item in 0..<2 {
      let failure = try report.failed(item)
      #expect(failure.failure == .local)
      #expect(failure.synsSent == nil)
      #expect(failure.error.errno == .noSuchDevice)
    }
  }

  @Test func `there is a pulse while nothing happens`() throws {
    let silent = try FullListener()
    let report = try scan([[silent.listener.local]]) { options in
      options.timeout = .milliseconds(200)
      options.pulse = .milliseconds(10)
    }
    #expect(report.pulses >= 2)
    #expect(try report.failed(0).elapsed >= .milliseconds(200))
  }
}

/// Listeners of a test. A class, since an array cannot own them.
private final class Listeners {
  private final class Kept {
    let listener: Listener
    init(_ listener: consuming Listener) { self.listener = listener }
  }
  private var kept: [Kept] = []
  var locals: [Endpoint] { kept.map { $0.listener.local } }
  func add(_ listener: consuming Listener) { kept.append(Kept(listener)) }
}
