// A transfer while it lasts: the line of an interval, the live line of a terminal, the plot.

internal import Report
internal import SocketCore

/// One interval of a transfer.
struct TransferInterval {
  let start: Duration
  let reading: RelayReading
  let sends: Bool
  /// Bytes that were acknowledged, or received, in it.
  let bytes: Int
  /// Segments that were sent again in it.
  let retransmissions: Int

  init(from earlier: RelayReading, to reading: RelayReading, sends: Bool) {
    start = earlier.elapsed
    self.reading = reading
    self.sends = sends
    bytes =
      sends
      ? reading.acknowledged - earlier.acknowledged : reading.received - earlier.received
    retransmissions = reading.path.retransmissions - earlier.path.retransmissions
  }

  /// Bits a second.
  var rate: Double {
    let seconds = (reading.elapsed - start) / .seconds(1)
    return seconds > 0 ? Double(bytes) * 8 / seconds : 0
  }

  private static let widths = (time: 8, rate: 13, size: 11, count: 7)

  /// The names of the columns.
  static func header(sends: Bool) -> String {
    let common = "until".padded(widths.time) + "rate".padded(widths.rate)
    return sends
      ? common + "acked".padded(widths.size) + "resent".padded(widths.count)
        + "cwnd".padded(widths.count) + "RTT".padded(widths.size)
        + "in flight".padded(widths.size) + "unsent".padded(widths.size)
      : common + "received".padded(widths.size) + "unread".padded(widths.size)
        + "window".padded(widths.size)
  }

  /// The cells under them.
  var row: String {
    func size(_ bytes: Int?) -> String {
      (bytes.map { Units.bytes($0) } ?? "-").padded(Self.widths.size)
    }
    let path = reading.path
    let common =
      Units.duration(.milliseconds(Int(reading.elapsed / .milliseconds(1)))).padded(
        Self.widths.time) + Units.bitRate(rate).padded(Self.widths.rate) + size(bytes)
    guard sends else { return common + size(reading.unread) + size(path.receiveWindow) }
    return common + "\(retransmissions)".padded(Self.widths.count)
      + (path.congestionWindow.map { "\($0)" } ?? "-").padded(Self.widths.count)
      + (path.roundTrip.map { Units.duration($0) } ?? "-").padded(Self.widths.size)
      + size(reading.inFlight) + size(path.unsent)
  }
}

extension String {
  /// With blanks in front, and one at least.
  fileprivate func padded(_ width: Int) -> String {
    String(repeating: " ", count: max(1, width - count)) + self
  }
}

extension Event {
  /// - Parameters:
  ///   - number: that of one connection of several.
  ///   - label: what stands before the line, in place of that.
  static func interval(
    _ interval: TransferInterval, number: Int?, label: String? = nil, for audience: Audience = .all
  ) -> Event {
    let reading = interval.reading
    return Event(
      "interval", (label ?? tag(number)) + interval.row, for: audience, indent: 8,
      [
        ("connection", reading.streams == nil ? .init(number ?? 1) : .null),
        ("streams", .init(reading.streams)), ("start_ns", .init(nanoseconds: interval.start)),
        ("end_ns", .init(nanoseconds: reading.elapsed)), ("bytes", .init(interval.bytes)),
        ("bits_per_second", .init(Int(interval.rate.rounded()))),
        ("segments_retransmitted", .init(interval.retransmissions)),
        ("bytes_written", .init(reading.sent)),
        ("bytes_acknowledged", .init(reading.acknowledged)),
        ("bytes_in_flight", .init(reading.inFlight)),
        ("bytes_unsent", .init(reading.path.unsent)),
        ("bytes_received", .init(reading.received)), ("bytes_unread", .init(reading.unread)),
        ("tcp_info", reading.info?.json ?? .null),
      ])
  }
}

/// How far a transfer is, for the last line of a terminal.
struct TransferProgress {
  private let bytes: Int
  private let elapsed: Duration
  private let rates: [Int]
  /// Bits a second of the last second.
  private let rate: Double
  private let size: Int?

  init(_ samples: TransferSamples, size: Int?) {
    bytes = samples.all.last?.bytes ?? 0
    elapsed = samples.all.last?.elapsed ?? .zero
    rates = samples.rates.suffix(200).map { Int($0) }
    rate = samples.rate(over: .seconds(1))
    self.size = size.flatMap { $0 > 0 ? $0 : nil }
  }

