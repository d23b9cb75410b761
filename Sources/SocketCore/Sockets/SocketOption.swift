// Socket options with their types, and what the kernel made of the value that was asked for.

internal import CLinux
internal import Glibc

/// A value that setsockopt(2) takes and getsockopt(2) gives.
public protocol SocketOptionValue: Hashable, Sendable {
  /// Reads what getsockopt(2) gave.
  init(optionBytes: [UInt8])
  /// What setsockopt(2) takes.
  var optionBytes: [UInt8] { get }
  /// The value as traces and messages show it.
  var optionText: String { get }
}

extension SocketOptionValue where Self: FixedWidthInteger & BitwiseCopyable {
  public init(optionBytes bytes: [UInt8]) {
    let isWhole = bytes.count >= MemoryLayout<Self>.size
    self = isWhole ? unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: Self.self) } : 0
  }
  public var optionBytes: [UInt8] {
    unsafe withUnsafeBytes(of: self) { unsafe Array($0) }
  }
  public var optionText: String { String(self) }
}

extension Int32: SocketOptionValue {}

extension UInt32: SocketOptionValue {}

extension UInt64: SocketOptionValue {}

extension Bool: SocketOptionValue {
  public init(optionBytes bytes: [UInt8]) { self = Int32(optionBytes: bytes) != 0 }
  public var optionBytes: [UInt8] { Int32(self ? 1 : 0).optionBytes }
  public var optionText: String { self ? "1" : "0" }
}

