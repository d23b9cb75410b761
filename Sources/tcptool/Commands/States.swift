// tcptool states: the kernel's table of TCP sockets.

internal import CommandSpec
internal import KernelTables
internal import Report
internal import SocketCore

struct StatesOptions: Subcommand {
  var operands: [String] = []
  var states: CommaSeparated<StateName>?
  var source = SocketTable.Source.auto
  var showsTimers = false
  var showsProcesses = false
  var showsUser = false
  var showsMemory = false
  var showsInfo = false
  var showsGroup = false
  var columns: CommaSeparated<ColumnName>?
  var sortKey: SortKey?
  var showsSummary = false
  var summaryKey: SummaryKey?
  var explains = false
  var hasNoHeader = false
  var isWide = false
  var isCSV = false
  var isJSON = false
  var format: OutputFormat?
  var listeners = ListenersOptions()
  var place = StatesPlace()
  var capture = CaptureOptions()
  var color = ColorChoice.auto
  /// How often the table is read again; nil reads it once.
  var watchInterval: Duration?
  var followsEvents = false
  /// What the operands and `--state` choose.
  var filter = Filter.everything

  init() {}

  static var foreignOptions: [ForeignWord] { .ofStates }

  static let page = CommandPage(
    name: "states",
    abstract: "Show the TCP sockets of this host with their states and queues.",
    discussion: [
      """
      It shows every socket of this network namespace, in every state, or those that a filter \
      chooses. The kernel is asked through sock_diag or, where that is refused, through \
      /proc/net/tcp and /proc/net/tcp6. An IPv4 peer of an IPv6 socket is shown with its IPv4 \
      address.
      """,
      """
      Recv-Q is how many bytes the program has not read yet; for a listener, how many \
      connections wait for accept(2). Send-Q is how many bytes the peer has not acknowledged, \
      sent or not. SYN and FIN count as one byte each. For a listener Send-Q is the backlog in \
      force, one less than its queue holds. /proc does not have it, and '-' stands in its place.
      """,
      """
      With --process the role says why a socket has no process. It waits in its listener's SYN \
      queue or accept queue, and the process shown is the one that has to accept it; or it is an \
      orphan; or it is what is kept of a connection that is over. What is not known is '-', and \
      null in JSON.
      """,
      """
      Every key of --json is in tcptool-json(7). With --csv numbers are exact, and a field is \
      empty where nothing is known. Names that other programs chose, of processes or control \
      groups, are escaped in the table and in CSV, so that no terminal obeys them. In CSV this \
      includes a =, +, - or @ at the beginning, which a spreadsheet would take for a formula: \
      '=1+1' becomes '\\x3d1+1'. JSON has every name as it is.
      """,
    ] + watchDiscussion + eventDiscussion + listenerDiscussion + captureDiscussion
      + filterDiscussion,
    operands: [
      Operand(
        "filter", required: false, repeated: true,
        help: "Which sockets to show; all of these words are one expression.",
        completion: filterTerms.completion)
    ],
    terms: filterTerms,
    examples: [
      Example(command: "tcptool states", explanation: "Show everything."),
      Example(command: "tcptool states --state LISTEN", explanation: "Show what listens."),
      Example(
        command: "tcptool states --process --explain",
        explanation: "Show who holds each socket, and what the states mean."),
      Example(
        command: "tcptool states --info --sort=-rtt",
        explanation: "Show the slowest paths first."),
      Example(
        command: "tcptool states --listeners --process",
        explanation: "Show how full the queues of each listener are, and whose they are."),
      Example(
        command: "tcptool states --watch :443",
        explanation: "See connections come, go through their states, and go."),
      Example(
        command: "tcptool states --listeners --sort=-full",
        explanation: "Show the fullest queues first."),
      Example(
        command: "tcptool states --listeners --watch",
        explanation: "See how the queues of the listeners move."),
      Example(
        command: "tcptool states --events --json",
        explanation: "Show what each connection has sent, received and lost, once it is over."),
      Example(
        command: "tcptool states --listeners --check 80",
        explanation: "Show which listeners have a queue that is nearly full, with status 3."),
      Example(
        command: "tcptool states --listeners -f openmetrics > tcp.prom",
        explanation: "Write metrics for Prometheus."),
      Example(
        command: "tcptool states :443,8000-8100 peer=10.0.0.0/8",
        explanation: "Show what has one of these ports at either end and a peer in that network."),
      Example(
        command: "tcptool states pending or 'recvq>64K'",
        explanation: "Show what programs are late with: not accepted, or not read."),
      Example(
        command: "tcptool states process=nginx state!=LISTEN 'rtt>50ms'",
        explanation: "Show the slow connections of a program."),
      Example(
        command: "tcptool states '( sport = :ssh or dport = :ssh )'",
        explanation: "Use an expression of ss."),
      Example(
        command: "tcptool states --from saved-tcp state=CLOSE_WAIT",
        explanation: "Look at a copy of /proc/net/tcp that somebody sent."),
      Example(
        command: "tcptool states --process --save before",
        explanation: "Save everything, to look at it later or elsewhere."),
      Example(
        command: "tcptool states --from before --listeners",
        explanation: "Show how full the queues were then."),
      Example(
        command: "tcptool states --diff before :443",
        explanation: "Show what happened on this port since then."),
      Example(
        command: "tcptool states --all-netns --by netns",
        explanation: "Count the sockets of each container."),
      Example(
        command: "tcptool states --state SYN_RECV,CLOSE_WAIT --json",
        explanation: "Write a JSON object for each socket, for jq or a program."),
      Example(
        command: "tcptool states --timers --uid --memory --cgroup --wide",
        explanation: "Also show what the kernel does next, for whom, and with what memory."),
      Example(
        command: "tcptool states --columns local,peer,rtt --no-header",
        explanation: "Show only these columns, for a script."),
      Example(
        command: "tcptool states --info --csv > sockets.csv",
        explanation: "Open everything in a spreadsheet."),
      Example(
        command: "tcptool states --summary --color always | less -R",
        explanation: "Count the states, and show what is near its limit."),
      Example(
        command: "tcptool states --listeners --oldest",
        explanation: "Show how long connections have waited for accept(2)."),
      Example(
        command: "tcptool states --pid 4711",
        explanation: "Show the sockets of a container, by one of its processes."),
      Example(
        command: "tcptool states --netns blue --source proc",
        explanation: "Read /proc/net/tcp of a network namespace."),
      Example(
        command: "tcptool states --from router-tcp --from-endian big",
        explanation: "Look at a copy from a machine with another byte order."),
    ],
    exitStatuses: [
      ExitStatus.done.row("At least one socket was shown; --diff: a change; --save: all is saved."),
      ExitStatus.failure.row(
        "No socket matched; --diff: none changed; or the tables could not be read."),
      ExitStatus.overThreshold.row("A queue is filled to the percentage of --check or more."),
      ExitStatus.localStream.row(), ExitStatus.usage.row(),
    ],
    seeAlso: ["tcptool-json(7)", "tcptool-queues(7)", "ss(8)", "proc(5)", "tcp(7)"])

