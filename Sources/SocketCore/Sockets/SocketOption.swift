// Socket options with their types, and what the kernel made of the value that was asked for.

internal import Glibc

/// A value that setsockopt(2) takes as an int.
public protocol SocketOptionValue: Hashable, Sendable {
  init(optionValue: Int32)
  var optionValue: Int32 { get }
}

extension Bool: SocketOptionValue {
  public init(optionValue: Int32) { self = optionValue != 0 }
  public var optionValue: Int32 { self ? 1 : 0 }
}

extension Int32: SocketOptionValue {
  public init(optionValue: Int32) { self = optionValue }
  public var optionValue: Int32 { self }
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
  /// Bytes of the largest segment. tcp(7).
  public static var maximumSegment: Self {
    .init(name: "TCP_MAXSEG", level: Int32(IPPROTO_TCP), number: Int32(TCP_MAXSEG))
  }
}

/// What an option was to become and what it became.
public struct AppliedOption<Value: SocketOptionValue>: Hashable, Sendable {
  public var requested: Value
  public var effective: Value
}

extension Socket {
  /// What the option is now.
  ///
  /// - Throws: the errno of getsockopt(2), ENOPROTOOPT where the kernel does not know the option.
  public func value<Value>(of option: SocketOption<Value>) throws(SystemCallError) -> Value {
    var raw: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    try call("getsockopt").make(option.name, arguments: option.name) {
      unsafe getsockopt(descriptor.rawValue, option.level, option.number, &raw, &length)
    }
    return Value(optionValue: raw)
  }

  /// Sets the option and reads back what the kernel made of it.
  ///
  /// - Throws: the errno of setsockopt(2) or getsockopt(2).
  @discardableResult
  public func set<Value>(
    _ option: SocketOption<Value>, to requested: Value
  ) throws(SystemCallError) -> AppliedOption<Value> {
    var raw = requested.optionValue
    try call("setsockopt").make(option.name, arguments: "\(option.name), \(raw)") {
      unsafe setsockopt(
        descriptor.rawValue, option.level, option.number, &raw,
        socklen_t(MemoryLayout<Int32>.size))
    }
    return AppliedOption(requested: requested, effective: try value(of: option))
  }
}
