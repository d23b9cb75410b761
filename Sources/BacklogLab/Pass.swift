// A pass over one queue: a listener that never accepts, clients that connect, and one look.

internal import KernelTables
public import SocketCore

extension Laboratory {
  /// Makes one pass. It takes as long as its connects, seldom more than a quarter of a second. All
  /// that it opened is closed when it returns, the listener first, which leaves no TIME_WAIT.
  ///
  /// - Parameters:
  ///   - loop: whose signals end it.
  ///   - observe: told how far it is, about every 20 ms, and once at its end.
  /// - Throws: where the limits do not allow it, the isolation that it needs is refused, or a call failed.
  public func run(
    _ plan: PassPlan, loop: inout ReadinessLoop, observe: (LabProgress) -> Void = { _ in }
  ) throws(LabError) -> LabOutcome<PassResult> {
    let place = try enter(changes: plan.changes)
    let settings = try QueueSettings.current()
    let connects = plan.connects(settings: settings)
    let resources = try FloodResources(connects: connects, isIPv6: plan.isIPv6)
    do throws(SystemCallError) {
      var pass = try Pass(
        plan, place.surroundings, settings, connects: connects, resources)
      return try pass.run(&loop, observe)
    } catch {
      throw .call(error)
    }
  }

  /// Makes several passes, as a sweep does, each in a network namespace of its own.
  ///
  /// - Parameter each: gets the result of each.
  /// - Returns: the signal that ended it early.
  public func run(
    _ plans: [PassPlan], loop: inout ReadinessLoop, observe: (LabProgress) -> Void = { _ in },
    each: (PassResult) -> Void
  ) throws(LabError) -> Int32? {
    for (index, plan) in plans.enumerated() {
      let outcome = try run(plan, loop: &loop) { progress in
        var progress = progress
        progress.number = index + 1
        progress.total = plans.count
        observe(progress)
      }
      switch outcome {
      case .done(let result): each(result)
      case .signal(let signal): return signal
      }
    }
    return nil
  }
}

/// A pass under way.
private struct Pass: ~Copyable {
  private let plan: PassPlan
  private let surroundings: Surroundings
  private let settings: QueueSettings
  private let connects: Int
  private let resources: FloodResources
  private let watch: QueueWatch
  private var clients: ClientCrowd
  private let counters: CounterSnapshot?
  private var samples: [PassSample] = []
  private var firstDrop: FirstDrop?
  /// The listener's drops that are known to be repetitions.
  private var dropsOfRepetitions = 0
  private var start = MonotonicInstant.now

  init(
    _ plan: PassPlan, _ surroundings: Surroundings, _ settings: QueueSettings, connects: Int,
    _ resources: FloodResources
  ) throws(SystemCallError) {
    self.plan = plan
    self.surroundings = surroundings
    self.settings = settings
    self.connects = connects
    self.resources = resources
    watch = try QueueWatch(backlog: plan.asked, isIPv6: plan.isIPv6)
    clients = ClientCrowd(to: watch.local, capacity: connects)
    counters = try? CounterSnapshot.read()
    samples.reserveCapacity(connects)
  }

  mutating func run(
    _ loop: inout ReadinessLoop, _ observe: (LabProgress) -> Void
  ) throws(SystemCallError) -> LabOutcome<PassResult> {
    start = .now
    if let signal = try flood(&loop, observe) { return .signal(signal) }
    let floodTime = MonotonicInstant.now - start
    var look = try self.look()
    // On loopback everything has happened when connect(2) returns, unless the machine is so busy
    // that the kernel put packets off.
    let deadline = start + Self.latestLook
    while !look.isSettled, .now < deadline {
      if case .signal(let signal) = try loop.wait(until: .now + .milliseconds(5)) {
        return .signal(signal)
      }
      look = try self.look()
    }
    observe(progress(.settling, look.readings))
    let result = result(look, floodTime)
    // The listener goes first: it resets what waits in its queue, and then no client has a FIN to send.
    watch.close()
    return .done(result)
  }

  /// Dropped SYNs are sent again after 1 s, and from then on nothing is as it was.
  private static let latestLook = Duration.milliseconds(800)
  /// How often who watches is told, and signals are looked for.
  private static let connectsPerTurn = 64
  private static let tellInterval = Duration.milliseconds(20)
  /// How often at most the SYN queue is counted. That takes the kernel a third of a millisecond, but
  /// more the more sockets the host has, in whatever network namespace.
  private static let synQueueLooks = 32
  /// No more than this part of the time is spent on it.
  private static let synQueueShare = 4

