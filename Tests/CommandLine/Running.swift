// The built program, run the ways that these tests need: by words, and by a line of shell.

import TestSupport

/// Runs tcptool with these words, at 80 columns in a UTF-8 locale, until it ends.
func tcptool(
  _ words: [String], environment: [String: String] = [:], input: Child.Input = .null
) throws -> Finished {
  try run(
    [Tool.path] + words, input: input, environment: surroundings.merging(environment) { $1 })
}

/// Runs tcptool with these words under a line of shell in which `"$@"` is the program and its words.
func shell(_ line: String, _ words: [String]) throws -> Finished {
  try run(["sh", "-c", line, "sh", Tool.path] + words, environment: surroundings)
}

/// Starts tcptool under a line of shell and leaves it running.
func start(_ line: String, _ words: [String], input: Child.Input = .null) throws -> Child {
  try Child(
    ["sh", "-c", line, "sh", Tool.path] + words, input: input, environment: surroundings)
}

private let surroundings = ["COLUMNS": "80", "LC_ALL": "C.UTF-8", "NO_COLOR": "", "TERM": "xterm"]

/// The subcommands; the table's own test says that there are no others.
let subcommands = ["listen", "connect", "send", "recv", "states", "backlog-test"]

extension String {
  /// The words, with a single blank between: how a text reads wherever its lines break.
  var words: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
