// Why a transfer was not faster: one sentence from the kernel's clocks of the socket, and which option
// would change it.

internal import CommandSpec
internal import Report
internal import SocketCore

/// What the engine does not know of what was sent.
struct TransferContext: Sendable {
  /// Where the data came from: a program or a person in front, a file, this program itself (of a
  /// pattern, of zeros, of the characters of listen), or the peer, to whom it goes back.
  enum Source: Sendable { case stream, file, made, zeros, characters, peer }
  var source = Source.stream
  /// Whether it was divided among streams.
  var isDivided = false
  /// --rate.
  var rate: BitRate?
  /// What --sndbuf asked for; nil where the buffer grows by itself.
  var sendBuffer: Int?
  /// Whether all bytes are copied through this process because somebody asked for that.
  var isCopied = false
  /// The options for which a digest is computed on the way.
  var digestOptions: [String] = []

  /// What a message calls the source.
  var sourceName: String {
    switch source {
    case .stream: "standard input"
    case .file: "the file"
    case .made, .zeros, .characters, .peer: "the data"
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
  /// Bytes of a segment.
  var segmentSize = 0
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
    segmentSize = info.sendMSS
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
    case .application: return idleSentence
    case .receiveWindow:
      return
        "held back by the peer's receive window \(percent(time.receiveWindow)): a faster reader "
        + "or a larger --rcvbuf there would change that"
    case .sendBuffer:
      return "held back by the send buffer \(percent(time.sendBuffer)): \(bufferAdvice)"
    case .processor:
      return "held back by this end's processor, busy \(percent(processor ?? .zero))"
        + (savings.map { ": \($0)" } ?? "")
    case .congestion: return "held back by the path \(percent(time.path)), \(pathCause)"
    }
  }

  /// What is said where there was nothing to send.
  private var idleSentence: String {
    let share = "with nothing to send \(percent(time.application))"
    // Its own work, and not the source, where most of the time went by with it.
    if let withoutDigest, self.share(processor ?? .zero) >= 0.5 {
      return "held back by its digest, \(share): \(withoutDigest) it has less to do"
    }
    switch context.source {
    case .stream:
      return "held back by its input, \(share): a faster program in front of it would change that"
    case .file: return "held back by its input, \(share): a faster disk may change that"
    case .peer: return "held back by the peer, \(share): only what it sends is sent back"
    case .made: return "held back by this end, \(share): --pattern zero is made the fastest"
    case .zeros where context.isDivided:
      return "held back by this end, \(share) on a stream: one thread writes to all of them, and a "
        + "second tcptool beside it would have another"
    case .zeros:
      return "held back by this end, \(share): more connections at once (--streams) may change that"
    case .characters: return "held back by this end, \(share)"
    }
  }

  private var bufferAdvice: String {
    "a larger --sndbuf" + (context.sendBuffer == nil ? "" : ", or none so that it grows,")
      + " would change that"
  }

  private var withoutDigest: String? {
    context.digestOptions.isEmpty
      ? nil : "without " + context.digestOptions.joined(separator: " and ")
  }

  /// What would leave this end less to do; nil where nothing would.
  private var savings: String? {
    let changes = [
      context.isCopied ? "with --copy auto" : nil, withoutDigest,
      context.source == .made ? "with --pattern zero" : nil,
    ].compactMap(\.self)
    if !changes.isEmpty { return changes.joined(separator: " and ") + " it has less to do" }
    return context.source == .zeros
      ? "it has one thread, and a second tcptool beside it would have another" : nil
  }

  /// What kept the path from taking more, and what may change that.
  private var pathCause: String {
    // The kernel's clock for a full buffer often does not see one that is smaller than the window.
    if let buffer = context.sendBuffer, buffer < congestionWindow * segmentSize {
      return "since the send buffer has room for less than the congestion window: \(bufferAdvice)"
    }
    let cause =
      Double(retransmissions) > Double(segments) / 1_000
      ? "\(Units.plural(retransmissions, "segment")) had to be sent again"
      : "\(Units.plural(congestionWindow, "segment")) a round trip of "
        + Units.duration(roundTrip)
    return "\(cause): another --congestion may change that"
  }
}
