// Why a transfer was not faster: one sentence from the kernel's clocks of the socket, and which option
// would change it.

internal import CommandSpec
internal import Report
internal import SocketCore

/// What the engine does not know of what was sent.
struct TransferContext: Sendable {
  /// Where the data came from.
  enum Source: Sendable { case stream, file, made, zeros }
  var source = Source.stream
  /// --rate.
  var rate: BitRate?
  /// Whether --sndbuf gave the send buffer a size.
  var hasOwnSendBuffer = false

  /// What a message calls the source.
  var sourceName: String {
    switch source {
    case .stream: "standard input"
    case .file: "the file"
    case .made, .zeros: "the data"
    }
  }
}

/// The facts that the sentence is made of.
struct Slowness {
  var context = TransferContext()
  var time: SendingTime
  /// Bytes that the peer acknowledged.
  var bytes: Int
  /// The processor time of this process, where nothing else used it.
  var processor: Duration?
  /// Segments, and how many of them were sent again.
  var segments = 0
  var retransmissions = 0
  /// Segments.
  var congestionWindow = 0
  var roundTrip = Duration.zero

  /// - Returns: nil where nothing was sent, or where the kernel keeps no clocks.
  init?(_ outcome: RelayOutcome, _ context: TransferContext) {
    guard outcome.acknowledged > 0, let info = outcome.info,
      let time = SendingTime(info, elapsed: outcome.acknowledgedAfter ?? outcome.elapsed)
    else { return nil }
    self.init(context: context, time: time, bytes: outcome.acknowledged)
    processor = outcome.processorTime?.total
    segments = info.segmentsSent ?? 0
    retransmissions = info.totalRetransmissions
    congestionWindow = info.congestionWindow
    roundTrip = info.roundTripTime
  }

  init(context: TransferContext = TransferContext(), time: SendingTime, bytes: Int) {
    self.context = context
    self.time = time
    self.bytes = bytes
  }

  enum Reason: String {
    case rate, application, processor, congestion
    case receiveWindow = "receive_window"
    case sendBuffer = "send_buffer"
  }

  var reason: Reason {
    // Nearly as fast as it was allowed to be. The clocks count the wait for that as the path's.
    if let rate = context.rate, Double(bytes) * 8 >= 0.85 * Double(rate.bits) * seconds {
      return .rate
    }
    switch time.limit {
    case .receiveWindow: return .receiveWindow
    case .sendBuffer: return .sendBuffer
    // There is one thread: a processor that worked nearly all the time for it gave all it had.
    case _ where share(processor ?? .zero) >= 0.85: return .processor
    case .application: return .application
    case .congestion: return .congestion
    }
  }

  private var seconds: Double { time.elapsed / .seconds(1) }

  private func share(_ part: Duration) -> Double {
    time.elapsed > .zero ? part / time.elapsed : 0
  }

  private func percent(_ part: Duration) -> String {
    Units.percent(max(0, part.nanoseconds), of: max(1, time.elapsed.nanoseconds)) + " of the time"
  }

  var sentence: String {
    switch reason {
    case .rate:
      return "held to \(context.rate?.argumentText ?? "its rate") by --rate"
    case .application:
      let advice =
        switch context.source {
        case .stream: "a faster program in front of it would change that"
        case .file: "a faster disk would change that"
        case .made: "--pattern zero is made the fastest"
        case .zeros: "more connections at once (--streams) may change that"
        }
      return
        "held back by its input, with nothing to send \(percent(time.application)): \(advice)"
    case .receiveWindow:
      return
        "held back by the peer's receive window \(percent(time.receiveWindow)): a faster reader "
        + "or a larger --rcvbuf there would change that"
    case .sendBuffer:
      return "held back by the send buffer \(percent(time.sendBuffer)): a larger --sndbuf"
        + (context.hasOwnSendBuffer ? ", or none so that it grows," : "") + " would change that"
    case .processor:
      return "held back by this end's processor, busy \(percent(processor ?? .zero)): --copy auto "
        + "without --digest costs it the least"
    case .congestion:
      let cause =
        Double(retransmissions) > Double(segments) / 1_000
        ? "\(Units.plural(retransmissions, "segment")) had to be sent again"
        : "\(Units.plural(congestionWindow, "segment")) a round trip of "
          + Units.duration(roundTrip)
      return "held back by the path \(percent(time.path)), \(cause): another --congestion may "
        + "change that"
    }
  }
}
