// What a peer sends is data, and stays on the path of the data: nothing of it comes into what is told,
// onto a command line or into a name.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("python3"), .timeLimit(.minutes(5))) struct UntrustedPeers {
  /// Every byte, sequences that move a cursor, set a title or ask the terminal for an answer, C1
  /// controls in UTF-8, an override of the direction, and lines that look like ours.
  private static let evil =
    Array(
      "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[6n\u{9b}31m\u{202e}\r\n#1 accepted evil\nError: evil\n"
        .utf8)
    + Array(0...255)

  private func expectUntold(
    _ done: Finished, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectHarmless(done.error, sourceLocation: sourceLocation)
    #expect(!done.errorText.contains("evil"), "\(done)", sourceLocation: sourceLocation)
  }

  @Test(arguments: [[], ["--json"]], [[], ["-k"], ["-k", "--hex-dump", "-"], ["--echo"]])
  func aClient(_ form: [String], _ mode: [String]) throws {
    let tool = try Child(
      [try Tool.path, "listen", "-v", "--trace"] + form + mode + ["127.0.0.1", "0"])
    let port =
      form.isEmpty ? try announcedPort(of: tool) : try tool.waitForEvent("listening").port("local")
    let peer = try Child(
      ScriptedPeer.client(of: port, ["send", "acknowledged", "reset"]), input: .bytes(Self.evil))
    try peer.wait()
    if mode.contains("-k") {
      let closed = form.isEmpty ? "ended" : #""event":"closed""#
      try tool.waitForOutput(of: .standardError) { $0.contains(closed) || $0.contains("reset") }
      try tool.signal(SIGTERM)
    }
    let done = try tool.wait()
    expectUntold(done)
    if mode.contains("--hex-dump") {
      expectHarmless(done.output)
      #expect(done.outputText.contains("1b 5d 30 3b"))
    } else if mode == ["-k"] {
      // Somebody who does not look at a terminal gets the bytes as they are.
      let tag = Array("#1 ".utf8)
      let lines = Self.evil.split(separator: UInt8(ascii: "\n"))
      expectSame(done.output, Array(lines.map { tag + $0 + Array("\n".utf8) }.joined()))
    } else if mode != ["--echo"] {
      expectSame(done.output, Self.evil)
    }
  }

  @Test(arguments: [
    ["connect"], ["connect", "--json"], ["send"], ["send", "--json"],
    ["send", "--interval", "10ms"],
    ["recv", "--connect"], ["recv", "--connect", "--verify", "counter"],
    ["recv", "--connect", "--expect-digest", "crc32c:00000000"],
  ])
  func aServer(_ words: [String]) throws {
    let (peer, port) = try ScriptedPeer.serve("send", "acknowledged", input: .bytes(Self.evil))
    let done = try Child(
      [try Tool.path] + words + ["-v", "--trace", "127.0.0.1", "\(port)"], input: .bytes(Self.evil)
    ).wait()
    try peer.wait()
    expectUntold(done)
    let isShown = words[0] != "send" && !words.contains("--verify")
    expectSame(done.output, isShown ? Self.evil : [])
  }

  /// A terminal answers what asks it, and its answer would come as typed words. Of a dump it sees none.
  @Test(.requires("tmux"))
  func aDumpOnATerminal() throws {
    let (peer, port) = try ScriptedPeer.serve(
      "send", "acknowledged", "wait", input: .bytes(Self.evil))
    let terminal = try Terminal(
      columns: 80, rows: 50,
      command: [try Tool.path, "connect", "--hex-dump", "-", "127.0.0.1", "\(port)"])
    try terminal.waitFor {
      $0.contains("connected ") && $0.contains("1b 5d 30 3b 6f 77 6e 65") && $0.contains("owned")
        && $0.contains("evil")
    }
    peer.closeInput()
    try peer.wait()
  }

  /// On a terminal a line with a number before it is of the connection of that number, and of no other.
  @Test(.requires("tmux"))
  func linesOfSeveralOnATerminal() throws {
    let directory = try TemporaryDirectory()
    let ready = directory.file("port")
    let terminal = try Terminal(
      columns: 120, rows: 30,
      command: [try Tool.path, "listen", "-k", "--port-file", ready, "127.0.0.1", "0"])
    #expect(eventually { !contents(of: ready).isEmpty })
    let port = try #require(
      UInt16(String(decoding: contents(of: ready), as: UTF8.self).dropLast()))
    let peer = try Child(
      ScriptedPeer.client(of: port, ["send", "finish", "receive"]),
      input: .bytes(
        Array(
          "plain\tä\r\nx\r#2 evil\u{1b}[1A\u{1b}]0;evil\u{7}\u{9b}6n\u{202e}\n".utf8) + [
            0xff, 0x0a,
          ]))
    let screen = try terminal.waitFor { $0.contains("xff") }
    let lines = screen.split(separator: "\n")
    #expect(lines.contains { $0.firstMatch(of: /^#1 plain +ä$/) != nil }, "\(screen)")
    #expect(
      lines.contains(#"#1 x\r#2 evil\x1b[1A\x1b]0;evil\x07\u{9b}6n\u{202e}"#), "\(screen)")
    #expect(lines.contains(#"#1 \xff"#) && !lines.contains { $0.hasPrefix("#2") }, "\(screen)")
    try peer.wait()
    try terminal.send("C-c")
  }

  // MARK: Programs

  /// The words of the command line stay the words; what is known of the peer is in variables, and is
  /// digits, dots and colons.
  @Test func aProgramGetsNothingOfThePeerOnItsCommandLine() throws {
    let words = [
      "python3", "-c", "import os; print(open('/proc/self/cmdline').read(), os.environ)",
    ]
    let server = try RunningServer(exec: words + ["$NCAT_REMOTE_ADDR", "%a", "`id`"])
    let client = try server.client("send", "receive", input: .bytes(Self.evil))
    let told = String(decoding: try client.wait().output, as: UTF8.self)
    let line = (words + ["$NCAT_REMOTE_ADDR", "%a", "`id`"]).joined(separator: "\0") + "\0"
    // Python may start another one of its own, by its path.
    let start = told.range(of: "\0")?.lowerBound
    #expect(start.map { told[$0...].hasPrefix(line.drop { $0 != "\0" }) } == true, "\(told)")
    #expect(!told.contains("evil"), "\(told)")
    for match in told.matches(of: /'(?:NCAT|SOCAT)_[A-Z_]+': '([^']*)'/) {
      #expect(match.1.wholeMatch(of: /[0-9a-f.:]+|TCP/) != nil, "\(match.0)")
    }
    _ = try server.tool.wait()
  }

  // MARK: Files

  /// What is put into the name of a file are numbers and an address. Links that somebody has put into
  /// the folder lead nowhere.
  @Test(arguments: [false, true])
  func aReceivedFileStaysInItsFolder(_ isForced: Bool) throws {
    let directory = try TemporaryDirectory(files: [
      "in/readme": "", "outside": "old", "other": "old",
    ])
    // The temporary name and the final one of two connections.
    for (link, target) in [
      ("in-1-127.0.0.1.tcptool-part", "outside"), ("in-2-127.0.0.1.tcptool-part", "nosuch"),
      ("in-3-127.0.0.1.tcptool-part", ""),
    ] {
      try FileManager.default.createSymbolicLink(
        atPath: directory.file("in/\(link)"), withDestinationPath: directory.file(target))
    }
    let receiver = try Child(
      [try Tool.path, "recv", "--max-connections", "3", "--output", directory.file("in/in-%n-%a")]
        + (isForced ? ["--force"] : []) + ["127.0.0.1", "0"])
    let port = "\(try announcedPort(of: receiver))"
    for number in 1...3 {
      let sender = try tcptool("send", "127.0.0.1", port, input: .text("../../\(number)"))
      #expect(try sender.wait().outcome == .exited(0))
    }
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received)")
    for number in 1...3 {
      let path = directory.file("in/in-\(number)-127.0.0.1")
      #expect(String(decoding: contents(of: path), as: UTF8.self) == "../../\(number)")
      #expect(
        try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
          == .typeRegular)
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        == ["in", "other", "outside"])
    #expect(contents(of: directory.file("outside")) == Array("old".utf8))
  }

  /// A link in the place of the final name is no way out either, unless --force says to follow it.
  @Test func aLinkInThePlaceOfTheFile() throws {
    let directory = try TemporaryDirectory(files: ["in/readme": "", "outside": "old"])
    for (number, target) in [(1, "outside"), (2, "nosuch")] {
      try FileManager.default.createSymbolicLink(
        atPath: directory.file("in/\(number)-127.0.0.1"),
        withDestinationPath: directory.file(target))
    }
    let receiver = try tcptool(
      "recv", "--max-connections", "2", "--output", directory.file("in/%n-%a"), "127.0.0.1", "0")
    let port = "\(try announcedPort(of: receiver))"
    for _ in 1...2 {
      let sender = try tcptool("send", "127.0.0.1", port, input: .text("new"))
      #expect(try sender.wait().outcome != .exited(0))
    }
    let received = try receiver.wait()
    #expect(received.outcome == .exited(24), "\(received)")
    #expect(received.errorText.contains("EEXIST"), "\(received)")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        == ["in", "outside"])
    #expect(contents(of: directory.file("outside")) == Array("old".utf8))
  }
}
