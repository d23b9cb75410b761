// Sockets, names and random expressions for the tests of filters.

import SocketCore

@testable import KernelTables

/// What a filter may ask about one socket.
struct Subject: FilterSubject {
  var row: SocketRow
  var roundTripTime: Duration?
  var totalRetransmissions: Int?
  var owners: [SocketOwner]?
}

extension Subject {
  /// A socket `LOCAL PEER`; a connection unless told otherwise.
  init(
    _ local: String, _ peer: String, _ state: TCPState = .established,
    shape: SocketRow.Shape = .full, receiveQueue: Int = 0, sendQueue: Int = 0, uid: UInt32? = 1000,
    inode: UInt64 = 7, rtt: Duration? = nil, retransmissions: Int? = nil,
    owners: [SocketOwner]? = nil
  ) {
    let ends = [local, peer].map { endpoint($0) }
    row = SocketRow(
      family: ends[0].address.isIPv6 ? .v6 : .v4, shape: shape, state: state, local: ends[0],
      peer: ends[1], receiveQueue: receiveQueue, sendQueue: sendQueue, timer: .none,
      timerExpiry: nil, retransmissions: 0, uid: uid, inode: inode)
    roundTripTime = rtt
    totalRetransmissions = retransmissions
    self.owners = owners
  }
}

/// `127.0.0.1:80` or `[::1]:80` as an endpoint.
func endpoint(_ text: String) -> Endpoint {
  guard let parts = HostAndPort(joined: text), let address = IPAddress(parts.host),
    let port = UInt16(parts.port)
  else { preconditionFailure(text) }
  return Endpoint(address, port)
}

extension FilterNames {
  /// The same on every machine.
  static let fixed = FilterNames(
    port: { ["http": 80, "https": 443, "http-alt": 8080][$0] },
    uid: { ["root": 0, "web": 33][$0] },
    services: { ["http", "https", "http-alt"] }, users: { ["root", "web"] })
}

/// Random filters over a few ports and addresses, so that they often match.
struct FilterMaker {
  var random: SeededGenerator
  var ports: [UInt16]
  var addresses: [String]

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int.random(in: elements.indices, using: &random)]
  }

  mutating func port() -> String {
    let port = pick(ports)
    return switch Int.random(in: 0..<4, using: &random) {
    case 0: "\(port)"
    case 1: "\(port),\(pick(ports))"
    case 2: "\(port)-\(max(port, pick(ports)))"
    default: ":\(port)"
    }
  }

  mutating func host() -> String {
    let text = pick(addresses)
    guard Bool.random(using: &random), let address = IPAddress(text),
      let prefix = AddressPrefix(
        masking: address, length: Int.random(in: 0...(address.isIPv6 ? 128 : 32), using: &random))
    else {
      if Bool.random(using: &random) { return text }
      return (text.contains(":") ? "[\(text)]" : text) + ":\(pick(ports))"
    }
    return "\(prefix)"
  }

  mutating func condition() -> String {
    switch Int.random(in: 0..<12, using: &random) {
    case 0: return "port=\(port())"
    case 1: return "\(pick(["sport", "lport"])) = \(port())"
    case 2: return "\(pick(["dport", "rport"])) = \(port())"
    case 3:
      return "\(pick(["port", "sport", "dport"])) \(pick([">", ">=", "<", "<="])) \(pick(ports))"
    case 4: return "\(pick(["sport", "dport", "port"])) != \(port())"
    case 5: return "addr\(pick(["=", "!="]))\(host())"
    case 6, 7: return "src \(host())"
    case 8: return "dst \(pick(["=", "!="])) \(host())"
    case 9:
      return "state\(pick(["=", "!="]))\(pick(["LISTEN", "connected", "ESTABLISHED,TIME_WAIT"]))"
    case 10: return pick(["pending", "orphan", "listening", "bucket"])
    default: return pick(["recvq>0", "sendq=0", "uid=0", "rtt<1s", "process=x", "uid!=0"])
    }
  }

  mutating func expression(_ depth: Int = 3) -> String {
    if depth == 0 { return condition() }
    return switch Int.random(in: 0..<6, using: &random) {
    case 0: "not ( \(expression(depth - 1)) )"
    case 1, 2: "( \(expression(depth - 1)) or \(expression(depth - 1)) )"
    case 3, 4: "( \(expression(depth - 1)) and \(expression(depth - 1)) )"
    default: condition()
    }
  }

  mutating func endpoint(_ family: SocketRow.Family) -> Endpoint {
    let own = addresses.compactMap { IPAddress($0) }
    let address = pick(own)
    switch (family, address) {
    case (.v4, .v6(let v6)): return Endpoint(.v4(v6.mapped ?? .any), pick(ports))
    case (.v6, .v4(let v4)):
      return Endpoint(
        .v6(IPv6Address(high: 0, low: 0xFFFF_0000_0000 | UInt64(v4.bits))), pick(ports))
    default: return Endpoint(address, pick(ports))
    }
  }

  mutating func row() -> SocketRow {
    let family = pick(SocketRow.Family.allCases)
    let state = pick(TCPState.allCases)
    let isListener = state == .listen
    let nobody = Endpoint(family == .v4 ? .v4(.any) : .v6(.any), 0)
    return SocketRow(
      family: family, shape: state == .timeWait ? .timeWait : .full, state: state,
      local: endpoint(family), peer: isListener ? nobody : endpoint(family),
      receiveQueue: pick([0, 1]), sendQueue: pick([0, 1]), timer: .none, timerExpiry: nil,
      retransmissions: 0, uid: pick([0, 1, nil]), inode: pick([0, 9]))
  }
}
