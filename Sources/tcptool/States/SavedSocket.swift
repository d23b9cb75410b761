// One row of a capture, or of the JSON that `states` writes: an object in a line becomes a row again.

internal import KernelTables
internal import Report
internal import SocketCore

/// Reads rows. What is the same in row after row (the namespace, the control group, no process) is
/// kept once.
struct SavedSocketReader {
  /// What is not wanted is passed over.
  let needs: StatesColumn.Needs
  /// Which of it any row had.
  var seen: StatesColumn.Needs = []
  private var keys = KeyFinder(Key.names)
  var timerKeys = KeyFinder(["kind", "expires_ms", "retransmits"])
  var memoryKeys = KeyFinder(Self.memoryNames)
  var infoKeys = KeyFinder(Self.infoNames)
  var endKeys = KeyFinder(["address", "port"])
  var ownerKeys = KeyFinder(["pid", "name", "fd"])
  private var last = RowSupplement()
  private var lastCongestionControl: (bytes: [UInt8], name: String) = ([], "")

  init(needs: StatesColumn.Needs) { self.needs = needs }

  /// In the order of the JSON that is written; others are passed over.
  private enum Key: Int, CaseIterable {
    case schema, record, family, state, receiveQueue, sendQueue, backlog, ipv6Only, local, peer
    case timer, uid, inode, cookie, interface, netns, netnsName, memory, info, congestionControl
    case cgroup, role, listenerProcesses, processes

    static let names: [StaticString] = [
      "schema", "record", "family", "state", "recv_queue", "send_queue", "backlog", "ipv6_only",
      "local", "peer", "timer", "uid", "inode", "cookie", "interface", "netns", "netns_name",
      "memory", "info", "congestion_control", "cgroup", "role", "listener_processes", "processes",
    ]
  }

  /// What a line was.
  enum Line {
    case socket(StatesRow)
    /// A record of another kind, as a whole.
    case other(JSONValue)
    /// A row that lacks something, or has what no row can have.
    case damaged
  }

  /// What is gathered of a row on the way through its object.
  struct Parts {
    var isIPv6: Bool?
    var state: TCPState?
    var receiveQueue: UInt32?
    var sendQueue: UInt32?
    var backlog: UInt32?
    var isIPv6Only: Bool?
    var local: Endpoint?
    var peer: Endpoint?
    var timer = SocketRow.TimerKind.none
    var expiry: Duration?
    var retransmissions: UInt32 = 0
    var uid: UInt32?
    var inode: UInt64?
    var cookie: UInt64?
    var interface: UInt32?
    var namespace: UInt64?
    var namespaceName: [UInt8]?
    var shape: SocketRow.Shape?
    var memory: SocketMemory?
    var info: SavedTCPInfo?
    var congestionControl: String?
    var groupNumber: UInt64?
    var group: [UInt8]?
    var processes: [SocketOwner]?
    var listenerProcesses: [SocketOwner]?
  }

  /// - Throws: where the line is no JSON object, or not of this program.
  mutating func read(_ line: Span<UInt8>) throws(JSONError) -> Line {
    var scanner = JSONScanner()
    var parts = Parts()
    var hasSchema = false
    var isSocket = false
    try scanner.enterObject(in: line)
    while let text = try scanner.nextMember(in: line) {
      guard let key = keys.place(of: text, in: line).flatMap({ Key(rawValue: $0) }) else {
        try scanner.skipValue(in: line)
        continue
      }
      switch key {
      case .schema:
        guard try scanner.string(in: line).equals("tcptool/1", in: line) else {
          throw scanner.error(.unexpected)
        }
        hasSchema = true
      case .record:
        isSocket = try scanner.string(in: line).equals("socket", in: line)
        if !isSocket { return .other(try JSONValue(parsing: line)) }
      default:
        if try scanner.skipNull(in: line) { continue }
        try read(key, &parts, &scanner, in: line)
      }
    }
    try scanner.finish(in: line)
    guard hasSchema, isSocket else { throw scanner.error(.unexpected) }
    return row(parts).map { .socket($0) } ?? .damaged
  }

