// Charts of every kind that tcptool draws, for the tests of charts.

import Report
import Testing

/// A chart and its name.
struct SampleChart: Sendable, CustomTestStringConvertible {
  var name: String
  var chart: Chart
  var testDescription: String { name }

  static let all = [queue, sweep, dynamics, handshakes, rate, one, nothing, hostile]

  private static let duration: @Sendable (Double) -> String = {
    Units.duration(.nanoseconds(Int64($0.rounded())))
  }

  private static func points(_ xs: some Sequence<Int>, _ y: (Double) -> Double?) -> [Chart.Point] {
    xs.map { Chart.Point(Double($0), y(Double($0))) }
  }

  /// What a listener's queue does while connections come that it never accepts.
  static let queue = SampleChart(
    name: "queue",
    chart: Chart(
      title: "Accept queue of a listener with backlog 128",
      subtitle: "Linux 6.18 · somaxconn 4096 · tcp_max_syn_backlog 2048 · tcp_syncookies 1",
      x: .count("connect number"),
      panels: [
        .init(
          y: .count("connections", covering: [0]),
          series: [
            .init("accept queue", .steps, .blue, points(1...200) { min(129, $0) }),
            .init("SYNs dropped", .steps, .red, points(1...200) { max(0, $0 - 129) }),
          ],
          markers: [
            .init(129, "accept queue limit 129", .blue), .init(128, "SYN queue limit 128", .purple),
          ])
      ], markers: [.init(130, "first drop: connect 130, 2.1 ms", .red)]))

  /// Many backlogs, one after another.
  static let sweep: SampleChart = {
    let asked = [0, 1, 5, 16, 128, 511, 1_024, 4_096, 5_000, 65_535]
    return SampleChart(
      name: "sweep",
      chart: Chart(
        title: "Connections held against the backlog asked for", subtitle: "somaxconn 4096",
        x: .count("backlog asked for", .logarithmic),
        panels: [
          .init(
            y: .count("connections held", .logarithmic),
            series: [
              .init("accept queue", .line, .blue, points(asked) { min($0, 4_096) + 1 }),
              .init("", .points(.dot), .blue, points(asked) { min($0, 4_096) + 1 }),
              .init("SYN queue", .line, .orange, points(asked) { min($0, 1_536) + 1 }),
              .init("", .points(.ring), .orange, points(asked) { min($0, 1_536) + 1 }),
            ],
            markers: [
              .init(4_097, "net.core.somaxconn + 1"),
              .init(1_537, "three quarters of tcp_max_syn_backlog"),
            ])
        ]))
  }()

  /// Arrivals against a slow acceptor: three quantities over time.
  static let dynamics = SampleChart(
    name: "dynamics",
    chart: Chart(
      title: "200 arrivals a second against 120 accepts a second", subtitle: "backlog 128",
      x: .init("time since the first connect") { duration($0 * 50_000_000) },
      panels: [
        .init(
          y: .count("accept queue", covering: [0]),
          series: [.init("accept queue", .steps, .blue, points(0...200) { min(129, $0 * 4) })],
          markers: [.init(129, "limit 129", .blue)]),
        .init(
          y: .count("SYNs dropped", covering: [0]),
          series: [.init("SYNs dropped", .steps, .red, points(0...200) { max(0, $0 * 4 - 129) })],
          share: 0.7),
        .init(
          y: .init("connect time", .logarithmic, label: duration),
          series: [
            .init(
              "connected", .points(.dot), .green, points(0...200) { $0 < 33 ? 50e3 + $0 : 1.03e9 }),
            .init("not connected", .points(.cross), .red, points([60, 90, 180]) { _ in nil }),
          ]),
      ],
      markers: [
        .init(32, "queue full", .red), .init(20, "SYN retransmission"),
        .init(160, "acceptor stopped", .purple),
      ], height: 560))

  /// Repeated handshakes, some of which went wrong.
  static let handshakes = SampleChart(
    name: "handshakes",
    chart: Chart(
      title: "Handshakes with example.org:443", subtitle: "100 handshakes, one every 1 s",
      x: .count("handshake"),
      panels: [
        .init(
          y: .init("handshake time", .logarithmic, label: duration),
          series: [
            .init(
              "connected", .points(.dot), .blue,
              points(1...100) { $0.remainder(dividingBy: 9) == 0 ? .nan : 42e3 + $0 * 500 }),
            .init("SYN sent again", .points(.ring), .orange, points([9, 54]) { _ in 1.03e9 }),
            .init("refused", .points(.cross), .red, points([18, 27]) { _ in nil }),
          ],
          markers: [
            .init(55e3, "p50 55 µs"), .init(57e3, "p90 57 µs"), .init(1.03e9, "p99 1.03 s"),
          ])
      ]))

  /// A rate over time, with a pause.
  static let rate = SampleChart(
    name: "rate",
    chart: Chart(
      title: "Sent to 192.0.2.7:7000", x: .init("time") { duration($0 * 5_000_000) },
      panels: [
        .init(
          y: .init("rate", covering: [0]) { Units.bitRate($0) },
          series: [
            .init(
              "sent", .line, .blue,
              points(0..<2_400) {
                (1_000..<1_100).contains($0) ? nil : 1e9 + 1e8 * ($0 * 0.7).remainder(dividingBy: 1)
              })
          ], markers: [.init(1e9, "asked: 1 Gbit/s", .orange)])
      ]))

  static let one = SampleChart(
    name: "one",
    chart: Chart(
      title: "One", x: .count("handshake"),
      panels: [
        .init(
          y: .init("handshake time", .logarithmic, label: duration),
          series: [.init("connected", .points(.dot), .blue, points([1]) { _ in 50e3 })])
      ]))

  static let nothing = SampleChart(
    name: "nothing",
    chart: Chart(
      title: "", x: .init("", label: duration),
      panels: [.init(y: .count("", .logarithmic), series: [])]))

  /// Texts that want to be markup, and values that are no places.
  static let hostile = SampleChart(
    name: "hostile",
    chart: Chart(
      title: "</title><script>alert('1')</script> \u{1b}[31m\u{0}\u{fffe} "
        + String(repeating: "long&", count: 60),
      subtitle: "]]> --> \"<&'",
      x: .init("<x>") { "<\($0)>" },
      panels: [
        .init(
          y: .init("<y>", .logarithmic) { "&\($0)" },
          series: [
            .init(
              "<&\"'>", .line, .purple,
              [
                .init(.nan, 1), .init(1, .infinity), .init(-1e308, 1), .init(1e308, 1e308),
                .init(2, -5), .init(3, 7), .init(4, 0),
              ]),
            .init("</text>", .points(.cross), .green, [.init(.infinity, nil), .init(1, nil)]),
          ], markers: [.init(.nan, "<&"), .init(3, "</svg>")])
      ], markers: [.init(-.infinity, "x"), .init(2, "<!--")]))
}
