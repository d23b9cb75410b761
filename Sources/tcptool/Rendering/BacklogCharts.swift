// What backlog-test measures, as charts: a queue while it fills, backlogs against what they hold, and
// a queue over time. They take plain numbers, so that each can be drawn without a run.

internal import Report
internal import SocketCore

/// A queue against the number of the connect.
struct QueueChart {
  /// How things stood after one connect.
  struct Sample {
    var connect: Int
    /// nil where it was not read.
    var queue: Int?
    var drops: Int?
  }

  /// What the queue is called: `accept queue`.
  var queueName: String
  var ink: Chart.Ink = .blue
  var title: String
  var subtitle: String
  var samples: [Sample]
  /// How many each queue holds, and what the line is called.
  var limits: [(places: Int, label: String, ink: Chart.Ink)]
  /// Which connect was the first to be dropped, and when.
  var firstDrop: (connect: Int, time: Duration?)?

  var chart: Chart {
    func points(_ value: (Sample) -> Int?) -> [Chart.Point] {
      // Nothing had happened before the first connect. What was looked up only now and then is a line
      // from look to look.
      let known = samples.compactMap { sample in
        value(sample).map { Chart.Point(Double(sample.connect), Double($0)) }
      }
      return known.isEmpty ? [] : [Chart.Point(0, 0)] + known
    }
    let knee = firstDrop.map { drop in
      Chart.Marker(
        Double(drop.connect),
        "first drop: connect \(Units.count(drop.connect))"
          + (drop.time.map { ", \(Units.duration($0))" } ?? ""), .red)
    }
    return Chart(
      title: title, subtitle: subtitle, x: .count("connect number", covering: [0]),
      panels: [
        .init(
          y: .count("connections", covering: [0]),
          series: [
            .init(
              queueName, samples.contains { $0.queue == nil } ? .line : .steps, ink,
              points(\.queue)),
            .init("drops", .steps, .red, points(\.drops)),
          ],
          markers: limits.map { .init(Double($0.places), $0.label, $0.ink) })
      ], markers: knee.map { [$0] } ?? [])
  }
}

/// What queues held against the number that was asked for, or against a setting.
struct SweepChart {
  /// One run of a sweep.
  struct Row {
    /// The backlog asked for, or the value of the setting.
    var x: Int
    /// nil where that queue was not filled.
    var acceptHeld: Int?
    var synHeld: Int?
  }

  var title: String
  var subtitle: String
  /// What varied: `backlog asked for`.
  var xTitle: String
  var rows: [Row]
  /// The plateaus: net.core.somaxconn + 1, three quarters of tcp_max_syn_backlog.
  var limits: [(places: Int, label: String, ink: Chart.Ink)]

  var chart: Chart {
    // A logarithmic axis has a place for 0, and none for what is below.
    func points(_ value: (Row) -> Int?) -> [Chart.Point] {
      rows.filter { $0.x >= 0 }.sorted { $0.x < $1.x }.compactMap { row in
        value(row).map { Chart.Point(Double(row.x), Double($0)) }
      }
    }
    func series(
      _ name: String, _ mark: Chart.Series.Mark, _ ink: Chart.Ink, _ points: [Chart.Point]
    )
      -> [Chart.Series]
    {
      points.isEmpty
        ? [] : [.init(name, .line, ink, points), .init("", .points(mark), ink, points)]
    }
    return Chart(
      title: title, subtitle: subtitle, x: .count(xTitle, .logarithmic),
      panels: [
        .init(
          y: .count("connections held", .logarithmic, covering: [1]),
          series: series("accept queue", .dot, .blue, points(\.acceptHeld))
            + series("SYN queue", .ring, .orange, points(\.synHeld)),
          markers: limits.map { .init(Double($0.places), $0.label, $0.ink) })
      ])
  }
}

/// Arrivals against an acceptor: the queue, the drops and the clients' times over time.
struct DynamicsChart {
  /// How things stood at one time.
  struct Sample {
    var time: Duration
    var queue: Int?
    var drops: Int?
  }

  /// One client: when it began, and how long its connect took.
  struct Client {
    var began: Duration
    /// nil where it was not connected at the end.
    var latency: Duration?
    /// Connected, as it believes; the server never knew of it.
    var isGhost: Bool
  }

  var title: String
  var subtitle: String
  var samples: [Sample]
  var clients: [Client]
  var limit: Int?
  /// What happened when: the queue full, the acceptor stopped.
  var moments: [(time: Duration, label: String, ink: Chart.Ink)]

  var chart: Chart {
    func points(_ value: (Sample) -> Int?) -> [Chart.Point] {
      samples.map { Chart.Point(nanoseconds($0.time), value($0).map(Double.init)) }
    }
    func marks(_ chosen: (Client) -> Bool) -> [Chart.Point] {
      clients.filter(chosen).map { Chart.Point(nanoseconds($0.began), $0.latency.map(nanoseconds)) }
    }
    let latencies: [Chart.Series] = [
      .init("connected", .points(.dot), .green, marks { $0.latency != nil && !$0.isGhost }),
      .init(
        "believes that it is connected", .points(.ring), .purple,
        marks { $0.latency != nil && $0.isGhost }),
      .init("not connected", .points(.cross), .red, marks { $0.latency == nil }),
    ].filter { !$0.points.isEmpty }
    return Chart(
      title: title, subtitle: subtitle,
      x: .init("time since the first connect", covering: [0]) { Units.duration(nanoseconds: $0) },
      panels: [
        .init(
          y: .count("accept queue", covering: [0]),
          series: [.init("accept queue", .steps, .blue, points(\.queue))],
          markers: limit.map { [.init(Double($0), "limit \(Units.count($0))", .blue)] } ?? []),
        .init(
          y: .count("drops", covering: [0]),
          series: [.init("drops", .steps, .red, points(\.drops))], share: 0.7),
        .init(
          // Linear, so that the steps at which SYNs are sent again are as far apart as they are.
          y: .init("connect time", covering: [0]) { Units.duration(nanoseconds: $0) },
          series: latencies, share: 1.2),
      ],
      markers: moments.map { .init(nanoseconds($0.time), $0.label, $0.ink) }, height: 560)
  }

  private func nanoseconds(_ time: Duration) -> Double { Double(time.nanoseconds) }
}
