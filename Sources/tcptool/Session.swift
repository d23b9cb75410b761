// What the four data-carrying subcommands have in common: opening one end, relaying, and saying how it ended.

internal import Glibc
internal import Report
internal import SocketCore

extension ReadinessLoop {
  /// The program's one loop. From here on signals are read by it, so that anything that waits
  /// otherwise (the resolver) has to be done before.
  static func forProgram() throws(Failure) -> ReadinessLoop {
    do throws(SystemCallError) {
      return try ReadinessLoop()
    } catch {
      throw Failure(.localEnd, error)
    }
  }
}

/// Opens a listener as the operands say, and tells where it listens and with which backlog.
func openListener(
  _ typed: TypedEndpoint, _ family: FamilyOptions, _ sockets: SocketSettings, backlog: Backlog?,
  narrator: Narrator
) throws(Failure) -> Listener {
  var options = Listener.Options()
  options.backlog = backlog?.value ?? .max
  options.socketOptions = sockets.plan(narrator)
  options.tracer = sockets.tracer(narrator)
  let endpoint =
    try typed.resolve(family.family).first ?? family.wildcard.map { Endpoint($0, typed.port) }
  let listener: Listener
  do throws(SystemCallError) {
    if let endpoint {
      options.ipv6Only = true
      listener = try Listener(on: endpoint, options)
    } else {
      listener = try Listener.onEveryAddress(port: typed.port, options)
    }
  } catch {
    let hint =
      switch error.errno {
      case .addressInUse: "; 'tcptool states --state LISTEN' shows what listens"
      case .addressNotAvailable: "; no interface of this host has that address"
      case .accessDenied where typed.port > 0:
        "; ports below net.ipv4.ip_unprivileged_port_start need root or CAP_NET_BIND_SERVICE"
      default: optionHint(error)
      }
    throw Failure(.localEnd, error.description + hint)
  }
  let inForce = (try? listener.queue().backlog).map { ", backlog \($0)\(clamp(backlog, $0))" }
  narrator.say("listening on \(listener.local)\(families(listener))\(inForce ?? "")")
  return listener
}

private func families(_ listener: borrowing Listener) -> String {
  switch listener.isDualStack {
  case true: " (IPv6 and IPv4)"
  case false where listener.local.address.isUnspecified: " (IPv6 only)"
  default: ""
  }
}

/// What became of the backlog that was asked for, where it is not in force as it stands.
private func clamp(_ asked: Backlog?, _ effective: Int) -> String {
  guard let asked, Int(asked.value) != effective else { return "" }
  return asked.value < 0
    ? " (\(asked.value) means the largest: net.core.somaxconn)"
    : " (\(asked.value) asked for, clamped by net.core.somaxconn)"
}

/// Waits for a client.
///
/// - Returns: nil with the signal where one came first.
func acceptOne(
  _ listener: borrowing Listener, loop: inout ReadinessLoop, narrator: Narrator
) throws(Failure) -> AcceptOutcome {
  do throws(SystemCallError) {
    let descriptor = listener.socket.descriptor.rawValue
    defer { loop.forget(descriptor) }
    while true {
      try loop.watch(descriptor, for: .readable)
      if case .signal(let signal) = try loop.wait() { return .signal(signal) }
      if let connection = try listener.accept() {
        narrator.say("accepted \(connection.peer) → \(connection.local)")
        return .connection(connection)
      }
    }
  } catch {
    throw Failure(.localEnd, error)
  }
}

enum AcceptOutcome: ~Copyable {
  case connection(Connection)
  case signal(Int32)
}

