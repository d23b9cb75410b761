// A connect scan: handshakes with many endpoints, a bounded number at once, each closed again as
// soon as its outcome is known. No data are sent.

/// A handshake that succeeded and was closed again.
public struct OpenEndpoint: Hashable, Sendable {
  public var target: Endpoint
  /// From connect(2) to the SYN-ACK having been seen by this program.
  public var handshake: Duration
  /// The kernel's measurement of the round trip; nil where the SYN was sent more than once, and
  /// where the kernel has none.
  public var roundTripTime: Duration?
  public var synRetransmissions: Int
  /// What the peer had made of the connection by the time it was looked at: ECONNRESET or EPIPE
  /// after an RST. Nil as a rule.
  public var end: Errno?
}

/// What came of one item of a scan.
public enum ScanResult: Sendable {
  case open(OpenEndpoint)
  /// No endpoint of the item accepted. Of several failures, the one that got farthest.
  case failed(FailedAttempt)
}

/// Handshakes with many endpoints, a bounded number at once.
public enum ConnectScan {
  /// How a scan is run.
  public struct Options: Sendable {
    /// How many handshakes may be under way at once; less than 1 counts as 1.
    public var parallel = 64
    /// The longest time of one attempt.
    public var timeout = Duration.seconds(2)
    /// The own end of every attempt.
    public var end = ClientEnd()
    /// Set on the socket of every attempt, before connect(2).
    public var socketOptions = SocketOptionPlan()
    /// How often there is a pulse; never where it is nil.
    public var pulse: Duration?

    public init() {}
  }

  /// What is told while it runs.
  public enum Event: Sendable {
    /// The outcome of the item with this index.
    case settled(item: Int, ScanResult)
    /// The pulse that was asked for, whatever has happened since the last one.
    case pulse
  }

  /// How a scan ended.
  public struct Ending: Hashable, Sendable {
    /// The signal that ended it; the items that were not settled by then are not told of.
    public var signal: Int32?
    /// How many handshakes at once there was room for: what was asked for, or less where this
    /// process or this host may not have so many descriptors.
    public var parallel: Int
    /// What an attempt met that found no room; nil where none did.
    public var shortage: SystemCallError?
  }

  /// Connects to the items. The limit of open descriptors is raised for it, and stays so.
  ///
  /// A descriptor that cannot be had is no outcome of an item: the item waits for one that is free.
  ///
  /// - Parameters:
  ///   - items: the endpoints of each item in the order of preference; each is tried when the one
  ///     before has failed, until one accepts. An item without endpoints is passed over.
  ///   - observe: told of each outcome as it comes, in no order.
  /// - Throws: failures of the readiness loop, and EMFILE and its kind where there is no descriptor
  ///   even for a single attempt.
  public static func run(
    _ items: [[Endpoint]], options: Options = Options(), loop: inout ReadinessLoop,
    tracer: CallTracer = .silent, observe: (Event) -> Void
  ) throws(SystemCallError) -> Ending {
    var scan = Scan(items, options, tracer)
    defer { scan.abandon(&loop) }
    var nextPulse = options.pulse.map { MonotonicInstant.now + $0 }
    while true {
      try scan.begin(&loop, observe)
      if scan.isOver { return scan.ending(by: nil) }
      let wait = scan.hasRoom ? .now : [scan.firstDeadline, nextPulse].compactMap(\.self).min()
      if case .signal(let signal) = try loop.wait(until: wait) { return scan.ending(by: signal) }
      scan.settle(&loop, observe)
      scan.expire(&loop, observe)
      if let pulse = options.pulse, let next = nextPulse, MonotonicInstant.now >= next {
        observe(.pulse)
        nextPulse = .now + pulse
      }
    }
  }
}

/// The items that wait, and the attempts that are under way.
private struct Scan {
  /// An item whose turn it is, or will be again.
  struct Turn {
    var item: Int
    /// Which of its endpoints is next.
    var candidate = 0
    /// The failure that got farthest so far.
    var farthest: FailedAttempt?
  }

