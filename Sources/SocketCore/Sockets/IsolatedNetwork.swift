// A network namespace of this process's own: loopback alone, no other process, fresh counters.

internal import CLinux
internal import Glibc

/// Why there is no network namespace of our own.
public struct IsolationRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// What failed: `unshare`.
  public var step: String
  public var errno: Errno

  /// `unshare: operation not permitted (EPERM)`.
  public var description: String {
    // The kernel's word for a limit of namespaces is that of a full disk.
    let message =
      errno == .noSpace ? "user.max_user_namespaces allows no more of them" : errno.message
    return "\(step): \(message) (\(errno.name))"
  }
}

/// A new network namespace in which this thread is as long as the value lives. Its loopback interface
/// is up. Nothing of it is left when its last socket is closed and this thread is elsewhere or gone.
///
/// Where this process is privileged it comes back to where it was. Otherwise a user namespace had to
/// be made as well, out of which there is no way: the process stays, with its own rights on files, in
/// a network without a way out, and further ones can be made from there.
public struct IsolatedNetwork: ~Copyable {
  /// How it was made.
  public enum Means: Hashable, Sendable {
    /// By a network namespace alone, which takes CAP_SYS_ADMIN.
    case network
    /// By a user namespace, whose owner may make a network namespace.
    case userAndNetwork
  }

  public let means: Means
  /// The way back.
  private let home: Home?

  /// Enters a new one. unshare(2); user_namespaces(7).
  ///
  /// - Throws: where neither way is open; nothing has changed then.
  public init() throws(IsolationRefusal) {
    home = try? Home()
    do throws(IsolationRefusal) {
      try unsafe Self.call { unsafe clinux_isolate_network(0, $0) }
      means = .network
    } catch  where error.step == "unshare" {
      // There is no way back, so that it is tried beforehand in a process that does not matter:
      // some distributions let the namespace be made and take its capabilities.
      try unsafe Self.call { unsafe clinux_try_isolation(1, $0) }
      try unsafe Self.call { unsafe clinux_isolate_network(1, $0) }
      means = .userAndNetwork
    }
  }

  private static func call(
    _ body: (UnsafeMutablePointer<UnsafePointer<CChar>?>) -> Int32
  ) throws(IsolationRefusal) {
    var step: UnsafePointer<CChar>?
    let code = unsafe body(&step)
    if code == 0 { return }
    let name = unsafe step.map { unsafe String(cString: $0) } ?? "isolate"
    throw IsolationRefusal(step: name, errno: Errno(rawValue: code))
  }
}

/// The network namespace that this thread was in when the value was made, and is again when it goes.
struct Home: ~Copyable {
  private let file: NamespaceFile

  init() throws(SystemCallError) { file = try .own() }

  // Fails without CAP_SYS_ADMIN over the namespace, and then this thread stays where it is.
  deinit { try? file.enter() }
}
