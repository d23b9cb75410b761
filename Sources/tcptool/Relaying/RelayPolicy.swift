// How `connect` and `listen` relay: the options that both have, what may not be combined, and what
// the relay is told.

internal import CommandSpec
internal import SocketCore

/// What the end of standard input means.
enum StdinEnd: String, CaseIterable, ArgumentValue {
  case shutdown, wait, close

  var policy: LocalEndPolicy {
    switch self {
    case .shutdown: .finish
    case .wait: .wait
    case .close: .close
    }
  }
}

/// What the end of what the peer sends means.
enum PeerEnd: String, CaseIterable, ArgumentValue {
  case finish, close
}

/// The relay options. What was not given stays nil, so that a contradiction can be told from a
/// default.
struct RelayPolicy: Sendable {
  var stdinEnd: StdinEnd?
  var peerEnd: PeerEnd?
  var linger: Duration?
  var idleTimeout: Duration?
  var totalTimeout: Duration?
  var sendsOnly = false
  var receivesOnly = false
  var convertsLineEnds = false
  /// Where the bytes are shown; `-` is standard output, in place of the data.
  var hexDump: String?

  /// Refuses what contradicts itself or would do nothing.
  ///
  /// - Parameter keepsOpen: Whether one connection follows another.
  func validate(keepsOpen: Bool = false) throws(UsageError) {
    if receivesOnly {
      if sendsOnly { throw conflict("--recv-only", "--send-only", "each leaves the other out") }
      if stdinEnd != nil {
        throw conflict("--recv-only", "--on-stdin-eof", "standard input is not read")
      }
      if convertsLineEnds {
        throw conflict("--recv-only", "--crlf", "standard input is not read")
      }
      if peerEnd == .finish {
        throw conflict("--recv-only", "--on-peer-eof finish", "there is nothing left to send")
      }
      if linger != nil {
        throw conflict("--recv-only", "--linger", "our side ends only after the peer's")
      }
    }
    if linger != nil, let stdinEnd, stdinEnd != .shutdown {
      throw conflict(
        "--linger", "--on-stdin-eof \(stdinEnd.rawValue)",
        stdinEnd == .wait
          ? "our side ends only after the peer's" : "that gives the peer no time at all")
    }
    if keepsOpen && stdinEnd == .close {
      throw conflict(
        "--keep-open", "--on-stdin-eof close",
        "once standard input has ended, every further connection would be closed at once")
    }
    try checkTimeouts(idle: idleTimeout, total: totalTimeout)
  }

  private func conflict(_ first: String, _ second: String, _ reason: String) -> UsageError {
    UsageError("The options '\(first)' and '\(second)' exclude each other: \(reason)")
  }

  /// What the relay is told.
  ///
  /// - Parameter keepsOpen: Whether one connection follows another. Then the local output is needed
  ///   again, and the input, where nothing else was asked for, is not spent on a peer that has gone.
  func options(keepsOpen: Bool = false) -> RelayOptions {
    var options = RelayOptions()
    options.onLocalEnd = stdinEnd?.policy ?? .finish
    options.endsWithPeer = (peerEnd ?? (keepsOpen ? .close : .finish)) == .close
    options.closesOutput = !keepsOpen
    options.linger = linger
    options.idleTimeout = idleTimeout
    options.totalTimeout = totalTimeout
    options.readsInput = !receivesOnly
    options.mustDeliver = sendsOnly
    options.convertsLineEnds = convertsLineEnds
    return options
  }

  /// Where the bytes come from and go to.
  var input: ByteInput { receivesOnly ? .nothing() : .standard() }
  var output: ByteOutput { discardsOutput ? .discarding() : .standard() }

  /// Whether what the peer sends does not come to standard output.
  var discardsOutput: Bool { sendsOnly || hexDump == "-" }
}

/// Refuses limits that would leave no time at all.
func checkTimeouts(idle: Duration?, total: Duration?) throws(UsageError) {
  try checkLimit(idle, of: "idle-timeout")
  try checkLimit(total, of: "total-timeout")
}

/// Refuses a limit of no time at all, which many take for none.
///
/// - Parameter without: how long it is without the option.
func checkLimit(
  _ limit: Duration?, of option: String, without: String = "there is no limit"
) throws(UsageError) {
  guard limit == .zero else { return }
  throw UsageError(
    "The value of '--\(option)' must be greater than zero. Without the option \(without).")
}

extension CommandOptions {
  /// The time limits of everything that moves data.
  static func timeoutParameters(
    _ idle: Bound<Self>.Path<Duration?>, _ total: Bound<Self>.Path<Duration?>
  ) -> [Bound<Self>] {
    [
      .option(
        "idle-timeout", idle, value: "duration",
        help: """
          End the connection when nothing has moved for this long, unless it waits for the \
          reader of standard output. Default: never.
          """),
      .option(
        "total-timeout", total, value: "duration",
        help: """
          End the connection this long after it was made, even if data moves. Default: never.
          """),
    ]
  }
}

/// A subcommand with the relay options.
protocol RelayingCommand: Subcommand {
  var relay: RelayPolicy { get set }
}

extension RelayingCommand {
  static var relayParameters: [Bound<Self>] {
    [
      .option(
        "on-stdin-eof", \.relay.stdinEnd, value: "action",
        help: """
          At the end of standard input: shutdown (half-close, the peer may go on), wait (tell \
          the peer nothing until it has ended), or close (end once everything is acknowledged). \
          Default: shutdown.
          """),
      .option(
        "on-peer-eof", \.relay.peerEnd, value: "action",
        help: """
          At the end of what the peer sends: finish (send standard input to its end) or close \
          (send what has been read, and end). Default: finish; with listen --keep-open: close.
          """),
      .option(
        "linger", \.relay.linger, value: "duration",
        help: """
          How long the peer may keep its side open once it has acknowledged everything and our \
          side has ended. Default: for ever; 5s for a service of listen that has an end.
          """),
    ] + timeoutParameters(\.relay.idleTimeout, \.relay.totalTimeout) + [
      .flag(
        "send-only", \.relay.sendsOnly,
        help: """
          Discard what the peer sends, and succeed only if it has acknowledged all of standard \
          input.
          """),
      .flag(
        "recv-only", \.relay.receivesOnly,
        help: "Never read standard input; our side ends when the peer's does."),
      .flag(
        "crlf", "C", \.relay.convertsLineEnds,
        help: "Send CR LF for each LF of standard input that does not follow a CR."),
      .option(
        "hex-dump", \.relay.hexDump, value: "file",
        help: """
          Write all bytes to a file in hexadecimal and as text, with time and direction; '-' shows \
          them on standard output in place of the data, safe for a terminal.
          """, completion: .file),
    ]
  }
}

extension String {
  /// What the manual says about the time limits, and about ends.
  static let relayPolicyNotes = """
    A timeout that cuts off unfinished work reports what was outstanding, and the exit status is \
    22. Work is finished when both sides have ended or, with --send-only, as soon as everything \
    is acknowledged. A peer that may still answer is unfinished work. --linger limits how long \
    it may keep its side open after ours has ended; when that time is over, the connection ends \
    without being a failure.
    """
}
