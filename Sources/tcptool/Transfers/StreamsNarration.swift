// Tells how the streams of one transfer go, and keeps what the exit status depends on.

internal import CommandSpec
internal import Report
internal import SocketCore

/// What looks at the data of each stream.
protocol StreamContents: AnyObject {
  func begin(_ number: Int, _ peer: Endpoint)
  func content(of number: Int) -> (any SessionContent)?
  /// Takes in that a stream is over.
  func end(_ number: Int, isWell: Bool)
}

struct StreamsNarration {
  /// What is known of all streams before there are any.
  struct Plan {
    var streams: StreamCount
    var sends: Bool
    /// How many bytes all of them will move; nil where that is not known.
    var size: Int?
    var relay = RelayOptions()
    var context = TransferContext()
    var measures = MeasureOptions()
    /// What the size of all of them has to be, and what the data of each is compared with.
    var whole: SizeOfAll?
    var pattern: PatternName?

    var count: Int { streams.value }
  }

  private let plan: Plan
  private let narrator: Narrator
  private let contents: any StreamContents
  /// Of the sum.
  private let meter: TransferMeter
  private var meters: [Int: TransferMeter] = [:]
  /// Where a line has the number of its stream; as wide as the largest.
  private let column: Int
  private var before = ProcessorTime.now
  private var began: MonotonicInstant?
  /// How the streams that have ended stood, and when each began.
  private var ended: [Int: RelayReading] = [:]
  private var beginnings: [Int: Duration] = [:]
  private var streams: [StreamTotals.Stream] = []
  private var peer: Endpoint?
  /// Whether those that connect tell of it themselves.
  private let isTold: Bool

  /// - Parameter connects: whether the connections are made here, and told of by who makes them.
  /// - Throws: where the file of --svg cannot be written.
  init(
    _ plan: Plan, connects: Bool, contents: any StreamContents, _ narrator: Narrator
  ) throws(Failure) {
    self.plan = plan
    self.narrator = narrator
    self.contents = contents
    isTold = connects
    column = max(4, "#\(plan.count) ".count)
    meter = try TransferMeter(
      plan.measures, sends: plan.sends, size: plan.size,
      label: narrator.options.isVerbose ? Self.label("all", column) : nil, isLive: true, narrator)
  }

