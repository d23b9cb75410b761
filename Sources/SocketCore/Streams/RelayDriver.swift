// Does what the relay's rules (Relay.swift) decide: reads, writes, half-closes, waits.

/// What the end of the local input means.
public enum LocalEndPolicy: Hashable, Sendable {
  /// Half-close: the peer is told, and may go on.
  case finish
  /// Nothing until the peer has ended: some peers stop in the middle of a reply when they see a FIN.
  case wait
  /// The end of the relay as soon as the peer has acknowledged everything, whatever it still has to
  /// say. What has come until then is handed over.
  case close
}

/// What a relay is for.
public struct RelayOptions: Hashable, Sendable {
  /// Whether there is anything to be sent. Without it this end is silent until the peer has ended.
  public var readsInput = true
  /// What follows when the local input has ended.
  public var onLocalEnd = LocalEndPolicy.finish
  /// Whether the peer's end is the end, or the local input goes on until its own.
  public var endsWithPeer = false
  /// Whether the output is closed behind the last byte from the peer, so that its reader sees the
  /// end at once. Not where it will be used again.
  public var closesOutput = true
  /// Whether the local input is to arrive as a whole, and less than that is a failure. Then a signal
  /// before its end resets the connection: a FIN would tell the peer that it has everything.
  public var mustDeliver = false
  /// How long to wait for the peer's end once it has acknowledged everything; nil waits for ever.
  public var linger: Duration?
  /// Whether each LF of the local input that has no CR before it gets one.
  public var convertsLineEnds = false
  /// How long nothing may move, and how long everything may take; nil is for ever.
  public var idleTimeout: Duration?
  public var totalTimeout: Duration?

  public init() {}
}

/// How a relay ended.
public struct RelayOutcome: Sendable {
  /// Bytes read from the local input, its line ends as the peer gets them, and whether its end was
  /// reached.
  public var read = 0
  public var inputEnded = false
  /// Bytes handed to the kernel for the peer.
  public var sent = 0
  /// How many of these the peer's kernel has acknowledged.
  public var acknowledged = 0
  /// Bytes received and handed to the local output.
  public var received = 0
  /// Bytes that came and did not reach the local output any more.
  public var undelivered = 0
  /// Whether the peer's FIN came.
  public var peerEnded = false
  /// What went wrong with the connection: an RST, a peer that receives no more, silence.
  public var connectionError: SystemCallError?
  /// What went wrong with the local input or output.
  public var localError: SystemCallError?
  /// The signal that ended it.
  public var signal: Int32?
  /// The time limit that cut it short.
  public var timeout: RelayTimeout?
}

/// What happens during a relay, as it happens.
public enum RelayEvent: Hashable, Sendable {
  /// All of the local input has been sent; FIN follows.
  case localEnded
  /// The peer's FIN has come and all that it sent has been handed over.
  case peerEnded
}

/// Waits for the peer's kernel to acknowledge what was sent: our FIN is the last of it. Nothing
/// wakes a waiting program for that, so it is looked for, ever less often.
private struct AcknowledgementWatch {
  private var interval = Duration.milliseconds(1)
  private var completed: MonotonicInstant?

  var isComplete: Bool { completed != nil }

  mutating func look(at connection: borrowing Connection) {
    if completed == nil, connection.unacknowledgedBytes() == 0 { completed = .now }
  }

  /// Whether the time that the peer had for its own end is over.
  func isOver(after linger: Duration?) -> Bool {
    guard let completed, let linger else { return false }
    return MonotonicInstant.now >= completed + linger
  }

  mutating func nextLook(_ linger: Duration?) -> MonotonicInstant? {
    if let completed { return linger.map { completed + $0 } }
    defer { interval = min(interval * 2, .milliseconds(100)) }
    return .now + interval
  }
}

/// Runs one relay to its end.
public struct RelayDriver: ~Copyable {
  /// Bytes a direction. Large enough that a system call's own cost does not matter, small enough
  /// for a processor's cache.
  public static let capacity = 256 * 1024

  private let options: RelayOptions
  private var relay: Relay
  private var outboundBytes = [UInt8](repeating: 0, count: capacity)
  private var inboundBytes = [UInt8](repeating: 0, count: capacity)
  private var lineEnds = LineEnds()
  private var outcome = RelayOutcome()
  private var isHungUp = false
  /// Whether our FIN is among what the peer has to acknowledge.
  private var hasFinished = false
  private var acknowledgement = AcknowledgementWatch()
  /// How many bytes are received altogether, once the peer's time is over: those that were there
  /// then. They were acknowledged, so the peer will not send them again.
  private var receiveLimit: Int?

