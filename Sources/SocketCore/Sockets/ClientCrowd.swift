// Many clients of one listener at once, each of which costs a descriptor and four bytes here.

internal import CLinux
internal import Glibc

/// Clients whose connect(2) has been called and whose outcome is looked at later. They are closed when
/// their owner goes.
public struct ClientCrowd: ~Copyable {
  public let target: Endpoint
  private let address: SocketAddress
  /// −1 for one that is closed.
  private var descriptors: [Int32] = []
  /// Those that connect(2) itself refused, which the socket does not remember.
  private var refusedAtOnce: Set<Int> = []

  /// What became of a client.
  public enum Condition: Hashable, Sendable {
    case established
    case synSent
    /// By an RST after the handshake.
    case reset
    /// By an RST in the handshake.
    case refused
    /// No SYN was answered.
    case timedOut
    /// In a state that none of these is, or closed by us.
    case other
  }

  public init(to target: Endpoint, capacity: Int = 0) {
    self.target = target
    address = SocketAddress(target)
    descriptors.reserveCapacity(capacity)
  }

  deinit {
    for descriptor in descriptors where descriptor >= 0 { Self.reset(descriptor) }
  }

  public var count: Int { descriptors.count }

  /// Makes one more client: socket(2), connect(2), which sends the SYN and returns.
  ///
  /// - Parameters:
  ///   - source: its own address; nil lets the kernel choose.
  ///   - isDeaf: whether it is to ignore the answer, see `setDeaf`.
  /// - Returns: false where it was refused at once, as may happen on the own host.
  /// - Throws: EMFILE, EADDRNOTAVAIL where no local port is free, ENETUNREACH and its kind.
  @discardableResult
  public mutating func connect(
    from source: IPAddress? = nil, isDeaf: Bool = false
  ) throws(SystemCallError) -> Bool {
    let socket = try Socket(for: target.address)
    if isDeaf { try socket.set(deafness, to: Self.deafHopLimit) }
    if let source { try socket.take(ClientEnd(source: Endpoint(source, 0))) }
    let descriptor = socket.descriptor.rawValue
    // Never repeated: an interrupted connect goes on by itself.
    let result = socket.call("connect", retryOnInterrupt: false).attempt {
      unsafe address.withPointer { unsafe Glibc.connect(descriptor, $0, $1) }
    }
    switch result {
    case .success, .failure(.inProgress), .failure(.interrupted):
      descriptors.append(socket.release())
      return true
    case .failure(.connectionRefused):
      refusedAtOnce.insert(descriptors.count)
      descriptors.append(socket.release())
      return false
    case .failure(let errno): throw SystemCallError("connect", "to \(target)", errno)
    }
  }

  /// What comes with a smaller one is dropped unseen. A packet of a host that is not asked otherwise
  /// starts with 64, so that 255 leaves nothing.
  private static let deafHopLimit: Int32 = 255

  private var deafness: SocketOption<Int32> {
    target.address.isIPv6 ? .leastHopLimit : .leastTimeToLive
  }

  /// Lets a client ignore all that comes for it, or hear again. A deaf one sends its SYN and never
  /// sees the SYN-ACK: it stays in SYN_SENT, no RST goes out, and the listener keeps a true SYN_RECV.
  /// It takes no privilege. IP_MINTTL, ip(7); IPV6_MINHOPCOUNT, ipv6(7); the generalized TTL security
  /// mechanism of RFC 5082 (tcp_v4_rcv, tcp_v6_rcv).
  ///
  /// - Throws: the errno of setsockopt(2).
  public func setDeaf(_ isDeaf: Bool, client: Int) throws(SystemCallError) {
    let option = deafness
    var value: Int32 = isDeaf ? Self.deafHopLimit : 0
    try SystemCall(name: "setsockopt", descriptor: descriptors[client]).make(option.name) {
      unsafe setsockopt(
        descriptors[client], option.level, option.number, &value,
        socklen_t(MemoryLayout<Int32>.size))
    }
  }

  /// The descriptor of a client, to be watched; nil for one that is closed.
  public func descriptor(of client: Int) -> Int32? {
    descriptors[client] >= 0 ? descriptors[client] : nil
  }

  /// What the kernel knows about a client; nil for one that is closed.
  public func info(of client: Int) -> TCPInfo? {
    descriptor(of: client).flatMap { try? TCPInfo(of: $0) }
  }

  /// What became of a client so far. The cause of an end is taken by this: the next time it is `other`.
  public func condition(of client: Int) -> Condition {
    if refusedAtOnce.contains(client) { return .refused }
    guard let descriptor = descriptor(of: client), let state = TCPState(ofDescriptor: descriptor)
    else { return .other }
    switch state {
    case .established: return .established
    case .synSent: return .synSent
    case .closed: return Self.end(of: descriptor)
    default: return .other
    }
  }

  private static func end(of descriptor: Int32) -> Condition {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &value, &length) == 0 else {
      return .other
    }
    return switch Errno(rawValue: value) {
    case .connectionReset, .brokenPipe: .reset
    case .connectionRefused: .refused
    case .timedOut: .timedOut
    default: .other
    }
  }

  /// A client's own end of the connection. getsockname(2).
  public func local(of client: Int) -> Endpoint? {
    guard let descriptor = descriptor(of: client) else { return nil }
    return TracedSocket(descriptor).local
  }

  /// Sends bytes on a client's connection. send(2).
  ///
  /// - Returns: whether the kernel took them.
  public func send(_ bytes: [UInt8], client: Int) -> Bool {
    guard let descriptor = descriptor(of: client) else { return false }
    let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
    return unsafe Glibc.send(descriptor, bytes, bytes.count, flags) == bytes.count
  }

  /// Ends a client with an RST, so that nothing stays in TIME_WAIT.
  public mutating func close(client: Int) {
    guard let descriptor = descriptor(of: client) else { return }
    descriptors[client] = -1
    Self.reset(descriptor)
  }

  private static func reset(_ descriptor: Int32) {
    var value = linger(l_onoff: 1, l_linger: 0)
    _ = unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    _ = Glibc.close(descriptor)
  }
}

extension SocketOption where Value == Int32 {
  /// The least time to live with which a packet is let in. ip(7).
  static var leastTimeToLive: Self {
    .init(name: "IP_MINTTL", level: Int32(IPPROTO_IP), number: IP_MINTTL)
  }
  /// The least hop limit with which a packet is let in. ipv6(7).
  static var leastHopLimit: Self {
    .init(name: "IPV6_MINHOPCOUNT", level: Int32(IPPROTO_IPV6), number: IPV6_MINHOPCOUNT)
  }
}
