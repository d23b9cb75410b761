// Telling what happens: lines on standard error, or JSON, never mixed with data.

internal import CommandSpec
internal import Glibc
internal import Report
internal import SocketCore
internal import Synchronization

/// How much is told, and in which form.
struct NarrationOptions: Sendable {
  var isQuiet = false
  var isVerbose = false
  var isJSON = false
  /// A file that gets all events as JSON lines, whatever standard error gets.
  var logFile: String?
}

/// A subcommand that tells what happens on the way.
protocol Narrating: Subcommand {
  var narration: NarrationOptions { get set }
}

extension Narrating {
  /// The options of every subcommand that carries data.
  static var narrationParameters: [Bound<Self>] {
    [
      .flag("quiet", "q", \.narration.isQuiet, help: "Report nothing but errors.").excluding(
        ["verbose"], because: "one wants less, the other more"),
      .flag(
        "verbose", "v", \.narration.isVerbose,
        help: """
          Also report how it ended, with bytes, times and what the kernel measured; the default \
          on a terminal.
          """),
      .flag(
        "json", "j", \.narration.isJSON,
        help: "Report events as JSON lines on standard error, instead of text."),
      .option(
        "log", \.narration.logFile, value: "file",
        help: "Also write events to a file as JSON lines.",
        completion: .file),
    ]
  }

  func makeNarrator() throws(Failure) -> Narrator {
    do throws(SystemCallError) {
      return Narrator(
        options: narration,
        log: try narration.logFile.map { file throws(SystemCallError) in
          EventLog(try Descriptor.creating(file), name: file)
        })
    } catch {
      throw Failure(.localStream, error)
    }
  }
}

/// Tells events. What is lost on the way is no reason to end: where it is an answer, and not only
/// narration, the end tells of it.
struct Narrator: Sendable {
  var options = NarrationOptions()
  private let log: EventLog?
  /// Why an answer did not come to standard error.
  private let lostAnswer = FirstFailure()
  private let wait = ReaderWait()
  private let live: LiveLine
  /// Whether standard error is a terminal.
  private let isWatched = isatty(STDERR_FILENO) == 1

  init(options: NarrationOptions = NarrationOptions(), log: EventLog? = nil) {
    self.options = options
    self.log = log
    live = LiveLine(wait)
  }

  /// For what is said before there are options.
  static let standard = Narrator()

  func tell(_ event: Event) {
    // One object for both, so that they have the same time.
    let isObject = event.name != nil && (log != nil || options.isJSON)
    let json: JSONValue? = isObject ? .some(event.json) : .none
    if let json { log?.write(json) }
    if options.isJSON {
      // Whoever asked for events has a program that reads all of them.
      if let json, !options.isQuiet || event.audience == .everybody {
        lostAnswer.note(
          wait.toStandardError { output throws(OutputError) in try output.line(json) })
      }
    } else if isWanted(event.audience) {
      let failure = write(event.text, indent: event.indent)
      if event.audience == .everybody { lostAnswer.note(failure) }
    }
  }

  /// Tells an event of which there may be very many; it is only made where somebody hears it.
  ///
  /// - Parameter audience: the event's own.
  func tell(for audience: Event.Audience, _ event: @autoclosure () -> Event) {
    if hears(audience) { tell(event()) }
  }

  /// Whether anybody is told of events for this audience.
  func hears(_ audience: Event.Audience) -> Bool {
    log != nil || (options.isJSON ? !options.isQuiet : isWanted(audience))
  }

  /// Writes an event to the file of --log and nowhere else: people are told of it in another way.
  func record(_ event: @autoclosure () -> Event) { log?.write(event().json) }

  private func isWanted(_ audience: Event.Audience) -> Bool {
    switch audience {
    case .programs: false
    case .all: !options.isQuiet
    case .curious: options.isVerbose || (!options.isQuiet && isWatched)
    case .everybody: true
    }
  }

  /// A line as it is; a terminal shows the rest of one that is too long for it behind `indent` blanks.
  func line(_ text: String, indent: Int = 2) { _ = write(text, indent: indent) }

  /// - Returns: why it did not come to standard error.
  private func write(_ text: String, indent: Int) -> OutputError? {
    // Names that the user or the peer chose are in many of these lines.
    let safe = text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { sanitized(String($0)) }.joined(separator: "\n")
    live.erase()
    return wait.toStandardError { output throws(OutputError) in
      try output.line(Display(descriptor: STDERR_FILENO).fit(safe, indent: indent))
    }
  }

  /// Shows how things stand in the terminal's last line, in place of what it showed before; nothing
  /// elsewhere. The next line that is told takes its place.
  ///
  /// - Parameter short: the same for a terminal on which `text` has no room.
  func show(_ text: String, short: String? = nil) {
    if showsLive { live.draw(sanitized(text), short: short.map { sanitized($0) }) }
  }

