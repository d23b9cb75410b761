// Where everything in a chart has its place: margins, plots, scales.

/// The places of a chart's parts, in pixels from the upper left corner.
struct ChartLayout {
  /// Around everything.
  static let margin = 18.0
  /// From one line of text to the next.
  static let textHeight = 16.0
  static let titleHeight = 22.0
  /// Between the edge of a plot and the first value, so that a mark is not cut.
  static let inset = 7.0
  /// Between two plots, beside their titles.
  private static let gap = 16.0
  private static let leastPlotHeight = 90.0
  private static let stripHeight = 18.0

  /// A panel's plot.
  struct Plot {
    var top: Double
    var bottom: Double
    /// The height of the strip at the bottom for points that have no value.
    var strip: Double
    var scale: ChartScale

    /// The height of a value; nil for what has no place.
    func y(_ value: Double) -> Double? {
      scale.place(of: value).map { bottom - strip - $0 * (bottom - strip - top) }
    }
  }

  /// A vertical marker.
  struct PlacedMarker {
    var marker: Chart.Marker
    var x: Double
    /// Whether the label is at the left of the line.
    var labelIsLeft: Bool
    /// The label's row above the first plot; 0 is the one next to it.
    var row: Int
  }

  let titleLines: [String]
  let subtitleLines: [String]
  /// The legend's entries: the left end of each, and the line it is on.
  let legend: [(series: Chart.Series, x: Double, line: Int)]
  let markers: [PlacedMarker]
  /// The row of the first vertical axis's title.
  let titleRow: Int
  let left: Double
  let right: Double
  let xScale: ChartScale
  let plots: [Plot]
  let height: Double

  init(_ chart: Chart) {
    // Where the markers are settles how many rows their labels take, and that how high the plots are,
    // which in turn moves the markers a little: the second time is near enough.
    let draft = ChartLayout(chart, rows: 1)
    self = ChartLayout(
      chart, rows: 1 + (draft.markers.map(\.row) + [draft.titleRow]).reduce(0, max))
  }

  private init(_ chart: Chart, rows: Int) {
    let width = max(200, chart.width)
    let innerWidth = width - 2 * Self.margin
    titleLines = brokenLines(chart.title, width: innerWidth, size: ChartStyle.titleSize * 1.05)
    subtitleLines = brokenLines(chart.subtitle, width: innerWidth, size: ChartStyle.textSize)
    legend = Self.legend(chart, innerWidth)

    // The labels of the vertical axes settle the left margin, and they need the heights.
    let legendLines = legend.last.map { $0.line + 1 } ?? 0
    let headHeight =
      Self.margin + Double(titleLines.count) * Self.titleHeight
      + Double(subtitleLines.count + legendLines) * Self.textHeight + (legendLines > 0 ? 6 : 0)
    let footHeight = Self.margin + (chart.x.title.isEmpty ? 0 : Self.textHeight) + 22
    let spaces = chart.panels.enumerated().map { place, panel in
      let rows = place == 0 ? rows : 1
      let hasRow = !panel.y.title.isEmpty || (place == 0 && !chart.markers.isEmpty)
      return Self.gap + (hasRow ? Double(rows) * Self.textHeight + 8 : 0)
    }
    let shares = chart.panels.map { max(0.1, $0.share) }
    let whole = shares.reduce(0, +)
    let free = chart.height - headHeight - footHeight - spaces.reduce(0, +)
    let least = shares.map { Self.leastPlotHeight * whole / $0 }.max() ?? 0
    let plotHeight = max(free, min(least, Self.leastPlotHeight * Double(shares.count)))
    height = chart.height + max(0, plotHeight - free)

    var top = headHeight
    var plots: [Plot] = []
    for (place, panel) in chart.panels.enumerated() {
      top += spaces[place]
      let bottom = top + plotHeight * shares[place] / whole
      let hasGaps = panel.series.contains { series in
        if case .points = series.shape { series.points.contains { $0.y == nil } } else { false }
      }
      let strip = hasGaps ? Self.stripHeight : 0
      plots.append(
        Plot(
          top: top, bottom: bottom, strip: strip, scale: Self.yScale(panel, bottom - strip - top)))
      top = bottom
    }
    self.plots = plots

    let tickWidths = zip(chart.panels, plots).flatMap { panel, plot in
      plot.scale.ticks.map { estimatedWidth(panel.y.label($0), size: ChartStyle.tickSize) }
    }
    let left = Self.margin + (tickWidths.max() ?? 0) + 8
    let labels = chart.panels.flatMap(\.markers).flatMap { Self.lines(of: $0, chart) }
    let labelWidth = labels.map { estimatedWidth($0, size: ChartStyle.tickSize) }.max() ?? 0
    let right = width - Self.margin - (labels.isEmpty ? 10 : labelWidth + 8)
    self.left = left
    self.right = right

    let plotWidth = max(1, right - left)
    let values = chart.panels.flatMap(\.series).flatMap(\.points).map(\.x)
    xScale = ChartScale(
      chart.x, values + chart.markers.map(\.value), endsAtTicks: false,
      mostTicks: Int(plotWidth / 60)
    ) { ticks in
      Self.haveRoom(ticks, in: plotWidth) {
        estimatedWidth($0, size: ChartStyle.tickSize) / 2 + 7
      }
    }
    (markers, titleRow) = Self.rows(chart, xScale, left, right)
  }

