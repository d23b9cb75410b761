// The traffic itself: one thread is all clients and the server.

internal import Glibc
internal import KernelTables
public import SocketCore

extension Laboratory {
  /// Lets clients come and a slow server accept them.
  ///
  /// - Parameters:
  ///   - loop: whose signals end it; the result is then of the time until that.
  ///   - observe: told how far it is, about every 20 ms.
  /// - Throws: where the plan is out of bounds, the limits do not allow it, or a call failed.
  public func run(
    _ plan: TrafficPlan, loop: inout ReadinessLoop, observe: (LabProgress) -> Void = { _ in }
  ) throws(LabError) -> LabOutcome<TrafficResult> {
    try plan.check()
    let place = try enter(changes: plan.changes)
    let settings = try QueueSettings.current()
    let resources = try FloodResources(connects: plan.arrivals, isIPv6: plan.isIPv6)
    do throws(SystemCallError) {
      var run = try TrafficRun(plan, place.surroundings, settings, resources)
      return try run.run(&loop, observe)
    } catch {
      throw .call(error)
    }
  }
}

/// Traffic under way.
private struct TrafficRun: ~Copyable {
  private let plan: TrafficPlan
  private let surroundings: Surroundings
  private let settings: QueueSettings
  private let resources: FloodResources
  private let watch: QueueWatch
  private let counters: CounterSnapshot?
  private var crowd: ClientCrowd
  private var clients: [TrafficClient] = []
  /// Which client has an own end.
  private var byEnd: [Endpoint: Int] = [:]
  /// Which client a watched descriptor is.
  private var waiting: [Int32: Int] = [:]
  private var samples: [TrafficSample] = []
  private var established = 0
  private var accepted = 0
  private var firstDrop: FirstDrop?
  private var start = MonotonicInstant.now
  private var lookedFor = Duration.zero
  private var lateTurns = 0

  private static let sampleInterval = Duration.milliseconds(10)
  private static let tellInterval = Duration.milliseconds(20)
  /// No more than this part of the time is spent on counting the SYN queue.
  private static let synQueueShare = 10
  /// At most so many of each in one turn, so that a machine that is too slow still looks on.
  private static let mostPerTurn = 256

  init(
    _ plan: TrafficPlan, _ surroundings: Surroundings, _ settings: QueueSettings,
    _ resources: FloodResources
  ) throws(SystemCallError) {
    self.plan = plan
    self.surroundings = surroundings
    self.settings = settings
    self.resources = resources
    watch = try QueueWatch(backlog: plan.asked, isIPv6: plan.isIPv6)
    crowd = ClientCrowd(to: watch.local, capacity: plan.arrivals)
    counters = try? CounterSnapshot.read()
  }

  mutating func run(
    _ loop: inout ReadinessLoop, _ observe: (LabProgress) -> Void
  ) throws(SystemCallError) -> LabOutcome<TrafficResult> {
    start = .now
    let end = start + plan.duration
    var toldAt = start
    var nextSample = start
    // When the acceptor is done with the connection before.
    var acceptorFree = start
    var signal: Int32?
    while signal == nil, .now < end {
      let now = MonotonicInstant.now
      try letArrive(until: now, &loop)
      let isIdle = try accept(until: now, &acceptorFree, &loop)
      if now >= nextSample {
        try sample()
        nextSample = now + Self.sampleInterval
      }
      if now - toldAt >= Self.tellInterval {
        toldAt = now
        observe(progress)
      }
      var next = min(end, nextSample)
      if let arrival = arrival(crowd.count) { next = min(next, arrival) }
      if !isIdle { next = min(next, acceptorFree) }
      if now - next > .milliseconds(50) { lateTurns += 1 }
      switch try loop.wait(until: next) {
      case .signal(let number): signal = number
      case .ready: noteConnected(&loop)
      case .deadline: break
      }
    }
    try sample()
    observe(progress)
    var result = try result()
    result.processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    result.signal = signal
    for descriptor in waiting.keys { loop.forget(descriptor) }
    watch.close()
    return .done(result)
  }

  /// When a client comes, counted from 0; nil after the last one.
  private func arrival(_ number: Int) -> MonotonicInstant? {
    guard number < plan.arrivals else { return nil }
    return start + .nanoseconds(Int64(Double(number) / plan.arrivalRate * 1e9))
  }

  private mutating func letArrive(
    until now: MonotonicInstant, _ loop: inout ReadinessLoop
  ) throws(SystemCallError) {
    var inThisTurn = 0
    while let due = arrival(crowd.count), due <= now, inThisTurn < Self.mostPerTurn {
      inThisTurn += 1
      let number = crowd.count
      let began = MonotonicInstant.now
      try crowd.connect(from: resources.source(of: number))
      var client = TrafficClient(arrived: began - start, outcome: .waiting)
      if let end = crowd.local(of: number) { byEnd[end] = number }
      switch crowd.condition(of: number) {
      case .synSent:
        if let descriptor = crowd.descriptor(of: number) {
          waiting[descriptor] = number
          try loop.watch(descriptor, for: .writable)
        }
      case .refused: client.outcome = .refused
      default:
        client.latency = .now - began
        established += 1
      }
      clients.append(client)
      if firstDrop == nil, let drops = watch.drops(), drops > 0 {
        firstDrop = FirstDrop(connect: number + 1, time: .now - start)
        // How full that SYN found the queue: before this turn ends the server may take some, where this
        // process was held up and has much to catch up with.
        try sample()
      }
    }
  }

