// That only a new listen(2) applies a new net.core.somaxconn.

internal import KernelTables
public import SocketCore

/// A listener whose net.core.somaxconn is changed under it.
public struct RelistenPlan: Hashable, Sendable {
  /// The backlog for both calls of listen(2), as it is.
  public var asked: Int32
  /// What net.core.somaxconn becomes in between.
  public var somaxconn: Int
  public var isIPv6 = false
  /// What is set before the first.
  public var changes: [SettingChange] = []

  public init(asked: Int32, somaxconn: Int) {
    self.asked = asked
    self.somaxconn = somaxconn
  }
}

/// One look at the listener, after clients have tried to fill it.
public struct RelistenStage: Sendable {
  /// What a stage comes behind.
  public enum Event: String, CaseIterable, Hashable, Sendable {
    case listened
    case settingChanged = "setting_changed"
    case listenedAgain = "listened_again"
  }

  /// What had been done before.
  public var event: Event
  /// net.core.somaxconn at that time.
  public var somaxconn: Int
  /// Clients so far.
  public var connects: Int
  public var measured: Readings
  public var predicted: Prediction
  public var comparisons: Comparisons
}

/// What was measured at each stage, and what was predicted.
public struct RelistenResult: Sendable {
  public var plan: RelistenPlan
  public var surroundings: Surroundings
  /// As they were when listen(2) was called first.
  public var settings: QueueSettings
  public var listener: Endpoint
  /// One for each event.
  public var stages: [RelistenStage]

  public var match: Bool { stages.allSatisfy(\.comparisons.match) }
}

extension Laboratory {
  /// Listens, changes net.core.somaxconn, and listens again, with clients after each step. In a private
  /// network namespace alone.
  ///
  /// - Throws: where there is none, the limits do not allow it, or a call failed.
  public func run(
    _ plan: RelistenPlan, loop: inout ReadinessLoop, observe: (LabProgress) -> Void = { _ in }
  ) throws(LabError) -> LabOutcome<RelistenResult> {
    let place = try enter(changes: plan.changes, needs: "--relisten")
    let settings = try QueueSettings.current()
    let first = QueueRules.effectiveBacklog(asked: plan.asked, somaxconn: settings.somaxconn)
    let second = QueueRules.effectiveBacklog(asked: plan.asked, somaxconn: plan.somaxconn)
    let most = QueueRules.acceptQueueCapacity(backlog: max(first, second))
    _ = try FloodResources(
      connects: most + RelistenRun.beyond * 3, isIPv6: plan.isIPv6, spreads: false)
    var run = try RelistenRun(plan, settings)
    for event in RelistenStage.Event.allCases {
      if event == .settingChanged {
        try SettingChange(.somaxconn, "\(plan.somaxconn)").apply()
      }
      do throws(SystemCallError) {
        let backlog = event == .listenedAgain ? second : first
        if let signal = try run.stage(event, backlog, &loop, observe) { return .signal(signal) }
      } catch {
        throw .call(error)
      }
    }
    return .done(
      RelistenResult(
        plan: plan, surroundings: place.surroundings, settings: settings,
        listener: run.watch.local, stages: run.finish()))
  }
}

/// The listener and its clients.
private struct RelistenRun: ~Copyable {
  let watch: QueueWatch
  private let plan: RelistenPlan
  private let before: Int
  private var crowd: ClientCrowd
  private var stages: [RelistenStage] = []
  private let start = MonotonicInstant.now

  /// Clients beyond what the queue should hold, at each step.
  static let beyond = 8

  init(_ plan: RelistenPlan, _ settings: QueueSettings) throws(LabError) {
    do throws(SystemCallError) {
      watch = try QueueWatch(backlog: plan.asked, isIPv6: plan.isIPv6)
    } catch {
      throw .call(error)
    }
    self.plan = plan
    before = settings.somaxconn
    crowd = ClientCrowd(to: watch.local)
  }

  /// - Parameter backlog: what should be in force by now.
  /// - Returns: the signal that came.
  mutating func stage(
    _ event: RelistenStage.Event, _ backlog: Int, _ loop: inout ReadinessLoop,
    _ observe: (LabProgress) -> Void
  ) throws(SystemCallError) -> Int32? {
    if event == .listenedAgain { try watch.open?.relisten(backlog: plan.asked) }
    let capacity = QueueRules.acceptQueueCapacity(backlog: backlog)
    let length = try watch.queue().length
    let dropsBefore = watch.drops()
    let more = max(0, capacity - length) + Self.beyond
    for number in 1...more {
      try crowd.connect()
      if number % 64 == 0, case .signal(let signal) = try loop.wait(until: .now) { return signal }
    }
    var look = Look(time: .now - start)
    try watch.read(into: &look.readings)
    look.countClients(crowd)
    look.readings[.drops] = dropsBefore.flatMap { before in watch.drops().map { $0 - before } }
    var prediction = Prediction()
    // A queue that is longer than a new limit stays as it is (__inet_listen_sk).
    let held = max(length, capacity)
    prediction[.effectiveBacklog] = .exactly(backlog)
    prediction[.acceptQueue] = .exactly(held)
    prediction[.established] = .exactly(held)
    prediction[.synSent] = .exactly(crowd.count - held)
    // Those that were dropped before may have come again, on a slow machine.
    prediction[.drops] = PredictedRange(
      Self.beyond, look.time < .milliseconds(900) ? Self.beyond : nil)
    stages.append(
      RelistenStage(
        event: event, somaxconn: event == .listened ? before : plan.somaxconn,
        connects: crowd.count, measured: look.readings, predicted: prediction,
        comparisons: Comparisons(look.readings, prediction, alternatives: [])))
    observe(
      LabProgress(
        step: .flood, queue: .accept, number: stages.count,
        total: RelistenStage.Event.allCases.count, connects: crowd.count, planned: nil,
        elapsed: look.time, acceptQueue: look.readings[.acceptQueue],
        acceptQueueLimit: capacity, drops: watch.drops()))
    return nil
  }

  /// Closes the listener, which resets its queue, before the clients.
  mutating func finish() -> [RelistenStage] {
    watch.close()
    return stages
  }
}
