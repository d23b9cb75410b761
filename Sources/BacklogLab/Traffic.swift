// Arrivals against a slow acceptor: what is asked for, and what was seen over time.

public import SocketCore

/// Clients that come at one rate while an own server accepts at another.
public struct TrafficPlan: Hashable, Sendable {
  /// The backlog for listen(2), as it is.
  public var asked: Int32
  /// Connections in a second; 0 never accepts.
  public var acceptRate: Double
  /// Clients in a second.
  public var arrivalRate: Double
  /// How long clients come, and how long it is looked on.
  public var duration: Duration
  public var isIPv6 = false
  public var changes: [SettingChange] = []

  public init(asked: Int32, acceptRate: Double, arrivalRate: Double, duration: Duration) {
    self.asked = asked
    self.acceptRate = acceptRate
    self.arrivalRate = arrivalRate
    self.duration = duration
  }

  /// Longer would only repeat what was seen: the last step of a client's latency that is shown, 7 s,
  /// fits in several times.
  public static let longest = Duration.seconds(600)
  public static let fastest = 100_000.0

  public var seconds: Double { Double(duration.nanoseconds) / 1e9 }
  /// How many clients come altogether.
  public var arrivals: Int { Int((arrivalRate * seconds).rounded(.up)) }

  func check() throws(LabError) {
    guard duration > .zero, duration <= Self.longest else {
      throw .outOfRange(
        what: "the duration in seconds", value: Int(duration.components.seconds), allowed: 1...600)
    }
    for (what, rate) in [("the arrival rate", arrivalRate), ("the accept rate", acceptRate)]
    where !(rate >= 0 && rate <= Self.fastest) {
      throw .outOfRange(
        what: what, value: rate.isFinite ? Int(max(-1, min(rate, 1e9))) : -1,
        allowed: 0...Int(Self.fastest))
    }
  }
}

/// How things stood at one time, about every 10 ms.
public struct TrafficSample: Hashable, Sendable {
  /// Since the first client.
  public var elapsed: Duration
  /// So far.
  public var connects: Int
  public var accepted: Int
  public var acceptQueue: Int
  public var backlog: Int
  /// Of this listener; nil where the kernel does not tell.
  public var drops: Int?
  /// Clients whose SYN is not answered.
  public var waiting: Int
  /// Rows in SYN_RECV; nil where that was not looked up.
  public var synQueue: Int?
  /// Clients in ESTABLISHED that are neither accepted nor in one of the queues; nil with the SYN queue.
  public var ghosts: Int?
}

/// One client of the traffic.
public struct TrafficClient: Hashable, Sendable {
  /// What became of it.
  public enum Outcome: Hashable, Sendable {
    case accepted
    /// In the accept queue.
    case queued
    /// In ESTABLISHED, while the server keeps the handshake in SYN_RECV, since the accept queue was full.
    case stuck
    /// In ESTABLISHED, and the server knows nothing of it.
    case ghost
    /// In SYN_SENT.
    case waiting
    case reset
    case refused
    case timedOut
    case other
  }

  /// When connect(2) was called, since the first client.
  public var arrived: Duration
  /// From there to ESTABLISHED; nil where it did not get there.
  public var latency: Duration?
  /// From there to accept(2); nil where it was not accepted.
  public var acceptedAfter: Duration?
  public var outcome: Outcome
}

/// What was seen of the traffic.
public struct TrafficResult: Sendable {
  public var plan: TrafficPlan
  public var surroundings: Surroundings
  public var settings: QueueSettings
  public var listener: Endpoint
  public var backlog: Int
  public var samples: [TrafficSample]
  /// In the order in which they came.
  public var clients: [TrafficClient]
  public var firstDrop: FirstDrop?
  /// Of the whole time.
  public var measured: Readings
  public var duration: Duration
  /// What was given up to keep the pace: clients and accepts that came late by more than 50 ms.
  public var lateTurns: Int
  /// How many processors the kernel may have used for it.
  public var processors = 1
  /// The signal that ended it before its time: everything is what was seen until then.
  public var signal: Int32?

  /// How many clients ended so.
  public func count(_ outcome: TrafficClient.Outcome) -> Int {
    clients.count { $0.outcome == outcome }
  }

  /// When the queue should be full: its places over what comes more than goes. Nil where it never should.
  public var expectedOverflow: Duration? {
    let surplus = plan.arrivalRate - plan.acceptRate
    guard surplus > 0 else { return nil }
    let seconds = Double(QueueRules.acceptQueueCapacity(backlog: backlog)) / surplus
    return seconds < plan.seconds ? .nanoseconds(Int64(seconds * 1e9)) : nil
  }
}
