// Names of processes, which anybody chooses, are shown by `states` as what they are, in each of its forms:
// they move no cursor, make no line, no field and no key.

import Foundation
import TestSupport
import Testing

/// A name of a process, which may have any 15 bytes but 0.
struct HostileName: CustomTestStringConvertible {
  let bytes: [UInt8]
  /// As a person gets it.
  let shown: String

  var testDescription: String { shown }
  /// As a program gets it.
  var decoded: String { String(decoding: bytes, as: UTF8.self) }

  private init(_ text: String, _ shown: String) {
    bytes = Array(text.utf8)
    self.shown = shown
  }

  private init(bytes: [UInt8], _ shown: String) {
    self.bytes = bytes
    self.shown = shown
  }

  static let all = [
    HostileName("\u{1b}]0;x\u{7}\u{1b}[31m", #"\x1b]0;x\x07\x1b[31m"#),
    HostileName("a\nb\rc\td\u{8}\u{7f}", #"a\nb\rc\td\x08\x7f"#),
    HostileName("\u{9b}2J\u{202e}x\u{200b}\u{2028}", #"\u{9b}2J\u{202e}x\u{200b}\u{2028}"#),
    HostileName(bytes: [0xff, 0xfe, 0x9b, 0x33, 0x31, 0x6d, 0xc3], #"\xff\xfe\x9b31m\xc3"#),
    HostileName(#"","pid":1,"a":"#, #"","pid":1,"a":"#),
    HostileName("a,b\"c,\"\"d\n", #"a,b"c,""d\n"#),
    HostileName(") S 1 (2) R 3", ") S 1 (2) R 3"),
    HostileName("\"} 1\n# EOF\nx", #""} 1\n# EOF\nx"#),
    HostileName(#"\"\\n\u0022\"#, #"\"\\n\u0022\"#),
    HostileName(" ', :(pid=1,) ", " ', :(pid=1,) "),
  ]

  /// What spreadsheets take for formulas, and how it is spelled for them.
  static let formulas = [
    (HostileName("=1+1", "=1+1"), #"\x3d1+1"#),
    (HostileName("@SUM(1,2)", "@SUM(1,2)"), #"\x40SUM(1,2)"#),
    (HostileName("+\"a\"", "+\"a\""), #"\x2b"a""#), (HostileName("-2+3", "-2+3"), #"\x2d2+3"#),
  ]
}

/// A process of that name which listens, and is connected with itself without accepting.
private struct HostileProcess {
  let child: Child
  let port: UInt16

  init(_ name: HostileName) throws {
    let script = """
      import ctypes, socket, sys
      PR_SET_NAME = 15
      ctypes.CDLL(None).prctl(PR_SET_NAME, bytes.fromhex(sys.argv[1]), 0, 0, 0)
      listener = socket.create_server(("127.0.0.1", 0))
      client = socket.create_connection(listener.getsockname())
      print(listener.getsockname()[1], flush=True)
      sys.stdin.read()
      """
    let digits = name.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    child = try Child(["python3", "-c", script, digits], input: .pipe)
    let text = try child.waitForOutput { $0.hasSuffix("\n") }
    guard let port = UInt16(text.dropLast()) else { throw TestFailure("no port: \(text)") }
    self.port = port
  }

  /// What has that port, but for what the connections of others have left there.
  var filter: [String] { [":\(port)", "exclude", "time-wait"] }

  /// `states` of that.
  func states(_ words: String...) throws -> Finished {
    let done = try run([try Tool.path, "states", "--process"] + words + filter)
    #expect(done.outcome == .exited(0), "\(done)")
    expectHarmless(done.output)
    expectHarmless(done.error)
    return done
  }

  func owner(_ name: HostileName) -> String { "\(name.shown)(\(child.pid)" }
}

private func lines(_ done: Finished) -> [Substring] { done.outputText.split(separator: "\n") }

@Suite(.waits, .requires("python3"), .timeLimit(.minutes(5))) struct UntrustedProcesses {
  /// The listener, the connection's client end, and the end that waits to be accepted.
  @Test(arguments: HostileName.all)
  func aTableHasItsRowsAndColumns(_ name: HostileName) throws {
    let process = try HostileProcess(name)
    let table = lines(try process.states())
    #expect(table.count == 4, "\(table)")
    // The last column begins where its head does.
    let start = try #require(table.first?.range(of: "Process")?.lowerBound)
    let column = table[0].distance(from: table[0].startIndex, to: start)
    for row in table.dropFirst() {
      #expect(row.dropFirst(column).hasPrefix(process.owner(name) + ",fd="), "\(row)")
    }
    let listeners = lines(try process.states("--listeners"))
    #expect(listeners.dropFirst().first?.hasSuffix(process.owner(name) + ")") == true)
    let summary = lines(try process.states("--by", "process"))
    #expect(summary.contains { $0.contains(process.owner(name) + ")") }, "\(summary)")
  }

  @Test(arguments: HostileName.all)
  func anObjectHasItsKeys(_ name: HostileName) throws {
    let process = try HostileProcess(name)
    for words in [[], ["--listeners"]] {
      let told = try run(
        [try Tool.path, "states", "--process", "--json"] + process.filter + words)
      expectHarmless(told.output)
      // Of an object with two members of one name the second would win.
      let read = try run(
        [
          "python3", "-c",
          """
          import json, sys
          def unique(pairs):
              assert len(dict(pairs)) == len(pairs), pairs
              return dict(pairs)
          def names(value, key=None):
              if isinstance(value, dict):
                  for key, member in value.items():
                      yield from names(member, key)
              elif isinstance(value, list):
                  for member in value:
                      yield from names(member, key)
              elif key == "name" and isinstance(value, str):
                  yield value
          for line in sys.stdin.buffer.read().split(b"\\n"):
              if line:
                  value = json.loads(line.decode("utf-8", "strict"), object_pairs_hook=unique)
                  assert value["schema"] == "tcptool/1", value
                  for name in names(value):
                      print(name.encode().hex())
          """,
        ], input: .bytes(told.output))
      #expect(read.outcome == .exited(0), "\(read.errorText)")
      let wanted = Array(name.decoded.utf8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      #expect(lines(read).contains { $0 == wanted.joined() }, "\(words): \(told.outputText)")
    }
  }

  @Test(arguments: HostileName.all)
  func aRecordHasItsFields(_ name: HostileName) throws {
    let process = try HostileProcess(name)
    for words in [["--csv"], ["--csv", "--listeners"]] {
      let told = try process.states(words[0], words.last ?? "--csv")
      let rows = try readCSV(told.output)
      #expect(Set(rows.map(\.count)).count == 1, "\(rows)")
      #expect(rows.count == lines(told).count)
      let column = try #require(rows[0].firstIndex(of: "processes"))
      #expect(rows.dropFirst().contains { $0[column].hasPrefix(process.owner(name)) }, "\(rows)")
    }
  }

  /// Whoever opens it with a spreadsheet has it run nothing that a process calls itself; JSON has
  /// the name as it is.
  @Test(arguments: HostileName.formulas)
  func aSpreadsheetRunsNothing(_ name: HostileName, _ spelled: String) throws {
    let process = try HostileProcess(name)
    for words in [["--csv"], ["--csv", "--listeners"]] {
      let rows = try readCSV(try process.states(words[0], words.last ?? "--csv").output)
      let column = try #require(rows[0].firstIndex(of: "processes"))
      #expect(rows.contains { $0[column].hasPrefix("\(spelled)(\(process.child.pid)") }, "\(rows)")
      let formulas = rows.joined().filter { $0.count > 1 && "=+-@".contains($0.prefix(1)) }
      #expect(formulas.isEmpty)
    }
    let told = try process.states("--json", "--listeners").outputText
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(told.split(separator: "\n")[0].utf8))
        as? [String: Any])
    let names = (object["processes"] as? [[String: Any]])?.map { $0["name"] as? String }
    #expect(names == [name.decoded], "\(told)")
  }

  @Test(
    .enabled(
      if: prometheusParserIsThere || ProcessInfo.processInfo.environment["CI"] != nil,
      "not installed: python3-prometheus-client"),
    arguments: HostileName.all)
  func aSampleHasItsLabels(_ name: HostileName) throws {
    let process = try HostileProcess(name)
    let told = try process.states("--listeners", "--format", "openmetrics")
    let read = try run(
      [
        "/usr/bin/python3", "-c",
        """
        import json, sys
        from prometheus_client.openmetrics.parser import text_string_to_metric_families
        text = sys.stdin.buffer.read().decode("utf-8", "strict")
        families = list(text_string_to_metric_families(text))
        json.dump([sorted(s.labels.values()) for f in families for s in f.samples], sys.stdout)
        """,
      ], input: .bytes(told.output))
    #expect(read.outcome == .exited(0), "\(read.errorText)")
    let samples = try #require(
      try JSONSerialization.jsonObject(with: Data(read.output)) as? [[String]])
    #expect(samples.contains { $0.contains(name.shown) }, "\(samples)")
  }

  /// Saved, shown again, and compared with another: nothing becomes another name on the way.
  @Test(arguments: HostileName.all)
  func aCaptureKeepsIt(_ name: HostileName) throws {
    let directory = try TemporaryDirectory()
    let process = try HostileProcess(name)
    let capture = directory.file("before")
    _ = try process.states("--save", capture)
    expectHarmless(contents(of: capture))
    let shown = try run([try Tool.path, "states", "--process", "--from", capture])
    #expect(shown.outcome == .exited(0), "\(shown)")
    expectHarmless(shown.output)
    #expect(lines(shown).count == 4)
    // What no UTF-8 is has become U+FFFD in JSON.
    let isText = String(validating: name.bytes, as: UTF8.self) != nil
    if isText {
      #expect(lines(shown).dropFirst().allSatisfy { $0.contains(process.owner(name)) })
    }
    let another = try HostileProcess(name)
    let changes = try run(
      [try Tool.path, "states", "--process", "--diff", capture, ":\(process.port),\(another.port)"]
        + process.filter.dropFirst())
    #expect(changes.outcome == .exited(0), "\(changes)")
    expectHarmless(changes.output)
    // Its listener and its client; nobody holds what waits to be accepted.
    #expect(lines(changes).count { $0.contains(another.owner(name)) } == 2, "\(changes)")
    let asJSON = try run(
      [try Tool.path, "states", "--from", capture, "--process", "--json"])
    expectHarmless(asJSON.output)
    for line in lines(asJSON) {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      let holders =
        (object?["processes"] as? [[String: Any]] ?? [])
        + (object?["listener_processes"] as? [[String: Any]] ?? [])
      #expect(holders.contains { $0["name"] as? String == name.decoded }, "\(line)")
    }
  }

  @Test(arguments: HostileName.all)
  func aWatchTellsItInOneLine(_ name: HostileName) throws {
    let process = try HostileProcess(name)
    let watch = try tcptool(
      "states", "--process", "--watch=50ms", process.filter.joined(separator: " "))
    try watch.waitForOutput { $0.count(where: { $0 == "\n" }) >= 3 }
    process.child.closeInput()
    // Each is opened at first and closed at the end; the ends of connections go through more.
    try watch.waitForOutput {
      $0.contains("closed") || $0.contains("-  ") || $0.contains("TIME_WAIT")
    }
    try watch.signal(SIGTERM)
    let told = try watch.wait()
    expectHarmless(told.output)
    expectHarmless(told.error)
    let named = told.outputText.split(separator: "\n").filter { $0.contains(process.owner(name)) }
    #expect(named.count >= 3, "\(told)")
  }

  @Test(.requires("tmux"), arguments: HostileName.all.prefix(3), [80, 200])
  func aScreenStandsStill(_ name: HostileName, _ columns: Int) throws {
    let process = try HostileProcess(name)
    let terminal = try Terminal(
      columns: columns, rows: 20,
      command: [try Tool.path, "states", "--process", "--watch"] + process.filter)
    // At 80 columns the owner stands in the next line.
    try terminal.waitFor {
      $0.hasPrefix("tcptool states --watch") && $0.contains("\n   LISTEN  ")
        && $0.contains(process.owner(name) + ",fd=") && $0.hasSuffix("newest change\n")
    }
    try terminal.send("q")
    try terminal.waitFor { $0.contains("END: status 0") }
  }

  /// A port that is taken is told with the name of who has it.
  @Test(arguments: HostileName.all)
  func anErrorIsOneLine(_ name: HostileName) throws {
    let process = try HostileProcess(name)
    for subcommand in ["listen", "recv"] {
      let refused = try tcptool(subcommand, "127.0.0.1", "\(process.port)").wait()
      #expect(refused.outcome == .exited(15))
      expectHarmless(refused.error)
      #expect(
        refused.errorText.split(separator: "\n").count == 1
          && refused.errorText.hasSuffix(
            "is held by \(name.shown) (pid \(process.child.pid))\n"),
        "\(refused)")
    }
  }
}
