// Serving many connections: those that a listener gives, or that were made elsewhere; one thread, one
// readiness loop.

internal import Glibc

/// Takes connections from a listener, or those that are handed to it, and serves each of them to its
/// end.
///
/// The work of one turn grows with the number of ready descriptors, not with that of connections;
/// an idle connection holds no buffer.
public struct Server: ~Copyable {
  private let options: ServeOptions
  private let hooks: ServeHooks
  private let pool: BufferPool
  private var listener: Listener?
  private let listenerDescriptor: Int32
  private var pace: AcceptPace
  private var connections: [Int: ServedConnection] = [:]
  /// Which connection a descriptor belongs to.
  private var owners: [Int32: Int] = [:]
  private var accepted = 0
  private var isOutOfDescriptors = false
  /// Told once, until nobody waits any more.
  private var hasToldShortage = false
  private var localFailure: SystemCallError?
  /// The earliest time at which a connection may have to be looked at; it can be too early, never
  /// too late.
  private var nextDeadline: MonotonicInstant?
  /// Connections that need no event to go on: what they send is made in this process.
  private var overdue: Set<Int> = []
  private var idleSince = MonotonicInstant.now
  private var relistenAt: MonotonicInstant?
  private var nextQueueLook: MonotonicInstant?
  /// When the first connection was served.
  private var began: MonotonicInstant?
  private var nextReading: MonotonicInstant?
  private var sharedOutput: SharedOutput?
  private var broadcast: Broadcast?

  /// At most so many connections are taken in one turn, so that those that are there get theirs.
  private static let acceptsPerTurn = 64
  /// - Parameter listener: nil where all connections are handed over by `adopt`.
  public init(
    _ listener: consuming Listener?, _ options: ServeOptions, hooks: ServeHooks = ServeHooks()
  ) {
    self.options = options
    self.hooks = hooks
    pace = options.pace
    listenerDescriptor = listener?.socket.descriptor.rawValue ?? -1
    self.listener = consume listener
    pool = BufferPool(capacity: options.bufferCapacity)
    relistenAt = options.relisten?.after.map { .now + $0 }
    nextQueueLook = options.queueInterval.map { _ in .now }
    if options.sharesStreams, case .relay(let discardsOutput) = options.service {
      if !discardsOutput { sharedOutput = SharedOutput(.standard(), shows: hooks.line) }
      if options.relay.readsInput { broadcast = Broadcast(.standard(), pool) }
    }
  }

  /// Serves until all connections that were to be served have been, or something ends it before.
  ///
  /// - Throws: what concerns the listener itself, and failures of the readiness loop.
  public mutating func run(
    _ loop: inout ReadinessLoop, observe: (ServerEvent) -> Void
  ) throws(SystemCallError) -> ServerEnding {
    defer { closeListener(&loop) }
    do throws(SystemCallError) {
      return try serve(&loop, observe)
    } catch {
      cutAll(for: .localFailure(error), &loop, observe)
      throw error
    }
  }

  private mutating func serve(
    _ loop: inout ReadinessLoop, _ observe: (ServerEvent) -> Void
  ) throws(SystemCallError) -> ServerEnding {
    while true {
      if let localFailure {
        let ending = ServerEnding.localFailure(localFailure)
        cutAll(for: ending, &loop, observe)
        return ending
      }
      closeListenerWhenDone(&loop)
      if listener == nil && connections.isEmpty && sharedOutput?.isEmpty != false {
        return .finished
      }
      if let end = acceptDeadline, .now >= end {
        cutAll(for: .acceptTimeout, &loop, observe)
        return accepted == 0 ? .acceptTimeout : .finished
      }
      lookAtQueue(observe)
      takeReadings(observe)
      relistenIfDue(observe)
      try watchListener(&loop)
      try broadcast?.watch(&loop)
      switch try loop.wait(until: nextEvent) {
      // Without a listener there is nothing that it could be for.
      case .signal(SIGHUP) where options.relisten != nil && listener != nil: relisten(observe)
      case .signal(let signal):
        // What came together with it is still taken: it was acknowledged.
        serveReady(&loop, observe)
        try stop(for: signal, &loop, observe)
        return .signal(signal)
      case .ready, .deadline: break
      }
      serveReady(&loop, observe)
      serveDue(&loop, observe)
      try serveStreams(&loop, observe)
      try acceptWaiting(&loop, observe)
    }
  }

  // MARK: Waiting

