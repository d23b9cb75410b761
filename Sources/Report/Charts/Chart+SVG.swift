// A chart as an SVG document: self-contained, without scripts, legible on a light and a dark ground.

extension Chart {
  /// The chart as an SVG document.
  ///
  /// It follows the reader's colour scheme. All text is escaped, and nothing in it is a link, a script
  /// or a reference to another file.
  public var svg: String { Drawing(self).document }
}

extension Chart {
  /// One drawing, as it grows.
  private struct Drawing {
    private let chart: Chart
    private let layout: ChartLayout
    private var text = ""

    init(_ chart: Chart) {
      self.chart = chart
      layout = ChartLayout(chart)
      text = ""
      begin()
      drawHead()
      for (plot, panel) in zip(layout.plots, chart.panels) { drawGrid(plot, panel) }
      drawMarkers()
      for (plot, panel) in zip(layout.plots, chart.panels) { drawPanel(plot, panel) }
      drawXAxis()
    }

    var document: String { text + "</svg>\n" }

    private mutating func begin() {
      let (width, height) = (pixels(max(200, chart.width)), pixels(layout.height))
      text += """
        <svg xmlns="http://www.w3.org/2000/svg" class="tcptool-chart" role="img" width="\(width)" \
        height="\(height)" viewBox="0 0 \(width) \(height)">
        <title>\(escapedForXML(chart.title))</title>
        <desc>\(escapedForXML(chart.subtitle))</desc>
        <style>
        \(ChartStyle.sheet)
        </style>
        <rect class="fill ground" width="\(width)" height="\(height)"/>

        """
    }

    // MARK: Elements

    private enum Anchor: String { case start, middle, end }

    private mutating func write(
      _ words: String, _ x: Double, _ y: Double, _ style: String, _ anchor: Anchor = .start
    ) {
      let side = anchor == .start ? "" : " text-anchor=\"\(anchor.rawValue)\""
      guard !words.isEmpty else { return }
      text += "<text class=\"\(style)\" x=\"\(pixels(x))\" y=\"\(pixels(y))\"\(side)>"
      text += escapedForXML(words) + "</text>\n"
    }

    private mutating func path(_ data: String, _ style: String) {
      if !data.isEmpty { text += "<path class=\"\(style)\" d=\"\(data)\"/>\n" }
    }

    private func horizontal(_ y: Double) -> String {
      "M\(pixels(layout.left)) \(pixels(y))H\(pixels(layout.right))"
    }

    // MARK: Texts around the plots

    private mutating func drawHead() {
      var y = ChartLayout.margin - 4
      for line in layout.titleLines {
        y += ChartLayout.titleHeight
        write(line, ChartLayout.margin, y - 4, "ink title")
      }
      for line in layout.subtitleLines {
        y += ChartLayout.textHeight
        write(line, ChartLayout.margin, y, "soft")
      }
      for (series, x, line) in layout.legend {
        let base = y + 6 + Double(line + 1) * ChartLayout.textHeight
        drawSample(of: series, x, base - 4)
        write(series.name, x + 24, base, "ink")
      }
    }

    private mutating func drawSample(of series: Series, _ x: Double, _ y: Double) {
      switch series.shape {
      case .line, .steps:
        path("M\(pixels(x)) \(pixels(y))h18", "line \(series.ink.rawValue)")
      case .points(let mark):
        path(Self.outline(mark, x + 9, y), "\(Self.style(mark)) \(series.ink.rawValue)")
      }
    }

    private mutating func drawXAxis() {
      guard let bottom = layout.plots.last?.bottom else { return }
      for tick in layout.xScale.ticks {
        guard let x = layout.x(tick) else { continue }
        write(chart.x.label(tick), x, bottom + 17, "soft tick", .middle)
      }
      if !chart.x.title.isEmpty {
        let y = bottom + 20 + ChartLayout.textHeight
        write(chart.x.title, (layout.left + layout.right) / 2, y, "soft", .middle)
      }
    }

    private mutating func drawGrid(_ plot: ChartLayout.Plot, _ panel: Panel) {
      let ys = plot.scale.ticks.compactMap { plot.y($0) }
      let xs = layout.xScale.ticks.compactMap { layout.x($0) }
      path(
        ys.map { horizontal($0) }.joined()
          + xs.map { "M\(pixels($0)) \(pixels(plot.top))V\(pixels(plot.bottom))" }.joined(), "grid")
      for tick in plot.scale.ticks {
        guard let y = plot.y(tick) else { continue }
        write(panel.y.label(tick), layout.left - 8, y + 4, "soft tick", .end)
      }
      let row = plot.top == layout.plots.first?.top ? layout.titleRow : 0
      write(panel.y.title, ChartLayout.margin, Self.base(of: row, above: plot), "soft")
      path(horizontal(plot.bottom), "axis")
    }

    /// The vertical markers, each with its label above it.
    private mutating func drawMarkers() {
      guard let first = layout.plots.first else { return }
      for placed in layout.markers {
        let (ink, x) = (placed.marker.ink.rawValue, placed.x)
        let base = Self.base(of: placed.row, above: first)
        for plot in layout.plots {
          let top = plot.top == first.top ? base - 8 : plot.top
          path("M\(pixels(x)) \(pixels(top))V\(pixels(plot.bottom))", "marker \(ink)")
        }
        write(
          placed.marker.label, placed.labelIsLeft ? x - 5 : x + 5, base, "tick \(ink)",
          placed.labelIsLeft ? .end : .start)
      }
    }

