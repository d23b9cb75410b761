// The time limits of a relay by a clock that the test sets.

import SocketCore
import Testing

struct RelayLimitsTests {
  private static let start = MonotonicInstant(nanoseconds: 1_000)

  private static func at(_ nanoseconds: Int64) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: 1_000 + nanoseconds)
  }

  private static func limits(idle: Int64? = nil, total: Int64? = nil) -> RelayLimits {
    RelayLimits(
      idle: idle.map { .nanoseconds($0) }, total: total.map { .nanoseconds($0) }, start: start)
  }

  @Test func `without limits there is no end`() {
    let limits = Self.limits()
    #expect(!limits.countsMoves)
    #expect(limits.deadline(isWaiting: true) == nil)
    #expect(limits.expired(at: Self.at(.max - 1_000), isWaiting: true) == nil)
  }

  @Test func `the idle limit counts from the last move`() {
    var limits = Self.limits(idle: 100)
    #expect(limits.countsMoves)
    #expect(limits.deadline(isWaiting: true) == Self.at(100))
    #expect(limits.expired(at: Self.at(99), isWaiting: true) == nil)
    #expect(limits.expired(at: Self.at(100), isWaiting: true) == .idle)
    limits.note(moved: 5, at: Self.at(60))
    #expect(limits.deadline(isWaiting: true) == Self.at(160))
    // The same number again is no move.
    limits.note(moved: 5, at: Self.at(120))
    #expect(limits.expired(at: Self.at(159), isWaiting: true) == nil)
    #expect(limits.expired(at: Self.at(160), isWaiting: true) == .idle)
  }

  @Test func `what waits for a local reader is not idle`() {
    let limits = Self.limits(idle: 100)
    #expect(limits.deadline(isWaiting: false) == nil)
    #expect(limits.expired(at: Self.at(1_000), isWaiting: false) == nil)
  }

  @Test func `the total limit counts from the start, whatever moves`() {
    var limits = Self.limits(total: 100)
    #expect(!limits.countsMoves)
    limits.note(moved: 5, at: Self.at(60))
    #expect(limits.deadline(isWaiting: true) == Self.at(100))
    #expect(limits.deadline(isWaiting: false) == Self.at(100))
    #expect(limits.expired(at: Self.at(99), isWaiting: true) == nil)
    #expect(limits.expired(at: Self.at(100), isWaiting: true) == .total)
    #expect(limits.expired(at: Self.at(100), isWaiting: false) == .total)
  }

  @Test func `of two limits the earlier one is waited for`() {
    var limits = Self.limits(idle: 100, total: 150)
    #expect(limits.deadline(isWaiting: true) == Self.at(100))
    #expect(limits.deadline(isWaiting: false) == Self.at(150))
    limits.note(moved: 1, at: Self.at(90))
    #expect(limits.deadline(isWaiting: true) == Self.at(150))
    #expect(limits.expired(at: Self.at(200), isWaiting: true) == .total)
  }

  @Test func `a limit beyond the end of time is none`() {
    let limits = Self.limits(idle: .max, total: .max)
    #expect(limits.expired(at: Self.at(1_000_000), isWaiting: true) == nil)
  }
}
