// Which local addresses exclude each other on one port: the kernel's rule, as a pure function.

public import SocketCore

/// The address and port that a socket is bound to, or is to be bound to.
public struct BoundAddress: Hashable, Sendable {
  /// As the socket has it. Its family is the socket's: an IPv6 socket on an IPv4 address has a mapped
  /// one.
  public var endpoint: Endpoint
  /// Whether an IPv6 socket refuses IPv4 peers (IPV6_V6ONLY); nil where that is not known, or for an
  /// IPv4 socket.
  public var isIPv6Only: Bool?

  public init(_ endpoint: Endpoint, isIPv6Only: Bool? = nil) {
    self.endpoint = endpoint
    self.isIPv6Only = isIPv6Only
  }

  /// The local end of a row of the kernel's table.
  public init(_ row: SocketRow) {
    self.init(row.local, isIPv6Only: row.isIPv6Only)
  }

  /// Whether the two share the port and an address: the wildcard of a family is every address of it,
  /// and that of IPv6 also every IPv4 address, unless its socket is for IPv6 only. Where it is not
  /// known whether a socket is, it is taken for one that is not.
  ///
  /// That the addresses overlap does not say that the second bind(2) failed for it: SO_REUSEADDR,
  /// SO_REUSEPORT and SO_BINDTODEVICE can let both in (inet_bind_conflict). Where it failed with
  /// EADDRINUSE it was for a socket that overlaps. inet_rcv_saddr_equal.
  public func overlaps(_ other: BoundAddress) -> Bool {
    guard endpoint.port == other.endpoint.port else { return false }
    return switch (endpoint.address.unmapped, other.endpoint.address.unmapped) {
    case (.v4(let mine), .v4(let theirs)): mine == theirs || mine == .any || theirs == .any
    case (.v6(let mine), .v6(let theirs)):
      mine.isEverything || theirs.isEverything || mine.isSame(as: theirs)
    case (.v6(let mine), .v4): mine.isEverything && isIPv6Only != true
    case (.v4, .v6(let theirs)): theirs.isEverything && other.isIPv6Only != true
    }
  }
}

extension IPv6Address {
  fileprivate var isEverything: Bool { high == 0 && low == 0 }

  /// The same address of two interfaces is not the same; an unknown interface could be any.
  fileprivate func isSame(as other: IPv6Address) -> Bool {
    high == other.high && low == other.low
      && (scope == other.scope || scope == 0 || other.scope == 0)
  }
}
