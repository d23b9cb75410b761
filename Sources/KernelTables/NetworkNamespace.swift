// Which network namespace it is.

internal import Glibc

/// The network namespaces of this host.
public enum NetworkNamespace {
  /// The number of a network namespace, as `lsns` shows it: the inode of /proc/PID/ns/net.
  ///
  /// - Parameter process: A process in it; nil for the calling thread's own.
  /// - Returns: nil where it cannot be read; other users' processes are hidden.
  public static func number(of process: Int32? = nil) -> UInt64? {
    let directory = process.map { "/proc/\($0)" } ?? "/proc/thread-self"
    var status = stat()
    guard unsafe stat("\(directory)/ns/net", &status) == 0 else { return nil }
    return UInt64(status.st_ino)
  }
}
