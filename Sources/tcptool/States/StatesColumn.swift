// THE table of the columns of `states`: the text table, --columns, --sort, --csv and --json all read
// it. A column that is added here is in all of them.

internal import CommandSpec
internal import KernelTables
internal import Report
internal import SocketCore

/// One value of each row.
struct StatesColumn: Sendable {
  /// What has to be found out for a column.
  struct Needs: OptionSet, Sendable {
    let rawValue: UInt8
    static let info = Self(rawValue: 1)
    static let memory = Self(rawValue: 2)
    static let congestionControl = Self(rawValue: 4)
    static let group = Self(rawValue: 8)
    static let owners = Self(rawValue: 16)

    /// What the kernel is asked for besides the rows.
    var wants: SocketWants {
      var wants: SocketWants = []
      if contains(.info) { wants.insert(.info) }
      if contains(.memory) { wants.insert(.memory) }
      if contains(.congestionControl) { wants.insert(.congestionControl) }
      if contains(.group) { wants.insert(.controlGroup) }
      return wants
    }
  }

  /// What makes a column appear in the text table and in CSV, where no --columns is given.
  struct Occasion: OptionSet, Sendable {
    let rawValue: UInt8
    static let always = Self(rawValue: 1)
    static let timers = Self(rawValue: 2)
    static let processes = Self(rawValue: 4)
    static let user = Self(rawValue: 8)
    static let memory = Self(rawValue: 16)
    static let info = Self(rawValue: 32)
    static let group = Self(rawValue: 64)
    static let namespace = Self(rawValue: 128)

    var needs: Needs {
      var needs: Needs = []
      if contains(.processes) { needs.insert(.owners) }
      if contains(.memory) { needs.insert(.memory) }
      if contains(.info) { needs.formUnion([.info, .congestionControl]) }
      if contains(.group) { needs.insert(.group) }
      return needs
    }
  }

  /// An object inside the JSON object of a row: null where nothing in it is known.
  enum Group: String {
    case timer, memory, info

    func isKnown(of socket: StatesRow) -> Bool {
      switch self {
      case .timer: true
      case .memory: socket.details.memory != nil
      case .info: socket.info != nil
      }
    }
  }

  typealias Value = @Sendable (StatesRow, StatesContext) -> StatesValue
  typealias Text = @Sendable (StatesRow, inout ByteBuffer) -> Void
  typealias Inking = @Sendable (StatesRow) -> Style.Ink?

  /// What --columns and --sort call it.
  let name: String
  let title: String
  /// Its key in JSON; nil where JSON has the same under other keys.
  let key: String?
  let group: Group?
  let alignment: Table.Alignment
  let minimumWidth: Int
  let occasion: Occasion
  let needs: Needs
  let ink: Inking?
  let value: Value
  /// Appends what a person reads of the value: for the columns of every table, where the detour over
  /// the value took a quarter of the time of all writing.
  let text: Text?

  private init(
    _ name: String, _ title: String, _ key: String?, in group: Group? = nil,
    _ alignment: Table.Alignment = .right, width: Int = 0, on occasion: Occasion = [],
    needs: Needs = [], ink: Inking? = nil, text: Text? = nil, _ value: @escaping Value
  ) {
    self.name = name
    self.title = title
    self.key = key
    self.group = group
    self.alignment = alignment
    self.minimumWidth = width
    self.occasion = occasion
    self.needs = needs
    self.ink = ink
    self.value = value
    self.text = text
  }

  /// A number of a socket's memory.
  private static func memory(
    _ name: String, _ title: String, on occasion: Occasion = [.memory],
    _ value: @escaping @Sendable (SocketMemory) -> Int
  ) -> Self {
    Self(name, title, name, in: .memory, on: occasion, needs: .memory) { socket, _ in
      StatesValue(bytes: socket.details.memory.map { value($0) })
    }
  }

  /// A value of TCP_INFO. A listener's says nothing of a path.
  private static func info(
    _ name: String, _ title: String, _ key: String? = nil, on occasion: Occasion = [],
    _ value: @escaping @Sendable (TCPInfo) -> StatesValue
  ) -> Self {
    Self(name, title, key ?? name, in: .info, on: occasion, needs: .info) { socket, _ in
      socket.info.map { value($0) } ?? .unknown
    }
  }

  /// How long it is since something happened. Before the handshake nothing has, and what TCP_INFO says
  /// is how long the system has been up.
  private static func since(
    _ name: String, _ title: String, on occasion: Occasion = [],
    _ value: @escaping @Sendable (TCPInfo) -> Duration
  ) -> Self {
    Self(name, title, "\(name)_ms", in: .info, on: occasion, needs: .info) { socket, _ in
      guard socket.row.state != .synSent, let info = socket.info else { return .unknown }
      return .milliseconds(value(info))
    }
  }