    /// The base line of a row of text above a plot.
    private static func base(of row: Int, above plot: ChartLayout.Plot) -> Double {
      plot.top - 13 - Double(row) * ChartLayout.textHeight
    }

    // MARK: Panels

    private mutating func drawPanel(_ plot: ChartLayout.Plot, _ panel: Panel) {
      drawLimits(plot, panel)
      for series in panel.series {
        switch series.shape {
        case .line: draw(track(series, plot, isStepped: false), series.ink)
        case .steps: draw(track(series, plot, isStepped: true), series.ink)
        case .points(let mark):
          path(marks(series, mark, plot), "\(Self.style(mark)) \(series.ink.rawValue)")
        }
      }
    }

    /// The horizontal markers, and their labels pushed apart where they would touch.
    private mutating func drawLimits(_ plot: ChartLayout.Plot, _ panel: Panel) {
      let height = ChartLayout.textHeight - 3
      var placed: [(marker: Marker, lines: [String], y: Double)] = []
      for marker in panel.markers {
        guard let y = plot.y(marker.value) else { continue }
        path(horizontal(y), "marker \(marker.ink.rawValue)")
        placed.append((marker, ChartLayout.lines(of: marker, chart), y))
      }
      placed.sort { $0.y < $1.y }
      // Downwards, each below the one above it; then back up where the last ones left the plot.
      func half(_ place: Int) -> Double { Double(placed[place].lines.count) * height / 2 }
      for place in placed.indices.dropFirst() {
        placed[place].y = max(placed[place].y, placed[place - 1].y + half(place - 1) + half(place))
      }
      var floor = plot.bottom + 6
      for place in placed.indices.reversed() {
        placed[place].y = min(placed[place].y, floor - half(place))
        floor = placed[place].y - half(place)
      }
      for (marker, lines, y) in placed {
        for (place, line) in lines.enumerated() {
          let base = y + 4 + (Double(place) - Double(lines.count - 1) / 2) * height
          write(line, layout.right + 8, base, "tick \(marker.ink.rawValue)")
        }
      }
    }

    private mutating func draw(_ track: (line: String, dots: String), _ ink: Ink) {
      path(track.line, "line \(ink.rawValue)")
      path(track.dots, "dot \(ink.rawValue)")
    }

    /// The path of a line. Of the points in one column of pixels the first, the lowest, the highest and
    /// the last are drawn, which looks the same as all of them. A point that stands alone is a dot: of a
    /// line without length nothing is to be seen.
    private func track(
      _ series: Series, _ plot: ChartLayout.Plot, isStepped: Bool
    ) -> (line: String, dots: String) {
      var data = ""
      var dots = ""
      var isDrawing = false
      var pointsInARow = 0
      var column: [(x: Double, y: Double)] = []

      func flush() {
        guard let first = column.first, let last = column.last else { return }
        var kept = [first]
        if column.count > 2 {
          let ends = [column.min { $0.y < $1.y }, column.max { $0.y < $1.y }].compactMap { $0 }
          kept += ends.sorted { $0.x < $1.x }
        }
        if column.count > 1 { kept.append(last) }
        for (x, y) in kept {
          if !isDrawing {
            data += "M\(pixels(x)) \(pixels(y))"
          } else if isStepped {
            data += "H\(pixels(x))V\(pixels(y))"
          } else {
            data += "L\(pixels(x)) \(pixels(y))"
          }
          isDrawing = true
        }
        column.removeAll(keepingCapacity: true)
      }

      func endRow() {
        if pointsInARow == 1, let (x, y) = column.first {
          dots += Self.outline(.dot, x, y)
          column.removeAll()
        }
        flush()
        isDrawing = false
        pointsInARow = 0
      }

      for point in series.points {
        guard let value = point.y, let x = layout.x(point.x), let y = plot.y(value) else {
          endRow()
          continue
        }
        pointsInARow += 1
        if let last = column.last, last.x.rounded() != x.rounded() { flush() }
        column.append((x, y))
      }
      endRow()
      return (data, dots)
    }

    /// The marks of points; those that would cover each other to half a pixel are drawn once.
    private func marks(_ series: Series, _ mark: Series.Mark, _ plot: ChartLayout.Plot) -> String {
      var seen: Set<[Int]> = []
      var data = ""
      for point in series.points {
        let height = point.y.map { plot.y($0) } ?? plot.bottom - plot.strip / 2
        guard let x = layout.x(point.x), let y = height,
          seen.insert([Int((x * 2).rounded()), Int((y * 2).rounded())]).inserted
        else { continue }
        data += Self.outline(mark, x, y)
      }
      return data
    }

    private static func outline(_ mark: Series.Mark, _ x: Double, _ y: Double) -> String {
      switch mark {
      // A stroke without length is as round as its ends.
      case .dot: "M\(pixels(x)) \(pixels(y))h0"
      case .ring: "M\(pixels(x - 4)) \(pixels(y))a4 4 0 1 0 8 0a4 4 0 1 0-8 0"
      case .cross: "M\(pixels(x - 4)) \(pixels(y - 4))l8 8m0-8l-8 8"
      }
    }

    private static func style(_ mark: Series.Mark) -> String { mark == .dot ? "dot" : "mark" }
  }
}
