// Listeners that share a port (SO_REUSEPORT): how much of their capacity cannot be used.

internal import Glibc
internal import KernelTables
public import SocketCore

/// Several own listeners on one port.
public struct PortGroupPlan: Hashable, Sendable {
  /// The backlog of each, as it is.
  public var asked: Int32
  public var listeners: Int
  /// How many clients; nil for as many as all queues hold, and an eighth or 32 more.
  public var count: Int?
  public var isIPv6 = false
  public var changes: [SettingChange] = []

  public init(asked: Int32, listeners: Int) {
    self.asked = asked
    self.listeners = listeners
  }

  public static let mostListeners = 1_024
}

/// One listener of the group.
public struct PortGroupMember: Hashable, Sendable {
  public var acceptQueue: Int
  public var backlog: Int
  /// Nil where the kernel does not tell.
  public var drops: Int?
}

/// What was measured of listeners that share a port, and what was predicted.
public struct PortGroupResult: Sendable {
  public var plan: PortGroupPlan
  public var surroundings: Surroundings
  public var settings: QueueSettings
  public var listener: Endpoint
  public var connects: Int
  public var floodTime: Duration
  public var members: [PortGroupMember]
  /// Of all together: the accept queue and the drops are sums.
  public var measured: Readings
  public var predicted: Prediction
  public var comparisons: Comparisons
  /// How many connections all queues together have room for.
  public var capacity: Int
  /// How many of so many clients find room on average, where chance (a hash of the 4-tuple,
  /// reuseport_select_sock) spreads them.
  public var expectedHeld: Double

  /// Places that stayed empty though clients were turned away: each client has one listener, that of
  /// its hash, and finds it again with every SYN.
  public var unusable: Int? {
    guard let held = measured[.acceptQueue], let waiting = measured[.synSent], waiting > 0 else {
      return nil
    }
    return min(waiting, capacity - held)
  }

  public var match: Bool { comparisons.match }
}

extension QueueRules {
  /// How many of `connects` clients find room on average, where each goes to one of `listeners` by
  /// chance and each of these holds `capacity`.
  static func expectedHeld(connects: Int, listeners: Int, capacity: Int) -> Double {
    guard listeners > 1 else { return Double(min(connects, capacity)) }
    let share = 1 / Double(listeners)
    // The mean of min(X, capacity) is the sum of P(X > k) over all k below the capacity.
    var below = 0.0
    var mean = 0.0
    for k in 0..<min(capacity, connects) {
      below += exp(logBinomial(connects, k, share))
      mean += max(0, 1 - below)
    }
    return mean * Double(listeners)
  }

  /// The logarithm of the probability of k successes in n.
  private static func logBinomial(_ n: Int, _ k: Int, _ p: Double) -> Double {
    func logFactorial(_ number: Int) -> Double { lgamma(Double(number) + 1) }
    return logFactorial(n) - logFactorial(k) - logFactorial(n - k) + Double(k) * log(p)
      + Double(n - k) * log1p(-p)
  }
}

extension Laboratory {
  /// Fills the queues of listeners that share a port.
  ///
  /// - Throws: where the limits do not allow it, or a call failed.
  public func run(
    _ plan: PortGroupPlan, loop: inout ReadinessLoop, observe: (LabProgress) -> Void = { _ in }
  ) throws(LabError) -> LabOutcome<PortGroupResult> {
    guard (1...PortGroupPlan.mostListeners).contains(plan.listeners) else {
      throw .outOfRange(
        what: "the number of listeners", value: plan.listeners,
        allowed: 1...PortGroupPlan.mostListeners)
    }
    let place = try enter(changes: plan.changes)
    let settings = try QueueSettings.current()
    let backlog = QueueRules.effectiveBacklog(asked: plan.asked, somaxconn: settings.somaxconn)
    let each = QueueRules.acceptQueueCapacity(backlog: backlog)
    let capacity = each * plan.listeners
    let connects = plan.count ?? min(PassPlan.mostPlanned, capacity + max(32, capacity / 8))
    let resources = try FloodResources(
      connects: connects, isIPv6: plan.isIPv6, listeners: plan.listeners)
    do throws(SystemCallError) {
      var run = try PortGroupRun(plan)
      if let signal = try run.flood(connects, resources, &loop, observe) { return .signal(signal) }
      return .done(
        try run.result(
          place.surroundings, settings, backlog: backlog, capacity: capacity, each: each))
    } catch {
      throw .call(error)
    }
  }
}

