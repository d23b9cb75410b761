// Points in time for deadlines and measurements.
//
// The standard library's clocks would do, but they live in the concurrency runtime, which nothing
// else here needs: it costs start-up time and 0.8 MB.

internal import Glibc

/// A reading of CLOCK_MONOTONIC: never set back, and it stops while the machine is suspended, as
/// the kernel's TCP timers do. clock_gettime(2).
public struct MonotonicInstant: Comparable, Hashable, Sendable {
  /// Nanoseconds since an arbitrary start.
  public let nanoseconds: Int64

  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  public static var now: MonotonicInstant {
    var time = timespec()
    // Cannot fail for this clock and a valid pointer.
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

  /// The instant `duration` later; an end of time where that overflows.
  public static func + (instant: Self, duration: Duration) -> Self {
    let nanoseconds = duration.nanoseconds
    let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(nanoseconds)
    return Self(nanoseconds: overflow ? (nanoseconds < 0 ? .min : .max) : sum)
  }

  /// The first instant of a series behind `now`: those that have passed are left out.
  ///
  /// - Parameter interval: between two of them; this is one.
  func next(every interval: Duration, after now: Self) -> Self {
    let passed = (now - self).nanoseconds / max(1, interval.nanoseconds)
    return self + interval * Int(passed + 1)
  }

  /// The time from `earlier` to `later`, saturated.
  public static func - (later: Self, earlier: Self) -> Duration {
    let (difference, overflow) = later.nanoseconds.subtractingReportingOverflow(
      earlier.nanoseconds)
    return .nanoseconds(overflow ? (later < earlier ? .min : .max) : difference)
  }
}

extension Duration {
  /// Whole nanoseconds, saturated: Int64 holds 292 years.
  public var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return seconds < 0 ? .min : .max }
    let (sum, overflow2) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
    return overflow2 ? (seconds < 0 ? .min : .max) : sum
  }
}

extension MonotonicInstant {
  /// Lets the calling thread sleep until this instant; not at all where it is past. Signals keep
  /// their effect. clock_nanosleep(2).
  public func wait() {
    var time = timespec(
      tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    while unsafe clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
  }
}

/// The time of day, for what is written down beside other logs; never for measurements, since it can
/// be set back.
public enum WallClock {
  /// Microseconds since 1970. CLOCK_REALTIME, clock_gettime(2).
  public static var unixMicroseconds: Int64 {
    var time = timespec()
    // Cannot fail for this clock and a valid pointer.
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
  }

  /// Hours, minutes, seconds and milliseconds of this time zone, for lines that people read:
  /// `14:05:09.120`. localtime_r(3).
  public static func timeOfDay(unixMicroseconds: Int64) -> String {
    var seconds = time_t(unixMicroseconds / 1_000_000)
    var fields = unsafe tm()
    _ = unsafe localtime_r(&seconds, &fields)
    func padded(_ number: Int, _ digits: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
    let time = unsafe (Int(fields.tm_hour), Int(fields.tm_min), Int(fields.tm_sec))
    return padded(time.0, 2) + ":" + padded(time.1, 2) + ":" + padded(time.2, 2) + "."
      + padded(Int(unixMicroseconds % 1_000_000) / 1_000, 3)
  }

  /// Date, time and the zone's distance from UTC, for what is kept: `2026-05-04 14:05:09 +0200`.
  /// strftime(3).
  public static func dateAndTime(unixMicroseconds: Int64) -> String {
    var seconds = time_t(unixMicroseconds / 1_000_000)
    var fields = unsafe tm()
    var text = [CChar](repeating: 0, count: 64)
    guard unsafe localtime_r(&seconds, &fields) != nil else { return "" }
    let length = unsafe strftime(&text, text.count, "%Y-%m-%d %H:%M:%S %z", &fields)
    return String(decoding: text.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
