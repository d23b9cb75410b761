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
          help: "So many handshakes, one after another, and their statistics; no data is sent.")),
      alone(
        .option(
          "interval", "i", \.repetition.interval, value: "duration",
          help: """
            From one handshake to the next, at least 1ms; without --count until Ctrl-C. \
            Default with --count: 1s.
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
    With --count or --interval it measures handshakes as ping measures echoes: each connection is \
    closed with a FIN as soon as it is there, and a line on standard output tells its two ends, the \
    time from connect(2) to the answer and the round trip that the kernel measured, or why it \
    failed. Then it sums up, also after Ctrl-C. With --quiet the summary is all. With --json both are JSON \
    lines on standard output. The name is resolved once; its addresses race each time.
    """,
    """
    Handshakes begin at fixed instants and never two at once: while one takes longer than the \
    interval, the instants that pass are left out, and the summary counts them. Each may take 3 \
    seconds, unless --timeout says otherwise. A SYN is sent again after a second without an \
    answer. Such a handshake says so, no round trip is quoted for it, and where there are some, the \
    statistics are shown without them as well. The loss is the share of SYNs that were not answered \
    in time; RST and ICMP are answers.
    """,
    """
    Percentiles are by the nearest rank, and mdev is the standard deviation, as in ping. The exit \
    status of repeated handshakes is 0 if all of them succeeded, else that of the failure that got \
    least far: 15, then 13, 12, 14, 11. After SIGTERM or SIGHUP, or when no handshake has come to an \
    end, it is that of the signal. Each connection keeps its local port for a minute in TIME_WAIT: \
    with the usual 28,232 ports, an interval under about 2 ms uses them up with another host.
    """,
  ]
}
