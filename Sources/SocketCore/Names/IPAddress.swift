// IP addresses as values: parsing, and the text of RFC 5952.

internal import Glibc

/// An IPv4 address.
public struct IPv4Address: Hashable, Sendable {
  /// The four bytes as one number, the first in the highest place: 127.0.0.1 is 0x7F000001.
  public var bits: UInt32

  public init(bits: UInt32) { self.bits = bits }

  public static let any = IPv4Address(bits: 0)
  public static let loopback = IPv4Address(bits: 0x7F00_0001)
}

/// An IPv6 address with the scope that a link-local one needs.
public struct IPv6Address: Hashable, Sendable {
  /// The first and the last eight bytes, each as one number, the first byte in the highest place.
  public var high: UInt64
  public var low: UInt64
  /// The interface index of a link-local address; 0 where there is none.
  public var scope: UInt32

  public init(high: UInt64, low: UInt64, scope: UInt32 = 0) {
    self.high = high
    self.low = low
    self.scope = scope
  }

  public static let any = IPv6Address(high: 0, low: 0)
  public static let loopback = IPv6Address(high: 0, low: 1)

  /// The IPv4 address inside `::ffff:a.b.c.d`, which is how a dual-stack socket names an IPv4 peer.
  public var mapped: IPv4Address? {
    high == 0 && low >> 32 == 0xFFFF ? IPv4Address(bits: UInt32(truncatingIfNeeded: low)) : nil
  }
}

/// An IPv4 or IPv6 address.
public enum IPAddress: Hashable, Sendable {
  case v4(IPv4Address)
  case v6(IPv6Address)

  /// Reads the text of an address: dotted quad, any form of RFC 4291, `%eth0` or `%2` after a
  /// scoped one. inet_pton(3), so `010.1` and `1.2.3` are refused.
  public init?(_ text: some StringProtocol) {
    // On its way into C the text would end at an embedded NUL.
    guard !text.utf8.contains(0) else { return nil }
    let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = parts.first.map({ String($0) }) else { return nil }
    if parts.count == 1, let v4 = IPv4Address(dotted: address) {
      self = .v4(v4)
    } else if var v6 = IPv6Address(colons: address) {
      if parts.count == 2 {
        guard let scope = Self.interfaceIndex(String(parts[1])) else { return nil }
        v6.scope = scope
      }
      self = .v6(v6)
    } else {
      return nil
    }
  }

  /// The IPv4 address where this one is mapped; itself otherwise.
  public var unmapped: IPAddress {
    if case .v6(let v6) = self, let v4 = v6.mapped { return .v4(v4) }
    return self
  }

  public var isIPv6: Bool {
    if case .v6 = self { return true }
    return false
  }

  /// The address without its scope, which not every table of the kernel has.
  public var unscoped: IPAddress {
    guard case .v6(var v6) = self else { return self }
    v6.scope = 0
    return .v6(v6)
  }

  /// True for 0.0.0.0 and `::`.
  public var isUnspecified: Bool {
    switch self {
    case .v4(let v4): v4 == .any
    case .v6(let v6): v6.high == 0 && v6.low == 0
    }
  }

  /// True for 127.0.0.0/8, `::1` and what is mapped from the former.
  public var isLoopback: Bool {
    switch unmapped {
    case .v4(let v4): v4.bits >> 24 == 127
    case .v6(let v6): v6.high == 0 && v6.low == 1
    }
  }

  private static func interfaceIndex(_ text: String) -> UInt32? {
    // UInt32 would also take a sign.
    if text.first != "+", let number = UInt32(text), number != 0 { return number }
    let index = unsafe if_nametoindex(text)
    return index == 0 ? nil : index
  }
}

extension IPv4Address {
  init?(dotted text: String) {
    var parsed = in_addr()
    guard unsafe inet_pton(AF_INET, text, &parsed) == 1 else { return nil }
    self.init(bits: UInt32(bigEndian: parsed.s_addr))
  }

  /// Appends `192.0.2.1`.
  func append(to text: inout OutputSpan<UInt8>) { text.append(halves) }

