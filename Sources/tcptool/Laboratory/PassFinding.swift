// One pass over a queue, or one over each, as a result.

internal import BacklogLab
internal import Report
internal import SocketCore

/// One pass.
struct PassFinding: Finding {
  static let event = "backlog_test"
  var result: PassResult

  var members: [(String, JSONValue)] { result.members }
  var match: Bool { result.match }
  var chart: Chart? { result.chart(beside: nil) }
  var explanation: [ExplanationPassage] { .of(accept: result, syn: nil) }

  func write(to output: inout OutputBuffer, _ display: Display) throws(OutputError) {
    try result.write(to: &output, display)
  }

  func writeSamples(to output: inout OutputBuffer) throws(OutputError) {
    try output.line(PassSample.heading)
    try result.samples.write(to: &output)
  }
}

/// A pass over the accept queue and one over the SYN queue.
struct TwoPassesFinding: Finding {
  static let event = "backlog_test_both"
  var accept: PassResult
  var syn: PassResult

  var members: [(String, JSONValue)] {
    [
      ("accept", .object(accept.members)), ("syn", .object(syn.members)), ("match", .init(match)),
    ]
  }
  var match: Bool { accept.match && syn.match }
  var chart: Chart? { accept.chart(beside: syn) }
  var explanation: [ExplanationPassage] { .of(accept: accept, syn: syn) }

  func write(to output: inout OutputBuffer, _ display: Display) throws(OutputError) {
    for (title, result) in [("ACCEPT QUEUE", accept), ("SYN QUEUE", syn)] {
      if result.plan.queue == .syn { try output.line() }
      try output.line(display.style(title, .bold))
      try result.write(to: &output, display)
    }
  }

  func writeSamples(to output: inout OutputBuffer) throws(OutputError) {
    try output.line("queue," + PassSample.heading)
    try accept.samples.write(as: "accept", to: &output)
    try syn.samples.write(as: "syn", to: &output)
  }
}

extension ExpectationNames {
  private static let passKeys =
    [
      "asked", "somaxconn", "effective", "sysctl.somaxconn", "sysctl.tcp_max_syn_backlog",
      "sysctl.tcp_syncookies", "sysctl.tcp_abort_on_overflow", "connects", "flood_us", "flood_ms",
      "connects_per_second", "snapshot_ms", "clients.established", "clients.syn_sent",
      "clients.reset", "clients.refused", "clients.timeout", "clients.ghosts",
      "listener.accept_queue", "listener.accept_queue_limit", "listener.drops", "syn_recv",
      "dropped_syns", "dropped_final_acks", "first_drop.connect", "first_drop.us", "first_drop.ms",
      "isolated", "match",
    ] + Observable.counters.map { "counters.\($0.rawValue)" }

  /// Those of one pass.
  static let pass = ExpectationNames(
    keys: passKeys,
    shortForms: [
      "accept": "listener.accept_queue", "syn": "syn_recv", "drops": "listener.drops",
      "limit": "listener.accept_queue_limit", "first_drop": "first_drop.connect",
      "overflows": "counters.ListenOverflows", "cookies": "counters.SyncookiesSent",
      "rate": "connects_per_second",
    ])

  /// Those of two.
  static let twoPasses = ExpectationNames(
    keys: ["accept", "syn"].flatMap { queue in passKeys.map { "\(queue).\($0)" } } + ["match"],
    shortForms: [
      "accept": "accept.listener.accept_queue", "syn": "syn.syn_recv", "asked": "accept.asked",
      "effective": "accept.effective", "somaxconn": "accept.somaxconn",
      "first_drop": "accept.first_drop.connect", "cookies": "syn.counters.SyncookiesSent",
      "overflows": "accept.counters.ListenOverflows", "rate": "accept.connects_per_second",
    ])
}

extension PassResult {
  /// The queue against the number of the connect.
  ///
  /// - Parameter syn: a pass over the SYN queue with the same settings.
  func chart(beside syn: PassResult?) -> Chart {
    let backlog = measured[.effectiveBacklog] ?? 0
    let capacity = QueueRules.acceptQueueCapacity(backlog: backlog)
    let synCapacity = QueueRules.synQueueCapacity(backlog: backlog, settings: settings)
    var limits: [(places: Int, label: String, ink: Chart.Ink)] = []
    if synCapacity == capacity {
      limits.append((capacity, "both queues: \(Units.count(capacity))", .soft))
    } else {
      limits.append((capacity, "accept queue: \(Units.count(capacity))", .blue))
      if let synCapacity, synCapacity > 0 {
        limits.append((synCapacity, "SYN queue: \(Units.count(synCapacity))", .purple))
      }
    }
    func queueChart(of result: PassResult) -> QueueChart {
      let isAccept = result.plan.queue == .accept
      return QueueChart(
        queueName: isAccept ? "accept queue" : "SYN queue", ink: isAccept ? .blue : .purple,
        title: "", subtitle: "",
        samples: result.samples.map {
          .init(
            connect: $0.connect, queue: isAccept ? $0.acceptQueue : $0.synQueue, drops: $0.drops)
        },
        limits: limits, firstDrop: result.firstDrop.map { ($0.connect, $0.time) })
    }
    var chart = queueChart(of: self).chart
    if let syn {
      var panels = queueChart(of: syn).chart.panels
      // The legend has them once.
      for panel in panels.indices { panels[panel].series[1].name = "" }
      chart.panels += panels
      for marker in chart.markers.indices {
        chart.markers[marker].label = "accept queue, " + chart.markers[marker].label
      }
    }
    let queues = syn == nil ? (plan.queue == .accept ? "Accept queue" : "SYN queue") : "Both queues"
    chart.title = "\(queues) of a listener with backlog \(plan.asked)"
    chart.subtitle = settings.chartSubtitle(surroundings.kernel)
    if syn != nil { chart.height = 560 }
    return chart
  }
}

extension QueueSettings {
  /// The settings under which a chart was measured.
  func chartSubtitle(_ kernel: KernelVersion) -> String {
    (["Linux \(kernel)"]
      + named.compactMap { name, value in value.map { "\(name) \($0)" } }).joined(separator: " · ")
  }
}

extension [ExplanationPassage] {
  /// The rules, and what old texts say beside what these passes saw.
  static func of(accept result: PassResult, syn: PassResult?) -> [ExplanationPassage] {
    [
      BacklogExplanation.rules,
      BacklogExplanation.claim(
        effective: result.measured[.effectiveBacklog] ?? 0,
        seen: [result, syn].compactMap { $0 }.map(\.evidence)),
      BacklogExplanation.versions,
    ]
  }
}

extension PassResult {
  /// What this pass has to say of the old rule.
  fileprivate var evidence: String {
    let backlog = measured[.effectiveBacklog] ?? 0
    switch plan.queue {
    case .accept:
      let held = measured[.acceptQueue] ?? 0
      return """
        Seen here: \(Units.plural(held, "completed connection")) with a backlog of \(backlog), and the \
        SYN queue, which counts for itself, has room for as many again.
        """
    case .syn:
      let held = measured[.synQueue] ?? 0
      return """
        Seen here: \(Units.plural(held, "handshake")) that had not ended with a backlog of \(backlog), \
        while the accept queue held \(measured[.acceptQueue] ?? 0) and was open.
        """
    }
  }
}
