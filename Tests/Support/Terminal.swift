// A real terminal for tests of what a person sees, with tmux as the terminal.

import Glibc

/// A program that runs in a terminal of a fixed size, which dies with this object.
///
/// When the program ends, `END: status N` stands below its last words, with the status as a shell says
/// it, and both stay.
public final class Terminal: Sendable {
  private let directory: TemporaryDirectory

  /// Opens the terminal and starts the program in it.
  ///
  /// - Parameters:
  ///   - columns: The width in cells.
  ///   - rows: The height in cells.
  ///   - command: The words of the program; the first is looked up in `PATH`.
  ///   - environment: Variables that are added to this process's own. `TERM` is set anyhow.
  /// - Throws: `TestFailure` when tmux or the program does not start.
  public init(
    columns: Int = 80, rows: Int = 24, command: [String], environment: [String: String] = [:]
  ) throws(TestFailure) {
    directory = try TemporaryDirectory()
    var variables = ["LC_ALL": "C.UTF-8", "COLUMNS": "", "LINES": "", "NO_COLOR": ""]
    variables.merge(environment) { _, given in given }
    // Whatever the test process is in must not show: `env -u` removes what tmux would not.
    let program =
      ["env"] + variables.filter { $0.value.isEmpty }.flatMap { ["-u", $0.key] }
      + variables.filter { !$0.value.isEmpty }.map { "\($0)=\($1)" }.sorted() + command
    // The program's terminal stays open behind its end: what tmux has not read of it by then is lost
    // (3.3a): now and then all that a program wrote that ended at once. The shell gets the signals of
    // keys as well, and has to live to tell.
    let staying = ["sh", "-c", #"trap : INT; "$@"; echo "END: status $?"; exec cat"#, "sh"]
    try tmux(
      ["start-server"],
      ["set-option", "-g", "default-terminal", "screen-256color"],
      ["set-option", "-g", "status", "off"],
      ["set-option", "-g", "remain-on-exit", "on"],
      ["set-option", "-g", "remain-on-exit-format", ""],
      ["set-option", "-s", "escape-time", "0"],
      ["new-session", "-d", "-x", "\(columns)", "-y", "\(rows)"] + staying + program)
  }

  deinit {
    _ = try? tmux(["kill-server"])
  }

  /// Presses keys, named as tmux names them: `C-c`, `Enter`, `Up`, `q`.
  public func send(_ keys: String...) throws(TestFailure) {
    try tmux(["send-keys"] + keys)
  }

  /// Types text as it stands, without a newline at the end.
  public func type(_ text: String) throws(TestFailure) {
    try tmux(["send-keys", "-l", "--", text])
  }

  /// Changes the size; the program gets a SIGWINCH.
  public func resize(columns: Int, rows: Int) throws(TestFailure) {
    try tmux(["resize-window", "-x", "\(columns)", "-y", "\(rows)"])
  }

  /// What is on the screen, row by row, without blanks at the ends of rows.
  public var screen: String {
    get throws(TestFailure) { try tmux(["capture-pane", "-p"]) }
  }

  /// The screen with the escape sequences of its colours and weights.
  public var styledScreen: String {
    get throws(TestFailure) { try tmux(["capture-pane", "-p", "-e"]) }
  }

  /// Waits until the screen satisfies `condition`, and returns it.
  ///
  /// - Throws: `TestFailure`, with the last screen, when `limit` passes first.
  @discardableResult
  public func waitFor(
    _ condition: (String) -> Bool, within limit: Duration = patience
  ) throws -> String {
    var last = ""
    let found = try eventually(within: limit, every: .milliseconds(20)) {
      last = try screen
      return condition(last)
    }
    guard found else {
      throw TestFailure("the screen did not show what was waited for within \(limit):\n\(last)")
    }
    return last
  }

  /// Runs tmux commands in one go and returns their output.
  @discardableResult
  private func tmux(_ commands: [String]...) throws(TestFailure) -> String {
    let socket = directory.file("tmux")
    // A word that ends in “;” would end its command.
    let words = commands.map { command in
      command.map { $0.hasSuffix(";") ? $0.dropLast() + "\\;" : $0 }
    }
    let done = try run(
      ["tmux", "-u", "-S", socket, "-f", "/dev/null"] + Array(words.joined(separator: [";"])),
      environment: ["TMUX": ""])
    guard done.outcome == .exited(0) else { throw TestFailure("tmux \(commands): \(done)") }
    return done.outputText
  }
}
