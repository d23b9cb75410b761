// Does what the relay's rules (Relay.swift) decide. One step at a time, so that one thread can drive
// many relays; `run` drives a single one to its end. What is waited for and when is decided here; the
// two directions and the ending have files of their own.

/// One relay between a connection and its local streams, which are lent to each step.
public struct RelayDriver: ~Copyable {
  /// Bytes a direction. Large enough that a system call's own cost does not matter, small enough
  /// for a processor's cache: calls of 1 MiB need up to a fifth less CPU time than such of 256 KiB.
  public static let capacity = 1024 * 1024

  /// Told of the bytes as they are received and sent; nil costs nothing.
  public typealias Tap = (RelayDirection, Span<UInt8>) -> Void

  /// Asked when a direction has handed over all of its bytes, before its end is told: behind the
  /// close of the local output, and in front of our FIN. It learns how many there were. False refuses
  /// them, and the connection is reset, so that the peer does not take them for accepted.
  public typealias Acceptance = (RelayDirection, _ count: Int) -> Bool

  private let shared: SharedRelayOptions
  var options: RelayOptions { shared.options }
  let pool: BufferPool
  let tap: Tap?
  let accepts: Acceptance?
  let budget: ByteBudget?
  let sendBudget: ByteBudget?
  private(set) var started: MonotonicInstant
  var relay: Relay
  var outboundBytes: [UInt8] = []
  var inboundBytes: [UInt8] = []
  var lineEnds = LineEnds()
  var outcome = RelayOutcome()
  private var limits: RelayLimits
  var isHungUp = false
  /// Whether the error of a connection that has hung up was asked for: it has no other one later.
  var hasAskedForError = false
  private var hasToldFailure = false
  /// What was told of the progress, and when.
  private var told: (moved: Int, at: MonotonicInstant)
  /// When the next reading is due.
  private var nextReading: MonotonicInstant?
  /// What may be sent now, where a rate is held to.
  @Boxed var bucket: TokenBucket?
  /// Whether our FIN is among what the peer has to acknowledge.
  var hasFinished = false
  private(set) var acknowledgement = AcknowledgementWatch()
  private var lowWater = ReceiveLowWater()
  /// How each direction is moved; chosen once the streams are seen.
  var outboundPath = CopyPath()
  var inboundPath = CopyPath()
  private var hasChosenPaths = false
  /// How much there was to read of an input file at the beginning.
  var inputSize: Int?
  /// How many bytes are received altogether, once the peer's time is over: those that were there
  /// then. They were acknowledged, so the peer will not send them again.
  var receiveLimit: Int?

  /// - Parameters:
  ///   - pool: lends the buffers, which are held only while bytes wait in them.
  ///   - tap: told of all bytes.
  ///   - accepts: has the last word on them.
  ///   - budget: how many bytes may be received; where more come, `accepts` is asked at once.
  ///   - sendBudget: the same of bytes that may be read from the local input.
  public init(
    _ options: RelayOptions = RelayOptions(),
    pool: BufferPool = BufferPool(capacity: Self.capacity), tap: Tap? = nil,
    accepts: Acceptance? = nil, budget: ByteBudget? = nil, sendBudget: ByteBudget? = nil
  ) {
    self.init(
      SharedRelayOptions(options), pool: pool, tap: tap, accepts: accepts, budget: budget,
      sendBudget: sendBudget)
  }

  init(
    _ shared: SharedRelayOptions, pool: BufferPool, tap: Tap?, accepts: Acceptance?,
    budget: ByteBudget?, sendBudget: ByteBudget? = nil
  ) {
    let options = shared.options
    self.shared = shared
    self.pool = pool
    self.tap = tap
    self.accepts = accepts
    self.budget = budget
    self.sendBudget = sendBudget
    started = .now
    told = (0, started)
    limits = RelayLimits(idle: options.idleTimeout, total: options.totalTimeout, start: started)
    // An end that has nothing to say can only end with its peer.
    relay = Relay(
      capacity: pool.capacity, endsWithPeer: options.endsWithPeer || !options.readsInput,
      waitsForPeer: options.onLocalEnd == .wait)
    nextReading = options.readingInterval.map { started + $0 }
    bucket = options.rate.map { TokenBucket(rate: $0, at: started) }
  }

