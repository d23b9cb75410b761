// The options of repeated handshakes, and what the manual says of them.

internal import CommandSpec
internal import SocketCore

/// The options of repeated handshakes. A count or an interval asks for these in place of a relay.
struct RepetitionOptions: Sendable {
  /// Nil goes on until a signal.
  var count: PositiveCount?
  var interval: Duration?
  var plotFile: String?

  /// A shorter one would be no pace: the kernel's timers are not finer.
  static let leastInterval = Duration.milliseconds(1)
  static let defaultInterval = Duration.seconds(1)
  /// Long enough for a SYN that was lost once to be seen as that: it is sent again after a second.
  static let defaultTimeout = Duration.seconds(3)

  var isAsked: Bool { count != nil || interval != nil }

  /// Refuses what is no pace.
  func validate() throws(UsageError) {
    guard let interval, interval < Self.leastInterval else { return }
    throw UsageError(
      "The value '\(interval.argumentText)' is invalid for '--interval <duration>'. "
        + "Give at least \(Self.leastInterval.argumentText).")
  }
}

/// A subcommand that can repeat handshakes, in place of relaying.
protocol RepeatingHandshakes: RelayingCommand {
  var repetition: RepetitionOptions { get set }
}

extension RepeatingHandshakes {
  static var repetitionParameters: [Bound<Self>] {
    let relaying = relayParameters.map(\.parameter.name)
    func alone(_ option: Bound<Self>) -> Bound<Self> {
      option.excluding(relaying, because: "no data is exchanged")
        .excluding(["wait"], because: "a handshake that fails is a result")
        .excluding(["probe", "all-addresses"], because: "these try each endpoint once")
    }
    return [
      alone(
        .option(
          "count", "c", \.repetition.count, value: "n",
          help: """
            Make this many handshakes, one after another, and show statistics; no data is sent.
            """)),
      alone(
        .option(
          "interval", "i", \.repetition.interval, value: "duration",
          help: """
            Time from one handshake to the next, at least 1ms; without --count it goes on until \
            Ctrl-C. Default with --count: 1s.
            """)),
      .option(
        "svg", \.repetition.plotFile, value: "file", help: "Plot the handshakes' times to a file.",
        completion: .file
      ).needing("count", "interval"),
    ]
  }
}

extension [String] {
  /// What the manual says about repeated handshakes.
  static let repetitionNotes = [
    """
    With --count or --interval it measures handshakes as ping measures echoes. Each connection \
    is closed with a FIN as soon as it is established. A line on standard output gives its two \
    ends, the time from connect(2) to the answer, and the round trip that the kernel measured, \
    or why it failed. A summary follows, after Ctrl-C too. --quiet leaves only the summary, and \
    --json writes both as JSON lines. The name is resolved once, and its addresses race each \
    time.
    """,
    """
    Handshakes begin at fixed instants, and never two at once. Instants that pass while one is \
    under way are left out, and the summary counts them. Each handshake may take 3 seconds, \
    unless --timeout says otherwise. A SYN is sent again after a second without an answer. The \
    line of such a handshake says so and quotes no round trip, and the statistics are also shown \
    without them. The loss is the share of SYNs that were not answered in time. RST and ICMP are \
    answers.
    """,
    """
    Percentiles are by nearest rank, and mdev is the standard deviation, as in ping. The exit \
    status is 0 if all handshakes succeeded, otherwise that of the failure that got the least \
    far: 15, 13, 12, 14, 11 or 20, in this order. After SIGTERM or SIGHUP, or if no handshake \
    has ended, it is that of the signal. Each connection keeps its local port in TIME_WAIT for a \
    minute: with the usual 28,232 ports, an interval under about 2 ms uses all of them up for \
    one peer.
    """,
  ]
}
