// Serving many connections: those that a listener gives, or that were made elsewhere; one thread, one
// readiness loop.

internal import Glibc

/// Takes connections from a listener, or those that are handed to it, and serves each of them to its
/// end.
///
/// The work of one turn grows with the number of ready descriptors, not with that of connections;
/// an idle connection holds no buffer.
public struct Server: ~Copyable {
  let options: ServeOptions
  let hooks: ServeHooks
  /// What each relay is told, unless `hooks` prepares it.
  let relay: SharedRelayOptions
  let pool: BufferPool
  var listener: Listener?
  let listenerDescriptor: Int32
  var pace: AcceptPace
  var connections: [Int: ServedConnection] = [:]
  /// Which connection a descriptor belongs to.
  var owners: [Int32: Int] = [:]
  var accepted = 0
  var isOutOfDescriptors = false
  /// Told once, until nobody waits any more.
  var hasToldShortage = false
  private var localFailure: SystemCallError?
  /// The earliest time at which a connection may have to be looked at; it can be too early, never
  /// too late.
  private var nextDeadline: MonotonicInstant?
  /// Connections that need no event to go on: what they send is made in this process.
  private var overdue: Set<Int> = []
  var idleSince = MonotonicInstant.now
  var relistenAt: MonotonicInstant?
  var nextQueueLook: MonotonicInstant?
  /// When the first connection was served.
  var began: MonotonicInstant?
  var nextReading: MonotonicInstant?
  var sharedOutput: SharedOutput?
  var broadcast: Broadcast?

  /// - Parameter listener: nil where all connections are handed over by `adopt`.
  public init(
    _ listener: consuming Listener?, _ options: ServeOptions, hooks: ServeHooks = ServeHooks()
  ) {
    self.options = options
    self.hooks = hooks
    relay = SharedRelayOptions(options.connectionRelay)
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

  // MARK: Connections

  /// Reads all connections, if that is due. Instants that have passed are left out.
  private mutating func takeReadings(_ observe: (ServerEvent) -> Void) {
    guard let interval = options.readingInterval, let began, let due = nextReading else { return }
    let now = MonotonicInstant.now
    guard now >= due else { return }
    nextReading = due.next(every: interval, after: now)
    observe(.readings(elapsed: now - began, connections.mapValues { $0.reading(at: now) }))
  }

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
  mutating func take(
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
    served.forEachDescriptor { descriptor in
      if owners[descriptor] == served.number { owners[descriptor] = nil }
    }
    isOutOfDescriptors = false
    idleSince = .now
  }

  /// Remembers when a connection has to be looked at.
  mutating func note(_ served: ServedConnection) {
    guard let deadline = served.deadline else { return }
    if deadline <= .now {
      overdue.insert(served.number)
    } else {
      nextDeadline = nextDeadline.map { min($0, deadline) } ?? deadline
    }
  }

  /// Resets the connections that are there: no peer is to take that for an end.
  public mutating func abandon(_ loop: inout ReadinessLoop) {
    for served in connections.values {
      served.resetOnClose()
      served.forEachDescriptor { loop.forget($0) }
    }
    connections = [:]
  }

  private mutating func stop(
    for signal: Int32, _ loop: inout ReadinessLoop, _ observe: (ServerEvent) -> Void
  ) throws(SystemCallError) {
    closeListener(&loop)
    cutAll(for: .signal(signal), &loop, observe)
    guard let sharedOutput else { return }
    // What was received was acknowledged, so nobody will send it again. Where it cannot be written
    // it is still the signal that ends the program.
    let end = MonotonicInstant.now + RelayDriver.patience
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
}