  /// Counts all times from now on: for a relay that had to wait for others before anything moved.
  mutating func restart() {
    started = .now
    limits = RelayLimits(idle: options.idleTimeout, total: options.totalTimeout, start: started)
    nextReading = options.readingInterval.map { started + $0 }
    bucket = options.rate.map { TokenBucket(rate: $0, at: started) }
  }

  /// How long the peer may keep its side open behind its acknowledgement of everything.
  private var linger: Duration? { options.onLocalEnd == .close ? .zero : options.linger }

  /// Whether it is up to the peer or the local input that something moves, and not up to whoever
  /// reads the local output: nothing is to be lost for the reader's slowness.
  private var countsIdleness: Bool { relay.inbound.filled.isEmpty && !inboundPath.awaitsSink }

  /// Relays between `connection` and the local streams until both directions have ended and the
  /// peer has acknowledged everything, or something failed. What the peer sent before a failure of
  /// the connection is still handed over.
  ///
  /// - Returns: also whatever failed.
  public mutating func run(
    _ connection: borrowing Connection, input: borrowing ByteInput, output: inout ByteOutput,
    loop: inout ReadinessLoop, observe: (RelayEvent) -> Void
  ) -> RelayOutcome {
    let before = ProcessorTime.now
    while case .wait(let deadline) = prepare(
      connection, input: input, output: &output, loop: &loop, observe: observe)
    {
      do throws(SystemCallError) {
        if case .signal(let signal) = try loop.wait(until: deadline) { stop(for: signal) }
      } catch {
        fail(with: error)
        break
      }
      proceed(connection, input: input, output: &output, loop: &loop, observe: observe)
    }
    outcome = conclude(connection, input: input, output: output, loop: &loop)
    outcome.processorTime = .now - before
    return outcome
  }

  /// What a relay needs to go on.
  public enum Need: Equatable, Sendable {
    /// `proceed` when one of its descriptors is ready, or this time has come.
    case wait(until: MonotonicInstant?)
    /// `conclude`.
    case nothing
  }

  /// Ends the relay for a signal: what has been received is still handed over.
  public mutating func stop(for signal: Int32) { outcome.signal = signal }

  /// Ends the relay for a time limit that was not its own.
  mutating func expire() { outcome.timeout = .idle }

  /// Ends the relay because something of this end has failed: a local stream, which it may share with
  /// others, or the loop.
  public mutating func fail(with error: SystemCallError) { outcome.localError = error }

  /// Says what is to be waited for next, and watches it.
  public mutating func prepare(
    _ connection: borrowing Connection, input: borrowing ByteInput, output: inout ByteOutput,
    loop: inout ReadinessLoop, observe: (RelayEvent) -> Void
  ) -> Need {
    guard outcome.localError == nil && outcome.signal == nil && !outcome.isRefused else {
      return .nothing
    }
    choosePaths(input, output)
    keepPace(connection)
    takeReading(connection, observe)
    if hasFinished {
      do throws(SystemCallError) {
        try acknowledgement.look(
          at: connection, isExact: options.measuresEnd || linger != nil)
      } catch {
        fail(with: error)
        return .nothing
      }
    }
    if isComplete { return .nothing }
    if receiveLimit == nil, acknowledgement.isOver(after: linger) {
      receiveLimit = relay.inbound.received + (connection.unreadBytes() ?? 0)
      endAtReceiveLimit()
      perform(relay.step(), connection, &output, &loop, observe)
      if isComplete || outcome.localError != nil || outcome.isRefused { return .nothing }
    }
    if limits.countsMoves { limits.note(moved: moved(connection), at: .now) }
    if let timeout = limits.expired(at: .now, isWaiting: countsIdleness) {
      // What had to arrive has arrived: the peer's time is over, and nothing is cut.
      if !(options.mustDeliver && acknowledgement.isComplete) { outcome.timeout = timeout }
      return .nothing
    }
    setLowWater(connection, &loop)
    do throws(SystemCallError) {
      try watch(connection.socket.descriptor.rawValue, input, output, &loop)
    } catch {
      fail(with: error)
      return .nothing
    }
    if wantsInput, !outboundPath.awaitsSink, input.isReadyInside == true {
      return .wait(until: .now)
    }
    let look = hasFinished && receiveLimit == nil ? acknowledgement.nextLook(linger) : nil
    let limit = limits.deadline(isWaiting: countsIdleness)
    let supply = bucket.flatMap { $0.isOpen || !relay.outbound.sourceIsOpen ? nil : $0.nextTime }
    let timers = Self.earlier(Self.earlier(look, limit), Self.earlier(nextReading, supply))
    return .wait(until: Self.earlier(timers, lowWater.deadline))
  }

