// A listening socket: bind, listen with a backlog, accept.

internal import CLinux
internal import Glibc

/// A socket in LISTEN. Closing it resets the connections that still wait in its accept queue.
public struct Listener: ~Copyable, Sendable {
  public let socket: Socket
  /// The bound address; its port is the real one also where port 0 was asked for.
  public let local: Endpoint
  /// Whether an IPv6 listener takes IPv4 peers too; nil for one of IPv4, also on a mapped address.
  public let isDualStack: Bool?
  /// The backlog as it was handed to listen(2).
  public let requestedBacklog: Int32

  /// What a listener is to be.
  public struct Options: Sendable {
    /// Handed to listen(2) as it is: the kernel reads it as unsigned and clamps it to net.core.somaxconn.
    public var backlog: Int32 = .max
    /// May bind while old connections of the port are in TIME_WAIT.
    public var reuseAddress = true
    /// May share the port with other listeners that ask for it too.
    public var reusePort = false
    /// An IPv6 listener refuses IPv4 peers. The kernel's own default (net.ipv6.bindv6only) is never relied on.
    /// Without effect on a mapped address, which has no other peers.
    public var ipv6Only = false
    /// Whether bind(2) is called at all. Without it listen(2) itself takes a free port on every
    /// local address.
    public var binds = true
    /// Set before bind(2); what a connection can inherit it inherits.
    public var socketOptions = SocketOptionPlan()
    public var tracer = CallTracer.silent

    public init() {}
  }

  /// socket(2), bind(2), listen(2).
  ///
  /// - Throws: what the first of them that failed says: EADDRINUSE, EADDRNOTAVAIL, EACCES, EMFILE …
  public init(on endpoint: Endpoint, _ options: Options = Options()) throws(SystemCallError) {
    let socket = try Socket(for: endpoint.address, tracer: options.tracer)
    var isDualStack: Bool?
    if endpoint.address.isIPv6 {
      let isMapped = !endpoint.address.unmapped.isIPv6
      let isIPv6Only = try socket.set(.ipv6Only, to: options.ipv6Only && !isMapped).effective
      if !isMapped { isDualStack = !isIPv6Only }
    }
    if options.reuseAddress { try socket.set(.reuseAddress, to: true) }
    if options.reusePort { try socket.set(.reusePort, to: true) }
    try options.socketOptions.apply(
      to: socket, for: endpoint.address, isDualStack: isDualStack ?? false)
    if options.binds { try socket.bind(to: endpoint) }
    try socket.listen(backlog: options.backlog, "on \(endpoint)")
    let local = try socket.localEndpoint()
    self.socket = socket
    self.local = local
    self.isDualStack = isDualStack
    requestedBacklog = options.backlog
  }

  /// Listens on every local address, in one socket for both families where the host has IPv6 and on IPv4 alone where not.
  ///
  /// - Parameter port: 0 lets the kernel choose.
  public static func onEveryAddress(
    port: UInt16, _ options: Options = Options()
  ) throws(SystemCallError) -> Listener {
    do {
      return try Listener(on: Endpoint(.v6(.any), port), options)
    } catch  where error.errno == .familyNotSupported || error.errno == .addressNotAvailable {
      return try Listener(on: Endpoint(.v4(.any), port), options)
    }
  }

  /// Calls listen(2) again, which replaces the backlog: the queue stays, and net.core.somaxconn is
  /// applied as it is now (__inet_listen_sk in net/ipv4/af_inet.c).
  ///
  /// - Throws: the errno of listen(2).
  public func relisten(backlog: Int32) throws(SystemCallError) {
    try socket.listen(backlog: backlog, "on \(local)")
  }

  /// Closes now. Connections that still wait in the accept queue are reset.
  public consuming func close() throws(SystemCallError) {
    try socket.close("listener on \(local)")
  }

  /// The two numbers that the kernel keeps about the accept queue.
  public struct Queue: Hashable, Sendable {
    /// Established connections that wait for accept(2).
    public var length: Int
    /// The effective backlog. The queue is full at one more than that (sk_acceptq_is_full).
    public var backlog: Int
  }

  /// Reads the accept queue. TCP_INFO of a listener.
  public func queue() throws(SystemCallError) -> Queue {
    let info = try socket.info()
    return Queue(
      length: info.unacknowledgedSegments, backlog: info.selectivelyAcknowledgedSegments)
  }

  /// accept(2) hands over errors of the new connection and its network as its own. They are no fault
  /// of the listener, and the next call gets the next connection. EPERM is none of them: a security
  /// module or a sandbox forbids the call, and the connection stays in the queue.
  private static let errorsOfTheConnection: Set<Errno> = Set(
    [
      ECONNABORTED, ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
      EOPNOTSUPP, ENETUNREACH,
    ].map { Errno(rawValue: $0) })

  /// Takes the oldest connection off the accept queue. accept4(2).
  ///
  /// - Returns: nil where none waits, or where the one that waited is already gone.
  /// - Throws: EMFILE at the descriptor limit, and what else concerns the listener itself.
  public func accept() throws(SystemCallError) -> Connection? {
    var address = SocketAddress()
    let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let number: Int32
    switch socket.call("accept4", effect: .makesSocket).attempt({
      unsafe address.withMutablePointer {
        unsafe clinux_accept4(socket.descriptor.rawValue, $0, $1, flags)
      }
    }) {
    case .success(let result): number = result
    case .failure(.tryAgain): return nil
    case .failure(let errno) where Self.errorsOfTheConnection.contains(errno): return nil
    case .failure(let errno): throw SystemCallError("accept", "on \(local)", errno)
    }
    let accepted = Socket(owning: number, tracer: socket.tracer)
    let peer = address.endpoint ?? Endpoint(.v4(.any), 0)
    let ownEnd = try accepted.localEndpoint()
    return Connection(accepted, local: ownEnd.unmapped, peer: peer.unmapped)
  }
}

extension Socket {
  /// listen(2).
  fileprivate func listen(backlog: Int32, _ subject: String) throws(SystemCallError) {
    try call("listen").make(subject, arguments: "\(backlog)") {
      Glibc.listen(descriptor.rawValue, backlog)
    }
  }
}
