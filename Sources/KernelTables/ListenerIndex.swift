// Which listener a connection waits at, or a client would reach: the kernel's rule.

public import SocketCore

/// The listeners of one network namespace, to be found from the connections that wait at them.
public struct ListenerIndex<Listener: Sendable>: Sendable {
  private struct Member: Sendable {
    let place: ListenerPlace
    let isIPv6Only: Bool?
    let listener: Listener
  }

  private var byPort: [UInt16: [Member]] = [:]

  public init() {}

  /// Adds what stands for the listener of a row; what does not listen is passed over.
  ///
  /// - Parameter interface: what it is bound to (`SocketDetails.interface`).
  public mutating func add(_ listener: Listener, _ row: SocketRow, interface: UInt32?) {
    guard row.state == .listen else { return }
    byPort[row.local.port, default: []].append(
      Member(
        place: ListenerPlace(row, interface), isIPv6Only: row.isIPv6Only, listener: listener))
  }

  /// The listeners at which a connection or handshake can be waiting.
  ///
  /// - Parameter interface: that of its details.
  /// - Returns: none where it listens no more; several where they share the port (SO_REUSEPORT),
  ///   since no row says which of them it is.
  public func candidates(for row: SocketRow, interface: UInt32?) -> [Listener] {
    candidates(at: ListenerPlace(row, interface))
  }

  /// The listeners that a client in this network namespace can reach that connects to an address of
  /// its own.
  public func candidates(for target: Endpoint) -> [Listener] {
    candidates(at: ListenerPlace(target))
  }

  func candidates(at place: ListenerPlace) -> [Listener] {
    var best: [Listener] = []
    var bestRank = 0
    for member in byPort[place.port] ?? [] {
      let rank = place.rank(of: member.place, isIPv6Only: member.isIPv6Only)
      if rank > bestRank {
        best = []
        bestRank = rank
      }
      if rank > 0, rank == bestRank { best.append(member.listener) }
    }
    return best
  }
}

/// Where a listener listens, or where a connection waits for one.
struct ListenerPlace: Hashable, Sendable {
  /// Of the socket; nil for a client that has none here yet.
  let family: SocketRow.Family?
  let port: UInt16
  /// Unmapped, and without a scope: for that there is the interface.
  let address: IPAddress
  /// 0 for any; nil for a client whose target does not say which.
  let interface: UInt32?

  init(_ row: SocketRow, _ interface: UInt32?) {
    family = row.family
    port = row.local.port
    address = row.local.address.unmapped.unscoped
    self.interface = interface ?? 0
  }

  /// That of a listener which is not bound to an interface, or of which that is not known.
  init(_ listener: BoundAddress) {
    family = listener.endpoint.address.isIPv6 ? .v6 : .v4
    port = listener.endpoint.port
    address = listener.endpoint.address.unmapped.unscoped
    interface = 0
  }

  /// What a client connects to, an address of its own host. Though it is reached by way of the
  /// loopback interface, what counts is the interface that has the address.
  init(_ target: Endpoint) {
    family = nil
    port = target.port
    let address = target.address.unmapped
    // connect(2) to all addresses is one to loopback.
    self.address =
      !address.isUnspecified
      ? address.unscoped : address.isIPv6 ? .v6(.loopback) : .v4(.loopback)
    if self.address.isLoopback {
      interface = Self.loopbackInterface
    } else if case .v6(let v6) = address, v6.scope != 0 {
      interface = v6.scope
    } else {
      interface = nil
    }
  }

  /// LOOPBACK_IFINDEX, of each network namespace (include/net/flow.h).
  private static let loopbackInterface: UInt32 = 1

  /// How well a listener on this port fits, by the kernel's rule: one on the very address goes before
  /// one on all, and then one on the interface before one on any, and one of IPv4 before one for both
  /// (__inet_lookup_listener and compute_score in net/ipv4/inet_hashtables.c, inet6_lookup_listener).
  ///
  /// - Parameter isIPv6Only: nil where it is not known.
  /// - Returns: 0 where it does not fit.
  func rank(of listener: ListenerPlace, isIPv6Only: Bool?) -> Int {
    let isBound = listener.interface != 0
    guard !isBound || interface == nil || listener.interface == interface else { return 0 }
    let isExact = listener.address == address
    if !isExact {
      guard listener.address.isUnspecified else { return 0 }
      // An IPv6 wildcard takes IPv4 too, unless it must not; a mapped one of IPv4 takes nothing else.
      let isIPv4 = !address.isIPv6
      if isIPv4 ? isIPv6Only == true : !listener.address.isIPv6 { return 0 }
    }
    // One on an interface that may be another comes last.
    let fit = (isExact ? 5 : 1) + (!isBound ? 1 : interface == nil ? 0 : 2)
    // What waits has its listener's family, so that an IPv4 client of an IPv6 socket is there with
    // IPv6 and a mapped address; only handshakes had their own before Linux 3.18.
    guard let family else { return fit + (listener.family == .v4 ? 1 : 0) }
    return fit + (listener.family == family ? 16 : 0)
  }
}