  public init(_ options: RelayOptions = RelayOptions()) {
    self.options = options
    // An end that has nothing to say can only end with its peer.
    relay = Relay(
      capacity: Self.capacity, endsWithPeer: options.endsWithPeer || !options.readsInput,
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
    let socket = connection.socket.descriptor.rawValue
    defer {
      loop.forget(socket)
      loop.forget(input.descriptor)
      loop.forget(output.descriptor)
    }
    var limits = RelayLimits(
      idle: options.idleTimeout, total: options.totalTimeout, start: .now)
    while outcome.localError == nil && outcome.signal == nil {
      if hasFinished { acknowledgement.look(at: connection) }
      if relay.isFinished && (acknowledgement.isComplete || outcome.connectionError != nil) {
        break
      }
      if receiveLimit == nil, acknowledgement.isOver(after: linger) {
        receiveLimit = relay.inbound.received + (connection.unreadBytes() ?? 0)
        endAtReceiveLimit()
        perform(relay.step(), connection, &output, &loop, observe)
        continue
      }
      if limits.countsMoves { limits.note(moved: moved(connection), at: .now) }
      if let timeout = limits.expired(at: .now, isWaiting: countsIdleness) {
        // What had to arrive has arrived: the peer's time is over, and nothing is cut.
        if !(options.mustDeliver && acknowledgement.isComplete) { outcome.timeout = timeout }
        break
      }
      try watch(socket, input.descriptor, output.descriptor, &loop)
      let look = hasFinished && receiveLimit == nil ? acknowledgement.nextLook(linger) : nil
      let limit = limits.deadline(isWaiting: countsIdleness)
      let deadline = [look, limit].compactMap { $0 }.min()
      if case .signal(let signal) = try loop.wait(until: deadline) { outcome.signal = signal }

      let socketReadiness = loop.readiness(of: socket)
      isHungUp = isHungUp || socketReadiness.contains(.hungUp)
      if isHungUp || socketReadiness.contains(.readable) { receive(connection) }
      // Tried at once, in the hope that it need not wait; not on a stream that would make it wait.
      if !output.needsReadiness || !loop.readiness(of: output.descriptor).isEmpty {
        write(to: output)
      }
      // It is not watched any more.
      if isHungUp { receive(connection) }
      if !loop.readiness(of: input.descriptor).isEmpty { read(input) }
      send(to: connection)
      perform(relay.step(), connection, &output, &loop, observe)
    }
    if outcome.signal != nil || outcome.timeout != nil {
      loop.forget(socket)
      loop.forget(input.descriptor)
      try handOver(to: output, &loop)
      let isCutShort = outcome.timeout != nil && !relay.outbound.filled.isEmpty
      if isCutShort || (options.mustDeliver && !hasFinished) {
        try? connection.socket.resetOnClose()
      }
    }
    // A FIN would tell the peer that it has everything, or that everything of it was kept.
    if outcome.localError != nil { try? connection.socket.resetOnClose() }
    outcome.read = relay.outbound.received
    outcome.sent = relay.outbound.delivered
    outcome.acknowledged = outcome.sent - unacknowledgedPayload(connection)
    outcome.received = relay.inbound.delivered
    outcome.undelivered = relay.inbound.filled.count
    if outcome.timeout != nil { outcome.undelivered += connection.unreadBytes() ?? 0 }
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

  private func watch(
    _ socket: Int32, _ input: Int32, _ output: Int32, _ loop: inout ReadinessLoop
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
    if !options.readsInput || inputRoom.isEmpty {
      loop.forget(input)
    } else {
      try loop.watch(input, for: .readable)
    }
    if inbound.filled.isEmpty {
      loop.forget(output)
    } else {
      try loop.watch(output, for: .writable)
    }
  }

  private mutating func receive(_ connection: borrowing Connection) {
    repeat {
      let room = relay.inbound.room
      guard !room.isEmpty else { break }
      do throws(SystemCallError) {
        let result = try inboundBytes.fill(room) { target throws(SystemCallError) in
          try connection.receive(into: &target)
        }
        switch result {
        case .transferred(let count):
          relay.note(.read(.inbound, count))
          endAtReceiveLimit()
        case .endOfInput:
          // After an RST whose error a send has taken, recv(2) answers 0 as after a FIN. A send that
          // meets an RST after the FIN fails with EPIPE.
          let wasReset = outcome.connectionError.map { $0.errno != .brokenPipe } ?? false
          outcome.peerEnded = !wasReset
          relay.note(.sourceEnded(.inbound))
        case .wouldBlock: return
        }
      } catch {
        connectionFailed(error, connection)
      }
    } while isHungUp
    // The peer's end has been received before, and now the connection was reset. Where there is only
    // no room, bytes may wait in front of the error, and the error comes behind them by itself.
    if isHungUp, !relay.inbound.sourceIsOpen, outcome.connectionError == nil,
      let errno = connection.socket.takePendingError()
    {
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
      if case .transferred(let count) = result { relay.note(.wrote(.outbound, count)) }
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

  private mutating func write(to output: borrowing ByteOutput) {
    let filled = relay.inbound.filled
    guard !filled.isEmpty else { return }
    do throws(SystemCallError) {
      let result = try unsafe output.write(inboundBytes.span.bytes.extracting(filled))
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
    while !relay.inbound.filled.isEmpty && outcome.localError == nil {
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
          hasFinished = try connection.finishSending()
          if hasFinished { observe(.localEnded) }
        case .closeOutput:
          if options.closesOutput {
            // Where others have it too, closing it would leave it in the loop for good, ready and
            // out of reach.
            loop.forget(output.descriptor)
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

extension [UInt8] {
  /// Lends a part of the array to a call that fills it.
  fileprivate mutating func fill<Result>(
    _ part: Range<Int>, _ body: (inout MutableRawSpan) throws(SystemCallError) -> Result
  ) throws(SystemCallError) -> Result {
    var span = mutableSpan
    var bytes = unsafe span.mutableBytes
    var target = bytes._mutatingExtracting(part)
    return try body(&target)
  }
}
