// What a server does with its listener: takes connections off the accept queue at their pace, makes
// what each of them needs, looks at the queue, and calls listen(2) anew.

internal import Glibc

extension Server {
  /// At most so many connections are taken in one turn, so that those that are there get theirs.
  private static let acceptsPerTurn = 64

  /// Whether the next connection would be taken now, were there one.
  var isTaking: Bool {
    options.accepts && listener != nil && !isOutOfDescriptors
      && connections.count < options.mostConcurrent ?? .max
  }

  func watchListener(_ loop: inout ReadinessLoop) throws(SystemCallError) {
    // Once it is closed its number may be another one's.
    guard listener != nil else { return }
    // While it is known that something waits, its readiness would only wake this up for nothing.
    if isTaking && (pace.isUnlimited || pace.nextAccept == nil) {
      try loop.watch(listenerDescriptor, for: .readable)
    } else {
      loop.forget(listenerDescriptor)
    }
  }

  mutating func closeListenerWhenDone(_ loop: inout ReadinessLoop) {
    if let most = options.mostConnections, accepted >= most { closeListener(&loop) }
  }

  /// A client that comes now is refused, and not silently queued.
  mutating func closeListener(_ loop: inout ReadinessLoop) {
    guard let listener = listener.take() else { return }
    loop.forget(listenerDescriptor)
    try? listener.close()
  }

  /// Takes connections off the accept queue, as many as the pace and the limits let in.
  ///
  /// - Throws: what concerns the listener itself; a shortage only where no connection is open whose end
  ///   could make room.
  mutating func acceptWaiting(
    _ loop: inout ReadinessLoop, _ observe: (ServerEvent) -> Void
  ) throws(SystemCallError) {
    guard isTaking else { return }
    if !loop.readiness(of: listenerDescriptor).isEmpty { pace.noteWaiting(at: .now) }
    for _ in 0..<Self.acceptsPerTurn {
      guard isTaking, accepted < options.mostConnections ?? .max, let next = pace.nextAccept,
        .now >= next
      else { return }
      let connection: Connection?
      do throws(SystemCallError) {
        connection = try listener?.accept()
      } catch
        where error.call == "accept" && error.errno.isShortage && !connections.isEmpty
      {
        isOutOfDescriptors = true
        if !hasToldShortage { observe(.outOfDescriptors(error, open: connections.count)) }
        hasToldShortage = true
        return
      }
      // Where only this one was gone already, the listener is found ready again.
      guard let connection else {
        hasToldShortage = false
        pace.noteAccept(at: .now, isEmptied: true)
        return
      }
      pace.noteAccept(at: .now, isEmptied: false)
      adopt(connection, &loop, observe: observe)
    }
  }

  /// Takes over a connection, which may have been made elsewhere; it is served by `run`.
  public mutating func adopt(
    _ connection: consuming Connection, _ loop: inout ReadinessLoop,
    observe: (ServerEvent) -> Void
  ) {
    let peer = connection.peer
    guard options.allowed.isEmpty || options.allowed.contains(where: { $0.contains(peer.address) })
    else {
      try? connection.socket.resetOnClose()
      observe(.rejected(peer: peer))
      return
    }
    accepted += 1
    idleSince = .now
    let number = accepted
    observe(.accepted(number, local: connection.local, peer: peer))
    closeListenerWhenDone(&loop)
    let (served, failure) = serve(connection, number)
    connections[number] = served
    if let failure {
      let outcome = served.cut(for: .localFailure(failure), &loop)
      return take(served, .ended(outcome), observe)
    }
    if case .command(let command) = options.service {
      do throws(SystemCallError) {
        try served.start(command, &loop)
      } catch {
        let outcome = served.cut(for: .localFailure(error), &loop)
        return take(served, .ended(outcome), observe)
      }
      note(served)
    } else if options.startsTogether {
      if accepted == options.mostConnections { startAll(&loop, observe) }
      return
    } else {
      noteBeginning(observe)
      take(served, served.prepare(&loop, observe), observe)
    }
    served.forEachDescriptor { owners[$0] = number }
  }

