// connect --count and --interval: one handshake after another, as ping sends its requests.

internal import Glibc
internal import Report
internal import SocketCore

/// Does handshakes until the count is reached or a signal comes, tells each, and sums up.
func repeatHandshakes(
  with typed: TypedEndpoint, _ options: RepetitionOptions, timeout: Duration?,
  _ dialing: DialOptions, _ sockets: SocketSettings, narrator: Narrator
) throws(Failure) -> Ending {
  let targets = try typed.destination(dialing, narrator).targets
  guard !targets.isEmpty else {
    throw Failure(withoutAddress: typed.text)
  }
  // Before the first handshake: what cannot be written is found out first.
  let plot = try ResultFile(options.plotFile)
  var race = dialing.race
  race.socketOptions = sockets.plan(narrator)
  var session = SeriesSession(
    HandshakeSeries.Plan(
      targets: targets, count: options.count?.value,
      interval: options.interval ?? RepetitionOptions.defaultInterval,
      timeout: timeout ?? RepetitionOptions.defaultTimeout, race: race),
    host: typed.text, tracer: sockets.tracer(narrator), narrator)
  let ending: Ending
  do throws(Failure) {
    var loop = try ReadinessLoop.forProgram()
    ending = try session.run(&loop, plot)
  } catch {
    try? session.write(plot)
    throw error
  }
  // A file that is no file on a disk may have a reader that keeps it waiting: signals end that.
  try session.write(plot)
  return ending
}

/// A series that is under way, and what is told of it.
private struct SeriesSession: ~Copyable {
  private var series: HandshakeSeries
  private var tally = HandshakeTally()
  private var elapsed = Duration.zero
  private var isInterrupted = false
  private let host: String
  private let tracer: CallTracer
  private let narrator: Narrator
  private let display = Display(descriptor: STDOUT_FILENO)
  private let began = WallClock.dateAndTime(unixMicroseconds: WallClock.unixMicroseconds)
  /// How long a signal waits for a reader that takes nothing, before the summary is given up.
  private static let patience = Duration.seconds(1)

  init(
    _ plan: HandshakeSeries.Plan, host: String, tracer: CallTracer, _ narrator: Narrator
  ) {
    series = HandshakeSeries(plan)
    self.host = host
    self.tracer = tracer
    self.narrator = narrator
  }

  /// Does the handshakes, and sums up.
  ///
  /// - Returns: what they amount to, or the signal that is to be seen.
  mutating func run(_ loop: inout ReadinessLoop, _ plot: ResultFile) throws(Failure) -> Ending {
    narrator.tell(.seriesBegins(series.plan, with: host))
    // The loop and the file have taken a moment; the series begins now.
    series = HandshakeSeries(series.plan)
    var output = PatientOutput(.standard())
    let signal: Int32?
    do throws(SystemCallError) {
      signal = try handshakes(&output, &loop)
    } catch {
      signal = try Self.signal(for: error)
    }
    narrator.endShow()
    // A signal that comes now has to wait until the file is whole. Where it cannot be written, that is
    // told after the summary, which is not lost for it.
    let plotted = Result { () throws(Failure) in if plot.isOnDisk { try write(plot) } }
    let ending = signal == SIGPIPE ? .signal(SIGPIPE) : try sumUp(after: signal, &output, &loop)
    try plotted.get()
    return ending
  }

  /// Writes the summary.
  private func sumUp(
    after signal: Int32?, _ output: inout PatientOutput, _ loop: inout ReadinessLoop
  ) throws(Failure) -> Ending {
    let text = try summed()
    do throws(SystemCallError) {
      try output.write(text)
      let deadline = signal.map { _ in MonotonicInstant.now + Self.patience }
      switch (try output.finish(until: deadline, loop: &loop), signal) {
      case (.signal(let late), _): return .signal(late)
      case (.deadline, let signal?): return .signal(signal)
      default: return ending(after: signal)
      }
    } catch {
      return .signal(try Self.signal(for: error))
    }
  }

  /// SIGPIPE where nobody reads standard output any more, which is no failure.
  private static func signal(for error: SystemCallError) throws(Failure) -> Int32 {
    guard error.call == "write" else { throw Failure(.localEnd, error) }
    if error.errno == .brokenPipe { return SIGPIPE }
    throw Failure(.localStream, error)
  }

  private mutating func handshakes(
    _ output: inout PatientOutput, _ loop: inout ReadinessLoop
  ) throws(SystemCallError) -> Int32? {
    let digits = max(3, "\(series.plan.count ?? 0)".count)
    let isRace = series.plan.targets.count > 1
    while let next = series.next {
      if let signal = try output.wait(until: next, loop: &loop) { return signal }
      var silence = SilenceNarration(narrator)
      let step = try series.handshake(loop: &loop, tracer: tracer) { event in
        switch event {
        // With a single address the line of the handshake says it all. With several, one that fails
        // each time would drown the results.
        case .failed(let failed):
          let isWanted = narrator.options.isVerbose
          if isRace { narrator.tell(.attempt(failed, for: isWanted ? .all : .programs)) }
        case .waiting(let attempts): silence.tell(attempts)
        }
      }
      elapsed = .now - series.start
      switch step {
      case .signal(let signal):
        isInterrupted = true
        return signal
      case .round(let round):
        tally.add(round)
        let event = Event.handshake(round, digits: digits)
        narrator.record(event)
        if narrator.options.isQuiet { continue }
        narrator.endShow()
        try output.write((narrator.options.isJSON ? "\(event.json)" : shown(event)) + "\n")
      }
    }
    return nil
  }

  private func shown(_ event: Event) -> String { display.fit(event.text, indent: event.indent) }

  private var summary: HandshakeSummary {
    HandshakeSummary(
      host: host, plan: series.plan, tally: tally, elapsed: elapsed,
      missedTicks: series.missedTicks, isInterrupted: isInterrupted)
  }

  /// Writes the plot, unless there is nothing in it.
  func write(_ plot: ResultFile) throws(Failure) {
    if tally.count > 0 { try plot.write { summary.chart(began: began).svg } }
  }

  /// The summary as standard output gets it.
  private func summed() throws(Failure) -> String {
    let event = Event.handshakeSummary(summary)
    narrator.record(event)
    if narrator.options.isJSON { return "\(event.json)\n" }
    let summary = summary
    do throws(OutputError) {
      // Apart from the lines before it, and from the ^C of the terminal.
      return try (narrator.options.isQuiet ? "" : "\n")
        + OutputBuffer.text { output throws(OutputError) in
          try summary.write(to: &output, display)
        }
    } catch {
      throw Failure(.localStream, error.description)
    }
  }

  /// What the handshakes amount to.
  private func ending(after signal: Int32?) -> Ending {
    if let signal, signal != SIGINT || tally.count == 0 { return .signal(signal) }
    return .status(tally.worst.map { ExitStatus($0) } ?? .done)
  }
}
