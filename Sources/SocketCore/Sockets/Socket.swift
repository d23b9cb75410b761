// A TCP socket: what listeners and connections have in common.

internal import CLinux
internal import Glibc

/// A TCP socket that is closed when its owner goes.
public struct Socket: ~Copyable, Sendable {
  public let descriptor: SocketDescriptor
  var tracer: CallTracer { descriptor.tracer }

  /// Takes over a descriptor that nobody else will close.
  init(owning descriptor: Int32, tracer: CallTracer) {
    self.descriptor = SocketDescriptor(owning: descriptor, tracer: tracer)
  }

  /// Makes a TCP socket for the family of `address`. It never waits: O_NONBLOCK is set. socket(2).
  ///
  /// - Throws: EMFILE at the descriptor limit, EAFNOSUPPORT without IPv6, and the rest of socket(2).
  public init(for address: IPAddress, tracer: CallTracer = .silent) throws(SystemCallError) {
    let (family, name) =
      switch address {
      case .v4: (AF_INET, "AF_INET")
      case .v6: (AF_INET6, "AF_INET6")
      }
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = try SystemCall(name: "socket", tracer: tracer, effect: .makesSocket).make(
      name, arguments: "\(name), SOCK_STREAM"
    ) { socket(family, type, Int32(IPPROTO_TCP)) }
    self.init(owning: descriptor, tracer: tracer)
  }

  func call(
    _ name: StaticString, retryOnInterrupt: Bool = true, effect: SystemCall.Effect = .usesSocket
  ) -> SystemCall {
    SystemCall(
      name: name, descriptor: descriptor.rawValue, tracer: tracer,
      retryOnInterrupt: retryOnInterrupt, effect: effect)
  }

  /// Gives the socket a local address. bind(2).
  ///
  /// - Throws: EADDRINUSE, EADDRNOTAVAIL for an address that is not this host's, EACCES for a
  ///   privileged port, and the rest of bind(2).
  public func bind(to endpoint: Endpoint) throws(SystemCallError) {
    let address = SocketAddress(endpoint)
    try call("bind").make("to \(endpoint)", arguments: "\(endpoint)") {
      unsafe address.withPointer { unsafe Glibc.bind(descriptor.rawValue, $0, $1) }
    }
  }

  /// The local address, which the kernel may have chosen. getsockname(2).
  public func localEndpoint() throws(SystemCallError) -> Endpoint {
    try unsafe endpoint("getsockname") { unsafe getsockname(descriptor.rawValue, $0, $1) }
  }

  /// The peer's address. getpeername(2).
  ///
  /// - Throws: ENOTCONN where the peer is already gone.
  public func peerEndpoint() throws(SystemCallError) -> Endpoint {
    try unsafe endpoint("getpeername") { unsafe getpeername(descriptor.rawValue, $0, $1) }
  }

  private func endpoint(
    _ name: StaticString,
    _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) throws(SystemCallError) -> Endpoint {
    var address = SocketAddress()
    try SystemCall(name: name, descriptor: descriptor.rawValue).make("") {
      unsafe address.withMutablePointer(body)
    }
    guard let endpoint = address.endpoint else {
      throw SystemCallError("\(name)", "", .familyNotSupported)
    }
    return endpoint
  }

  /// What the kernel knows about this socket now.
  public func info() throws(SystemCallError) -> TCPInfo { try TCPInfo(of: descriptor.rawValue) }

  /// Takes the error that waits on the socket, if there is one: reading it clears it. SO_ERROR, socket(7).
  public func takePendingError() -> Errno? {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    let result = call("getsockopt").attempt(
      arguments: "SO_ERROR, [\(value == 0 ? "0" : Errno(rawValue: value).name)]"
    ) {
      unsafe getsockopt(descriptor.rawValue, SOL_SOCKET, SO_ERROR, &value, &length)
    }
    if case .failure(let errno) = result { return errno }
    return value == 0 ? nil : Errno(rawValue: value)
  }

  /// Packets that this socket, or for a listener the queues behind it, had to drop. It counts from
  /// the socket's making; nil where the kernel does not tell. SO_MEMINFO, Linux 4.12.
  public func dropCount() -> Int? {
    let fields = Int(SK_MEMINFO_VARS)
    return unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: fields) { buffer in
      var length = socklen_t(fields * MemoryLayout<UInt32>.size)
      let result = unsafe getsockopt(
        descriptor.rawValue, SOL_SOCKET, SO_MEMINFO, buffer.baseAddress, &length)
      let index = Int(SK_MEMINFO_DROPS)
      guard result == 0, Int(length) >= (index + 1) * MemoryLayout<UInt32>.size else { return nil }
      return unsafe Int(buffer[index])
    }
  }

  /// Makes the coming close send RST in place of FIN, so that nothing stays in TIME_WAIT.
  /// SO_LINGER with a time of 0, socket(7).
  public func resetOnClose() throws(SystemCallError) {
    var value = linger(l_onoff: 1, l_linger: 0)
    try call("setsockopt").make("SO_LINGER", arguments: "SO_LINGER, {1, 0}") {
      unsafe setsockopt(
        descriptor.rawValue, SOL_SOCKET, SO_LINGER, &value,
        socklen_t(MemoryLayout<linger>.size))
    }
  }

  consuming func close(_ subject: String) throws(SystemCallError) {
    try descriptor.close(subject)
  }

  /// Gives the descriptor away: from now on somebody else closes it.
  consuming func release() -> Int32 { descriptor.release() }
}

extension IPAddress {
  /// Whether it is an address of this network namespace: bind(2) refuses all others, unless the
  /// setting net.ipv4.ip_nonlocal_bind, or that of net.ipv6, allows them.
  public var isOfThisHost: Bool {
    guard let socket = try? Socket(for: unmapped) else { return false }
    return (try? socket.bind(to: Endpoint(unmapped, 0))) != nil
  }
}
