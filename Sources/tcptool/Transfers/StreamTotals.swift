// What the streams of one transfer came to, together.

internal import SocketCore

/// The sums, at the end.
struct StreamTotals {
  /// How one stream ended.
  struct Stream {
    var number: Int
    var outcome: RelayOutcome
    var failure: Failure?
    /// When it began, counted from the beginning of the first.
    var began: Duration
  }

  /// How many there were to be.
  let count: Int
  let sends: Bool
  let context: TransferContext
  /// Those that were there, by number.
  let streams: [Stream]
  /// The outcome of a connection that had done it all.
  let whole: RelayOutcome

  /// - Parameters:
  ///   - elapsed: from the beginning of the first stream to the end of the last.
  ///   - processor: the time of this process meanwhile.
  init(
    count: Int, sends: Bool, context: TransferContext, _ streams: [Stream], elapsed: Duration,
    processor: ProcessorTime
  ) {
    self.count = count
    self.sends = sends
    self.context = context
    self.streams = streams.sorted { $0.number < $1.number }
    var whole = RelayOutcome()
    for stream in streams {
      let outcome = stream.outcome
      whole.read += outcome.read
      whole.sent += outcome.sent
      whole.acknowledged += outcome.acknowledged
      whole.received += outcome.received
      whole.undelivered += outcome.undelivered
      whole.sentBy += outcome.sentBy
      whole.receivedBy += outcome.receivedBy
    }
    whole.elapsed = elapsed
    whole.processorTime = processor
    let ends = streams.compactMap { stream in
      stream.outcome.acknowledgedAfter.map { stream.began + $0 }
    }
    if ends.count == count { whole.acknowledgedAfter = ends.max() }
    self.whole = whole
  }

  /// When the last byte had its way behind it.
  var end: Duration { sends ? whole.acknowledgedAfter ?? whole.elapsed : whole.elapsed }

  /// Bytes that the peer acknowledged, or that were received.
  var bytes: Int { sends ? whole.acknowledged : whole.received }

  /// Bits a second of all.
  var rate: Double { Self.rate(bytes, end) }

  /// Bits a second of one.
  func rate(of stream: Stream) -> Double {
    let outcome = stream.outcome
    return sends
      ? Self.rate(outcome.acknowledged, outcome.acknowledgedAfter ?? outcome.elapsed)
      : Self.rate(outcome.received, outcome.elapsed)
  }

  private static func rate(_ bytes: Int, _ elapsed: Duration) -> Double {
    elapsed > .zero ? Double(bytes) * 8 / (elapsed / .seconds(1)) : 0
  }

  /// The ones with the lowest and the highest rate; nil where there is only one.
  var extremes: (slowest: Stream, fastest: Stream)? {
    guard streams.count > 1, let slowest = streams.min(by: { rate(of: $0) < rate(of: $1) }),
      let fastest = streams.max(by: { rate(of: $0) < rate(of: $1) })
    else { return nil }
    return (slowest, fastest)
  }

  /// Segments that were sent again.
  var retransmissions: Int {
    streams.reduce(0) { $0 + ($1.outcome.info?.totalRetransmissions ?? 0) }
  }

  /// Why it was not faster: the clocks of a stream are the means of all.
  var slowness: Slowness? {
    let times = streams.compactMap { stream in
      stream.outcome.info.flatMap {
        SendingTime($0, elapsed: stream.outcome.acknowledgedAfter ?? stream.outcome.elapsed)
      }
    }
    guard whole.acknowledged > 0, !times.isEmpty else { return nil }
    func mean(_ part: (SendingTime) -> Duration) -> Duration {
      times.reduce(.zero) { $0 + part($1) } / times.count
    }
    var slowness = Slowness(
      context: context,
      time: SendingTime(
        elapsed: mean { $0.elapsed }, busy: mean { $0.busy },
        receiveWindow: mean { $0.receiveWindow }, sendBuffer: mean { $0.sendBuffer }),
      bytes: whole.acknowledged)
    let path = RelayReading(
      sumOf: streams.map { RelayReading(endOf: $0.outcome) }, elapsed: whole.elapsed
    ).path
    slowness.processor = whole.processorTime?.total
    slowness.segments = streams.reduce(0) { $0 + ($1.outcome.info?.segmentsSent ?? 0) }
    slowness.retransmissions = retransmissions
    slowness.congestionWindow = path.congestionWindow ?? 0
    slowness.segmentSize = streams.compactMap { $0.outcome.info?.sendMSS }.max() ?? 0
    slowness.roundTrip = path.roundTrip ?? .zero
    return slowness
  }
}
