// The listeners for programs: as JSON, as CSV and as OpenMetrics.

internal import BacklogLab
internal import KernelTables
internal import Report
internal import SocketCore

extension ListenerReport.Item {
  /// What JSON and CSV have of a listener, in this order.
  private static let fields: [(name: String, value: @Sendable (Self) -> JSONValue)] = [
    ("family", { $0.status.row.family == .v4 ? "ipv4" : "ipv6" }),
    ("local", { $0.status.row.local.unmapped.json }), ("dual_stack", { .init($0.isDualStack) }),
    ("interface", { .init($0.status.interface) }),
    ("accept_queue", { .init($0.acceptQueue.length) }),
    ("accept_queue_limit", { .init($0.acceptQueue.limit) }),
    ("accept_queue_percent", { .init($0.acceptQueue.percent) }),
    ("syn_queue", { .init($0.synQueue.length) }),
    ("syn_queue_limit", { .init($0.synQueue.limit) }),
    ("syn_queue_percent", { .init($0.synQueue.percent) }),
    ("syn_queue_shared_by", { .init($0.status.groupSize) }),
    ("drops", { .init($0.status.drops) }), ("backlog", { .init($0.status.row.backlog) }),
    ("backlog_at_somaxconn", { .init($0.isAtSomaxconn) }),
    ("oldest_pending_ms", { .init($0.status.oldestPending.map { $0.nanoseconds / 1_000_000 }) }),
    ("uid", { .init($0.status.row.uid) }), ("inode", { .init($0.status.row.inode) }),
    ("cookie", { .init($0.status.cookie) }), ("netns", { .init($0.namespace.number) }),
    ("netns_name", { $0.namespace.nameJSON }),
    ("processes", { $0.owners.map { .array($0.map(\.json)) } ?? .null }),
  ]

  var json: JSONValue {
    .object(
      [("schema", "tcptool/1"), ("record", "listener")]
        + Self.fields.map { ($0.name, $0.value(self)) })
  }

  static var csvHeader: String { fields.map(\.name).joined(separator: ",") }

  /// Appends a line of CSV (RFC 4180): nothing where a value is unknown.
  func appendCSV(to bytes: inout ByteBuffer) {
    for (place, field) in Self.fields.enumerated() {
      if place > 0 { bytes.append(UInt8(ascii: ",")) }
      switch (field.name, field.value(self)) {
      case (_, .null): break
      case ("local", _): bytes.append(quoted: "\(status.row.local.unmapped)")
      case ("netns_name", _): bytes.append(quoted: sanitized(namespace.name ?? []))
      case ("processes", _): bytes.append(quoted: owners?.text(isWhole: true) ?? "")
      case (_, .string(let text)): bytes.append(quoted: text)
      case (_, let value): value.append(to: &bytes)
      }
    }
    bytes.append(UInt8(ascii: "\n"))
  }

  /// What tells it from others, apart from those that share it with another.
  var labels: [(name: String, value: String)] {
    var labels = [
      (name: "address", value: status.row.local.unmapped.address.description),
      (name: "port", value: "\(status.row.local.port)"),
      (name: "family", value: status.row.family == .v4 ? "ipv4" : "ipv6"),
    ]
    if let interface = status.interface, interface != 0 {
      labels.append((name: "interface", value: "\(interface)"))
    }
    return labels + (namespaceText == nil ? [] : namespace.labels)
  }

  fileprivate func sample(_ value: Int?) -> MetricFamily.Sample? {
    value.map { .init(memberLabels, Double($0)) }
  }

  /// With the number within a SO_REUSEPORT group, and the owner where it is known.
  fileprivate var memberLabels: [(name: String, value: String)] {
    var labels = labels + [(name: "member", value: "\(member)")]
    if let owner = owners?.first, let name = owner.name {
      labels.append((name: "process", value: sanitized(name)))
    }
    return labels
  }
}

extension RowSupplement.Place {
  fileprivate var nameJSON: JSONValue { name.map { .init(decoding: $0) } ?? .null }

  fileprivate var labels: [(name: String, value: String)] {
    [("netns", number.map { "\($0)" }), ("netns_name", name.map { sanitized($0) })].compactMap {
      label, value in value.map { (name: label, value: $0) }
    }
  }
}

extension SocketOwner {
  var json: JSONValue {
    [
      "pid": .init(pid), "name": name.map { .init(decoding: $0) } ?? .null, "fd": .init(descriptor),
    ]
  }
}