/// Connects to a host and tells how it went.
func openConnection(
  _ typed: TypedEndpoint, timeout: Duration?, _ dialing: DialOptions, _ sockets: SocketSettings,
  loop: inout ReadinessLoop, _ destination: Destination, narrator: Narrator
) throws(Failure) -> AcceptOutcome {
  let targets = destination.targets
  var race = dialing.race
  race.socketOptions = sockets.plan(narrator)
  let tracer = sockets.tracer(narrator)
  var patience = Patience(dialing.wait, for: typed.text, narrator)
  while true {
    var failures: [FailedAttempt] = []
    let outcome: ConnectOutcome
    let started = MonotonicInstant.now
    do throws(SystemCallError) {
      outcome = try Connector.connect(
        to: targets, until: patience.deadline(timeout), options: race, loop: &loop,
        tracer: tracer
      ) { failed in
        if targets.count > 1 && !patience.isRepeating { narrator.say(describe(failed)) }
        failures.append(failed)
      }
    } catch {
      throw Failure(.localEnd, error)
    }
    switch consume outcome {
    case .signal(let signal): return .signal(signal)
    case .connected(let connected):
      patience.succeed()
      for loser in connected.abandoned { narrator.detail(describe(loser)) }
      let retried = connected.synRetransmissions
      let note =
        retried == 0 ? "" : " (the SYN was sent \(Units.plural(retried + 1, "time")))"
      let handshake = connected.handshake
      let times = timing(connected, resolution: destination.resolution)
      let connection = connected.take()
      narrator.say(
        "connected \(connection.local) → \(connection.peer) in \(Units.duration(handshake))\(note)")
      narrator.detail(times)
      return .connection(connection)
    case .failed:
      // The attempt that got farthest says most about the host.
      guard let best = failures.max(by: { $0.failure < $1.failure }) else {
        throw Failure(.notResolved, "resolve \(typed.text): no address")
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

/// Relays one connection to its end and says how it ended.
func runSession(
  _ connection: borrowing Connection, _ options: RelayOptions = RelayOptions(),
  input: borrowing ByteInput, output: inout ByteOutput, loop: inout ReadinessLoop,
  narrator: Narrator
) throws(Failure) -> Ending {
  let started = MonotonicInstant.now
  let asksForEnd = options.readsInput && isatty(STDIN_FILENO) == 1
  var driver = RelayDriver(options)
  var localEnded = false
  let outcome: RelayOutcome
  do throws(SystemCallError) {
    outcome = try driver.run(connection, input: input, output: &output, loop: &loop) { event in
      switch event {
      case .localEnded:
        localEnded = true
      case .peerEnded where asksForEnd && !localEnded && !options.endsWithPeer:
        narrator.say("the peer closed its side; Ctrl-D closes ours")
      case .peerEnded: break
      }
    }
  } catch {
    throw Failure(.bug, "\(error); this is a bug in tcptool")
  }
  narrator.detail(summary(outcome, .now - started))
  if outcome.localError == nil, let cut = outcome.cutMessage(options, peer: connection.peer) {
    throw Failure(.timeout, cut)
  }
  return try judge(outcome, mustDeliver: options.mustDeliver)
}

private func summary(_ outcome: RelayOutcome, _ elapsed: Duration) -> String {
  let acknowledged =
    switch outcome.acknowledged {
    case _ where outcome.sent == 0: ""
    case outcome.sent: " (all acknowledged)"
    default: " (\(Units.bytes(outcome.acknowledged)) acknowledged)"
    }
  let text =
    "sent \(Units.bytes(outcome.sent))\(acknowledged), received \(Units.bytes(outcome.received)), "
    + "in \(Units.duration(elapsed))"
  let isOpen =
    outcome.connectionError == nil && !outcome.peerEnded && outcome.signal == nil
    && outcome.timeout == nil
  return isOpen && outcome.localError == nil ? text + "; the peer keeps its side open" : text
}

/// The ending that a relay's outcome amounts to.
///
/// - Parameter mustDeliver: whether it also failed where all that was read so far has arrived, but
///   there was more to be read.
private func judge(_ outcome: RelayOutcome, mustDeliver: Bool) throws(Failure) -> Ending {
  if let signal = outcome.signal { return .signal(signal) }
  if let error = outcome.localError { throw Failure(.localStream, error) }
  guard let error = outcome.connectionError else { return .status(.done) }
  if outcome.acknowledged < outcome.read || (mustDeliver && !outcome.inputEnded) {
    throw Failure(
      .peerStoppedReceiving,
      "\(error): the peer acknowledged \(Units.count(outcome.acknowledged)) of "
        + "\(Units.count(outcome.read)) bytes\(outcome.inputEnded ? "" : " read so far")")
  }
  throw Failure(error.errno == .timedOut ? .noAnswer : .reset, error)
}
