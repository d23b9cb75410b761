// Ranges of addresses: an address and how many of its leading bits count (CIDR, RFC 4632).

/// All addresses that begin with the same bits.
public struct AddressPrefix: Hashable, Sendable, CustomStringConvertible {
  /// Its bits behind the prefix are 0.
  public let address: IPAddress
  /// How many leading bits count: 0–32 for IPv4, 0–128 for IPv6.
  public let length: Int

  /// Reads `10.0.0.0/8`, `2001:db8::/32` or an address alone, which stands for itself.
  ///
  /// Refuses bits behind the prefix (`10.1.2.3/8`), which are a mistake more often than not, and
  /// addresses with a scope. Mapped IPv4 addresses (`::ffff:10.0.0.0/104`) become IPv4.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = IPAddress(first) else { return nil }
    if case .v6(let v6) = address, v6.scope != 0 { return nil }
    let longest = address.isIPv6 ? 128 : 32
    var length = longest
    if parts.count == 2 {
      guard parts[1].isDecimal, let number = Int(parts[1]), number <= longest else { return nil }
      length = number
    }
    guard address.keepingBits(length) == address else { return nil }
    self.init(masking: address, length: length)
  }

  /// The range of so many bits that an address is in, without its scope; nil where it has not so
  /// many. Mapped IPv4 addresses become IPv4.
  public init?(masking address: IPAddress, length: Int) {
    guard (0...(address.isIPv6 ? 128 : 32)).contains(length) else { return nil }
    let isMapped = address.isIPv6 && !address.unmapped.isIPv6 && length >= 96
    self.length = isMapped ? length - 96 : length
    self.address = (isMapped ? address.unmapped : address).keepingBits(self.length)
  }

  /// Whether it is a range of IPv6 in which there are mapped IPv4 addresses, which `contains` leaves
  /// to IPv4.
  public var coversMapped: Bool {
    let mapped = IPAddress.v6(IPv6Address(high: 0, low: 0xFFFF_0000_0000))
    return mapped.keepingBits(length) == address
  }

  /// Whether the address is in the range; a mapped IPv4 address counts as IPv4.
  public func contains(_ other: IPAddress) -> Bool {
    other.unmapped.keepingBits(length) == address
  }

  public var description: String { "\(address)/\(length)" }
}

extension IPAddress {
  /// The address with the bits behind the first `count` set to 0, and without its scope.
  fileprivate func keepingBits(_ count: Int) -> IPAddress {
    switch self {
    case .v4(let v4): .v4(IPv4Address(bits: v4.bits & ~(UInt32.max.shifted(right: count))))
    case .v6(let v6):
      .v6(
        IPv6Address(
          high: v6.high & ~(UInt64.max.shifted(right: count)),
          low: v6.low & ~(UInt64.max.shifted(right: max(0, count - 64)))))
    }
  }
}

extension FixedWidthInteger {
  /// 0 where that is as many bits as there are, or more.
  fileprivate func shifted(right count: Int) -> Self { count >= Self.bitWidth ? 0 : self >> count }
}
