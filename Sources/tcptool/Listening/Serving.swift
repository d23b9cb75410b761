// What a server tells, and what its ending amounts to.

internal import CommandSpec
internal import Glibc
internal import KernelTables
internal import Report
internal import SocketCore

/// Tells what happens while a listener is served, and keeps what the exit status depends on.
struct ServerNarration {
  private let narrator: Narrator
  private let options: ServeOptions
  /// What the relay of each connection is told.
  private let relay: RelayOptions
  /// What each connection is sent.
  private let context: TransferContext
  private let isPlural: Bool
  /// Whether everybody is told what moved, since that is what it is for.
  private let saysTotals: Bool
  /// What looks at the data of a connection.
  private let content: (Int) -> (any SessionContent)?
  /// Whether a person at the keyboard may have to end a connection.
  private let asksForEnd: Bool
  /// What follows each connection, where that was asked for.
  private let measures: MeasureOptions
  private var meters: [Int: TransferMeter] = [:]
  private var queues: QueueNarration
  private var localEnded = false
  private(set) var connections = 0
  /// The first failure of a connection, and how many there were.
  private(set) var failure: Failure?
  private(set) var failures = 0

  init(
    _ narrator: Narrator, _ options: ServeOptions, isPlural: Bool, asksForEnd: Bool,
    hasTerminalToItself: Bool, listener: BoundAddress, saysTotals: Bool = false,
    measures: MeasureOptions = MeasureOptions(), sendBuffer: Int? = nil,
    content: @escaping (Int) -> (any SessionContent)? = { _ in nil }
  ) {
    self.content = content
    self.measures = measures
    self.saysTotals = saysTotals
    self.narrator = narrator
    self.options = options
    relay = options.connectionRelay
    var context = TransferContext()
    context.source = options.service.source
    context.sendBuffer = sendBuffer
    self.context = context
    self.isPlural = isPlural
    self.asksForEnd = asksForEnd
    queues = QueueNarration(
      narrator, isLive: hasTerminalToItself && narrator.showsLive, of: listener)
  }

  mutating func tell(_ event: ServerEvent) {
    func number(_ connection: Int) -> Int? { isPlural ? connection : nil }
    switch event {
    case .accepted(let connection, let local, let peer):
      connections += 1
      if measures.interval != nil {
        meters[connection] = try? TransferMeter(
          measures, sends: false, size: nil, number: number(connection), isLive: false, narrator)
      }
      narrator.tell(
        for: .all, .accepted(local: local, peer: peer, connection: number(connection)))
    case .rejected(let peer): narrator.tell(.rejected(peer))
    // Of the streams of one transfer, which are told in their own way.
    case .began, .readings: break
    case .relay(let connection, .reading(let reading)): meters[connection]?.take(reading)
    case .relay(let connection, let event):
      let asks = asksForEnd && !localEnded && !options.relay.endsWithPeer
      if event == .localEnded { localEnded = true }
      narrator.tell(
        for: asks ? .all : .programs,
        .relay(event, asksForEnd: asks, number: number(connection)))
    case .commandEnded(let connection, let status):
      narrator.tell(.commandEnded(status, number: number(connection)))
    case .closed(let connection, let local, let peer, let outcome):
      let ending = RelayEnding(
        outcome, relay, input: options.service.inputName, peer: peer,
        content: content(connection))
      _ = meters.removeValue(forKey: connection)?.finish(outcome, peer: peer)
      let audience = Self.audienceOfEndings(saysTotals: saysTotals)
      narrator.tell(
        for: audience,
        .closed(
          ending, local: local, peer: peer, number: number(connection), context: context,
          for: audience))
      if let failure = ending.failure, isOwnFailure(outcome) { note(failure, connection) }
    case .relistened(let backlog, let result): narrator.tell(.relistened(backlog, result))
    case .outOfDescriptors(let error, let open): narrator.tell(.outOfDescriptors(error, open: open))
    case .queue(let queue, let drops): queues.tell(queue, drops: drops)
    }
  }