  /// So many attempts begin before it is looked what came of those before, so that a handshake of
  /// microseconds is not taken for a longer one.
  private static let burst = 8
  /// Descriptors that are left for others once it is known that there are no more.
  private static let reserve = 8

  private let items: [[Endpoint]]
  private let options: ConnectScan.Options
  private let tracer: CallTracer
  private var bound: Int
  private var shortage: SystemCallError?
  private var nextItem = 0
  /// Items that have begun and were put back.
  private var putBack: [Turn] = []
  /// By descriptor.
  private var underWay: [Int32: (attempt: RunningAttempt, turn: Turn)] = [:]
  private var deadlines: DeadlineQueue

  init(_ items: [[Endpoint]], _ options: ConnectScan.Options, _ tracer: CallTracer) {
    self.items = items
    self.options = options
    self.tracer = tracer
    bound = max(1, min(options.parallel, DescriptorLimit.raise()))
    deadlines = DeadlineQueue(options.timeout)
  }

  var isOver: Bool { underWay.isEmpty && !isWaiting }
  /// Whether another attempt can begin now.
  var hasRoom: Bool { underWay.count < bound && isWaiting }
  private var isWaiting: Bool { nextItem < items.count || !putBack.isEmpty }

  var firstDeadline: MonotonicInstant? {
    mutating get { deadlines.first { underWay[$0]?.attempt.started == $1 } }
  }

  private mutating func takeTurn() -> Turn? {
    if let turn = putBack.popLast() { return turn }
    while nextItem < items.count {
      nextItem += 1
      if !items[nextItem - 1].isEmpty { return Turn(item: nextItem - 1) }
    }
    return nil
  }

  /// Begins attempts, as far as there is room.
  mutating func begin(
    _ loop: inout ReadinessLoop, _ observe: (ConnectScan.Event) -> Void
  ) throws(SystemCallError) {
    for _ in 0..<Self.burst {
      guard underWay.count < bound, let turn = takeTurn() else { return }
      let attempt: RunningAttempt
      do throws(FailedAttempt) {
        attempt = try RunningAttempt(
          to: items[turn.item][turn.candidate], from: options.end, options: options.socketOptions,
          tracer: tracer)
      } catch {
        guard error.error.call == "socket", error.error.errno.isShortage else {
          fail(turn, error, observe)
          continue
        }
        return try makeDo(without: turn, error.error)
      }
      if attempt.isOver() {
        take(attempt, turn, attempt.progress(), observe)
        continue
      }
      do throws(SystemCallError) {
        try loop.watch(attempt.descriptor, for: .writable)
      } catch {
        loop.forget(attempt.descriptor)
        return try makeDo(without: turn, error)
      }
      underWay[attempt.descriptor] = (attempt, turn)
      deadlines.append(attempt.descriptor, attempt.started)
    }
  }

  /// Goes on with as many attempts as there is room for.
  private mutating func makeDo(
    without turn: Turn, _ error: SystemCallError
  ) throws(SystemCallError) {
    guard !underWay.isEmpty else { throw error }
    bound = max(1, underWay.count - Self.reserve)
    shortage = error
    putBack.append(turn)
  }

  /// Takes the outcomes that are there.
  mutating func settle(_ loop: inout ReadinessLoop, _ observe: (ConnectScan.Event) -> Void) {
    for descriptor in loop.readyDescriptors {
      guard let (attempt, turn) = underWay[descriptor] else { continue }
      let progress = attempt.progress()
      if case .pending = progress { continue }
      remove(descriptor, &loop)
      take(attempt, turn, progress, observe)
    }
  }

