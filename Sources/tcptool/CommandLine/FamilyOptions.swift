// -4 and -6: which family of addresses, the same in every subcommand that has them.

internal import CommandSpec
internal import SocketCore

/// Which address family is asked for.
struct FamilyOptions: Sendable {
  var wantsIPv4 = false
  var wantsIPv6 = false

  /// Nil where either will do.
  var isIPv6: Bool? { wantsIPv4 || wantsIPv6 ? wantsIPv6 : nil }

  var family: AddressFamily {
    switch isIPv6 {
    case nil: .any
    case false?: .v4
    case true?: .v6
    }
  }

  /// The address that stands for every local one of the family; nil where it is that of both.
  var wildcard: IPAddress? {
    switch family {
    case .any: nil
    case .v4: .v4(.any)
    case .v6: .v6(.any)
    }
  }

  func validate() throws(UsageError) {
    if wantsIPv4 && wantsIPv6 {
      throw UsageError("'--ipv4' and '--ipv6' exclude each other; without them both are used.")
    }
  }

  /// The two flags.
  static func parameters<Options: CommandOptions>(
    _ wantsIPv4: Bound<Options>.Path<Bool>, _ wantsIPv6: Bound<Options>.Path<Bool>
  ) -> [Bound<Options>] {
    [
      .flag("ipv4", "4", wantsIPv4, help: "Only IPv4."),
      .flag("ipv6", "6", wantsIPv6, help: "Only IPv6."),
    ]
  }
}