  /// The same in several lines, each of which is cut where the terminal ends.
  func show(lines: [String]) {
    if showsLive { live.draw(lines.map { sanitized($0) }) }
  }

  /// Takes away what `show` showed; to be called before data may come to the same terminal.
  ///
  /// - Parameter lineWasTyped: whether the reader has typed a line meanwhile, which the terminal has
  ///   shown behind it.
  func endShow(lineWasTyped: Bool = false) { live.erase(linesBelow: lineWasTyped ? 1 : 0) }

  /// Whether `show` has anybody to show it to.
  var showsLive: Bool {
    !options.isQuiet && !options.isJSON && Display(descriptor: STDERR_FILENO).canRedraw
  }

  /// Whether a program reads what is told, in one way or another.
  var tellsPrograms: Bool { options.isJSON || log != nil }

  /// To be called at the end.
  ///
  /// - Throws: where the file of --log did not take all of them, or standard error not what was asked
  ///   for. A signal says more than the latter: it may have ended the reader as well.
  func finish(_ ending: Ending) throws(Failure) {
    live.erase()
    if let error = log?.error {
      throw Failure(.localStream, "\(error); events are missing there")
    }
    if case .status = ending, let error = lostAnswer.error { throw Failure(error) }
  }
}

/// The last lines of the terminal on standard error, where they are in use.
private final class LiveLine: Sendable {
  /// How many lines are drawn.
  private let drawn = Mutex(0)
  private let wait: ReaderWait

  init(_ wait: ReaderWait) { self.wait = wait }

  func draw(_ text: String, short: String?) {
    let fitting = text.count > Self.width(Display(descriptor: STDERR_FILENO)) ? short ?? text : text
    draw([fitting])
  }

  func draw(_ lines: [String]) {
    let display = Display(descriptor: STDERR_FILENO)
    let texts = lines.map { display.cut($0, to: Self.width(display)) + "\u{1b}[K" }
    let before = drawn.withLock { count in
      defer { count = lines.count }
      return count
    }
    // What is left of a longer picture goes, too.
    put(Self.start(of: before) + texts.joined(separator: "\n") + "\u{1b}[J")
  }

  func erase(linesBelow: Int = 0) {
    let before = drawn.withLock { count in
      defer { count = 0 }
      return count
    }
    if before > 0 { put(Self.start(of: before + linesBelow) + "\u{1b}[J") }
  }

  /// A terminal breaks a line that reaches its last column, and a broken line cannot be drawn over.
  private static func width(_ display: Display) -> Int { display.columns - 1 }

  /// Moves from the end of so many lines to their beginning.
  private static func start(of count: Int) -> String {
    count > 1 ? "\u{1b}[\(count - 1)A\r" : "\r"
  }

  private func put(_ text: String) {
    _ = wait.toStandardError { output throws(OutputError) in try output.write(text) }
  }
}

extension ReaderWait {
  /// - Returns: why not all of it was taken.
  fileprivate func toStandardError(
    _ write: (inout OutputBuffer) throws(OutputError) -> Void
  ) -> OutputError? {
    var output = OutputBuffer(descriptor: STDERR_FILENO, whileWaiting: mayGoOn)
    do throws(OutputError) {
      try write(&output)
      try output.flush()
      return nil
    } catch {
      return error
    }
  }
}

/// The first failure of an output, kept for the end.
private final class FirstFailure: Sendable {
  private let first = Mutex<OutputError?>(nil)

  var error: OutputError? { first.withLock { $0 } }

  func note(_ error: OutputError?) {
    // Where a signal came meanwhile, it is the signal that ends the program.
    if let error, error.code != EAGAIN { first.withLock { $0 = $0 ?? error } }
  }
}

/// The file of --log.
final class EventLog: Sendable {
  private let descriptor: Descriptor
  private let name: String
  private let failure = FirstFailure()
  private let wait = ReaderWait()

  init(_ descriptor: consuming Descriptor, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  var error: OutputError? { failure.error }

  func write(_ event: JSONValue) {
    var output = OutputBuffer(
      descriptor: descriptor.rawValue, name: name, whileWaiting: wait.mayGoOn)
    do throws(OutputError) {
      try output.line(event)
      // At once: whoever follows the file is to see what happened when it happens.
      try output.flush()
    } catch {
      failure.note(error)
    }
  }
}

extension Event {
  /// The event as a program reads it, with the time of now.
  var json: JSONValue {
    .object(
      [
        ("schema", "tcptool/1"), ("event", .init(name)),
        ("unix_time_us", .init(WallClock.unixMicroseconds)),
      ] + fields)
  }
}
