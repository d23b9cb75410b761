// tcptool send: files, standard input or made data to a peer, and the certainty that it arrived.

internal import CommandSpec
internal import SocketCore

struct SendOptions: Narrating, Dialing, Listening, OpensSockets, ChecksContent,
  MeasuresTransfer
{
  var operands: [String] = []
  /// `[HOST:]PORT` to wait for the receiver on, instead of connecting to it.
  var listenPlace: String?
  var size: ByteCount?
  var duration: Duration?
  var pattern: PatternName?
  var streams: StreamCount?
  var timeout: Duration?
  var dialing = DialOptions()
  var listening = ListenSettings()
  var linger = Duration.seconds(5)
  var copy = CopyChoice.auto
  var idleTimeout: Duration?
  var totalTimeout: Duration?
  var rate: BitRate?
  var measures = MeasureOptions()
  var content = ContentOptions()
  var narration = NarrationOptions()
  var sockets = SocketSettings()
  private var endpoint = TypedEndpoint(port: 0)
  private var files: [String] = []

  static var foreignOptions: [ForeignWord] { .ofSend }

  static let page = CommandPage(
    name: "send",
    abstract: "Send files or standard input, and wait until they have arrived.",
    discussion: [
      """
      It connects, sends the files, or standard input if none is named, and ends with status 0 \
      only if the peer's kernel has acknowledged every byte. After the last byte it half-closes \
      the connection and discards whatever the peer sends. Once everything is acknowledged, it \
      gives the peer some time (--linger) to close its own side. Closing earlier could reset the \
      connection and lose what was still on its way.
      """,
      """
      If not everything was acknowledged, it reports how much was, and the exit status is 21. If \
      the data is not as expected (--expect-size, --expect-digest, or a file that shrank on the \
      way), it sends a RST instead of the FIN, so that the receiver does not take the data for \
      complete, and the exit status is 23.
      """,
      """
      Several files are sent one after another, as cat(1) writes them. Each has its own digest.
      """,
      """
      With --size or --duration it generates the data, in words of eight bytes that are numbered \
      from 0. In the pattern 'zero' every word is 0. In 'counter' it is its number n, with the \
      most significant byte first. In 'random:SEED' it is z, with the least significant byte \
      first, where modulo 2^64 first z = SEED + (n + 1) * 0x9e3779b97f4a7c15, then z = (z ^ z >> \
      30) * 0xbf58476d1ce4e5b9, z = (z ^ z >> 27) * 0x94d049bb133111eb and z = z ^ z >> 31 \
      (SplitMix64). 'random' stands for 'random:0'. The option --verify of tcptool recv compares \
      with the same data.
      """,
      .streamNotes
        + " Streams carry generated data. The size and the rate are divided among them, and each begins "
        + "the pattern anew. Nothing is sent before all of them are connected. A file is never divided: "
        + "to send several files at once, start a tcptool send for each.",
      .copyNotes,
    ],
    operands: .hostAndPort + [
      Operand(
        "file", required: false, repeated: true,
        help: "What to send. Default, and '-': standard input.", completion: .file)
    ],
    examples: [
      Example(command: "tcptool send backup.example 7000 disk.img", explanation: "Send a file."),
      Example(
        command: "tar -c photos | tcptool send 192.0.2.7 7000",
        explanation: "Send what a program writes."),
      Example(
        command: "tcptool send --digest sha256 192.0.2.7 7000 a.img",
        explanation: "Send a file, and print the digest of what was sent."),
      Example(
        command: "tcptool send --listen 7000 disk.img",
        explanation: "Wait for a receiver that connects, and send it a file."),
      Example(
        command: "tcptool send --duration 10s 192.0.2.7 7000",
        explanation: "Send zeros for ten seconds, to see how fast the path is."),
      Example(
        command: "tcptool send --rate 100Mbit -i 1s 192.0.2.7 7000 a.img",
        explanation: "Send no faster than that, and report the rate every second."),
      Example(
        command: "tcptool send --size 1G --pattern random 192.0.2.7 7000",
        explanation: "Send data that 'tcptool recv --verify random' compares byte by byte."),
      Example(
        command: "tcptool send --streams 8 --duration 10s 192.0.2.7 7000",
        explanation: "See how fast the path is with eight connections at once."),
      Example(
        command: "tcptool send --congestion reno --svg a.svg host 7000 a.img",
        explanation: "Plot rate, window and round trip, with another congestion control."),
      Example(
        command: "tcptool send --sndbuf 4M --notsent-lowat 128K host 7000 a",
        explanation: "Send through a fixed buffer in which little waits unsent."),
      Example(
        command: "tcptool send -v --copy userspace --mss 536 host 7000 a.img",
        explanation: "Do without splice(2), send small segments, and report how it went."),
      Example(
        command: "tcptool send --expect-size 4G --linger 1m host 7000 a.img",
        explanation: "Fail unless the file has this size, and let the receiver close late."),
      Example(
        command: "tcptool send --timeout 5s --quiet host 7000 a.img",
        explanation: "Give up soon if nobody answers, and report nothing but errors."),
      Example(
        command: "tcptool send --expect-digest crc32c:8a9136aa host 7000 a",
        explanation: "Fail, at both ends, if the file has changed."),
    ],
    exitStatuses: .connecting(
      done: "The peer has acknowledged every byte.", hasTimeouts: true, hasMismatch: true),
    seeAlso: [
      "tcptool-recv(1)", "tcptool-trace(7)", "tcptool-json(7)", "nc(1)", "sendfile(2)",
      "sha256sum(1)", "shutdown(2)", "splice(2)", "tcp(7)",
    ])

  static let parameters: [Bound<Self>] = {
    let made: [Bound<Self>] = [
      .option(
        "size", \.size, value: "size",
        help: "Generate and send this many bytes: 4G, 1000.", waives: ["file"]),
      .option(
        "duration", \.duration, value: "duration",
        help: "Generate and send data for this long or, with --size, until that much is sent.",
        waives: ["file"]),
      .option(
        "pattern", \.pattern, value: "pattern",
        help: "Which data to generate: zero, counter, random or random:SEED. Default: zero."
      ).needing("size", "duration"),
      .option(
        "streams", \.streams, value: "n",
        help: """
          Send over this many connections at once, 1 to 1024; --size and --rate apply to all of \
          them together. A file is not divided among streams.
          """
      ).needing("size", "duration").excluding(
        ["expect-digest"], because: "each stream has a digest of its own"),
    ]
    let connecting: [Bound<Self>] =
      [
        .option(
          "timeout", "t", \.timeout, value: "duration",
          help: "Longest time for connecting: 500ms, 2s, 1m.")
      ] + Bound.dialing
    let family = ["ipv4", "ipv6"]
    let names = connecting.map(\.parameter.name).filter { !family.contains($0) }
    let place: Bound<Self> = .option(
      "listen", \.listenPlace, value: "[host:]port",
      help: "Wait for one receiver on this port, instead of connecting to it.",
      waives: ["host", "port"]
    ).excluding(names, because: "with --listen the receiver connects")
    let waiting = (listeningParameters + listenerOnlyParameters).filter {
      !family.contains($0.parameter.name) && $0.parameter.name != "unbound"
    }.map { $0.needing("listen") }
    return [place] + made
      + contentParameters(consequence: "If not, the receiver gets a RST, and the status is 23.")
      + [
        .option(
          "linger", \.linger, value: "duration",
          help: "How long the peer may keep its side open once it has acknowledged everything."),
        copyParameter(\.copy),
        .option(
          "rate", \.rate, value: "rate",
          help: "Send no faster than this: 100Mbit, 12MB (SO_MAX_PACING_RATE)."),
      ]
      + measureParameters("what was sent again, window, round trip and what waits")
      + timeoutParameters(\.idleTimeout, \.totalTimeout)
      + connecting + waiting + socketParameters + narrationParameters
  }()

  mutating func validate() throws(UsageError) {
    try dialing.validate(timeout: timeout)
    listening.family = dialing.family
    var words = operands[...]
    if let listenPlace {
      var place = [listenPlace][...]
      endpoint = try TypedEndpoint.take(from: &place, hostIsOptional: true, most: 1)
    } else {
      endpoint = try TypedEndpoint.take(from: &words, hostIsOptional: false, most: .max)
    }
    files = Array(words)
    if files.count > 1, files.contains("-") {
      throw UsageError(
        "'-' does not go together with other files. Use 'cat FILE - | tcptool send ...'.")
    }
    if files.count > 1, content.expectedDigest != nil {
      throw UsageError("'--expect-digest' goes with one file: each of several has its own digest.")
    }
    if streams != nil { try checkStreamSource(dialing) }
    try measures.validate()
    try content.validate(copy)
    try checkTimeouts(idle: idleTimeout, total: totalTimeout)
  }

  /// Whether the data is made here.
  private var makesData: Bool { size != nil || duration != nil }

  func run(_ narrator: Narrator) throws(Failure) -> Ending {
    if let streams { return try run(streams, narrator) }
    // Before anything is connected: a file that cannot be read is found out first.
    let input: ByteInput
    var sequence: FileSequence?
    do throws(SystemCallError) {
      if makesData {
        input = .pattern(pattern?.pattern ?? .zero, size: size?.bytes, duration: duration)
      } else if files.count > 1 {
        _ = DescriptorLimit.raise()
        let all = try FileSequence(files)
        sequence = all
        input = ByteInput(all)
      } else {
        input = source == "-" ? .standard() : try ByteInput(file: source)
      }
    } catch {
      throw Failure(.localStream, error)
    }
    try copy.check(input)
    let content = SentContent(
      content, name: makesData ? "-" : source, size: input.size, files: sequence)
    let kind = input.kind
    let fileSize = input.size ?? sequence.map { $0.parts.reduce(0) { $0 + $1.size } }
    // Typing at the same terminal would be torn by it.
    let meter = try TransferMeter(
      measures, sends: true, size: makesData ? size?.bytes : fileSize,
      isLive: makesData || kind != .device, narrator)
    var loop: ReadinessLoop
    let outcome: ConnectionOutcome
    if listenPlace != nil {
      let listener = try openListener(
        on: listening.endpoint(endpoint), port: endpoint.port, listening, sockets,
        narrator: narrator)
      loop = try listening.announce(listener, narrator)
      outcome = try acceptOne(listener, loop: &loop, narrator: narrator)
      try? listener.close()
    } else {
      let destination = try endpoint.destination(dialing, narrator)
      loop = try ReadinessLoop.forProgram()
      outcome = try openConnection(
        endpoint, timeout: timeout, dialing, sockets, loop: &loop, destination, narrator: narrator)
    }
    switch consume outcome {
    case .signal(let signal): return .signal(signal)
    case .connection(let connection):
      var relay = relay
      if let rate {
        relay.rate = rate.bytes
        relay.isPacedByKernel = connection.paces(
          at: rate.bytes, limitsBuffer: sockets.unsentLimit == nil)
      }
      var context = context
      if !makesData { context.source = kind == .file ? .file : .stream }
      var nowhere = ByteOutput.discarding()
      let ending = try runSession(
        connection, relay, input: input, output: &nowhere, loop: &loop, narrator: narrator,
        content: content, meter: meter, context: context, saysTotals: makesData)
      if ending == .status(.done) { content.tell(narrator) }
      return ending
    }
  }

  private var source: String { files.first ?? "-" }

  private var relay: RelayOptions {
    var relay = RelayOptions()
    relay.linger = linger
    relay.mustDeliver = true
    relay.copy = copy
    relay.idleTimeout = idleTimeout
    relay.totalTimeout = totalTimeout
    return relay
  }

  /// That of data that is made here.
  private var context: TransferContext {
    var context = TransferContext()
    context.source =
      switch pattern?.pattern ?? .zero {
      case .zero: .zeros
      default: .made
      }
    context.rate = rate
    context.isDivided = streams != nil
    context.sendBuffer = sockets.sendBuffer?.size.bytes
    context.isCopied = copy == .userspace
    context.digestOptions = content.digestOptions
    return context
  }

  // MARK: Streams

  private func run(_ streams: StreamCount, _ narrator: Narrator) throws(Failure) -> Ending {
    let data = pattern?.pattern ?? .zero
    try copy.check(.pattern(data, size: size?.bytes, duration: duration))
    try streams.checkDescriptors(1)
    let whole = content.expectedSize.map {
      SizeOfAll("sent", expected: $0.bytes, streams: streams.value)
    }
    let contents = SentStreams(content, whole, narrator)
    var plan = StreamsNarration.Plan(streams: streams, sends: true)
    plan.size = size?.bytes
    plan.relay = relay
    plan.context = context
    plan.measures = measures
    plan.whole = whole
    var options = ServeOptions()
    options.service = .supply
    options.startsTogether = true
    options.relay = relay
    var hooks = contents.hooks
    hooks.input = { number in
      .pattern(
        data, size: size.map { streams.share(of: $0.bytes, for: number) }, duration: duration)
    }
    hooks.prepare = { _, connection, relay in
      guard let rate else { return }
      let share = max(1, rate.bytes / streams.value)
      relay.rate = share
      relay.isPacedByKernel = connection.paces(
        at: share, limitsBuffer: sockets.unsentLimit == nil)
    }
    var narration = try StreamsNarration(
      plan, connects: listenPlace == nil, contents: contents, narrator)
    return try runStreams(
      streams.value,
      at: StreamPlace(
        endpoint: endpoint, connects: listenPlace == nil, timeout: timeout, dialing: dialing,
        listening: listening, sockets: sockets), options, hooks: hooks, &narration, narrator)
  }
}
