// What a pass over a queue measured, as a report for a person.

internal import BacklogLab
internal import Report
internal import SocketCore

extension PassResult {
  func write(to output: inout OutputBuffer, _ display: Display) throws(OutputError) {
    let lines = LabelledLines(display: display)
    try lines.write(self, to: &output)
    try output.line()
    for (label, text) in facts(lines) { try lines.write(label, text, to: &output) }
    try writePace(to: &output, display)
    try output.line()
    try comparisons.write(to: &output, display)
    try output.line()
    for (label, text) in circumstances { try lines.write(label, text, to: &output) }
  }

  /// What happened to the connections, in the order in which it did.
  func facts(_ lines: LabelledLines) -> [(String, String)] {
    var facts = [("asked", askedText)]
    if let backlog = measured[.effectiveBacklog] {
      let places = QueueRules.acceptQueueCapacity(backlog: backlog)
      if let held = measured[.acceptQueue], plan.queue == .accept || held > 0 {
        facts.append(("accept q", lines.fill(held, of: places)))
      }
      facts.append(("SYN queue", synQueueText(lines)))
    }
    facts.append(("clients", clientsText))
    if let drops = measured[.drops] { facts.append(("drops", dropsText(drops))) }
    if let firstDrop {
      facts.append(
        (
          "first drop",
          "connect #\(Units.count(firstDrop.connect)), \(Units.duration(firstDrop.time)) after the first one"
        ))
    }
    return facts
  }

  private var askedText: String {
    let asked = "listen(2) with \(plan.asked)"
    guard let effective = measured[.effectiveBacklog] else {
      return asked + "; what is in force is not known"
    }
    return asked + "; \(Units.count(effective)) in force"
      + (Int(plan.asked) == effective
        ? "" : ", clamped by net.core.somaxconn = \(settings.somaxconn)")
  }

  private func synQueueText(_ lines: LabelledLines) -> String {
    guard let held = measured[.synQueue] else { return "not known" }
    let places = measured[.effectiveBacklog].flatMap {
      QueueRules.synQueueCapacity(backlog: $0, settings: settings)
    }
    let settingsText =
      switch settings.tcpSyncookies {
      case 0:
        ", then SYNs are dropped (tcp_syncookies=0, tcp_max_syn_backlog=\(settings.tcpMaxSynBacklog ?? 0))"
      case 2: ": each SYN gets a cookie (tcp_syncookies=2)"
      case nil: ""
      default: ", then cookies (tcp_syncookies=1)"
      }
    if plan.queue == .syn, let places, places > 0 {
      return lines.fill(max(0, held), of: max(places, held)) + settingsText
    }
    let room = places.map { $0 > 0 ? "; it has \(Units.plural($0, "place"))" : "" } ?? ""
    return "\(Units.plural(held, "handshake"))\(room)\(settingsText)"
  }

  private var clientsText: String {
    let counts: [(Observable, String)] = [
      (.established, "established"), (.synSent, "in SYN_SENT"), (.reset, "reset"),
      (.refused, "refused"), (.timedOut, "timed out"),
    ]
    var parts = counts.compactMap { observable, words in
      measured[observable].flatMap { count in
        count > 0 || observable == .established || observable == .synSent
          ? "\(Units.count(count)) \(words)" : nil
      }
    }
    if otherClients > 0 { parts.append("\(Units.count(otherClients)) in another state") }
    if let ghosts = measured[.ghosts], ghosts > 0 {
      parts.append("\(Units.count(ghosts)) of which the server knows nothing")
    }
    return parts.joined(separator: ", ")
  }

  private func dropsText(_ drops: Int) -> String {
    let whole = "\(Units.count(drops)) of this listener"
    guard plan.queue == .accept, let finalACKs = droppedFinalACKs, let syns = droppedSYNs, drops > 0
    else { return whole }
    return whole + ": \(Units.plural(syns, "SYN")), \(Units.plural(finalACKs, "last ACK"))"
  }

  /// How long the connects took that were let in, as a histogram. One comes right behind the other, so
  /// that the time of each is that to the next sample.
  private func writePace(
    to output: inout OutputBuffer, _ display: Display
  ) throws(OutputError) {
    let admitted = samples.prefix { $0.connect < firstDrop?.connect ?? .max }
    guard plan.queue == .accept, admitted.count >= Self.leastForHistogram else { return }
    var last = Duration.zero
    let times = admitted.map { sample in
      defer { last = sample.elapsed }
      return Double((sample.elapsed - last).nanoseconds)
    }
    try output.line()
    try output.line(display.style("time of a connect that was let in", .bold))
    let lines = Histogram(times, rows: 6).lines(
      width: min(display.columns, Self.mostColumns), unicode: display.hasUnicode
    ) { Units.duration(nanoseconds: $0) }
    for line in lines { try output.line(line) }
    if let pending = measured[.synSent], pending > 0 {
      try output.line(
        display.fit(
          "\(Units.count(pending)) still wait; their SYNs are sent again after "
            + "\(settings.retransmissionText)"))
    }
  }