  /// - Returns: the signal that came.
  private mutating func flood(
    _ loop: inout ReadinessLoop, _ observe: (LabProgress) -> Void
  ) throws(SystemCallError) -> Int32? {
    var toldAt = start
    let lookEvery = max(1, (connects + Self.synQueueLooks - 1) / Self.synQueueLooks)
    var lookedFor = Duration.zero
    for number in 1...max(1, connects) where number <= connects {
      try clients.connect(
        from: resources.source(of: number - 1), isDeaf: plan.queue == .syn)
      // What became of its SYN is known by now: it was handed over inside connect(2).
      let queue = try watch.queue()
      let drops = watch.drops()
      let elapsed = MonotonicInstant.now - start
      if firstDrop == nil, let drops, drops > dropsOfRepetitions {
        if isSYNDropped {
          firstDrop = FirstDrop(connect: number, time: elapsed)
        } else {
          dropsOfRepetitions = drops
        }
      }
      var synQueue: Int?
      if plan.queue == .syn, number % lookEvery == 0,
        lookedFor * Self.synQueueShare <= elapsed
      {
        synQueue = watch.synQueue()
        lookedFor += .now - start - elapsed
      }
      samples.append(
        PassSample(
          connect: number, elapsed: elapsed, acceptQueue: queue.length, backlog: queue.backlog,
          drops: drops, synQueue: synQueue))
      guard number % Self.connectsPerTurn == 0 else { continue }
      let now = MonotonicInstant.now
      if case .signal(let signal) = try loop.wait(until: now) { return signal }
      if now - toldAt >= Self.tellInterval {
        toldAt = now
        observe(progress(.flood, nil))
      }
    }
    return nil
  }

  /// Whether a drop of the listener may be that of a SYN which found no room.
  ///
  /// It may also be that of a client in the SYN queue which sends its SYN again, where the flood has
  /// taken more than a second by then (tcp_check_req): that one is no ListenDrops.
  private var isSYNDropped: Bool {
    guard plan.queue == .syn, let counters, let now = try? CounterSnapshot.read(),
      let drops = now.increase(of: Observable.listenDrops.rawValue, since: counters)
    else { return true }
    return drops > 0
  }

  private func progress(_ step: LabProgress.Step, _ readings: Readings?) -> LabProgress {
    let last = samples.last
    return LabProgress(
      step: step, queue: plan.queue, connects: samples.count, planned: connects,
      elapsed: .now - start, acceptQueue: readings?[.acceptQueue] ?? last?.acceptQueue,
      acceptQueueLimit: last.map { $0.backlog + 1 },
      synQueue: readings?[.synQueue] ?? samples.last { $0.synQueue != nil }?.synQueue,
      drops: readings?[.drops] ?? last?.drops)
  }

  private func look() throws(SystemCallError) -> Look {
    var look = Look(time: .now - start)
    try watch.read(into: &look.readings)
    look.countClients(clients)
    look.readings[.firstDrop] = firstDrop?.connect
    if let counters {
      look.readings.add(countersSince: counters)
    } else {
      for counter in Observable.counters {
        look.readings.leaveOut(counter, since: "/proc/net/netstat could not be read")
      }
    }
    if plan.queue == .accept, let established = look.readings[.established],
      let known = look.readings[.acceptQueue], let half = look.readings[.synQueue]
    {
      look.readings[.ghosts] = max(0, established - known - half)
    }
    let held = plan.queue == .accept ? look.readings[.acceptQueue] : look.readings[.synQueue]
    switch plan.queue {
    case .accept:
      // Each client is in the queue, or its SYN was dropped.
      look.isSettled =
        look.readings[.established] == held
        && (look.readings[.drops].map { $0 >= look.readings[.synSent] ?? 0 } ?? true)
    case .syn: look.isSettled = look.readings[.synSent] == connects
    }
    return look
  }

  private func result(_ look: Look, _ floodTime: Duration) -> PassResult {
    let conditions = Conditions(
      asked: plan.asked, settings: settings, kernel: surroundings.kernel)
    let now = MonotonicInstant.now - start
    func repetition(ofThoseSince oldest: Duration) -> Repetition {
      Repetition(
        youngest: look.time - floodTime, oldest: now - oldest,
        linearTimeouts: settings.tcpSynLinearTimeouts ?? 0)
    }
    // The connect before it was over then.
    let beforeFirstDrop = firstDrop.map { $0.connect - 2 }.flatMap {
      samples.indices.contains($0) ? samples[$0].elapsed : nil
    }
    let ofDropped = repetition(ofThoseSince: beforeFirstDrop ?? .zero)
    func predict(_ conditions: Conditions, _ variation: String?) -> Prediction {
      var prediction =
        switch plan.queue {
        case .accept:
          QueueRules.acceptPass(conditions, connects: connects, repetition: ofDropped)
        case .syn:
          QueueRules.synPass(
            conditions, connects: connects, repetition: ofDropped,
            repetitionOfHeld: repetition(ofThoseSince: .zero))
        }
      if !surroundings.isIsolated { prediction = prediction.besideOthers() }
      prediction.variation = variation
      return prediction
    }
    let prediction = predict(conditions, nil)
    let alternatives = conditions.alternatives(isIsolated: surroundings.isIsolated)
      .map { predict($0.conditions, $0.words) }
      .filter { $0.differs(from: prediction) }
    return PassResult(
      plan: plan, surroundings: surroundings, settings: settings, listener: watch.local,
      connects: connects, sourceAddresses: resources.sourceAddresses, floodTime: floodTime,
      snapshotTime: look.time, measured: look.readings, predicted: prediction,
      alternatives: alternatives,
      comparisons: Comparisons(look.readings, prediction, alternatives: alternatives),
      firstDrop: firstDrop, otherClients: look.otherClients,
      synQueueByProc: plan.queue == .syn ? watch.synQueueByProc() : nil,
      samples: samples)
  }
}
