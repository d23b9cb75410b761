// The processor time of this process.

internal import Glibc

/// Time that the processors worked for this process.
public struct ProcessorTime: Hashable, Sendable {
  /// In the program itself.
  public var user: Duration
  /// In the kernel on its behalf: system calls, and what they copy.
  public var system: Duration

  public init(user: Duration, system: Duration) {
    self.user = user
    self.system = system
  }

  /// So far. getrusage(2), RUSAGE_SELF.
  public static var now: ProcessorTime {
    var usage = rusage()
    // Cannot fail for this process and a valid pointer.
    _ = unsafe getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    func duration(_ time: timeval) -> Duration {
      .seconds(Int64(time.tv_sec)) + .microseconds(Int64(time.tv_usec))
    }
    return ProcessorTime(user: duration(usage.ru_utime), system: duration(usage.ru_stime))
  }

  public var total: Duration { user + system }

  public static func - (later: Self, earlier: Self) -> Self {
    Self(user: later.user - earlier.user, system: later.system - earlier.system)
  }
}
