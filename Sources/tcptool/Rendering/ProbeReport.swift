// The results of a probe: rows of a table, JSON, the progress on the way and the totals at the end.

internal import Report
internal import SocketCore

/// What a port looks like from here.
enum PortState: Int, CaseIterable {
  case open
  /// Refused, by RST or by ICMP port unreachable.
  case closed
  /// No answer, or ICMP or a route that forbids or does not reach it.
  case filtered
  /// This end could not send.
  case untested

  init(_ result: ScanResult) {
    switch result {
    case .open: self = .open
    case .failed(let failed):
      switch failed.failure {
      case .refused: self = .closed
      case .reset: self = .open
      case .noAnswer, .prohibited, .unreachable: self = .filtered
      case .local: self = .untested
      }
    }
  }

  /// As the table and JSON have it.
  var name: String {
    switch self {
    case .open: "open"
    case .closed: "closed"
    case .filtered: "filtered"
    case .untested: "untested"
    }
  }

  var ink: Style.Ink {
    switch self {
    case .open: .green
    case .closed: .red
    case .filtered: .magenta
    case .untested: .dim
    }
  }
}

/// The results so far.
struct ProbeReport {
  private let plan: ProbePlan
  private let started = MonotonicInstant.now
  private let services: [UInt16: String]
  private var results: [ScanResult?]
  /// In the order of the states.
  private var counts = PortState.allCases.map { _ in 0 }
  private var elapsed: Duration?
  private var signal: Int32?

  init(_ plan: ProbePlan) {
    self.plan = plan
    services = plan.isOfOnePort ? [:] : ServiceNames.byPort()
    results = Array(repeating: nil, count: plan.items.count)
  }

  mutating func add(_ result: ScanResult, of item: Int) {
    results[item] = result
    counts[PortState(result).rawValue] += 1
  }

  mutating func end(by signal: Int32?) {
    elapsed = .now - started
    self.signal = signal
  }

  private var known: Int { counts.reduce(0, +) }
  private func count(_ state: PortState) -> Int { counts[state.rawValue] }
  private var failures: some Sequence<FailedAttempt> { results.lazy.compactMap { $0?.failed } }

  // MARK: Status

  /// By the failure that got least far.
  var ending: Ending {
    if let signal { return .signal(signal) }
    return .status(failures.map(\.failure).min().map { ExitStatus($0) } ?? .done)
  }

  /// The failure of a probe that met the same obstacle at this end everywhere: rows would add nothing.
  var commonFailure: Failure? {
    guard signal == nil, count(.untested) == results.count,
      let first = failures.first(where: { _ in true }), first.error.call != "connect",
      failures.allSatisfy({ $0.error == first.error })
    else { return nil }
    return Failure(.localEnd, describe(first))
  }

  // MARK: Rows

  func write(
    to output: inout OutputBuffer, _ display: Display, onlyOpen: Bool, isJSON: Bool
  ) throws(OutputError) {
    let shown = results.lazy.compactMap(\.self).filter { !onlyOpen || PortState($0) == .open }
    if isJSON {
      for result in shown { try output.line(event(result).result) }
      return
    }
    var table = Table(
      plan.isOfOnePort ? addressColumns : portColumns, style: display.style,
      lineWidth: display.isTerminal ? display.columns : nil)
    for result in shown {
      try table.row(plan.isOfOnePort ? addressCells(result) : portCells(result), to: &output)
    }
    try table.finish(to: &output)
  }

  /// Which address a port is of need not be said where there is only one.
  private var namesAddress: Bool { plan.addresses > 1 }

  private var portColumns: [Table.Column] {
    [.init("Port", .right, minimumWidth: 5)] + (namesAddress ? [.init("Address")] : [])
      + [
        .init("State", minimumWidth: 8), .init("Service"), .init("Time", .right),
        .init("SYNs", .right), .init("Cause"),
      ]
  }

  private func portCells(_ result: ScanResult) -> [Table.Cell] {
    let state = PortState(result)
    return [.init("\(result.target.port)")]
      + (namesAddress ? [.init("\(result.target.address)")] : [])
      + [
        .init(state.name, state.ink), .init(sanitized(services[result.target.port] ?? "")),
        .init(Units.duration(result.time)), .init(syns(result)), .init(result.cause),
      ]
  }

  private var addressColumns: [Table.Column] {
    [
      .init("Address"), .init("Family"), .init("Outcome"), .init("Time", .right),
      .init("RTT", .right), .init("SYNs", .right), .init("Cause"),
    ]
  }

  private func addressCells(_ result: ScanResult) -> [Table.Cell] {
    [
      .init("\(result.target.address)"), .init(result.target.address.isIPv6 ? "IPv6" : "IPv4"),
      .init(result.outcome, PortState(result).ink), .init(Units.duration(result.time)),
      .init(result.open?.roundTripTime.map { Units.duration($0) } ?? "-"), .init(syns(result)),
      .init(result.cause),
    ]
  }

  private func syns(_ result: ScanResult) -> String { result.synsSent.map { "\($0)" } ?? "-" }

