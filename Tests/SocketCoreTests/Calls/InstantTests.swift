// Points in time: the clock goes on, and arithmetic at the ends of time does not trap.

import SocketCore
import Testing

struct InstantTests {
  @Test func `the clock never goes back`() {
    var last = MonotonicInstant.now
    for _ in 0..<10_000 {
      let now = MonotonicInstant.now
      #expect(now >= last)
      last = now
    }
  }

  @Test func `durations are added and measured to the nanosecond`() {
    let start = MonotonicInstant(nanoseconds: 1_000_000_000)
    let end = start + .seconds(2) + .nanoseconds(3)
    #expect(end.nanoseconds == 3_000_000_003)
    #expect(end - start == .nanoseconds(2_000_000_003))
    #expect(start - end == .nanoseconds(-2_000_000_003))
    #expect(start < end)
  }

  @Test func `sums saturate at both ends of time`() {
    let now = MonotonicInstant(nanoseconds: 5)
    #expect((now + .seconds(Int64.max)).nanoseconds == .max)
    #expect((now + .nanoseconds(Int64.max)).nanoseconds == .max)
    #expect((MonotonicInstant(nanoseconds: -5) + .seconds(Int64.min)).nanoseconds == .min)
  }

  @Test func `differences saturate at both ends of time`() {
    let first = MonotonicInstant(nanoseconds: .min)
    let last = MonotonicInstant(nanoseconds: .max)
    #expect(last - first == .nanoseconds(Int64.max))
    #expect(first - last == .nanoseconds(Int64.min))
  }

  @Test(
    arguments: [
      (.zero, 0), (.nanoseconds(1), 1), (.milliseconds(-1), -1_000_000),
      (.seconds(Int64.max), .max), (.seconds(Int64.min), .min),
      (.seconds(9_223_372_036) + .milliseconds(900), .max),
      (.seconds(-9_223_372_036) - .milliseconds(900), .min),
    ] as [(Duration, Int64)])
  func `a duration is so many nanoseconds`(duration: Duration, expected: Int64) {
    #expect(duration.nanoseconds == expected)
  }
}
