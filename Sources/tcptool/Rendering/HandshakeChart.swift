// Repeated handshakes as a plot: the time of each, and those that went wrong.

internal import Report
internal import SocketCore

extension HandshakeSummary {
  /// Times that differ by more than this share no linear axis that shows them all.
  private static let mostLinearRatio = 20.0

  /// - Parameter began: when, as a person writes it.
  func chart(began: String) -> Chart {
    let times = tally.times
    let statistics = Statistics(times)
    let isWide = statistics.map { $0.maximum > Self.mostLinearRatio * $0.minimum } ?? false
    var markers: [Chart.Marker] = []
    if let statistics, statistics.count > 1 {
      for percent in [50.0, 99] {
        let value = statistics.percentile(percent)
        markers.append(
          Chart.Marker(value, "p\(Int(percent)) \(Units.duration(nanoseconds: value))"))
      }
    }
    return Chart(
      title: "Handshakes with \(host)", subtitle: subtitle(began),
      x: .count("handshake, one every \(Units.duration(plan.interval))"),
      panels: [
        .init(
          y: .init(
            "time from connect(2) to the answer", isWide ? .logarithmic : .linear,
            covering: isWide ? [] : [0]
          ) { Units.duration(nanoseconds: $0) },
          series: series, markers: markers)
      ])
  }

  private var series: [Chart.Series] {
    func points(_ kind: HandshakeTally.Kind) -> [Chart.Point] {
      tally.records.filter { $0.kind == kind }.map { record in
        let time = record.isConnected ? Double(record.time.nanoseconds) : nil
        return Chart.Point(Double(record.number), time)
      }
    }
    let all: [Chart.Series] =
      [
        .init("connected", .points(.dot), .blue, points(.answered)),
        .init("connected, SYN sent again", .points(.ring), .orange, points(.retransmitted)),
      ]
      + Self.failures.map { failure, words in
        .init(words, .points(.cross), failure.ink, points(.failed(failure)))
      }
    return all.filter { !$0.points.isEmpty }
  }

  private func subtitle(_ began: String) -> String {
    let failed = tally.count - tally.connected
    var parts = [began, Units.plural(tally.count, "handshake")]
    if failed > 0 { parts.append("\(Units.percent(failed, of: tally.count)) failed") }
    if tally.synsSent > 0 {
      parts.append(
        "\(Units.percent(tally.synsUnanswered, of: tally.synsSent)) of the SYNs not answered in time"
      )
    }
    return parts.joined(separator: " · ")
  }
}

extension ConnectFailure {
  fileprivate var ink: Chart.Ink {
    switch self {
    case .refused, .reset: .red
    case .prohibited: .green
    case .noAnswer: .purple
    case .unreachable: .orange
    case .local: .soft
    }
  }
}
