// One row of a capture, or of the JSON that `states` writes: an object in a line becomes a row again.

internal import KernelTables
internal import Report
internal import SocketCore

/// What a row brings with it that is otherwise found out for all rows together.
final class RowSupplement: Sendable {
  let namespace: UInt64?
  let namespaceName: String?
  let controlGroup: String?
  let processes: [SocketOwner]?
  let listenerProcesses: [SocketOwner]?

  init(
    namespace: UInt64? = nil, namespaceName: String? = nil, controlGroup: String? = nil,
    processes: [SocketOwner]? = nil, listenerProcesses: [SocketOwner]? = nil
  ) {
    self.namespace = namespace
    self.namespaceName = namespaceName
    self.controlGroup = controlGroup
    self.processes = processes
    self.listenerProcesses = listenerProcesses
  }

  /// Of which namespace a row is, also where its number is hidden.
  struct Place: Hashable {
    var number: UInt64?
    var name: String?
  }

  var place: Place { Place(number: namespace, name: namespaceName) }
}

/// Reads rows. What is the same in row after row (the namespace, the control group, no process) is
/// kept once.
struct SavedSocketReader {
  /// What is not wanted is passed over.
  let needs: StatesColumn.Needs
  /// Which of it any row had.
  private(set) var seen: StatesColumn.Needs = []
  private var keys = KeyFinder(Key.names)
  private var timerKeys = KeyFinder(["kind", "expires_ms", "retransmits"])
  private var memoryKeys = KeyFinder(Self.memoryNames)
  private var infoKeys = KeyFinder(Self.infoNames)
  private var endKeys = KeyFinder(["address", "port"])
  private var ownerKeys = KeyFinder(["pid", "name", "fd"])
  private var last = RowSupplement()
  private var lastGroup: [UInt8] = []
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
  private struct Parts {
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
    var namespaceName: String?
    var shape: SocketRow.Shape?
    var memory: SocketMemory?
    var info: SavedTCPInfo?
    var congestionControl: String?
    var groupNumber: UInt64?
    var group: String?
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
    case .netnsName: parts.namespaceName = try scanner.string(in: line).string(in: line)
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

  private mutating func group(_ text: JSONScanner.Text, in line: Span<UInt8>) -> String {
    if let path = last.controlGroup, text.equals(lastGroup, in: line) { return path }
    lastGroup = text.decoded(in: line)
    return String(decoding: lastGroup, as: UTF8.self)
  }

  // MARK: - Objects in the row

  private mutating func endpoint(
    _ scanner: inout JSONScanner, in line: Span<UInt8>
  ) throws(JSONError) -> Endpoint {
    var address: IPAddress?
    var port: UInt16?
    try scanner.enterObject(in: line)
    while let key = try scanner.nextMember(in: line) {
      switch endKeys.place(of: key, in: line) {
      case 0:
        let text = try scanner.string(in: line)
        address = IPAddress(saved: text, in: line)
      case 1: port = try scanner.value(in: line)
      default: try scanner.skipValue(in: line)
      }
    }
    guard let address, let port else { throw scanner.error(.unexpected) }
    return Endpoint(address, port)
  }

  private mutating func readTimer(
    _ parts: inout Parts, _ scanner: inout JSONScanner, in line: Span<UInt8>
  ) throws(JSONError) {
    try scanner.enterObject(in: line)
    while let key = try scanner.nextMember(in: line) {
      let place = timerKeys.place(of: key, in: line)
      if try scanner.skipNull(in: line) { continue }
      switch place {
      case 0:
        let text = try scanner.string(in: line)
        guard let kind = SocketRow.TimerKind(saved: text, in: line) else {
          throw scanner.error(.unexpected)
        }
        parts.timer = kind
      case 1: parts.expiry = .milliseconds(try scanner.value(as: Int64.self, in: line))
      case 2: parts.retransmissions = try scanner.value(in: line)
      default: try scanner.skipValue(in: line)
      }
    }
  }

  private static let memoryNames: [StaticString] = [
    "rmem", "rcvbuf", "wmem", "sndbuf", "fwd", "wmem_queued", "optmem", "sk_backlog", "drops",
  ]

