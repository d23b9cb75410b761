// Arrivals against a slow acceptor, as a result: a table over time, the steps of the clients' waits, a
// chart.

internal import BacklogLab
internal import Report
internal import SocketCore

struct TrafficFinding: Finding {
  static let event = "backlog_test_traffic"
  var result: TrafficResult

  var match: Bool { result.match }
  var signal: Int32? { result.signal }
  var explanation: [ExplanationPassage] {
    [BacklogExplanation.rules, BacklogExplanation.traffic, BacklogExplanation.versions]
  }

  // MARK: Text

  func write(to output: inout OutputBuffer, _ display: Display) throws(OutputError) {
    let lines = LabelledLines(display: display)
    try lines.write(result, to: &output)
    try output.line()
    try writeCourse(to: &output, display)
    try output.line()
    try lines.write("clients", clientsText, to: &output)
    try lines.write("connected", stepsText, to: &output)
    if let drops = result.measured[.drops] {
      try lines.write("drops", "\(Units.count(drops)) of this listener", to: &output)
    }
    if let firstDrop = result.firstDrop {
      try lines.write(
        "first drop",
        "connect #\(Units.count(firstDrop.connect)) after \(Units.duration(firstDrop.time))"
          + (result.expectedOverflow.map { ", expected after \(Units.duration($0))" } ?? ""),
        to: &output)
    }
    try lines.write(
      "listener",
      "\(result.listener), our own, backlog \(result.plan.asked), \(result.backlog) in force",
      to: &output)
    if result.lateTurns > 0 {
      try lines.write(
        "pace", "the machine was late \(Units.plural(result.lateTurns, "time")) by more than 50 ms",
        .magenta, to: &output)
    }
    for (label, text) in result.surroundings.lines {
      try lines.write(label, text, to: &output)
    }
  }

  /// The table over time and what came of the clients.
  func writeShort(to output: inout OutputBuffer, _ lines: LabelledLines) throws(OutputError) {
    try writeCourse(to: &output, lines.display)
    try output.line()
    try lines.write("clients", clientsText, to: &output)
    try lines.write("connected", stepsText, to: &output)
    try lines.writeVerdict(of: result, to: &output)
  }

  /// The most rows of the table over time.
  private static let mostRows = 12

  private func writeCourse(
    to output: inout OutputBuffer, _ display: Display
  ) throws(OutputError) {
    // The time, six numbers and their blanks leave so much for the bar.
    let barWidth = min(40, max(8, display.columns - 62))
    var table = Table(
      [
        .init("time", .right), .init("arrived", .right), .init("accepted", .right),
        .init("queue", .right), .init("", minimumWidth: barWidth), .init("waiting", .right),
        .init("SYN q", .right), .init("drops", .right),
      ], style: display.style)
    for sample in course {
      let share = Double(sample.acceptQueue) / Double(max(1, result.capacity))
      let isFull = sample.acceptQueue >= result.capacity
      try table.row(
        [
          .init(display.fit(Units.duration(sample.elapsed))), .init(Units.count(sample.connects)),
          .init(Units.count(sample.accepted)),
          .init(Units.count(sample.acceptQueue), isFull ? .red : nil),
          .init(
            bar(fraction: share, width: barWidth, unicode: display.hasUnicode),
            isFull ? .red : nil),
          .init(Units.count(sample.waiting)),
          .init(sample.synQueue.map { Units.count($0) } ?? "-"),
          .init(sample.drops.map { Units.count($0) } ?? "-"),
        ], to: &output)
    }
    try table.finish(to: &output)
  }

  /// A few of the samples, evenly over the time, the last one among them.
  private var course: [TrafficSample] {
    let samples = result.samples
    guard samples.count > Self.mostRows else { return samples }
    return (1...Self.mostRows).map { samples[$0 * samples.count / Self.mostRows - 1] }
  }

  private var clientsText: String {
    let kinds: [(TrafficClient.Outcome, String)] = [
      (.accepted, "accepted"), (.queued, "in the queue"),
      (.stuck, "stuck (ESTABLISHED here, SYN_RECV at the server)"),
      (.ghost, "ghosts (ESTABLISHED here, unknown to the server)"), (.waiting, "in SYN_SENT"),
      (.reset, "reset"),
      (.refused, "refused"), (.timedOut, "timed out"), (.other, "in another state"),
    ]
    let parts = kinds.compactMap { kind, words in
      let count = result.count(kind)
      return count > 0 ? "\(Units.count(count)) \(words)" : nil
    }
    return "\(Units.count(result.clients.count)): " + parts.joined(separator: ", ")
  }

  private var stepsText: String {
    let parts = result.latencySteps.map { step in
      "\(Units.count(step.clients)) \(step.seconds == 0 ? "at once" : "after \(step.seconds) s")"
    }
    return parts.isEmpty ? "nobody" : parts.joined(separator: ", ")
  }

  // MARK: JSON

