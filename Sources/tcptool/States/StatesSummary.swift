// The socket table in numbers: how many in each state, of whom, and how near the limits are.

internal import CommandSpec
internal import KernelTables
internal import Report
internal import SocketCore

/// What `--by` counts the sockets by.
enum SummaryKey: String, CaseIterable, ArgumentValue {
  /// The address at the other end.
  case peer
  /// The port of the service: the local one where something listens on it, else the peer's.
  case port
  /// The process with the lowest number that holds the socket, or its listener.
  case process
  /// The user.
  case uid
  /// The network namespace.
  case netns
}

/// Counts rows as they come.
struct StatesSummary {
  /// How many sockets there are, and in which states.
  struct Count {
    var total = 0
    var states: [TCPState: Int] = [:]

    mutating func add(_ row: SocketRow) {
      total += 1
      states[row.state, default: 0] += 1
    }
  }

  /// From which address to which end: what a port can be used once for.
  struct Destination: Hashable {
    var source: IPAddress
    var peer: Endpoint
  }

  /// A destination with how many ports of the range are in use for it.
  struct PortUse {
    var destination: Destination
    var used: Int
  }

  let key: SummaryKey?
  private(set) var all = Count()
  private(set) var pending = 0
  private(set) var orphans = 0
  private(set) var groups: [String: Count] = [:]
  private var uses: [Destination: Int] = [:]
  /// Those of the pending ones that can be asked how long they have waited.
  private var waiting = PendingConnections()

  // What belongs to the rows together.
  var listeningPorts: Set<UInt16> = []
  /// The ports that the kernel chooses from, first and last; nil where they could not be read, or
  /// not all rows are counted.
  var portRange: ClosedRange<UInt16>?
  /// How long the oldest connection has waited for accept(2).
  var oldestPending: Duration?
  /// Orphans of the whole system, and how many it allows.
  var systemOrphans: Int?
  var orphanLimit: Int?
  /// How many rows the kernel keeps in TIME_WAIT and, without a socket, in FIN_WAIT2; and how many
  /// it may.
  var timeWaits: Int?
  var timeWaitLimit: Int?

  init(by key: SummaryKey?) { self.key = key }

  mutating func add(_ socket: StatesRow, _ context: StatesContext) {
    let row = socket.row
    all.add(row)
    switch socket.role {
    case .pendingAccept:
      pending += 1
      if !context.isSaved {
        waiting.add(row, socket.details)
      } else if let age = socket.details.info?.sinceLastSent {
        oldestPending = max(oldestPending ?? .zero, age)
      }
    case .orphan: orphans += 1
    default: break
    }
    if let key { groups[name(of: socket, by: key, context), default: Count()].add(row) }
    if let portRange, row.peer.port != 0, portRange.contains(row.local.port),
      !listeningPorts.contains(row.local.port)
    {
      let destination = Destination(
        source: row.local.address.unmapped, peer: row.peer.unmapped)
      uses[destination, default: 0] += 1
    }
  }

  private func name(
    of socket: StatesRow, by key: SummaryKey, _ context: StatesContext
  ) -> String {
    let row = socket.row
    switch key {
    case .peer: return row.peer.port == 0 ? "-" : row.peer.address.unmapped.description
    case .port:
      if row.peer.port == 0 || listeningPorts.contains(row.local.port) {
        return ":\(row.local.port) in"
      }
      return ":\(row.peer.port) out"
    case .netns:
      let number = context.namespace(of: socket).map { "\($0)" }
      guard let name = context.namespaceName(of: socket) else { return number ?? "-" }
      return number.map { "\($0) (\(sanitized(name)))" } ?? sanitized(name)
    case .uid: return row.uid.map { "\($0)" } ?? "-"
    case .process:
      let owners = context.processes(of: socket) ?? []
      let waiting = context.listenerProcesses(of: socket) ?? []
      guard let owner = owners.first ?? waiting.first else { return "-" }
      return "\(sanitized(owner.name ?? [UInt8(ascii: "?")]))(\(owner.pid))"
    }
  }

  /// The groups, the largest first.
  var largestGroups: [(name: String, count: Count)] {
    groups.map { (name: $0.key, count: $0.value) }
      .sorted { ($1.count.total, $0.name) < ($0.count.total, $1.name) }
  }

  /// How many ports the kernel can choose from.
  var portCount: Int? { portRange.map { $0.count } }

  /// How much of the range is in use, the most used destination first.
  var portUses: [PortUse] {
    uses.map { PortUse(destination: $0.key, used: $0.value) }.sorted {
      if $0.used != $1.used { return $0.used > $1.used }
      return $0.destination.peer.description < $1.destination.peer.description
    }
  }

  /// From here on a destination is named as nearly used up.
  static let nearlyAll = 0.8

  /// How much of the range a destination uses, from 0 to 1; nil where the range is not known.
  func share(_ use: PortUse) -> Double? { portCount.map { Double(use.used) / Double($0) } }
}

extension StatesSummary {
  /// Reads the table and all that is said beside it.
  ///
  /// - Throws: where the tables, or /proc, could not be read.
  static func read(
    _ reading: StatesReading, by key: SummaryKey?
  ) throws(SystemCallError) -> (StatesSummary, StatesReading.Outcome) {
    var reading = reading
    // How long a saved connection has waited is to be seen from its row alone.
    if reading.place.file != nil { reading.needs.insert(.info) }
    var summary = StatesSummary(by: key)
    let outcome: StatesReading.Outcome
    let facts: NamespaceFacts
    if reading.place.file != nil || reading.place.areAll {
      let loaded = try reading.load()
      outcome = loaded.outcome
      facts = outcome.saved.map { $0.namespaces.first ?? NamespaceFacts() } ?? .current()
      for socket in loaded.rows where socket.row.state == .listen {
        summary.listeningPorts.insert(socket.row.local.port)
      }
      // Of several namespaces no one's ports and limits can be said.
      if outcome.tour == nil, outcome.saved.map({ $0.namespaces.count == 1 }) == true {
        summary.take(facts)
      }
      for socket in loaded.rows { summary.add(socket, loaded.context) }
    } else {
      _ = try SocketTable.forEachRow(
        from: reading.source, process: reading.place.outside, in: [.listen]
      ) { row in
        summary.listeningPorts.insert(row.local.port)
      }
      summary.take(reading.place.namespaceFacts())
      switch try reading.forEachRow({ socket, context in summary.add(socket, context) }) {
      case .success(let read): outcome = read
      }
      try summary.findOldestPending()
    }
    // Of some states alone no use of ports can be said.
    if reading.query.states.count < TCPState.allCases.count { summary.portRange = nil }
    return (summary, outcome)
  }

  private mutating func take(_ facts: NamespaceFacts) {
    portRange = facts.portRange
    systemOrphans = facts.totals?.orphans
    timeWaits = facts.totals?.timeWaits
    orphanLimit = facts.orphanLimit
    timeWaitLimit = facts.timeWaitLimit
  }

  private mutating func findOldestPending() throws(SystemCallError) {
    var oldest: Duration?
    try waiting.forEachAge { _, _, age in oldest = max(oldest ?? .zero, age) }
    oldestPending = oldest
  }
}
