// Someone else's listener: what is asked of it, and what was found.

public import SocketCore

/// How to find out what another program's listener holds.
public struct TargetPlan: Sendable {
  /// How the clients come.
  public enum Order: String, CaseIterable, Hashable, Sendable {
    /// One client after the other, until one is not answered in time. On a server that does not accept
    /// the number is exact, also over a slow path, since each last ACK precedes the next SYN.
    case sequential
    /// All clients at once.
    case burst
  }

  public var target: Endpoint
  /// The most clients; nil for one more than the queue should hold where that is known, and otherwise
  /// for `PassPlan.mostPlanned`. Another host wants a number.
  public var count: Int?
  public var order = Order.sequential
  /// How long a client waits for its answer; less than the first repetition of a SYN after 1 s.
  public var patience = Duration.milliseconds(500)
  /// Whether each client sends one byte at the end: the kernel acknowledges it on a connection that is in
  /// the queue, though nobody has accepted it, and not on one that the server does not know.
  public var probesData = false
  /// Whether the target may be on another host.
  public var allowsRemote = false
  /// Whether the network namespace is one that was entered for the test, where every address may be tried.
  public var isInOtherNamespace = false

  public init(target: Endpoint) { self.target = target }

  /// Called by the laboratory, and beforehand by who has something to say about the test.
  ///
  /// - Throws: where the target is on another host and that, or so many clients, are not allowed.
  public func check() throws(LabError) {
    if target.address.isLoopback || isInOtherNamespace { return }
    guard allowsRemote else { throw .remoteTarget(target) }
    guard let count, count <= LabError.mostRemoteClients else { throw .remoteCount(count) }
  }
}

/// The queues of a local listener, by sock_diag. Of several that share the port it is their sum.
public struct ListenerReading: Hashable, Sendable {
  public var acceptQueue: Int
  /// Nil from /proc.
  public var backlog: Int?
  public var drops: Int?
  public var synQueue: Int
  /// How many listeners share the address and the port (SO_REUSEPORT).
  public var listeners: Int
}

/// One client of a test of another program's listener.
public struct TargetClient: Hashable, Sendable {
  /// From 1.
  public var connect: Int
  /// When it began, since the first one.
  public var began: Duration
  /// Until it was connected; nil where it was not.
  public var latency: Duration?
}

/// What was found about another program's listener.
public struct TargetResult: Sendable {
  /// Why no more clients were sent.
  public enum Ending: Hashable, Sendable {
    /// This client, from 1, had no answer in time: the queue is full, or the SYN was lost.
    case unanswered(connect: Int)
    /// All clients were connected.
    case countReached
    case refused
    /// A client could not be made.
    case failed(SystemCallError)
  }

  public var plan: TargetPlan
  /// Whether it is on this host; its kernel is the running one then.
  public var isLocal: Bool
  /// The most clients that there were to be.
  public var planned: Int
  public var ending: Ending
  public var clients: [TargetClient]
  /// How many clients were connected, whether or not the server knows them.
  public var connected: Int
  /// What became of the clients, at the end.
  public var measured: Readings
  /// From the first connect to the last answer, without the patience for the one that had none.
  public var connectTime: Duration
  /// The listener before and after; nil where it is not on this host, or not to be found.
  public var before: ListenerReading?
  public var after: ListenerReading?
  /// Of the connected clients, how many had their byte acknowledged and how many had not; nil where
  /// none was sent.
  public var acknowledgedProbes: Int?
  public var unacknowledgedProbes: Int?

  /// Connections that the server has accepted meanwhile; nil where its queue cannot be read.
  public var accepted: Int? {
    guard let before, let after else { return nil }
    return max(0, connected - (ghosts ?? 0) - (after.acceptQueue - before.acceptQueue))
  }

  /// Clients that believe they are connected and of which the server holds nothing, as far as the probe
  /// tells; nil without one.
  public var ghosts: Int? { unacknowledgedProbes }

  /// Connections that were in the queue before and stay there until the server accepts them.
  public var leftovers: Int? { before?.acceptQueue }

  /// Whether the server accepts, so that what was found is no length of a queue. Without a look into
  /// its queue it is known only where no limit was met.
  public var isAccepting: Bool? {
    if let accepted { return accepted > 0 }
    return ending == .countReached && plan.order == .sequential ? true : nil
  }

  /// The effective backlog as it shows from outside: one less than the connections that there was room
  /// for. Nil where no limit was met, or where the server accepted meanwhile.
  public var backlogFound: Int? {
    guard case .unanswered = ending, isAccepting != true else { return nil }
    let held = plan.order == .sequential ? connected : acknowledgedProbes
    return held.map { $0 + (leftovers ?? 0) - 1 }.flatMap { $0 < 0 ? nil : $0 }
  }

  /// Clients connected in a second.
  public var connectsPerSecond: Double {
    Double(connected) * 1e9 / Double(max(1, connectTime.nanoseconds))
  }
}
