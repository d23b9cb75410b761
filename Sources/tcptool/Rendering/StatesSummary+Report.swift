// The summary of `states` as text and as JSON.

internal import KernelTables
internal import Report
internal import SocketCore

extension StatesSummary {
  /// So many groups and destinations are shown to a person, unless all are asked for.
  private static let shown = 20

  func write(
    to output: inout OutputBuffer, display: Display, isWhole: Bool
  ) throws(OutputError) {
    try writeStates(to: &output, display)
    try output.line()
    try writeLimits(to: &output, display)
    try writePorts(to: &output, display, isWhole: isWhole)
    if let key { try writeGroups(by: key, to: &output, display, isWhole: isWhole) }
  }

  /// - Parameter taken: columns of the other cells of the row, with the blanks between them.
  private func bar(
    _ part: Int, of whole: Int, beside taken: Int, _ display: Display
  ) -> String {
    let width = min(40, display.columns - taken)
    return width < 10
      ? ""
      : Report.bar(
        fraction: Double(part) / Double(max(1, whole)), width: width, unicode: display.hasUnicode)
  }

  private func writeStates(
    to output: inout OutputBuffer, _ display: Display
  ) throws(OutputError) {
    var table = Table(
      [
        .init("State", minimumWidth: 11), .init("Sockets", .right), .init("Share", .right),
        .init(""),
      ],
      style: display.style)
    for state in TCPState.allCases {
      guard let count = all.states[state] else { continue }
      try table.row(
        [
          .init("\(state.name)"), .init(Units.count(count)),
          .init(Units.percent(count, of: all.total)),
          .init(bar(count, of: all.total, beside: 40, display)),
        ], to: &output)
    }
    try table.row(["all", .init(Units.count(all.total)), "", ""], to: &output)
    try table.finish(to: &output)
  }

  private func writeLimits(
    to output: inout OutputBuffer, _ display: Display
  ) throws(OutputError) {
    let age = oldestPending.map { ", the oldest for \(Units.duration($0))" } ?? ""
    try output.line("pending accept: \(Units.count(pending))\(age)")
    var orphanText = "orphans: \(Units.count(orphans))"
    if let systemOrphans { orphanText += "; in the whole system \(Units.count(systemOrphans))" }
    if let orphanLimit { orphanText += " of \(Units.count(orphanLimit)) (tcp_max_orphans)" }
    try output.line(display.fit(orphanText, indent: 4))
    if let timeWaits {
      let limit = timeWaitLimit.map {
        " of \(Units.count($0)) (tcp_max_tw_buckets), \(Units.percent(timeWaits, of: $0))"
      }
      try output.line(
        display.fit(
          "TIME_WAIT, and FIN_WAIT2 without a socket: \(Units.count(timeWaits))\(limit ?? "")",
          indent: 4))
    }
  }

  private func writePorts(
    to output: inout OutputBuffer, _ display: Display, isWhole: Bool
  ) throws(OutputError) {
    guard let portRange, let portCount else { return }
    let uses = portUses
    let crowded = uses.count { (share($0) ?? 0) > Self.nearlyAll }
    try output.line(
      display.fit(
        """
        ports for outgoing connections: \(portRange.lowerBound)-\(portRange.upperBound), \
        \(Units.count(portCount)) for each source and destination; \
        \(crowded == 0 ? "none" : Units.plural(crowded, "destination")) over 80 %
        """, indent: 4))
    if uses.isEmpty { return }
    try output.line()
    var table = Table(
      [
        .init("Source"), .init("Destination"), .init("Ports", .right), .init("Used", .right),
        .init(""),
      ], style: display.style)
    let shown = isWhole ? uses : Array(uses.prefix(max(crowded, 5)))
    let source = shown.map { $0.destination.source.description.count }.max() ?? 0
    let peer = shown.map { $0.destination.peer.description.count }.max() ?? 0
    // Four gaps of two, and the two numbers.
    let taken = max("Source".count, source) + max("Destination".count, peer) + 20
    for use in shown {
      let isCrowded = (share(use) ?? 0) > Self.nearlyAll
      try table.row(
        [
          .init(use.destination.source.description),
          .init(use.destination.peer.description, isCrowded ? .red : nil),
          .init(Units.count(use.used)), .init(Units.percent(use.used, of: portCount)),
          .init(bar(use.used, of: portCount, beside: taken, display)),
        ], to: &output)
    }
    try table.finish(to: &output)
    try writeRest(uses.count - shown.count, "destination", to: &output)
  }

  private func writeGroups(
    by key: SummaryKey, to output: inout OutputBuffer, _ display: Display, isWhole: Bool
  ) throws(OutputError) {
    let groups = largestGroups
    let present = TCPState.allCases.filter { all.states[$0] != nil }
    try output.line()
    var table = Table(
      [.init(title(of: key)), .init("Sockets", .right)]
        + present.map { .init("\($0.name)", .right) }, style: display.style)
    let shown = isWhole ? groups[...] : groups.prefix(Self.shown)
    for group in shown {
      let counts = present.map { Table.Cell(String(group.count.states[$0] ?? 0)) }
      try table.row(
        [.init(group.name), .init(Units.count(group.count.total))] + counts, to: &output)
    }
    try table.finish(to: &output)
    try writeRest(groups.count - shown.count, "group", to: &output)
  }

  private func title(of key: SummaryKey) -> String {
    switch key {
    case .peer: "Peer"
    case .port: "Port"
    case .process: "Process"
    case .uid: "UID"
    case .netns: "Namespace"
    }
  }

  private func writeRest(
    _ rest: Int, _ noun: String, to output: inout OutputBuffer
  ) throws(OutputError) {
    if rest > 0 {
      try output.line(
        "and \(Units.plural(rest, "\(noun) more", "\(noun)s more")) (--wide shows all)")
    }
  }

  /// All of it in one object; lists are whole.
  var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("schema", "tcptool/1"), ("record", "summary"), ("total", .init(all.total)),
      ("states", json(all.states)),
      (
        "pending_accept",
        [
          "count": .init(pending),
          "oldest_ms": .init(oldestPending.map { $0.nanoseconds / 1_000_000 }),
        ]
      ),
      (
        "orphans",
        [
          "count": .init(orphans), "system": .init(systemOrphans),
          "system_limit": .init(orphanLimit),
        ]
      ),
      (
        "time_wait",
        ["count": .init(timeWaits), "limit": .init(timeWaitLimit)]
      ),
      ("outgoing_ports", portsJSON),
    ]
    if let key {
      members.append(("by", .init(key.rawValue)))
      members.append(
        (
          "groups",
          .array(
            largestGroups.map {
              [
                "key": .init($0.name), "total": .init($0.count.total),
                "states": json($0.count.states),
              ]
            })
        ))
    }
    return .object(members)
  }

  private var portsJSON: JSONValue {
    guard let portRange, let portCount else { return .null }
    let uses = portUses.map { use -> JSONValue in
      [
        "source": .init(use.destination.source.description), "peer": use.destination.peer.json,
        "used": .init(use.used), "percent": .init(share(use).map { ($0 * 1_000).rounded() / 10 }),
      ]
    }
    return [
      "first": .init(portRange.lowerBound), "last": .init(portRange.upperBound),
      "size": .init(portCount), "destinations": .array(uses),
    ]
  }

  private func json(_ states: [TCPState: Int]) -> JSONValue {
    .object(TCPState.allCases.map { ("\($0.name)", .init(states[$0] ?? 0)) })
  }
}
