// tcptool recv: what peers send, to files or standard output, and whether it is what it has to be.

internal import CommandSpec
internal import SocketCore

struct ReceiveOptions: Narrating, Listening, Dialing, OpensSockets, ChecksContent,
  MeasuresTransfer
{
  var operands: [String] = []
  var output: String?
  var replaces = false
  var isDurable = false
  var discards = false
  var pattern: PatternName?
  var copy = InboundCopyChoice()
  var connects = false
  var keepsOpen = false
  var mostConnections: PositiveCount?
  var streams: StreamCount?
  var timeout: Duration?
  var dialing = DialOptions()
  var listening = ListenSettings()
  var idleTimeout: Duration?
  var totalTimeout: Duration?
  var measures = MeasureOptions()
  var content = ContentOptions()
  var narration = NarrationOptions()
  var sockets = SocketSettings()
  private var endpoint = TypedEndpoint(port: 0)
  /// For each connection of several.
  private var outputName: OutputName?

  static var foreignOptions: [ForeignWord] { .ofReceive }

  static let page = CommandPage(
    name: "recv",
    abstract: "Receive what a peer sends, into a file or standard output.",
    discussion: [
      """
      It accepts one connection and receives until the peer's FIN. It closes its own side only \
      when everything is written and checked, and the file has its name. A RST instead of the \
      FIN means that data may be missing: what came is kept, and the exit status is 20. A sender \
      that was killed ends with a FIN too. Only --expect-size and --expect-digest can tell that \
      from the end of the data.
      """,
      """
      A file appears under its name only when it is complete. Until then '.tcptool-part' is \
      appended to the name. What came stays there, and is reported, if the transfer fails or a \
      signal ends it. The next run removes such a leftover. If it is still being written, it is \
      left alone, and a random name is used. An existing file is replaced only with --force. A symbolic link is followed. A \
      device or a FIFO is written to directly.
      """,
      """
      Data that is not as expected is refused. The file does not get its name, the sender gets a \
      RST instead of our FIN, and the exit status is 23.
      """,
      """
      With --keep-open many connections are received at once, each into a file of its own. On \
      standard output they are written one after another.
      """,
      .streamNotes
        + " With --verify the pattern begins anew in each stream. --expect-size is the size of all streams "
        + "together. Whether something is missing is known only at the end of the last stream, so that "
        + "one is reset.",
      .copyNotes,
    ],
    operands: [
      Operand(
        "host", required: false,
        help: "Local address or name to listen on; with --connect that of the sender.",
        completion: .host),
      Operand(
        "port", help: "Port from 0 to 65535, or a service's name; 0 lets the kernel choose.",
        completion: .port),
    ],
    examples: [
      Example(
        command: "tcptool recv 7000 --output disk.img", explanation: "Receive a file."),
      Example(
        command: "tcptool recv 7000 | tar -x", explanation: "Pass on data as it arrives."),
      Example(
        command: "tcptool recv 7000 -o a.img --expect-size 4G",
        explanation: "Accept the file only if all of it came."),
      Example(
        command: "tcptool recv 7000 -o a.img --digest sha256",
        explanation: "Receive a file, and print its digest without reading it again."),
      Example(
        command: "tcptool recv --keep-open -o 'in-%n-%a' 7000",
        explanation: "Receive from every client into a file each, until Ctrl-C."),
      Example(
        command: "tcptool recv --verify random 7000",
        explanation: "Check every byte against what 'send --pattern random' sends."),
      Example(
        command: "tcptool recv --streams 8 --discard 7000",
        explanation: "Be the other end of 'send --streams 8 --duration 10s'."),
      Example(
        command: "tcptool recv --connect 192.0.2.7 7000 -o disk.img",
        explanation: "Fetch a file from 'tcptool send --listen'."),
      Example(
        command: "tcptool recv --force --fsync -o disk.img 7000",
        explanation: "Replace a file, and make sure that it is on the disk."),
      Example(
        command: "tcptool recv --discard -i 1s --rcvbuf 64K --svg a.svg 7000",
        explanation: "See what a small receive buffer does to the rate."),
      Example(
        command: "tcptool recv --copy splice -o disk.img 7000",
        explanation: "Fail rather than copy the bytes through a buffer."),
      Example(
        command: "tcptool recv --expect-digest crc32c:8a9136aa -o a.img 7000",
        explanation: "Accept the file only if it has this digest."),
    ],
    exitStatuses: .connecting(
      done: "The peer ended with a FIN, and everything is written.", hasTimeouts: true,
      hasMismatch: true, sends: false),
    seeAlso: [
      "tcptool-send(1)", "tcptool-trace(7)", "tcptool-json(7)", "nc(1)", "sha256sum(1)",
      "accept(2)", "splice(2)", "tcp(7)",
    ])

  static let parameters: [Bound<Self>] = {
    let destination: [Bound<Self>] = [
      .option(
        "output", "o", \.output, value: "file",
        help: """
          Where to write; '-' is standard output, the default. With --keep-open '%n' in it is the \
          connection's number, '%a' the peer's address, '%p' its port, '%%' a percent sign.
          """,
        completion: .file),
      .flag(
        "force", "f", \.replaces, help: "Replace a file that exists, once the new one is whole."),
      .flag(
        "fsync", \.isDurable,
        help: "Flush the file to disk before it gets its name, so that it survives a power cut."
      ).needing("output"),
      .flag(
        "discard", \.discards, help: "Discard everything, and report how much it was."
      ).excluding(["output", "force"], because: "nothing is written"),
      .option(
        "verify", \.pattern, value: "pattern",
        help: """
          Compare everything with a pattern that send generates: zero, counter, random or \
          random:SEED. The first wrong byte is reported, and the status is 23. Writes nothing \
          without --output.
          """),
    ]
    let waiting = listeningParameters + listenerOnlyParameters
    let family = ["ipv4", "ipv6"]
    let many: [Bound<Self>] = [
      .flag(
        "keep-open", "k", \.keepsOpen,
        help: "Receive from every client, until a signal."),
      .option(
        "max-connections", \.mostConnections, value: "n",
        help: """
          Accept this many connections in all, then close the listener and end with the last \
          one.
          """),
    ]
    let streams: Bound<Self> = .option(
      "streams", \.streams, value: "n",
      help: """
        Receive one transfer over this many connections at once, 1 to 1024, and end with the \
        last one. With --output each has a file of its own, named by '%n'.
        """
    ).needing("discard", "verify", "output").excluding(
      ["keep-open", "max-connections"], because: "--streams says how many connections there are"
    ).excluding(["expect-digest"], because: "each stream has a digest of its own")
    let names = (many + waiting).map(\.parameter.name).filter { !family.contains($0) }
    let connect: Bound<Self> = .flag(
      "connect", \.connects, help: "Connect to a sender that listens, instead of waiting for one."
    ).excluding(names, because: "with --connect nothing listens")
    let connecting: [Bound<Self>] =
      [
        .option(
          "timeout", "t", \.timeout, value: "duration",
          help: "Longest time for connecting: 500ms, 2s, 1m.")
      ] + Bound.dialing.filter { !family.contains($0.parameter.name) }
    return destination
      + contentParameters(
        consequence:
          "If not, no file gets its name, the sender gets a RST, and the status is 23."
      ) + many + [streams, copyParameter(\.copy)]
      + measureParameters("what waits unread and the receive window").map {
        $0.parameter.name == "svg"
          ? $0.excluding(["keep-open", "max-connections"], because: "each connection has its own")
          : $0
      } + timeoutParameters(\.idleTimeout, \.totalTimeout) + [
        connect
      ]
      + connecting.map { $0.needing("connect") } + waiting + socketParameters + narrationParameters
  }()

  mutating func validate() throws(UsageError) {
    dialing.family = listening.family
    try dialing.validate(timeout: timeout)
    if connects {
      var words = operands[...]
      if words.count == 1, HostAndPort(joined: words[0]) == nil {
        throw UsageError("With '--connect' a host is needed: 'tcptool recv --connect HOST PORT'.")
      }
      endpoint = try TypedEndpoint.take(from: &words, hostIsOptional: false, most: 2)
    } else {
      endpoint = try listening.takeEndpoint(from: operands)
    }
    try measures.validate()
    try content.validate(copy.choice, comparing: pattern != nil)
    try checkTimeouts(idle: idleTimeout, total: totalTimeout)
    if streams != nil {
      try checkStreamSource(dialing)
      if output == "-" {
        throw UsageError(
          "On standard output the data of several streams would be mixed: give each a file "
            + "('--output NAME-%n'), '--discard' or '--verify'.")
      }
    }
    guard isPlural || streams != nil, let path else { return }
    let name = try OutputName(path)
    if let streams, streams.value > 1, !name.isUnique {
      throw UsageError(
        "With '--streams' each stream has a file of its own: put '%n' into '--output \(path)', which "
          + "is the number of the stream.")
    }
    if streams == nil, !name.isUnique && !replaces {
      throw UsageError(
        "With '--keep-open' every file would replace the one before it: put '%n' into '--output "
          + "\(path)', which is the number of the connection, or give '--force'.")
    }
    outputName = name
  }

  /// Whether each connection is one of several. Also where it is the only one that is asked for: a number
  /// that a script puts there gives the same names whatever it is.
  private var isPlural: Bool { keepsOpen || mostConnections != nil }

  /// The file that was asked for; nil for standard output and for none.
  private var path: String? { output == "-" ? nil : output }

  /// Whether nothing is written, and the totals are what it is for.
  private var writesNothing: Bool { discards || (pattern != nil && output == nil) }

  private var relay: RelayOptions {
    var relay = RelayOptions()
    relay.readsInput = false
    relay.endsWithPeer = true
    relay.copy = copy.choice
    relay.idleTimeout = idleTimeout
    relay.totalTimeout = totalTimeout
    return relay
  }

  func run(_ narrator: Narrator) throws(Failure) -> Ending {
    if let streams { return try run(streams, narrator) }
    if isPlural { return try runMany(narrator) }
    let content = content(name: path ?? "-", number: nil, narrator)
    // Before anybody connects: a file that cannot be written is found out first.
    var output: ByteOutput
    if let path {
      output = content.open(try newFile(path))
    } else {
      output = writesNothing ? .discarding() : .standard()
    }
    try copy.choice.check(output)
    // Data at the same terminal would be torn by it.
    let meter = try TransferMeter(
      measures, sends: false, size: self.content.expectedSize?.bytes,
      isLive: output.kind != .device, narrator)
    var loop: ReadinessLoop
    let outcome: ConnectionOutcome
    if connects {
      let destination = try endpoint.destination(dialing, narrator)
      loop = try ReadinessLoop.forProgram()
      outcome = try openConnection(
        endpoint, timeout: timeout, dialing, sockets, loop: &loop, destination, narrator: narrator)
    } else {
      let listener = try listener(narrator)
      loop = try listening.announce(listener, narrator)
      outcome = try acceptOne(listener, loop: &loop, narrator: narrator)
      try? listener.close()
    }
    switch consume outcome {
    case .signal(let signal): return .signal(signal)
    case .connection(let connection):
      let nothing = ByteInput.nothing()
      let ending = try runSession(
        connection, relay, input: nothing, output: &output, loop: &loop, narrator: narrator,
        content: content, meter: meter, saysTotals: writesNothing)
      content.tell()
      return ending
    }
  }

  private func content(name: String, number: Int?, _ narrator: Narrator) -> ReceivedContent {
    ReceivedContent(content, pattern: pattern, name: name, number: number, narrator: narrator)
  }

  private func newFile(_ path: String) throws(Failure) -> NewFile {
    do throws(SystemCallError) {
      return try NewFile(path, replaces: replaces, isDurable: isDurable)
    } catch {
      throw Failure(.localStream, error)
    }
  }

  private func listener(_ narrator: Narrator) throws(Failure) -> Listener {
    try openListener(
      on: listening.endpoint(endpoint), port: endpoint.port, listening, sockets,
      narrator: narrator)
  }

  // MARK: Many connections

  private func runMany(_ narrator: Narrator) throws(Failure) -> Ending {
    try checkFirstFile()
    var options = ServeOptions()
    options.mostConnections = mostConnections?.value
    options.relay = relay
    if let interval = measures.interval {
      options.relay.readingInterval = interval
    } else {
      options.relay.tellProgress(to: narrator)
      options.relay.measuresEnd = narrator.hears(
        ServerNarration.audienceOfEndings(saysTotals: writesNothing))
    }
    if outputName != nil {
      options.service = .receive
    } else if writesNothing {
      options.service = .discard
    } else {
      options.service = .relay(discardsOutput: false)
      options.relay.closesOutput = false
    }
    // On standard output each waits for the end of the one before it.
    options.mostConcurrent = options.writesStandardOutput ? 1 : nil
    _ = DescriptorLimit.raise()
    let listener = try listener(narrator)
    var loop = try listening.announce(listener, narrator)
    let receptions = Receptions(narrator) { number, peer in
      content(name: outputName?.name(number, peer) ?? "-", number: number, narrator)
    }
    var narration = ServerNarration(
      narrator, options, isPlural: true, asksForEnd: false, hasTerminalToItself: false,
      listener: listener.bound, saysTotals: writesNothing, measures: measures,
      content: receptions.content)
    var server = Server(listener, options, hooks: receptions.hooks(sees: seesBytes, files))
    let ending: ServerEnding
    do throws(SystemCallError) {
      ending = try server.run(&loop) { event in
        if case .accepted(let number, _, let peer) = event { receptions.begin(number, peer) }
        narration.tell(event)
        if case .closed(let number, _, _, _) = event { receptions.end(number) }
      }
    } catch {
      throw Failure(.localEnd, error)
    }
    return try narration.ending(ending)
  }

  private func checkFirstFile() throws(Failure) {
    guard let first = outputName?.first else { return }
    do throws(SystemCallError) {
      try NewFile.check(first, replaces: replaces)
    } catch {
      throw Failure(.localStream, error)
    }
  }

  private var files: ReceivedFiles? {
    outputName.map { ReceivedFiles(name: $0, replaces: replaces, isDurable: isDurable) }
  }

  // MARK: Streams

  private func run(_ streams: StreamCount, _ narrator: Narrator) throws(Failure) -> Ending {
    try copy.choice.check(.discarding())
    try checkFirstFile()
    // A file has two descriptors until it gets its name.
    try streams.checkDescriptors(files == nil ? 1 : 3)
    let whole = content.expectedSize.map {
      SizeOfAll("received", expected: $0.bytes, streams: streams.value)
    }
    let receptions = Receptions(narrator) { number, peer in
      ReceivedContent(
        content.ofOneStream, pattern: pattern,
        name: outputName?.name(number, peer) ?? streamName(number), number: number, whole: whole,
        for: narrator.audienceOfStreams, narrator: narrator)
    }
    var plan = StreamsNarration.Plan(streams: streams, sends: false)
    plan.size = content.expectedSize?.bytes
    plan.pattern = pattern
    plan.relay = relay
    plan.measures = measures
    plan.whole = whole
    var options = ServeOptions()
    options.service = outputName == nil ? .discard : .receive
    options.relay = relay
    var narration = try StreamsNarration(
      plan, connects: connects, contents: receptions, narrator)
    return try runStreams(
      streams.value,
      at: StreamPlace(
        endpoint: endpoint, connects: connects, timeout: timeout, dialing: dialing,
        listening: listening, sockets: sockets), options,
      hooks: receptions.hooks(sees: seesBytes, files), &narration, narrator)
  }

  private var seesBytes: Bool { content.algorithm != nil || pattern != nil }
}
