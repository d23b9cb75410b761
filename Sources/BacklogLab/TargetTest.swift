// Filling someone else's listener, one client after the other.

internal import KernelTables
public import SocketCore

extension Laboratory {
  /// Finds out what the queue of another program's listener holds. What was put into it stays there
  /// until the program accepts it, though our clients are gone by then.
  ///
  /// - Parameters:
  ///   - loop: whose signals end it.
  ///   - observe: told how far it is, about every 20 ms.
  /// - Throws: where the target is not allowed, or the limits do not allow that many clients.
  public func test(
    _ plan: TargetPlan, loop: inout ReadinessLoop, observe: (LabProgress) -> Void = { _ in }
  ) throws(LabError) -> LabOutcome<TargetResult> {
    try plan.check()
    // Also a remote target can have its port here.
    let isLocal = plan.target.address.isOfThisHost
    let before = isLocal ? ListenerReading.read(at: plan.target) : nil
    let room = before.flatMap { reading in
      reading.backlog.map { $0 + reading.listeners - reading.acceptQueue }
    }
    var planned = plan.count ?? room.map { min(PassPlan.mostPlanned, max(0, $0) + 32) }
    if planned == nil {
      // Nothing is known of its queue: as many as may be.
      planned = min(PassPlan.mostPlanned, FloodResources.mostClients)
    }
    let count = max(1, planned ?? 1)
    _ = try FloodResources(
      connects: count, isIPv6: plan.target.address.isIPv6, spreads: false)
    do throws(SystemCallError) {
      var test = TargetTest(plan, count: count, isLocal: isLocal, before: before)
      return try test.run(&loop, observe)
    } catch {
      throw .call(error)
    }
  }
}

extension ListenerReading {
  /// The listener that a connect to `target` reaches, if that is an address of this network namespace.
  static func read(at target: Endpoint) -> ListenerReading? {
    guard let table = try? ListenerTable.read() else { return nil }
    var index = ListenerIndex<ListenerStatus>()
    for listener in table.listeners {
      index.add(listener, listener.row, interface: listener.interface)
    }
    let reached = index.candidates(for: target)
    guard !reached.isEmpty else { return nil }
    func sum(_ value: (ListenerStatus) -> Int?) -> Int? {
      reached.reduce(0 as Int?) { total, listener in
        total.flatMap { total in value(listener).map { total + $0 } }
      }
    }
    return ListenerReading(
      acceptQueue: reached.reduce(0) { $0 + $1.row.receiveQueue },
      backlog: sum { $0.row.backlog }, drops: sum { $0.drops },
      synQueue: reached.first?.synQueue ?? 0, listeners: reached.count)
  }
}

/// A test under way.
private struct TargetTest: ~Copyable {
  private let plan: TargetPlan
  private let count: Int
  private let isLocal: Bool
  private let before: ListenerReading?
  private var crowd: ClientCrowd
  private var clients: [TargetClient] = []
  private var connected = 0
  private var connectTime = Duration.zero
  private let start = MonotonicInstant.now
  private var toldAt = MonotonicInstant.now

  init(_ plan: TargetPlan, count: Int, isLocal: Bool, before: ListenerReading?) {
    self.plan = plan
    self.count = count
    self.isLocal = isLocal
    self.before = before
    crowd = ClientCrowd(to: plan.target, capacity: count)
  }

  mutating func run(
    _ loop: inout ReadinessLoop, _ observe: (LabProgress) -> Void
  ) throws(SystemCallError) -> LabOutcome<TargetResult> {
    let step: Step
    switch plan.order {
    case .sequential: step = try sequence(&loop, observe)
    case .burst: step = try burst(&loop, observe)
    }
    let ending: TargetResult.Ending
    switch step {
    case .ended(let reached): ending = reached
    case .signal(let signal): return .signal(signal)
    }
    var acknowledged: Int?
    if plan.probesData {
      switch try probe(&loop) {
      case .done(let count): acknowledged = count
      case .signal(let signal): return .signal(signal)
      }
    }
    var look = Look(time: .now - start)
    look.countClients(crowd)
    return .done(
      TargetResult(
        plan: plan, isLocal: isLocal, planned: count, ending: ending, clients: clients,
        connected: connected, measured: look.readings, connectTime: connectTime, before: before,
        after: before == nil ? nil : ListenerReading.read(at: plan.target),
        acknowledgedProbes: acknowledged,
        unacknowledgedProbes: acknowledged.map { max(0, connected - $0) }))
  }