  private static let barWidth = 20
  /// Where the sparkline would have less room, it is left out.
  private static let leastGraph = 8
  private static let mostGraph = 60

  func line(width: Int, unicode: Bool) -> String {
    let fill =
      size.map {
        "[" + bar(fraction: Double(bytes) / Double($0), width: Self.barWidth, unicode: unicode)
          + "] "
      } ?? ""
    let text = fill + shortLine
    let room = min(Self.mostGraph, width - text.count - 2)
    guard room >= Self.leastGraph else { return text }
    return text + "  " + sparkline(rates.suffix(room), unicode: unicode)
  }

  /// The same without graphs.
  var shortLine: String {
    let speed = Units.bitRate(rate)
    guard let size else { return "\(Units.bytes(bytes)) in \(time(elapsed)), \(speed)" }
    let rest = rate > 0 ? Double(max(0, size - bytes)) * 8 / rate : nil
    let eta = rest.map { $0 < 1e7 ? ", \(time(.milliseconds(Int64($0 * 1_000)))) left" : "" } ?? ""
    return "\(Units.percent(bytes, of: size)) of \(Units.bytes(size)), \(speed)\(eta)"
  }

  /// Whole seconds: more would only flicker.
  private func time(_ duration: Duration) -> String {
    let seconds = (duration / .seconds(1)).rounded(.up)
    return Units.duration(.seconds(Int64(seconds)))
  }
}

extension TransferSamples {
  /// The course as a chart.
  ///
  /// - Parameter began: when, as a person writes it.
  func chart(title: String, began: String, sends: Bool) -> Chart {
    func seconds(_ sample: Sample) -> Double { sample.elapsed / .seconds(1) }
    let rates = rates
    let last = all.last.map { seconds($0) } ?? 0
    // Each rate holds from its first sample to the next.
    var steps = zip(all, rates).map { Chart.Point(seconds($0), $1) }
    if let rate = rates.last { steps.append(Chart.Point(last, rate)) }
    var series = [Chart.Series("", .steps, .blue, steps)]
    let again = zip(zip(all, all.dropFirst()), rates).filter {
      $0.0.1.retransmissions > $0.0.0.retransmissions
    }.map { Chart.Point(seconds($0.0.1), $0.1) }
    if !again.isEmpty {
      series[0].name = "rate"
      series.append(Chart.Series("segments sent again", .points(.cross), .red, again))
    }
    let mean = last > 0 ? Double(all.last?.bytes ?? 0) * 8 / last : 0
    func line(_ ink: Chart.Ink, _ value: (Sample) -> Double?) -> [Chart.Series] {
      [Chart.Series("", .line, ink, all.dropFirst().map { .init(seconds($0), value($0)) })]
    }
    func mebibytes(_ title: String) -> Chart.Axis {
      Chart.Axis("\(title), MiB", covering: [0]) { value in
        value == value.rounded() ? "\(Int(value))" : "\((value * 1_000).rounded() / 1_000)"
      }
    }
    let rest: [Chart.Panel] =
      sends
      ? [
        .init(
          y: .init("round trip", covering: [0]) { Units.duration(nanoseconds: $0) },
          series: line(.orange) { $0.roundTrip.map { Double($0.nanoseconds) } }, share: 0.6),
        .init(
          y: .count("congestion window, segments", covering: [0]),
          series: line(.green) { $0.congestionWindow.map { Double($0) } }, share: 0.6),
      ]
      : [
        .init(
          y: mebibytes("received and not taken yet"),
          series: line(.orange) { $0.unread.map { Double($0) / 1_048_576 } }, share: 0.6),
        .init(
          y: mebibytes("receive window"),
          series: line(.green) { $0.window.map { Double($0) / 1_048_576 } }, share: 0.6),
      ]
    return Chart(
      title: title,
      subtitle: "\(began) · \(Units.bytes(all.last?.bytes ?? 0)) in "
        + "\(Units.duration(.nanoseconds(Int64(last * 1e9))))",
      x: .init("time", covering: [0]) { Units.duration(nanoseconds: $0 * 1e9) },
      panels: [
        .init(
          y: .init(sends ? "acknowledged" : "received", covering: [0]) { Units.bitRate($0) },
          series: series,
          markers: mean > 0 ? [Chart.Marker(mean, "mean \(Units.bitRate(mean))")] : [])
      ] + rest, height: 560)
  }
}
