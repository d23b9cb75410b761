// A watch on a terminal: the whole screen, drawn again at each reading and after each key.

internal import CommandSpec
internal import Glibc
internal import KernelTables
internal import Report
internal import SocketCore

/// Shows the view until q or a signal ends it. The terminal is given back on each way out.
func watchOnScreen(
  _ view: inout some Watched, _ options: WatchOptions
) throws(Failure) -> Ending {
  let ending: Result<Ending, OutputError>
  do throws(SystemCallError) {
    var loop = try ReadinessLoop(reading: [SIGWINCH, SIGTSTP, SIGCONT, SIGQUIT])
    let terminal = try RawTerminal(output: STDOUT_FILENO, leaving: Screen.leaving)
    ending = try run(&view, options, &loop, terminal)
  } catch {
    throw Failure(.failure, error)
  }
  do throws(OutputError) {
    return try ending.get()
  } catch {
    throw Failure(.localStream, error.description)
  }
}

/// How long after the byte of the Escape key the rest of a sequence may come.
private let escapeTime = Duration.milliseconds(50)

private func run(
  _ view: inout some Watched, _ options: WatchOptions, _ loop: inout ReadinessLoop,
  _ terminal: borrowing RawTerminal
) throws(SystemCallError) -> Result<Ending, OutputError> {
  var state = ScreenState(options)
  var keys = KeyReader()
  let wait = ReaderWait()
  var output = OutputBuffer(descriptor: STDOUT_FILENO, whileWaiting: wait.mayGoOn)
  var due = options.next(after: .now)
  try loop.watch(terminal.input, for: .readable)
  state.needsEntering = true
  while true {
    do throws(OutputError) {
      try output.write(state.frame(&view))
      try output.flush()
    } catch {
      // A signal came while the terminal took nothing: it is the next that the loop meets.
      if error.code != EAGAIN { return .failure(error) }
    }
    let deadline = [
      state.isPaused ? nil : due, keys.isUndecided ? .now + escapeTime : nil,
    ].compactMap { $0 }.min()
    var pressed: [Key] = []
    switch try loop.wait(until: deadline) {
    case .signal(SIGWINCH): break
    case .signal(SIGTSTP):
      try terminal.suspend()
      state.needsEntering = true
    case .signal(SIGCONT):
      try terminal.enter()
      state.needsEntering = true
    case .signal(let signal): return .success(.signal(signal))
    case .ready:
      pressed = keys.keys(in: try terminal.read())
      if pressed.isEmpty, loop.readiness(of: terminal.input).contains(.hungUp) {
        return .success(.signal(SIGHUP))
      }
    case .deadline:
      if keys.isUndecided { pressed = keys.settle() }
      if !state.isPaused, .now >= due { state.wantsReading = true }
    }
    for key in pressed {
      if state.press(key, &view) { return .success(.status(.done)) }
    }
    if state.wantsReading {
      state.wantsReading = false
      try view.read()
      due = options.next(after: max(due, .now + .zero))
    }
  }
}

/// What the screen shows besides the view's own.
private struct ScreenState {
  enum Mode {
    case rows, help
    case filter(String, FilterError?)
  }

  private let options: WatchOptions
  private var screen = Screen()
  private var mode = Mode.rows
  /// The first row that is shown.
  private var top = 0
  /// How many rows there were room for.
  private var shown = 1
  private(set) var isPaused = false
  private var time = WallClock.unixMicroseconds
  var wantsReading = false
  var needsEntering = false

  init(_ options: WatchOptions) { self.options = options }

  // MARK: Keys

  /// - Returns: whether it ends the watch.
  mutating func press(_ key: Key, _ view: inout some Watched) -> Bool {
    switch mode {
    case .filter(let text, _):
      edit(text, key, &view)
      return false
    case .help:
      if key == .character("q") { return true }
      if key == .redraw { screen.forget() } else { mode = .rows }
      return false
    case .rows: break
    }
    switch key {
    case .character("q"), .character("Q"): return true
    case .character("?"), .character("h"): mode = .help
    case .character("/"): mode = .filter(view.filterText, nil)
    case .character("p"), .character(" "):
      isPaused.toggle()
      wantsReading = !isPaused
    case .character("s") where view.order != nil: view.chooseNextOrder()
    case .character("S") where view.order != nil: view.reverseOrder()
    case .up, .character("k"): top -= 1
    case .down, .character("j"): top += 1
    case .pageUp: top -= max(1, shown - 1)
    case .pageDown: top += max(1, shown - 1)
    case .home, .character("g"): top = 0
    case .end, .character("G"): top = view.rowCount
    case .redraw: screen.forget()
    default: break
    }
    return false
  }

