// Addresses and endpoints as text: what is read, what is refused, and that printing obeys RFC 5952.

import Glibc
import SocketCore
import TestSupport
import Testing

struct IPAddressTests {
  @Test(
    arguments: [
      ("0.0.0.0", 0), ("127.0.0.1", 0x7F00_0001), ("192.0.2.1", 0xC000_0201),
      ("255.255.255.255", 0xFFFF_FFFF), ("1.20.255.0", 0x0114_FF00),
    ] as [(String, UInt32)])
  func `IPv4 is read and printed`(text: String, bits: UInt32) throws {
    let address = try #require(IPAddress(text))
    #expect(address == .v4(IPv4Address(bits: bits)))
    #expect(address.description == text)
    #expect(Endpoint(address, 80).description == "\(text):80")
  }

  @Test(arguments: [
    // Section 4.1: no leading zeros, and a group of zeros is one zero.
    ("2001:0db8::0001", "2001:db8::1"),
    ("2001:db8:00aa:0:0:0:0:00b1", "2001:db8:aa::b1"),
    ("2001:db8:1:0000:1:1:1:1", "2001:db8:1:0:1:1:1:1"),
    // Section 4.2.1: as short as possible.
    ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
    ("2001:db8::0:1", "2001:db8::1"),
    ("0:0:0:0:0:0:0:0", "::"),
    ("0:0:0:0:0:0:0:1", "::1"),
    ("1:0:0:0:0:0:0:0", "1::"),
    ("0:0:1:2:3:4:5:6", "::1:2:3:4:5:6"),
    ("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"),
    // Section 4.2.2: one zero group is not shortened.
    ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("::1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7"),
    ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    // Section 4.2.3: the longest run, and of equal ones the first.
    ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
    ("2001:0:0:0:1:0:0:1", "2001::1:0:0:1"),
    ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("0:0:1:0:0:1:0:0", "::1:0:0:1:0:0"),
    // Section 4.3: lower case.
    ("2001:DB8:ABCD:EF::1", "2001:db8:abcd:ef::1"),
    // Section 5: a mapped address shows its IPv4 one.
    ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
    ("::FFFF:C000:0201", "::ffff:192.0.2.1"),
    ("::ffff:0.0.0.0", "::ffff:0.0.0.0"),
    // The same section leaves other embedded addresses alone, the deprecated compatible ones too.
    ("::1.2.3.4", "::102:304"),
    ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ("::ffff:0:1.2.3.4", "::ffff:0:102:304"),
  ])
  func `IPv6 is printed as RFC 5952 says`(text: String, canonical: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.description == canonical)
    #expect(IPAddress(canonical) == address)
    // Section 6.
    #expect(Endpoint(address, 443).description == "[\(canonical)]:443")
  }

  @Test func `the bytes of an IPv6 address are in their places`() {
    #expect(
      IPAddress("0123:4567:89ab:cdef:fedc:ba98:7654:3210")
        == .v6(IPv6Address(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)))
  }

  @Test func `a scope is read by name and by number and printed by name`() throws {
    let loopback = unsafe if_nametoindex("lo")
    try #require(loopback != 0)
    let expected = IPAddress.v6(IPv6Address(high: 0xFE80 << 48, low: 1, scope: loopback))
    #expect(IPAddress("fe80::1%lo") == expected)
    #expect(IPAddress("fe80::1%\(loopback)") == expected)
    #expect(expected.description == "fe80::1%lo")
    #expect(Endpoint(expected, 80).description == "[fe80::1%lo]:80")
  }

  @Test func `a scope without an interface is printed by number`() throws {
    let text = "fe80::1%4294967295"
    let address = try #require(IPAddress(text))
    #expect(address == .v6(IPv6Address(high: 0xFE80 << 48, low: 1, scope: .max)))
    #expect(address.description == text)
  }

  @Test(arguments: [
    "", " ", ".", ":", "%", "%lo", "::%", "::1%", "::1%0", "::1%nosuchinterface", "::1%%lo",
    "::1%+1", "::1%-1", "::1% 1", "::1%4294967296", "::1%lo%lo", "1.2.3.4%lo", "1.2.3.4%", "010.1",
    "1.2.3", "1", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.-4", "1.2.3.4 ", " 1.2.3.4",
    "0x7f.0.0.1", "1.2.3.4:80", "[::1]", "::1 ", ":::", "1::2::3", "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "12345::", "g::", "::1.2.3", "::ffff:1.2.3.256", "1.2.3.4\0", "1.2.3.4\0.5", "::1\0",
    "::1%lo\0",
    "::1%lo\0x", "\0", "١.٢.٣.٤",
  ])
  func `what is no address is refused`(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test(arguments: ["1", ":", "0", ".", "a", "%", "::1%", "é"])
  func `a text of 10,000 bytes is refused`(part: String) {
    #expect(IPAddress(String(repeating: part, count: 10_000)) == nil)
    #expect(IPAddress("::1%" + String(repeating: part, count: 10_000)) == nil)
  }

  @Test func `random addresses survive the text, which is that of inet_ntop`() throws {
    let seed: UInt64 = 5952
    let random = bytes(count: 20_000 * 3 * 8, seed: seed)
    func word(_ index: Int) -> UInt64 {
      random[8 * index..<8 * index + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }
    for index in 0..<20_000 {
      // Whole groups become zero, often, or small: that is where the rules are.
      let shape = word(3 * index)
      func masked(_ value: UInt64, _ shape: UInt64) -> UInt64 {
        (0..<4).reduce(0) { result, group in
          let mask: UInt64 =
            switch shape >> UInt64(4 * group) & 15 {
            case 0..<7: 0
            case 7: 0xF
            case 8: 0xFF
            default: 0xFFFF
            }
          return result | value & mask << UInt64(16 * group)
        }
      }
      let v6 = IPv6Address(
        high: masked(word(3 * index + 1), shape), low: masked(word(3 * index + 2), shape >> 16))
      let text = IPAddress.v6(v6).description
      #expect(IPAddress(text) == .v6(v6), "seed \(seed), address \(index)")
      // libc prints the deprecated IPv4-compatible addresses, ::1.2.3.4, with a dotted quad, which
      // RFC 5952 asks for only where the prefix tells that an IPv4 address is inside.
      let isCompatible = v6.high == 0 && v6.low >> 32 == 0 && v6.low >> 16 != 0
      #expect((text == systemText(of: v6)) == !isCompatible, "seed \(seed), address \(index)")

      let v4 = IPAddress.v4(IPv4Address(bits: UInt32(truncatingIfNeeded: shape)))
      #expect(IPAddress(v4.description) == v4, "seed \(seed), address \(index)")
    }
  }

  /// What inet_ntop(3) makes of the address.
  private func systemText(of address: IPv6Address) -> String {
    var raw = [address.high.bigEndian, address.low.bigEndian]
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    unsafe inet_ntop(AF_INET6, &raw, &text, socklen_t(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  @Test(arguments: [
    ("::ffff:127.0.0.1", "127.0.0.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("::1", "::1"),
    ("127.0.0.1", "127.0.0.1"), ("::fffe:1.2.3.4", "::fffe:102:304"), ("::1.2.3.4", "::102:304"),
  ])
  func `only mapped addresses are unmapped`(text: String, expected: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.unmapped.description == expected)
    #expect(Endpoint(address, 9).unmapped.address.description == expected)
    #expect(Endpoint(address, 9).unmapped.port == 9)
  }

  @Test(arguments: [
    ("127.0.0.1", true), ("127.255.255.254", true), ("126.255.255.255", false),
    ("128.0.0.0", false), ("::1", true), ("::", false), ("::ffff:127.0.0.9", true),
    ("::ffff:10.0.0.1", false), ("1::1", false),
  ])
  func `loopback addresses are known`(text: String, expected: Bool) throws {
    let address = try #require(IPAddress(text))
    #expect(address.isLoopback == expected)
  }

  @Test(arguments: [("0.0.0.0", true), ("::", true), ("0.0.0.1", false), ("::1", false)])
  func `unspecified addresses are known`(text: String, expected: Bool) throws {
    let address = try #require(IPAddress(text))
    #expect(address.isUnspecified == expected)
  }

  /// Around every power of ten, where the number of digits changes.
  @Test func `decimal numbers are appended`() {
    var power: UInt64 = 1
    while true {
      for number in [power - 1, power, power + 1, power &* 7 &+ 3, .max - power] {
        let text = [UInt8](capacity: 25) { text in
          text.append(UInt8(ascii: "n"))
          text.append(decimal: number)
        }
        #expect(String(decoding: text, as: UTF8.self) == "n\(number)")
      }
      let (next, isTooMuch) = power.multipliedReportingOverflow(by: 10)
      if isTooMuch { return }
      power = next
    }
  }

  @Test func `every byte of an address and every port is written as it is`() {
    for byte in UInt32(0)...255 {
      let other = 255 - byte
      let bits = byte << 24 | other << 16 | byte << 8 | other
      #expect(
        IPAddress.v4(IPv4Address(bits: bits)).description == "\(byte).\(other).\(byte).\(other)")
    }
    for port in UInt16.min...UInt16.max {
      let text = Endpoint(.v4(.loopback), port).description
      if text != "127.0.0.1:\(port)" { Issue.record("\(text) for \(port)") }
    }
  }
}
