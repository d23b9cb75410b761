// The time limits of a relay, without a clock in them: whoever has one says what time it is.

/// A time limit that a relay can run into.
public enum RelayTimeout: Hashable, Sendable {
  /// Nothing moved for too long.
  case idle
  /// The whole relay took too long.
  case total
}

/// How long a relay may take, and how long nothing may move.
public struct RelayLimits: Hashable, Sendable {
  private let idle: Duration?
  private let end: MonotonicInstant?
  private var moved = 0
  private var lastMove: MonotonicInstant

  /// - Parameters:
  ///   - idle: The longest time without a byte that moves; nil is for ever.
  ///   - total: The longest time altogether; nil is for ever.
  ///   - start: When the relay begins.
  public init(idle: Duration?, total: Duration?, start: MonotonicInstant) {
    self.idle = idle
    end = total.map { start + $0 }
    lastMove = start
  }

  /// Whether `note` has to be told anything.
  public var countsMoves: Bool { idle != nil }

  /// Takes in how many bytes have moved so far, in whatever direction and from whatever end. Any
  /// change counts as a move that happened just now: acknowledgements wake nobody, so that one is
  /// seen late, and the limit may last up to twice as long behind it, but never less.
  public mutating func note(moved: Int, at now: MonotonicInstant) {
    guard moved != self.moved else { return }
    self.moved = moved
    lastMove = now
  }

  /// When the next limit is reached.
  ///
  /// - Parameter isWaiting: Whether idleness counts: what a local reader takes its time for is not
  ///   the connection's.
  public func deadline(isWaiting: Bool) -> MonotonicInstant? {
    guard isWaiting, let idle else { return end }
    let idleEnd = lastMove + idle
    return end.map { min($0, idleEnd) } ?? idleEnd
  }

  /// The limit that has been reached; where both have, the total one.
  public func expired(at now: MonotonicInstant, isWaiting: Bool) -> RelayTimeout? {
    if let end, now >= end { return .total }
    if isWaiting, let idle, now >= lastMove + idle { return .idle }
    return nil
  }
}
