// How connect and send reach their peer: the options of the race, and the race itself.

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
  ///
  /// - Parameter timeout: the limit of each try, as it was typed.
  func validate(timeout: Duration?) throws(UsageError) {
    try family.validate()
    try checkLimit(timeout, of: "timeout", without: "the kernel's own holds")
    try checkLimit(wait, of: "wait", without: "there is one try")
    guard attemptDelay >= Connector.leastAttemptDelay else {
      throw UsageError(
        "The value '\(attemptDelay.argumentText)' is invalid for '--attempt-delay <duration>'. "
          + "Give at least \(Connector.leastAttemptDelay.argumentText).")
    }
    if interface == "" {
      throw UsageError(
        "The value '' is invalid for '--interface <name>'. 'ip link' lists the names that there are."
      )
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
        help: "Network interface that packets leave and arrive through.",
        completion: .listed(at: "/sys/class/net")),
      .option(
        "wait", \.dialing.wait, value: "duration",
        help: """
          Try again until the port accepts, for this long at most; --timeout then applies to \
          each try.
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

  static let form = "an address, not a name, like 10.0.0.5, 10.0.0.5:4000 or [::1]:4000"
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
    narrator.tell(.resolved(host, targets, in: elapsed))
    return Destination(targets: targets, resolution: elapsed)
  }
}

/// What came of waiting for a connection, from either end.
enum ConnectionOutcome: ~Copyable {
  case connection(Connection)
  case signal(Int32)
}

/// Connects to a host and tells how it went.
///
/// - Parameter number: that of one connection of several.
func openConnection(
  _ typed: TypedEndpoint, timeout: Duration?, _ dialing: DialOptions, _ sockets: SocketSettings,
  loop: inout ReadinessLoop, _ destination: Destination, number: Int? = nil, narrator: Narrator
) throws(Failure) -> ConnectionOutcome {
  let targets = destination.targets
  var race = dialing.race
  race.socketOptions = sockets.plan(narrator)
  let tracer = sockets.tracer(narrator)
  var patience = Patience(dialing.wait, for: typed.text, narrator)
  while true {
    var failures: [FailedAttempt] = []
    let outcome: ConnectOutcome
    let started = MonotonicInstant.now
    var silence = SilenceNarration(narrator)
    do throws(SystemCallError) {
      outcome = try Connector.connect(
        to: targets, until: patience.deadline(timeout), options: race, loop: &loop,
        tracer: tracer
      ) { event in
        switch event {
        case .failed(let failed):
          let isNews = targets.count > 1 && !patience.isRepeating
          narrator.tell(.attempt(failed, for: isNews ? .all : .programs))
          failures.append(failed)
        case .waiting(let attempts): silence.tell(attempts)
        }
      }
    } catch {
      throw Failure(.localEnd, error)
    }
    switch consume outcome {
    case .signal(let signal): return .signal(signal)
    case .connected(let connected):
      patience.succeed()
      for loser in connected.abandoned { narrator.tell(.attempt(loser)) }
      narrator.tell(
        .connected(connected, resolution: destination.resolution, number: number))
      narrator.tell(.timing(connected, resolution: destination.resolution))
      return .connection(connected.take())
    case .failed:
      // The attempt that got farthest says most about the host.
      guard let best = failures.max(by: { $0.failure < $1.failure }) else {
        throw Failure(withoutAddress: typed.text)
      }
      let failure = Failure(
        ExitStatus(best.failure),
        // An option that is refused is refused for every address alike.
        targets.count == 1 || best.error.call == "setsockopt"
          ? describe(best)
          : "connect to \(typed.text): \(targets.count) addresses tried, none connected; "
            + "the one that got farthest: \(describe(best))")
      if let signal = try patience.next(after: failure, lasting: .now - started, loop: &loop) {
        return .signal(signal)
      }
    }
  }
}

/// Tells of attempts that wait for an answer: each SYN that is sent again, and on a terminal how
/// things stand.
struct SilenceNarration {
  private let narrator: Narrator
  private var synsTold: [Endpoint: Int] = [:]
  /// So long nobody wonders.
  private static let unremarkable = Duration.milliseconds(300)

  init(_ narrator: Narrator) { self.narrator = narrator }

  mutating func tell(_ attempts: [WaitingAttempt]) {
    for attempt in attempts where attempt.synsSent > synsTold[attempt.target, default: 1] {
      synsTold[attempt.target] = attempt.synsSent
      if !narrator.showsLive { narrator.tell(.waiting(attempt)) }
    }
    if let first = attempts.first, first.elapsed >= Self.unremarkable {
      let others = attempts.count > 1 ? " (and \(attempts.count - 1) more)" : ""
      narrator.show(first.description + others)
    }
  }
}