  // MARK: Events

  /// The facts of one result.
  func event(_ result: ScanResult) -> Event {
    let (open, failed) = (result.open, result.failed)
    return Event(
      plan.isOfOnePort ? "address" : "probe", "", for: .programs,
      [
        ("host", .init(plan.host)), ("endpoint", result.target.json),
        ("family", .init(result.target.address.isIPv6 ? "ipv6" : "ipv4")),
      ] + (plan.isOfOnePort ? [] : [("service", .init(services[result.target.port]))]) + [
        ("state", .init(PortState(result).name)),
        ("outcome", .init(failed?.failure.name ?? "connected")),
        ("handshake_ns", .init(nanoseconds: open?.handshake)),
        ("rtt_us", .init(microseconds: open?.roundTripTime)),
        ("elapsed_ns", .init(nanoseconds: result.time)), ("syns_sent", .init(result.synsSent)),
        ("call", .init(failed?.error.call)),
        ("errno", .init((failed?.error.errno ?? open?.end)?.name)),
        ("icmp", failed?.icmp?.json ?? .null),
      ])
  }

  private var endpoints: String {
    if plan.isOfOnePort { return Units.plural(plan.items.count, "address", "addresses") }
    let ports = Units.plural(plan.ports, "port")
    return plan.items.count == plan.ports
      ? ports : ports + " on \(Units.plural(plan.addresses, "address", "addresses"))"
  }

  var totals: Event {
    let elapsed = elapsed ?? .now - started
    let parts = PortState.allCases.filter { $0 == .open || count($0) > 0 }
      .map { "\(Units.count(count($0))) \($0.name)" }
    let missing = results.count - known
    return Event(
      "probed",
      "\(parts.joined(separator: ", ")) of \(endpoints) in \(Units.duration(elapsed))"
        + (signal == nil ? "" : ", interrupted with \(Units.count(missing)) unknown"),
      [
        ("host", .init(plan.host)), ("endpoints", .init(results.count)),
        ("addresses", .init(plan.addresses)), ("ports", .init(plan.ports)),
      ] + PortState.allCases.map { ($0.name, .init(count($0))) } + [
        ("unknown", .init(missing)), ("elapsed_ns", .init(nanoseconds: elapsed)),
      ])
  }

  /// How things stand, for a line that is drawn over.
  func progress(_ display: Display) -> String {
    let elapsed = Double((MonotonicInstant.now - started).nanoseconds) / 1e9
    let fraction = Double(known) / Double(max(1, results.count))
    let rate = Double(known) / max(elapsed, 1e-9)
    let filled = bar(fraction: fraction, width: 20, unicode: display.hasUnicode)
    let left = Double(results.count - known) / rate
    return
      "\(filled)\(padded(Int(fraction * 100), to: 4)) %  \(Units.count(known)) of \(endpoints), "
      + "\(Units.count(count(.open))) open  \(Units.count(Int(rate)))/s"
      + (known == 0 ? "" : "  \(Units.duration(.milliseconds(Int(left * 1_000)))) left")
  }

  private func padded(_ number: Int, to width: Int) -> String {
    let text = "\(number)"
    return String(repeating: " ", count: max(0, width - text.count)) + text
  }
}

extension ScanResult {
  fileprivate var open: OpenEndpoint? {
    if case .open(let open) = self { open } else { nil }
  }

  fileprivate var failed: FailedAttempt? {
    if case .failed(let failed) = self { failed } else { nil }
  }

  fileprivate var target: Endpoint {
    switch self {
    case .open(let open): open.target
    case .failed(let failed): failed.target
    }
  }

  /// Of the handshake, or until the failure.
  fileprivate var time: Duration {
    switch self {
    case .open(let open): open.handshake
    case .failed(let failed): failed.elapsed
    }
  }

  fileprivate var synsSent: Int? {
    switch self {
    case .open(let open): open.synRetransmissions + 1
    case .failed(let failed): failed.synsSent
    }
  }

  fileprivate var outcome: String {
    switch failed?.failure {
    case nil: "connected"
    case .refused: "refused"
    case .reset: "reset"
    case .noAnswer: "no answer"
    case .unreachable: "unreachable"
    case .prohibited: "prohibited"
    case .local: "not sent"
    }
  }

  /// What stands behind the outcome, in a few words.
  fileprivate var cause: String {
    switch self {
    case .open(let open): open.end == nil ? "" : "reset by the peer at once"
    case .failed(let failed):
      switch failed.failure {
      case _ where failed.icmp != nil: failed.icmp.map { "\($0)" } ?? ""
      case .refused: "RST"
      case .noAnswer: "none of the SYNs was answered"
      case .local: describe(failed)
      default: "\(failed.error.errno.message) (\(failed.error.errno.name))"
      }
    }
  }
}

extension Event {
  /// As a result on standard output, where the time of its telling says nothing.
  fileprivate var result: JSONValue {
    .object([("schema", "tcptool/1"), ("event", .init(name))] + fields)
  }
}
