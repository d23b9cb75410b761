// tcptool backlog-test: what a listener's two queues really hold, beside what the kernel's rules say.

internal import BacklogLab
internal import CommandSpec
internal import Glibc
internal import KernelTables
internal import Report
internal import SocketCore

struct BacklogTestOptions: Subcommand {
  var operands: [String] = []
  var backlog = Backlog(128)
  var queue = QueueChoice.accept
  var count: PositiveCount?
  var isIPv6 = false
  var isolation = IsolationMode.auto
  var settings: [SettingValue] = []
  var sweep: NumberList?
  var settingSweep: SettingList?
  var arrivalRate: EventRate?
  var acceptRate: EventRate?
  var duration: Duration?
  var changedSomaxconn: Int?
  var groupSize: PositiveCount?
  var lateAcks: PositiveCount?
  var allowsRemote = false
  var probesData = false
  var namespace: String?
  var expectations: [String] = []
  var isDemo = false
  var explains = false
  var plotFile: String?
  var sampleFile: String?
  var isJSON = false
  var color = ColorChoice.auto
  /// Whose listener it is; nil for one of our own.
  private(set) var target: TypedEndpoint?
  /// What --expect asks for.
  private(set) var expected: [Expectation] = []

  init() {}

  static let page = CommandPage(
    name: "backlog-test",
    abstract: "Measure what a listener's two queues hold, beside what the kernel's rules predict.",
    discussion: [
      """
      It opens a listener of its own on loopback that never accepts, connects more clients than \
      the queue should hold, and counts how many are held, how many had their SYN dropped, and \
      which connect was dropped first. Each number stands beside what the kernel's rules \
      predict. A difference is named, and the exit status is 1. This needs no privilege and \
      changes no setting of the host.
      """,
      """
      Linux keeps two queues for a listener: connections that wait for accept(2) are in the \
      accept queue, unfinished handshakes in the SYN queue. Each holds one more than the \
      effective backlog, which is the argument of listen(2) clamped by net.core.somaxconn. A SYN \
      that meets a full accept queue is silently dropped, and the client sends it again after 1, \
      2, 3, 4, 5, 7, 11 seconds and so on (before Linux 6.5 after 1, 3, 7, 15). One that meets \
      only a full SYN queue is answered with a SYN cookie, unless tcp_syncookies is 0.
      """,
      """
      Where the system allows it, the experiment runs in a private network namespace with the \
      host's settings, so that the counters are exact. There --set tries another setting. \
      --sweep runs it for many backlogs, and --accept-rate with an acceptor that is too slow.
      """,
      """
      With HOST and PORT it connects to the listener of another program, one client after \
      another, until one is not answered. Use it on a server that is stopped (SIGSTOP) or \
      stalled; one that accepts fast is reported as such. What was queued stays queued until the \
      server accepts it. The options for a listener of its own do not apply there.
      """,
      """
      --expect checks the result, for a pipeline. It compares numbers, named by the keys of the \
      JSON object joined by dots, such as 'clients.established', or by one of the short forms \
      below. The first keys may be left out where only one name ends like that. The operators \
      are >=, >, <=, <, = and !=. A value is a number, true, false, another name, or a name plus \
      a number. Comparisons are joined by 'and' or a comma. With --sweep each row has to meet \
      them.
      """,
    ],
    operands: [
      Operand(
        "host", required: false, help: "Name or address of another program's listener.",
        completion: .host),
      Operand(
        "port", required: false, help: "Port from 0 to 65535, or a service's name.",
        completion: .port),
    ],
    terms: expectationTerms,
    examples: [
      Example(command: "tcptool backlog-test", explanation: "Fill a queue of the usual size."),
      Example(
        command: "tcptool backlog-test --backlog 5000",
        explanation: "Find out whether a backlog of 5000 would be in force on this host."),
      Example(
        command: "tcptool backlog-test --queue both --explain",
        explanation: "Fill both queues, and read the rules and what old texts claim."),
      Example(
        command: "tcptool backlog-test --set tcp_syncookies=0",
        explanation: "See what a setting would do, without changing the host's."),
      Example(
        command: "tcptool backlog-test --sweep 1..8192*2",
        explanation: "Compare backlogs in a table."),
      Example(
        command: "tcptool backlog-test --accept-rate 100",
        explanation: "Watch a queue in front of an acceptor that is too slow."),
      Example(
        command: "tcptool backlog-test localhost 8080",
        explanation: "Find the backlog of a stopped server on this host."),
      Example(
        command: "tcptool backlog-test -b 511 --expect 'accept>=512'",
        explanation: "Fail a pipeline, with status 3, if the queue is smaller."),
      Example(
        command: "tcptool backlog-test --svg queue.svg --json",
        explanation: "Write one JSON object, and the queue as a chart."),
      Example(
        command: "tcptool backlog-test --demo",
        explanation: """
          Take a guided tour of five experiments.
          """),
      Example(
        command: "tcptool backlog-test --isolate never --samples a.csv",
        explanation: "Test in this network namespace, and keep what each connect found."),
      Example(
        command: "tcptool backlog-test --sweep-set somaxconn=16,128,4096",
        explanation: "Compare values of a setting in a table."),
      Example(
        command: "tcptool backlog-test --arrival-rate 200 --duration 10s",
        explanation: "Let clients come for ten seconds to an acceptor that is too slow."),
      Example(
        command: "tcptool backlog-test --relisten 1024",
        explanation: "See that a changed limit needs another listen(2)."),
      Example(
        command: "tcptool backlog-test --reuse-port 4",
        explanation: "See how much of the queues of a group can be used."),
      Example(
        command: "tcptool backlog-test --late-acks 8",
        explanation: "See clients that are connected to nobody."),
      Example(
        command: "tcptool backlog-test --netns blue -6 --probe-data ::1 80",
        explanation: "Test a stopped server in a network namespace, with a byte each."),
      Example(
        command: "tcptool backlog-test --allow-remote -c 64 10.0.0.7 80",
        explanation: "Test a stopped server on another host, with 64 clients."),
    ],
    exitStatuses: [
      ExitStatus.done.row("The kernel did what was predicted."),
      ExitStatus.failure.row("Kernel and prediction differ, or the experiment could not be made."),
      ExitStatus.overThreshold.row("The result does not meet --expect."),
      ExitStatus.notResolved.row(), ExitStatus.refused.row(), ExitStatus.noAnswer.row(),
      ExitStatus.unreachable.row(), ExitStatus.prohibited.row(), ExitStatus.localEnd.row(),
      ExitStatus.localStream.row(), ExitStatus.usage.row(),
    ],
    seeAlso: [
      "tcptool-states(1)", "tcptool-json(7)", "tcptool-queues(7)", "ss(8)", "listen(2)", "tcp(7)",
    ])