  private var nextEvent: MonotonicInstant? {
    [
      nextDeadline, isTaking && !pace.isUnlimited ? pace.nextAccept : nil, acceptDeadline,
      relistenAt, listener == nil ? nil : nextQueueLook, nextReading,
      // What no event tells of: room in the output that was full, and bytes that are made here.
      sharedOutput?.owesRoom == true || !overdue.isEmpty ? .now : nil,
    ].compactMap(\.self).min()
  }

  /// When the wait for a connection is over. While one is served nothing is waited for.
  private var acceptDeadline: MonotonicInstant? {
    guard listener != nil, connections.isEmpty || awaitsOthers else { return nil }
    let limit = accepted > 0 ? options.gapTimeout ?? options.acceptTimeout : options.acceptTimeout
    return limit.map { idleSince + $0 }
  }

  /// Whether what is there waits for more connections before anything moves.
  private var awaitsOthers: Bool { options.startsTogether && began == nil }

  /// Whether the next connection would be taken now, were there one.
  private var isTaking: Bool {
    options.accepts && listener != nil && !isOutOfDescriptors
      && connections.count < options.mostConcurrent ?? .max
  }

  private func watchListener(_ loop: inout ReadinessLoop) throws(SystemCallError) {
    // Once it is closed its number may be another one's.
    guard listener != nil else { return }
    // While it is known that something waits, its readiness would only wake this up for nothing.
    if isTaking && (pace.isUnlimited || pace.nextAccept == nil) {
      try loop.watch(listenerDescriptor, for: .readable)
    } else {
      loop.forget(listenerDescriptor)
    }
  }

  private mutating func closeListenerWhenDone(_ loop: inout ReadinessLoop) {
    if let most = options.mostConnections, accepted >= most { closeListener(&loop) }
  }

  /// A client that comes now is refused, and not silently queued.
  private mutating func closeListener(_ loop: inout ReadinessLoop) {
    guard let listener = listener.take() else { return }
    loop.forget(listenerDescriptor)
    try? listener.close()
  }

  // MARK: The listener

