// The ICMP message that ended a handshake: what it says, who sent it, and its way out of the kernel.

internal import CLinux
internal import Glibc

/// An ICMP or ICMPv6 error about a connection. RFC 792, RFC 1122, RFC 1812, RFC 4443.
public struct ICMPError: Hashable, Sendable {
  /// Whether type and code are those of ICMPv6.
  public var isICMPv6: Bool
  public var type: UInt8
  public var code: UInt8
  /// The router or host that sent it, which is not always the one that was to be reached; nil where
  /// the kernel does not tell.
  public var from: IPAddress?

  public init(isICMPv6: Bool = false, type: UInt8, code: UInt8, from: IPAddress? = nil) {
    self.isICMPv6 = isICMPv6
    self.type = type
    self.code = code
    self.from = from
  }

  /// What it means for a connection. The kernel's errno does not say: it is EHOSTUNREACH both for a
  /// host that is not there (3/1) and for a filter (3/13).
  public var failure: ConnectFailure {
    switch (isICMPv6, type, code) {
    case (false, 3, 9), (false, 3, 10), (false, 3, 13): .prohibited
    case (true, 1, 1), (true, 1, 5), (true, 1, 6): .prohibited
    case (false, 3, 3), (true, 1, 4): .refused
    default: .unreachable
    }
  }

  /// What the type says, and what the code adds; nil for one that no RFC names.
  private var names: (type: String, code: String?) {
    let texts: (String, KeyValuePairs<UInt8, String>)
    switch (isICMPv6, type) {
    case (false, 3): texts = ("destination unreachable", Self.unreachableV4)
    case (true, 1): texts = ("destination unreachable", Self.unreachableV6)
    case (false, 11), (true, 3):
      texts = ("time exceeded", [0: "hop limit reached in transit", 1: "reassembly took too long"])
    case (false, 12), (true, 4): texts = ("parameter problem", [:])
    default: texts = ("message", [:])
    }
    return (texts.0, texts.1.first { $0.key == code }?.value)
  }

  private static let unreachableV4: KeyValuePairs<UInt8, String> = [
    0: "network unreachable", 1: "host unreachable", 2: "protocol unreachable",
    3: "port unreachable", 5: "source route failed", 6: "network unknown", 7: "host unknown",
    8: "source host isolated", 9: "network administratively prohibited",
    10: "host administratively prohibited", 11: "network unreachable for this type of service",
    12: "host unreachable for this type of service",
    13: "communication administratively prohibited", 14: "host precedence violation",
    15: "precedence cutoff in effect",
  ]

  private static let unreachableV6: KeyValuePairs<UInt8, String> = [
    0: "no route to destination", 1: "communication administratively prohibited",
    2: "beyond scope of source address", 3: "address unreachable", 4: "port unreachable",
    5: "source address failed the filter's policy", 6: "route to destination rejected",
  ]
}

extension ICMPError: CustomStringConvertible {
  /// `ICMP destination unreachable, host unreachable (3/1), from 10.0.0.1`.
  public var description: String {
    let names = names
    let protocolName = isICMPv6 ? "ICMPv6" : "ICMP"
    let detail = names.code.map { ", \($0)" } ?? ""
    let sender = from.map { ", from \($0)" } ?? ""
    return "\(protocolName) \(names.type)\(detail) (\(type)/\(code))\(sender)"
  }
}

extension SocketOption where Value == Bool {
  /// ICMP errors go to the error queue with their details. ip(7).
  static var errorQueueV4: Self {
    .init(name: "IP_RECVERR", level: Int32(IPPROTO_IP), number: IP_RECVERR)
  }
  /// ICMPv6 errors go to the error queue with their details. ipv6(7).
  static var errorQueueV6: Self {
    .init(name: "IPV6_RECVERR", level: Int32(IPPROTO_IPV6), number: IPV6_RECVERR)
  }
}

extension Socket {
  /// Whether ICMP errors are kept with their details. Only for the time of the handshake: on an
  /// established connection it would also make a passing unreachability end the connection, which
  /// RFC 1122 (4.2.3.9) wants TCP to live through (tcp_v4_err). Switching it off empties the queue.
  func keepErrors(_ keep: Bool, for address: IPAddress) {
    // Without it only the explanation is missing.
    _ = try? set(address.unmapped.isIPv6 ? .errorQueueV6 : .errorQueueV4, to: keep)
  }

  /// Takes what is in the error queue. To be called after `takePendingError`: the kernel clears
  /// SO_ERROR with the queue's last message.
  ///
  /// - Returns: the last ICMP message and the errno that the kernel made of it.
  func takeICMPError() -> (icmp: ICMPError, errno: Errno)? {
    var last: (icmp: ICMPError, errno: Errno)?
    while true {
      var taken = clinux_icmp_error()
      switch call("recvmsg").attempt(
        arguments: "MSG_ERRQUEUE",
        { unsafe clinux_take_icmp_error(descriptor.rawValue, &taken) })
      {
      case .success(1):
        let sender: IPAddress? =
          switch taken.sender_family {
          case 4: .v4(IPv4Address(bits: UInt32(truncatingIfNeeded: taken.sender_low)))
          case 6:
            .v6(
              IPv6Address(
                high: taken.sender_high, low: taken.sender_low, scope: taken.sender_scope))
          default: nil
          }
        let icmp = ICMPError(
          isICMPv6: taken.is_icmpv6 != 0, type: taken.type, code: taken.code,
          from: sender?.unmapped)
        last = (icmp, Errno(rawValue: taken.error))
      case .success: continue
      case .failure: return last
      }
    }
  }
}
