// tcptool listen: bind, listen, accept, and serve.

internal import CommandSpec
internal import Glibc
internal import Report
internal import SocketCore

struct ListenOptions: RelayingCommand, Narrating, Listening, OpensSockets {
  var operands: [String] = []
  var listening = ListenSettings()
  var serve = ServePolicy()
  var relay = RelayPolicy()
  var narration = NarrationOptions()
  var sockets = SocketSettings()
  private var endpoint = TypedEndpoint(port: 0)

  static var foreignOptions: [ForeignWord] { .ofListen }

  static let page = CommandPage(
    name: "listen",
    abstract: "Wait for connections and relay them to standard input and output, or serve them.",
    discussion: [
      """
      It accepts a connection, sends what it reads from standard input, and writes what the \
      client sends to standard output. Without a host it listens on every local address, with \
      one socket for IPv6 and IPv4. Once listen(2) has returned, it reports where it listens and \
      which backlog is in force.
      """,
      """
      It accepts one connection and closes the listening socket, so that a second client is \
      refused instead of waiting in a queue that nobody serves. With --keep-open it serves all \
      clients, many at a time. Standard input then goes to all of them, as fast as the slowest \
      one takes it. What they send is written line by line, with the number of the connection \
      before each line. On a terminal, control characters in these lines are spelled out (\\x1b \
      for an escape), so that no client can pretend to be another. With --max-concurrent 1 the \
      clients are served one after another, and what they send is written unchanged.
      """,
      """
      The end of standard input half-closes the connection, and the client may go on sending. \
      The program ends when both sides have ended and the client has acknowledged everything. \
      With --keep-open a connection ends as soon as the client ends its side. Timeouts apply to \
      each connection.
      """,
      """
      With --echo, --discard, --source-data, --file or --exec clients get that service instead \
      of standard input and output. If a client did not get all of a file or of --source-data, \
      that is reported, and the exit status is 21.
      """,
      """
      To study queues, it can leave connections unaccepted (--hold), accept slowly \
      (--accept-delay, --accept-rate), call listen(2) again (--relisten) and show what waits \
      (--queues).
      """,
      .relayPolicyNotes,
    ],
    operands: .localHostAndPort,
    examples: [
      Example(
        command: "tcptool listen 7000", explanation: "Listen on port 7000 of every local address."),
      Example(
        command: "tcptool listen 127.0.0.1 7000 > received",
        explanation: "Accept one connection on loopback, and keep what it sends."),
      Example(
        command: "tcptool listen --keep-open --echo 7000",
        explanation: "Send back to every client what it sends."),
      Example(
        command: "tcptool listen --hold --backlog 5 --queues 7000",
        explanation: "Let six connections fill the accept queue, and watch it."),
      Example(
        command: "tcptool listen -k --allow ::1,127.0.0.1 7000 --exec date",
        explanation: "Tell the time to every client on this host."),
      Example(
        command: "tcptool listen --port-file port 0 > received",
        explanation: "Let the kernel choose the port, and tell a script which it is."),
      Example(
        command: "tcptool listen -k --discard --max-connections 100 7000",
        explanation: "Accept a hundred connections, and discard what they send."),
      Example(
        command: "tcptool listen -k --source-data 1G --accept-timeout 1m 80",
        explanation: "Send a gibibyte to each client, until none has come for a minute."),
      Example(
        command: "tcptool listen -k --file a.html --max-concurrent 8 8080",
        explanation: "Send a file to each client, at most eight at once."),
      Example(
        command: "tcptool listen -k --accept-rate 2 --idle-timeout 10s 7000",
        explanation: "Be slow to accept, and end connections that have fallen silent."),
      Example(
        command: "tcptool listen --accept-delay 3s --relisten 5@9s 7000",
        explanation: "Let connections wait before they are accepted, and later only six."),
      Example(
        command: "tcptool listen --unbound --ipv6 --trace",
        explanation: "See what listen(2) does without bind(2), call by call."),
      Example(
        command: "tcptool listen --ready-fd 3 --recv-only 0 > data 3> port",
        explanation: "Keep what one client sends, and report the port through a descriptor."),
      Example(
        command: "tcptool listen --reuse-port --defer-accept 5s 7000",
        explanation: "Share a port, and accept no client before it has sent data."),
      Example(
        command: "tcptool listen -k --echo --fast-open 16 --ttl 1 7000",
        explanation: "Accept data in the SYN, and answer only clients one hop away."),
      Example(
        command: "tcptool listen --on-peer-eof close --hex-dump - 7000",
        explanation: "Show the bytes of a connection, and end when the client does."),
    ],
    exitStatuses: [
      ExitStatus.done.row("Every connection ended well, and everything was acknowledged."),
      ExitStatus.notResolved.row(),
      ExitStatus.noAnswer.row("No client came in time (--accept-timeout), or one went silent."),
      ExitStatus.localEnd.row(), ExitStatus.reset.row(), ExitStatus.peerStoppedReceiving.row(),
      ExitStatus.timeout.row(), ExitStatus.localStream.row(), ExitStatus.usage.row(),
    ],
    seeAlso: [
      "tcptool-trace(7)", "tcptool-json(7)", "tcptool-queues(7)", "nc(1)", "listen(2)", "tcp(7)",
    ])

