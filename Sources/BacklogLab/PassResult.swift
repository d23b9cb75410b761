// What a pass over one queue measured, as values.

public import SocketCore

/// Where an experiment was made.
public struct Surroundings: Hashable, Sendable {
  public var kernel: KernelVersion
  /// How the private network namespace was made; nil where it was this process's own.
  public var isolation: IsolatedNetwork.Means?
  /// Why it is not private; nil where it is.
  public var isolationRefused: String?
  /// Settings of the host that are otherwise in the private network namespace.
  public var notCopied: [UncopiedSetting] = []
  /// What was set there for the experiment.
  public var changes: [SettingChange] = []

  /// Whether nobody else was in the network namespace, so that its counters are exact.
  public var isIsolated: Bool { isolation != nil }
}

/// How things stood after one connect.
public struct PassSample: Hashable, Sendable {
  /// Which connect, from 1.
  public var connect: Int
  /// Since the first connect began.
  public var elapsed: Duration
  public var acceptQueue: Int
  /// The backlog in force; the queue holds one more.
  public var backlog: Int
  /// Of this listener; nil where the kernel does not tell.
  public var drops: Int?
  /// Rows in SYN_RECV, which is looked up only now and then; nil where it was not.
  public var synQueue: Int?
}

/// The first connect whose SYN was dropped.
public struct FirstDrop: Hashable, Sendable {
  /// Which, from 1.
  public var connect: Int
  /// Since the first connect began.
  public var time: Duration
}

/// The result of one pass.
public struct PassResult: Sendable {
  public var plan: PassPlan
  public var surroundings: Surroundings
  /// As they were when listen(2) ran.
  public var settings: QueueSettings
  public var listener: Endpoint
  public var connects: Int
  /// Over how many of its own addresses the clients were spread, since one has not enough ports.
  public var sourceAddresses: Int
  /// How long the connects took, all together.
  public var floodTime: Duration
  /// From the first connect to the look at the clients.
  public var snapshotTime: Duration
  public var measured: Readings
  public var predicted: Prediction
  /// By rules that are known to be in force elsewhere.
  public var alternatives: [Prediction]
  public var comparisons: Comparisons
  public var firstDrop: FirstDrop?
  /// Clients in no state that is to be expected.
  public var otherClients: Int
  /// SYN_RECV rows by /proc/net/tcp, which is to be the same as by sock_diag; nil where that was not read.
  public var synQueueByProc: Int?
  /// One for each connect.
  public var samples: [PassSample]

  /// Connects in a second of the flood.
  public var connectsPerSecond: Double {
    Double(connects) * 1e9 / Double(max(1, floodTime.nanoseconds))
  }

  /// Whether the kernel did what the rules say, in everything that could be compared.
  public var match: Bool { comparisons.match && otherClients == 0 }

  /// SYNs that this listener dropped. A final ACK that met a full accept queue counts two of its drops
  /// and one ListenDrops, so the difference tells them apart where nobody else counts (isolated).
  public var droppedSYNs: Int? {
    guard let drops = measured[.drops] else { return nil }
    return drops - 2 * (droppedFinalACKs ?? 0)
  }

  /// Final ACKs that met a full accept queue; nil where others count as well.
  public var droppedFinalACKs: Int? {
    guard surroundings.isIsolated, let drops = measured[.drops],
      let listenDrops = measured[.listenDrops]
    else { return nil }
    return max(0, drops - listenDrops)
  }
}

/// How far an experiment is, for who watches.
public struct LabProgress: Sendable {
  public enum Step: Hashable, Sendable {
    /// Clients connect.
    case flood
    /// What is on its way is waited for.
    case settling
    /// A slow acceptor takes connections while others come.
    case traffic
    /// One client after the other.
    case sequence
  }

  public var step: Step
  public var queue: QueueKind
  /// Of a sweep or of several listeners: which one, from 1, and of how many.
  public var number = 1
  public var total = 1
  /// Connects so far and altogether; nil where there is no such number.
  public var connects: Int
  public var planned: Int?
  public var elapsed: Duration
  public var acceptQueue: Int?
  /// Of the accept queue.
  public var acceptQueueLimit: Int?
  public var synQueue: Int?
  public var drops: Int?
}

/// How an experiment ended.
public enum LabOutcome<Value: Sendable>: Sendable {
  case done(Value)
  /// A signal came first; everything is closed.
  case signal(Int32)
}
