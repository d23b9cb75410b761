// Handshakes whose last ACK meets a full accept queue: what tcp_abort_on_overflow is about.

internal import KernelTables
public import SocketCore

/// Clients that send their SYN while there is room and hear the answer when there is room for one.
public struct LateACKPlan: Hashable, Sendable {
  /// The backlog for listen(2), as it is.
  public var asked: Int32
  /// How many such clients; no more than the SYN queue holds.
  public var lateACKs: Int
  public var isIPv6 = false
  public var changes: [SettingChange] = []

  public init(asked: Int32, lateACKs: Int) {
    self.asked = asked
    self.lateACKs = lateACKs
  }
}

/// What became of last ACKs that came too late, and what was predicted.
public struct LateACKResult: Sendable {
  public var plan: LateACKPlan
  public var surroundings: Surroundings
  public var settings: QueueSettings
  public var listener: Endpoint
  /// Connections that filled the queue up to one place before.
  public var queued: Int
  /// How long it took until the late clients had their answer.
  public var waited: Duration
  public var measured: Readings
  public var predicted: Prediction
  public var comparisons: Comparisons
  /// Late clients in no state that is to be expected.
  public var otherClients: Int

  /// Last ACKs that found the queue full, by the prediction: one late client gets the last place.
  public var late: Int { max(0, plan.lateACKs - 1) }
  public var match: Bool { comparisons.match && otherClients == 0 }
}

extension QueueRules {
  /// The prediction for clients whose SYN-ACK was lost at first, so that both ends send again: an
  /// answer that comes twice is acknowledged twice, and each time the queue is full.
  static func lateACKs(_ conditions: Conditions, queued: Int, late: Int) -> Prediction? {
    guard var prediction = inFlight(conditions, queued: queued, inFlight: late),
      let stuck = prediction[.listenOverflows]?.least
    else { return nil }
    // With tcp_abort_on_overflow 1 the first one ends it.
    let times = conditions.settings.tcpAbortOnOverflow == 0 ? mostAnswers : 1
    prediction[.listenOverflows] = PredictedRange(stuck, stuck * times)
    prediction[.listenDrops] = PredictedRange(stuck, stuck * times)
    // A repeated SYN of a handshake that is known is a drop of its own here (tcp_check_req), and
    // each last ACK counts twice.
    prediction[.drops] = PredictedRange(2 * stuck, 2 * stuck * times + mostAnswers * late)
    return prediction
  }

  /// The first SYN-ACK that is heard, one more for the client's own repetition, and one in reserve.
  private static let mostAnswers = 3
}

extension Laboratory {
  /// Lets last ACKs come late. It takes a little more than the second after which a SYN-ACK is sent again.
  ///
  /// - Throws: where so many handshakes cannot wait, the limits do not allow it, or a call failed.
  public func run(
    _ plan: LateACKPlan, loop: inout ReadinessLoop, observe: (LabProgress) -> Void = { _ in }
  ) throws(LabError) -> LabOutcome<LateACKResult> {
    let place = try enter(changes: plan.changes)
    let settings = try QueueSettings.current()
    let conditions = Conditions(
      asked: plan.asked, settings: settings, kernel: place.surroundings.kernel)
    // The one less of older kernels, so that it is within the limit by either rule.
    let most = (conditions.synQueueCapacity ?? 0) - conditions.placesBeyondBacklog
    guard most >= 1 else { throw .noLateACKs(settings) }
    guard (1...most).contains(plan.lateACKs) else {
      throw .outOfRange(what: "the number of late ACKs", value: plan.lateACKs, allowed: 1...most)
    }
    let queued = conditions.acceptQueueCapacity - 1
    let resources = try FloodResources(
      connects: queued + plan.lateACKs, isIPv6: plan.isIPv6)
    do throws(SystemCallError) {
      var run = try LateACKRun(plan, resources, queued: queued)
      return try run.run(place.surroundings, conditions, &loop, observe)
    } catch {
      throw .call(error)
    }
  }
}

private struct LateACKRun: ~Copyable {
  private let plan: LateACKPlan
  private let resources: FloodResources
  private let queued: Int
  private let watch: QueueWatch
  private let counters: CounterSnapshot?
  private var crowd: ClientCrowd
  private let start: MonotonicInstant

  /// When all late clients should have their answer at last: the second of them, after 3 s, would be in time.
  private static let patience = Duration.seconds(5)

  init(
    _ plan: LateACKPlan, _ resources: FloodResources, queued: Int
  ) throws(SystemCallError) {
    self.plan = plan
    self.resources = resources
    self.queued = queued
    watch = try QueueWatch(backlog: plan.asked, isIPv6: plan.isIPv6)
    counters = try? CounterSnapshot.read()
    crowd = ClientCrowd(to: watch.local, capacity: queued + plan.lateACKs)
    start = .now
  }

  mutating func run(
    _ surroundings: Surroundings, _ conditions: Conditions, _ loop: inout ReadinessLoop,
    _ observe: (LabProgress) -> Void
  ) throws(SystemCallError) -> LabOutcome<LateACKResult> {
    for number in 0..<(queued + plan.lateACKs) {
      try crowd.connect(from: resources.source(of: number), isDeaf: number >= queued)
      if number % 64 == 63, case .signal(let signal) = try loop.wait(until: .now) {
        return .signal(signal)
      }
    }
    let late = queued..<crowd.count
    for client in late { try crowd.setDeaf(false, client: client) }
    let lifted = MonotonicInstant.now
    let deadline = lifted + Self.patience
    var waiting = Array(late)
    while !waiting.isEmpty, .now < deadline {
      observe(progress)
      if case .signal(let signal) = try loop.wait(until: .now + .milliseconds(5)) {
        return .signal(signal)
      }
      waiting = waiting.filter { crowd.info(of: $0)?.state == .synSent }
    }
    var look = Look(time: .now - lifted)
    try watch.read(into: &look.readings)
    look.countClients(crowd)
    if let counters { look.readings.add(countersSince: counters) }
    if let known = look.readings[.acceptQueue], let half = look.readings[.synQueue],
      let established = look.readings[.established]
    {
      look.readings[.ghosts] = max(0, established - known - half)
    }
    var prediction =
      QueueRules.lateACKs(conditions, queued: queued, late: plan.lateACKs) ?? Prediction()
    if !surroundings.isIsolated { prediction = prediction.besideOthers() }
    observe(progress)
    let result = LateACKResult(
      plan: plan, surroundings: surroundings, settings: conditions.settings,
      listener: watch.local, queued: queued, waited: look.time, measured: look.readings,
      predicted: prediction,
      comparisons: Comparisons(look.readings, prediction, alternatives: []),
      otherClients: look.otherClients)
    watch.close()
    return .done(result)
  }

  private var progress: LabProgress {
    let queue = try? watch.queue()
    return LabProgress(
      step: .settling, queue: .syn, connects: crowd.count, planned: queued + plan.lateACKs,
      elapsed: .now - start, acceptQueue: queue?.length,
      acceptQueueLimit: queue.map { $0.backlog + 1 }, drops: watch.drops())
  }
}