  private mutating func edit(_ text: String, _ key: Key, _ view: inout some Watched) {
    switch key {
    case .character(let scalar): mode = .filter(text + String(scalar), nil)
    case .backspace: mode = .filter(String(text.unicodeScalars.dropLast()), nil)
    case .eraseLine: mode = .filter("", nil)
    case .escape: mode = .rows
    case .redraw: screen.forget()
    case .enter:
      do throws(FilterError) {
        try view.choose(filter: text)
        mode = .rows
        top = 0
        wantsReading = true
      } catch {
        mode = .filter(text, error)
      }
    default: break
    }
  }

  // MARK: Drawing

  mutating func frame(_ view: inout some Watched) -> [UInt8] {
    let display = Display(descriptor: STDOUT_FILENO, color: options.color, isWindow: true)
    var bytes: [UInt8] = []
    if needsEntering {
      needsEntering = false
      screen.forget()
      bytes += Screen.entering
    }
    var lines = [display.style(headline(view, display), .bold)]
    var (below, cursor) = bottom(view, display)
    if case .help = mode {
      lines += Self.keys(view) + view.help
    } else {
      lines += view.summary(display)
      let room = max(0, display.rows - lines.count - below.count)
      lines += rows(&view, room, display)
      // It tells which rows are shown, too, which was not known before.
      (below, cursor) = bottom(view, display)
    }
    lines = Array(lines.prefix(max(0, display.rows - below.count)))
    while lines.count + below.count < display.rows { lines.append("") }
    let place = cursor.map { (row: lines.count + $0.row, column: $0.column) }
    return bytes + screen.frame(lines + below, cursor: place, on: display)
  }

  private mutating func rows(
    _ view: inout some Watched, _ room: Int, _ display: Display
  ) -> [String] {
    top = max(0, min(top, view.rowCount - 1))
    var (table, rows) = view.table(from: top, height: room, display)
    // No empty room below the last row while there are rows above.
    let last = max(0, view.rowCount - max(1, rows))
    if top + rows >= view.rowCount, top > 0, table.count < room || top > last {
      top = max(0, view.rowCount - max(shown, 1))
      (table, rows) = view.table(from: top, height: room, display)
    }
    shown = rows
    return table
  }

  private func headline(_ view: some Watched, _ display: Display) -> String {
    let time = WallClock.timeOfDay(unixMicroseconds: WallClock.unixMicroseconds).prefix(8)
    let state = isPaused ? "PAUSED" : "every \(options.interval.argumentText)"
    let end = "\(state)  \(time)"
    let room = display.columns - end.count - 2
    let filter = view.filterText.isEmpty ? "" : "  filter: \(sanitized(view.filterText))"
    let start = display.cut("\(view.title)\(filter)", to: max(0, room))
    return start + String(repeating: " ", count: max(2, display.columns - start.count - end.count))
      + end
  }

  /// The lines at the bottom: the keys, or the filter that is typed, with its cursor.
  private func bottom(
    _ view: some Watched, _ display: Display
  ) -> (lines: [String], cursor: (row: Int, column: Int)?) {
    let style = display.style
    guard case .filter(let text, let error) = mode else {
      if case .help = mode { return ([style("any other key", .bold) + " back"], nil) }
      // Where the window is narrow the last ones are cut off.
      var keys = [("q", "quit"), ("?", "help")]
      if view.rowCount > shown || top > 0 {
        keys.append(("j/k", "\(top + 1)-\(top + shown) of \(view.rowCount)"))
      }
      keys += [("/", "filter"), ("p", isPaused ? "go on" : "pause")]
      if let order = view.order { keys.append(("s", "sort: \(order)")) }
      let line = keys.map { style($0.0, .bold) + " " + $0.1 }.joined(separator: "  ")
      return ([line], nil)
    }
    let width = max(1, display.columns - 3)
    guard let error else {
      let shown = sanitized(text)
      let tail = String(shown.suffix(width))
      return (
        [
          style("/ ", .bold) + tail,
          style("Enter", .bold) + " apply   "
            + style("Escape", .bold) + " leave   an empty filter shows everything",
        ],
        (0, 2 + tail.count)
      )
    }
    let (line, mark) = pointed(text, at: error.range, width: width)
    let message = display.fit(sanitized(error.message)).split(separator: "\n").map(String.init)
    return (
      [style("/ ", .bold) + line, "  " + style(mark, .red)] + message.map { style($0, .red) },
      (0, 2 + line.count)
    )
  }

  private static func keys(_ view: some Watched) -> [String] {
    [
      "", "  q            quit; Ctrl-C too", "  j k, arrows  one row down or up",
      "  PgDn PgUp    one page", "  g G          to the first or the last row",
    ]
      + (view.order == nil ? [] : ["  s S          the next order; the other direction"])
      + [
        "  /            edit the filter", "  p            pause, and go on",
        "  Ctrl-L       draw everything again", "",
      ]
  }
}