  private mutating func acceptWaiting(
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
        where error.call == "accept" && Self.lacksThatEnd.contains(error.errno)
        && !connections.isEmpty
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

  /// What accept(2) may lack until another connection ends.
  private static let lacksThatEnd: Set<Errno> = [
    .tooManyDescriptors, Errno(rawValue: ENFILE), Errno(rawValue: ENOBUFS), Errno(rawValue: ENOMEM),
  ]

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
    for descriptor in served.descriptors { owners[descriptor] = number }
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
      for descriptor in served.descriptors { owners[descriptor] = served.number }
      take(served, served.prepare(&loop, observe), observe)
    }
  }

  /// Resets the connections that are there: no peer is to take that for an end.
  public mutating func abandon(_ loop: inout ReadinessLoop) {
    for served in connections.values {
      served.resetOnClose()
      for descriptor in served.descriptors { loop.forget(descriptor) }
    }
    connections = [:]
  }

  /// - Returns: also why it cannot be served.
  private func serve(
    _ connection: consuming Connection, _ number: Int
  ) -> (ServedConnection, SystemCallError?) {
    var relay = options.connectionRelay
    relay.mayOwnPipes = options.mostConcurrent == 1
    hooks.prepare?(number, connection, &relay)
    var failure: SystemCallError?
    var input = ByteInput.nothing()
    var output = ByteOutput.discarding()
    switch options.service {
    case .relay(let discardsOutput):
      if let broadcast {
        input = ByteInput(BroadcastInput(broadcast))
      } else if relay.readsInput && !options.sharesStreams {
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

  private mutating func lookAtQueue(_ observe: (ServerEvent) -> Void) {
    guard let due = nextQueueLook, .now >= due, let interval = options.queueInterval else { return }
    nextQueueLook = .now + interval
    if let queue = try? listener?.queue() {
      observe(.queue(queue, drops: listener?.socket.dropCount()))
    }
  }

  private mutating func relistenIfDue(_ observe: (ServerEvent) -> Void) {
    guard let due = relistenAt, .now >= due else { return }
    relistenAt = nil
    relisten(observe)
  }

  /// Reads all connections, if that is due. Instants that have passed are left out.
  private mutating func takeReadings(_ observe: (ServerEvent) -> Void) {
    guard let interval = options.readingInterval, let began, let due = nextReading else { return }
    let now = MonotonicInstant.now
    guard now >= due else { return }
    nextReading = due.next(every: interval, after: now)
    observe(.readings(elapsed: now - began, connections.mapValues { $0.reading(at: now) }))
  }

  private func relisten(_ observe: (ServerEvent) -> Void) {
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

  // MARK: Connections

  private mutating func serveReady(
    _ loop: inout ReadinessLoop, _ observe: (ServerEvent) -> Void
  ) {
    for descriptor in loop.readyDescriptors {
      guard let number = owners[descriptor], let served = connections[number] else { continue }
      take(served, served.proceed(&loop, observe), observe)
    }
  }

  private mutating func serveDue(
    _ loop: inout ReadinessLoop, _ observe: (ServerEvent) -> Void
  ) {
    let turn = overdue
    overdue = []
    for number in turn {
      guard let served = connections[number] else { continue }
      take(served, served.proceed(&loop, observe), observe)
    }
    guard let due = nextDeadline, .now >= due else { return }
    nextDeadline = nil
    for served in Array(connections.values) {
      if let deadline = served.deadline, .now >= deadline {
        take(served, served.proceed(&loop, observe), observe)
      } else {
        note(served)
      }
    }
  }

  /// What several connections share: new input is for all of them, and room in the output may be for
  /// any of them.
  private mutating func serveStreams(
    _ loop: inout ReadinessLoop, _ observe: (ServerEvent) -> Void
  ) throws(SystemCallError) {
    guard options.sharesStreams else { return }
    do throws(SystemCallError) {
      if let broadcast, !loop.readiness(of: broadcast.descriptor).isEmpty,
        try broadcast.read()
      {
        serveAll(&loop, observe)
      }
      if let sharedOutput {
        try sharedOutput.flush(&loop)
        if sharedOutput.owesRoom {
          sharedOutput.grantRoom()
          serveAll(&loop, observe)
          // What they wrote now has to be watched too.
          try sharedOutput.flush(&loop)
        }
      }
    } catch {
      localFailure = error
    }
  }

  private mutating func serveAll(
    _ loop: inout ReadinessLoop, _ observe: (ServerEvent) -> Void
  ) {
    for served in Array(connections.values) {
      take(served, served.proceed(&loop, observe), observe)
    }
  }

  /// Takes in what a step of a connection came to.
  private mutating func take(
    _ served: ServedConnection, _ progress: ServedConnection.Progress,
    _ observe: (ServerEvent) -> Void
  ) {
    guard case .ended(let outcome) = progress else { return note(served) }
    end(served)
    observe(.closed(served.number, local: served.local, peer: served.peer, outcome))
    // A file is each connection's own; standard input and output are everybody's.
    if case .relay = options.service, let error = outcome.localError { localFailure = error }
  }

  private mutating func end(_ served: ServedConnection) {
    connections[served.number] = nil
    for descriptor in served.descriptors where owners[descriptor] == served.number {
      owners[descriptor] = nil
    }
    isOutOfDescriptors = false
    idleSince = .now
  }

  /// Remembers when a connection has to be looked at.
  private mutating func note(_ served: ServedConnection) {
    guard let deadline = served.deadline else { return }
    if deadline <= .now {
      overdue.insert(served.number)
    } else {
      nextDeadline = nextDeadline.map { min($0, deadline) } ?? deadline
    }
  }

  private mutating func stop(
    for signal: Int32, _ loop: inout ReadinessLoop, _ observe: (ServerEvent) -> Void
  ) throws(SystemCallError) {
    closeListener(&loop)
    cutAll(for: .signal(signal), &loop, observe)
    guard let sharedOutput else { return }
    // What was received was acknowledged, so nobody will send it again. Where it cannot be written
    // it is still the signal that ends the program.
    let end = MonotonicInstant.now + Self.patience
    try? sharedOutput.flush(&loop)
    while !sharedOutput.isEmpty, case .ready = try loop.wait(until: end) {
      guard (try? sharedOutput.flush(&loop)) != nil else { return }
    }
  }

  private mutating func cutAll(
    for ending: ServerEnding, _ loop: inout ReadinessLoop, _ observe: (ServerEvent) -> Void
  ) {
    for served in connections.values.sorted(by: { $0.number < $1.number }) {
      let outcome = served.cut(for: ending, &loop)
      observe(.closed(served.number, local: served.local, peer: served.peer, outcome))
    }
    connections = [:]
  }

  /// How long a signal may be held up by a local output that takes nothing.
  private static let patience = Duration.milliseconds(500)
}
