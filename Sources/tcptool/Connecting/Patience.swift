// --wait: connecting again and again until the port accepts or the time is over.

internal import Report
internal import SocketCore

/// The tries of one connection.
struct Patience {
  /// From one failure to the next try: often enough for a service that starts, and no load.
  private static let pause = Duration.milliseconds(100)
  /// The kernel sends the SYN again after a second; a shorter silence proves nothing.
  private static let telling = Duration.seconds(1)

  private let started = MonotonicInstant.now
  private let limit: Duration?
  private let name: String
  private let narrator: Narrator
  private var tries = 0
  private var failure: Failure?

  /// - Parameter limit: nil tries once.
  init(_ limit: Duration?, for name: String, _ narrator: Narrator) {
    self.limit = limit
    self.name = name
    self.narrator = narrator
  }

  /// Whether an earlier try has failed: what it met is not told again.
  var isRepeating: Bool { failure != nil }

  private var end: MonotonicInstant? { limit.map { started + $0 } }

  /// When the try that begins now has to end.
  func deadline(_ timeout: Duration?) -> MonotonicInstant? {
    [timeout.map { .now + $0 }, end].compactMap(\.self).min()
  }

  /// Waits for the next try.
  ///
  /// - Returns: a signal that came first.
  /// - Throws: the failure where there is no next try.
  mutating func next(
    after latest: Failure, lasting elapsed: Duration, loop: inout ReadinessLoop
  ) throws(Failure) -> Int32? {
    guard let end, latest.status != .localEnd else { throw latest }
    tries += 1
    if let failure, latest.status == .noAnswer, elapsed < Self.telling, .now >= end {
      // Only the end of the time cut this try short; what the one before met is the answer.
      throw Failure(failure.status, failure.message + waited)
    }
    guard .now < end else { throw Failure(latest.status, latest.message + waited) }
    if !isRepeating {
      narrator.tell(.waiting(for: name, upTo: limit ?? .zero, after: latest))
    }
    failure = latest
    let next = min(end, .now + Self.pause)
    do throws(SystemCallError) {
      while .now < next {
        if case .signal(let signal) = try loop.wait(until: next) { return signal }
      }
    } catch {
      throw Failure(.localEnd, error)
    }
    return nil
  }

  /// Tells how long it took, where it did not work at once.
  func succeed() {
    if isRepeating {
      narrator.tell(.accepts(name, after: .now - started, tries: tries + 1))
    }
  }

  private var waited: String {
    "; waited \(Units.duration(.now - started)), \(Units.plural(tries, "try", "tries"))"
  }
}

extension Event {
  fileprivate static func waiting(
    for name: String, upTo limit: Duration, after failure: Failure
  ) -> Event {
    Event(
      "waiting",
      "waiting up to \(Units.duration(limit)) for \(name) to accept; so far: \(failure.message)",
      [
        ("target", .init(name)), ("limit_ns", .init(nanoseconds: limit)),
        ("message", .init(failure.message)),
      ])
  }

  fileprivate static func accepts(_ name: String, after elapsed: Duration, tries: Int) -> Event {
    Event(
      "accepts",
      "\(name) accepts after \(Units.duration(elapsed)), at try \(Units.count(tries))",
      [
        ("target", .init(name)), ("elapsed_ns", .init(nanoseconds: elapsed)),
        ("tries", .init(tries)),
      ])
  }
}
