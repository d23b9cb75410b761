// An own listener that never accepts, and everything that can be read of its two queues.

internal import KernelTables
internal import SocketCore

/// A listener whose queues are looked at. A class, since it is closed before its owner goes.
final class QueueWatch {
  private(set) var open: Listener?
  let local: Endpoint

  /// - Throws: the errno of the calls that make a listener.
  init(
    backlog: Int32, isIPv6: Bool, port: UInt16 = 0, sharesPort: Bool = false
  ) throws(SystemCallError) {
    var options = Listener.Options()
    options.backlog = backlog
    options.reusePort = sharesPort
    options.ipv6Only = true
    // Deaf clients drop what comes with less than 255: the host's own default may be that.
    options.socketOptions = SocketOptionPlan(RequestedOption.hopLimit(64))
    let address: IPAddress = isIPv6 ? .v6(.loopback) : .v4(.loopback)
    let listener = try Listener(on: Endpoint(address, port), options)
    local = listener.local
    open = consume listener
  }

  func close() { open = nil }

  func queue() throws(SystemCallError) -> Listener.Queue {
    guard let queue = try open?.queue() else {
      throw SystemCallError("getsockopt", "of a closed listener", .badDescriptor)
    }
    return queue
  }

  func drops() -> Int? { open?.socket.dropCount() }

  /// Handshakes in the SYN queue, by sock_diag.
  func synQueue() -> Int? { try? SocketTable.countRequests(at: BoundAddress(local)) }

  /// The same by /proc/net/tcp.
  func synQueueByProc() -> Int? {
    try? SocketTable.countRequests(at: BoundAddress(local), from: .proc)
  }

  func read(into readings: inout Readings) throws(SystemCallError) {
    let queue = try queue()
    readings[.effectiveBacklog] = queue.backlog
    readings[.acceptQueue] = queue.length
    readings[.drops] = drops()
    if readings[.drops] == nil {
      readings.leaveOut(.drops, since: "SO_MEMINFO needs Linux 4.12")
    }
    readings[.synQueue] = synQueue()
    if readings[.synQueue] == nil {
      readings.leaveOut(.synQueue, since: "neither sock_diag nor /proc/net/tcp could be read")
    }
  }
}

/// One look at an experiment.
struct Look {
  /// When it began, since the first connect began.
  let time: Duration
  var readings = Readings()
  var otherClients = 0
  /// Whether nothing is on its way any more.
  var isSettled = true

  init(time: Duration) { self.time = time }

  mutating func countClients(_ clients: borrowing ClientCrowd) {
    var counts: [ClientCrowd.Condition: Int] = [:]
    for client in 0..<clients.count { counts[clients.condition(of: client), default: 0] += 1 }
    readings[.established] = counts[.established, default: 0]
    readings[.synSent] = counts[.synSent, default: 0]
    readings[.reset] = counts[.reset, default: 0]
    readings[.refused] = counts[.refused, default: 0]
    readings[.timedOut] = counts[.timedOut, default: 0]
    otherClients = counts[.other, default: 0]
  }
}

extension Readings {
  /// How far the namespace's counters have gone up since a snapshot.
  mutating func add(countersSince before: CounterSnapshot) {
    let after = try? CounterSnapshot.read()
    for counter in Observable.counters {
      self[counter] = after?.increase(of: counter.rawValue, since: before)
      if self[counter] == nil { leaveOut(counter, since: "this kernel has no such counter") }
    }
  }
}
