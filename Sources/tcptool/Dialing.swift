// How connect and send reach their peer: the options of the race, and what is told of it.

internal import CommandSpec
internal import Report
internal import SocketCore

/// The options of a subcommand that connects.
struct DialOptions: Sendable {
  var family = FamilyOptions()
  var attemptDelay = Connector.attemptDelay
  var source: SourceAddress?
  var interface: String?
  /// How long to try again; nil tries once.
  var wait: Duration?

  /// What one option alone cannot know.
  func validate() throws(UsageError) {
    try family.validate()
    guard attemptDelay >= Connector.leastAttemptDelay else {
      throw UsageError(
        "The value '\(attemptDelay.argumentText)' is invalid for '--attempt-delay <duration>'. "
          + "Give at least \(Connector.leastAttemptDelay.argumentText).")
    }
    if interface == "" {
      throw UsageError("The value '' is invalid for '--interface <name>'.")
    }
    if let source, let wanted = family.isIPv6, source.endpoint.address.isIPv6 != wanted {
      throw UsageError(
        "The source address \(source.endpoint.address) is not of the family that "
          + "'\(wanted ? "--ipv6" : "--ipv4")' asks for.")
    }
  }

  /// The family of the peer's addresses: that of the source where there is one.
  var wantedFamily: AddressFamily {
    guard let source else { return family.family }
    return source.endpoint.address.isIPv6 ? .v6 : .v4
  }

  var race: Connector.Options {
    var options = Connector.Options()
    options.attemptDelay = attemptDelay
    options.end = ClientEnd(source: source?.endpoint, interface: interface)
    return options
  }
}

/// A subcommand that connects.
protocol Dialing: CommandOptions {
  var dialing: DialOptions { get set }
}

extension Bound where Options: Dialing {
  /// The options that all of these have.
  static var dialing: [Bound] {
    FamilyOptions.parameters(\.dialing.family.wantsIPv4, \.dialing.family.wantsIPv6) + [
      .option(
        "attempt-delay", \.dialing.attemptDelay, value: "duration",
        help: "Head start of each address before the next is tried too; at least 10ms."),
      .option(
        "source", \.dialing.source, value: "address",
        help: """
          Local ADDRESS or ADDRESS:PORT to connect from; only peers of its family are tried. \
          Default: the kernel's choice.
          """),
      .option(
        "interface", \.dialing.interface, value: "name",
        help: "Network interface that packets leave and come by."),
      .option(
        "wait", \.dialing.wait, value: "duration",
        help: """
          Try again until the port accepts, this long at most; --timeout then bounds each try.
          """),
    ]
  }
}

/// The address, and the port if one is wanted, that a client connects from.
struct SourceAddress: ArgumentValue, Hashable {
  /// Its port is 0 where none was given.
  var endpoint: Endpoint

  /// Reads `192.0.2.1`, `192.0.2.1:4000`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4000`. A name
  /// is no source: it may stand for several addresses.
  init?(argument: String) {
    if let address = IPAddress(HostAndPort.unbracketed(argument)) {
      endpoint = Endpoint(address, 0)
    } else if let parts = HostAndPort(joined: argument), let address = IPAddress(parts.host),
      let port = UInt16(parts.port), port > 0, parts.port.first != "+"
    {
      endpoint = Endpoint(address, port)
    } else {
      return nil
    }
  }

  var argumentText: String { endpoint.port == 0 ? "\(endpoint.address)" : "\(endpoint)" }
}

/// Where a connection is to lead, and how long it took to find that out.
struct Destination {
  var targets: [Endpoint]
  /// Nil where an address was given and nothing was looked up.
  var resolution: Duration?
}

extension TypedEndpoint {
  /// The addresses to try.
  func destination(_ dialing: DialOptions, _ narrator: Narrator) throws(Failure) -> Destination {
    let started = MonotonicInstant.now
    let targets = try resolve(dialing.wantedFamily)
    let elapsed = MonotonicInstant.now - started
    guard let host, IPAddress(host) == nil else { return Destination(targets: targets) }
    let list = targets.map { "\($0.address)" }.joined(separator: ", ")
    narrator.detail("resolved \(host) in \(Units.duration(elapsed)): \(list)")
    return Destination(targets: targets, resolution: elapsed)
  }
}

/// What the connection cost: the program's own measurements, and the kernel's beside them.
func timing(_ connected: borrowing Connected, resolution: Duration?) -> String {
  var parts: [String] = []
  if let resolution { parts.append("name resolution \(Units.duration(resolution))") }
  parts.append("handshake \(Units.duration(connected.handshake))")
  if let time = connected.roundTripTime {
    parts.append("round trip by the kernel's clock \(Units.duration(time))")
  } else if connected.synRetransmissions > 0 {
    parts.append("no round trip to quote, since the SYN was sent more than once")
  }
  return parts.joined(separator: ", ")
}

/// An attempt that lost the race, in words.
func describe(_ abandoned: AbandonedAttempt) -> String {
  "connect to \(abandoned.target): given up after \(Units.duration(abandoned.elapsed)), "
    + "\(Units.plural(abandoned.synsSent, "SYN")) sent; another address was faster"
}

/// A failed attempt in words: what was tried, what came of it, and what that means.
func describe(_ failed: FailedAttempt) -> String {
  if let icmp = failed.icmp {
    guard icmp.failure == .refused else { return "\(failed.error): \(icmp)" }
    let sender = icmp.from.map { ", from \($0)" } ?? ""
    return "\(failed.error): refused by \(icmp.isICMPv6 ? "ICMPv6" : "ICMP") port unreachable "
      + "(\(icmp.type)/\(icmp.code))\(sender), and not by RST: a firewall rejects the connection"
  }
  switch failed.failure {
  case .refused:
    return "\(failed.error): the host answered with RST, so nothing listens on that port, "
      + "or a firewall rejects the connection"
  case .noAnswer:
    return "\(failed.error) after \(Units.duration(failed.elapsed)); "
      + "\(Units.plural(failed.synsSent ?? 1, "SYN")) sent, none answered: the host is down, "
      + "a firewall drops the SYN, or the listener's queue is full"
  case .local:
    return failed.error.description + hint(for: failed.error) + optionHint(failed.error)
  default: return failed.error.description
  }
}

/// What to do about a failure of the own end.
private func hint(for error: SystemCallError) -> String {
  switch (error.call, error.errno) {
  case ("bind", .addressNotAvailable): "; no interface of this host has that address"
  case ("bind", .addressInUse): "; 'tcptool states' shows who has that port"
  case ("bind", .accessDenied):
    "; ports below net.ipv4.ip_unprivileged_port_start need root or CAP_NET_BIND_SERVICE"
  case ("setsockopt", .noSuchDevice): "; this host has no interface of that name"
  case ("setsockopt", .operationNotPermitted): "; before Linux 5.7 it needs root or CAP_NET_RAW"
  case ("connect", .addressNotAvailable):
    "; the source has no free port for this peer, or its connection from that port still exists"
  default: ""
  }
}
