// A recording of terminals as an animated SVG: light or dark as the reader's page is, small, without
// scripts, so that it plays where pictures are shown.

/// Screens of one or more terminals beside each other, over time.
struct Recording {
  struct Pane {
    var title: String
    var columns: Int
    var rows: Int
  }

  var title: String
  var description: String
  var panes: [Pane]
  /// For each pane the screens, each with its begin in milliseconds.
  private var frames: [[(begin: Int, screen: StyledScreen)]]
  /// When the last screen has been seen long enough and all begins anew.
  var end = 0

  init(title: String, description: String, panes: [Pane]) {
    (self.title, self.description, self.panes) = (title, description, panes)
    frames = panes.map { _ in [] }
  }

  /// Adds a screen of a pane where it differs from the one before.
  mutating func add(_ screen: StyledScreen, to pane: Int = 0, at begin: Int) {
    if frames[pane].last?.screen == screen { return }
    frames[pane].append((begin, screen))
  }

  // MARK: Drawing

  private static let cell = (width: 7.8, height: 17.0)
  private static let margin = 12.0
  private static let bar = 30.0

  /// Something that is drawn, and how long.
  private struct Piece: Hashable {
    var pane: Int
    var row: Int
    var run: StyledRun
  }

  func svg() -> String {
    let widths = panes.map { Double($0.columns) * Self.cell.width + 2 * Self.margin }
    let rows = panes.map(\.rows).max() ?? 0
    let height = Double(rows) * Self.cell.height + Self.bar + Self.margin
    let gap = 12.0
    let width = widths.reduce(0, +) + gap * Double(panes.count - 1)
    let lefts = widths.indices.map { widths[..<$0].reduce(0) { $0 + $1 + gap } }
    var intervals: [ClosedRange<Int>: String] = [:]
    var keyframes = ""
    var body = ""
    for (index, pane) in panes.enumerated() {
      body += """
        <rect class="box" x="\(short(lefts[index] + 0.5))" y="0.5" width="\(short(widths[index] - 1))" \
        height="\(short(height - 1))" rx="7"/>
        <text class="t" x="\(short(lefts[index] + Self.margin))" y="20">\(escaped(pane.title))</text>

        """
    }
    for (piece, begin, until) in pieces() {
      let isLast = until == end
      var classes: [String] = []
      if piece.run.isBold { classes.append("b") }
      if piece.run.isDim { classes.append("d") }
      if let color = piece.run.color { classes.append("c\(color)") }
      if piece.run.isReversed { classes.append("r") }
      if begin > 0 || !isLast {
        // Those that come and go together share their keyframes.
        let name =
          intervals[begin...until]
          ?? {
            let name = "f\(intervals.count)"
            intervals[begin...until] = name
            let from = short(Double(begin) * 100 / Double(end))
            let to = short(Double(until) * 100 / Double(end))
            keyframes += "@keyframes \(name){"
            if begin > 0 { keyframes += "0%{visibility:hidden}" }
            keyframes += "\(from)%{visibility:visible}"
            if !isLast { keyframes += "\(to)%{visibility:hidden}" }
            keyframes += "}.\(name){animation-name:\(name)}\n"
            return name
          }()
        classes += ["f", name] + (isLast ? [] : ["h"])
      }
      let x = lefts[piece.pane] + Self.margin + Double(piece.run.column) * Self.cell.width
      let y = Self.bar + Double(piece.row) * Self.cell.height
      let length = Double(piece.run.text.count) * Self.cell.width
      let names = classes.isEmpty ? "" : " class=\"\(classes.joined(separator: " "))\""
      if piece.run.isReversed {
        let frame = classes.filter { $0.hasPrefix("f") || $0 == "h" }.joined(separator: " ")
        body += """
          <rect class="k \(frame)" x="\(short(x))" y="\(short(y))" width="\(short(length))" \
          height="\(short(Self.cell.height))"/>

          """
      }
      // The length holds the columns in line whatever font the reader has.
      body += """
        <text\(names) x="\(short(x))" y="\(short(y + 13))" textLength="\(short(length))">\
        \(escaped(piece.run.text))</text>

        """
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" class="tcptool-recording" xml:space="preserve" role="img" \
      width="\(short(width))" height="\(short(height))" viewBox="0 0 \(short(width)) \(short(height))">
      <title>\(escaped(title))</title>
      <desc>\(escaped(description))</desc>
      <style>
      .tcptool-recording{--ground:#fbfcfd;--edge:#d3d9df;--ink:#1b2026;--soft:#5a6470;--red:#c4221f;\
      --green:#1a7d3b;--yellow:#8f5a00;--blue:#0b62c4;--purple:#7a40c8;--cyan:#0b7285}
      @media (prefers-color-scheme:dark){.tcptool-recording{--ground:#11161d;--edge:#2d3742;--ink:#e8ecf1;\
      --soft:#9ca7b4;--red:#ff7068;--green:#4fc46e;--yellow:#e0b040;--blue:#5fadff;--purple:#bf97fa;--cyan:#4cc9d8}}
      .box{fill:#fbfcfd;fill:var(--ground);stroke:#d3d9df;stroke:var(--edge)}
      text{fill:#1b2026;fill:var(--ink);white-space:pre;\
      font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace}
      .t{fill:#5a6470;fill:var(--soft);font-size:12px}
      .b{font-weight:700}.d{opacity:.65}.k{fill:#1b2026;fill:var(--ink)}.r{fill:#fbfcfd;fill:var(--ground)}
      .c1{fill:#c4221f;fill:var(--red)}.c2{fill:#1a7d3b;fill:var(--green)}.c3{fill:#8f5a00;fill:var(--yellow)}\
      .c4{fill:#0b62c4;fill:var(--blue)}.c5{fill:#7a40c8;fill:var(--purple)}.c6{fill:#0b7285;fill:var(--cyan)}
      .f{animation:\(end)ms step-end infinite}.h{visibility:hidden}
      \(keyframes)@media (prefers-reduced-motion:reduce){.f{animation:none}}
      </style>
      \(body)</svg>

      """
  }

  /// Each run with the times between which it stands unchanged at its place.
  private func pieces() -> [(piece: Piece, begin: Int, until: Int)] {
    var done: [(piece: Piece, begin: Int, until: Int)] = []
    for (pane, screens) in frames.enumerated() {
      var open: [Piece: Int] = [:]
      for (begin, screen) in screens {
        let now = Set(
          screen.rows.enumerated().flatMap { row, runs in
            runs.map { Piece(pane: pane, row: row, run: $0) }
          })
        for (piece, since) in open where !now.contains(piece) {
          done.append((piece, since, begin))
          open[piece] = nil
        }
        for piece in now where open[piece] == nil { open[piece] = begin }
      }
      done += open.map { ($0.key, $0.value, end) }
    }
    return done.sorted {
      ($0.begin, $0.piece.pane, $0.piece.row, $0.piece.run.column)
        < ($1.begin, $1.piece.pane, $1.piece.row, $1.piece.run.column)
    }
  }

  private func short(_ number: Double) -> String {
    let hundredths = (number * 100).rounded()
    let whole = Int(hundredths) / 100
    let rest = Int(hundredths) % 100
    return rest == 0
      ? "\(whole)"
      : rest % 10 == 0
        ? "\(whole).\(rest / 10)" : rest < 10 ? "\(whole).0\(rest)" : "\(whole).\(rest)"
  }

  private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