  private mutating func read(
    _ key: Key, _ parts: inout Parts, _ scanner: inout JSONScanner, in line: Span<UInt8>
  ) throws(JSONError) {
    switch key {
    case .schema, .record: break
    case .family: parts.isIPv6 = try scanner.string(in: line).equals("ipv6", in: line)
    case .state:
      let text = try scanner.string(in: line)
      parts.state = TCPState.allCases.first { text.equals($0.name, in: line) }
    case .receiveQueue: parts.receiveQueue = try scanner.value(in: line)
    case .sendQueue: parts.sendQueue = try scanner.value(in: line)
    case .backlog: parts.backlog = try scanner.value(in: line)
    case .ipv6Only: parts.isIPv6Only = try scanner.bool(in: line)
    case .local: parts.local = try endpoint(&scanner, in: line)
    case .peer: parts.peer = try endpoint(&scanner, in: line)
    case .timer: try readTimer(&parts, &scanner, in: line)
    case .uid: parts.uid = try scanner.value(in: line)
    case .inode: parts.inode = try scanner.value(in: line)
    case .cookie: parts.cookie = try scanner.value(in: line)
    case .interface: parts.interface = try scanner.value(in: line)
    case .netns: parts.namespace = try scanner.value(in: line)
    case .netnsName: parts.namespaceName = try scanner.string(in: line).decoded(in: line)
    case .memory: try readMemory(&parts, &scanner, in: line)
    case .info: try readInfo(&parts, &scanner, in: line)
    case .congestionControl:
      let text = try scanner.string(in: line)
      seen.insert(.congestionControl)
      if needs.contains(.congestionControl) { parts.congestionControl = name(text, in: line) }
    case .cgroup:
      seen.insert(.group)
      if try scanner.kind(in: line) == .number {
        parts.groupNumber = try scanner.value(in: line)
      } else {
        let text = try scanner.string(in: line)
        if needs.contains(.group) { parts.group = group(text, in: line) }
      }
    case .role:
      let text = try scanner.string(in: line)
      if text.equals("syn_queue", in: line) {
        parts.shape = .request
      } else if text.equals("time_wait", in: line) {
        parts.shape = .timeWait
      } else {
        parts.shape = .full
      }
    case .listenerProcesses: parts.listenerProcesses = try owners(&scanner, in: line)
    case .processes:
      seen.insert(.owners)
      parts.processes = try owners(&scanner, in: line)
    }
  }

  private mutating func row(_ parts: Parts) -> StatesRow? {
    guard let state = parts.state, let receiveQueue = parts.receiveQueue,
      var local = parts.local, var peer = parts.peer, let inode = parts.inode,
      parts.sendQueue != nil || state == .listen
    else { return nil }
    let shape = parts.shape ?? Self.usualShape(state)
    switch (shape, state) {
    case (.full, .timeWait): return nil
    case (.full, _), (.request, .synReceived), (.timeWait, .timeWait), (.timeWait, .finWait2): break
    default: return nil
    }
    let isIPv6 = parts.isIPv6 ?? (local.address.isIPv6 || peer.address.isIPv6)
    if isIPv6 {
      local.address = local.address.inIPv6
      peer.address = peer.address.inIPv6
    } else if local.address.isIPv6 || peer.address.isIPv6 {
      return nil
    }
    let row = SocketRow(
      family: isIPv6 ? .v6 : .v4, shape: shape, state: state, local: local, peer: peer,
      receiveQueue: Int(receiveQueue), sendQueue: Int(parts.sendQueue ?? 0), timer: parts.timer,
      timerExpiry: parts.timer == .none ? nil : parts.expiry,
      retransmissions: Int(parts.retransmissions), uid: parts.uid, inode: inode,
      backlog: state == .listen ? parts.backlog.map { Int($0) } : nil,
      isIPv6Only: parts.isIPv6Only)
    var details = SocketDetails(
      memory: parts.memory, congestionControl: parts.congestionControl,
      info: parts.info.map { TCPInfo($0, state: state) })
    details.cookie = parts.cookie
    // sock_diag tells both or none.
    details.interface = parts.interface ?? parts.cookie.map { _ in 0 }
    details.controlGroup = parts.groupNumber
    return StatesRow(row: row, details: details, supplement: supplement(parts))
  }

  private static func usualShape(_ state: TCPState) -> SocketRow.Shape {
    switch state {
    case .synReceived: .request
    case .timeWait: .timeWait
    default: .full
    }
  }

  private mutating func supplement(_ parts: Parts) -> RowSupplement {
    func isSame(_ mine: [SocketOwner]?, _ other: [SocketOwner]?) -> Bool {
      mine?.isEmpty != false && (mine == nil) == (other == nil) && other?.isEmpty != false
    }
    if last.namespace == parts.namespace, last.namespaceName == parts.namespaceName,
      last.controlGroup == parts.group, isSame(parts.processes, last.processes),
      isSame(parts.listenerProcesses, last.listenerProcesses)
    {
      return last
    }
    last = RowSupplement(
      namespace: parts.namespace, namespaceName: parts.namespaceName, controlGroup: parts.group,
      processes: parts.processes, listenerProcesses: parts.listenerProcesses)
    return last
  }

  // MARK: - Texts

  private mutating func name(_ text: JSONScanner.Text, in line: Span<UInt8>) -> String {
    if !text.equals(lastCongestionControl.bytes, in: line) {
      let bytes = text.decoded(in: line)
      lastCongestionControl = (bytes, String(decoding: bytes, as: UTF8.self))
    }
    return lastCongestionControl.name
  }

  private func group(_ text: JSONScanner.Text, in line: Span<UInt8>) -> [UInt8] {
    if let path = last.controlGroup, text.equals(path, in: line) { return path }
    return text.decoded(in: line)
  }
}

extension IPAddress {
  /// The same as an IPv6 socket has it.
  fileprivate var inIPv6: IPAddress {
    guard case .v4(let address) = self else { return self }
    return .v6(IPv6Address(high: 0, low: 0xFFFF_0000_0000 | UInt64(address.bits)))
  }
}
