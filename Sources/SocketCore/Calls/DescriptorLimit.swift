// How many descriptors this process may have.

internal import Glibc

/// The limit of open descriptors of this process. getrlimit(2), RLIMIT_NOFILE.
public enum DescriptorLimit {
  /// Raises the soft limit of open descriptors to the hard one, which needs no privilege, and
  /// returns it. setrlimit(2), RLIMIT_NOFILE.
  ///
  /// - Returns: the limit in force; that of before where it could not be raised. Where it is not known,
  ///   none: who has too many is told by the call that makes one more.
  public static func raise() -> Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      return .max
    }
    let soft = original ?? limit.rlim_cur
    limit.rlim_cur = limit.rlim_max
    if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
      return Int(clamping: soft)
    }
    return Int(clamping: limit.rlim_max)
  }

  /// Starts a program under the soft limit that this process was started with: one that uses
  /// select(2), or goes through all numbers that it may have, does not expect a larger one.
  static func underTheOriginal<Result>(_ start: () -> Result) -> Result {
    var raised = rlimit()
    let isKnown = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0
    guard isKnown, let soft = original, soft < raised.rlim_cur else { return start() }
    var limit = raised
    limit.rlim_cur = soft
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    defer { _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) }
    return start()
  }

  /// The soft limit before it was raised.
  private static let original: rlim_t? = {
    var limit = rlimit()
    let isKnown = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
    return isKnown ? limit.rlim_cur : nil
  }()
}