  private static func label(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  /// How often the server is to read how things stand.
  var readingInterval: Duration? { meter.readingInterval }

  mutating func tell(_ event: ServerEvent) {
    switch event {
    case .accepted(let number, let local, let peer):
      contents.begin(number, peer)
      self.peer = peer
      // Those that start together all begin with the last.
      beginnings[number] = began.map { .now - $0 } ?? .zero
      if plan.measures.interval != nil { meters[number] = meter(of: number) }
      guard !isTold else { return }
      narrator.tell(
        .accepted(
          local: local, peer: peer, connection: number,
          for: number == 1 ? .all : narrator.audienceOfStreams))
    case .began(let instant):
      began = instant
      before = ProcessorTime.now
    case .readings(let elapsed, let readings): take(readings, elapsed)
    case .relay(_, .reading): break
    case .relay(let number, let event):
      narrator.tell(.relay(event, asksForEnd: false, number: number))
    case .closed(let number, let local, let peer, let outcome):
      close(number, local: local, peer: peer, outcome)
    case .outOfDescriptors(let error, let open): narrator.tell(.outOfDescriptors(error, open: open))
    // Of servers that do something else.
    case .rejected, .commandEnded, .relistened, .queue: break
    }
  }

  /// That of one stream: programs are always told, people who asked for more.
  private func meter(of number: Int) -> TransferMeter? {
    guard narrator.options.isVerbose || narrator.tellsPrograms else { return nil }
    var measures = plan.measures
    measures.plotFile = nil
    return try? TransferMeter(
      measures, sends: plan.sends, size: nil, number: number,
      label: Self.label("#\(number)", column), for: narrator.audienceOfStreams, isLive: false,
      narrator)
  }

  private mutating func take(_ readings: [Int: RelayReading], _ elapsed: Duration) {
    meter.take(
      RelayReading(
        sumOf: Array(readings.values) + Array(ended.values), elapsed: elapsed))
    for number in readings.keys.sorted() {
      guard var reading = readings[number] else { continue }
      // All lines of an interval have the same end.
      reading.elapsed = elapsed
      meters[number]?.take(reading)
    }
  }

  private mutating func close(
    _ number: Int, local: Endpoint, peer: Endpoint, _ outcome: RelayOutcome
  ) {
    let content = contents.content(of: number)
    let ending = RelayEnding(
      outcome, plan.relay, input: plan.sends ? "the data" : nil,
      whole: plan.sends ? plan.size.map { plan.streams.share(of: $0, for: number) } : nil,
      peer: peer, content: content)
    plan.whole?.end(number, moved: plan.sends ? outcome.sent : outcome.received)
    let beginning = beginnings[number] ?? .zero
    ended[number] = RelayReading(endOf: outcome)
    streams.append(
      StreamTotals.Stream(
        number: number, outcome: outcome, failure: ending.failure, began: beginning))
    if let meter = meters.removeValue(forKey: number), var last = ended[number] {
      last.elapsed += beginning
      let end = plan.sends ? outcome.acknowledgedAfter ?? outcome.elapsed : outcome.elapsed
      _ = meter.finish(last, within: beginning + end, title: "")
    }
    narrator.tell(
      .closed(
        ending, local: local, peer: peer, number: number, context: plan.context,
        for: narrator.audienceOfStreams))
    if let failure = ending.failure {
      narrator.tell(.connectionFailed(failure, connection: number))
    }
    contents.end(number, isWell: ending.failure == nil && outcome.signal == nil)
  }

  /// Tells the sums, and says what the ending of the server amounts to.
  func ending(_ ending: ServerEnding) throws(Failure) -> Ending {
    let totals = StreamTotals(
      count: plan.count, sends: plan.sends, context: plan.context, streams,
      elapsed: began.map { .now - $0 } ?? .zero, processor: .now - before)
    let plotFailure = meter.finish(
      RelayReading(sumOf: Array(ended.values), elapsed: totals.whole.elapsed),
      within: totals.end, title: title)
    narrator.tell(.streams(totals))
    switch ending {
    case .signal(let signal): return .signal(signal)
    case .localFailure(let error): throw Failure(ofThisEnd: error)
    case .finished, .acceptTimeout: break
    }
    if let failure = failure(totals) { throw failure }
    if let plotFailure { throw plotFailure }
    if plan.whole != nil || plan.pattern != nil {
      narrator.tell(
        .verified(totals.bytes, on: plan.count, hasSize: plan.whole != nil, plan.pattern))
    }
    return .status(.done)
  }

  private var title: String {
    let verb = plan.sends ? "Sent to" : "Received from"
    return "\(verb) \(peer.map { "\($0.address)" } ?? "nobody") on "
      + Units.plural(plan.count, "stream")
  }

  private func failure(_ totals: StreamTotals) -> Failure? {
    let lost = totals.streams.filter { $0.failure != nil }
    if let first = lost.first, let failure = first.failure {
      return Failure(
        failure.status,
        "\(Units.count(lost.count)) of \(Units.plural(plan.count, "stream")) lost; "
          + "\(lost.count == 1 ? "it is" : "the first is") #\(first.number): \(failure.message)")
    }
    guard totals.streams.count < plan.count else { return nil }
    return Failure(
      .timeout,
      "only \(Units.count(totals.streams.count)) of \(Units.plural(plan.count, "stream")) came: no "
        + "other one within \((plan.relay.idleTimeout ?? .zero).argumentText) (--idle-timeout)")
  }
}

extension Narrator {
  /// For whom the lines of each stream are, of which there may be many.
  var audienceOfStreams: Event.Audience { options.isVerbose ? .all : .programs }
}
