// The listeners as a table for a person, with the settings and counters of their namespaces below it.

internal import BacklogLab
internal import KernelTables
internal import Report
internal import SocketCore

extension ListenerReport {
  /// There is room for a bar from this width on.
  private static let wide = 100
  private static let barWidth = 10

  static func write(
    _ items: [Item], of reports: [ListenerReport], to output: inout OutputBuffer,
    _ display: Display,
    showsOldest: Bool, hasHeader: Bool, isWhole: Bool
  ) throws(OutputError) {
    let hasBar = display.isTerminal && display.columns >= wide
    let hasOwners = items.contains { $0.owners != nil }
    let hasNamespaces = items.contains { $0.namespaceText != nil }
    let marks = Marks(
      isShared: items.contains { $0.status.groupSize > 1 },
      isAtSomaxconn: items.contains { $0.isAtSomaxconn == true })
    var columns: [Table.Column] = [
      .init("Local"), .init("Accept-Q", .right), .init("Full", .right),
    ]
    if hasBar { columns.append(.init("", minimumWidth: barWidth)) }
    columns += [
      .init("SYN-Q" + (marks.isShared ? " " : ""), .right), .init("Drops", .right),
      .init("Backlog" + (marks.isAtSomaxconn ? " " : ""), .right), .init("Family"),
    ]
    if showsOldest { columns.append(.init("Oldest" + (marks.isShared ? " " : ""), .right)) }
    if hasNamespaces { columns.append(.init("Namespace")) }
    if hasOwners { columns.append(.init("Process")) }
    var table = Table(
      columns, style: display.style, hasHeader: hasHeader,
      lineWidth: display.isTerminal && !isWhole ? display.columns : nil)
    for item in items {
      var cells: [Table.Cell] = [
        .init(item.status.row.local.unmapped.description),
        .init(item.acceptQueue.text, item.acceptQueue.ink),
        .init(item.acceptQueue.percentText, item.acceptQueue.ink),
      ]
      if hasBar { cells.append(item.acceptQueue.bar(barWidth, display)) }
      cells += [
        .init(
          "\(item.synQueue.length)" + marks.shared(item.status.groupSize > 1), item.synQueue.ink),
        .init(item.dropsText, item.status.drops ?? 0 > 0 ? .magenta : nil),
        .init(item.backlogText + marks.atSomaxconn(item.isAtSomaxconn == true)),
        .init(item.familyText),
      ]
      if showsOldest {
        let age = item.status.oldestPending
        let isShared = age != nil && item.status.groupSize > 1
        cells.append(
          .init((age.map { Units.duration($0) } ?? "-") + marks.shared(isShared)))
      }
      if hasNamespaces { cells.append(.init(item.namespaceText ?? "-")) }
      if hasOwners { cells.append(.init(item.processText(isWhole: isWhole))) }
      try table.row(cells, to: &output)
    }
    try table.finish(to: &output)
    try output.line()
    for (label, text) in marks.notes { try note(label, text, to: &output, display) }
    if hasNamespaces {
      for (label, text) in notes(on: reports) { try note(label, text, to: &output, display) }
    } else if let report = reports.first {
      if let settings = report.settings {
        try note("settings", settings.text, to: &output, display)
      }
      if let counters = report.counters {
        try note("namespace", text(counters), to: &output, display)
      }
    }
  }

  /// Of several network namespaces only what is not the same in all of them, or not 0.
  private static func notes(on reports: [ListenerReport]) -> [(String, String)] {
    let reports = reports.filter { !$0.items.isEmpty }
    var settings: [(text: String, names: [String])] = []
    for report in reports {
      guard let text = report.settings?.text else { continue }
      let name = report.namespaceText ?? "-"
      if let place = settings.firstIndex(where: { $0.text == text }) {
        settings[place].names.append(name)
      } else {
        settings.append((text, [name]))
      }
    }
    var notes = settings.map { text, names in
      ("settings", settings.count == 1 ? text : "\(text) in \(names.joined(separator: ", "))")
    }
    let moved = reports.compactMap { report -> (String, String)? in
      let values = ListenerTable.counters.compactMap { name -> String? in
        report.counters?[name].flatMap { $0 > 0 ? "\(name) \($0)" : nil }
      }
      if values.isEmpty { return nil }
      return ("namespace", "\(report.namespaceText ?? "-"): \(values.joined(separator: ", "))")
    }
    if !moved.isEmpty {
      notes.append(
        (
          "counters",
          "of all listeners of a namespace since it began, also of those that are gone; without "
            + "those that are 0:"
        ))
    }
    notes += moved
    return notes
  }