  private mutating func noteBeginning(_ observe: (ServerEvent) -> Void) {
    guard began == nil else { return }
    let now = MonotonicInstant.now
    began = now
    nextReading = options.readingInterval.map { now + $0 }
    observe(.began(now))
  }

  /// Serves those that have waited for one another.
  private mutating func startAll(
    _ loop: inout ReadinessLoop, _ observe: (ServerEvent) -> Void
  ) {
    noteBeginning(observe)
    for served in connections.values.sorted(by: { $0.number < $1.number }) {
      served.restart()
      served.forEachDescriptor { owners[$0] = served.number }
      take(served, served.prepare(&loop, observe), observe)
    }
  }

  /// - Returns: also why it cannot be served.
  private func serve(
    _ connection: consuming Connection, _ number: Int
  ) -> (ServedConnection, SystemCallError?) {
    var relay = relay
    if let prepare = hooks.prepare {
      var options = relay.options
      prepare(number, connection, &options)
      relay = SharedRelayOptions(options)
    }
    var failure: SystemCallError?
    var input = ByteInput.nothing()
    var output = ByteOutput.discarding()
    switch options.service {
    case .relay(let discardsOutput):
      if let broadcast {
        input = ByteInput(BroadcastInput(broadcast))
      } else if relay.options.readsInput && !options.sharesStreams {
        input = .standard()
      }
      if let sharedOutput {
        output = ByteOutput(TaggedOutput(sharedOutput, number: number))
      } else if !discardsOutput {
        output = .standard()
      }
    case .echo:
      let echo = EchoStream(pool)
      input = ByteInput(echo)
      output = ByteOutput(echo)
    case .discard: break
    case .supply: input = hooks.input?(number) ?? .nothing()
    case .receive:
      do throws(SystemCallError) {
        if let opened = try hooks.output?(number, connection.peer) { output = opened }
      } catch {
        failure = error
      }
    case .generate(let size): input = ByteInput(CharacterGenerator(size: size))
    case .file(let path):
      do throws(SystemCallError) {
        input = try ByteInput(file: path)
      } catch {
        failure = error
      }
    case .command: input = ByteInput(CharacterGenerator(size: 0))
    }
    let tap = hooks.tap.map { tap in
      { (direction: RelayDirection, bytes: Span<UInt8>) in tap(number, direction, bytes) }
    }
    let accepts = hooks.accepts.map { accepts in
      { (direction: RelayDirection, count: Int) in accepts(number, direction, count) }
    }
    let served = ServedConnection(
      connection, number: number, input: input, output: output,
      driver: RelayDriver(
        relay, pool: pool, tap: tap, accepts: accepts, budget: hooks.budget?(number)))
    return (served, failure)
  }

  // MARK: The queue

  mutating func lookAtQueue(_ observe: (ServerEvent) -> Void) {
    guard let due = nextQueueLook, .now >= due, let interval = options.queueInterval else { return }
    nextQueueLook = .now + interval
    if let queue = try? listener?.queue() {
      observe(.queue(queue, drops: listener?.socket.dropCount()))
    }
  }

  mutating func relistenIfDue(_ observe: (ServerEvent) -> Void) {
    guard let due = relistenAt, .now >= due else { return }
    relistenAt = nil
    relisten(observe)
  }

  func relisten(_ observe: (ServerEvent) -> Void) {
    guard let backlog = options.relisten?.backlog else { return }
    do throws(SystemCallError) {
      try listener?.relisten(backlog: backlog)
      if let queue = try listener?.queue() {
        observe(.relistened(backlog: backlog, .success(queue)))
      }
    } catch {
      observe(.relistened(backlog: backlog, .failure(error)))
    }
  }
}
