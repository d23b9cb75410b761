// Running the streams of one transfer, whichever end opens the connections.

internal import CommandSpec
internal import SocketCore

/// Where the streams lead, or where they are waited for.
struct StreamPlace {
  var endpoint: TypedEndpoint
  /// Whether the connections are made here.
  var connects: Bool
  var timeout: Duration?
  var dialing: DialOptions
  var listening: ListenSettings
  var sockets: SocketSettings
}

/// Moves all streams to their end.
///
/// - Parameters:
///   - options: what each stream gets; how many there are is added.
///   - narration: is told of everything, and makes the ending out of it.
func runStreams(
  _ count: Int, at place: StreamPlace, _ options: ServeOptions, hooks: ServeHooks,
  _ narration: inout StreamsNarration, _ narrator: Narrator
) throws(Failure) -> Ending {
  var options = options
  options.mostConnections = count
  options.mostConcurrent = count
  options.gapTimeout = options.relay.idleTimeout
  options.readingInterval = narration.readingInterval
  if options.readingInterval == nil { options.relay.tellProgress(to: narrator) }
  if place.connects {
    let destination = try place.endpoint.destination(place.dialing, narrator)
    var loop = try ReadinessLoop.forProgram()
    var server = Server(nil, options, hooks: hooks)
    let signal: Int32?
    do throws(Failure) {
      signal = try openStreams(count, place, destination, &server, &loop, &narration, narrator)
    } catch {
      server.abandon(&loop)
      throw error
    }
    if let signal {
      server.abandon(&loop)
      return .signal(signal)
    }
    return try run(&server, &loop, &narration)
  }
  let listener = try openListener(
    on: place.listening.endpoint(place.endpoint), port: place.endpoint.port, place.listening,
    place.sockets, narrator: narrator)
  var loop = try place.listening.announce(listener, narrator)
  var server = Server(listener, options, hooks: hooks)
  return try run(&server, &loop, &narration)
}

private func run(
  _ server: inout Server, _ loop: inout ReadinessLoop, _ narration: inout StreamsNarration
) throws(Failure) -> Ending {
  let ending: ServerEnding
  do throws(SystemCallError) {
    ending = try server.run(&loop) { narration.tell($0) }
  } catch {
    throw Failure(.localEnd, error)
  }
  return try narration.ending(ending)
}

/// Makes the connections: the first by the race of all addresses, the others to the one that won it.
///
/// - Returns: the signal where one came first.
private func openStreams(
  _ count: Int, _ place: StreamPlace, _ destination: Destination, _ server: inout Server,
  _ loop: inout ReadinessLoop, _ narration: inout StreamsNarration, _ narrator: Narrator
) throws(Failure) -> Int32? {
  let target: Endpoint
  switch try openConnection(
    place.endpoint, timeout: place.timeout, place.dialing, place.sockets, loop: &loop, destination,
    number: 1, narrator: narrator)
  {
  case .signal(let signal): return signal
  case .connection(let connection):
    target = connection.peer
    server.adopt(connection, &loop) { narration.tell($0) }
  }
  var made = 1
  var options = place.dialing.race
  options.socketOptions = place.sockets.plan(narrator)
  let outcome: ParallelConnectOutcome
  do throws(SystemCallError) {
    outcome = try Connector.connect(
      count - 1, timesTo: target, until: place.timeout.map { .now + $0 }, options: options,
      loop: &loop, tracer: place.sockets.tracer(narrator)
    ) { connected, loop in
      made += 1
      narrator.tell(
        .connected(connected, resolution: nil, number: made, for: narrator.audienceOfStreams))
      server.adopt(connected.take(), &loop) { narration.tell($0) }
    }
  } catch {
    throw Failure(.localEnd, error)
  }
  switch outcome {
  case .connected: return nil
  case .signal(let signal): return signal
  case .failed(let failed):
    narrator.tell(.attempt(failed, for: .programs))
    throw Failure(
      ExitStatus(failed.failure),
      "stream #\(made + 1) of \(count), and with it all: \(describe(failed))")
  }
}
