// One run after the other with another backlog, or another value of a setting: the rows of a sweep.

internal import BacklogLab
internal import Report
internal import SocketCore

/// One run of a sweep, over one queue or over both.
struct SweepRow {
  /// The backlog asked for, or the value of the setting.
  var value: Int
  var accept: PassResult?
  var syn: PassResult?

  var members: [(String, JSONValue)] {
    if let accept, let syn { return TwoPassesFinding(accept: accept, syn: syn).members }
    return (accept ?? syn)?.members ?? []
  }

  var event: String {
    accept != nil && syn != nil ? TwoPassesFinding.event : PassFinding.event
  }

  var passes: [PassResult] { [accept, syn].compactMap { $0 } }
  var match: Bool { passes.allSatisfy(\.match) }

  /// What ends each queue; said once where both end for the same reason.
  fileprivate var limit: String {
    let texts = passes.map { pass in pass.match ? pass.limitText : "differs from the prediction" }
    guard let first = texts.first, let last = texts.last, passes.count == 2 else {
      return (texts.first ?? "") + (syn?.goesOnWithCookies == true ? ", then cookies" : "")
    }
    let cookies = syn?.goesOnWithCookies == true ? "; SYN then cookies" : ""
    return (first == last ? first : "accept: \(first); SYN: \(last)") + cookies
  }
}

extension PassResult {
  /// Whether a full SYN queue is no end, as further SYNs are answered with cookies.
  fileprivate var goesOnWithCookies: Bool {
    plan.queue == .syn && measured[.cookiesSent] ?? 0 > 0 && settings.tcpSyncookies != 2
  }

  fileprivate var limitText: String {
    switch limitedBy {
    case .backlog: "backlog"
    case .somaxconn(let most): "somaxconn \(most)"
    case .maxSynBacklog(let most): "tcp_max_syn_backlog \(most) (¾)"
    case .cookies: "cookies for all"
    case nil: "not filled"
    }
  }
}

/// The rows of a sweep as they are shown, held to expectations and drawn.
struct Sweep: Judged {
  /// The setting that varies; nil where it is the backlog.
  var setting: String?
  var rows: [SweepRow] = []

  /// A heading and columns that are wide enough for every number, so that rows can be shown as they come.
  func table(_ choice: QueueChoice, _ display: Display) -> Table {
    var columns: [Table.Column] = [
      .init(setting ?? "asked", .right, minimumWidth: 7), .init("in force", .right),
    ]
    if choice != .syn {
      columns += [
        .init("accept q", .right), .init("first drop", .right),
        .init("after", .right, minimumWidth: 8),
      ]
    }
    if choice != .accept { columns.append(.init("SYN q", .right, minimumWidth: 7)) }
    columns.append(.init("limited by"))
    return Table(
      columns, style: display.style, sampleCount: 1,
      lineWidth: display.isTerminal ? display.columns : nil)
  }

  func cells(_ row: SweepRow, _ display: Display) -> [Table.Cell] {
    func count(_ value: Int?) -> Table.Cell { .init(value.map { Units.count($0) } ?? "-") }
    var cells: [Table.Cell] = [
      .init("\(row.value)"), count(row.passes.first?.measured[.effectiveBacklog]),
    ]
    if let accept = row.accept {
      cells += [
        count(accept.measured[.acceptQueue]),
        .init(accept.firstDrop.map { "#\(Units.count($0.connect))" } ?? "none"),
        .init(accept.firstDrop.map { display.fit(Units.duration($0.time)) } ?? "-"),
      ]
    }
    if let syn = row.syn { cells.append(count(syn.measured[.synQueue])) }
    cells.append(.init(display.fit(row.limit), row.match ? nil : .red))
    return cells
  }

  var match: Bool { rows.allSatisfy(\.match) }

  /// All of it in one sentence.
  var verdict: String {
    let different = rows.filter { !$0.match }
    guard let first = different.first else {
      return "each of \(Units.plural(rows.count, "run")) did what was predicted"
    }
    let reasons = first.passes.filter { !$0.match }.map(\.verdict).joined(separator: "; ")
    return
      "\(different.count) of \(Units.plural(rows.count, "run")) differ; at \(first.value): \(reasons)"
  }

  /// The advice of the largest value, which lacks nothing that is said of smaller ones: a line for each
  /// row would drown it.
  var advice: [String] {
    var seen: Set<String> = []
    let largest = rows.max { $0.value < $1.value }
    return (largest?.passes ?? []).flatMap(\.advice).filter { seen.insert($0).inserted }
  }

  var chart: Chart? {
    guard let pass = rows.first?.passes.first else { return nil }
    var limits: [(places: Int, label: String, ink: Chart.Ink)] = []
    for pass in rows.flatMap(\.passes) {
      switch pass.limitedBy {
      case .somaxconn(let most)?:
        limits.append((most + 1, "net.core.somaxconn + 1: \(Units.count(most + 1))", .blue))
      case .maxSynBacklog(let most)?:
        let places = QueueRules.openToUnknownPeers(most)
        limits.append((places, "¾ of tcp_max_syn_backlog + 1: \(Units.count(places))", .orange))
      default: break
      }
    }
    // With a setting that varies there is a limit for each row, which are no plateaus.
    var seen: Set<Int> = []
    limits = setting == nil ? limits.filter { seen.insert($0.places).inserted } : []
    return SweepChart(
      title: "Connections held against \(setting ?? "the backlog asked for")",
      subtitle: pass.settings.chartSubtitle(pass.surroundings.kernel),
      xTitle: setting ?? "backlog asked for",
      rows: rows.map {
        .init(
          x: $0.value, acceptHeld: $0.accept?.measured[.acceptQueue],
          synHeld: $0.syn?.measured[.synQueue])
      }, limits: limits
    ).chart
  }
}