  private mutating func readMemory(
    _ parts: inout Parts, _ scanner: inout JSONScanner, in line: Span<UInt8>
  ) throws(JSONError) {
    seen.insert(.memory)
    guard needs.contains(.memory) else { return try scanner.skipValue(in: line) }
    var values = InlineArray<9, Int>(repeating: 0)
    var found = 0
    try scanner.enterObject(in: line)
    while let key = try scanner.nextMember(in: line) {
      guard let place = memoryKeys.place(of: key, in: line) else {
        try scanner.skipValue(in: line)
        continue
      }
      values[place] = Int(try scanner.value(as: UInt32.self, in: line))
      found += 1
    }
    guard found == values.count else { throw scanner.error(.unexpected) }
    parts.memory = SocketMemory(
      received: values[0], receiveBuffer: values[1], sent: values[2], sendBuffer: values[3],
      reserved: values[4], queued: values[5], options: values[6], backlog: values[7],
      drops: values[8])
  }

  private static let infoNames: [StaticString] = [
    "rtt_us", "rttvar_us", "min_rtt_us", "cwnd", "ssthresh", "mss", "pmtu", "unacked", "lost",
    "total_retrans", "bytes_retrans", "reord_seen", "delivery_rate_bytes_per_second", "busy_us",
    "rwnd_limited_us", "sndbuf_limited_us", "last_sent_ms", "last_received_ms", "last_ack_ms",
    "bytes_sent", "bytes_acked", "bytes_received", "segs_out", "segs_in", "notsent",
  ]

  private mutating func readInfo(
    _ parts: inout Parts, _ scanner: inout JSONScanner, in line: Span<UInt8>
  ) throws(JSONError) {
    seen.insert(.info)
    guard needs.contains(.info) else { return try scanner.skipValue(in: line) }
    var info = SavedTCPInfo()
    try scanner.enterObject(in: line)
    while let key = try scanner.nextMember(in: line) {
      let place = infoKeys.place(of: key, in: line)
      if try scanner.skipNull(in: line) { continue }
      switch place {
      case 0: info.roundTripTime = try scanner.value(in: line)
      case 1: info.roundTripVariation = try scanner.value(in: line)
      case 2: info.leastRoundTripTime = try scanner.value(in: line)
      case 3: info.congestionWindow = try scanner.value(in: line)
      case 4: info.slowStartThreshold = try scanner.value(in: line)
      case 5: info.sendMSS = try scanner.value(in: line)
      case 6: info.pathMTU = try scanner.value(in: line)
      case 7: info.unacknowledgedSegments = try scanner.value(in: line)
      case 8: info.lostSegments = try scanner.value(in: line)
      case 9: info.totalRetransmissions = try scanner.value(in: line)
      case 10: info.bytesRetransmitted = try scanner.value(in: line)
      case 11: info.reorderings = try scanner.value(in: line)
      case 12: info.deliveryRate = try scanner.value(in: line)
      case 13: info.busyTime = try scanner.value(in: line)
      case 14: info.receiveWindowLimitedTime = try scanner.value(in: line)
      case 15: info.sendBufferLimitedTime = try scanner.value(in: line)
      case 16: info.sinceLastSent = try scanner.value(in: line)
      case 17: info.sinceLastReceived = try scanner.value(in: line)
      case 18: info.sinceLastAcknowledgement = try scanner.value(in: line)
      case 19: info.bytesSent = try scanner.value(in: line)
      case 20: info.bytesAcknowledged = try scanner.value(in: line)
      case 21: info.bytesReceived = try scanner.value(in: line)
      case 22: info.segmentsSent = try scanner.value(in: line)
      case 23: info.segmentsReceived = try scanner.value(in: line)
      case 24: info.bytesUnsent = try scanner.value(in: line)
      default: try scanner.skipValue(in: line)
      }
    }
    parts.info = info
  }

