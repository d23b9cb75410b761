// The netlink socket behind sock_diag(7): requests out, datagrams in.

internal import CLinux
internal import Glibc

/// A socket on which the kernel tells about sockets. It needs no privilege, and it tells of the
/// network namespace in which it was made.
public struct DiagnosticSocket: ~Copyable, Sendable {
  private let descriptor: Descriptor

  /// - Throws: EPROTONOSUPPORT where the kernel was built without it, EPERM where a container forbids it.
  public init() throws(SystemCallError) {
    descriptor = Descriptor(
      owning: try SystemCall(name: "socket").make("AF_NETLINK") {
        socket(
          AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), NETLINK_SOCK_DIAG)
      })
  }

  /// Sends one request to the kernel.
  ///
  /// - Throws: the errno of send(2).
  public func send(_ request: RawSpan) throws(SystemCallError) {
    _ = try unsafe request.withUnsafeBytes { bytes throws(SystemCallError) in
      try SystemCall(name: "send").make("to sock_diag") {
        unsafe Glibc.send(descriptor.rawValue, bytes.baseAddress, bytes.count, 0)
      }
    }
  }

  /// Receives one datagram; waits for it.
  ///
  /// - Returns: its length, which is more than the buffer's where it was cut.
  /// - Throws: the errno of recv(2), ENOBUFS where the kernel ran out of room.
  public func receive(into buffer: inout MutableRawSpan) throws(SystemCallError) -> Int {
    try unsafe buffer.withUnsafeMutableBytes { bytes throws(SystemCallError) in
      try SystemCall(name: "recv").make("from sock_diag") {
        unsafe recv(descriptor.rawValue, bytes.baseAddress, bytes.count, Int32(MSG_TRUNC))
      }
    }
  }
}
