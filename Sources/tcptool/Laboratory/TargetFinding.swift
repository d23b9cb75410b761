// What was found about another program's listener, as a result.

internal import BacklogLab
internal import Report
internal import SocketCore

struct TargetFinding: Finding {
  static let event = "backlog_test_target"
  var result: TargetResult

  var match: Bool { result.match }
  var explanation: [ExplanationPassage] {
    [BacklogExplanation.rules, BacklogExplanation.target, BacklogExplanation.versions]
  }

  // MARK: Text

  func write(to output: inout OutputBuffer, _ display: Display) throws(OutputError) {
    let lines = LabelledLines(display: display)
    try lines.write(result, to: &output)
    try output.line()
    for (label, text) in facts { try lines.write(label, text, to: &output) }
  }

  private var facts: [(String, String)] {
    var facts = [("target", "\(result.plan.target)\(result.isLocal ? ", on this host" : "")")]
    if let found = result.backlogFound {
      facts.append(("backlog", "\(Units.count(found)), found from the connects alone"))
    }
    if let before = result.before {
      facts.append(("before", before.text))
    }
    if let after = result.after { facts.append(("after", after.text)) }
    facts.append(
      (
        "connects",
        "\(Units.count(result.connected)) of \(Units.count(result.clients.count)) connected in "
          + "\(Units.duration(result.connectTime)) (\(Units.count(Int(result.connectsPerSecond))) a second), "
          + (result.plan.order == .sequential ? "one after the other" : "all at once")
          + ", at most \(Units.count(result.planned))"
      ))
    if let accepted = result.accepted {
      facts.append(("accepted", "\(Units.count(accepted)) meanwhile"))
    }
    if let acknowledged = result.acknowledgedProbes, let silent = result.unacknowledgedProbes {
      facts.append(
        (
          "probes",
          "\(Units.count(acknowledged)) bytes acknowledged, which are queued or accepted; "
            + "\(Units.count(silent)) not, which the server does not know"
        ))
    }
    return facts
  }

  // MARK: JSON

  var members: [(String, JSONValue)] {
    var unanswered: Int?
    if case .unanswered(let connect) = result.ending { unanswered = connect }
    return [
      ("target", result.plan.target.json), ("local", .init(result.isLocal)),
      ("planned", .init(result.planned)), ("ending", .init(result.ending.name)),
      ("unanswered_connect", .init(unanswered)), ("connected", .init(result.connected)),
      ("accepted", .init(result.accepted)), ("accepting", .init(result.isAccepting)),
      ("backlog_found", .init(result.backlogFound)), ("leftovers", .init(result.leftovers)),
      ("ghosts", .init(result.ghosts)), ("acknowledged", .init(result.acknowledgedProbes)),
      ("unacknowledged", .init(result.unacknowledgedProbes)),
      ("connect_us", .init(microseconds: result.connectTime)),
      ("connects_per_second", .init(Int(result.connectsPerSecond))),
      ("before", result.before?.json ?? .null), ("after", result.after?.json ?? .null),
    ] + result.judgement
  }

  func writeSamples(to output: inout OutputBuffer) throws(OutputError) {
    try output.line("connect,began_us,latency_us")
    for client in result.clients {
      let latency = client.latency.map { "\($0.nanoseconds / 1_000)" } ?? ""
      try output.line("\(client.connect),\(client.began.nanoseconds / 1_000),\(latency)")
    }
  }

  /// The time of each connect, and the one that had no answer.
  var chart: Chart? {
    func points(_ isWanted: (TargetClient) -> Bool) -> [Chart.Point] {
      result.clients.filter(isWanted).map {
        Chart.Point(Double($0.connect), $0.latency.map { Double($0.nanoseconds) })
      }
    }
    var markers: [Chart.Marker] = []
    if case .unanswered(let connect) = result.ending {
      markers.append(
        .init(Double(connect), "connect \(Units.count(connect)): no answer", .red))
    }
    return Chart(
      title: "Connects to \(result.plan.target), one after the other",
      subtitle: result.backlogFound.map { "backlog found: \(Units.count($0))" } ?? "",
      x: .count("connect number", covering: [0]),
      panels: [
        .init(
          y: .init("time of the connect", .logarithmic) { Units.duration(nanoseconds: $0) },
          series: [
            .init("connected", .points(.dot), .blue, points { $0.latency != nil }),
            .init("not answered", .points(.cross), .red, points { $0.latency == nil }),
          ])
      ], markers: markers)
  }

  /// A connect that failed by another cause than a full queue, as `connect` tells it.
  private static func failure(to target: Endpoint, _ error: SystemCallError) -> Failure {
    let failed = FailedAttempt(target: target, error: error, elapsed: .zero, synsSent: nil)
    return Failure(ExitStatus(failed.failure), describe(failed))
  }

  /// The status, where the target itself is what went wrong.
  var failure: Failure? {
    switch result.ending {
    case .refused where result.connected == 0:
      Failure(.refused, "\(result.plan.target): connection refused; nothing listens there")
    case .failed(let error): Self.failure(to: result.plan.target, error)
    case .unanswered(1) where !result.isLocal:
      Failure(
        .noAnswer,
        "\(result.plan.target): no answer to the first SYN: the host is down, a firewall drops it, or the queue is full already"
      )
    default: nil
    }
  }
}

extension TargetResult.Ending {
  fileprivate var name: String {
    switch self {
    case .unanswered: "unanswered"
    case .countReached: "count_reached"
    case .refused: "refused"
    case .failed: "failed"
    }
  }
}

extension ListenerReading {
  fileprivate var text: String {
    let limit = backlog.map { " of \(Units.count($0 + listeners)) places" } ?? ""
    let shared = listeners > 1 ? ", of \(listeners) listeners together" : ""
    let drops = drops.map { ", drops \(Units.count($0))" } ?? ""
    return "accept queue \(Units.count(acceptQueue))\(limit), SYN queue \(Units.count(synQueue))"
      + drops + shared
  }

  fileprivate var json: JSONValue {
    [
      "accept_queue": .init(acceptQueue), "backlog": .init(backlog), "drops": .init(drops),
      "syn_recv": .init(synQueue), "listeners": .init(listeners),
    ]
  }
}

extension ExpectationNames {
  static let target = ExpectationNames(
    keys: [
      "local", "planned", "unanswered_connect", "connected", "accepted", "accepting",
      "backlog_found", "leftovers", "ghosts", "acknowledged", "unacknowledged", "connect_us",
      "connects_per_second", "match",
    ]
      + ["before", "after"].flatMap { time in
        ["accept_queue", "backlog", "drops", "syn_recv", "listeners"].map { "\(time).\($0)" }
      },
    shortForms: [
      "backlog": "backlog_found", "effective": "backlog_found", "accept": "after.accept_queue",
      "drops": "after.drops", "syn": "after.syn_recv", "rate": "connects_per_second",
    ])
}