  static let parameters =
    rowParameters + placeParameters + captureParameters + watchParameters + eventParameters
    + listenerParameters

  private static let rowParameters: [Bound<Self>] = [
    .option(
      "state", "s", \.states, value: "state,...",
      help: "Show only sockets in these states; ss's names, such as 'estab', will do too."),
    .option(
      "source", \.source, value: "source",
      help: """
        Where to read: sock_diag (diag), /proc/net/tcp and tcp6 (proc), or sock_diag with /proc \
        in reserve (auto).
        """),
    .flag(
      "process", "p", \.showsProcesses,
      help: "Also show who holds each socket, and the role of those that nobody holds."),
    .flag(
      "timers", "o", \.showsTimers,
      help: """
        Also show the timer that runs, and retransmissions.
        """),
    .flag("uid", "u", \.showsUser, help: "Also show the user, by number."),
    .flag("memory", "m", \.showsMemory, help: "Also show buffers and drops."),
    .flag(
      "info", "i", \.showsInfo,
      help: "Also show TCP_INFO: round-trip times, window, retransmissions, rates, bytes."),
    .flag("cgroup", \.showsGroup, help: "Also show the control group: the unit or container."),
    .option(
      "columns", "c", \.columns, value: "column,...",
      help: "Show these columns, in this order; in JSON, these keys."),
    .option(
      "sort", \.sortKey, value: "column",
      help: """
        Sort by a column, the smallest first; --sort=-COLUMN puts the largest first. This holds \
        all rows in memory. With --listeners: local, recvq, full, synq, drops or backlog.
        """),
    .flag(
      "summary", \.showsSummary,
      help: """
        Instead of the rows show how many there are in each state, what waits for accept(2), and how \
        near orphans, TIME_WAIT and the ports for outgoing connections are to their limits.
        """),
    .option(
      "by", \.summaryKey, value: "what",
      help: """
        A summary that also counts the sockets by peer, service port, process, user or network \
        namespace.
        """),
    .flag(
      "explain", \.explains,
      help: "Afterwards explain the states and roles that appeared, on standard error."),
    .flag("no-header", \.hasNoHeader, help: "Leave out the heading."),
    .flag(
      "wide", "w", \.isWide,
      help: "Do not shorten lists of processes, nor break lines at the edge of the terminal."),
    .flag("csv", \.isCSV, help: "Comma-separated values with exact numbers."),
    .flag("json", "j", \.isJSON, help: "One JSON object a line."),
    .option("color", \.color, value: "when", help: "Whether to use colour."),
  ]

