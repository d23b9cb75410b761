// Does what the relay's rules (Relay.swift) decide: reads, writes, half-closes. One step at a time, so
// that one thread can drive many relays; `run` drives a single one to its end.

/// One relay between a connection and its local streams, which are lent to each step.
public struct RelayDriver: ~Copyable {
  /// Bytes a direction. Large enough that a system call's own cost does not matter, small enough
  /// for a processor's cache.
  public static let capacity = 256 * 1024

  /// Told of the bytes as they are received and sent; nil costs nothing.
  public typealias Tap = (RelayDirection, Span<UInt8>) -> Void

  private let options: RelayOptions
  private let pool: BufferPool
  private let tap: Tap?
  private let started = MonotonicInstant.now
  private var relay: Relay
  private var outboundBytes: [UInt8] = []
  private var inboundBytes: [UInt8] = []
  private var lineEnds = LineEnds()
  private var outcome = RelayOutcome()
  private var limits: RelayLimits
  private var isHungUp = false
  /// Whether the error of a connection that has hung up was asked for: it has no other one later.
  private var hasAskedForError = false
  private var hasToldFailure = false
  /// What was told of the progress, and when.
  private var told = (moved: 0, at: MonotonicInstant.now)
  /// Whether our FIN is among what the peer has to acknowledge.
  private var hasFinished = false
  private var acknowledgement = AcknowledgementWatch()
  /// How many bytes are received altogether, once the peer's time is over: those that were there
  /// then. They were acknowledged, so the peer will not send them again.
  private var receiveLimit: Int?

  /// - Parameters:
  ///   - pool: lends the buffers, which are held only while bytes wait in them.
  ///   - tap: told of all bytes.
  public init(
    _ options: RelayOptions = RelayOptions(),
    pool: BufferPool = BufferPool(capacity: Self.capacity), tap: Tap? = nil
  ) {
    self.options = options
    self.pool = pool
    self.tap = tap
    limits = RelayLimits(
      idle: options.idleTimeout, total: options.totalTimeout, start: .now)
    // An end that has nothing to say can only end with its peer.
    relay = Relay(
      capacity: pool.capacity, endsWithPeer: options.endsWithPeer || !options.readsInput,
      waitsForPeer: options.onLocalEnd == .wait)
  }

  /// How long the peer may keep its side open behind its acknowledgement of everything.
  private var linger: Duration? { options.onLocalEnd == .close ? .zero : options.linger }

  /// Whether it is up to the peer or the local input that something moves, and not up to whoever
  /// reads the local output: nothing is to be lost for the reader's slowness.
  private var countsIdleness: Bool { relay.inbound.filled.isEmpty }

