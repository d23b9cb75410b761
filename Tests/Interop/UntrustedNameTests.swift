// Names that somebody else chose (of processes, network namespaces, services, files, and in captures)
// are shown as what they are: they move no cursor, make no line, no field and no key.

import Foundation
import TestSupport
import Testing

/// No character is left that a terminal would obey or that reorders its neighbours, but line breaks.
func expectHarmless(
  _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
) {
  guard let text = String(validating: bytes, as: UTF8.self) else {
    Issue.record("invalid UTF-8: \(bytes)", sourceLocation: sourceLocation)
    return
  }
  let harmful = text.unicodeScalars.filter {
    $0 != "\n"
      && [.control, .format, .lineSeparator, .paragraphSeparator]
        .contains($0.properties.generalCategory)
  }
  #expect(
    harmful.isEmpty, "\(harmful.map { $0.escaped(asASCII: true) }) in \(text)",
    sourceLocation: sourceLocation)
}

/// The records of CSV as Python reads them, which takes no other form.
func readCSV(
  _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
) throws -> [[String]] {
  let read = try run(
    [
      "python3", "-c",
      """
      import csv, io, json, sys
      text = io.TextIOWrapper(sys.stdin.buffer, "utf-8", "strict", newline="")
      json.dump(list(csv.reader(text, strict=True)), sys.stdout)
      """,
    ], input: .bytes(bytes))
  #expect(read.outcome == .exited(0), "\(read.errorText)", sourceLocation: sourceLocation)
  let rows = try JSONSerialization.jsonObject(with: Data(read.output)) as? [[String]]
  return try #require(rows, sourceLocation: sourceLocation)
}

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