  /// In the order in which they are shown. Those of one group stand together.
  static let all: [Self] =
    connection + timer + owner + memory + info + process

  private static let connection: [Self] = [
    Self("family", "Family", "family", .left) { socket, _ in
      .name(socket.row.family == .v4 ? "ipv4" : "ipv6")
    },
    Self(
      "state", "State", "state", .left, width: 11, on: .always, ink: { $0.row.ink },
      text: { $1.append($0.row.state.name) }
    ) { socket, _ in .name(socket.row.state.name) },
    Self(
      "recvq", "Recv-Q", "recv_queue", width: 6, on: .always,
      text: { $1.append(decimal: $0.row.receiveQueue) }
    ) { socket, _ in .integer(socket.row.receiveQueue) },
    Self("sendq", "Send-Q", "send_queue", width: 6, on: .always) { socket, _ in
      socket.row.state == .listen
        ? .inPlace(socket.row.backlog) : .integer(socket.row.sendQueue)
    },
    Self("backlog", "Backlog", "backlog") { socket, _ in StatesValue(socket.row.backlog) },
    Self("v6only", "V6only", "ipv6_only") { socket, _ in
      socket.row.isIPv6Only.map { .bool($0) } ?? .unknown
    },
    Self(
      "local", "Local", "local", .left, width: 21, on: .always,
      text: { $0.row.local.appendShown(to: &$1) }
    ) { socket, _ in .endpoint(socket.row.local) },
    Self(
      "peer", "Peer", "peer", .left, on: .always,
      text: { $0.row.peer.appendShown(to: &$1) }
    ) { socket, _ in .endpoint(socket.row.peer) },
  ]

  private static let timer: [Self] = [
    Self("timer", "Timer", "kind", in: .timer, .left, on: .timers) { socket, _ in
      socket.row.timerName
    },
    Self("expires", "Expires", "expires_ms", in: .timer, on: .timers) { socket, _ in
      StatesValue(milliseconds: socket.row.timerExpiry)
    },
    Self("retransmits", "Retrans", "retransmits", in: .timer, on: .timers) { socket, _ in
      .integer(socket.row.retransmissions)
    },
  ]

  private static let owner: [Self] = [
    Self("uid", "UID", "uid", on: .user) { socket, _ in
      StatesValue(socket.row.uid.map { Int($0) })
    },
    Self("inode", "Inode", "inode") { socket, _ in .unsigned(socket.row.inode) },
    Self("cookie", "Cookie", "cookie") { socket, _ in
      socket.details.cookie.map { .unsigned($0) } ?? .unknown
    },
    Self("interface", "Interface", "interface") { socket, _ in
      StatesValue(socket.details.interface.flatMap { $0 == 0 ? nil : Int($0) })
    },
    Self("netns", "Netns", "netns") { socket, context in
      context.namespace(of: socket).map { .unsigned($0) } ?? .unknown
    },
    Self("netns_name", "Namespace", "netns_name", .left, on: .namespace) { socket, context in
      context.namespaceName(of: socket).map { .outsideName($0) } ?? .unknown
    },
  ]

  private static let memory: [Self] = [
    memory("rmem", "Rmem") { $0.received },
    memory("rcvbuf", "Rcvbuf") { $0.receiveBuffer },
    memory("wmem", "Wmem", on: []) { $0.sent },
    memory("sndbuf", "Sndbuf") { $0.sendBuffer },
    memory("fwd", "Fwd", on: []) { $0.reserved },
    memory("wmem_queued", "Wqueued") { $0.queued },
    memory("optmem", "Optmem", on: []) { $0.options },
    memory("sk_backlog", "Unprocessed", on: []) { $0.backlog },
    Self("drops", "Drops", "drops", in: .memory, on: .memory, needs: .memory) { socket, _ in
      StatesValue(socket.details.memory?.drops)
    },
  ]