  mutating func validate() throws(UsageError) {
    filter = try filterBesideCapture()
    if let states { filter = filter.restricted(to: Set(states.elements.flatMap(\.states))) }
    try checkSortKey()
    try settleFormat()
    try settleWatch()
    try settleEvents()
    let summarizes = showsSummary || summaryKey != nil
    if summarizes && (isCSV || columns != nil || sortKey != nil) {
      throw UsageError(
        "A summary has no rows for '--csv', '--columns' and '--sort'. Leave them out, or use '--json'."
      )
    }
    if isCSV && isJSON {
      throw UsageError("'--csv' and '--json' exclude each other. Give one of them.")
    }
  }

  var occasion: StatesColumn.Occasion {
    var occasion: StatesColumn.Occasion = .always
    for (isWanted, more) in [
      (showsTimers, StatesColumn.Occasion.timers), (showsProcesses, .processes),
      (showsUser, .user), (showsMemory, .memory), (showsInfo, .info), (showsGroup, .group),
      (place.areAll, .namespace),
    ] where isWanted {
      occasion.insert(more)
    }
    return occasion
  }

  /// JSON has every key, whatever is asked for, so that a program need not ask which there are.
  var shownColumns: [StatesColumn] {
    if let columns { return columns.elements.map(\.column) }
    return isJSON
      ? StatesColumn.all : StatesColumn.all.filter { !$0.occasion.isDisjoint(with: occasion) }
  }

  var reading: StatesReading {
    var needs = occasion.needs
    for column in columns?.elements.map(\.column) ?? [] { needs.formUnion(column.needs) }
    if let order { needs.formUnion(order.column.needs) }
    return StatesReading(
      place: place, source: source, query: SocketQuery(wants: needs.wants), filter: filter,
      needs: needs,
      order: order)
  }

  func run(_ narrator: Narrator) throws(Failure) -> Ending {
    var entered = self
    try entered.place.enter()
    return try entered.show(narrator)
  }

  private func show(_ narrator: Narrator) throws(Failure) -> Ending {
    if let process = place.outside, followsEvents || watchInterval != nil {
      throw Failure(
        .failure,
        "the network namespace of process \(process) is watched from inside: it needs root")
    }
    if followsEvents { return try followEvents(narrator) }
    if let watchInterval { return try watchSockets(every: watchInterval, narrator) }
    if let path = capture.target { return try save(to: path, narrator) }
    if let path = capture.earlier { return try showChanges(since: path, narrator) }
    if listeners.areWanted { return try showListeners(narrator) }
    if showsSummary || summaryKey != nil { return try summarize(narrator) }
    var shown = 0
    var outcome: StatesReading.Outcome?
    var readError: SystemCallError?
    var explanations = Explanations()
    try toStandardOutput { output throws(OutputError) in
      var writer = StatesWriter(
        isCSV ? .csv : isJSON ? .json : .text, shownColumns,
        display: Display(descriptor: output.descriptor, color: color), hasHeader: !hasNoHeader,
        isWhole: isWide)
      var walked: Result<StatesReading.Outcome, OutputError>?
      do throws(SystemCallError) {
        walked = try reading.forEachRow { socket, context throws(OutputError) in
          shown += 1
          if explains { explanations.add(socket.row) }
          try writer.write(socket, context, to: &output)
        }
      } catch {
        readError = error
      }
      outcome = try walked?.get()
      // A heading above nothing but an error would look like a table without rows.
      let isTable = outcome.map { $0.saved?.kind != .unknown } ?? false
      if shown > 0 || isTable { try writer.finish(to: &output) }
    }
    if let readError { throw reading.failure(readError) }
    if let outcome {
      try tell(outcome, narrator)
    }
    for line in explanations.text { narrator.tell(Event(nil, line, for: .everybody)) }
    if shown == 0, filter == .everything {
      narrator.line(
        place.file == nil ? "this network namespace has no TCP sockets" : "the table has no sockets"
      )
    }
    return .status(shown > 0 ? .done : .failure)
  }

  private func summarize(_ narrator: Narrator) throws(Failure) -> Ending {
    var reading = reading
    if summaryKey == .process { reading.needs.insert(.owners) }
    let read: (summary: StatesSummary, outcome: StatesReading.Outcome)
    do throws(SystemCallError) {
      read = try StatesSummary.read(reading, by: summaryKey)
    } catch {
      throw reading.failure(error)
    }
    // Of what is no table there is no summary, but an error.
    if read.outcome.saved?.kind == .unknown { try tell(read.outcome, narrator) }
    try toStandardOutput { output throws(OutputError) in
      if isJSON {
        try output.line(read.summary.json)
      } else {
        try read.summary.write(
          to: &output, display: Display(descriptor: output.descriptor, color: color),
          isWhole: isWide)
      }
    }
    try tell(read.outcome, narrator)
    return .status(read.summary.all.total > 0 ? .done : .failure)
  }
}
