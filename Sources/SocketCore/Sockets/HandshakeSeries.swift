// Repeated handshakes with one host: when each begins, and what came of it.

/// One handshake of a series: the whole race of the host's addresses.
public struct HandshakeRound: Sendable {
  /// What came of it.
  public enum Outcome: Sendable {
    case connected(MeasuredHandshake)
    /// The attempt that got farthest, which says most about the host.
    case failed(FailedAttempt)
  }

  /// From 1 on, without gaps.
  public var number: Int
  /// Since the series began.
  public var began: Duration
  public var outcome: Outcome
  /// Every attempt that failed, also where another address was connected in the end.
  public var failures: [FailedAttempt]

  public init(
    number: Int, began: Duration, outcome: Outcome, failures: [FailedAttempt] = []
  ) {
    self.number = number
    self.began = began
    self.outcome = outcome
    self.failures = failures
  }

  /// The SYNs of all attempts that came to an end by themselves. An attempt that was given up since
  /// another address was faster is none: its SYNs may have been answered a moment later.
  public var synsSent: Int {
    failures.reduce(connected?.synsSent ?? 0) { $0 + $1.leastSynsSent }
  }

  /// How many of these were not answered in time: before the next one, or before the timeout. RST and
  /// ICMP are answers. SYNs and SYN-ACKs lost on the way and SYNs that a full queue dropped look the same.
  public var synsUnanswered: Int {
    failures.reduce((connected?.synsSent ?? 1) - 1) { sum, failed in
      let answered = failed.failure == .noAnswer || failed.leastSynsSent == 0 ? 0 : 1
      return sum + failed.leastSynsSent - answered
    }
  }

  /// How many of these were sent again.
  public var synRetransmissions: Int {
    failures.reduce((connected?.synsSent ?? 1) - 1) { $0 + max(0, $1.leastSynsSent - 1) }
  }

  /// Nil where it failed.
  public var connected: MeasuredHandshake? {
    if case .connected(let measured) = outcome { measured } else { nil }
  }
}

extension FailedAttempt {
  /// At least so many: where connect(2) itself said “refused”, the RST of the own host had answered
  /// a SYN before it returned.
  fileprivate var leastSynsSent: Int { synsSent ?? (failure >= .refused ? 1 : 0) }
}

/// What is left of a connection that was made and closed.
public struct MeasuredHandshake: Hashable, Sendable {
  public var local: Endpoint
  public var peer: Endpoint
  /// From connect(2) to the SYN-ACK having been seen by this program.
  public var time: Duration
  /// The kernel's own measurement; nil where the SYN was sent more than once, and where it has none.
  public var roundTripTime: Duration?
  /// At least 1.
  public var synsSent: Int

  public init(
    local: Endpoint, peer: Endpoint, time: Duration, roundTripTime: Duration?, synsSent: Int
  ) {
    self.local = local
    self.peer = peer
    self.time = time
    self.roundTripTime = roundTripTime
    self.synsSent = synsSent
  }
}

/// When something that repeats begins: at fixed instants, so that delays do not add up.
///
/// What takes longer than the interval is neither interrupted nor made up for. Whatever ticks pass
/// meanwhile are left out and counted, and it goes on at the next one: a peer that was slow is not
/// met with a burst, and two never run at once.
public struct Ticks: Sendable {
  private let start: MonotonicInstant
  private let interval: Int64
  private var index: Int64 = 0
  /// The ticks that were left out so far.
  public private(set) var missed = 0

  /// - Parameter interval: at least a nanosecond.
  public init(from start: MonotonicInstant, every interval: Duration) {
    self.start = start
    self.interval = max(1, interval.nanoseconds)
  }

  /// The tick that is due, the first one at the start.
  public var due: MonotonicInstant {
    let (offset, overflow) = index.multipliedReportingOverflow(by: interval)
    return start + .nanoseconds(overflow ? .max : offset)
  }

  /// Goes on to the first tick that is not before `now`, and not the one that was due.
  public mutating func advance(past now: MonotonicInstant) {
    let elapsed = (now - start).nanoseconds
    let reached = elapsed <= 0 ? 0 : (elapsed - 1) / interval + 1
    let next = max(index + 1, reached)
    missed += Int(next - index - 1)
    index = next
  }
}

/// Handshakes with one host, one after another. Each connection is closed as soon as it is there:
/// with a FIN, or, where the peer has sent something by then, with an RST.
public struct HandshakeSeries: Sendable {
  /// What is to be done.
  public struct Plan: Sendable {
    /// The addresses of the host, at least one. They race anew each time.
    public var targets: [Endpoint]
    /// How many handshakes; nil for no end.
    public var count: Int?
    /// From one beginning to the next.
    public var interval: Duration
    /// The longest time for one handshake, all addresses together.
    public var timeout: Duration
    public var race: Connector.Options

    public init(
      targets: [Endpoint], count: Int? = nil, interval: Duration, timeout: Duration,
      race: Connector.Options = Connector.Options()
    ) {
      self.targets = targets
      self.count = count
      self.interval = interval
      self.timeout = timeout
      self.race = race
    }
  }

  /// What came of one handshake.
  public enum Step: Sendable {
    case round(HandshakeRound)
    /// A signal came first; the handshake under way was given up.
    case signal(Int32)
  }

  public let plan: Plan
  /// When the first one was to begin.
  public let start: MonotonicInstant
  private var ticks: Ticks
  private var done = 0

  public init(_ plan: Plan, from start: MonotonicInstant = .now) {
    precondition(!plan.targets.isEmpty, "a series needs a target")
    self.plan = plan
    self.start = start
    ticks = Ticks(from: start, every: plan.interval)
  }

  /// When the next handshake is to begin; nil after the last one.
  public var next: MonotonicInstant? { done < plan.count ?? .max ? ticks.due : nil }

  /// How many ticks passed while a handshake was under way. Nothing was begun at these.
  public var missedTicks: Int { ticks.missed }

  /// Does one handshake, now.
  ///
  /// - Parameter observe: told of each attempt that failed, as it fails, and of those that wait.
  /// - Throws: only failures of the readiness loop itself.
  public mutating func handshake(
    loop: inout ReadinessLoop, tracer: CallTracer = .silent,
    observe: (ConnectEvent) -> Void = { _ in }
  ) throws(SystemCallError) -> Step {
    let began = MonotonicInstant.now
    var failures: [FailedAttempt] = []
    let race = try Connector.connect(
      to: plan.targets, until: began + plan.timeout, options: plan.race, loop: &loop,
      tracer: tracer
    ) { event in
      if let failed = event.failed { failures.append(failed) }
      observe(event)
    }
    let outcome: HandshakeRound.Outcome
    switch consume race {
    case .signal(let signal): return .signal(signal)
    case .connected(let connected):
      outcome = .connected(
        MeasuredHandshake(
          local: connected.connection.local, peer: connected.connection.peer,
          time: connected.handshake, roundTripTime: connected.roundTripTime,
          synsSent: connected.synRetransmissions + 1))
    case .failed:
      guard let best = failures.max(by: { $0.failure < $1.failure }) else {
        preconditionFailure("a race that failed has told of an attempt")
      }
      outcome = .failed(best)
    }
    done += 1
    // After the last one there is no tick to be missed.
    if done < plan.count ?? .max { ticks.advance(past: .now) }
    return .round(
      HandshakeRound(number: done, began: began - start, outcome: outcome, failures: failures))
  }
}