  private static let info: [Self] = [
    info("rtt", "RTT", "rtt_us", on: .info) {
      // 0 is no sample.
      $0.roundTripTime == .zero ? .unknown : .microseconds($0.roundTripTime)
    },
    info("rttvar", "RTTvar", "rttvar_us") { .microseconds($0.roundTripVariation) },
    info("min_rtt", "MinRTT", "min_rtt_us", on: .info) {
      StatesValue(microseconds: $0.leastRoundTripTime)
    },
    info("rto", "RTO", "rto_us") { .microseconds($0.retransmissionTimeout) },
    info("cwnd", "Cwnd", on: .info) { .integer($0.congestionWindow) },
    info("ssthresh", "Ssthresh") { StatesValue($0.slowStartThreshold) },
    info("mss", "MSS", "mss") { .integer($0.sendMSS) },
    info("pmtu", "PMTU", "pmtu") { .integer($0.pathMTU) },
    info("unacked", "Unacked") { .integer($0.unacknowledgedSegments) },
    info("lost", "Lost") { .integer($0.lostSegments) },
    info("retrans", "Resent", "total_retrans", on: .info) { .integer($0.totalRetransmissions) },
    info("bytes_retrans", "BytesResent") { StatesValue(bytes: $0.bytesRetransmitted) },
    info("reordering", "Reorder", "reord_seen", on: .info) { StatesValue($0.reorderings) },
    info("delivery_rate", "Delivery", "delivery_rate_bytes_per_second", on: .info) {
      $0.deliveryRate.flatMap { $0 == 0 ? nil : .rate($0) } ?? .unknown
    },
    info("busy", "Busy", "busy_us", on: .info) { StatesValue(microseconds: $0.busyTime) },
    info("rwnd_limited", "RwndLim", "rwnd_limited_us", on: .info) {
      StatesValue(microseconds: $0.receiveWindowLimitedTime)
    },
    info("sndbuf_limited", "SndbufLim", "sndbuf_limited_us", on: .info) {
      StatesValue(microseconds: $0.sendBufferLimitedTime)
    },
    since("last_sent", "LastSent", on: .info) { $0.sinceLastSent },
    since("last_received", "LastRecv", on: .info) { $0.sinceLastReceived },
    since("last_ack", "LastAck") { $0.sinceLastAcknowledgement },
    info("bytes_sent", "Sent", on: .info) { StatesValue(bytes: $0.bytesSent) },
    info("bytes_acked", "Acked") { StatesValue(bytes: $0.bytesAcknowledged) },
    info("bytes_received", "Received", on: .info) { StatesValue(bytes: $0.bytesReceived) },
    info("segs_out", "SegsOut") { StatesValue($0.segmentsSent) },
    info("segs_in", "SegsIn") { StatesValue($0.segmentsReceived) },
    info("notsent", "Unsent") { StatesValue(bytes: $0.bytesUnsent) },
  ]

  private static let process: [Self] = [
    Self(
      "cc", "CC", "congestion_control", .left, on: .info, needs: .congestionControl
    ) { socket, _ in
      socket.details.congestionControl.map { .text($0) } ?? .unknown
    },
    Self("cgroup", "Cgroup", "cgroup", .left, on: .group, needs: .group) { socket, context in
      if let path = socket.supplement?.controlGroup { return .outsideName(path) }
      guard let number = socket.details.controlGroup else { return .unknown }
      return context.groups?[number].map { .outsideName($0) } ?? .unsigned(number)
    },
    Self("role", "Role", "role", .left, on: .processes) { socket, _ in
      .role(socket.role)
    },
    Self("listener", "Waits for", "listener_processes", .left, needs: .owners) {
      socket, context in
      context.listenerProcesses(of: socket).map { .processes($0) } ?? .unknown
    },
    Self("process", "Process", "processes", .left, on: .processes, needs: .owners) {
      socket, context in
      // Who has to accept it; the role beside it says that it waits.
      if let waiting = context.listenerProcesses(of: socket) { return .listenerInPlace(waiting) }
      return context.processes(of: socket).map { .processes($0) } ?? .unknown
    },
  ]
}

/// A column as it is typed.
struct ColumnName: ArgumentValue {
  var column: StatesColumn

  init?(argument: String) {
    guard let column = StatesColumn.all.first(where: { $0.name == argument.lowercased() })
    else { return nil }
    self.column = column
  }

  static var choices: [String] { StatesColumn.all.map(\.name) }
  var argumentText: String { column.name }
}

/// A column to sort by, with `-` before it for the other direction.
struct SortOrder: ArgumentValue {
  var column: StatesColumn
  var isReversed: Bool

  init(_ column: StatesColumn, isReversed: Bool) {
    self.column = column
    self.isReversed = isReversed
  }

  init?(argument: String) {
    isReversed = argument.hasPrefix("-")
    guard let name = ColumnName(argument: String(argument.dropFirst(isReversed ? 1 : 0))) else {
      return nil
    }
    column = name.column
  }

  static var choices: [String] { ColumnName.choices }
  var argumentText: String { (isReversed ? "-" : "") + column.name }
}

extension [StatesRow] {
  /// Sorts by a column; what is equal keeps its order, and what is not known comes last either way.
  mutating func sort(by order: SortOrder, _ context: StatesContext) {
    self = places(by: order, context).map { self[$0] }
  }

  /// The places of the rows in that order.
  func places(by order: SortOrder, _ context: StatesContext) -> [Int] {
    let keys = map { order.column.value($0, context).sortKey }
    return indices.sorted { left, right in
      let (first, second) = (keys[left], keys[right])
      if first.isUnknown != second.isUnknown { return second.isUnknown }
      if first < second { return !order.isReversed }
      if second < first { return order.isReversed }
      return left < right
    }
  }
}
