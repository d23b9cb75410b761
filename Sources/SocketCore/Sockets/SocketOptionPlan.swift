// Options that a socket is to get before it is used, of any type, and what became of them.

/// One option with the value that was asked for.
public struct RequestedOption: Sendable {
  /// The sockets that an option is for.
  enum Family: Sendable {
    case any
    /// IPv4 sockets, and IPv6 ones that have IPv4 peers: what goes to those peers is set by it.
    case v4
    case v6
  }

  let family: Family
  let apply: @Sendable (borrowing Socket) throws(SystemCallError) -> OptionOutcome

  init<Value>(_ option: SocketOption<Value>, _ value: Value, for family: Family) {
    self.family = family
    apply = { socket throws(SystemCallError) in
      let applied = try socket.set(option, to: value)
      return OptionOutcome(
        name: option.name, requested: applied.requested.optionText,
        effective: applied.effective.optionText)
    }
  }

  /// An option of sockets of either family.
  public init<Value>(_ option: SocketOption<Value>, _ value: Value) {
    self.init(option, value, for: .any)
  }

  /// The hop limit of what is sent, 1–255: IP_TTL of IPv4, IPV6_UNICAST_HOPS of IPv6.
  public static func hopLimit(_ value: UInt8) -> [Self] {
    [
      Self(.timeToLive, Int32(value), for: .v4), Self(.unicastHops, Int32(value), for: .v6),
    ]
  }

  /// The differentiated services field, a code point of 0–63: the upper six bits of IP_TOS of IPv4
  /// and of IPV6_TCLASS of IPv6. The lower two are TCP's own (ECN).
  public static func codePoint(_ value: UInt8) -> [Self] {
    let field = Int32(value) << 2
    return [Self(.typeOfService, field, for: .v4), Self(.trafficClass, field, for: .v6)]
  }
}

/// What an option was to become and what it became, as text.
public struct OptionOutcome: Hashable, Sendable {
  /// The name in the manual, `SO_RCVBUF`.
  public var name: String
  public var requested: String
  public var effective: String
}

/// Options for each socket that is opened, and who is told what became of them.
public struct SocketOptionPlan: Sendable {
  public var options: [RequestedOption]
  let observe: @Sendable (OptionOutcome) -> Void

  /// - Parameter observe: told of each option of each socket, once it is set.
  public init(
    _ options: [RequestedOption] = [],
    observe: @escaping @Sendable (OptionOutcome) -> Void = { _ in }
  ) {
    self.options = options
    self.observe = observe
  }

  /// Sets the options that concern what is sent to or from `address`: on an IPv6 socket of a mapped
  /// address those of IPv4.
  ///
  /// - Parameter isDualStack: whether an IPv6 socket takes IPv4 peers as well.
  /// - Throws: the errno of setsockopt(2) or getsockopt(2).
  func apply(
    to socket: borrowing Socket, for address: IPAddress, isDualStack: Bool = false
  ) throws(SystemCallError) {
    for option in options {
      let isOfOtherFamily = address.unmapped.isIPv6 ? option.family == .v4 : option.family == .v6
      if isOfOtherFamily && !isDualStack { continue }
      do throws(SystemCallError) {
        observe(try option.apply(socket))
      } catch  where isOfOtherFamily && error.errno == .protocolNotAvailable {
        // Older kernels do not let an IPv6 socket have options of IPv4.
      }
    }
  }
}