@Suite(.waits, .requires("python3"), .timeLimit(.minutes(5))) struct UntrustedNames {
  // MARK: Processes

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
    let screen = try terminal.waitFor {
      $0.contains("LISTEN") && $0.contains(process.owner(name) + ",fd=")
    }
    #expect(screen.hasPrefix("tcptool states --watch"), "\(screen)")
    #expect(screen.contains("\n   LISTEN  "), "\(screen)")
    #expect(screen.hasSuffix("newest change\n"), "\(screen)")
    try terminal.send("q")
    #expect(try eventually { try terminal.exitStatus == 0 })
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

  // MARK: Services and network namespaces

  @Test(.requiresPrivateNetwork)
  func aServiceOfAnyName() throws {
    let directory = try TemporaryDirectory(
      files: ["services": "\u{1b}]0;x\u{7}\u{1b}[31mevil\u{202e}\",\u{85} 7777/tcp\n"])
    let network = try PrivateNetwork(
      mounts: true, setUp: ["mount --bind \(directory.file("services")) /etc/services"])
    for words in [[], ["--json"]] {
      let done = try run(
        network.command([try Tool.path, "connect", "--probe", "7777"] + words + ["127.0.0.1"]))
      #expect(done.outcome == .exited(11), "\(done)")
      expectHarmless(done.output)
      expectHarmless(done.error)
      #expect(done.outputText.contains("evil"), "\(done)")
    }
  }

  @Test(.requiresPrivateNetwork)
  func aNamespaceOfAnyName() throws {
    let directory = try TemporaryDirectory()
    let name = "\u{1b}]0;x\u{7}\u{1b}[31m a\nb\u{202e}\",\""
    let network = try PrivateNetwork(
      mounts: true,
      setUp: [
        "mkdir -p /run/netns", "mount -t tmpfs tmpfs /run/netns", ": >'/run/netns/\(name)'",
        "mount --bind /proc/self/ns/net '/run/netns/\(name)'",
      ])
    let listener = try tcptool("listen", "--hold", "127.0.0.1", "0", in: network)
    let port = try announcedPort(of: listener)
    let words = [try Tool.path, "states", "--all-netns", "--columns", "state,local,netns_name"]
    let table = try run(network.command(words + [":\(port)"]))
    #expect(table.outcome == .exited(0), "\(table)")
    expectHarmless(table.output)
    expectHarmless(table.error)
    #expect(lines(table).count == 2 && table.outputText.contains(#"\x1b]0;x"#), "\(table)")
    let objects = try run(network.command(words + [":\(port)", "--json"]))
    expectHarmless(objects.output)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(objects.output)) as? [String: Any])
    #expect(object["netns_name"] as? String == name)
    let save = directory.file("capture")
    let saved = try run(
      network.command([try Tool.path, "states", "--all-netns", "--save", save, ":\(port)"]))
    #expect(saved.outcome == .exited(0), "\(saved)")
    for view in [[], ["--by", "netns"], ["--listeners"], ["--csv"]] {
      let shown = try run([try Tool.path, "states", "--from", save] + view)
      #expect(shown.outcome == .exited(0), "\(view): \(shown)")
      expectHarmless(shown.output)
      expectHarmless(shown.error)
    }
  }

  /// A name that is not UTF-8, of a namespace that is found and entered by nothing else.
  @Test(.requiresPrivateNetwork)
  func aNamespaceWhoseNameIsNotUTF8() throws {
    let path = #""/run/netns/$(printf '\377\033[31m')""#
    let network = try PrivateNetwork(
      mounts: true,
      setUp: [
        "mkdir -p /run/netns", "mount -t tmpfs tmpfs /run/netns", ": >\(path)",
        "unshare -n mount --bind /proc/self/ns/net \(path)",
        "nsenter --net=\(path) ip link set lo up",
      ])
    let save = try run(network.command([try Tool.path, "states", "--all-netns", "--save", "-"]))
    #expect(!save.errorText.contains("not entered"), "\(save)")
    let records = try lines(save).compactMap {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    let record = try #require(
      records.first { $0["netns_name"] as? String == "\u{fffd}\u{1b}[31m" }, "\(save)")
    let settings = record["settings"] as? [String: Any]
    #expect(settings?["somaxconn"] is Int, "\(record)")

    let listener = try Child(
      network.command([
        "sh", "-c", "exec nsenter --net=\(path) \(try Tool.path) listen --hold 127.0.0.1 0",
      ]))
    let port = try announcedPort(of: listener)
    for view in [[], ["--csv"], ["--listeners"], ["--listeners", "--csv"], ["--by", "netns"]] {
      let done = try run(
        network.command([try Tool.path, "states", "--all-netns", "lport=\(port)"] + view))
      #expect(done.outcome == .exited(0), "\(view): \(done)")
      expectHarmless(done.output)
      #expect(done.outputText.contains(#"\xff\x1b[31m"#), "\(view): \(done)")
    }
  }

  // MARK: Captures

  /// Every text of a capture may be anything.
  @Test(arguments: [
    ["--cgroup", "--info"], ["--listeners"], ["--csv", "--cgroup", "--info"],
    ["--json", "--cgroup", "--info"], ["--by", "process"], ["--explain"],
  ])
  func aCaptureOfAnyWords(_ view: [String]) throws {
    let directory = try TemporaryDirectory()
    let text = #"\u001b]0;x\u0007\u001b[31m\u009b2J\u202e\n# EOF\r\",\"evil"#
    let row = """
      {"schema":"tcptool/1","record":"socket","family":"ipv4","state":"LISTEN","recv_queue":1,\
      "send_queue":null,"backlog":8,"ipv6_only":null,"local":{"address":"127.0.0.1","port":80},\
      "peer":{"address":"0.0.0.0","port":0},"timer":{"kind":null,"expires_ms":null,\
      "retransmits":0},"uid":0,"inode":7,"cookie":7,"interface":0,"netns":5,\
      "netns_name":"\(text)","memory":null,"info":null,"congestion_control":"\(text)",\
      "cgroup":"/\(text)","role":"listener","listener_processes":null,\
      "processes":[{"pid":9,"name":"\(text)","fd":3}]}

      """
    try Data(row.utf8).write(to: URL(filePath: directory.file("rows")))
    let words = ["states", "--process", "--from", directory.file("rows")]
    let shown = try run([try Tool.path] + words + view)
    #expect(shown.outcome == .exited(0), "\(shown)")
    expectHarmless(shown.output)
    expectHarmless(shown.error)
    #expect(shown.outputText.contains("evil"), "\(shown)")
  }

  /// What cannot be read is not quoted as it is.
  @Test(arguments: [
    "\u{1b}]0;x\u{7}\u{1b}[31m\u{202e}", "{\"\u{1b}[31m\":\u{9b}", "{\"state\":\"\u{1b}[31m\"}",
    #"{"schema":"tcptool/1","record":"\u001b[31m"}"#,
    #"{"schema":"tcptool/1","record":"socket","family":"\u001b[31m","state":"\u009b2J"}"#,
    #"{"schema":"tcptool/9\u001b[31m","record":"capture","kernel":"\u001b[31m"}"#,
  ])
  func whatIsNoCapture(_ text: String) throws {
    let directory = try TemporaryDirectory()
    try Data((text + "\n").utf8).write(to: URL(filePath: directory.file("rows")))
    let shown = try run([try Tool.path, "states", "--from", directory.file("rows")])
    #expect(shown.outcome != .exited(0), "\(shown)")
    expectHarmless(shown.output)
    expectHarmless(shown.error)
  }

  // MARK: Files and hosts

  /// A line break in a name makes no second line, in which anything could be said.
  @Test(arguments: ["\n", "\r", "\u{1b}[2K", "\u{85}", "\u{2028}", "\u{202e}"])
  func anErrorQuotesNamesInOneLine(_ part: String) throws {
    let directory = try TemporaryDirectory()
    let name = "a\(part)Error evil"
    let file = directory.file(name)
    for words in [
      ["send", "127.0.0.1", "1", file], ["recv", "--output", file + "/b", "127.0.0.1", "0"],
      ["listen", "--hex-dump", file + "/b", "127.0.0.1", "0"], ["connect", name, "80"],
      ["connect", "127.0.0.1", name], ["send", "--log", file + "/b", "127.0.0.1", "1"],
      ["states", "--from", file], ["states", "--netns", name], ["states", "--diff", file],
      ["send", "--svg", file + "/b", "127.0.0.1", "1"],
      ["connect", "--count", "1", "--svg", file + "/b", "127.0.0.1", "1"],
      ["recv", "--keep-open", "--output", "%x" + name, "127.0.0.1", "0"],
      ["backlog-test", "--svg", file + "/b"], [name], ["send", "--" + name],
    ] {
      let done = try run([try Tool.path] + words)
      expectHarmless(done.error)
      #expect(
        done.errorText.split(separator: "\n").count { $0.hasPrefix("Error") } == 1
          && done.errorText.contains("evil"), "\(words): \(done)")
    }
  }

  /// Told in one line also where all is well, and written as sha256sum(1) writes it.
  @Test(.requires("sha256sum")) func aFileOfAnyName() throws {
    let directory = try TemporaryDirectory()
    let name = "\u{1b}[31ma\nb\\\u{202e}"
    let file = directory.file(name)
    let receiver = try tcptool(
      "recv", "--max-connections", "1", "--verbose", "--digest", "sha256",
      "--output", file + "%n", "127.0.0.1", "0")
    let sender = try tcptool(
      "send", "127.0.0.1", "\(try announcedPort(of: receiver))", input: .text("text"))
    #expect(try sender.wait().outcome == .exited(0))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received)")
    expectHarmless(received.error)
    let sum = try run(["sha256sum", file + "1"]).outputText
    // sha256sum itself leaves what a terminal obeys.
    let shown = sum.replacing("\u{1b}", with: "\\x1b").replacing("\u{202e}", with: "\\u{202e}")
    #expect(received.errorText.contains(shown), "\(received.errorText)")
  }
}