/// A name; the kernel ends it with a NUL.
extension String: SocketOptionValue {
  public init(optionBytes bytes: [UInt8]) {
    self = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
  public var optionBytes: [UInt8] { Array(utf8) }
  public var optionText: String { self }
}

/// One option: its level, its number, its name in the manual, and the type of its value.
public struct SocketOption<Value: SocketOptionValue>: Sendable {
  /// The name in the manual, `SO_REUSEADDR`.
  public let name: String
  let level: Int32
  let number: Int32
}

extension SocketOption where Value == Bool {
  /// A listener may bind while old connections of its port are in TIME_WAIT. socket(7).
  public static var reuseAddress: Self {
    .init(name: "SO_REUSEADDR", level: SOL_SOCKET, number: SO_REUSEADDR)
  }
  /// Several listeners may share one port, each with a queue of its own. socket(7).
  public static var reusePort: Self {
    .init(name: "SO_REUSEPORT", level: SOL_SOCKET, number: SO_REUSEPORT)
  }
  /// An IPv6 socket that takes no IPv4 peers. ipv6(7).
  public static var ipv6Only: Self {
    .init(name: "IPV6_V6ONLY", level: Int32(IPPROTO_IPV6), number: IPV6_V6ONLY)
  }
  /// Small segments are sent at once (Nagle's algorithm is off). tcp(7).
  public static var noDelay: Self {
    .init(name: "TCP_NODELAY", level: Int32(IPPROTO_TCP), number: Int32(TCP_NODELAY))
  }
  /// Probes are sent on a connection on which nothing comes. socket(7).
  public static var keepAlive: Self {
    .init(name: "SO_KEEPALIVE", level: SOL_SOCKET, number: SO_KEEPALIVE)
  }
}

extension SocketOption where Value == Int32 {
  /// Bytes of the receive buffer; the kernel doubles what is asked for, within net.core.rmem_max. socket(7).
  public static var receiveBuffer: Self {
    .init(name: "SO_RCVBUF", level: SOL_SOCKET, number: SO_RCVBUF)
  }
  /// Bytes of the send buffer; doubled likewise, within net.core.wmem_max. socket(7).
  public static var sendBuffer: Self {
    .init(name: "SO_SNDBUF", level: SOL_SOCKET, number: SO_SNDBUF)
  }
  /// Bytes that have to be there before the socket is reported as readable, but for its end. socket(7).
  static var receiveLowWater: Self {
    .init(name: "SO_RCVLOWAT", level: SOL_SOCKET, number: SO_RCVLOWAT)
  }
  /// Bytes of the largest segment. tcp(7).
  public static var maximumSegment: Self {
    .init(name: "TCP_MAXSEG", level: Int32(IPPROTO_TCP), number: Int32(TCP_MAXSEG))
  }
  /// Seconds of silence before the first keepalive probe. tcp(7).
  public static var keepAliveIdle: Self {
    .init(name: "TCP_KEEPIDLE", level: Int32(IPPROTO_TCP), number: Int32(TCP_KEEPIDLE))
  }
  /// Seconds between two keepalive probes. tcp(7).
  public static var keepAliveInterval: Self {
    .init(name: "TCP_KEEPINTVL", level: Int32(IPPROTO_TCP), number: Int32(TCP_KEEPINTVL))
  }
  /// Unanswered keepalive probes after which the connection is given up. tcp(7).
  public static var keepAliveCount: Self {
    .init(name: "TCP_KEEPCNT", level: Int32(IPPROTO_TCP), number: Int32(TCP_KEEPCNT))
  }
  /// For a listener: seconds for which a connection without data is not handed to accept(2). The
  /// kernel counts in retransmissions of the SYN-ACK and rounds up to them. tcp(7).
  public static var deferAccept: Self {
    .init(name: "TCP_DEFER_ACCEPT", level: Int32(IPPROTO_TCP), number: Int32(TCP_DEFER_ACCEPT))
  }
  /// For a listener: how many handshakes with data in the SYN may be pending. tcp(7).
  public static var fastOpen: Self {
    .init(name: "TCP_FASTOPEN", level: Int32(IPPROTO_TCP), number: Int32(TCP_FASTOPEN))
  }
  /// The time to live of IPv4 packets. ip(7).
  static var timeToLive: Self {
    .init(name: "IP_TTL", level: Int32(IPPROTO_IP), number: Int32(IP_TTL))
  }
  /// The hop limit of IPv6 packets. ipv6(7).
  static var unicastHops: Self {
    .init(
      name: "IPV6_UNICAST_HOPS", level: Int32(IPPROTO_IPV6), number: Int32(IPV6_UNICAST_HOPS))
  }
  /// The type of service of IPv4 packets. ip(7).
  static var typeOfService: Self {
    .init(name: "IP_TOS", level: Int32(IPPROTO_IP), number: Int32(IP_TOS))
  }
  /// The traffic class of IPv6 packets. ipv6(7).
  static var trafficClass: Self {
    .init(name: "IPV6_TCLASS", level: Int32(IPPROTO_IPV6), number: Int32(IPV6_TCLASS))
  }
}

extension SocketOption where Value == UInt32 {
  /// Milliseconds for which sent data may stay unacknowledged before the connection is given up; 0
  /// leaves it to the number of retransmissions. tcp(7).
  public static var userTimeout: Self {
    .init(name: "TCP_USER_TIMEOUT", level: Int32(IPPROTO_TCP), number: Int32(TCP_USER_TIMEOUT))
  }
  /// Bytes that may wait unsent in the send buffer before it stops being writable. tcp(7).
  public static var notSentLowWater: Self {
    .init(name: "TCP_NOTSENT_LOWAT", level: Int32(IPPROTO_TCP), number: Int32(TCP_NOTSENT_LOWAT))
  }
  /// The mark of packets for routing and firewalls; needs CAP_NET_ADMIN. socket(7).
  public static var mark: Self { .init(name: "SO_MARK", level: SOL_SOCKET, number: SO_MARK) }
}

extension SocketOption where Value == UInt64 {
  /// The most bytes a second that are sent, headers among them; all ones is without a limit. TCP paces
  /// itself to it (Linux 4.13). socket(7), sk_pacing_rate in net/core/sock.c.
  public static var pacingRate: Self {
    .init(name: "SO_MAX_PACING_RATE", level: SOL_SOCKET, number: SO_MAX_PACING_RATE)
  }
}

extension Connection {
  /// Has the kernel send no faster than so.
  ///
  /// - Parameters:
  ///   - rate: Bytes a second.
  ///   - limitsBuffer: Whether no more than an eighth of a second may wait unsent in the send buffer: what
  ///     waits there when the last byte was given to it would still take its time.
  /// - Returns: whether it will; where it will not, the bytes have to be given to it no faster.
  public func paces(at rate: Int, limitsBuffer: Bool = true) -> Bool {
    if limitsBuffer {
      _ = try? socket.set(.notSentLowWater, to: UInt32(clamping: max(65_536, rate / 8)))
    }
    guard let applied = try? socket.set(.pacingRate, to: UInt64(clamping: rate)) else {
      return false
    }
    return applied.effective == applied.requested
  }
}

extension SocketOption where Value == String {
  /// The congestion control algorithm. tcp(7).
  public static var congestionControl: Self {
    .init(name: "TCP_CONGESTION", level: Int32(IPPROTO_TCP), number: Int32(TCP_CONGESTION))
  }
}

/// What an option was to become and what it became.
public struct AppliedOption<Value: SocketOptionValue>: Hashable, Sendable {
  public var requested: Value
  public var effective: Value
}

extension Socket {
  /// The algorithm of congestion control, for those who tell about the connection: this reading is
  /// no step of it, and is not traced. Nil where the kernel does not tell.
  public var congestionControl: String? {
    var bytes = [UInt8](repeating: 0, count: 16)
    var length = socklen_t(bytes.count)
    let option = SocketOption<String>.congestionControl
    let result = unsafe getsockopt(
      descriptor.rawValue, option.level, option.number, &bytes, &length)
    return result == 0 ? String(optionBytes: Array(bytes.prefix(Int(length)))) : nil
  }

  /// What the option is now.
  ///
  /// - Throws: the errno of getsockopt(2), ENOPROTOOPT where the kernel does not know the option.
  public func value<Value>(of option: SocketOption<Value>) throws(SystemCallError) -> Value {
    // Numbers, and names of at most 16 bytes (TCP_CA_NAME_MAX).
    var bytes = [UInt8](repeating: 0, count: 16)
    var length = socklen_t(bytes.count)
    var value: Value { Value(optionBytes: Array(bytes.prefix(Int(length)))) }
    try call("getsockopt").make(option.name, arguments: "\(option.name), [\(value.optionText)]") {
      unsafe getsockopt(descriptor.rawValue, option.level, option.number, &bytes, &length)
    }
    return value
  }

  /// Sets the option and reads back what the kernel made of it.
  ///
  /// - Throws: the errno of setsockopt(2) or getsockopt(2).
  @discardableResult
  public func set<Value>(
    _ option: SocketOption<Value>, to requested: Value
  ) throws(SystemCallError) -> AppliedOption<Value> {
    let bytes = requested.optionBytes
    let text = "\(option.name) \(requested.optionText)"
    try call("setsockopt").make(text, arguments: "\(option.name), \(requested.optionText)") {
      unsafe setsockopt(
        descriptor.rawValue, option.level, option.number, bytes, socklen_t(bytes.count))
    }
    return AppliedOption(requested: requested, effective: try value(of: option))
  }
}
