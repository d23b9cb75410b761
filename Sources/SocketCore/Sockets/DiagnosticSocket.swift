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

  /// The descriptor, to be watched for readability.
  public var number: Int32 { descriptor.rawValue }

  /// Joins multicast groups, on which the kernel tells unasked. It needs no privilege.
  ///
  /// - Parameter groups: Numbers of the enumeration `sknetlink_groups`, up to 32.
  /// - Throws: the errno of bind(2).
  public func join(_ groups: [UInt32]) throws(SystemCallError) {
    // More than the system allows is cut to that, and a burst needs all of it.
    var room: Int32 = 8 << 20
    _ = unsafe setsockopt(
      descriptor.rawValue, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
    // NETLINK_ADD_MEMBERSHIP would leave the socket without an address, and then nothing comes.
    let address = sockaddr_nl(
      nl_family: UInt16(AF_NETLINK), nl_pad: 0, nl_pid: 0,
      nl_groups: groups.reduce(0) { $0 | 1 << ($1 - 1) })
    try SystemCall(name: "bind").make("to the groups of sock_diag") {
      unsafe withUnsafePointer(to: address) { address in
        unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
          unsafe bind(descriptor.rawValue, address, socklen_t(MemoryLayout<sockaddr_nl>.size))
        }
      }
    }
  }

  /// What `receiveNow` found.
  public enum Received: Equatable, Sendable {
    /// A datagram of so many bytes, which are more than the buffer's where it was cut.
    case datagram(Int)
    case nothing
    /// Datagrams were lost, since the kernel had no room for them. `lostCount` is how many.
    case lost
  }

  /// How many datagrams the kernel had no room for since the socket was made (SO_MEMINFO).
  ///
  /// - Returns: nil before Linux 4.12.
  public var lostCount: UInt32? {
    var numbers = InlineArray<9, UInt32>(repeating: 0)
    let size = socklen_t(MemoryLayout.size(ofValue: numbers))
    var length = size
    guard
      unsafe getsockopt(descriptor.rawValue, SOL_SOCKET, SO_MEMINFO, &numbers, &length) == 0,
      length == size
    else { return nil }
    // SK_MEMINFO_DROPS of <linux/sock_diag.h>.
    return numbers[8]
  }

  /// Receives one datagram if there is one.
  ///
  /// - Throws: the errno of recv(2), other than EAGAIN and ENOBUFS.
  public func receiveNow(into buffer: inout MutableRawSpan) throws(SystemCallError) -> Received {
    try unsafe buffer.withUnsafeMutableBytes { bytes throws(SystemCallError) in
      switch SystemCall(name: "recv").attempt({
        unsafe recv(
          descriptor.rawValue, bytes.baseAddress, bytes.count, Int32(MSG_TRUNC | MSG_DONTWAIT))
      }) {
      case .success(let count): return .datagram(count)
      case .failure(.tryAgain): return .nothing
      case .failure(let errno) where errno == .noBuffers: return .lost
      case .failure(let errno): throw SystemCallError("recv", "from sock_diag", errno)
      }
    }
  }
}
