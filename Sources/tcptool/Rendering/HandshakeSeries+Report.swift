// Repeated handshakes as a person reads them, and as JSON: one by one, and their summary.

internal import Report
internal import SocketCore

extension Event {
  /// What is going to happen.
  static func seriesBegins(_ plan: HandshakeSeries.Plan, with host: String) -> Event {
    let pace =
      "one every \(Units.duration(plan.interval)), each given \(Units.duration(plan.timeout))"
    let text =
      plan.count.map { "\(Units.plural($0, "handshake")) with \(host), \(pace)" }
      ?? "handshakes with \(host), \(pace); Ctrl-C ends them with a summary"
    return Event(nil, text)
  }

  /// - Parameter digits: how many the largest number has.
  static func handshake(_ round: HandshakeRound, digits: Int) -> Event {
    let number = "\(round.number)"
    let margin = String(repeating: " ", count: max(0, digits - number.count))
    let measured = round.connected
    let failed: FailedAttempt? =
      if case .failed(let failed) = round.outcome { failed } else { nil }
    return Event(
      "handshake", "\(margin)\(number)  \(round.outcome.text)",
      indent: max(digits, number.count) + 2,
      [
        ("seq", .init(round.number)), ("began_ns", .init(nanoseconds: round.began)),
        ("local", measured?.local.json ?? .null),
        ("peer", measured?.peer.json ?? failed?.target.json ?? .null),
        ("outcome", .init(failed?.failure.name ?? "connected")),
        ("handshake_ns", .init(nanoseconds: measured?.time)),
        ("rtt_us", .init(microseconds: measured?.roundTripTime)),
        ("syns_sent", .init(measured?.synsSent ?? failed?.synsSent)),
        ("elapsed_ns", .init(nanoseconds: measured?.time ?? failed?.elapsed)),
        ("call", .init(failed?.error.call)), ("errno", .init(failed?.error.errno.name)),
        ("icmp", failed?.icmp?.json ?? .null),
      ])
  }

  static func handshakeSummary(_ summary: HandshakeSummary) -> Event {
    let tally = summary.tally
    return Event(
      "handshake_summary", summary.text,
      [
        ("host", .init(summary.host)), ("interval_ns", .init(nanoseconds: summary.plan.interval)),
        ("timeout_ns", .init(nanoseconds: summary.plan.timeout)),
        ("elapsed_ns", .init(nanoseconds: summary.elapsed)),
        ("interrupted", .init(summary.isInterrupted)), ("sent", .init(tally.count)),
        ("connected", .init(tally.connected)),
      ]
        + HandshakeSummary.failures.map { ($0.failure.name, .init(tally.failed($0.failure))) } + [
          ("syns_sent", .init(tally.synsSent)),
          ("syn_retransmissions", .init(tally.synRetransmissions)),
          ("syns_unanswered", .init(tally.synsUnanswered)),
          ("loss_percent", .init(summary.lossPercent)),
          ("missed_ticks", .init(summary.missedTicks)),
          ("handshake_ns", statistics(tally.times, per: 1)),
          ("first_syn_ns", statistics(tally.timesOfFirstSYN, per: 1)),
          ("rtt_us", statistics(tally.roundTripTimes, per: 1_000)),
          (
            "histogram",
            .array(
              Histogram(tally.times).buckets.filter { $0.count > 0 }.map { bucket in
                [
                  "from_ns": integer(bucket.lower), "to_ns": integer(bucket.upper),
                  "count": .init(bucket.count),
                ]
              })
          ),
        ])
  }
}

/// Null where there are no samples.
private func statistics(_ nanoseconds: [Double], per unit: Double) -> JSONValue {
  guard let found = Statistics(nanoseconds.map { $0 / unit }) else { return .null }
  return [
    "count": .init(found.count), "min": integer(found.minimum), "mean": integer(found.mean),
    "p50": integer(found.percentile(50)), "p90": integer(found.percentile(90)),
    "p99": integer(found.percentile(99)), "max": integer(found.maximum),
    "mdev": integer(found.deviation),
  ]
}

private func integer(_ value: Double) -> JSONValue {
  .init(Int64(exactly: value.rounded()).map { $0 })
}

extension HandshakeRound.Outcome {
  /// What came of it, in one line.
  fileprivate var text: String {
    switch self {
    case .connected(let measured):
      let start = "\(measured.local) → \(measured.peer)  \(Units.duration(measured.time))"
      if measured.synsSent > 1 {
        return start + "  SYN sent \(measured.synsSent) times, so no round trip to quote"
      }
      return start + (measured.roundTripTime.map { "  round trip \(Units.duration($0))" } ?? "")
    case .failed(let failed): return "\(failed.target)  \(failed.shortText)"
    }
  }
}

