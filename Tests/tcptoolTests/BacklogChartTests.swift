// The charts of backlog-test, from plain numbers: what is marked, and that nothing is made up.

import Foundation
import Report
import Testing

@testable import tcptool

@Suite struct BacklogCharts {
  static func queue(_ capacity: Int, _ connects: Int) -> QueueChart {
    QueueChart(
      queueName: "accept queue", title: "Accept queue of a listener with backlog 128",
      subtitle: "Linux 6.18 · somaxconn 4096 · tcp_max_syn_backlog 2048 · tcp_syncookies 1",
      samples: (1...connects).map {
        .init(connect: $0, queue: min($0, capacity), drops: max(0, $0 - capacity))
      },
      limits: [
        (capacity, "accept queue: \(capacity) places", .blue),
        (capacity, "SYN queue: \(capacity) places", .purple),
      ],
      firstDrop: (capacity + 1, .microseconds(2_130)))
  }

  static let sweep = SweepChart(
    title: "Connections held against the backlog asked for",
    subtitle: "Linux 6.18 · somaxconn 4096 · tcp_max_syn_backlog 2048 · tcp_syncookies 0",
    xTitle: "backlog asked for",
    rows: [0, 1, 5, 16, 128, 511, 1_024, 2_000, 4_096, 5_000, 65_535].map {
      .init(x: $0, acceptHeld: min($0, 4_096) + 1, synHeld: min($0, 1_536) + 1)
    },
    limits: [
      (4_097, "net.core.somaxconn + 1: 4,097", .blue),
      (1_537, "¾ of tcp_max_syn_backlog + 1: 1,537", .orange),
    ])

  static let dynamics = DynamicsChart(
    title: "200 arrivals a second against 120 accepts a second",
    subtitle: "backlog 64 · somaxconn 4096 · tcp_syncookies 1",
    samples: (0...100).map {
      .init(time: .milliseconds($0 * 50), queue: min(65, $0 * 4), drops: max(0, $0 * 4 - 65))
    },
    clients: (0..<200).map { number in
      let began = Duration.milliseconds(number * 25)
      if number < 40 { return .init(began: began, latency: .microseconds(60), isGhost: false) }
      if number % 7 == 0 { return .init(began: began, latency: nil, isGhost: false) }
      if number % 11 == 0 { return .init(began: began, latency: .microseconds(70), isGhost: true) }
      return .init(
        began: began, latency: .seconds([1, 2, 3, 4, 5, 7][number % 6]), isGhost: false)
    },
    limit: 65, moments: [(.milliseconds(812), "queue full", .red)])

  /// A person looks at them: TCPTOOL_CHARTS names a directory for the files.
  @Test func areDrawn() throws {
    let charts = [
      ("queue", Self.queue(129, 161).chart), ("sweep", Self.sweep.chart),
      ("dynamics", Self.dynamics.chart),
    ]
    for (name, chart) in charts {
      #expect(chart.svg.contains(chart.title))
      if let directory = ProcessInfo.processInfo.environment["TCPTOOL_CHARTS"] {
        try Data(chart.svg.utf8).write(to: URL(filePath: "\(directory)/\(name).svg"))
      }
    }
  }

  @Test func theKneeAndTheLimitsAreMarked() {
    let chart = Self.queue(129, 161).chart
    #expect(chart.markers.map(\.value) == [130])
    #expect(chart.markers[0].label == "first drop: connect 130, 2.13 ms")
    #expect(chart.panels[0].markers.map(\.value) == [129, 129])
    let points = chart.panels[0].series[0].points
    #expect(points.first == Chart.Point(0, 0) && points.last == Chart.Point(161, 129))
  }

  @Test func withoutADropThereIsNoKnee() {
    var chart = Self.queue(129, 10)
    chart.firstDrop = nil
    #expect(chart.chart.markers.isEmpty)
  }

  /// -1 has no place on a logarithmic axis, and what was not measured has none anywhere.
  @Test func aSweepLeavesOutWhatHasNoPlace() {
    var chart = Self.sweep
    chart.rows = [
      .init(x: 5, acceptHeld: 6, synHeld: nil), .init(x: -1, acceptHeld: 4_097, synHeld: nil),
      .init(x: 0, acceptHeld: 1, synHeld: nil),
    ]
    let series = chart.chart.panels[0].series
    #expect(series.map(\.name) == ["accept queue", ""])
    #expect(series[0].points == [Chart.Point(0, 1), Chart.Point(5, 6)])
  }
}
