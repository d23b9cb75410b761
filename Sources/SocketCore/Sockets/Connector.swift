// Connecting to a host: a race of its addresses with staggered starts (RFC 8305, Happy Eyeballs).

internal import Glibc

/// Why an attempt did not become a connection, in the order of how far it got.
public enum ConnectFailure: Int, Comparable, Sendable {
  /// This end could not even send: no descriptor, no port, an address that is not ours.
  case local
  /// No route, or a router said that there is none.
  case unreachable
  /// The SYNs were not answered in time.
  case noAnswer
  /// A rule of this host, or of one on the way, forbids it.
  case prohibited
  /// The host answered with RST: nobody listens there.
  case refused
  /// The handshake was complete, and the host reset the connection before this end had looked.
  case reset

  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  init(_ errno: Errno) {
    switch errno {
    case .connectionRefused: self = .refused
    case .timedOut: self = .noAnswer
    case .accessDenied, .operationNotPermitted: self = .prohibited
    case .networkUnreachable, .hostUnreachable, .networkDown, .hostDown: self = .unreachable
    // An RST that answers a SYN is ECONNREFUSED. These come only to a connection that was established,
    // the second where its FIN was before the RST. tcp_reset() of the kernel.
    case .connectionReset, .brokenPipe: self = .reset
    default: self = Self.fromRareMessages.contains(errno.rawValue) ? .unreachable : .local
    }
  }

  /// What the kernel makes of ICMP messages about a missing protocol, an isolated host, a failed
  /// source route and a bad header. No local cause of a failed connect(2) has these numbers.
  private static let fromRareMessages = [ENOPROTOOPT, ENONET, EOPNOTSUPP, EPROTO]
}

/// An attempt that failed.
public struct FailedAttempt: Error, Sendable {
  public var target: Endpoint
  public var error: SystemCallError
  /// From connect(2) to its failure.
  public var elapsed: Duration
  /// How many SYNs were sent; nil where connect(2) itself refused.
  public var synsSent: Int?
  /// The ICMP message that caused it, where there was one.
  public var icmp: ICMPError?

  public init(
    target: Endpoint, error: SystemCallError, elapsed: Duration, synsSent: Int?,
    icmp: ICMPError? = nil
  ) {
    self.target = target
    self.error = error
    self.elapsed = elapsed
    self.synsSent = synsSent
    self.icmp = icmp
  }

  public var failure: ConnectFailure {
    // What fails before connect(2) is this end's own: EACCES of bind(2) is no rule against the peer.
    error.call == "connect" ? icmp?.failure ?? ConnectFailure(error.errno) : .local
  }
}

/// An attempt that was neither answered nor failed when another one had won the race.
public struct AbandonedAttempt: Hashable, Sendable {
  public var target: Endpoint
  /// From connect(2) to its end.
  public var elapsed: Duration
  public var synsSent: Int
}

/// An attempt that has not been answered yet.
public struct WaitingAttempt: Hashable, Sendable {
  public var target: Endpoint
  /// Since connect(2).
  public var elapsed: Duration
  /// By the kernel's count of retransmissions.
  public var synsSent: Int
}

/// What happens while a connection is sought, as it happens.
public enum ConnectEvent: Sendable {
  case failed(FailedAttempt)
  /// Told several times a second while nothing else happens.
  case waiting([WaitingAttempt])

  /// The attempt, where it is one that failed.
  public var failed: FailedAttempt? {
    if case .failed(let attempt) = self { attempt } else { nil }
  }
}

/// An attempt that succeeded.
public struct Connected: ~Copyable, Sendable {
  public let connection: Connection
  /// From connect(2) to the SYN-ACK having been seen by this program.
  public let handshake: Duration
  /// How often the SYN had to be sent again.
  public let synRetransmissions: Int
  /// The kernel's measurement of the handshake's round trip; nil where the SYN was sent more than
  /// once, since the kernel then knows it only to the granularity of its timestamps, and where the
  /// kernel has none.
  public let roundTripTime: Duration?
  /// The attempts that lost against this one, in the order in which they began.
  public let abandoned: [AbandonedAttempt]

  /// Gives the connection away.
  public consuming func take() -> Connection { connection }
}

