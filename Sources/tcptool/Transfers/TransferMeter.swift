// Follows one transfer while it lasts: lines of --interval, the live line of a terminal, the plot.

internal import Glibc
internal import Report
internal import SocketCore

final class TransferMeter {
  private let interval: Duration?
  private let narrator: Narrator
  private let sends: Bool
  /// How many bytes it will be; nil where that is not known.
  private let size: Int?
  /// The connection's number, where there are several.
  private let number: Int?
  /// What stands before a line; nil is what the number says.
  private let label: String?
  private let audience: Event.Audience
  private let isLive: Bool
  private let plot: ResultFile
  private let plots: Bool
  private var samples = TransferSamples()
  private var last = RelayReading(elapsed: .zero)
  /// When the present interval ends.
  private var boundary: Duration
  private var hasHeader = false
  private let began = WallClock.unixMicroseconds

  /// How often the live line is drawn, and a point of the plot is taken.
  private static let liveInterval = Duration.milliseconds(200)
  private static let plotInterval = Duration.milliseconds(50)

  /// - Parameters:
  ///   - sends: whether it is the sending that is measured.
  ///   - label: what stands before each line, in a column of its own.
  ///   - audience: whom the lines are for.
  ///   - isLive: whether a terminal may show how it goes, if there is one.
  /// - Throws: where the file of --svg cannot be written.
  init(
    _ options: MeasureOptions, sends: Bool, size: Int?, number: Int? = nil, label: String? = nil,
    for audience: Event.Audience = .all, isLive: Bool, _ narrator: Narrator
  ) throws(Failure) {
    interval = options.interval
    boundary = options.interval ?? .zero
    self.sends = sends
    self.size = size
    self.number = number
    self.label = label
    self.audience = audience
    self.narrator = narrator
    self.isLive = isLive && narrator.showsLive
    plots = options.plotFile != nil
    plot = try ResultFile(options.plotFile)
  }

  /// How often the engine is to read how things stand: often enough for all of it, and at each end of
  /// an interval.
  var readingInterval: Duration? {
    let wanted = plots ? Self.plotInterval : isLive ? Self.liveInterval : nil
    guard let interval else { return wanted }
    guard let wanted, wanted < interval else { return interval }
    let parts = (interval.nanoseconds - 1) / wanted.nanoseconds + 1
    return .nanoseconds(interval.nanoseconds / parts)
  }

  /// Whether programs are told by intervals already.
  var tellsIntervals: Bool { interval != nil }

  func take(_ reading: RelayReading) {
    if isLive || plots { samples.add(reading, sends: sends) }
    // Parts of an interval may be some nanoseconds short of it.
    if let interval, reading.elapsed + .microseconds(1) >= boundary {
      tell(reading)
      boundary = interval * Int((reading.elapsed + .microseconds(1)) / interval + 1)
    }
    if isLive { show() }
  }

  private func tell(_ reading: RelayReading) {
    let part = TransferInterval(from: last, to: reading, sends: sends)
    last = reading
    if !hasHeader, number == nil, !narrator.options.isJSON, !narrator.options.isQuiet {
      let column = String(repeating: " ", count: label?.count ?? 0)
      narrator.line(column + TransferInterval.header(sends: sends))
    }
    hasHeader = true
    narrator.tell(.interval(part, number: number, label: label, for: audience))
  }

  private func show() {
    let display = Display(descriptor: STDERR_FILENO)
    let progress = TransferProgress(samples, size: size)
    narrator.show(
      progress.line(width: display.columns - 1, unicode: display.hasUnicode),
      short: progress.shortLine)
  }

  /// Takes the end in: the rest of the last interval, and the plot.
  ///
  /// - Returns: why the file of --svg was not written: how the transfer ended matters more.
  func finish(_ outcome: RelayOutcome, peer: Endpoint) -> Failure? {
    // What follows the last acknowledgement is no time of the transfer.
    let end = sends ? outcome.acknowledgedAfter ?? outcome.elapsed : outcome.elapsed
    return finish(
      RelayReading(endOf: outcome), within: end,
      title: sends ? "Sent to \(peer)" : "Received from \(peer)")
  }

  /// The same of what has no single outcome.
  ///
  /// - Parameters:
  ///   - end: when the last byte had its way behind it.
  ///   - title: of the plot.
  func finish(_ last: RelayReading, within end: Duration, title: String) -> Failure? {
    narrator.endShow()
    var reading = last
    if end > self.last.elapsed { reading.elapsed = end }
    let last = self.last
    let hasMoved = reading.acknowledged + reading.received > last.acknowledged + last.received
    // The FIN takes a moment behind the last interval: a line of no bytes in no time says nothing.
    if let interval, hasMoved || end > last.elapsed + interval / 20 { tell(reading) }
    guard plots else { return nil }
    samples.finish(reading, sends: sends)
    do throws(Failure) {
      try plot.write { chart(title).svg }
      return nil
    } catch {
      return error
    }
  }

  private func chart(_ title: String) -> Chart {
    samples.chart(
      title: title, began: WallClock.dateAndTime(unixMicroseconds: began), sends: sends)
  }
}

extension RelayReading {
  /// How a connection stood when it had ended.
  init(endOf outcome: RelayOutcome) {
    self.init(
      elapsed: outcome.elapsed, sent: outcome.sent, acknowledged: outcome.acknowledged,
      received: outcome.received + outcome.undelivered, unread: 0,
      buffered: outcome.sent - outcome.acknowledged, info: outcome.info)
  }
}
