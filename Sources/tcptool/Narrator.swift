// Telling a person what happens: lines on standard error, never mixed with data.

internal import CommandSpec
internal import Glibc
internal import Report

/// How much is told.
struct NarrationOptions: Sendable {
  var isQuiet = false
  var isVerbose = false

  /// The two options of every subcommand that carries data.
  static func parameters<Options: CommandOptions>(
    _ isQuiet: Bound<Options>.Path<Bool>, _ isVerbose: Bound<Options>.Path<Bool>
  ) -> [Bound<Options>] {
    [
      .flag("quiet", "q", isQuiet, help: "Say nothing but errors."),
      .flag(
        "verbose", "v", isVerbose,
        help: "Also say how it ended, with bytes and time; the default on a terminal."),
    ]
  }
}

/// Writes narration. A lost line of narration is no reason to end: its errors are ignored.
struct Narrator {
  var options = NarrationOptions()

  /// For what is said before there are options.
  static let standard = Narrator()

  /// What happens, as a rule.
  func say(_ text: String) {
    if !options.isQuiet { raw(text) }
  }

  /// What a person who watches wants to know as well.
  func detail(_ text: String) {
    if options.isVerbose || (isWatched && !options.isQuiet) { raw(text) }
  }

  /// Why the program fails; always said.
  func error(_ text: String) { raw("Error: \(text)", indent: 7) }

  /// Lines as they are; a terminal shows the rest of one that is too long for it behind `indent` blanks.
  func raw(_ text: String, indent: Int = 2) {
    // Names that the user or the peer chose are in many of these lines.
    let safe = text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { sanitized(String($0)) }.joined(separator: "\n")
    var output = OutputBuffer(descriptor: STDERR_FILENO)
    try? output.line(Display(descriptor: STDERR_FILENO).fit(safe, indent: indent))
    try? output.flush()
  }

  private var isWatched: Bool { isatty(STDERR_FILENO) == 1 }
}
