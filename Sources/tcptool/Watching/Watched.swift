// What can be watched: something that is read again and again, shown on a screen or told in lines.

internal import KernelTables
internal import Report
internal import SocketCore

/// A view over something that is read again and again. One loop shows all of them on a terminal, and
/// another one tells all of them in lines.
protocol Watched {
  /// Reads once more.
  mutating func read() throws(SystemCallError)

  // In lines.

  /// What is said when the first reading is there.
  var opening: Event { get }
  /// Tells what the last reading brought.
  func tell(asJSON: Bool, to output: inout OutputBuffer) throws(OutputError)

  // On a screen.

  /// What is shown, in a few words.
  var title: String { get }
  /// Lines above the table.
  func summary(_ display: Display) -> [String]
  var rowCount: Int { get }
  /// The heading and the rows from one on, in at most so many lines, and how many rows these are.
  mutating func table(
    from first: Int, height: Int, _ display: Display
  ) -> (lines: [String], rows: Int)
  /// What the rows are in order of; nil where they have one order only.
  var order: String? { get }
  mutating func chooseNextOrder()
  mutating func reverseOrder()
  var filterText: String { get }
  /// Starts over with another filter.
  mutating func choose(filter text: String) throws(FilterError)
  /// What the marks and columns mean.
  var help: [String] { get }
}

/// How a watch goes on.
struct WatchOptions: Sendable {
  var interval: Duration
  var isJSON: Bool
  var color: ColorChoice

  /// The next reading after one that began at its time, without hurry after a late one.
  func next(after due: MonotonicInstant) -> MonotonicInstant {
    max(due + interval, .now + .nanoseconds(interval.nanoseconds / 4))
  }
}

/// Watches until a signal or a key ends it.
func watch(
  _ view: inout some Watched, _ options: WatchOptions, _ narrator: Narrator
) throws(Failure) -> Ending {
  do throws(SystemCallError) {
    try view.read()
  } catch {
    throw Failure(.failure, error)
  }
  let display = Display(descriptor: 1, color: options.color, isWindow: true)
  if display.canRedraw, !options.isJSON {
    return try watchOnScreen(&view, options)
  }
  return try watchInLines(&view, options, narrator)
}