  private enum Step {
    case ended(TargetResult.Ending)
    case signal(Int32)
  }

  /// One more client.
  ///
  /// - Returns: the end, where it is one.
  private mutating func connect() -> TargetResult.Ending? {
    let began = MonotonicInstant.now
    do throws(SystemCallError) {
      let isUnderWay = try crowd.connect()
      clients.append(TargetClient(connect: crowd.count, began: began - start, latency: nil))
      return isUnderWay ? nil : .refused
    } catch {
      return .failed(error)
    }
  }

  private mutating func note(connected client: Int) {
    let elapsed = MonotonicInstant.now - start
    clients[client].latency = elapsed - clients[client].began
    connected += 1
    connectTime = elapsed
  }

  private mutating func tell(_ observe: (LabProgress) -> Void) {
    let now = MonotonicInstant.now
    guard now - toldAt >= .milliseconds(20) else { return }
    toldAt = now
    observe(
      LabProgress(
        step: .sequence, queue: .accept, connects: crowd.count, planned: count,
        elapsed: now - start, acceptQueue: nil,
        acceptQueueLimit: before?.backlog.map { $0 + (before?.listeners ?? 1) }))
  }

  private mutating func sequence(
    _ loop: inout ReadinessLoop, _ observe: (LabProgress) -> Void
  ) throws(SystemCallError) -> Step {
    while crowd.count < count {
      if let ending = connect() { return .ended(ending) }
      let client = crowd.count - 1
      let deadline = MonotonicInstant.now + plan.patience
      // Asked for first: on this host it is often over by now.
      waiting: while true {
        switch crowd.condition(of: client) {
        case .synSent: break
        case .refused: return .ended(.refused)
        case .timedOut: return .ended(.unanswered(connect: client + 1))
        // Also one that the server has closed by now had been connected.
        default:
          note(connected: client)
          break waiting
        }
        guard let descriptor = crowd.descriptor(of: client) else { break }
        try loop.watch(descriptor, for: .writable)
        let wakeup = try loop.wait(until: deadline)
        loop.forget(descriptor)
        switch wakeup {
        case .ready: break
        case .deadline: return .ended(.unanswered(connect: client + 1))
        case .signal(let signal): return .signal(signal)
        }
      }
      tell(observe)
      if client % 64 == 63, case .signal(let signal) = try loop.wait(until: .now) {
        return .signal(signal)
      }
    }
    return .ended(.countReached)
  }

  private mutating func burst(
    _ loop: inout ReadinessLoop, _ observe: (LabProgress) -> Void
  ) throws(SystemCallError) -> Step {
    while crowd.count < count {
      if let ending = connect() { return .ended(ending) }
      tell(observe)
      if crowd.count % 64 == 0, case .signal(let signal) = try loop.wait(until: .now) {
        return .signal(signal)
      }
    }
    let deadline = MonotonicInstant.now + plan.patience
    var waiting = Array(clients.indices)
    while true {
      waiting = waiting.filter { client in
        switch crowd.condition(of: client) {
        case .synSent: return true
        case .refused, .timedOut: return false
        default:
          note(connected: client)
          return false
        }
      }
      if waiting.isEmpty || MonotonicInstant.now >= deadline { break }
      let next = min(deadline, .now + .milliseconds(5))
      if case .signal(let signal) = try loop.wait(until: next) { return .signal(signal) }
    }
    if let first = waiting.first { return .ended(.unanswered(connect: first + 1)) }
    return .ended(connected == 0 ? .refused : .countReached)
  }

  /// Sends a byte on each connection and waits for the acknowledgements. tcpi_unacked.
  private mutating func probe(
    _ loop: inout ReadinessLoop
  ) throws(SystemCallError) -> LabOutcome<Int> {
    // The end of a line, which the protocols that are text ignore between requests.
    var waiting = clients.indices.filter { client in
      clients[client].latency != nil && crowd.send([UInt8(ascii: "\n")], client: client)
    }
    let sent = waiting.count
    let deadline = MonotonicInstant.now + plan.patience
    while true {
      waiting = waiting.filter { crowd.info(of: $0)?.unacknowledgedSegments != 0 }
      if waiting.isEmpty || MonotonicInstant.now >= deadline { break }
      let next = min(deadline, .now + .milliseconds(5))
      if case .signal(let signal) = try loop.wait(until: next) { return .signal(signal) }
    }
    return .done(sent - waiting.count)
  }
}
