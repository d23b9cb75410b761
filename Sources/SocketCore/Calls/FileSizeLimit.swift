// How large a file may become that this process writes.

internal import Glibc

/// The limit of the size of files, which belongs to whoever started this program. getrlimit(2).
public enum FileSizeLimit {
  /// From now on a write beyond the limit (RLIMIT_FSIZE, `ulimit -f`) is an error like that of a full
  /// disk, EFBIG, and does not end the program. setrlimit(2), SIGXFSZ.
  public static func becomesError() { _ = isOurs }

  /// Whether the signal is ignored because of this program, and not by its parent's will: a program
  /// that it starts is not to know.
  static let isOurs: Bool = {
    let before = signal(SIGXFSZ, SIG_IGN)
    return unsafe unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_DFL, to: Int.self)
  }()
}
