// The scenarios around an own listener, as results: another listen(2), a group on one port, last ACKs
// that come late.

internal import BacklogLab
internal import Report
internal import SocketCore

/// --relisten: a setting that changes, and two calls of listen(2).
struct RelistenFinding: Finding {
  static let event = "backlog_test_relisten"
  var result: RelistenResult

  var match: Bool { result.match }

  func write(to output: inout OutputBuffer, _ display: Display) throws(OutputError) {
    let lines = LabelledLines(display: display)
    try lines.write(result, to: &output)
    try output.line()
    var table = Table(
      [
        .init(""), .init("somaxconn", .right), .init("in force", .right),
        .init("accept q", .right), .init("clients", .right), .init("drops", .right), .init(""),
      ], style: display.style)
    for stage in result.stages {
      func count(_ observable: Observable) -> Table.Cell {
        .init(stage.measured[observable].map { Units.count($0) } ?? "-")
      }
      try table.row(
        [
          .init(stage.event.words), .init(Units.count(stage.somaxconn)),
          count(.effectiveBacklog), count(.acceptQueue), .init(Units.count(stage.connects)),
          count(.drops),
          stage.comparisons.match ? .init("ok", .green) : .init("differs", .red),
        ], to: &output)
    }
    try table.finish(to: &output)
    try output.line()
    try lines.write(
      "listener", "\(result.listener), our own, listen(2) with \(result.plan.asked) both times",
      to: &output)
    for (label, text) in result.surroundings.lines { try lines.write(label, text, to: &output) }
  }

  var members: [(String, JSONValue)] {
    [
      ("kernel", .init(result.surroundings.kernel.release)),
      ("isolated", .init(result.surroundings.isIsolated)),
      ("set", result.surroundings.changesJSON), ("asked", .init(result.plan.asked)),
      ("sysctl", result.settings.json),
    ]
      + result.stages.map { stage in
        (
          stage.event.rawValue,
          [
            "somaxconn": .init(stage.somaxconn), "connects": .init(stage.connects),
            "effective": .init(stage.measured[.effectiveBacklog]),
            "clients": ObservedJSON.clients { .init(stage.measured[$0]) },
            "listener": ObservedJSON.listener(backlog: stage.measured[.effectiveBacklog]) {
              .init(stage.measured[$0])
            },
            "match": .init(stage.comparisons.match),
          ]
        )
      } + result.judgement
  }
}

/// --reuse-port: a group of listeners.
struct PortGroupFinding: Finding {
  static let event = "backlog_test_reuse_port"
  var result: PortGroupResult

  var match: Bool { result.match }

  /// More would push the verdict off the screen.
  private static let mostRows = 16

  func write(to output: inout OutputBuffer, _ display: Display) throws(OutputError) {
    let lines = LabelledLines(display: display)
    try lines.write(result, to: &output)
    try output.line()
    for (index, member) in result.members.prefix(Self.mostRows).enumerated() {
      let drops = member.drops.map { ", \(Units.plural($0, "drop"))" } ?? ""
      try lines.write(
        "queue \(index + 1)", lines.fill(member.acceptQueue, of: member.backlog + 1) + drops,
        to: &output)
    }
    if result.members.count > Self.mostRows {
      try lines.write("", "and \(result.members.count - Self.mostRows) more", to: &output)
    }
    let expected = Int(result.expectedHeld.rounded())
    try lines.write(
      "together",
      "\(Units.count(result.measured[.acceptQueue] ?? 0)) of \(Units.count(result.capacity)); chance "
        + "alone gives \(Units.count(expected)) on average", to: &output)
    try output.line()
    try result.comparisons.write(to: &output, display)
    try output.line()
    try lines.write(
      "flood",
      "\(Units.plural(result.connects, "connect")) in \(Units.duration(result.floodTime))",
      to: &output)
    for (label, text) in result.surroundings.lines { try lines.write(label, text, to: &output) }
  }

