// A mistake in a word that is an expression by itself: the message, and a mark where it is.

internal import CommandSpec
internal import Glibc
internal import Report

extension UsageError {
  /// The message with the expression and a mark under the mistake, each in a line of its own.
  ///
  /// - Parameter range: bytes of the expression's UTF-8.
  init(_ message: String, in expression: String, at range: Range<Int>) {
    let display = Display(descriptor: STDERR_FILENO)
    // A file has lines of any length; this is only against those that nobody would read.
    let columns = display.isTerminal ? display.columns : 1_000
    // As far as the message is behind "Error: ".
    let indent = String(repeating: " ", count: 7)
    let (line, mark) = pointed(expression, at: range, width: columns - indent.count)
    self.init(message)
    self.message += "\n\(indent)\(line)\n\(indent)\(mark)"
  }
}
