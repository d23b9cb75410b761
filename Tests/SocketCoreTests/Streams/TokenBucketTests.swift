// The pace of a sender that the kernel does not hold to one.

@testable import SocketCore
import Testing

struct TokenBucketTests {
  /// What a sender that takes all it may take has sent after ten seconds, by a clock of its own.
  @Test(
    arguments: [1, 1_000, 100_000, 12_500_000, 1_250_000_000],
    [(1_448, 0), (65_536, 1), (8 << 20, 20), (8 << 20, 80)])
  func `what is sent keeps to the rate`(_ rate: Int, _ way: (piece: Int, oversleep: Int)) {
    let (piece, oversleep) = way
    let start = MonotonicInstant(nanoseconds: 1)
    let end = start + .seconds(10)
    var bucket = TokenBucket(rate: rate, at: start)
    var now = start
    var sent = 0
    while now < end {
      bucket.fill(at: now)
      if bucket.isOpen {
        let count = min(piece, bucket.burst)
        bucket.take(count)
        sent += count
      } else {
        // Each sleep is too long, as on a machine that has a lot to do.
        now = max(now, bucket.nextTime) + .milliseconds(oversleep)
      }
    }
    // No more than the rate, the first burst and a last piece; no less but for the last sleep.
    #expect(sent <= rate * 10 + bucket.burst * 2)
    let owed = rate * oversleep / 1_000 + bucket.burst
    #expect(sent >= rate * 10 - owed)
    if rate >= 100_000 {
      #expect(abs(Double(sent) / Double(rate * 10) - 1) < 0.02)
    }
  }

  @Test func `of an idle time a tenth of a second is made up for`() {
    let start = MonotonicInstant(nanoseconds: 1)
    var bucket = TokenBucket(rate: 1_000_000, at: start)
    bucket.fill(at: start + .seconds(3_600))
    bucket.take(100_000)
    #expect(!bucket.isOpen)
  }
}
