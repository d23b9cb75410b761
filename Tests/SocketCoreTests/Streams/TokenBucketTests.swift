// The pace of a sender that the kernel does not hold to one.

@testable import SocketCore
import Testing

struct TokenBucketTests {
  /// What a sender that takes all it may take has sent after ten seconds, by a clock of its own.
  @Test(arguments: [1, 1_000, 100_000, 12_500_000], [1_448, 65_536, 8 << 20])
  func `what is sent keeps to the rate`(_ rate: Int, _ piece: Int) {
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
        // A sleep that is too long now and then.
        now = max(now, bucket.nextTime) + .microseconds(100)
      }
    }
    // No more than the rate, the first burst and a last piece; no less but for what is waited for.
    #expect(sent <= rate * 10 + bucket.burst * 3)
    #expect(Double(sent) >= Double(rate) * 10 * 0.9)
  }

  @Test func `an idle time is not made up for`() {
    let start = MonotonicInstant(nanoseconds: 1)
    var bucket = TokenBucket(rate: 1_000_000, at: start)
    bucket.fill(at: start + .seconds(3_600))
    bucket.take(bucket.burst)
    #expect(!bucket.isOpen)
  }
}
