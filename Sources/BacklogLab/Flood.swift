// The experiment itself: a listener that never accepts, clients that connect, and one look.

internal import Glibc
internal import KernelTables
public import SocketCore

/// What was measured.
public struct FloodResult: Sendable {
  public var plan: FloodPlan
  /// The release of the running kernel, `6.18.44`.
  public var kernel: String
  public var settings: QueueSettings
  public var listener: Endpoint
  /// How long the connects took, all together.
  public var floodTime: Duration
  /// From the first connect to the first drop.
  public var firstDropTime: Duration?
  /// From the first connect to the look at the clients.
  public var snapshotTime: Duration
  public var measured: Observables
  public var predicted: Observables
  /// Clients in no state that a flood explains.
  public var otherClients: Int
  /// How far the namespace's counters went up meanwhile. They count every listener of the
  /// namespace, not only this one. Nil where the kernel has no such counter.
  public var counters: [(name: String, increase: Int?)]

  /// The names of the counters above, all of TcpExt.
  public static let counterNames = [
    "ListenOverflows", "ListenDrops", "TCPReqQFullDrop", "TCPReqQFullDoCookies",
    "SyncookiesSent", "SyncookiesRecv",
  ]
}

public enum Flood {
  /// Makes the experiment: it takes `plan.snapshotDelay` and a little. Everything that it opened is
  /// closed when it returns, the listener first, which resets its clients and leaves no TIME_WAIT.
  ///
  /// - Throws: where the limits do not allow it, or a call failed.
  public static func run(_ plan: FloodPlan, settings: QueueSettings) throws(LabError) -> FloodResult
  {
    try plan.check(
      descriptorLimit: DescriptorLimit.raise(), ephemeralPorts: EphemeralPorts.count())
    do throws(SystemCallError) {
      return try measure(plan, settings)
    } catch {
      throw .call(error)
    }
  }

  private static func measure(
    _ plan: FloodPlan, _ settings: QueueSettings
  ) throws(SystemCallError) -> FloodResult {
    var options = Listener.Options()
    options.backlog = plan.asked
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0), options)
    let before = try? CounterSnapshot.read()

    let clients = Clients(capacity: plan.connects)
    let start = MonotonicInstant.now
    var firstDrop: (connect: Int, time: Duration)?
    for number in 1...plan.connects {
      let attempt = try ConnectAttempt(to: listener.local)
      // The drop has happened before connect(2) returns, so that the one just made is the one.
      if firstDrop == nil, let drops = listener.socket.dropCount(), drops > 0 {
        firstDrop = (number, .now - start)
      }
      clients.add(attempt)
    }
    let floodTime = MonotonicInstant.now - start
    (start + plan.snapshotDelay).wait()

    let snapshotTime = MonotonicInstant.now - start
    var measured = Observables()
    let queue = try listener.queue()
    measured.effectiveBacklog = queue.backlog
    measured.acceptQueue = queue.length
    measured.drops = listener.socket.dropCount()
    measured.firstDrop = firstDrop?.connect
    let states = clients.countStates()
    measured.established = states[.established, default: 0]
    measured.synSent = states[.synSent, default: 0]
    measured.synReceived = try? SocketTable.countRequests(at: listener.local)
    let after = try? CounterSnapshot.read()

    var predicted = QueueRules.predict(
      asked: plan.asked, settings: settings, connects: plan.connects)
    if let dropped = firstDrop, snapshotTime - dropped.time > Self.retransmissionMargin {
      // By now an unknown part of the dropped SYNs has been sent and dropped again.
      predicted.drops = nil
    }
    let counted = plan.connects - states[.established, default: 0] - states[.synSent, default: 0]
    return FloodResult(
      plan: plan, kernel: kernelRelease(), settings: settings, listener: listener.local,
      floodTime: floodTime, firstDropTime: firstDrop?.time, snapshotTime: snapshotTime,
      measured: measured, predicted: predicted, otherClients: counted,
      counters: FloodResult.counterNames.map { name in
        (name, before.flatMap { after?.increase(of: name, since: $0) })
      })
  }

  /// The first retransmission of a SYN comes 1 s after it (TCP_TIMEOUT_INIT in include/net/tcp.h).
  private static let retransmissionMargin = Duration.milliseconds(900)

  private static func kernelRelease() -> String {
    var name = utsname()
    guard unsafe uname(&name) == 0 else { return "unknown" }
    return unsafe withUnsafeBytes(of: name.release) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

/// The clients of a flood. A class, since an array cannot own sockets.
private final class Clients {
  private final class Client {
    let attempt: ConnectAttempt
    init(_ attempt: consuming ConnectAttempt) { self.attempt = attempt }
  }

  private var clients: [Client] = []

  init(capacity: Int) { clients.reserveCapacity(capacity) }

  func add(_ attempt: consuming ConnectAttempt) { clients.append(Client(attempt)) }

  func countStates() -> [TCPState: Int] {
    var counts: [TCPState: Int] = [:]
    for client in clients {
      if let state = try? client.attempt.state() { counts[state, default: 0] += 1 }
    }
    return counts
  }
}