  /// With fewer samples a histogram says less than their range.
  private static let leastForHistogram = 16
  private static let mostColumns = 100

  /// Where and how it was measured.
  private var circumstances: [(String, String)] {
    [
      (
        "flood",
        "\(Units.plural(connects, "connect")) in \(Units.duration(floodTime)) "
          + "(\(Units.count(Int(connectsPerSecond))) a second) from one thread"
          + (sourceAddresses > 1 ? " and \(sourceAddresses) addresses" : "")
          + ", looked at after \(Units.duration(snapshotTime))"
      ), ("listener", "\(listener), our own, never accepts"),
    ] + surroundings.lines
  }
}

extension QueueSettings {
  /// When a SYN without an answer is sent again: `1, 2, 3, 4, 5 and 7 s`.
  var retransmissionText: String {
    let times = QueueRules.synRetransmissionTimes(
      linearTimeouts: tcpSynLinearTimeouts ?? 0, count: 6
    ).map { "\($0)" }
    return times.dropLast().joined(separator: ", ") + " and \(times.last ?? "") s"
  }
}

extension Surroundings {
  /// Where it was measured, and what that means for the numbers.
  var lines: [(String, String)] {
    var lines: [(String, String)] = []
    if isIsolated {
      var text = "private, with the host's settings"
      if !changes.isEmpty {
        let list = changes.map { "\($0.setting.shortName)=\($0.value)" }
        text += ", but " + list.joined(separator: ", ")
      }
      lines.append(("namespace", text))
    } else {
      lines.append(
        (
          "namespace",
          "this process's own (\(isolationRefused ?? "not isolated")): its counters are those of all "
            + "listeners in it"
        ))
    }
    if !notCopied.isEmpty {
      let list = notCopied.map {
        "\($0.setting.name) (here \($0.inside ?? "unknown"), on the host \($0.host): \($0.reason))"
      }
      lines.append(("not copied", list.joined(separator: ", ")))
    }
    lines.append(("kernel", "Linux \(kernel)"))
    return lines
  }
}

extension Comparisons {
  /// A row for each number that says something; those that are 0 as predicted share a line.
  func write(to output: inout OutputBuffer, _ display: Display) throws(OutputError) {
    var table = Table(
      [
        .init("", minimumWidth: 22), .init("measured", .right), .init("predicted", .right),
        .init(""),
      ], style: display.style, lineWidth: display.isTerminal ? display.columns : nil)
    var quiet: [String] = []
    for row in rows {
      // Nothing was looked for, or nothing predicted, and nothing is there.
      if row.agreement == .unknown(nil), (row.measured ?? row.predicted?.number) == 0 { continue }
      if row.agreement == .agrees, row.measured == 0, row.observable.isRarelyMoved {
        quiet.append(row.observable.rawValue)
        continue
      }
      try table.row(
        [
          .init(row.observable.rawValue), .init(row.measured.map { Units.count($0) } ?? "-"),
          .init(display.fit(row.predicted?.text ?? "-")), row.mark,
        ], to: &output)
    }
    try table.finish(to: &output)
    if !quiet.isEmpty {
      try output.line(
        display.fit("0 as predicted: " + quiet.joined(separator: ", "), indent: 2))
    }
  }
}

extension Observable {
  /// Whether 0 is what it mostly is, so that it needs no row of its own then.
  fileprivate var isRarelyMoved: Bool {
    switch self {
    case .effectiveBacklog, .acceptQueue, .synQueue, .established, .synSent, .drops, .firstDrop:
      false
    default: true
    }
  }
}

extension PredictedRange {
  fileprivate var text: String {
    number.map { Units.count($0) } ?? description
  }
}

extension Comparison {
  fileprivate var mark: Table.Cell {
    switch agreement {
    case .agrees: .init("ok", .green)
    case .differs: .init("differs", .red)
    case .varies(let rule): .init("ok by \(rule)", .magenta)
    case .unknown(let reason): .init(reason ?? "")
    }
  }
}