  /// For whom it is how a connection ended.
  ///
  /// - Parameter saysTotals: whether what moved is what it is for.
  static func audienceOfEndings(saysTotals: Bool = false) -> Event.Audience {
    saysTotals ? .all : .curious
  }

  /// Whether what failed is this connection's affair.
  private func isOwnFailure(_ outcome: RelayOutcome) -> Bool {
    switch options.service {
    // Standard input and output are everybody's: the ending tells it, once.
    case .relay: outcome.localError == nil
    // Data without end has no whole that a peer could have missed.
    case .generate(size: nil): outcome.localError != nil
    default: true
    }
  }

  private mutating func note(_ new: Failure, _ connection: Int) {
    failures += 1
    failure = failure ?? new
    if isPlural { narrator.tell(.connectionFailed(new, connection: connection)) }
  }

  /// What the ending of the server amounts to.
  func ending(_ ending: ServerEnding) throws(Failure) -> Ending {
    queues.finish()
    switch ending {
    case .signal(let signal): return .signal(signal)
    case .localFailure(let error): throw Failure(ofThisEnd: error)
    case .acceptTimeout:
      throw Failure(
        .noAnswer,
        "no client came within \((options.acceptTimeout ?? .zero).argumentText) (--accept-timeout)")
    case .finished:
      guard let failure else { return .status(.done) }
      if !isPlural { throw failure }
      throw Failure(
        failure.status,
        "\(Units.count(failures)) of \(Units.plural(connections, "connection")) failed; "
          + "the first: \(failure.message)")
    }
  }
}

/// Tells how the queues of a listener stand: on a terminal all the time, elsewhere at each change.
private struct QueueNarration {
  private let narrator: Narrator
  /// Whether a line is drawn over and over; not where it would be torn by data.
  private let isLive: Bool
  private let listener: BoundAddress
  private let before: CounterSnapshot?
  private var highWater = 0
  private var last: QueueReading?

  init(_ narrator: Narrator, isLive: Bool, of listener: BoundAddress) {
    self.narrator = narrator
    self.isLive = isLive
    self.listener = listener
    before = try? CounterSnapshot.read()
  }

  mutating func tell(_ queue: Listener.Queue, drops: Int?) {
    highWater = max(highWater, queue.length)
    let reading = QueueReading(
      length: queue.length, backlog: queue.backlog, highWater: highWater,
      synReceived: try? SocketTable.countRequests(at: listener), drops: drops,
      overflows: before.flatMap {
        try? CounterSnapshot.read().increase(of: "ListenOverflows", since: $0)
      })
    defer { last = reading }
    if isLive {
      let hasUnicode = Display(descriptor: STDERR_FILENO).hasUnicode
      narrator.show(reading.liveLine(unicode: hasUnicode), short: reading.shortLine)
      if reading != last { narrator.tell(.queues(reading, for: .programs)) }
    } else if reading != last {
      narrator.tell(.queues(reading, for: .all))
    }
  }

  /// Leaves the last reading on a terminal, where each took the place of the one before.
  func finish() {
    if let last, isLive { narrator.line(last.line) }
  }
}

/// How the queues of a listener stood at one moment.
struct QueueReading: Equatable {
  var length: Int
  var backlog: Int
  /// The greatest length that was seen.
  var highWater: Int
  /// Requests in the SYN queue; nil where the tables could not be read.
  var synReceived: Int?
  /// What this listener dropped since it was made.
  var drops: Int?
  /// How far the counter of the network namespace went up.
  var overflows: Int?
}

extension Service {
  /// Where what a client gets comes from.
  fileprivate var source: TransferContext.Source {
    switch self {
    case .relay, .command: .stream
    case .echo: .peer
    case .file: .file
    case .generate: .characters
    // Nothing is sent, or by somebody else's account.
    case .discard, .receive, .supply: .stream
    }
  }

  /// What a message calls the source of what a client gets; nil where it has no end of its own.
  fileprivate var inputName: String? {
    switch self {
    case .relay: "standard input"
    case .generate(let size): size == nil ? nil : "the data"
    case .file(let path): path
    case .supply: "the data"
    case .echo, .discard, .receive, .command: nil
    }
  }
}
