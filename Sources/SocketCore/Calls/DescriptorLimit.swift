// How many descriptors this process may have.

internal import Glibc

public enum DescriptorLimit {
  /// Raises the soft limit of open descriptors to the hard one, which needs no privilege, and
  /// returns it. setrlimit(2), RLIMIT_NOFILE.
  ///
  /// - Returns: the limit in force; that of before where it could not be raised.
  public static func raise() -> Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      return 0
    }
    let soft = limit.rlim_cur
    limit.rlim_cur = limit.rlim_max
    if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
      return Int(clamping: soft)
    }
    return Int(clamping: limit.rlim_max)
  }
}