private struct PortGroupRun: ~Copyable {
  private let plan: PortGroupPlan
  private let group: [QueueWatch]
  private let counters: CounterSnapshot?
  private var crowd: ClientCrowd
  private let start: MonotonicInstant
  private var floodTime = Duration.zero

  init(_ plan: PortGroupPlan) throws(SystemCallError) {
    self.plan = plan
    let first = try QueueWatch(backlog: plan.asked, isIPv6: plan.isIPv6, sharesPort: true)
    var group = [first]
    while group.count < plan.listeners {
      group.append(
        try QueueWatch(
          backlog: plan.asked, isIPv6: plan.isIPv6, port: first.local.port, sharesPort: true))
    }
    self.group = group
    crowd = ClientCrowd(to: first.local)
    counters = try? CounterSnapshot.read()
    start = .now
  }

  mutating func flood(
    _ connects: Int, _ resources: FloodResources, _ loop: inout ReadinessLoop,
    _ observe: (LabProgress) -> Void
  ) throws(SystemCallError) -> Int32? {
    var toldAt = start
    while crowd.count < connects {
      try crowd.connect(from: resources.source(of: crowd.count))
      guard crowd.count % 64 == 0 else { continue }
      let now = MonotonicInstant.now
      if case .signal(let signal) = try loop.wait(until: now) { return signal }
      if now - toldAt >= .milliseconds(20) {
        toldAt = now
        observe(
          LabProgress(
            step: .flood, queue: .accept, connects: crowd.count, planned: connects,
            elapsed: now - start))
      }
    }
    floodTime = .now - start
    return nil
  }

  mutating func result(
    _ surroundings: Surroundings, _ settings: QueueSettings, backlog: Int, capacity: Int, each: Int
  ) throws(SystemCallError) -> PortGroupResult {
    var members: [PortGroupMember] = []
    for watch in group {
      let queue = try watch.queue()
      members.append(
        PortGroupMember(
          acceptQueue: queue.length, backlog: queue.backlog, drops: watch.drops()))
    }
    var look = Look(time: .now - start)
    look.countClients(crowd)
    let held = members.reduce(0) { $0 + $1.acceptQueue }
    look.readings[.effectiveBacklog] = members.first?.backlog
    look.readings[.acceptQueue] = held
    look.readings[.synQueue] = group.first?.synQueue()
    look.readings[.drops] = members.reduce(0 as Int?) { sum, member in
      sum.flatMap { sum in member.drops.map { sum + $0 } }
    }
    if let counters { look.readings.add(countersSince: counters) }
    let connects = crowd.count
    var prediction = Prediction()
    prediction[.effectiveBacklog] = .exactly(backlog)
    // At best all queues are filled, and at worst all clients have the hash of one listener.
    let most = min(connects, capacity)
    prediction[.acceptQueue] = PredictedRange(min(connects, each), most)
    prediction[.established] = .exactly(held)
    prediction[.synSent] = .exactly(connects - held)
    prediction[.synQueue] = .exactly(0)
    let isEarly = look.time < .milliseconds(900)
    prediction[.drops] = PredictedRange(connects - held, isEarly ? connects - held : nil)
    let result = PortGroupResult(
      plan: plan, surroundings: surroundings, settings: settings, listener: crowd.target,
      connects: connects, floodTime: floodTime, members: members, measured: look.readings,
      predicted: prediction,
      comparisons: Comparisons(look.readings, prediction, alternatives: []), capacity: capacity,
      expectedHeld: QueueRules.expectedHeld(
        connects: connects, listeners: group.count, capacity: each))
    for watch in group { watch.close() }
    return result
  }
}
