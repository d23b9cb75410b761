// What a network namespace has for all of its sockets: settings, counters and totals. Read here and
// now, or from a capture.

internal import BacklogLab
internal import KernelTables
internal import Report
internal import SocketCore

struct NamespaceFacts: Sendable {
  /// Its number, as `lsns` shows it.
  var number: UInt64?
  /// What ip-netns(8) calls it.
  var name: [UInt8]?
  var settings: QueueSettings?
  /// The ports that the kernel chooses from.
  var portRange: ClosedRange<UInt16>?
  /// How many orphans the system allows, and how many rows in TIME_WAIT it keeps.
  var orphanLimit: Int?
  var timeWaitLimit: Int?
  var counters: CounterSnapshot?
  var totals: SocketStatistics?

  /// Reads those of the calling thread's network namespace.
  static func current() -> NamespaceFacts {
    var facts = NamespaceFacts()
    facts.number = NetworkNamespace.number()
    facts.settings = try? QueueSettings.current()
    facts.portRange = Sysctl.localPorts
    facts.orphanLimit = try? Sysctl.integer("net.ipv4.tcp_max_orphans")
    facts.timeWaitLimit = try? Sysctl.integer("net.ipv4.tcp_max_tw_buckets")
    facts.counters = try? CounterSnapshot.read()
    facts.totals = try? SocketStatistics.read()
    return facts
  }

  /// Those of a process's network namespace, as far as they can be read from outside: settings cannot.
  static func seen(through process: Int32) -> NamespaceFacts {
    var facts = NamespaceFacts()
    facts.number = NetworkNamespace.number(of: process)
    facts.counters = try? CounterSnapshot.read(process: process)
    facts.totals = try? SocketStatistics.read(process: process)
    return facts
  }

  /// Those of one that a tour has come to: by name, and from outside where it could not be entered.
  static func met(_ place: RowSupplement.Place, outside: Int32?) -> NamespaceFacts {
    var facts = outside.map { seen(through: $0) } ?? current()
    facts.number = place.number
    facts.name = place.name
    return facts
  }

  private static func portRange(_ first: Int?, _ last: Int?) -> ClosedRange<UInt16>? {
    guard let first = first.flatMap({ UInt16(exactly: $0) }),
      let last = last.flatMap({ UInt16(exactly: $0) }), first <= last
    else { return nil }
    return first...last
  }
}

extension NamespaceFacts {
  /// One of which no more is known.
  init(number: UInt64?, name: [UInt8]?) {
    self.number = number
    self.name = name
  }

  /// All of it, for a capture.
  var json: JSONValue {
    [
      "schema": "tcptool/1", "record": "netns", "netns": .init(number),
      "netns_name": name.map { .init(decoding: $0) } ?? .null,
      "settings": .object(
        (settings?.named ?? []).map { ($0.name, .init($0.value)) } + [
          ("ip_local_port_first", .init(portRange?.lowerBound)),
          ("ip_local_port_last", .init(portRange?.upperBound)),
          ("tcp_max_orphans", .init(orphanLimit)), ("tcp_max_tw_buckets", .init(timeWaitLimit)),
        ]),
      "counters": counters.map { counters in
        .object(ListenerTable.counters.map { ($0, .init(counters[$0])) })
      } ?? .null,
      "totals": totals.map { totals in
        [
          "orphans": .init(totals.orphans), "time_waits": .init(totals.timeWaits),
          "memory_pages": .init(totals.memoryPages),
        ]
      } ?? .null,
    ]
  }

  /// Reads them again; what is not there, or is no such value, is not known.
  init(_ json: JSONValue) {
    number = json["netns"]?.wholeNumber(as: UInt64.self)
    name = (json["netns_name"]?.text).map { Array($0.utf8) }
    let saved = json["settings"]
    // As wide as the kernel's own.
    func setting(_ name: String) -> Int? {
      saved?[name]?.wholeNumber(as: Int32.self).map { Int($0) }
    }
    settings = setting("somaxconn").map {
      QueueSettings(
        somaxconn: $0, tcpMaxSynBacklog: setting("tcp_max_syn_backlog"),
        tcpSyncookies: setting("tcp_syncookies"),
        tcpAbortOnOverflow: setting("tcp_abort_on_overflow"))
    }
    portRange = Self.portRange(setting("ip_local_port_first"), setting("ip_local_port_last"))
    orphanLimit = setting("tcp_max_orphans")
    timeWaitLimit = setting("tcp_max_tw_buckets")
    counters = json["counters"].map { counters in
      CounterSnapshot(
        Dictionary(
          ListenerTable.counters.compactMap { name in
            counters[name]?.wholeNumber(as: Int.self).map { (name, $0) }
          }, uniquingKeysWith: { first, _ in first }))
    }
    totals = json["totals"].map { totals in
      func total(_ name: String) -> Int? {
        totals[name]?.wholeNumber(as: Int32.self).map { Int($0) }
      }
      return SocketStatistics(
        orphans: total("orphans"), timeWaits: total("time_waits"),
        memoryPages: totals["memory_pages"]?.wholeNumber(as: Int.self))
    }
  }
}