  var members: [(String, JSONValue)] {
    let plan = result.plan
    let measured = result.measured
    return [
      ("kernel", .init(result.surroundings.kernel.release)),
      ("isolated", .init(result.surroundings.isIsolated)),
      ("set", result.surroundings.changesJSON), ("asked", .init(plan.asked)),
      ("somaxconn", .init(result.settings.somaxconn)), ("effective", .init(result.backlog)),
      ("sysctl", result.settings.json), ("arrivals_per_second", .init(plan.arrivalRate)),
      ("accepts_per_second", .init(plan.acceptRate)),
      ("duration_ms", .init(result.duration.nanoseconds / 1_000_000)),
      ("connects", .init(result.clients.count)),
      (
        "clients",
        [
          "accepted": .init(result.count(.accepted)), "queued": .init(result.count(.queued)),
          "stuck": .init(result.count(.stuck)), "ghosts": .init(result.count(.ghost)),
          "syn_sent": .init(result.count(.waiting)), "reset": .init(result.count(.reset)),
          "refused": .init(result.count(.refused)), "timeout": .init(result.count(.timedOut)),
        ]
      ),
      (
        "listener",
        [
          "accept_queue": .init(measured[.acceptQueue]),
          "accept_queue_limit": .init(result.capacity),
          "accept_queue_most": .init(result.longestQueue), "drops": .init(measured[.drops]),
        ]
      ),
      ("syn_recv", .init(measured[.synQueue])),
      ("counters", ObservedJSON.counters { .init(measured[$0]) }),
      ("first_drop", result.firstDrop?.json ?? .null),
      (
        "expected_overflow_ms",
        .init(result.expectedOverflow.map { $0.nanoseconds / 1_000_000 })
      ),
      ("delayed", .init(result.delayed)),
      (
        "latency_steps",
        .array(
          result.latencySteps.map {
            ["after_s": .init($0.seconds), "clients": .init($0.clients)]
          })
      ),
      ("late_turns", .init(result.lateTurns)), ("interrupted", .init(result.isInterrupted)),
    ] + result.judgement
  }

  func writeSamples(to output: inout OutputBuffer) throws(OutputError) {
    try output.line(
      "elapsed_us,connects,accepted,accept_queue,backlog,waiting,syn_recv,ghosts,drops")
    for sample in result.samples {
      let known = [sample.synQueue, sample.ghosts, sample.drops].map {
        $0.map { String($0) } ?? ""
      }
      try output.line(
        "\(sample.elapsed.nanoseconds / 1_000),\(sample.connects),\(sample.accepted),"
          + "\(sample.acceptQueue),\(sample.backlog),\(sample.waiting),"
          + known.joined(separator: ","))
    }
  }

  // MARK: Chart

  var chart: Chart? {
    let plan = result.plan
    // It is known by the time from one to the next, and that in whole nanoseconds.
    func rate(_ value: Double) -> String {
      let rounded = (value * 1_000).rounded() / 1_000
      return Int(exactly: rounded).map { Units.count($0) } ?? "\(rounded)"
    }
    return DynamicsChart(
      title:
        "\(rate(plan.arrivalRate)) arrivals a second against \(rate(plan.acceptRate)) accepts a second",
      subtitle: (result.isInterrupted
        ? "interrupted after \(Units.duration(result.duration)) · " : "")
        + "backlog \(plan.asked) · "
        + result.settings.chartSubtitle(result.surroundings.kernel),
      samples: result.samples.map {
        .init(time: $0.elapsed, queue: $0.acceptQueue, drops: $0.drops)
      },
      clients: result.clients.map {
        .init(
          began: $0.arrived, latency: $0.latency,
          isGhost: $0.outcome == .ghost || $0.outcome == .stuck)
      },
      limit: result.capacity,
      moments: result.firstDrop.map { [($0.time, "first drop", .red)] } ?? []
    ).chart
  }
}

extension FirstDrop {
  var json: JSONValue {
    [
      "connect": .init(connect), "us": .init(microseconds: time),
      "ms": .init(time.nanoseconds / 1_000_000),
    ]
  }
}

extension ExpectationNames {
  static let traffic = ExpectationNames(
    keys: [
      "asked", "somaxconn", "effective", "sysctl.somaxconn", "sysctl.tcp_max_syn_backlog",
      "sysctl.tcp_syncookies", "sysctl.tcp_abort_on_overflow", "arrivals_per_second",
      "accepts_per_second", "duration_ms", "connects", "clients.accepted", "clients.queued",
      "clients.stuck", "clients.ghosts", "clients.syn_sent", "clients.reset", "clients.refused",
      "clients.timeout", "listener.accept_queue", "listener.accept_queue_limit",
      "listener.accept_queue_most", "listener.drops", "syn_recv", "first_drop.connect",
      "first_drop.us", "first_drop.ms", "expected_overflow_ms", "delayed", "late_turns",
      "isolated", "match",
    ] + Observable.counters.map { "counters.\($0.rawValue)" },
    shortForms: [
      "accept": "listener.accept_queue_most", "syn": "syn_recv", "drops": "listener.drops",
      "limit": "listener.accept_queue_limit", "first_drop": "first_drop.connect",
      "overflows": "counters.ListenOverflows", "cookies": "counters.SyncookiesSent",
    ])
}
