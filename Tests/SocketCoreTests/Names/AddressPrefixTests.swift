// Ranges of addresses: what is read, what is refused, and who is inside.

import SocketCore
import Testing

struct AddressPrefixTests {
  @Test(arguments: [
    ("0.0.0.0/0", "0.0.0.0/0"), ("10.0.0.0/8", "10.0.0.0/8"), ("192.0.2.0/24", "192.0.2.0/24"),
    ("192.0.2.64/26", "192.0.2.64/26"), ("192.0.2.1", "192.0.2.1/32"),
    ("192.0.2.1/32", "192.0.2.1/32"), ("128.0.0.0/1", "128.0.0.0/1"),
    ("::/0", "::/0"), ("2001:DB8::/32", "2001:db8::/32"), ("::1", "::1/128"),
    ("fe80::/10", "fe80::/10"), ("2001:db8:0:1::/64", "2001:db8:0:1::/64"),
    ("2001:db8::8000:0:0:0/65", "2001:db8:0:0:8000::/65"), ("::2/127", "::2/127"),
    // Peers are compared as IPv4 where they are mapped, and so are ranges.
    ("::ffff:10.0.0.0/104", "10.0.0.0/8"), ("::ffff:192.0.2.1", "192.0.2.1/32"),
    ("::ffff:0:0/96", "0.0.0.0/0"),
  ])
  func `a range is read and printed`(text: String, canonical: String) throws {
    let prefix = try #require(AddressPrefix(text))
    #expect(prefix.description == canonical)
    #expect(AddressPrefix(canonical) == prefix)
  }

  @Test(arguments: [
    "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8",
    "10.0.0.0/0x8", "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.0/٨", "10/8", "10.0.0/8", "host/8",
    "localhost", "10.0.0.0/99999999999999999999",
    // Bits behind the prefix.
    "10.1.2.3/8", "0.0.0.1/0", "192.0.2.65/26", "2001:db8::1/64", "::1/0", "::3/127",
    "::/129", "::ffff:10.1.0.0/104", "2001:db8::/", "[::1]", "[::1]/128",
    // A scope.
    "fe80::1%lo", "fe80::%lo/10",
  ])
  func `what is no range is refused`(text: String) {
    #expect(AddressPrefix(text) == nil)
  }

  @Test(arguments: [
    ("10.1.2.3", 8, "10.0.0.0/8"), ("10.1.2.3", 32, "10.1.2.3/32"), ("10.1.2.3", 0, "0.0.0.0/0"),
    ("2001:db8::1", 33, "2001:db8::/33"), ("::1", 128, "::1/128"), ("::1", 0, "::/0"),
    ("::ffff:10.1.2.3", 104, "10.0.0.0/8"), ("::ffff:10.1.2.3", 96, "0.0.0.0/0"),
    ("::ffff:10.1.2.3", 95, "::fffe:0:0/95"), ("10.1.2.3", 33, nil), ("::1", 129, nil),
    ("::1", -1, nil),
  ])
  func `an address is in a range of any length`(text: String, length: Int, range: String?) throws {
    let address = try #require(IPAddress(text))
    let prefix = AddressPrefix(masking: address, length: length)
    #expect(prefix?.description == range)
    if let prefix, !prefix.coversMapped { #expect(prefix.contains(address)) }
  }

  /// Ranges of IPv6 that mapped addresses lie in, though they are compared as IPv4.
  @Test(arguments: [
    ("::/0", true), ("::/80", true), ("::/81", false), ("::fffe:0:0/95", true),
    ("::ffff:0:0/96", false), ("::1", false), ("2001:db8::/32", false),
    ("0.0.0.0/0", false), ("10.0.0.0/8", false),
  ])
  func `mapped addresses lie in some`(text: String, isCovered: Bool) throws {
    if let prefix = AddressPrefix(text) { #expect(prefix.coversMapped == isCovered) }
  }

  struct Row: Sendable {
    var range: String
    var inside: [String]
    var outside: [String]
  }

  @Test(arguments: [
    Row(
      range: "10.0.0.0/8", inside: ["10.0.0.0", "10.255.255.255", "10.1.2.3", "::ffff:10.1.2.3"],
      outside: ["9.255.255.255", "11.0.0.0", "::10.1.2.3", "::1", "::ffff:11.0.0.0"]),
    Row(
      range: "192.0.2.64/26", inside: ["192.0.2.64", "192.0.2.127"],
      outside: ["192.0.2.63", "192.0.2.128"]),
    Row(range: "192.0.2.1", inside: ["192.0.2.1"], outside: ["192.0.2.0", "192.0.2.2"]),
    Row(
      range: "0.0.0.0/0", inside: ["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"],
      outside: ["::", "::1"]),
    // A mapped address is an IPv4 one, whatever its text.
    Row(
      range: "::/0", inside: ["::", "::1", "ffff::", "2001:db8::1"],
      outside: ["0.0.0.0", "::ffff:1.2.3.4"]),
    Row(
      range: "2001:db8::/63", inside: ["2001:db8::1", "2001:db8:0:1:ffff::"],
      outside: ["2001:db8:0:2::", "2001:db7:ffff::"]),
    Row(
      range: "2001:db8::/65", inside: ["2001:db8::7fff:0:0:0"],
      outside: ["2001:db8::8000:0:0:0", "2001:db8:0:1::"]),
    Row(range: "::2/127", inside: ["::2", "::3"], outside: ["::1", "::4"]),
    Row(range: "::ffff:10.0.0.0/104", inside: ["10.9.9.9"], outside: ["11.0.0.0", "::1"]),
    // A link-local peer comes with its scope.
    Row(range: "fe80::/10", inside: ["fe80::1%lo", "febf::1"], outside: ["fec0::", "::1"]),
  ])
  func `who is inside and who is not`(row: Row) throws {
    let prefix = try #require(AddressPrefix(row.range))
    for text in row.inside { #expect(prefix.contains(try #require(IPAddress(text))), "\(text)") }
    for text in row.outside { #expect(!prefix.contains(try #require(IPAddress(text))), "\(text)") }
  }
}