  /// Raises or lowers the mark below which what comes wakes nobody. Only where nothing is sent: a peer
  /// that waits for an answer is not kept waiting for the sake of fewer wake-ups.
  private mutating func setLowWater(
    _ connection: borrowing Connection, _ loop: inout ReadinessLoop
  ) {
    guard !options.readsInput,
      let mark = lowWater.change(
        received: relay.inbound.received, isWanted: wantsPeer && !isHungUp, at: .now)
    else { return }
    _ = try? connection.socket.set(.receiveLowWater, to: Int32(mark))
    // Before Linux 4.18 nobody looks at the bytes that are there when the mark is lowered, but for
    // whoever begins to watch.
    if mark == ReceiveLowWater.unset { loop.forget(connection.socket.descriptor.rawValue) }
  }

  /// Without an array for them in each turn.
  private static func earlier(
    _ one: MonotonicInstant?, _ other: MonotonicInstant?
  ) -> MonotonicInstant? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
  }

  /// Lets the bucket fill, or does without it from the moment at which the kernel keeps the pace.
  private mutating func keepPace(_ connection: borrowing Connection) {
    guard let rated = bucket else { return }
    if options.isPacedByKernel, rated.isCoarserThanSegments,
      let sent = try? connection.socket.info().dataSegmentsSent, sent >= TokenBucket.unpacedSegments
    {
      bucket = nil
    } else {
      bucket?.fill(at: .now)
    }
  }

  private var isComplete: Bool {
    relay.isFinished && (acknowledgement.isComplete || outcome.connectionError != nil)
  }

  /// Moves what can be moved by what the last wait of the loop has found.
  public mutating func proceed(
    _ connection: borrowing Connection, input: borrowing ByteInput, output: inout ByteOutput,
    loop: inout ReadinessLoop, observe: (RelayEvent) -> Void
  ) {
    let readiness = loop.readiness(of: connection.socket.descriptor.rawValue)
    isHungUp = isHungUp || readiness.contains(.hungUp)
    let outputIsReady = !loop.readiness(of: output.descriptor).isEmpty
    if isHungUp || readiness.contains(.readable) || (inboundPath.awaitsSink && outputIsReady) {
      receive(connection, output)
    }
    // Tried at once, in the hope that it need not wait; not on a stream that would make it wait.
    if !output.needsReadiness || outputIsReady { write(to: output) }
    takeRest(connection, output)
    let inputIsReady =
      outboundPath.awaitsSink
      ? isHungUp || readiness.contains(.writable)
      : input.isReadyInside ?? !loop.readiness(of: input.descriptor).isEmpty
    if inputIsReady { read(input, connection) }
    send(to: connection)
    if output.isInside {
      // What was read inside has made room inside, of which no descriptor tells; what nobody will read
      // there any more has room from now on.
      if !relay.outbound.sourceIsOpen { input.abandon() }
      write(to: output)
      takeRest(connection, output)
    }
    perform(relay.step(), connection, &output, &loop, observe)
    tellProgress(observe)
    if !relay.outbound.sourceIsOpen { input.abandon() }
    giveBackBuffers()
  }

  /// A connection that has hung up is not watched any more, and an output without a descriptor never
  /// is: what it still holds is taken now, as far as there is room for it.
  private mutating func takeRest(
    _ connection: borrowing Connection, _ output: borrowing ByteOutput
  ) {
    var moved = -1
    while isHungUp, moved != relay.inbound.received + relay.inbound.delivered {
      moved = relay.inbound.received + relay.inbound.delivered
      receive(connection, output)
      if !output.needsReadiness { write(to: output) }
    }
  }

  private mutating func tellProgress(_ observe: (RelayEvent) -> Void) {
    if let error = outcome.connectionError, !hasToldFailure {
      hasToldFailure = true
      observe(.failed(error.errno))
    }
    guard let interval = options.progressInterval else { return }
    let (sent, received) = (relay.outbound.delivered, relay.inbound.received)
    guard sent + received > told.moved, .now >= told.at + interval else { return }
    told = (sent + received, .now)
    observe(.progress(sent: sent, received: received))
  }

  /// Reads how things stand, if that is due. Instants that have passed are left out.
  private mutating func takeReading(
    _ connection: borrowing Connection, _ observe: (RelayEvent) -> Void
  ) {
    guard let interval = options.readingInterval, let due = nextReading else { return }
    let now = MonotonicInstant.now
    guard now >= due else { return }
    nextReading = due.next(every: interval, after: now)
    observe(.reading(reading(connection, at: now)))
  }

  /// How things stand.
  func reading(_ connection: borrowing Connection, at now: MonotonicInstant) -> RelayReading {
    RelayReading(
      elapsed: now - started, sent: relay.outbound.delivered,
      acknowledged: relay.outbound.delivered - unacknowledgedPayload(connection),
      received: relay.inbound.received, unread: connection.unreadBytes(),
      buffered: connection.unacknowledgedBytes(), info: try? connection.socket.info())
  }

  /// Bytes that moved so far, each step of their way counted.
  private func moved(_ connection: borrowing Connection) -> Int {
    relay.outbound.received + relay.outbound.delivered + relay.inbound.received
      + relay.inbound.delivered + relay.outbound.delivered - unacknowledgedPayload(connection)
  }

  /// Takes nothing more from the peer once what was there has been received.
  mutating func endAtReceiveLimit() {
    if let receiveLimit, relay.inbound.received >= receiveLimit {
      relay.note(.sourceEnded(.inbound))
    }
  }

  /// Chooses how each direction is moved. Whoever has to see the bytes needs them in this process's
  /// memory.
  private mutating func choosePaths(_ input: borrowing ByteInput, _ output: borrowing ByteOutput) {
    guard !hasChosenPaths else { return }
    hasChosenPaths = true
    if options.readsInput { inputSize = input.size }
    guard tap == nil else { return }
    let isForced = options.copy != .auto
    if options.readsInput, !options.convertsLineEnds,
      let route = CopyRoute.outbound(
        from: input.kind, options.copy, mayOwnPipe: options.mayOwnPipes)
    {
      outboundPath.route = route
      outboundPath.isForced = isForced
      outboundPath.awaitsSink = route.awaitsOnlySink
    }
    // What was asked for is meant for the direction that the relay is for.
    let choice = options.readsInput ? .auto : options.copy
    if let route = CopyRoute.inbound(to: output.kind, choice, mayOwnPipe: options.mayOwnPipes) {
      inboundPath.route = route
      inboundPath.isForced = choice != .auto
    }
  }

  /// Whether a byte of the local input would have a place.
  private var wantsInput: Bool {
    options.readsInput && bucket?.isOpen != false && !inputRoom.isEmpty
      && outboundPath.hasRoom(beside: relay.outbound)
  }

  /// Whether a byte of the peer would have a place.
  private var wantsPeer: Bool {
    !relay.inbound.room.isEmpty && !inboundPath.awaitsSink
      && inboundPath.hasRoom(beside: relay.inbound)
  }

  private func watch(
    _ socket: Int32, _ input: borrowing ByteInput, _ output: borrowing ByteOutput,
    _ loop: inout ReadinessLoop
  ) throws(SystemCallError) {
    let awaitsConnection = outboundPath.awaitsSink && wantsInput && !isHungUp
    // A connection that has hung up would report that for ever; what it still holds is taken as
    // room for it appears.
    if isHungUp {
      loop.forget(socket)
    } else {
      var interest: Readiness = []
      if wantsPeer { interest.insert(.readable) }
      if !relay.outbound.filled.isEmpty || awaitsConnection { interest.insert(.writable) }
      try loop.watch(socket, for: interest)
    }
    if input.isReadyInside == nil {
      if wantsInput && !awaitsConnection {
        try loop.watch(input.descriptor, for: .readable)
      } else {
        loop.forget(input.descriptor)
      }
    }
    if !output.isInside {
      if !relay.inbound.filled.isEmpty || inboundPath.awaitsSink {
        try loop.watch(output.descriptor, for: .writable)
      } else {
        loop.forget(output.descriptor)
      }
    }
  }

  /// Bytes that wait for somebody keep their buffer, others need none.
  mutating func giveBackBuffers() {
    if relay.outbound.filled.isEmpty { pool.takeBack(from: &outboundBytes) }
    if relay.inbound.filled.isEmpty { pool.takeBack(from: &inboundBytes) }
  }
}
