// What `states --listeners` tells of a network namespace: each listener beside the limits of its queues,
// and what the namespace has for all of them.

internal import BacklogLab
internal import KernelTables
internal import Report
internal import SocketCore

/// How full a queue is.
struct QueueFill {
  var length: Int
  /// How many it holds; nil where that is not known, or where there is no such queue.
  var limit: Int?

  /// Rounded down, so that only a full queue has 100; more where two processors filled it at once.
  var percent: Int? { limit.map { $0 > 0 ? length * 100 / $0 : 0 } }

  func isAtLeast(_ percent: Int) -> Bool { self.percent.map { $0 >= percent } ?? false }
}

struct ListenerReport {
  /// A listener with what follows from it.
  struct Item {
    var status: ListenerStatus
    var acceptQueue: QueueFill
    /// Of a group: all of its members together.
    var synQueue: QueueFill
    /// Whether the backlog is that of net.core.somaxconn, so that listen(2) may have asked for more.
    var isAtSomaxconn: Bool?
    /// Nil where they were not looked for.
    var owners: [SocketOwner]?
    /// Its number among those whose labels would be the same, from 0.
    var member = 0
    /// The network namespace.
    var namespace = RowSupplement.Place()
    /// What that is called where there are several, so that each listener has to say which one it is in.
    var namespaceText: String?

    func isAtLeast(_ percent: Int) -> Bool {
      acceptQueue.isAtLeast(percent) || synQueue.isAtLeast(percent)
    }

    /// Whether it takes connections of both families; nil where that is not known.
    var isDualStack: Bool? {
      guard status.row.family == .v6, status.row.local.address.isUnspecified else { return false }
      return status.row.isIPv6Only.map { !$0 }
    }
  }

  var items: [Item]
  let facts: NamespaceFacts
  /// As for an item.
  let namespaceText: String?
  var settings: QueueSettings? { facts.settings }
  var counters: CounterSnapshot? { facts.counters }

  /// - Parameter isOneOfSeveral: Whether there are other network namespaces beside this one.
  init(
    _ listeners: [ListenerStatus], _ facts: NamespaceFacts, owners: SocketOwners?,
    isOneOfSeveral: Bool
  ) {
    self.facts = facts
    let settings = facts.settings
    let namespace = facts.place
    let namespaceText = isOneOfSeveral ? namespace.text : nil
    self.namespaceText = namespaceText
    var limits: [Int: Int?] = [:]
    for listener in listeners {
      let limit = listener.row.backlog.flatMap { backlog in
        settings.flatMap { QueueRules.synQueueCapacity(backlog: backlog, settings: $0) }
      }
      let before = limits[listener.group] ?? 0
      limits[listener.group] = before.flatMap { sum in limit.map { sum + $0 } }
    }
    var members: [String: Int] = [:]
    items = listeners.map { listener in
      var item = Item(
        status: listener,
        acceptQueue: QueueFill(
          length: listener.row.receiveQueue,
          limit: listener.row.backlog.map { QueueRules.acceptQueueCapacity(backlog: $0) }),
        synQueue: QueueFill(length: listener.synQueue, limit: limits[listener.group] ?? nil),
        isAtSomaxconn: listener.row.backlog.flatMap { backlog in
          settings.map { $0.somaxconn == backlog }
        },
        owners: owners.map { $0[listener.row.inode] }, namespace: namespace,
        namespaceText: namespaceText)
      let key = "\(item.labels)"
      item.member = members[key] ?? 0
      members[key] = item.member + 1
      return item
    }
  }
}

extension NamespaceFacts {
  var place: RowSupplement.Place { .init(number: number, name: name) }
}

extension RowSupplement.Place {
  /// What tells it from others: a process that it is named after may have ended.
  var identity: Self { number == nil ? self : Self(number: number) }

  /// Its name, or else its number.
  var text: String { name.map { sanitized($0) } ?? number.map { "\($0)" } ?? "-" }
}
