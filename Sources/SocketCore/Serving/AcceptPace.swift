// When the next connection may be taken off the accept queue: a slow server on purpose. No clock is
// in here; whoever has one says what time it is.

/// The pace of accept(2).
public struct AcceptPace: Hashable, Sendable {
  /// How long a connection that has come is left waiting, each one anew.
  public var delay: Duration
  /// The least time from one accept(2) to the next.
  public var interval: Duration
  private var waitingSince: MonotonicInstant?
  private var lastAccept: MonotonicInstant?

  public init(delay: Duration = .zero, interval: Duration = .zero) {
    self.delay = delay
    self.interval = interval
  }

  /// Whether nothing is ever delayed.
  public var isUnlimited: Bool { delay <= .zero && interval <= .zero }

  /// Takes in that the accept queue is not empty.
  public mutating func noteWaiting(at now: MonotonicInstant) {
    if waitingSince == nil { waitingSince = now }
  }

  /// When accept(2) may be called for what waits; nil where nothing does.
  public var nextAccept: MonotonicInstant? {
    waitingSince.map { since in
      max(since + delay, lastAccept.map { $0 + interval } ?? since)
    }
  }

  /// Takes in that accept(2) was called. What still waits begins to wait now.
  public mutating func noteAccept(at now: MonotonicInstant, isEmptied: Bool) {
    lastAccept = now
    waitingSince = isEmptied ? nil : now
  }
}