  /// Takes the outcome of an attempt that is no longer pending.
  private mutating func take(
    _ attempt: RunningAttempt, _ turn: Turn, _ progress: ConnectAttempt.Progress,
    _ observe: (ConnectScan.Event) -> Void
  ) {
    do throws(FailedAttempt) {
      let connected = try attempt.finish(progress)
      let open = OpenEndpoint(
        target: attempt.target, handshake: connected.handshake,
        roundTripTime: connected.roundTripTime, synRetransmissions: connected.synRetransmissions)
      observe(.settled(item: turn.item, .open(open)))
    } catch {
      if let open = OpenEndpoint(resetAtOnce: error) {
        observe(.settled(item: turn.item, .open(open)))
      } else {
        fail(turn, error, observe)
      }
    }
  }

  /// Ends the attempts whose time is over.
  mutating func expire(_ loop: inout ReadinessLoop, _ observe: (ConnectScan.Event) -> Void) {
    while let deadline = firstDeadline, MonotonicInstant.now >= deadline,
      let descriptor = deadlines.removeFirst(), let (attempt, turn) = underWay[descriptor]
    {
      let failure = attempt.timedOut()
      remove(descriptor, &loop)
      fail(turn, failure, observe)
    }
  }

  private mutating func fail(
    _ turn: Turn, _ failure: FailedAttempt, _ observe: (ConnectScan.Event) -> Void
  ) {
    var farthest = failure
    if let before = turn.farthest, before.failure >= failure.failure { farthest = before }
    if turn.candidate + 1 < items[turn.item].count {
      putBack.append(
        Turn(item: turn.item, candidate: turn.candidate + 1, farthest: farthest))
    } else {
      observe(.settled(item: turn.item, .failed(farthest)))
    }
  }

  func ending(by signal: Int32?) -> ConnectScan.Ending {
    ConnectScan.Ending(signal: signal, parallel: bound, shortage: shortage)
  }

  /// Gives up what is under way.
  mutating func abandon(_ loop: inout ReadinessLoop) {
    for descriptor in underWay.keys { loop.forget(descriptor) }
    underWay = [:]
  }

  /// The attempt's socket stays open as long as somebody holds the attempt.
  private mutating func remove(_ descriptor: Int32, _ loop: inout ReadinessLoop) {
    loop.forget(descriptor)
    underWay[descriptor] = nil
  }
}

/// The deadlines of attempts that all have the same time, so that they come in the order in which
/// the attempts began. An attempt that is over stays in it until its turn comes.
private struct DeadlineQueue {
  private var entries: [(descriptor: Int32, started: MonotonicInstant)] = []
  private var head = 0
  private let timeout: Duration

  init(_ timeout: Duration) { self.timeout = timeout }

  mutating func append(_ descriptor: Int32, _ started: MonotonicInstant) {
    entries.append((descriptor, started))
  }

  /// The first deadline of an attempt that is still under way; those before it are taken out.
  mutating func first(
    where isUnderWay: (Int32, MonotonicInstant) -> Bool
  ) -> MonotonicInstant? {
    while head < entries.count {
      let entry = entries[head]
      if isUnderWay(entry.descriptor, entry.started) { return entry.started + timeout }
      _ = removeFirst()
    }
    return nil
  }

  mutating func removeFirst() -> Int32? {
    guard head < entries.count else { return nil }
    head += 1
    defer {
      // Moves each entry at most once on average.
      if head * 2 > entries.count {
        entries.removeFirst(head)
        head = 0
      }
    }
    return entries[head - 1].descriptor
  }
}

extension OpenEndpoint {
  /// A connection that the peer reset before it was looked at. A handshake that is refused is
  /// ECONNREFUSED: these two come only where it was over. tcp_reset() of the kernel.
  fileprivate init?(resetAtOnce failed: FailedAttempt) {
    let errno = failed.error.errno
    guard failed.icmp == nil, errno == .connectionReset || errno == .brokenPipe else { return nil }
    self.init(
      target: failed.target, handshake: failed.elapsed,
      synRetransmissions: (failed.synsSent ?? 1) - 1, end: errno)
  }
}