extension FailedAttempt {
  /// What came of it, without what that may mean.
  fileprivate var shortText: String {
    let after = "after \(Units.duration(elapsed))"
    let cause = icmp.map { "\($0)" } ?? "\(error.errno.message) (\(error.errno.name))"
    switch failure {
    case .refused: return "refused \(after): \(cause)"
    case .reset: return "reset at once, after \(Units.duration(elapsed)): \(cause)"
    case .noAnswer:
      let syns = synsSent.map { ", SYN sent \(Units.plural($0, "time"))" } ?? ""
      return "no answer \(after)\(syns)"
    case .unreachable: return "unreachable \(after): \(cause)"
    case .prohibited: return "prohibited \(after): \(cause)"
    case .local: return "failed at this end: \(describe(self))"
    }
  }
}

/// The end of a series, as it is told.
struct HandshakeSummary {
  /// The kinds of failure from what the host did to this end's own fault, and their words.
  static let failures: [(failure: ConnectFailure, words: String)] = [
    (.reset, "reset at once"), (.refused, "refused"), (.prohibited, "prohibited"),
    (.noAnswer, "no answer"),
    (.unreachable, "unreachable"), (.local, "failed at this end"),
  ]
  /// With fewer samples a histogram says less than the lines.
  private static let leastForHistogram = 5
  /// Longer bars are harder to compare.
  private static let mostColumns = 100

  /// As it was typed.
  var host: String
  var plan: HandshakeSeries.Plan
  var tally: HandshakeTally
  /// From the first beginning to the last end.
  var elapsed: Duration
  var missedTicks: Int
  /// Whether one was under way when a signal came; it is not counted.
  var isInterrupted: Bool

  /// Nil where no SYN was sent.
  var lossPercent: Double? {
    guard tally.synsSent > 0 else { return nil }
    return Double(tally.synsUnanswered) / Double(tally.synsSent) * 100
  }

  /// The first lines: what came of the handshakes, and of their SYNs.
  var text: String {
    let outcomes =
      ["\(Units.count(tally.connected)) connected"]
      + Self.failures.compactMap { failure, words in
        let count = tally.failed(failure)
        return count > 0 ? "\(Units.count(count)) \(words)" : nil
      }
    var lines = [
      "\(Units.plural(tally.count, "handshake")) with \(host) in \(Units.duration(elapsed)): "
        + outcomes.joined(separator: ", ")
    ]
    if tally.connected < tally.count {
      lines[0] += "; \(Units.percent(tally.count - tally.connected, of: tally.count)) failed"
    }
    if tally.synsSent > 0 {
      lines.append(
        "\(Units.plural(tally.synsSent, "SYN")) sent, \(Units.count(tally.synRetransmissions)) of "
          + "them again; \(Units.count(tally.synsUnanswered)) not answered in time: "
          + "\(Units.percent(tally.synsUnanswered, of: tally.synsSent)) lost")
    }
    if missedTicks > 0 {
      lines.append(
        "\(Units.plural(missedTicks, "tick")) left out, since the handshake or the output before was "
          + "not through")
    }
    if isInterrupted { lines.append("One more was under way at the end; it is not counted") }
    return lines.joined(separator: "\n")
  }

  /// All of it: counts, times, histogram.
  func write(to output: inout OutputBuffer, _ display: Display) throws(OutputError) {
    for line in text.split(separator: "\n") {
      try output.line(display.fit(sanitized(String(line)), indent: 2))
    }
    let times = tally.times
    if !times.isEmpty {
      try output.line()
      var table = Table(
        [.init("")]
          + ["n", "min", "mean", "p50", "p90", "p99", "max", "mdev"].map { .init($0, .right) },
        style: display.style)
      try table.row(Self.cells("handshake", times, display), to: &output)
      if tally.retransmitted > 0 {
        try table.row(Self.cells("first SYN", tally.timesOfFirstSYN, display), to: &output)
      }
      try table.row(Self.cells("round trip", tally.roundTripTimes, display), to: &output)
      try table.finish(to: &output)
    }
    guard times.count >= Self.leastForHistogram else { return }
    try output.line()
    let lines = Histogram(times).lines(
      width: min(display.columns, Self.mostColumns), unicode: display.hasUnicode
    ) { Units.duration(nanoseconds: $0) }
    for line in lines { try output.line(line) }
  }

  private static func cells(_ name: String, _ samples: [Double], _ display: Display) -> [Table.Cell]
  {
    guard let found = Statistics(samples) else {
      return [.init(name), "0"] + Array(repeating: "-", count: 7)
    }
    let values = [
      found.minimum, found.mean, found.percentile(50), found.percentile(90), found.percentile(99),
      found.maximum, found.deviation,
    ]
    return [.init(name), .init(Units.count(found.count))]
      + values.map { .init(display.fit(Units.duration(nanoseconds: $0))) }
  }
}
