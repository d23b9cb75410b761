// Charts as documents: well-formed, harmless, small, and nothing on top of anything else.

import Foundation
import TestSupport
import Testing

@testable import Report

@Suite struct ChartTests {
  @Test(.requires("xmllint"), arguments: SampleChart.all)
  func isWellFormed(_ sample: SampleChart) throws {
    let done = try run(["xmllint", "--nonet", "--noout", "-"], input: .text(sample.chart.svg))
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.errorText == "")
  }

  /// Nothing that a browser would run or fetch, and no text that became markup.
  @Test(arguments: SampleChart.all)
  func isHarmless(_ sample: SampleChart) {
    let svg = sample.chart.svg
    for word in ["<script", "href", "url(", "@import", "<foreignObject", "onload", "\u{1b}", "<!"] {
      #expect(!svg.contains(word), "\(word)")
    }
    let elements = Set(svg.matches(of: /<([a-z]+)[ >]/).map { String($0.1) })
    #expect(elements.subtracting(["svg", "title", "desc", "style", "rect", "text", "path"]) == [])
    #expect(!svg.contains("nan") && !svg.contains("inf\""))
  }

  @Test(arguments: [
    ("a<b", "a&lt;b"), ("&amp;", "&amp;amp;"), ("\"'>", "&quot;&#39;&gt;"), ("µ → ·", "µ → ·"),
    ("\u{0}\n\u{202e}", "\\x00\\n\\u{202e}"), ("\u{fffe}\u{ffff}", "\u{fffd}\u{fffd}"),
  ])
  func textIsEscaped(text: String, escaped: String) {
    #expect(escapedForXML(text) == escaped)
  }

  /// Of a line without length nothing would be seen.
  @Test(arguments: [Chart.Series.Shape.line, .steps])
  func aPointThatStandsAloneIsADot(_ shape: Chart.Series.Shape) {
    func dots(_ values: [Double?]) -> Int {
      let points = values.enumerated().map { Chart.Point(Double($0), $1) }
      let chart = Chart(
        title: "", subtitle: "", x: .count("x", covering: [0, 9]),
        panels: [.init(y: .count("y", covering: [0]), series: [.init("", shape, .blue, points)])])
      return chart.svg.split(separator: "\n").filter { $0.contains("class=\"dot") }
        .reduce(0) { $0 + $1.count(where: { $0 == "M" }) }
    }
    #expect(dots([5]) == 1)
    #expect(dots([5, 6, 7]) == 0)
    #expect(dots([5, nil, 6, 7, nil, 8]) == 2)
  }

  @Test func hasBothColourSchemes() {
    let svg = SampleChart.queue.chart.svg
    #expect(svg.contains("@media (prefers-color-scheme:dark)"))
    for ink in Chart.Ink.allCases {
      #expect(svg.components(separatedBy: "--\(ink.rawValue):#").count == 3)
    }
  }

  // MARK: Places

  private struct Label {
    var text: String
    var x: ClosedRange<Double>
    var y: ClosedRange<Double>
  }

  /// Where the texts are, by the widths that letters have in a common font: somewhat narrower than
  /// what the layout reckons with.
  private static func labels(in svg: String) throws -> [Label] {
    try svg.matches(of: /<text class="([a-z ]+)" x="([-0-9.]+)" y="([-0-9.]+)"(.*?)>(.*?)<\/text>/)
      .map { match in
        let x = try #require(Double(match.2))
        let y = try #require(Double(match.3))
        let size = match.1.contains("title") ? 16.0 : match.1.contains("tick") ? 11 : 12
        let text = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
          .reduce(String(match.5)) { $0.replacing($1.0, with: $1.1) }
        let width = estimatedWidth(text, size: size) * 0.9
        let start =
          match.4.contains("middle") ? x - width / 2 : match.4.contains("end") ? x - width : x
        return Label(text: text, x: start...start + width, y: y - size * 0.8...y + size * 0.2)
      }
  }

  @Test(arguments: SampleChart.all.filter { $0.name != "hostile" })
  func noLabelIsOnAnother(_ sample: SampleChart) throws {
    let labels = try Self.labels(in: sample.chart.svg)
    #expect(sample.name == "nothing" || labels.count > 5)
    for (place, label) in labels.enumerated() {
      for other in labels[..<place] {
        let overlap = label.x.overlaps(other.x) && label.y.overlaps(other.y)
        #expect(!overlap, "“\(label.text)” and “\(other.text)”")
      }
    }
  }

  @Test(arguments: SampleChart.all)
  func everyLabelIsInside(_ sample: SampleChart) throws {
    let svg = sample.chart.svg
    let box = try #require(svg.firstMatch(of: /viewBox="0 0 ([0-9.]+) ([0-9.]+)"/))
    let (width, height) = (try #require(Double(box.1)), try #require(Double(box.2)))
    for label in try Self.labels(in: svg) {
      #expect(label.x.lowerBound >= 0 && label.x.upperBound <= width, "\(label)")
      #expect(label.y.lowerBound >= 0 && label.y.upperBound <= height, "\(label)")
    }
  }

  /// The line of a marker does not go through the label of another one.
  @Test func markersDoNotCrossLabels() {
    let markers = ChartLayout(SampleChart.dynamics.chart).markers
    #expect(markers.count == 3)
    for placed in markers {
      for other in markers where other.row < placed.row {
        let size = estimatedWidth(other.marker.label, size: ChartStyle.tickSize)
        let span = other.labelIsLeft ? other.x - size...other.x : other.x...other.x + size
        #expect(!span.contains(placed.x), "\(placed) crosses \(other)")
      }
    }
  }

  /// What has no room at the asked height makes the chart higher.
  @Test func plotsAreHighEnough() {
    var chart = SampleChart.dynamics.chart
    chart.height = 100
    for plot in ChartLayout(chart).plots { #expect(plot.bottom - plot.top >= 60) }
    #expect(ChartLayout(chart).height > 300)
    #expect(ChartLayout(SampleChart.queue.chart).height == 400)
  }

  // MARK: Scales

  private static func scale(
    _ scale: Chart.Axis.Scale, _ values: [Double], endsAtTicks: Bool = true, whole: Bool = false,
    most: Int = 6
  ) -> ChartScale {
    ChartScale(
      .init("", scale, isWhole: whole) { "\($0)" }, values, endsAtTicks: endsAtTicks,
      mostTicks: most
    ) { $0.count <= most + 1 }
  }

  @Test(
    arguments: [
      ([0, 10], [0, 2, 4, 6, 8, 10]), ([3, 97], [0, 20, 40, 60, 80, 100]),
      ([5, 5], [2, 3, 4, 5, 6, 7, 8]),
      ([0, 0.3], [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]), ([-1, 1], [-1, -0.5, 0, 0.5, 1]),
      ([], [0, 0.2, 0.4, 0.6, 0.8, 1]),
      ([1e9, 1.001e9], [1e9, 1.0002e9, 1.0004e9, 1.0006e9, 1.0008e9, 1.001e9]),
    ] as [([Double], [Double])])
  func linearTicksAreRound(values: [Double], ticks: [Double]) {
    let found = Self.scale(.linear, values).ticks
    #expect(found.count == ticks.count, "\(found)")
    for (tick, expected) in zip(found, ticks) { #expect(abs(tick - expected) < 1e-9, "\(found)") }
  }

  @Test func countsHaveNoFractions() {
    #expect(Self.scale(.linear, [0, 2], whole: true).ticks == [0, 1, 2])
    #expect(Self.scale(.linear, [1], endsAtTicks: false, whole: true).ticks == [0, 1, 2])
  }

  @Test(
    arguments: [
      ([42, 120], [20, 50, 100, 200]), ([1, 10_000], [1, 10, 100, 1_000, 10_000]),
      ([1, 1e12], [1, 100, 1e4, 1e6, 1e8, 1e10, 1e12]), ([2, 4], [2, 3, 4, 5]),
      ([0, 1, 1_000], [0, 1, 10, 100, 1_000]), ([], [1, 2, 5, 10]),
    ] as [([Double], [Double])])
  func logarithmicTicksAreRound(values: [Double], ticks: [Double]) {
    #expect(Self.scale(.logarithmic, values).ticks == ticks)
  }

  @Test func everyValueHasItsPlace() throws {
    let linear = Self.scale(.linear, [0, 10])
    #expect(linear.place(of: 0) == 0)
    #expect(linear.place(of: 2.5) == 0.25)
    #expect(linear.place(of: .nan) == nil)
    let logarithmic = Self.scale(.logarithmic, [1, 100])
    #expect(logarithmic.place(of: 1) == 0)
    #expect(logarithmic.place(of: 10) == 0.5)
    #expect(logarithmic.place(of: 0) == nil)
    #expect(logarithmic.place(of: -1) == nil)
    let withZero = Self.scale(.logarithmic, [0, 1, 100])
    #expect(withZero.place(of: 0) == 0)
    let one = try #require(withZero.place(of: 1))
    #expect(one > 0.05 && one < 0.15)
  }

  // MARK: Paths

  private static func paths(_ series: [Chart.Series]) -> [String] {
    let chart = Chart(
      title: "", x: .init("") { "\($0)" }, panels: [.init(y: .init("") { "\($0)" }, series: series)]
    )
    return chart.svg.matches(of: /<path class="(line|dot|mark) [a-z]+" d="(.*?)"/).map {
      String($0.2)
    }
  }

  @Test func aLineIsInterruptedWhereNothingIsKnown() {
    let points = [
      Chart.Point(0, 1), .init(1, 2), .init(2, nil), .init(3, 1), .init(4, .nan), .init(5, 1),
    ]
    let path = Self.paths([.init("", .line, .blue, points)]).joined()
    #expect(path.count { $0 == "M" } == 3)
    #expect(path.count { $0 == "L" } == 1)
  }

  @Test func aStepHoldsItsValue() {
    let path = Self.paths([.init("", .steps, .blue, [.init(0, 1), .init(1, 2), .init(2, 2)])])
      .joined()
    #expect(path.wholeMatch(of: /M[0-9. ]+H[0-9.]+V[0-9.]+H[0-9.]+V[0-9.]+/) != nil, "\(path)")
  }

  /// Its size is bound by the pixels and not by the samples, and no extreme is lost.
  @Test func manyPointsMakeNoLargeDocument() throws {
    var points = (0..<200_000).map { Chart.Point(Double($0), Double($0 % 10)) }
    points[77_777].y = 1_000
    for shape in [Chart.Series.Shape.line, .steps, .points(.dot)] {
      let path = try #require(Self.paths([.init("", shape, .blue, points)]).first)
      #expect(path.utf8.count < 120_000)
      let plot = ChartLayout(
        Chart(
          title: "", x: .init("") { "\($0)" },
          panels: [.init(y: .init("") { "\($0)" }, series: [.init("", shape, .blue, points)])])
      ).plots[0]
      #expect(path.contains(pixels(try #require(plot.y(1_000)))))
    }
  }

  @Test(arguments: [
    (1.0, "1"), (1.04, "1"), (1.05, "1.1"), (-0.04, "0"), (-1.25, "-1.3"), (1e300, "1000000"),
  ])
  func coordinatesAreShort(value: Double, text: String) {
    #expect(pixels(value) == text)
  }
}
