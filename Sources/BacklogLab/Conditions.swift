// What decides how a listener's queues behave, and how many times what is dropped has come again.

/// A listener that never accepts, in its kernel with its settings.
public struct Conditions: Hashable, Sendable {
  /// The backlog for listen(2), as it is.
  public var asked: Int32
  /// As they were when listen(2) ran.
  public var settings: QueueSettings
  public var kernel: KernelVersion
  /// How many handshakes the SYN queue holds beyond the backlog.
  public var placesBeyondBacklog: Int
  /// Whether tcp_metrics has a round-trip time of the clients' address, which a fresh network
  /// namespace has not.
  public var peersAreKnown = false

  public init(asked: Int32, settings: QueueSettings, kernel: KernelVersion) {
    self.asked = asked
    self.settings = settings
    self.kernel = kernel
    placesBeyondBacklog = kernel.placesBeyondBacklogInSYNQueue
  }

  public var backlog: Int {
    QueueRules.effectiveBacklog(asked: asked, somaxconn: settings.somaxconn)
  }
  public var acceptQueueCapacity: Int { QueueRules.acceptQueueCapacity(backlog: backlog) }

  /// Nil where a setting that decides is not known.
  public var synQueueCapacity: Int? {
    QueueRules.synQueueCapacity(
      backlog: backlog, settings: settings, placesBeyondBacklog: placesBeyondBacklog,
      peersAreKnown: peersAreKnown)
  }

  /// Whether it is tcp_max_syn_backlog that holds the SYN queue up, and not the queue's own size.
  var isHeldUpByMaxSynBacklog: Bool {
    guard settings.tcpSyncookies == 0, let capacity = synQueueCapacity else { return false }
    return capacity < backlog + placesBeyondBacklog
  }

  /// The conditions that may be in force in place of these, each with the words that follow “by”.
  ///
  /// - Parameter isIsolated: whether the network namespace is fresh.
  func alternatives(isIsolated: Bool) -> [(conditions: Conditions, words: String)] {
    let rule = "inet_csk_reqsk_queue_is_full"
    var other = self
    other.placesBeyondBacklog = 1 - placesBeyondBacklog
    var list = [
      (
        other,
        placesBeyondBacklog == 1
          ? "the rule of kernels before 6.13 (\(rule) with >=)"
          : "the rule of kernels since 6.13 (\(rule) with >)"
      )
    ]
    if !isIsolated, settings.tcpSyncookies == 0 {
      for conditions in [self, other] {
        var known = conditions
        known.peersAreKnown = true
        list.append(
          (known, "tcp_metrics, which knows the peer (tcp_peer_is_proven): no tcp_max_syn_backlog"))
      }
    }
    return list
  }
}

/// How often SYNs had been sent again when it was looked.
public struct Repetition: Hashable, Sendable {
  public var least: Int
  public var most: Int

  public static let none = Repetition(least: 0, most: 0)

  init(least: Int, most: Int) {
    self.least = least
    self.most = most
  }

  /// - Parameters:
  ///   - youngest: how long ago the last SYN was sent for the first time.
  ///   - oldest: the same of the first one that this is about.
  init(youngest: Duration, oldest: Duration, linearTimeouts: Int) {
    least = QueueRules.synRetransmissions(
      after: youngest - Self.tolerance, linearTimeouts: linearTimeouts)
    most = QueueRules.synRetransmissions(
      after: oldest + Self.tolerance, linearTimeouts: linearTimeouts)
  }

  /// The kernel's timers go off in coarse steps, and late on a busy machine.
  private static let tolerance = Duration.milliseconds(100)

  /// How often what was seen once is seen with the repetitions.
  func callAsFunction(_ count: Int) -> PredictedRange {
    PredictedRange(count * (1 + least), count * (1 + most))
  }
}
