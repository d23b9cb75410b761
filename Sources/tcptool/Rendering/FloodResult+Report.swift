// The result of a flood as a report for a person and as JSON.

internal import BacklogLab
internal import Report
internal import SocketCore

extension FloodResult {
  private var connectsPerSecond: Int {
    let nanoseconds = max(1, floodTime.nanoseconds)
    return Int(Double(plan.connects) * 1e9 / Double(nanoseconds))
  }

  // MARK: Text

  func write(to output: inout OutputBuffer, _ display: Display) throws(OutputError) {
    let style = display.style
    func line(_ label: String, _ text: String, _ ink: Style.Ink = .bold) throws(OutputError) {
      let blanks = String(repeating: " ", count: 12 - label.count)
      try output.line(display.fit(style(label, .bold, ink) + blanks + text, indent: 12))
    }
    // The sentence itself stays in the terminal's own ink, which can be read on any ground.
    try line("verdict", verdict, matches ? .green : .red)
    for text in advice { try line("advice", text) }
    if let held = measured.acceptQueue, let backlog = measured.effectiveBacklog {
      let places = QueueRules.acceptQueueCapacity(backlog: backlog)
      let fill = bar(
        fraction: Double(held) / Double(places), width: 30, unicode: display.hasUnicode)
      try line("queue", "\(fill)  \(held) of \(places) places taken")
    }
    try output.line()
    try writeComparisons(to: &output, style)
    try output.line()
    try line("backlog", backlog)
    try line("listener", "\(listener), our own, never accepts")
    try line(
      "flood",
      "\(plan.connects) connects in \(Units.duration(floodTime)) "
        + "(\(connectsPerSecond) a second), looked at after \(Units.duration(snapshotTime))"
    )
    if let firstDropTime {
      try line("first drop", "\(Units.duration(firstDropTime)) after the first connect")
    }
    let moved = counters.compactMap { name, increase in
      increase.flatMap { $0 > 0 ? "\(name) +\($0)" : nil }
    }
    if !moved.isEmpty {
      try line("counters", moved.joined(separator: ", ") + ", in the whole network namespace")
    }
    try line("kernel", "Linux \(kernel)")
  }

  private var backlog: String {
    let asked = "\(plan.asked) asked"
    guard let effective = measured.effectiveBacklog else { return asked + ", in force: unknown" }
    return asked + ", \(effective) in force"
      + (Int(plan.asked) == effective
        ? "" : " (net.core.somaxconn is \(settings.somaxconn))")
  }

  private func writeComparisons(
    to output: inout OutputBuffer, _ style: Style
  ) throws(OutputError) {
    var table = Table(
      [
        .init("", minimumWidth: 22), .init("measured", .right), .init("predicted", .right),
        .init(""),
      ], style: style)
    for comparison in comparisons {
      let mark: Table.Cell =
        switch comparison.agrees {
        case true: .init("ok", .green)
        case false: .init("differs", .red)
        default: ""
        }
      try table.row(
        [
          .init(comparison.name), .init(cell(comparison.measured)),
          .init(cell(comparison.predicted)), mark,
        ], to: &output)
    }
    try table.finish(to: &output)
  }

  private func cell(_ value: Int?) -> String { value.map { String($0) } ?? "-" }

  // MARK: JSON

  var json: JSONValue {
    [
      "schema": "tcptool/1", "event": "backlog_test", "kernel": .init(kernel), "isolated": false,
      "asked": .init(plan.asked), "somaxconn": .init(settings.somaxconn),
      "effective": .init(measured.effectiveBacklog),
      "sysctl": [
        "somaxconn": .init(settings.somaxconn),
        "tcp_max_syn_backlog": .init(settings.tcpMaxSynBacklog),
        "tcp_syncookies": .init(settings.tcpSyncookies),
        "tcp_abort_on_overflow": .init(settings.tcpAbortOnOverflow),
      ],
      "connects": .init(plan.connects), "flood_us": .init(floodTime.nanoseconds / 1_000),
      "flood_ms": .init(floodTime.nanoseconds / 1_000_000),
      "connects_per_second": .init(connectsPerSecond),
      "snapshot_ms": .init(snapshotTime.nanoseconds / 1_000_000),
      "clients": clientsJSON(measured), "listener": listenerJSON(measured),
      "syn_recv": .init(measured.synReceived),
      "counters": .object(counters.map { (key: $0.name, value: .init($0.increase)) }),
      "first_drop": firstDropJSON(measured, firstDropTime),
      "predicted": [
        "effective": .init(predicted.effectiveBacklog), "clients": clientsJSON(predicted),
        "listener": listenerJSON(predicted), "syn_recv": .init(predicted.synReceived),
        "first_drop": firstDropJSON(predicted, nil),
      ],
      "match": .init(matches), "verdict": .init(verdict),
      "advice": .array(advice.map { .init($0) }),
    ]
  }

  private func clientsJSON(_ values: Observables) -> JSONValue {
    ["established": .init(values.established), "syn_sent": .init(values.synSent)]
  }

  private func listenerJSON(_ values: Observables) -> JSONValue {
    [
      "accept_queue": .init(values.acceptQueue),
      "accept_queue_limit": .init(values.effectiveBacklog.map { $0 + 1 }),
      "drops": .init(values.drops),
    ]
  }

  private func firstDropJSON(_ values: Observables, _ time: Duration?) -> JSONValue {
    guard let connect = values.firstDrop else { return nil }
    return [
      "connect": .init(connect), "us": .init(time.map { $0.nanoseconds / 1_000 }),
      "ms": .init(time.map { $0.nanoseconds / 1_000_000 }),
    ]
  }
}