  private static func note(
    _ label: String, _ text: String, to output: inout OutputBuffer, _ display: Display
  ) throws(OutputError) {
    let blanks = String(repeating: " ", count: 11 - label.count)
    try output.line(display.fit(display.style(label, .bold) + blanks + text, indent: 11))
  }

  private static func text(_ counters: CounterSnapshot) -> String {
    let values = ListenerTable.counters.map { name in
      "\(name) \(counters[name].map { String($0) } ?? "-")"
    }
    return "of all its listeners since it began, also of those that are gone: "
      + values.joined(separator: ", ")
  }

  /// Marks behind a number; a blank keeps those without one in line.
  private struct Marks {
    var isShared: Bool
    var isAtSomaxconn: Bool

    func shared(_ isMarked: Bool) -> String { isShared ? (isMarked ? "*" : " ") : "" }
    func atSomaxconn(_ isMarked: Bool) -> String { isAtSomaxconn ? (isMarked ? "=" : " ") : "" }

    var notes: [(String, String)] {
      (isShared
        ? [("*", "of all listeners with this address and port (SO_REUSEPORT) together")] : [])
        + (isAtSomaxconn
          ? [("=", "equal to net.core.somaxconn: listen(2) may have asked for more")] : [])
    }
  }
}

extension QueueFill {
  var text: String { "\(length)/\(limit.map { String($0) } ?? "-")" }
  var percentText: String { percent.map { "\($0)%" } ?? "-" }

  var ink: Style.Ink? {
    if isAtLeast(100) { return .red }
    return isAtLeast(50) ? .magenta : nil
  }

  func bar(_ width: Int, _ display: Display) -> Table.Cell {
    guard let limit else { return "" }
    let fraction = Double(length) / Double(max(1, limit))
    return .init(Report.bar(fraction: fraction, width: width, unicode: display.hasUnicode), ink)
  }
}

extension ListenerReport.Item {
  var dropsText: String { status.drops.map { String($0) } ?? "-" }
  var backlogText: String { status.row.backlog.map { String($0) } ?? "-" }

  /// Whose connections it takes.
  var familyText: String {
    if !status.row.local.address.unmapped.isIPv6 { return "IPv4" }
    return isDualStack.map { $0 ? "both" : "IPv6" } ?? "-"
  }

  /// Each process once, unless everything is wanted: there is little room.
  func processText(isWhole: Bool) -> String {
    guard let owners, !owners.isEmpty else { return "-" }
    if isWhole { return owners.text(isWhole: true) }
    var seen: Set<Int32> = []
    let processes = owners.filter { seen.insert($0.pid).inserted }
    let named = processes.prefix(3).map {
      "\(sanitized($0.name ?? [UInt8(ascii: "?")]))(\($0.pid))"
    }
    let rest = processes.count - named.count
    return named.joined(separator: " ") + (rest > 0 ? " +\(rest)" : "")
  }

  /// One line for a log or a pager.
  func checkLine(_ percent: Int, _ style: Style) -> String {
    func text(_ name: String, _ queue: QueueFill) -> String {
      guard let limit = queue.limit else { return "\(name) \(queue.length)" }
      let text = "\(name) \(queue.length) of \(limit) (\(queue.percentText))"
      return queue.isAtLeast(percent) ? style(text, .red) : text
    }
    let shared = status.groupSize > 1 ? " shared by \(status.groupSize)" : ""
    let drops = status.drops.map { ", drops \($0)" } ?? ""
    let place = namespaceText.map { " in \($0)" } ?? ""
    return "\(status.row.local.unmapped)\(place): \(text("accept queue", acceptQueue)), "
      + text("SYN queue", synQueue) + shared + drops
      + (owners.map { ", \($0.text(isWhole: true))" } ?? "")
  }
}

extension QueueSettings {
  /// The settings under the kernel's names.
  var named: [(name: String, value: Int?)] {
    [
      ("somaxconn", somaxconn), ("tcp_max_syn_backlog", tcpMaxSynBacklog),
      ("tcp_syncookies", tcpSyncookies), ("tcp_abort_on_overflow", tcpAbortOnOverflow),
    ]
  }

  var text: String {
    named.map { "\($0.name) \($0.value.map { String($0) } ?? "-")" }.joined(separator: ", ")
  }
}
