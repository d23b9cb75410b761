// The changes between two readings of the socket table, as text and as JSON.

internal import KernelTables
internal import Report
internal import SocketCore

extension StatesDifference {
  func write(
    to output: inout OutputBuffer, _ display: Display, hasHeader: Bool, isWhole: Bool,
    showsProcesses: Bool
  ) throws(OutputError) {
    if !changes.isEmpty {
      var table = Table(
        [
          .init("Change"), .init("State"), .init("Recv-Q", .right), .init("Send-Q", .right),
          .init("Local"), .init("Peer"), .init("Role"),
        ] + (showsProcesses ? [.init("Process")] : []),
        style: display.style, hasHeader: hasHeader,
        lineWidth: display.isTerminal && !isWhole ? display.columns : nil)
      for change in changes {
        guard let socket = change.after ?? change.before else { continue }
        let kindInk = change.kind.ink
        var cells: [Table.Cell] = [
          .init(change.kind.rawValue, kindInk),
          .init(change.text { "\($0.row.state.name)" }, kindInk),
          .init(change.text { "\($0.row.receiveQueue)" }, ink(of: change.receiveQueueGrowth)),
          .init(
            change.text { $0.row.state == .listen ? "-" : "\($0.row.sendQueue)" },
            ink(of: change.sendQueueGrowth)),
          .init(Self.shown(socket.row.local)), .init(Self.shown(socket.row.peer)),
          .init(change.role),
        ]
        if showsProcesses { cells.append(.init(processes(of: change, isWhole: isWhole))) }
        try table.row(cells, to: &output)
      }
      try table.finish(to: &output)
      try output.line()
    }
    try output.line(display.fit(summary, indent: 2))
  }

  private var summary: String {
    let grown = growth > 0 ? "; queues grew by \(Units.bytes(UInt64(growth)))" : ""
    let time = elapsed.map { " in \(Units.duration($0))" } ?? ""
    return
      "\(Units.count(count(.opened))) opened, \(Units.count(count(.closed))) closed, "
      + "\(Units.count(count(.changed))) changed\(time)\(grown)"
  }

  private func ink(of growth: Int?) -> Style.Ink? { growth ?? 0 > 0 ? .magenta : nil }

  private static func shown(_ endpoint: Endpoint) -> String {
    var bytes = ByteBuffer()
    endpoint.appendShown(to: &bytes)
    return bytes.text
  }

  /// Who holds it now, or held it last.
  private func processes(of change: StatesChange, isWhole: Bool) -> String {
    let now = change.after.flatMap { after.context.processes(of: $0) } ?? []
    let then = change.before.flatMap { before.context.processes(of: $0) } ?? []
    return (now.isEmpty ? then : now).text(isWhole: isWhole)
  }

  func writeJSON(to output: inout OutputBuffer) throws(OutputError) {
    for change in changes {
      let old = try Self.object(change.before, before.context)
      let new = try Self.object(change.after, after.context)
      let facts = JSONValue.array(change.facts.names.map { .string($0) })
      let received = JSONValue(change.receiveQueueGrowth)
      let sent = JSONValue(change.sendQueueGrowth)
      try output.line(
        """
        {"schema":"tcptool/1","record":"change","change":"\(change.kind.rawValue)",\
        "facts":\(facts),"recv_queue_growth":\(received),"send_queue_growth":\(sent),\
        "before":\(old),"after":\(new)}
        """)
    }
    try output.line([
      "schema": "tcptool/1", "record": "difference", "opened": .init(count(.opened)),
      "closed": .init(count(.closed)), "changed": .init(count(.changed)),
      "elapsed_ms": .init(elapsed.map { $0.nanoseconds / 1_000_000 }),
      "queue_growth": .init(growth),
    ])
  }

  /// A row as --json has it.
  private static func object(
    _ socket: StatesRow?, _ context: StatesContext
  ) throws(OutputError) -> String {
    guard let socket else { return "null" }
    let text = try OutputBuffer.text { output throws(OutputError) in
      var writer = StatesWriter(
        .json, StatesColumn.all, display: Display(descriptor: -1, color: .never), hasHeader: false,
        isWhole: true)
      try writer.write(socket, context, to: &output)
      try writer.finish(to: &output)
    }
    return String(text.dropLast())
  }
}

extension StatesChange {
  /// One value where both are the same.
  fileprivate func text(_ value: (StatesRow) -> String) -> String {
    let (old, new) = (before.map(value), after.map(value))
    guard let old, let new, old != new else { return new ?? old ?? "-" }
    return "\(old)->\(new)"
  }

  /// As in the table of sockets, `-` where the state alone says it; a change names both ends.
  fileprivate var role: String {
    let now = after ?? before
    guard let old = before?.role, let new = after?.role, "\(old.name)" != "\(new.name)" else {
      return now?.role.text ?? "-"
    }
    func words(_ role: SocketRole) -> String { role.text == "-" ? "\(role.name)" : role.text }
    return "\(words(old))->\(words(new))"
  }
}

extension StatesChange.Kind {
  fileprivate var ink: Style.Ink? {
    switch self {
    case .opened: .green
    case .closed: .red
    case .changed: nil
    }
  }
}

extension TableChanges.Facts {
  /// As JSON has them.
  fileprivate var names: [String] {
    [
      (Self.state, "state"), (.role, "role"), (.receiveQueue, "recv_queue"),
      (.sendQueue, "send_queue"), (.retransmissions, "retransmits"), (.backlog, "backlog"),
      (.drops, "drops"), (.ends, "ends"),
    ].filter { contains($0.0) }.map(\.1)
  }
}
