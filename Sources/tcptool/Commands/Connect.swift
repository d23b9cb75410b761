// tcptool connect: connect to a host and relay to standard input and output.

internal import CommandSpec
internal import SocketCore

struct ConnectOptions: RepeatingHandshakes, Probing {
  var operands: [String] = []
  var timeout: Duration?
  var dialing = DialOptions()
  var relay = RelayPolicy()
  var probing = ProbeOptions()
  var repetition = RepetitionOptions()
  var narration = NarrationOptions()
  var sockets = SocketSettings()
  private var endpoint = TypedEndpoint(port: 0)

  static var foreignOptions: [ForeignWord] { .ofConnect }

  static let page = CommandPage(
    name: "connect",
    abstract: "Connect to a host and relay to standard input and output.",
    discussion: [
      """
      It connects, sends what it reads from standard input, and writes what the peer sends to \
      standard output. The end of standard input half-closes the connection, and the peer may go \
      on sending. The program ends when both sides have ended and the peer has acknowledged \
      everything.
      """,
      """
      Where the host has several addresses, they race: each gets a head start (--attempt-delay) \
      before the next is tried too, the families take turns, and the first to accept is kept. \
      Once connected, it reports the two ends and how long the handshake took. --verbose adds \
      the attempts that were given up, the time that resolving the name took, and the round trip \
      that the kernel measured.
      """,
      """
      If an ICMP message ends the handshake, its type, code and sender are reported, and the \
      exit status is that of its meaning: 11, 13 or 14.
      """,
      .relayPolicyNotes,
    ] + .probeNotes + .repetitionNotes,
    operands: .hostAndPort,
    examples: [
      Example(
        command: "tcptool connect example.org 80", explanation: "Talk to a web server by hand."),
      Example(
        command: "tcptool connect --timeout 2s 192.0.2.1 443 < /dev/null",
        explanation:
          "Find out within two seconds whether a port answers; if not, the exit status says why."
      ),
      Example(
        command: "tcptool connect --wait 30s localhost 5432 < /dev/null",
        explanation: "Wait until a service accepts connections."),
      Example(
        command: "tcptool connect --linger 5s 192.0.2.7 7000 < request",
        explanation: "Give the peer five seconds to answer and close, once it has everything."),
      Example(
        command: "tcptool connect --interval 200ms example.org 443",
        explanation: "Measure handshakes until Ctrl-C, five a second."),
      Example(
        command: "tcptool connect --count 100 --svg a.svg example.org 443",
        explanation: "Measure a hundred handshakes, one a second, and plot them."),
      Example(
        command: "tcptool connect [::1]:7000",
        explanation: """
          Write host and port as one word.
          """),
      Example(
        command: "tcptool connect --explain example.org 80",
        explanation: "See each call and TCP state, and read what it means."),
      Example(
        command: "tcptool connect --json --log events.json example.org 80",
        explanation: "Report events as JSON lines, on standard error and in a file."),
      Example(
        command: "tcptool connect -4 --attempt-delay 50ms example.org 80",
        explanation: "Race the IPv4 addresses of a host with a short head start each."),
      Example(
        command: "tcptool connect --source 10.0.0.5:4000 10.0.0.7 7000",
        explanation: "Connect from an address and port that a firewall lets through."),
      Example(
        command: "tcptool connect --interface eth1 --mark 7 10.0.0.7 7000",
        explanation: "Connect through another interface, with a mark for its routes."),
      Example(
        command: "tcptool connect --crlf --on-stdin-eof wait example.org 80",
        explanation: "Speak a line-based protocol, and wait for the answer."),
      Example(
        command: "tcptool connect --send-only --total-timeout 1m ::1 7000",
        explanation: "Send for a minute at most, and ignore answers."),
      Example(
        command: "tcptool connect --nodelay --keepalive 60s,10s,5 host 22",
        explanation: "Send each segment at once, and notice a peer that is gone."),
      Example(
        command: "tcptool connect --user-timeout 10s --dscp ef host 7000",
        explanation: "Give up if data stays unacknowledged for ten seconds."),
    ] + .probing,
    exitStatuses: .connecting(
      done: """
        Both sides ended and everything was acknowledged; or every port probed is open; or every \
        repeated handshake succeeded.
        """, hasTimeouts: true),
    seeAlso: [
      "tcptool-trace(7)", "tcptool-json(7)", "tcptool-queues(7)", "nc(1)", "connect(2)", "tcp(7)",
    ])

  static let parameters: [Bound<Self>] =
    [
      .option(
        "timeout", "t", \.timeout, value: "duration",
        help: """
          Longest time for connecting, all addresses together: 500ms, 2s, 1m. \
          Default: the kernel's own limit, about 130 s an address. With --probe or \
          --all-addresses it is that of each attempt, by default 2s; with --count or --interval that \
          of each handshake, by default 3s.
          """)
    ] + repetitionParameters + Bound.dialing
    + probeParameters(withoutUseFor: relayParameters.map(\.parameter.name))
    + relayParameters + socketParameters + narrationParameters

  mutating func validate() throws(UsageError) {
    try dialing.validate(timeout: timeout)
    endpoint = try probing.endpoint(of: operands)
    try relay.validate()
    try repetition.validate()
  }

  func run(_ narrator: Narrator) throws(Failure) -> Ending {
    if probing.isOn { return try probe(endpoint, timeout: timeout, narrator) }
    if repetition.isAsked {
      return try repeatHandshakes(
        with: endpoint, repetition, timeout: timeout, dialing, sockets, narrator: narrator)
    }
    let dump = try relay.openHexDump(isPlural: false)
    let destination = try endpoint.destination(dialing, narrator)
    var loop = try ReadinessLoop.forProgram()
    switch try openConnection(
      endpoint, timeout: timeout, dialing, sockets, loop: &loop, destination, narrator: narrator)
    {
    case .signal(let signal): return .signal(signal)
    case .connection(let connection):
      let input = relay.input
      var output = relay.output
      var context = TransferContext()
      context.sendBuffer = sockets.sendBuffer?.size.bytes
      let ending = try runSession(
        connection, relay.options(), input: input, output: &output, loop: &loop,
        narrator: narrator, dump: dump, context: context)
      try dump?.finish()
      return ending
    }
  }
}
