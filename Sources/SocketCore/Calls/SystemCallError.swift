// A failed system call: which call, on what, and why.

/// Thrown by everything in SocketCore that asks the kernel for something.
public struct SystemCallError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The call's name as in section 2 of the manual, `connect`.
  public var call: String
  /// What it was tried on, in words that follow the call's name: `to 192.0.2.1:80`.
  public var subject: String
  /// What the kernel answered.
  public var errno: Errno

  public init(_ call: String, _ subject: String, _ errno: Errno) {
    self.call = call
    self.subject = subject
    self.errno = errno
  }

  /// `connect to 192.0.2.1:80: connection refused (ECONNREFUSED)`.
  public var description: String {
    let what = subject.isEmpty ? call : "\(call) \(subject)"
    return "\(what): \(errno.message) (\(errno.name))"
  }
}