  /// The horizontal place of a value; nil for what has none.
  func x(_ value: Double) -> Double? { Self.x(value, xScale, left, right) }

  private static func x(
    _ value: Double, _ scale: ChartScale, _ left: Double, _ right: Double
  ) -> Double? {
    scale.place(of: value).map { left + inset + $0 * (right - left - 2 * inset) }
  }

  /// Gives each label the lowest row that is free there.
  ///
  /// - Returns: the markers, and the row of the first vertical axis's title.
  private static func rows(
    _ chart: Chart, _ scale: ChartScale, _ left: Double, _ right: Double
  ) -> (markers: [PlacedMarker], title: Int) {
    let middle = (left + right) / 2
    let placed = chart.markers.compactMap { marker in
      x(marker.value, scale, left, right).map { (marker: marker, x: $0) }
    }.sorted { $0.x < $1.x }
    var taken: [[ClosedRange<Double>]] = []
    func takeRow(_ span: ClosedRange<Double>, line: Double?) -> Int {
      let row = taken.firstIndex { $0.allSatisfy { !$0.overlaps(span) } } ?? taken.count
      if row == taken.count { taken.append([]) }
      taken[row].append(span)
      // The marker's line goes through the rows below.
      if let line { for below in 0..<row { taken[below].append(line - 4...line + 4) } }
      return row
    }
    // A label is on the side of its line that has more room. Those in the middle come first: the line
    // of one further out then goes past them and not through them.
    let inwards =
      placed.filter { $0.x <= middle }.reversed() + placed.filter { $0.x > middle }
    let markers = inwards.map { marker, x in
      let size = estimatedWidth(marker.label, size: ChartStyle.tickSize) + 12
      let isLeft = x > middle
      let row = takeRow(isLeft ? x - size...x + 4 : x - 4...x + size, line: x)
      return PlacedMarker(marker: marker, x: x, labelIsLeft: isLeft, row: row)
    }
    let title = chart.panels[0].y.title
    guard !title.isEmpty else { return (markers, 0) }
    let size = estimatedWidth(title, size: ChartStyle.textSize) + 8
    return (markers, takeRow(margin...margin + size, line: nil))
  }

  /// The lines of a horizontal marker's label, at the right of the plot.
  static func lines(of marker: Chart.Marker, _ chart: Chart) -> [String] {
    let words = marker.label.split(separator: " ")
    let longest = words.map { estimatedWidth(String($0), size: ChartStyle.tickSize) }.max() ?? 0
    let width = min(max(chart.width * 0.2, longest), chart.width * 0.3)
    return brokenLines(marker.label, width: width, size: ChartStyle.tickSize)
  }

  private static func yScale(_ panel: Chart.Panel, _ height: Double) -> ChartScale {
    let values = panel.series.flatMap(\.points).compactMap(\.y)
    return ChartScale(
      panel.y, values + panel.markers.map(\.value), endsAtTicks: true, mostTicks: Int(height / 34)
    ) { ticks in
      haveRoom(ticks, in: height) { _ in 7.5 }
    }
  }

  /// Whether no label touches the next one; `half` is half of what a label needs.
  private static func haveRoom(
    _ ticks: [(place: Double, label: String)], in length: Double, half: (String) -> Double
  ) -> Bool {
    zip(ticks, ticks.dropFirst()).allSatisfy { tick, next in
      (next.place - tick.place) * length >= half(tick.label) + half(next.label)
    }
  }

  private static func legend(
    _ chart: Chart, _ width: Double
  ) -> [(series: Chart.Series, x: Double, line: Int)] {
    let named = chart.panels.flatMap(\.series).filter { !$0.name.isEmpty }
    guard chart.panels.flatMap(\.series).count > 1 else { return [] }
    var entries: [(Chart.Series, Double, Int)] = []
    var x = 0.0
    var line = 0
    for series in named {
      let size = 26 + estimatedWidth(series.name, size: ChartStyle.textSize)
      if x > 0, x + size > width {
        x = 0
        line += 1
      }
      entries.append((series, margin + x, line))
      x += size + 18
    }
    return entries
  }
}
