// A document of the repository in which sessions at a shell are shown: the README or a manual page.

import Foundation
import Synchronization
import TestSupport
import Testing

/// What a reader sees typed and answered, and what is set up before, which nobody sees.
///
/// In Markdown it is a block of the language `console` behind a comment, in mdoc a `.Bd -literal`
/// behind a comment. The comment begins with `session`; its further lines are the stage, in shell:
///
///     <!-- session                              .\" session
///     tcptool listen --hold 8080 &              .\" tcptool listen --hold 8080 &
///     await tcptool states -l :8080             .\" await tcptool states -l :8080
///     -->                                       .Bd -literal
///     ```console                                $ tcptool states \-\-listeners
///     $ tcptool states --listeners              ...
///     ...                                       .Ed
///     ```
///
/// A line of three dots stands for anything, or nothing. Behind `session: figures vary` all numbers
/// may differ from those of a run; else only times, rates, chosen ports, process ids and the like.
/// Behind `session: in any order` the lines of an output may stand in another order. Behind
/// `commands` each line of a block is a command without its output, which has to succeed; in a
/// block of YAML it is what stands behind `run:`.
struct Session: Sendable {
  struct Step: Sendable {
    var command: String
    var output: [String]
  }

  /// Whether the document has the output of each command, or the commands alone.
  var showsOutput: Bool
  var figuresVary: Bool
  var isInAnyOrder: Bool
  var stage: [String]
  var steps: [Step]
  /// The block's lines in the document, without the lines around them.
  var lines: Range<Int>
}

struct Document: Sendable, CustomTestStringConvertible {
  var path: String
  /// How wide a line of a block may be.
  var width: Int

  var testDescription: String { path }

  /// Those with sessions.
  static let all = [
    Document(path: "README.md", width: 115), Document(path: "man/tcptool-queues.7", width: 75),
  ]
  static let trace = Document(path: "man/tcptool-trace.7", width: 75)

  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let isRecording = ProcessInfo.processInfo.environment["TCPTOOL_RECORD"] == "1"

  private var isManual: Bool { !path.hasSuffix(".md") }
  private var url: URL { Self.root.appending(path: path) }

  func text() throws -> String { try String(contentsOf: url, encoding: .utf8) }

  // MARK: Reading

  /// A block of code, with the comment that stands right above it.
  struct Block: Sendable {
    /// The comment's first line, or nothing.
    var head: String
    /// Its other lines.
    var stage: [String]
    /// What stands behind the three backquotes, or behind `.Bd`.
    var kind: String
    /// The block's lines in the document, without the lines around them.
    var lines: Range<Int>
    /// The same as a reader has them.
    var text: [String]
  }

  func blocks() throws -> [Block] {
    let lines = try text().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let opening = isManual ? ".Bd " : "```"
    let closing = isManual ? ".Ed" : "```"
    var blocks: [Block] = []
    var comment: [String] = []
    var isInComment = false
    var index = 0
    while index < lines.count {
      let line = lines[index]
      index += 1
      if isInComment {
        isInComment = line != "-->"
        if isInComment { comment.append(line) }
      } else if line.hasPrefix(opening) {
        let start = index
        while index < lines.count, lines[index] != closing { index += 1 }
        guard index < lines.count else {
          throw TestFailure("\(path):\(start): a block without an end")
        }
        blocks.append(
          Block(
            head: comment.first ?? "", stage: Array(comment.dropFirst()),
            kind: String(line.dropFirst(opening.count)), lines: start..<index,
            text: lines[start..<index].map(unescaped)))
        comment = []
        index += 1
      } else if isManual, line.hasPrefix(".\\\" ") {
        comment.append(String(line.dropFirst(4)))
      } else if !isManual, line.hasPrefix("<!-- ") {
        isInComment = !line.hasSuffix("-->")
        comment = [String(line.dropFirst(5)).replacing(#/ ?-->$/#, with: "")]
      } else if isManual || !line.isEmpty {
        comment = []
      }
    }
    return blocks
  }

  func sessions() throws -> [Session] {
    try blocks().filter { $0.head.hasPrefix("session") || $0.head.hasPrefix("commands") }.map(
      session)
  }

  private func session(_ block: Block) throws -> Session {
    var session = Session(
      showsOutput: block.head.hasPrefix("session"),
      figuresVary: block.head.contains("figures vary"),
      isInAnyOrder: block.head.contains("in any order"), stage: block.stage, steps: [],
      lines: block.lines)
    for line in block.text {
      if !session.showsOutput {
        // In YAML a command is what is behind `run:`.
        let command = block.kind == "yaml" ? line.firstMatch(of: #/^ *run: (.*)/#)?.1 : line[...]
        if let command { session.steps.append(.init(command: String(command), output: [])) }
      } else if line.hasPrefix("$ ") {
        session.steps.append(.init(command: String(line.dropFirst(2)), output: []))
      } else if let last = session.steps.indices.last {
        session.steps[last].output.append(line)
      } else {
        throw TestFailure("\(path):\(block.lines.lowerBound): begins with no command: \(line)")
      }
    }
    return session
  }

  // MARK: Recording

  private static let writing = Mutex(())

  /// Writes the block of a session anew; the others may have moved meanwhile.
  func record(_ index: Int, _ steps: [Session.Step]) throws {
    try Self.writing.withLock { _ in
      let old = try sessions()[index]
      var lines = try text().split(separator: "\n", omittingEmptySubsequences: false)
        .map(String.init)
      let block = steps.flatMap { ["$ \($0.command)"] + $0.output }
      lines.replaceSubrange(old.lines, with: block.map(escaped))
      try Data(lines.joined(separator: "\n").utf8).write(to: url)
    }
  }

  /// A line that is too wide goes on in the next one, as a terminal would have it, but between words.
  func folded(_ line: String) -> [String] {
    var lines: [String] = []
    var rest = Substring(line)
    while rest.count > width - (lines.isEmpty ? 0 : 4) {
      let part = rest.prefix(width - (lines.isEmpty ? 0 : 4))
      // A number stays with its unit.
      let blank = part.indices.last { index in
        part[index] == " " && index > part.startIndex
          && !(part[..<index].last?.isNumber == true
            && rest[rest.index(after: index)...].first?.isLetter == true)
      }
      guard let blank else { break }
      lines.append((lines.isEmpty ? "" : "    ") + rest[..<blank])
      rest = rest[rest.index(after: blank)...].drop { $0 == " " }
    }
    return lines + [(lines.isEmpty ? "" : "    ") + rest]
  }

  /// As mdoc needs it, and back.
  private func escaped(_ line: String) -> String {
    guard isManual else { return line }
    let text = line.replacing("\\", with: "\\e").replacing("-", with: "\\-")
      .replacing("→", with: "\\[->]").replacing("µ", with: "\\[mc]")
      .replacing("'", with: "\\(aq").replacing("–", with: "\\(en")
      .replacing("█", with: "\\[u2588]").replacing("~", with: "\\(ti")
    return text.hasPrefix(".") ? "\\&" + text : text
  }

  private func unescaped(_ line: String) -> String {
    guard isManual else { return line }
    return line.replacing("\\[mc]", with: "µ").replacing("\\[->]", with: "→")
      .replacing("\\(aq", with: "'").replacing("\\(en", with: "–").replacing("\\(ti", with: "~")
      .replacing("\\[u2588]", with: "█").replacing("\\(ha", with: "^").replacing(
        "\\(dq", with: "\""
      )
      .replacing("\\(ga", with: "`").replacing("\\&", with: "").replacing("\\-", with: "-")
      .replacing("\\e", with: "\\")
  }
}