  static let parameters: [Bound<Self>] =
    ownParameters.map { $0.waiving("host", "port") } + targetParameters + outputParameters

  /// What is about a listener of our own.
  private static let ownParameters: [Bound<Self>] = [
    .option(
      "backlog", "b", \.backlog, value: "n", help: "Backlog for listen(2), passed on unchanged."),
    .option(
      "queue", "q", \.queue, value: "queue",
      help: "Fill the accept queue, the SYN queue with handshakes that never end, or both in turn."),
    .option(
      "isolate", \.isolation, value: "when",
      help: """
        Whether to run in a private user and network namespace: if that is allowed (auto), \
        always or never.
        """),
    .option(
      "set", \.settings, value: "name=value",
      help: """
        Change a setting in the private namespace only: somaxconn, tcp_max_syn_backlog, \
        tcp_syncookies, tcp_abort_on_overflow. May be repeated.
        """
    ),
    .option(
      "sweep", \.sweep, value: "list",
      help: "One run for each backlog of a list: 0,1,5,128 or 1..4096*2 or 0..500+100, also mixed."
    ).excluding(["backlog"], because: "the list has the backlogs"),
    .option(
      "sweep-set", \.settingSweep, value: "name=list",
      help: "One run for each value of a setting: somaxconn=16,128,4096."
    ).excluding(["sweep"], because: "one thing varies at a time"),
    .option(
      "arrival-rate", \.arrivalRate, value: "rate",
      help: "Let clients come at this rate, 200 or 30/m, instead of all at once."
    ).excluding(staticOnly, because: "arrivals over time fill the accept queue of one listener"),
    .option(
      "accept-rate", \.acceptRate, value: "rate",
      help:
        """
        Accept at this rate meanwhile. If only --arrival-rate or --accept-rate is given, the \
        other is chosen.
        """
    ).excluding(staticOnly, because: "arrivals over time fill the accept queue of one listener"),
    .option(
      "duration", \.duration, value: "duration",
      help: """
        How long clients keep coming; Ctrl-C shows what was measured until then. Default: 10s.
        """
    ).needing("arrival-rate", "accept-rate"),
    .option(
      "relisten", \.changedSomaxconn, value: "n",
      help: """
        Change net.core.somaxconn to this under the listener, and then call listen(2) again: only that \
        applies it.
        """
    ).excluding(scenarios(but: "relisten") + ["count"] + files, because: noScenario),
    .option(
      "reuse-port", \.groupSize, value: "n",
      help: "Use a group of this many listeners on one port (SO_REUSEPORT)."
    ).excluding(scenarios(but: "reuse-port") + files, because: noScenario),
    .option(
      "late-acks", \.lateAcks, value: "n",
      help: """
        Let the last ACK of this many handshakes come when the queue is full. These clients \
        believe that they are connected; with tcp_abort_on_overflow=1 they are reset.
        """
    ).excluding(scenarios(but: "late-acks") + ["count"] + files, because: noScenario),
    .flag(
      "demo", \.isDemo, help: "Take a guided tour: five small experiments, with a sentence each."
    ).excluding(
      [
        "backlog", "queue", "count", "set", "sweep", "sweep-set", "arrival-rate", "accept-rate",
        "relisten", "reuse-port", "late-acks", "expect", "svg", "samples", "json",
      ], because: "the tour has its own"),
  ]

