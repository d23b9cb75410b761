// The guide pages of the manual show what a run really writes. With TCPTOOL_RECORD=1 in the environment
// their recorded blocks are written anew instead of compared.

import Foundation
import TestSupport
import Testing

/// Serialized: each recorded block rewrites its page.
@Suite(.waits, .serialized, .requiresPrivateNetwork) struct Guides {
  private static let isRecording = ProcessInfo.processInfo.environment["TCPTOOL_RECORD"] == "1"
  private static let page = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
    .appending(path: "man/tcptool-trace.7")

  /// The blocks of the page that are recorded, by what stands behind `recorded:`.
  static let recorded = ["commands", "server", "client"]

  /// Starts one of the page's two commands, as it is typed there.
  private static func start(_ command: String, in scene: Scene) throws -> Child {
    try Child(
      scene.network.command(["sh", "-c", "cd \(scene.directory.path)\n\(command)"]),
      environment: scene.environment)
  }

  /// The scene of tcptool-trace(7).
  private static func traces() throws -> (server: String, client: String) {
    let head = try Document.trace.blocks().first { $0.head == "recorded: commands" }
    let commands = try #require(head?.text)
    try #require(commands.count == 2)
    let scene = try Scene()
    let server = try start(commands[0], in: scene)
    try server.waitForLine(containing: "listening on ")
    let client = try start(commands[1], in: scene)
    let ends = try (server.wait(), client.wait())
    guard ends.0.outcome == .exited(0), ends.1.outcome == .exited(0) else {
      throw TestFailure("\(ends)")
    }
    return (ends.0.errorText, ends.1.errorText)
  }

  /// The trace with less room between its columns: a page leaves less than a terminal does.
  private static func narrowed(_ text: String) -> String {
    text.split(separator: "\n").map { line in
      guard let parts = line.wholeMatch(of: #/(\S.*?) +([0-9.]+ µs)  (.*)/#) else {
        return String(line)
      }
      let call = String(parts.1)
      let blanks = max(1, 44 - call.count - parts.2.count)
      return call + String(repeating: " ", count: blanks) + parts.2 + "  " + parts.3
    }.joined(separator: "\n")
  }

  /// What differs from run to run stands for itself: times, ports that the kernel chose, and whether
  /// an acknowledgement came before or behind the call's return.
  private static func normalized(_ text: String) -> String {
    text.replacing(#/ +[0-9.]+ µs/#, with: " T")
      .replacing(#/in [0-9.]+ [µm]?s/#, with: "in T")
      .replacing(#/for [0-9a-z. ]+$/#.anchorsMatchLineEndings(), with: "for T")
      .replacing(#/127\.0\.0\.1:[0-9]{5}/#, with: "127.0.0.1:P")
      .replacing(#/FIN_WAIT[12]/#, with: "FIN_WAIT")
      .replacing(#/→ (CLOSE|LAST_ACK)$/#.anchorsMatchLineEndings(), with: "→ END")
      .replacing(#/recv\(([0-9]+), [0-9]+\)/#, with: { "recv(\($0.1), N)" })
      // The peer may have ended before the call returns, too.
      .replacing(#/(SHUT_WR\) = 0 T  ESTABLISHED) → .*/#, with: { "\($0.1) → NEXT" })
      // On a machine that is busy for a second the FIN has come before the data is looked at.
      .replacing("= 6 T  CLOSE_WAIT", with: "= 6 T  ESTABLISHED")
  }

  /// As mdoc needs it, and back.
  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("→", with: "\\[->]")
      .replacing("µ", with: "\\[mc]")
  }

  private static func unescaped(_ text: String) -> String {
    text.replacing("\\[mc]", with: "µ").replacing("\\[->]", with: "→").replacing("\\-", with: "-")
      .replacing("\\e", with: "\\")
  }

  @Test(.timeLimit(.minutes(5)))
  func ofTheTraceShowsARealRun() throws {
    let (server, client) = try Self.traces()
    var text = try String(contentsOf: Self.page, encoding: .utf8)
    // Both ends are of one run, in which the client has one port: they are recorded together.
    let ports = Set(text.matches(of: #/127\.0\.0\.1:([0-9]{5})/#).map(\.1))
    var stale: [String] = ports.count == 1 ? [] : ["the client has \(ports.count) ports"]
    for (name, trace) in [("server", server), ("client", client)] {
      let shown = Self.narrowed(trace)
      for line in shown.split(separator: "\n") { #expect(line.count <= 75, "\(line)") }
      let start = try #require(text.range(of: ".\\\" recorded: \(name)\n.Bd -literal\n"))
      let end = try #require(
        text.range(of: ".Ed\n.\\\" end", range: start.upperBound..<text.endIndex))
      let place = start.upperBound..<end.lowerBound
      let isFresh =
        Self.normalized(Self.unescaped(String(text[place]))) == Self.normalized(shown + "\n")
      if !isFresh { stale.append(shown) }
      text.replaceSubrange(place, with: Self.escaped(shown) + "\n")
    }
    if Self.isRecording {
      if !stale.isEmpty { try Data(text.utf8).write(to: Self.page) }
    } else {
      #expect(stale == [], "run 'make docs' and commit man/tcptool-trace.7")
    }
  }
}