  /// Takes what the server has come to by now.
  ///
  /// - Returns: whether it would take one more if there were one.
  private mutating func accept(
    until now: MonotonicInstant, _ free: inout MonotonicInstant, _ loop: inout ReadinessLoop
  ) throws(SystemCallError) -> Bool {
    guard plan.acceptRate > 0 else { return true }
    let work = Duration.nanoseconds(Int64(1e9 / plan.acceptRate))
    var inThisTurn = 0
    while free <= now, inThisTurn < Self.mostPerTurn {
      inThisTurn += 1
      guard let taken = try takeConnection(&loop) else {
        // Nothing to do: it takes the next one as it comes.
        free = now
        return true
      }
      if taken { free = free + work }
    }
    return false
  }

  /// - Returns: nil where none waits; false for one that was gone by then.
  private mutating func takeConnection(_ loop: inout ReadinessLoop) throws(SystemCallError) -> Bool?
  {
    guard try watch.queue().length > 0 else { return nil }
    guard let connection = try watch.open?.accept() else { return false }
    let peer = connection.peer
    // Served and done: neither end stays in TIME_WAIT.
    try? connection.socket.resetOnClose()
    accepted += 1
    guard let client = byEnd.removeValue(forKey: peer) else { return true }
    let sinceArrival = MonotonicInstant.now - start - clients[client].arrived
    clients[client].acceptedAfter = sinceArrival
    clients[client].outcome = .accepted
    if clients[client].latency == nil { clients[client].latency = sinceArrival }
    if let descriptor = crowd.descriptor(of: client), waiting.removeValue(forKey: descriptor) != nil
    {
      loop.forget(descriptor)
    } else {
      established -= 1
    }
    crowd.close(client: client)
    return true
  }

  /// Notes those clients whose handshake is over, after all.
  private mutating func noteConnected(_ loop: inout ReadinessLoop) {
    for descriptor in loop.readyDescriptors {
      guard let client = waiting[descriptor] else { continue }
      switch crowd.condition(of: client) {
      case .synSent: continue
      case .established:
        clients[client].latency = .now - start - clients[client].arrived
        established += 1
      case .reset: clients[client].outcome = .reset
      case .refused: clients[client].outcome = .refused
      case .timedOut: clients[client].outcome = .timedOut
      case .other: clients[client].outcome = .other
      }
      waiting[descriptor] = nil
      loop.forget(descriptor)
    }
  }

  private mutating func sample() throws(SystemCallError) {
    let queue = try watch.queue()
    let elapsed = MonotonicInstant.now - start
    var synQueue: Int?
    if lookedFor * Self.synQueueShare <= elapsed {
      synQueue = watch.synQueue()
      lookedFor += .now - start - elapsed
    }
    samples.append(
      TrafficSample(
        elapsed: elapsed, connects: crowd.count, accepted: accepted, acceptQueue: queue.length,
        backlog: queue.backlog, drops: watch.drops(), waiting: waiting.count, synQueue: synQueue,
        ghosts: synQueue.map { max(0, established - queue.length - $0) }))
  }

  private var progress: LabProgress {
    let last = samples.last
    return LabProgress(
      step: .traffic, queue: .accept, connects: crowd.count, planned: plan.arrivals,
      elapsed: .now - start, acceptQueue: last?.acceptQueue,
      acceptQueueLimit: last.map { $0.backlog + 1 }, synQueue: last?.synQueue, drops: last?.drops)
  }

  /// Classifies the clients that are still there by what the server's side has of them.
  private mutating func classify() {
    var queued: Set<Endpoint> = []
    var halfOpen: Set<Endpoint> = []
    let port = watch.local.port
    let states: Set<TCPState> = [.established, .closeWait, .synReceived]
    let walked = try? SocketTable.forEachRow(in: states) { row in
      guard row.local.port == port, row.peer.port != port || row.inode == 0 else { return }
      if row.state == .synReceived {
        halfOpen.insert(row.peer.unmapped)
      } else {
        queued.insert(row.peer.unmapped)
      }
    }
    for client in clients.indices where clients[client].outcome == .waiting {
      switch crowd.condition(of: client) {
      case .synSent: break
      case .established:
        guard walked != nil, let end = crowd.local(of: client) else {
          clients[client].outcome = .other
          continue
        }
        clients[client].outcome =
          queued.contains(end) ? .queued : halfOpen.contains(end) ? .stuck : .ghost
      case .reset: clients[client].outcome = .reset
      case .refused: clients[client].outcome = .refused
      case .timedOut: clients[client].outcome = .timedOut
      case .other: clients[client].outcome = .other
      }
    }
  }

  private mutating func result() throws(SystemCallError) -> TrafficResult {
    var measured = Readings()
    try watch.read(into: &measured)
    if let counters { measured.add(countersSince: counters) }
    classify()
    func count(_ outcomes: TrafficClient.Outcome...) -> Int {
      clients.count { outcomes.contains($0.outcome) }
    }
    measured[.established] = count(.queued, .stuck, .ghost)
    measured[.synSent] = count(.waiting)
    measured[.ghosts] = count(.ghost)
    measured[.reset] = count(.reset)
    measured[.refused] = count(.refused)
    measured[.timedOut] = count(.timedOut)
    measured[.firstDrop] = firstDrop?.connect
    return TrafficResult(
      plan: plan, surroundings: surroundings, settings: settings, listener: watch.local,
      backlog: measured[.effectiveBacklog] ?? 0, samples: samples, clients: clients,
      firstDrop: firstDrop, measured: measured, duration: .now - start, lateTurns: lateTurns)
  }
}