  private static let noScenario = "it is an experiment of its own"
  private static let files = ["svg", "samples"]
  private static let staticOnly = ["queue", "sweep", "sweep-set", "count"]

  /// What cannot be done beside one of the scenarios.
  private static func scenarios(but name: String) -> [String] {
    [
      "queue", "sweep", "sweep-set", "arrival-rate", "accept-rate", "relisten", "reuse-port",
      "late-acks",
    ].filter { $0 != name }
  }

  private static let targetParameters: [Bound<Self>] = [
    .option(
      "count", "c", \.count, value: "n",
      help: "How many clients connect, instead of enough to overflow the queue."),
    .flag("ipv6", "6", \.isIPv6, help: "Use IPv6: ::1, or only IPv6 addresses of the host."),
    .flag(
      "allow-remote", \.allowsRemote,
      help: "Test a listener that is not on loopback; --count is required, up to 1024."
    ).needingOperands("host", "port").needing("count"),
    .flag(
      "probe-data", \.probesData,
      help: "Send a byte on each connection, to tell queued ones from ghosts."
    ).needingOperands("host", "port"),
    .option(
      "netns", \.namespace, value: "name",
      help: "Test in the network namespace of this name (ip-netns(8)) or file.",
      completion: .listed(at: "/run/netns")
    ).needingOperands("host", "port"),
  ]

  private static let outputParameters: [Bound<Self>] = [
    .option(
      "expect", "e", \.expectations, value: "comparison",
      help:
        "Check the result, as with 'accept>=1024'; the status is 3 if it fails. May be repeated.",
      completion: expectationTerms.completion
    ),
    .flag(
      "explain", \.explains,
      help:
        "Afterwards explain the rules, where the kernel has them, and what old texts claim."
    ),
    .option(
      "svg", \.plotFile, value: "file",
      help: "Write a chart: the queue against connects or time, or a sweep.", completion: .file),
    .option(
      "samples", \.sampleFile, value: "file",
      help: "Write what was seen after each connect, as comma-separated values.", completion: .file
    ).excluding(["sweep", "sweep-set"], because: "each run would have its own"),
    .flag("json", "j", \.isJSON, help: "One JSON object; with --sweep one a line."),
    .option("color", \.color, value: "when", help: "Whether to use colour."),
  ]

  /// Which experiment the options ask for.
  enum Experiment {
    case passes, sweep, traffic, tour
    case relisten(somaxconn: Int)
    case portGroup(Int)
    case lateACKs(Int)
    /// Somebody else's listener.
    case target(TypedEndpoint)
  }

  var experiment: Experiment {
    if let target { return .target(target) }
    if isDemo { return .tour }
    if let changedSomaxconn { return .relisten(somaxconn: changedSomaxconn) }
    if let groupSize { return .portGroup(groupSize.value) }
    if let lateAcks { return .lateACKs(lateAcks.value) }
    if sweep != nil || settingSweep != nil { return .sweep }
    if arrivalRate != nil || acceptRate != nil { return .traffic }
    return .passes
  }

  private var names: ExpectationNames {
    switch experiment {
    case .passes, .sweep: queue == .both ? .twoPasses : .pass
    case .traffic: .traffic
    case .relisten: .relisten
    case .portGroup: .portGroup
    case .lateACKs: .lateACKs
    case .target: .target
    case .tour: ExpectationNames(keys: [], shortForms: [:])
    }
  }

  mutating func validate() throws(UsageError) {
    var words = operands[...]
    target =
      words.isEmpty
      ? nil : try TypedEndpoint.take(from: &words, hostIsOptional: false, most: words.count)
    for number in sweep?.numbers ?? [] where Backlog(argument: "\(number)") == nil {
      throw UsageError(
        "The backlog \(number) of '--sweep' has more than 32 bits; the kernel takes no larger one.")
    }
    if let changedSomaxconn, changedSomaxconn < 0 {
      throw UsageError("net.core.somaxconn cannot be \(changedSomaxconn). Give 0 or more.")
    }
    expected = try Expectation.read(expectations, names: names)
  }

  func run(_ narrator: Narrator) throws(Failure) -> Ending {
    var experimenter = try Experimenter(self, narrator)
    return try experimenter.run()
  }
}
