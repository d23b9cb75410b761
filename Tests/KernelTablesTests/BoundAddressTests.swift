// Which local addresses exclude each other: the rule, and the kernel's own judgement on the same pairs.

import KernelTables
import SocketCore
import TestSupport
import Testing

@Suite struct BoundAddresses {
  /// An address as a listener is asked for it.
  struct Place: Sendable, CustomTestStringConvertible {
    var text: String
    var isIPv6Only: Bool?
    var testDescription: String { text + (isIPv6Only == true ? " only" : "") }

    init(_ text: String, isIPv6Only: Bool? = nil) {
      self.text = text
      self.isIPv6Only = isIPv6Only
    }

    func bound(_ port: UInt16) throws -> BoundAddress {
      BoundAddress(Endpoint(try #require(IPAddress(text)), port), isIPv6Only: isIPv6Only)
    }
  }

  private static let places = [
    Place("0.0.0.0"), Place("127.0.0.1"), Place("127.0.0.2"), Place("::1", isIPv6Only: false),
    Place("::1", isIPv6Only: true), Place("::", isIPv6Only: false), Place("::", isIPv6Only: true),
    Place("::ffff:127.0.0.1", isIPv6Only: false), Place("::ffff:0.0.0.0", isIPv6Only: false),
  ]

  /// The pairs that share an address, by their places above.
  private static let overlapping: Set<[Int]> = [
    [0, 0], [0, 1], [0, 2], [0, 5], [0, 7], [0, 8], [1, 1], [1, 5], [1, 7], [1, 8], [2, 2], [2, 5],
    [2, 8], [3, 3], [3, 4], [3, 5], [3, 6], [4, 4], [4, 5], [4, 6], [5, 5], [5, 6], [5, 7], [5, 8],
    [6, 6], [7, 7], [7, 8], [8, 8],
  ]

  @Test func theRule() throws {
    for (i, first) in Self.places.enumerated() {
      for (k, second) in Self.places.enumerated() {
        let (mine, theirs) = (try first.bound(7000), try second.bound(7000))
        #expect(
          mine.overlaps(theirs) == Self.overlapping.contains([i, k].sorted()),
          "\(first.testDescription), \(second.testDescription)")
        #expect(!mine.overlaps(try second.bound(7001)))
      }
    }
  }

  @Test func whatIsNotKnownMayOverlap() throws {
    let unknown = try Place("::").bound(7000)
    let v4 = try Place("127.0.0.1").bound(7000)
    #expect(unknown.overlaps(v4) && v4.overlaps(unknown))
  }

  @Test func aLinkLocalAddressIsOfItsInterface() {
    func bound(_ scope: UInt32) -> BoundAddress {
      BoundAddress(Endpoint(.v6(IPv6Address(high: 0xFE80 << 48, low: 1, scope: scope)), 7000))
    }
    #expect(bound(1).overlaps(bound(1)))
    #expect(!bound(1).overlaps(bound(2)))
    #expect(bound(0).overlaps(bound(2)) && bound(2).overlaps(bound(0)))
  }

  /// A second listener fails exactly where the rule says that the addresses overlap.
  @Test(arguments: places.indices, places.indices)
  func theKernelHasTheSameRule(_ first: Int, _ second: Int) throws {
    let port = try unusedPort()
    func listen(_ place: Place) throws -> Listener {
      var options = Listener.Options()
      options.ipv6Only = place.isIPv6Only == true
      return try Listener(on: try place.bound(port).endpoint, options)
    }
    let holder = try listen(Self.places[first])
    var refusal: Errno?
    do {
      let another = try listen(Self.places[second])
      #expect(another.local.port == port)
    } catch let error as SystemCallError {
      refusal = error.errno
    }
    let overlaps = Self.overlapping.contains([first, second].sorted())
    #expect(refusal == (overlaps ? .addressInUse : nil))
    #expect(holder.local.port == port)
  }

  /// What the table says of a listener is enough for the rule.
  @Test func theTableTellsIPv6Only() throws {
    for isIPv6Only in [true, false] {
      var options = Listener.Options()
      options.ipv6Only = isIPv6Only
      let listener = try Listener(on: Endpoint(.v6(.any), 0), options)
      var rows: [SocketRow] = []
      _ = try SockDiag.forEachRow(in: [.listen]) { row in
        if row.local == listener.local { rows.append(row) }
      }.get()
      #expect(rows.map(\.isIPv6Only) == [isIPv6Only])
      #expect(rows.map { BoundAddress($0).endpoint } == [listener.local])
    }
  }
}