  /// Relays between `connection` and the local streams until both directions have ended and the
  /// peer has acknowledged everything, or something failed. What the peer sent before a failure of
  /// the connection is still handed over.
  ///
  /// - Throws: only failures of the readiness loop itself; all others are in the outcome.
  public mutating func run(
    _ connection: borrowing Connection, input: borrowing ByteInput, output: inout ByteOutput,
    loop: inout ReadinessLoop, observe: (RelayEvent) -> Void
  ) throws(SystemCallError) -> RelayOutcome {
    while case .wait(let deadline) = try prepare(
      connection, input: input, output: &output, loop: &loop, observe: observe)
    {
      if case .signal(let signal) = try loop.wait(until: deadline) { stop(for: signal) }
      proceed(connection, input: input, output: &output, loop: &loop, observe: observe)
    }
    return try conclude(connection, input: input, output: output, loop: &loop)
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

  /// Ends the relay because a local stream, which it may share with others, has failed.
  public mutating func fail(with error: SystemCallError) { outcome.localError = error }

  /// Says what is to be waited for next, and watches it.
  ///
  /// - Throws: only failures of the readiness loop itself.
  public mutating func prepare(
    _ connection: borrowing Connection, input: borrowing ByteInput, output: inout ByteOutput,
    loop: inout ReadinessLoop, observe: (RelayEvent) -> Void
  ) throws(SystemCallError) -> Need {
    guard outcome.localError == nil && outcome.signal == nil else { return .nothing }
    if hasFinished { acknowledgement.look(at: connection) }
    if isComplete { return .nothing }
    if receiveLimit == nil, acknowledgement.isOver(after: linger) {
      receiveLimit = relay.inbound.received + (connection.unreadBytes() ?? 0)
      endAtReceiveLimit()
      perform(relay.step(), connection, &output, &loop, observe)
      if isComplete || outcome.localError != nil { return .nothing }
    }
    if limits.countsMoves { limits.note(moved: moved(connection), at: .now) }
    if let timeout = limits.expired(at: .now, isWaiting: countsIdleness) {
      // What had to arrive has arrived: the peer's time is over, and nothing is cut.
      if !(options.mustDeliver && acknowledgement.isComplete) { outcome.timeout = timeout }
      return .nothing
    }
    try watch(connection.socket.descriptor.rawValue, input, output, &loop)
    if wantsInput, input.isReadyInside == true { return .wait(until: .now) }
    let look = hasFinished && receiveLimit == nil ? acknowledgement.nextLook(linger) : nil
    let limit = limits.deadline(isWaiting: countsIdleness)
    return .wait(until: [look, limit].compactMap { $0 }.min())
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
    if isHungUp || readiness.contains(.readable) { receive(connection) }
    // Tried at once, in the hope that it need not wait; not on a stream that would make it wait.
    if !output.needsReadiness || !loop.readiness(of: output.descriptor).isEmpty {
      write(to: output)
    }
    // It is not watched any more, and an output without a descriptor never is: what it still holds
    // is taken now, as far as there is room for it.
    var moved = -1
    while isHungUp, moved != relay.inbound.received + relay.inbound.delivered {
      moved = relay.inbound.received + relay.inbound.delivered
      receive(connection)
      if !output.needsReadiness { write(to: output) }
    }
    if input.isReadyInside ?? !loop.readiness(of: input.descriptor).isEmpty { read(input) }
    send(to: connection)
    perform(relay.step(), connection, &output, &loop, observe)
    tellProgress(observe)
    if !relay.outbound.sourceIsOpen { input.abandon() }
    giveBackBuffers()
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

  /// Ends the relay: what was received is handed over, and a peer that must not take what it has
  /// for the whole is told so by RST.
  ///
  /// - Throws: only failures of the readiness loop itself.
  public mutating func conclude(
    _ connection: borrowing Connection, input: borrowing ByteInput, output: borrowing ByteOutput,
    loop: inout ReadinessLoop
  ) throws(SystemCallError) -> RelayOutcome {
    defer {
      loop.forget(connection.socket.descriptor.rawValue)
      if input.isReadyInside == nil { loop.forget(input.descriptor) }
      if !output.isInside { loop.forget(output.descriptor) }
      relay.note(.sinkFailed(.outbound))
      relay.note(.sinkFailed(.inbound))
      giveBackBuffers()
    }
    var resets = outcome.localError != nil
    if outcome.signal != nil || outcome.timeout != nil {
      loop.forget(connection.socket.descriptor.rawValue)
      if input.isReadyInside == nil { loop.forget(input.descriptor) }
      try handOver(to: output, &loop)
      let isCutShort = outcome.timeout != nil && !relay.outbound.filled.isEmpty
      resets = resets || isCutShort || (options.mustDeliver && !hasFinished)
    }
    // A FIN would tell the peer that it has everything, or that everything of it was kept.
    if resets { try? connection.socket.resetOnClose() }
    outcome.read = relay.outbound.received
    outcome.sent = relay.outbound.delivered
    outcome.acknowledged = outcome.sent - unacknowledgedPayload(connection)
    outcome.received = relay.inbound.delivered
    outcome.undelivered = relay.inbound.filled.count
    if outcome.timeout != nil { outcome.undelivered += connection.unreadBytes() ?? 0 }
    outcome.elapsed = .now - started
    outcome.info = try? connection.socket.info()
    outcome.congestionControl = connection.socket.congestionControl
    if let errno = outcome.connectionError?.errno {
      // The others are no segment of the peer's: its silence, or what a router says.
      if errno == .connectionReset || errno == .brokenPipe { outcome.resetBy = .peer }
    } else if resets {
      outcome.resetBy = .local
    }
    return outcome
  }

  /// Bytes, without the FIN, that the peer's kernel has not acknowledged.
  private func unacknowledgedPayload(_ connection: borrowing Connection) -> Int {
    let pending = connection.unacknowledgedBytes() ?? 0
    return min(max(0, hasFinished && pending > 0 ? pending - 1 : pending), relay.outbound.delivered)
  }

  /// Bytes that moved so far, each step of their way counted.
  private func moved(_ connection: borrowing Connection) -> Int {
    relay.outbound.received + relay.outbound.delivered + relay.inbound.received
      + relay.inbound.delivered + relay.outbound.delivered - unacknowledgedPayload(connection)
  }

  /// Takes nothing more from the peer once what was there has been received.
  private mutating func endAtReceiveLimit() {
    if let receiveLimit, relay.inbound.received >= receiveLimit {
      relay.note(.sourceEnded(.inbound))
    }
  }

  /// Whether a byte of the local input would have a place.
  private var wantsInput: Bool { options.readsInput && !inputRoom.isEmpty }

  private func watch(
    _ socket: Int32, _ input: borrowing ByteInput, _ output: borrowing ByteOutput,
    _ loop: inout ReadinessLoop
  ) throws(SystemCallError) {
    let outbound = relay.outbound
    let inbound = relay.inbound
    // A connection that has hung up would report that for ever; what it still holds is taken as
    // room for it appears.
    if isHungUp {
      loop.forget(socket)
    } else {
      var interest: Readiness = []
      if !inbound.room.isEmpty { interest.insert(.readable) }
      if !outbound.filled.isEmpty { interest.insert(.writable) }
      try loop.watch(socket, for: interest)
    }
    if input.isReadyInside == nil {
      if wantsInput {
        try loop.watch(input.descriptor, for: .readable)
      } else {
        loop.forget(input.descriptor)
      }
    }
    if !output.isInside {
      if inbound.filled.isEmpty {
        loop.forget(output.descriptor)
      } else {
        try loop.watch(output.descriptor, for: .writable)
      }
    }
  }

  /// Bytes that wait for somebody keep their buffer, others need none.
  private mutating func giveBackBuffers() {
    if relay.outbound.filled.isEmpty { pool.takeBack(from: &outboundBytes) }
    if relay.inbound.filled.isEmpty { pool.takeBack(from: &inboundBytes) }
  }

  private mutating func receive(_ connection: borrowing Connection) {
    repeat {
      let room = relay.inbound.room
      guard !room.isEmpty else { break }
      pool.lend(to: &inboundBytes)
      do throws(SystemCallError) {
        let result = try inboundBytes.fill(room) { target throws(SystemCallError) in
          try connection.receive(into: &target)
        }
        switch result {
        case .transferred(let count):
          if outcome.firstByte == nil { outcome.firstByte = .now - started }
          let part = room.lowerBound..<room.lowerBound + count
          if let tap { tap(.inbound, inboundBytes.span.extracting(part)) }
          relay.note(.read(.inbound, count))
          endAtReceiveLimit()
        case .endOfInput:
          // After an RST whose error a send has taken, recv(2) answers 0 as after a FIN. A send that
          // meets an RST after the FIN fails with EPIPE.
          let wasReset = outcome.connectionError.map { $0.errno != .brokenPipe } ?? false
          outcome.peerEnded = !wasReset
          if outcome.closedFirst == nil, !wasReset { outcome.closedFirst = .peer }
          relay.note(.sourceEnded(.inbound))
        case .wouldBlock: return
        }
      } catch {
        connectionFailed(error, connection)
      }
    } while isHungUp
    // The peer's end has been received before, and now the connection was reset. Where there is only
    // no room, bytes may wait in front of the error, and the error comes behind them by itself.
    guard isHungUp, !hasAskedForError, !relay.inbound.sourceIsOpen,
      outcome.connectionError == nil
    else { return }
    hasAskedForError = true
    if let errno = connection.socket.takePendingError() {
      connectionFailed(SystemCallError("recv", "from \(connection.peer)", errno), connection)
    }
  }

  private mutating func connectionFailed(
    _ error: SystemCallError, _ connection: borrowing Connection
  ) {
    if outcome.connectionError == nil { outcome.connectionError = error }
    relay.note(.sinkFailed(.outbound))
    relay.note(.sourceEnded(.inbound))
  }

  private mutating func send(to connection: borrowing Connection) {
    let filled = relay.outbound.filled
    guard !filled.isEmpty else { return }
    do throws(SystemCallError) {
      let result = try unsafe connection.send(outboundBytes.span.bytes.extracting(filled))
      if case .transferred(let count) = result {
        let part = filled.lowerBound..<filled.lowerBound + count
        if let tap { tap(.outbound, outboundBytes.span.extracting(part)) }
        relay.note(.wrote(.outbound, count))
      }
    } catch {
      // What the peer sent before is still to be received.
      if outcome.connectionError == nil { outcome.connectionError = error }
      relay.note(.sinkFailed(.outbound))
    }
  }

  /// Where the local input is read to: where each byte may become two, the second half of the room.
  private var inputRoom: Range<Int> {
    let room = relay.outbound.room
    return options.convertsLineEnds ? room.upperBound - room.count / 2..<room.upperBound : room
  }

  private mutating func read(_ input: borrowing ByteInput) {
    let room = inputRoom
    guard !room.isEmpty else { return }
    pool.lend(to: &outboundBytes)
    do throws(SystemCallError) {
      let result = try outboundBytes.fill(room) { target throws(SystemCallError) in
        try input.read(into: &target)
      }
      switch result {
      case .transferred(var count):
        if options.convertsLineEnds {
          let part = room.lowerBound..<room.lowerBound + count
          count = lineEnds.convert(&outboundBytes, part, to: relay.outbound.room.lowerBound)
        }
        relay.note(.read(.outbound, count))
      case .endOfInput:
        outcome.inputEnded = true
        relay.note(.sourceEnded(.outbound))
      case .wouldBlock: break
      }
    } catch {
      outcome.localError = error
    }
  }

  private mutating func write(to output: borrowing ByteOutput, isLast: Bool = false) {
    let filled = relay.inbound.filled
    guard !filled.isEmpty else { return }
    do throws(SystemCallError) {
      let result =
        isLast
        ? try unsafe output.writeLast(inboundBytes.span.bytes.extracting(filled))
        : try unsafe output.write(inboundBytes.span.bytes.extracting(filled))
      if case .transferred(let count) = result { relay.note(.wrote(.inbound, count)) }
    } catch {
      outcome.localError = error
    }
  }

  /// How long a signal may be held up by a local output that takes nothing.
  private static let patience = Duration.milliseconds(500)

  /// Writes what has been received already, and nothing else any more: it was acknowledged, so the
  /// peer will not send it again. A second signal ends that too.
  private mutating func handOver(
    to output: borrowing ByteOutput, _ loop: inout ReadinessLoop
  ) throws(SystemCallError) {
    if output.isInside { write(to: output, isLast: true) }
    while !output.isInside && !relay.inbound.filled.isEmpty && outcome.localError == nil {
      try loop.watch(output.descriptor, for: .writable)
      guard try loop.wait(until: .now + Self.patience) == .ready else { return }
      write(to: output)
    }
  }

  private mutating func perform(
    _ actions: [Relay.Action], _ connection: borrowing Connection, _ output: inout ByteOutput,
    _ loop: inout ReadinessLoop, _ observe: (RelayEvent) -> Void
  ) {
    do throws(SystemCallError) {
      for action in actions {
        switch action {
        case .finishSending:
          // In CLOSE_WAIT the peer's FIN has come, whether or not it has been received here.
          let state = try? connection.socket.info().state
          hasFinished = try connection.finishSending()
          if hasFinished, outcome.closedFirst == nil {
            outcome.closedFirst = state == .closeWait ? .peer : .local
          }
          if hasFinished { observe(.localEnded) }
        case .closeOutput:
          if options.closesOutput {
            // Where others have it too, closing it would leave it in the loop for good, ready and
            // out of reach.
            if !output.isInside { loop.forget(output.descriptor) }
            try output.close()
          }
          if outcome.peerEnded { observe(.peerEnded) }
        }
      }
    } catch {
      outcome.localError = error
    }
  }
}