extension ListenerReport {
  var namespaceJSON: JSONValue {
    [
      "schema": "tcptool/1", "record": "namespace", "netns": .init(facts.number),
      "netns_name": facts.place.nameJSON,
      "settings": settings.map { settings in
        .object(settings.named.map { ($0.name, .init($0.value)) })
      } ?? .null,
      "counters": counters.map { counters in
        .object(ListenerTable.counters.map { ($0, .init(counters[$0])) })
      } ?? .null,
    ]
  }

  /// Of what the namespace has for all of its listeners.
  private var labels: [(name: String, value: String)] {
    namespaceText == nil ? [] : facts.place.labels
  }
  private var metrics: [MetricFamily] { queueMetrics + settingMetrics + counterMetrics }

  /// Each family once, with its samples of all network namespaces.
  static func metrics(of reports: [ListenerReport]) -> [MetricFamily] {
    var families: [MetricFamily] = []
    var places: [String: Int] = [:]
    for family in reports.flatMap(\.metrics) {
      if let place = places[family.name] {
        families[place].samples += family.samples
      } else {
        places[family.name] = families.count
        families.append(family)
      }
    }
    return families
  }

  private var queueMetrics: [MetricFamily] {
    // Of a group one sample: a sum over its members would count each handshake several times.
    let groups = items.filter { $0.member == 0 }
    let oldest = Dictionary(
      items.compactMap { item in
        item.status.oldestPending.map { (item.status.group, $0) }
      }, uniquingKeysWith: max)
    return [
      MetricFamily(
        "tcptool_listener_accept_queue_connections", .gauge, unit: "connections",
        help: "Connections that wait for accept(2).",
        samples: items.compactMap { $0.sample($0.acceptQueue.length) }),
      MetricFamily(
        "tcptool_listener_accept_queue_limit_connections", .gauge, unit: "connections",
        help: "How many connections the accept queue holds: the backlog and one more.",
        samples: items.compactMap { $0.sample($0.acceptQueue.limit) }),
      MetricFamily(
        "tcptool_listener_drops", .counter,
        help: "What this listener turned away since it was made, for whatever cause.",
        samples: items.compactMap { $0.sample($0.status.drops) }),
      MetricFamily(
        "tcptool_listener_syn_queue_requests", .gauge, unit: "requests",
        help: "Handshakes that are not complete, of all members of a SO_REUSEPORT group.",
        samples: groups.map { .init($0.labels, Double($0.synQueue.length)) }),
      MetricFamily(
        "tcptool_listener_syn_queue_limit_requests", .gauge, unit: "requests",
        help: "How many handshakes these listeners hold, by the kernel's rules.",
        samples: groups.compactMap { item in
          item.synQueue.limit.map { .init(item.labels, Double($0)) }
        }),
      MetricFamily(
        "tcptool_listener_oldest_pending_seconds", .gauge, unit: "seconds",
        help: "How long the oldest connection in the accept queue of a group's members has waited.",
        samples: groups.compactMap { item in
          oldest[item.status.group].map {
            .init(item.labels, Double($0.nanoseconds / 1_000_000) / 1e3)
          }
        }),
    ]
  }

  private var settingMetrics: [MetricFamily] {
    (settings?.named ?? []).map { name, value in
      MetricFamily(
        "tcptool_netns_\(name)", .gauge,
        help: "The setting net.\(name == "somaxconn" ? "core" : "ipv4").\(name).",
        samples: value.map { [.init(labels, Double($0))] } ?? [])
    }
  }

  private static let counterNames = [
    "ListenOverflows": "listen_overflows", "ListenDrops": "listen_drops",
    "TCPReqQFullDrop": "syn_queue_full_drops", "TCPReqQFullDoCookies": "syn_queue_full_cookies",
    "SyncookiesSent": "syncookies_sent", "SyncookiesRecv": "syncookies_received",
    "SyncookiesFailed": "syncookies_failed",
  ]

  private var counterMetrics: [MetricFamily] {
    ListenerTable.counters.compactMap { counter in
      Self.counterNames[counter].map { name in
        MetricFamily(
          "tcptool_netns_\(name)", .counter,
          help: "The counter \(counter) of the network namespace, of all its listeners.",
          samples: counters?[counter].map { [.init(labels, Double($0))] } ?? [])
      }
    }
  }
}
