// Which listener it is: for what waits, for what a client connects to, and by the kernel itself.

import SocketCore
import Testing

@testable import KernelTables

@Suite struct ListenerIndexTests {
  private struct Listener: Sendable {
    var address: IPAddress
    var port: UInt16 = 80
    var interface: UInt32? = 0
    var isIPv6Only: Bool?

    init(
      _ address: IPAddress, _ port: UInt16 = 80, on interface: UInt32? = 0,
      isIPv6Only: Bool? = nil
    ) {
      (self.address, self.port) = (address, port)
      (self.interface, self.isIPv6Only) = (interface, isIPv6Only)
    }
  }

  private static func row(
    _ state: TCPState, _ address: IPAddress, _ port: UInt16, isIPv6Only: Bool? = nil
  ) -> SocketRow {
    SocketRow(
      family: address.isIPv6 ? .v6 : .v4, shape: .full, state: state,
      local: Endpoint(address, port), peer: Endpoint(address, state == .listen ? 0 : 50_000),
      receiveQueue: 0, sendQueue: 0, timer: .none, timerExpiry: nil, retransmissions: 0, uid: 0,
      inode: 0, isIPv6Only: isIPv6Only)
  }

  /// The listeners by their places in the list, from 1.
  private static func index(_ listeners: [Listener]) -> ListenerIndex<Int> {
    var index = ListenerIndex<Int>()
    index.add(0, row(.established, v4, 80), interface: 0)
    for (number, listener) in listeners.enumerated() {
      index.add(
        number + 1,
        row(.listen, listener.address, listener.port, isIPv6Only: listener.isIPv6Only),
        interface: listener.interface)
    }
    return index
  }

  private static let mapped = IPAddress.v6(IPv6Address(high: 0, low: 0xFFFF_7F00_0001))
  private static let v4 = IPAddress.v4(.loopback)
  private static let v6 = IPAddress.v6(.loopback)
  private static let any4 = IPAddress.v4(.any)
  private static let any6 = IPAddress.v6(.any)
  private static let own = IPAddress.v4(IPv4Address(bits: 0x0A00_0001))
  private static func link(_ scope: UInt32) -> IPAddress {
    .v6(IPv6Address(high: 0xFE80 << 48, low: 1, scope: scope))
  }

  private static let waiting: [([Listener], (IPAddress, UInt32?), [Int])] = [
    ([], (v4, 0), []),
    ([Listener(v4, 81)], (v4, 0), []),
    ([Listener(any4), Listener(v4)], (v4, 0), [2]),
    ([Listener(v4), Listener(v4)], (v4, 0), [1, 2]),
    ([Listener(any6, isIPv6Only: true)], (v4, 0), []),
    ([Listener(any6)], (mapped, 0), [1]),
    ([Listener(any4)], (v6, 0), []),
    ([Listener(any4), Listener(any6, isIPv6Only: true)], (v6, 0), [2]),
    ([Listener(v6), Listener(any6)], (v6, 0), [1]),
    // Before Linux 3.18 a handshake of an IPv4 client had the family of IPv4.
    ([Listener(any6)], (v4, 0), [1]),
    // It has its listener's: one that came later is not its own, however well it fits.
    ([Listener(any6), Listener(v4)], (mapped, 0), [1]),
    // SO_BINDTODEVICE.
    ([Listener(any4, on: 2), Listener(any4, on: 3)], (v4, 3), [2]),
    ([Listener(any4, on: 2), Listener(any4, on: 3)], (v4, 0), []),
    ([Listener(any4, on: 2), Listener(any4)], (v4, 2), [1]),
    ([Listener(any4, on: 2), Listener(any4)], (v4, 3), [2]),
    // /proc does not know.
    ([Listener(any4, on: nil), Listener(any4, on: nil)], (v4, nil), [1, 2]),
    ([Listener(link(0), on: nil)], (link(2), nil), [1]),
  ]

  @Test(arguments: waiting)
  private func theListenerOfWhatWaitsIsFound(
    _ listeners: [Listener], _ place: (address: IPAddress, interface: UInt32?), _ found: [Int]
  ) {
    let row = Self.row(.established, place.address, 80)
    #expect(
      Self.index(listeners).candidates(for: row, interface: place.interface) == found)
  }

  private static let targets: [([Listener], IPAddress, [Int])] = [
    ([], v4, []),
    ([Listener(any4)], v4, [1]),
    ([Listener(any4), Listener(v4)], v4, [2]),
    ([Listener(v4)], mapped, [1]),
    ([Listener(mapped)], v4, [1]),
    // That for both is the last; those that share a port for both families are of IPv4 then.
    ([Listener(any6, isIPv6Only: false)], v4, [1]),
    ([Listener(any6, isIPv6Only: false), Listener(any4)], v4, [2]),
    ([Listener(any6, isIPv6Only: false), Listener(any4)], v6, [1]),
    ([Listener(any6, isIPv6Only: true)], v4, []),
    ([Listener(any4)], v6, []),
    // All addresses are loopback.
    ([Listener(v4)], any4, [1]),
    ([Listener(v6)], any6, [1]),
    // The interface is that of the address, where that is known.
    ([Listener(any4, on: 2)], v4, []),
    ([Listener(any4, on: 1), Listener(any4)], v4, [1]),
    ([Listener(any4, on: 2)], own, [1]),
    ([Listener(any4, on: 2), Listener(any4)], own, [2]),
    ([Listener(link(2), on: 2), Listener(link(3), on: 3)], link(3), [2]),
  ]

  @Test(arguments: targets)
  private func theListenerOfATargetIsFound(
    _ listeners: [Listener], _ target: IPAddress, _ found: [Int]
  ) {
    #expect(Self.index(listeners).candidates(for: Endpoint(target, 80)) == found)
  }
}