  private mutating func owners(
    _ scanner: inout JSONScanner, in line: Span<UInt8>
  ) throws(JSONError) -> [SocketOwner] {
    var owners: [SocketOwner] = []
    try scanner.enterArray(in: line)
    while try scanner.nextElement(in: line) {
      var pid: Int32?
      var name: [UInt8]?
      var descriptor: Int32?
      try scanner.enterObject(in: line)
      while let key = try scanner.nextMember(in: line) {
        let place = ownerKeys.place(of: key, in: line)
        if try scanner.skipNull(in: line) { continue }
        switch place {
        case 0: pid = try scanner.value(in: line)
        case 1: name = try scanner.string(in: line).decoded(in: line)
        case 2: descriptor = try scanner.value(in: line)
        default: try scanner.skipValue(in: line)
        }
      }
      guard let pid, let descriptor else { throw scanner.error(.unexpected) }
      owners.append(SocketOwner(pid: pid, name: name, descriptor: descriptor))
    }
    return owners
  }
}

/// Finds keys in a list, beginning behind the one that was found last: they come in the list's order,
/// nearly always.
struct KeyFinder {
  private let names: [StaticString]
  private var next = 0

  init(_ names: [StaticString]) { self.names = names }

  mutating func place(of key: JSONScanner.Text, in line: Span<UInt8>) -> Int? {
    for step in names.indices {
      let place = next + step < names.count ? next + step : next + step - names.count
      if key.equals(names[place], in: line) {
        next = place + 1 < names.count ? place + 1 : 0
        return place
      }
    }
    return nil
  }
}

extension JSONScanner {
  /// An integer that fits.
  fileprivate mutating func value<Number: FixedWidthInteger>(
    as type: Number.Type = Number.self, in text: Span<UInt8>
  ) throws(JSONError) -> Number {
    guard let value = try integer(as: Number.self, in: text) else { throw error(.badNumber) }
    return value
  }
}

extension IPAddress {
  /// Reads an address as JSON has it. Where this machine has no interface of the scope's name, there
  /// is no scope.
  fileprivate init?(saved text: JSONScanner.Text, in line: Span<UInt8>) {
    if let address = IPv4Address(saved: text, in: line) {
      self = .v4(address)
      return
    }
    let string = text.string(in: line)
    if let address = IPAddress(string) {
      self = address
    } else if let end = string.firstIndex(of: "%"), let address = IPAddress(string[..<end]) {
      self = address
    } else {
      return nil
    }
  }

  /// The same as an IPv6 socket has it.
  fileprivate var inIPv6: IPAddress {
    guard case .v4(let address) = self else { return self }
    return .v6(IPv6Address(high: 0, low: 0xFFFF_0000_0000 | UInt64(address.bits)))
  }
}

extension IPv4Address {
  /// Reads a dotted quad without making a String.
  fileprivate init?(saved text: JSONScanner.Text, in line: Span<UInt8>) {
    var bits: UInt32 = 0
    var part: UInt32 = 0
    var digits = 0
    var dots = 0
    for place in text.range {
      let digit = line[place] &- UInt8(ascii: "0")
      if digit < 10 {
        if digits > 0 && part == 0 { return nil }
        part = part * 10 + UInt32(digit)
        digits += 1
        if part > 255 { return nil }
      } else {
        guard line[place] == UInt8(ascii: "."), digits > 0, dots < 3 else { return nil }
        bits = bits << 8 | part
        (part, digits, dots) = (0, 0, dots + 1)
      }
    }
    guard dots == 3, digits > 0 else { return nil }
    self.init(bits: bits << 8 | part)
  }
}

extension SocketRow.TimerKind {
  fileprivate init?(saved text: JSONScanner.Text, in line: Span<UInt8>) {
    if text.equals("retransmit", in: line) {
      self = .retransmit
    } else if text.equals("keepalive", in: line) {
      self = .keepalive
    } else if text.equals("time_wait", in: line) {
      self = .timeWait
    } else if text.equals("zero_window_probe", in: line) {
      self = .zeroWindowProbe
    } else if let number = UInt8(text.string(in: line)) {
      self = Self(rawValue: number)
    } else {
      return nil
    }
  }
}
