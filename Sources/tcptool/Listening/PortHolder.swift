// Who has the port that a listener was refused: the sockets, and the processes behind them.

internal import Glibc
internal import KernelTables
internal import Report
internal import SocketCore

/// What keeps a listener from its address, in words that follow the error of bind(2).
struct PortHolder {
  /// How many sockets, and how many processes of one, are named; the others are counted.
  private static let most = 3

  /// What is known of it now; it may have changed since bind(2) failed.
  ///
  /// - Parameters:
  ///   - endpoint: Where the listener was to be; nil for every address of both families.
  ///   - port: Its port.
  static func text(of endpoint: Endpoint?, port: UInt16) -> String {
    if port == 0 { return "; every port of net.ipv4.ip_local_port_range is taken" }
    do throws(SystemCallError) {
      return try PortHolder(
        BoundAddress(endpoint ?? Endpoint(.v6(.any), port), isIPv6Only: endpoint != nil)
      ).text
    } catch {
      return "; what has it cannot be read: \(error)"
    }
  }

  /// The sockets in the way.
  var rows: [SocketRow]
  var owners: SocketOwners
  /// Whether the port is one of those that clients get.
  var isEphemeral = false
  /// Whether this process may look at all others.
  var isRoot = geteuid() == 0

  init(rows: [SocketRow], owners: SocketOwners) {
    self.rows = rows
    self.owners = owners
  }

  private init(_ wanted: BoundAddress) throws(SystemCallError) {
    // Listeners cost next to nothing, and as a rule it is one.
    rows = try Self.rows(in: [.listen], includesBound: false, wanted)
    if rows.isEmpty {
      rows = try Self.rows(in: Set(TCPState.allCases), includesBound: true, wanted)
    }
    owners = try SocketOwners.find(rows.map(\.inode))
    isEphemeral = Sysctl.localPorts?.contains(wanted.endpoint.port) ?? false
  }

  private static func rows(
    in states: Set<TCPState>, includesBound: Bool, _ wanted: BoundAddress
  ) throws(SystemCallError) -> [SocketRow] {
    var rows: [SocketRow] = []
    _ = try SocketTable.forEachRow(in: states, includesBound: includesBound) { row in
      if BoundAddress(row).overlaps(wanted) { rows.append(row) }
    }
    return rows
  }

  var text: String {
    if rows.isEmpty {
      return
        "; no table of the kernel shows what has it: it was given up a moment ago, or a socket "
        + "is bound to it and does not listen"
    }
    // Members of a SO_REUSEPORT group have one label: to a person they are one holder of the port.
    let sockets = Dictionary(grouping: rows, by: Self.label).sorted { left, right in
      // A socket without a connection keeps the port for good, and matters more than what is left of
      // one.
      let (first, second) = (Self.isAlone(left.value[0]), Self.isAlone(right.value[0]))
      return first == second ? left.key < right.key : first
    }
    var parts: [(labels: [String], fate: String)] = []
    for (label, rows) in sockets.prefix(Self.most) {
      let fate = fate(of: rows)
      if parts.last?.fate == fate {
        parts[parts.count - 1].labels.append(label)
      } else {
        parts.append(([label], fate))
      }
    }
    var texts = parts.map { labels, fate in
      "\(Self.list(labels)) \(labels.count == 1 ? "is" : "are") \(fate)"
    }
    if sockets.count > Self.most {
      texts.append("and \(Units.plural(sockets.count - Self.most, "more socket")) on that port")
    }
    if let hint { texts.append(hint) }
    return ": " + texts.joined(separator: "; ")
  }

  /// What a socket is called.
  private static func label(_ row: SocketRow) -> String {
    let local = row.local.unmapped
    return switch row.state {
    case .listen: "\(local)"
    case .closed: "\(local), bound but not listening,"
    default: "the connection \(local) → \(row.peer.unmapped)"
    }
  }

  private static func isAlone(_ row: SocketRow) -> Bool {
    row.state == .listen || row.state == .closed
  }

  /// Who holds sockets of one label, which are several only where they share the port.
  private func fate(of rows: [SocketRow]) -> String {
    let row = rows[0]
    if row.state == .timeWait, let expiry = row.timerExpiry {
      return "in TIME_WAIT for another \(Units.duration(expiry))"
    }
    if rows.allSatisfy({ $0.inode == 0 }) { return "in \(row.state.name), left by its process" }
    let holders = rows.flatMap { owners[$0.inode] }
    if !holders.isEmpty { return "held by \(names(holders, of: rows))" }
    let user = row.uid.map { " of uid \($0)" } ?? ""
    return switch owners.visibility {
    case .all:
      "held by nobody who can be seen here: a process\(user) in another PID namespace, or "
        + "the kernel"
    case .some:
      "held by a process\(user) whose name is not readable"
        + (isRoot ? "" : ": run as root to see it")
    case .none: "held by a process\(user) whose name is not known: /proc is not mounted here"
    }
  }

  /// Each process once, however many of its descriptors lead to the sockets.
  private func names(_ holders: [SocketOwner], of rows: [SocketRow]) -> String {
    var seen: Set<Int32> = []
    let processes = holders.filter { seen.insert($0.pid).inserted }
    // A process names itself: a newline in its name would look like another line of ours.
    var names = processes.prefix(Self.most).map { owner in
      owner.name.map { "\(sanitized($0)) (pid \(owner.pid))" } ?? "pid \(owner.pid)"
    }
    if processes.count > Self.most {
      names.append(Units.plural(processes.count - Self.most, "other process", "other processes"))
    }
    if rows.contains(where: { $0.inode != 0 && owners[$0.inode].isEmpty }) {
      names.append("others whose names are not readable")
    }
    return Self.list(names)
  }

  /// `a`, `a and b`, `a, b and c`.
  private static func list(_ words: [String]) -> String {
    let most = words.dropLast().joined(separator: ", ")
    return most.isEmpty ? words.joined() : most + " and " + words.suffix(1).joined()
  }

  /// What helps besides the end of what holds the port.
  private var hint: String? {
    if rows.contains(where: Self.isAlone) || !isEphemeral { return nil }
    return "clients get their ports from net.ipv4.ip_local_port_range, and this is one of them"
  }
}
