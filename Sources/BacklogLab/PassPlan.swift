// What a pass over one of the two queues will do, decided before anything is opened.

/// Which of a listener's queues.
public enum QueueKind: String, CaseIterable, Hashable, Sendable {
  /// Connections that are complete and wait for accept(2).
  case accept
  /// Handshakes that are not complete.
  case syn
}

/// One pass: clients against an own listener that never accepts.
public struct PassPlan: Hashable, Sendable {
  /// The queue that is filled: by clients that complete the handshake, or by ones that never hear the
  /// listener's answer.
  public var queue: QueueKind
  /// The backlog for listen(2), as it is.
  public var asked: Int32
  /// How many clients connect; nil for enough to overflow the queue, at most `mostPlanned`.
  public var count: Int?
  /// On ::1 in place of 127.0.0.1.
  public var isIPv6: Bool
  /// What is set in the private network namespace before.
  public var changes: [SettingChange]

  public init(
    _ queue: QueueKind = .accept, asked: Int32, count: Int? = nil, isIPv6: Bool = false,
    changes: [SettingChange] = []
  ) {
    self.queue = queue
    self.asked = asked
    self.count = count
    self.isIPv6 = isIPv6
    self.changes = changes
  }

  /// More clients than that are made only where a count says so.
  public static let mostPlanned = 8_192

  /// How many clients connect: enough to overflow the queue that is expected, by an eighth or by 32,
  /// whichever is more.
  public func connects(settings: QueueSettings) -> Int {
    if let count { return count }
    let backlog = QueueRules.effectiveBacklog(asked: asked, somaxconn: settings.somaxconn)
    let capacity = QueueRules.acceptQueueCapacity(backlog: backlog)
    return min(Self.mostPlanned, capacity + max(32, backlog / 8))
  }
}
