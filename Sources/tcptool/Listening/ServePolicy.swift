// How `listen` serves its clients: how many, with what, at which pace.

internal import CommandSpec
internal import SocketCore

/// The options.
struct ServePolicy: Sendable {
  var keepsOpen = false
  var mostConnections: PositiveCount?
  var mostConcurrent: PositiveCount?
  var acceptTimeout: Duration?
  var allowed: CommaSeparated<AddressRange>?

  var echoes = false
  var discards = false
  var source: SourceSize?
  var file: String?
  var command: [String] = []

  var holds = false
  var acceptDelay: Duration?
  var acceptRate: EventRate?
  var relisten: Relisten?
  var queues: Duration?

  /// Whether a client gets something else than standard input and output.
  var hasService: Bool {
    echoes || discards || source != nil || file != nil || !command.isEmpty
  }

  /// Whether more than one connection is served, so that each is told with its number.
  var isPlural: Bool { (mostConnections?.value ?? (keepsOpen ? .max : 1)) > 1 }

  func validate() throws(UsageError) {
    try checkLimit(acceptTimeout, of: "accept-timeout")
    // A shorter one would look at the queue all the time.
    if let queues, queues < .milliseconds(1) {
      throw UsageError(
        "The value '\(queues.argumentText)' is invalid for '--queues[=<duration>]'. Give at least 1ms."
      )
    }
  }

  /// What the server is told.
  func options(_ relay: RelayPolicy) -> ServeOptions {
    var options = ServeOptions()
    options.accepts = !holds
    options.mostConnections = mostConnections?.value ?? (keepsOpen ? nil : 1)
    options.mostConcurrent = isPlural ? mostConcurrent?.value : 1
    options.acceptTimeout = acceptTimeout
    options.allowed = allowed?.elements.map(\.prefix) ?? []
    options.pace = AcceptPace(
      delay: acceptDelay ?? .zero, interval: acceptRate?.interval ?? .zero)
    options.relisten = relisten.map { ($0.backlog.value, $0.after) }
    options.queueInterval = queues
    options.relay = relay.options(keepsOpen: isPlural)
    options.service = .relay(discardsOutput: relay.discardsOutput)
    if options.sharesStreams { options.relay.closesOutput = true }
    if hasService {
      // Its own beginning and end are the service's.
      options.relay.endsWithPeer = false
      options.relay.closesOutput = true
    }
    if echoes { options.service = .echo }
    if discards { options.service = .discard }
    if let source {
      options.service = .generate(size: source.size)
      options.relay.mustDeliver = source.size != nil
    }
    if let file {
      options.service = .file(file)
      options.relay.mustDeliver = true
    }
    if !command.isEmpty { options.service = .command(command) }
    if (source != nil || file != nil || !command.isEmpty) && relay.linger == nil {
      options.relay.linger = Self.serviceLinger
    }
    return options
  }

  /// How long a client may keep its side open once it has everything that a service had for it.
  private static let serviceLinger = Duration.seconds(5)
}

extension Bound where Options == ListenOptions {
  static var serving: [Bound] { numbers + services + laboratory }

  private static var numbers: [Bound] {
    [
      .flag(
        "keep-open", "k", \.serve.keepsOpen,
        help: "Serve every client, many at once, until a signal."),
      .option(
        "max-connections", \.serve.mostConnections, value: "n",
        help: """
          Accept this many connections in all, then close the listener and end with the last \
          one.
          """),
      .option(
        "max-concurrent", \.serve.mostConcurrent, value: "n",
        help: """
          Serve at most this many at once; others wait in the accept queue. With 1, standard \
          input and output are relayed unchanged.
          """
      ).needing("keep-open", "max-connections"),
      .option(
        "accept-timeout", \.serve.acceptTimeout, value: "duration",
        help: "Stop listening when no connection has come for this long and none is open."),
      .option(
        "allow", \.serve.allowed, value: "range,...",
        help: "Reset every peer whose address is in none of these ranges: 10.0.0.0/8,::1."),
    ]
  }

  private static let serviceNames = ["echo", "discard", "source-data", "file", "exec"]
  /// The options of the relay that are about standard input and output.
  private static let streamNames = [
    "on-stdin-eof", "on-peer-eof", "send-only", "recv-only", "crlf",
  ]

  /// What a client gets; one of them, and never with standard input and output.
  private static var services: [Bound] {
    let all: [Bound] = [
      .flag("echo", \.serve.echoes, help: "Send back what the client sends."),
      .flag("discard", \.serve.discards, help: "Discard what the client sends, and send nothing."),
      .option(
        "source-data", \.serve.source, value: "size",
        help: "Send this many printable characters, or 'unbounded' (RFC 864)."),
      .option(
        "file", \.serve.file, value: "file", help: "Send this file to each client.",
        completion: .file),
      .command(
        "exec", nil, \.serve.command, value: "command",
        help: """
          Start a program for each client, with the connection as its standard input and output. \
          Has to come last. Listens on loopback unless an address is given. SOCAT_PEERADDR, \
          NCAT_REMOTE_ADDR and the like tell the program who the client is.
          """
      ).excluding(
        ["idle-timeout", "total-timeout", "hex-dump"], because: "the program has the connection"
      ).excluding(
        ["unbound"],
        because: "a program is offered on every local address only where that is named"),
    ]
    return all.enumerated().map { place, option in
      option.excluding(
        Array(serviceNames[(place + 1)...]), because: "a connection gets one service"
      ).excluding(streamNames, because: "standard input and output are not used")
    }
  }

  private static var laboratory: [Bound] {
    [
      .flag(
        "hold", \.serve.holds,
        help: "Never accept: connections stay in the accept queue until it is full."
      ).excluding(
        [
          "keep-open", "max-connections", "max-concurrent", "accept-timeout", "accept-delay",
          "accept-rate", "allow", "linger", "idle-timeout", "total-timeout",
          "hex-dump",
        ] + serviceNames + streamNames, because: "nothing is ever accepted"),
      .option(
        "accept-delay", \.serve.acceptDelay, value: "duration",
        help: "Leave each connection in the accept queue for this long first."),
      .option(
        "accept-rate", \.serve.acceptRate, value: "rate",
        help: "Accept no faster than this: 20 (a second), 0.5/s, 30/m."),
      .option(
        "relisten", \.serve.relisten, value: "n[@duration]",
        help: """
          Call listen(2) again with this backlog, this long after the first time, or on SIGHUP \
          (which nohup blocks); only that applies a changed net.core.somaxconn.
          """),
      .option(
        "queues", \.serve.queues, value: "duration", bare: "200ms",
        help: """
          Watch the queues of the listener at this interval: on a terminal in a line that is \
          redrawn, elsewhere with a line for each change.
          """),
    ]
  }
}