  static var parameters: [Bound<Self>] {
    listeningParameters + Bound.serving + relayParameters + listenerParameters
      + narrationParameters
  }

  mutating func validate() throws(UsageError) {
    endpoint = try listening.takeEndpoint(from: operands)
    try relay.validate(keepsOpen: serve.isPlural)
    try serve.validate()
  }

  func run(_ narrator: Narrator) throws(Failure) -> Ending {
    var options = serve.options(relay)
    options.relay.tellProgress(to: narrator)
    options.relay.measuresEnd = narrator.hears(ServerNarration.audienceOfEndings())
    do throws(SystemCallError) {
      try options.service.check()
    } catch {
      throw Failure(.localStream, error)
    }
    let dump = try relay.openHexDump(isPlural: serve.isPlural)
    _ = DescriptorLimit.raise()
    let listener = try openListener(
      on: place, port: endpoint.port, listening, sockets, narrator: narrator)
    var loop = try listening.announce(listener, narrator)
    if serve.holds {
      narrator.tell(.note("connections are left in the accept queue; Ctrl-C ends this"))
    }
    let readsTerminal = options.readsStandardInput && isatty(STDIN_FILENO) == 1
    let writesTerminal =
      (options.writesStandardOutput || dump?.isStandardOutput == true)
      && isatty(STDOUT_FILENO) == 1
    var narration = ServerNarration(
      narrator, options, isPlural: serve.isPlural, asksForEnd: readsTerminal,
      hasTerminalToItself: !readsTerminal && !writesTerminal, listener: listener.bound,
      sendBuffer: sockets.sendBuffer?.size.bytes)
    var hooks = ServeHooks()
    if isatty(STDOUT_FILENO) == 1 { hooks.line = Self.shownLine }
    hooks.tap = dump?.tap
    var server = Server(listener, options, hooks: hooks)
    let ending: ServerEnding
    do throws(SystemCallError) {
      ending = try server.run(&loop) { event in
        if case .accepted(let connection, _, _) = event { dump?.begin(connection) }
        narration.tell(event)
        if case .closed(let connection, _, _, _) = event { dump?.end(connection) }
      }
    } catch {
      throw Failure(.localEnd, error)
    }
    let result = try narration.ending(ending)
    try dump?.finish()
    return result
  }

  /// A line as a terminal may have it. Tabs and a CR in front of its LF do no harm.
  private static func shownLine(_ line: [UInt8]) -> [UInt8] {
    let text = line.last == UInt8(ascii: "\r") ? line.dropLast() : line[...]
    let parts = text.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
    return Array(parts.map { sanitized(Array($0)) }.joined(separator: "\t").utf8)
  }

  /// Where to listen. A program that anybody may start is not offered to the network unasked.
  private var place: Endpoint? {
    get throws(Failure) {
      if !serve.command.isEmpty && endpoint.host == nil {
        return Endpoint(
          listening.family.isIPv6 == true ? .v6(.loopback) : .v4(.loopback), endpoint.port)
      }
      return try listening.endpoint(endpoint)
    }
  }
}