  /// `192.0.` and `2.1`.
  @inline(__always)
  var halves: InlineArray<2, ShortText> {
    [part(24) + part(16), part(8) + part(0).withoutLast()]
  }

  /// The byte that starts at so many bits from the right, and a full stop.
  @inline(__always)
  private func part(_ shift: UInt32) -> ShortText {
    ShortText(byteAndStop: UInt8(truncatingIfNeeded: bits &>> shift))
  }
}

extension IPv6Address {
  init?(colons text: String) {
    var parsed = in6_addr()
    guard unsafe inet_pton(AF_INET6, text, &parsed) == 1 else { return nil }
    self.init(parsed, scope: 0)
  }

  init(_ address: in6_addr, scope: UInt32) {
    let words = unsafe address.__in6_u.__u6_addr32
    high = UInt64(UInt32(bigEndian: words.0)) << 32 | UInt64(UInt32(bigEndian: words.1))
    low = UInt64(UInt32(bigEndian: words.2)) << 32 | UInt64(UInt32(bigEndian: words.3))
    self.scope = scope
  }

  var kernelForm: in6_addr {
    var address = in6_addr()
    unsafe address.__in6_u.__u6_addr32 = (
      UInt32(truncatingIfNeeded: high >> 32).bigEndian, UInt32(truncatingIfNeeded: high).bigEndian,
      UInt32(truncatingIfNeeded: low >> 32).bigEndian, UInt32(truncatingIfNeeded: low).bigEndian
    )
    return address
  }

  private func group(_ index: Int) -> UInt64 {
    (index < 4 ? high : low) >> UInt64(48 - 16 * (index & 3)) & 0xFFFF
  }

  /// Appends the text of RFC 5952: lower case, no leading zeros, the first longest run of at least
  /// two zero groups as `::`, a mapped address with its dotted quad.
  func append(to text: inout OutputSpan<UInt8>) {
    if let mapped {
      text.append("::ffff:")
      mapped.append(to: &text)
    } else {
      appendGroups(to: &text)
    }
    if scope != 0 { appendScope(to: &text) }
  }

  private func appendGroups(to text: inout OutputSpan<UInt8>) {
    let gap = longestZeroRun()
    var index = 0
    while index < 8 {
      if index == gap.lowerBound && !gap.isEmpty {
        text.append("::")
        index = gap.upperBound
        continue
      }
      if index > 0 && index != gap.upperBound { text.append(UInt8(ascii: ":")) }
      text.append(hexadecimal: group(index))
      index += 1
    }
  }

  private func longestZeroRun() -> Range<Int> {
    var best = 0..<0
    var start = 0
    for index in 0...8 {
      if index < 8 && group(index) == 0 { continue }
      if index - start > best.count { best = start..<index }
      start = index + 1
    }
    return best.count >= 2 ? best : 0..<0
  }

  /// The interface's name, or its index where it has none here (a saved table, a gone interface).
  private func appendScope(to text: inout OutputSpan<UInt8>) {
    text.append(UInt8(ascii: "%"))
    let length = Int(IF_NAMESIZE)
    let name = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: length) { buffer in
      guard let base = buffer.baseAddress, unsafe if_indextoname(scope, base) != nil else {
        return String(scope)
      }
      return unsafe String(cString: base)
    }
    for byte in name.utf8 { text.append(byte) }
  }
}

extension IPAddress: CustomStringConvertible {
  /// The most bytes that an address takes as text: eight groups, `%` and an interface's name, of which
  /// a byte that is no text becomes U+FFFD, three bytes.
  public static let longestText = 39 + 1 + 3 * Int(IF_NAMESIZE)

  /// Appends the address as text, without making a String. There has to be room for `longestText`.
  public func append(to text: inout OutputSpan<UInt8>) {
    switch self {
    case .v4(let v4): v4.append(to: &text)
    case .v6(let v6): v6.append(to: &text)
    }
  }

  public var description: String {
    String(decoding: [UInt8](capacity: Self.longestText) { append(to: &$0) }, as: UTF8.self)
  }
}