  var members: [(String, JSONValue)] {
    let measured = result.measured
    return [
      ("kernel", .init(result.surroundings.kernel.release)),
      ("isolated", .init(result.surroundings.isIsolated)),
      ("set", result.surroundings.changesJSON), ("asked", .init(result.plan.asked)),
      ("effective", .init(measured[.effectiveBacklog])), ("sysctl", result.settings.json),
      ("listeners", .init(result.members.count)), ("capacity", .init(result.capacity)),
      ("connects", .init(result.connects)), ("flood_us", .init(microseconds: result.floodTime)),
      ("accept_queue", .init(measured[.acceptQueue])),
      ("expected_accept_queue", .init(Int(result.expectedHeld.rounded()))),
      ("unusable", .init(result.unusable)),
      (
        "members",
        .array(
          result.members.map {
            [
              "accept_queue": .init($0.acceptQueue), "backlog": .init($0.backlog),
              "drops": .init($0.drops),
            ]
          })
      ),
      ("clients", ObservedJSON.clients { .init(measured[$0]) }),
      ("drops", .init(measured[.drops])),
      ("counters", ObservedJSON.counters { .init(measured[$0]) }),
      ("predicted", ObservedJSON.predicted(result.predicted)),
    ] + result.judgement
  }
}

/// --late-acks: handshakes that end at a full queue.
struct LateACKFinding: Finding {
  static let event = "backlog_test_late_acks"
  var result: LateACKResult

  var match: Bool { result.match }

  func write(to output: inout OutputBuffer, _ display: Display) throws(OutputError) {
    let lines = LabelledLines(display: display)
    try lines.write(result, to: &output)
    try output.line()
    try lines.write(
      "before", "\(Units.plural(result.queued, "connection")) in the queue, one place left",
      to: &output)
    try lines.write(
      "then",
      "\(Units.plural(result.plan.lateACKs, "handshake")) that had begun before came to their last ACK, "
        + "after \(Units.duration(result.waited))", to: &output)
    try output.line()
    try result.comparisons.write(to: &output, display)
    try output.line()
    for (label, text) in result.surroundings.lines { try lines.write(label, text, to: &output) }
  }

  var members: [(String, JSONValue)] {
    let measured = result.measured
    return [
      ("kernel", .init(result.surroundings.kernel.release)),
      ("isolated", .init(result.surroundings.isIsolated)),
      ("set", result.surroundings.changesJSON), ("asked", .init(result.plan.asked)),
      ("effective", .init(measured[.effectiveBacklog])), ("sysctl", result.settings.json),
      ("queued", .init(result.queued)), ("late_acks", .init(result.plan.lateACKs)),
      ("waited_us", .init(microseconds: result.waited)),
      ("clients", ObservedJSON.clients { .init(measured[$0]) }),
      (
        "listener",
        ObservedJSON.listener(backlog: measured[.effectiveBacklog]) { .init(measured[$0]) }
      ), ("syn_recv", .init(measured[.synQueue])),
      ("counters", ObservedJSON.counters { .init(measured[$0]) }),
      ("predicted", ObservedJSON.predicted(result.predicted)),
    ] + result.judgement
  }
}

extension ExpectationNames {
  private static let clientKeys = [
    "established", "syn_sent", "reset", "refused", "timeout", "ghosts",
  ].map { "clients.\($0)" }
  private static let listenerKeys = ["accept_queue", "accept_queue_limit", "drops"].map {
    "listener.\($0)"
  }
  private static let counterKeys = Observable.counters.map { "counters.\($0.rawValue)" }

  static let relisten = ExpectationNames(
    keys: ["asked", "isolated", "match"]
      + RelistenStage.Event.allCases.flatMap { event in
        (["somaxconn", "connects", "effective", "match"] + clientKeys + listenerKeys).map {
          "\(event.rawValue).\($0)"
        }
      },
    shortForms: [
      "accept": "listened_again.listener.accept_queue", "effective": "listened_again.effective",
    ])

  static let portGroup = ExpectationNames(
    keys: [
      "asked", "effective", "isolated", "listeners", "capacity", "connects", "flood_us",
      "accept_queue", "expected_accept_queue", "unusable", "drops", "match",
    ] + clientKeys + counterKeys,
    shortForms: ["accept": "accept_queue", "limit": "capacity"])

  static let lateACKs = ExpectationNames(
    keys: [
      "asked", "effective", "isolated", "queued", "late_acks", "waited_us", "syn_recv", "match",
    ] + clientKeys + listenerKeys + counterKeys,
    shortForms: [
      "accept": "listener.accept_queue", "syn": "syn_recv", "drops": "listener.drops",
      "limit": "listener.accept_queue_limit",
    ])
}