/// What came of connecting.
public enum ConnectOutcome: ~Copyable, Sendable {
  case connected(Connected)
  /// Every address that was tried failed; the attempts were observed.
  case failed
  /// A signal came first.
  case signal(Int32)
}

/// Connecting to one host, whatever its addresses are.
public enum Connector {
  /// How long an address has a head start before the next one is tried too (RFC 8305, section 8).
  public static let attemptDelay = Duration.milliseconds(250)
  /// The least head start that may be asked for (RFC 8305, section 8).
  public static let leastAttemptDelay = Duration.milliseconds(10)

  /// How often it is told what waits.
  private static let waitingInterval = Duration.milliseconds(200)

  /// How the race is run.
  public struct Options: Sendable {
    public var attemptDelay = Connector.attemptDelay
    /// The own end of every attempt.
    public var end = ClientEnd()
    /// Set on the socket of every attempt, before connect(2).
    public var socketOptions = SocketOptionPlan()

    public init() {}
  }

  /// Tries the addresses, each a little after the one before or as soon as that one has failed, and
  /// keeps the first connection; the other attempts are given up.
  ///
  /// - Parameters:
  ///   - targets: in the order of preference; families take turns in the race.
  ///   - deadline: bounds the whole race. Without one the kernel's own limit holds for each attempt
  ///     (net.ipv4.tcp_syn_retries: about 130 s).
  ///   - options: how the race is run.
  ///   - observe: told of each attempt that failed, as it fails, and of those that wait.
  /// - Throws: only failures of the readiness loop itself.
  public static func connect(
    to targets: [Endpoint], until deadline: MonotonicInstant?, options: Options = Options(),
    loop: inout ReadinessLoop,
    tracer: CallTracer = .silent, observe: (ConnectEvent) -> Void
  ) throws(SystemCallError) -> ConnectOutcome {
    var waiting = interleaved(targets)[...]
    var running: [RunningAttempt] = []
    defer { for attempt in running { loop.forget(attempt.descriptor) } }
    var nextStart = MonotonicInstant.now
    while true {
      while let target = waiting.first, running.isEmpty || MonotonicInstant.now >= nextStart {
        waiting.removeFirst()
        let attempt: RunningAttempt
        do throws(FailedAttempt) {
          attempt = try RunningAttempt(
            to: target, from: options.end, options: options.socketOptions, tracer: tracer)
        } catch {
          // Nothing is on its way that could need a head start.
          observe(.failed(error))
          continue
        }
        nextStart = .now + options.attemptDelay
        try loop.watch(attempt.descriptor, for: .writable)
        running.append(attempt)
      }
      if running.isEmpty { return .failed }

      let start = waiting.isEmpty ? nil : nextStart
      let look = MonotonicInstant.now + waitingInterval
      let wakeup = try loop.wait(until: [start, deadline, look].compactMap(\.self).min())
      if case .signal(let signal) = wakeup { return .signal(signal) }
      if case .deadline = wakeup { observe(.waiting(running.map(\.waiting))) }
      for attempt in running where !loop.readiness(of: attempt.descriptor).isEmpty {
        let progress = attempt.progress()
        if case .pending = progress { continue }
        loop.forget(attempt.descriptor)
        running.removeAll { $0 === attempt }
        do throws(FailedAttempt) {
          return .connected(try attempt.finish(progress, losers: running))
        } catch {
          observe(.failed(error))
          // The next one need not wait for a failure that has happened.
          nextStart = .now
        }
      }
      if let deadline, MonotonicInstant.now >= deadline {
        for attempt in running { observe(.failed(attempt.timedOut())) }
        return .failed
      }
    }
  }

  /// The same addresses with the families taking turns, beginning with the first one's (RFC 8305,
  /// section 4): a family that leads nowhere holds the race up once and not once an address.
  static func interleaved(_ targets: [Endpoint]) -> [Endpoint] {
    guard let first = targets.first else { return [] }
    let same = targets.filter { $0.address.isIPv6 == first.address.isIPv6 }
    let other = targets.filter { $0.address.isIPv6 != first.address.isIPv6 }
    return (0..<max(same.count, other.count)).flatMap { index in
      [same, other].filter { index < $0.count }.map { $0[index] }
    }
  }
}
