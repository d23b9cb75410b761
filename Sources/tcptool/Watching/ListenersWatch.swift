// The listeners read again and again: how their queues, their drops and the counters move.

internal import KernelTables
internal import SocketCore

/// What moved between the readings.
struct ListenersWatch {
  /// A listener at the last reading, and at those before.
  struct Tracked {
    enum Event {
      case present, opened, changed, same, closed
    }

    var item: ListenerReport.Item
    var event: Event
    /// The reading at which that was seen.
    var reading: Int
    var accept = History(length: ListenersWatch.historyLength)
    var syn = History(length: ListenersWatch.historyLength)
    /// How many connections it turned away in a second since the reading before; nil where that is
    /// not known.
    var dropsPerSecond: Double?
  }

  static let historyLength = 24

  private let options: StatesOptions
  private(set) var filter: Filter
  /// The number of the last reading, from 0; −1 before the first.
  private(set) var number = -1
  private(set) var report: ListenerReport?
  private(set) var source: SocketTable.Source?
  private(set) var listeners: [Tracked] = []
  /// What closed since the reading before.
  private(set) var closed: [Tracked] = []
  private var time = MonotonicInstant.now
  private var lastCounters: CounterSnapshot?
  /// How long it is since the reading before; nil after the first.
  private(set) var elapsed: Duration?

  init(_ options: StatesOptions) {
    self.options = options
    filter = options.filter
  }

  mutating func restart(_ filter: Filter) {
    self.filter = filter
    number = -1
    listeners = []
    closed = []
    report = nil
    lastCounters = nil
    elapsed = nil
  }

  /// - Throws: where the tables, or /proc, could not be read.
  mutating func read() throws(SystemCallError) {
    let read = try options.readListeners(matching: filter)
    let now = MonotonicInstant.now
    elapsed = number < 0 ? nil : now - time
    time = now
    number += 1
    lastCounters = report?.counters
    report = read.reports.first
    source = read.outcome.source
    var before = Dictionary(
      listeners.map { (Self.key($0.item), $0) }, uniquingKeysWith: { first, _ in first })
    listeners = read.items.map { item in
      guard let old = before.removeValue(forKey: Self.key(item)) else {
        var new = Tracked(
          item: item, event: number == 0 ? .present : .opened, reading: number)
        new.note(nil)
        return new
      }
      var next = old
      next.advance(to: item, reading: number, elapsed: elapsed)
      return next
    }
    closed = before.values.map { old in
      var last = old
      last.event = .closed
      last.reading = number
      return last
    }.sorted { Self.key($0.item) < Self.key($1.item) }
  }

  /// The kernel's own number; /proc has only the inode.
  private static func key(_ item: ListenerReport.Item) -> UInt64 {
    item.status.cookie ?? item.status.row.inode
  }

  /// By how much a counter of the namespace grew in a second; nil where that is not known.
  func perSecond(_ counter: String) -> Double? {
    guard let elapsed, let now = report?.counters, let lastCounters else { return nil }
    return now.increase(of: counter, since: lastCounters).flatMap { rate($0, elapsed) }
  }

  /// Whether any of the counters moved.
  var countersMoved: Bool {
    ListenerTable.counters.contains { (perSecond($0) ?? 0) != 0 }
  }
}

/// So many a second.
private func rate(_ count: Int, _ time: Duration) -> Double? {
  time.nanoseconds > 0 ? Double(count) * 1e9 / Double(time.nanoseconds) : nil
}

extension ListenersWatch.Tracked {
  fileprivate mutating func note(_ drops: Double?) {
    accept.add(item.acceptQueue.length)
    syn.add(item.synQueue.length)
    dropsPerSecond = drops
  }

  fileprivate mutating func advance(
    to next: ListenerReport.Item, reading number: Int, elapsed: Duration?
  ) {
    let (old, new) = (item.status, next.status)
    let isSame =
      old.row.receiveQueue == new.row.receiveQueue && old.synQueue == new.synQueue
      && old.drops == new.drops && old.row.backlog == new.row.backlog
    item = next
    if !isSame {
      event = .changed
      reading = number
    } else if event == .changed || number - reading > 2 {
      event = .same
    }
    note(
      elapsed.flatMap { time in
        guard let old = old.drops, let new = new.drops else { return nil }
        return rate(new - old, time)
      })
  }
}
