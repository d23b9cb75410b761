// connect --count and --interval against real listeners: lines, summary, status, signals, plot.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("python3")) struct RepeatedHandshakeTests {
  /// Accepts whatever comes, until it is killed.
  private struct Server {
    let process: Child
    let port: UInt16

    init() throws {
      process = try Child(["python3", "-c", Self.script])
      let line = try process.waitForLine(containing: "port ", in: .standardOutput)
      port = try #require(UInt16(line.dropFirst(5)))
    }

    private static let script = """
      import socket
      listener = socket.create_server(("127.0.0.1", 0), backlog=128)
      print("port", listener.getsockname()[1], flush=True)
      while True:
          listener.accept()[0].close()
      """
  }

  private static func json(_ line: some StringProtocol) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  /// The lines of handshakes: those that begin with a number.
  private static func lines(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false).prefix { !$0.isEmpty }
  }

  // MARK: What comes of it

  @Test func aLineEachAndASummary() throws {
    let server = try Server()
    let done = try tcptool("connect", "--count", "12", "-i", "5ms", "127.0.0.1", "\(server.port)")
      .wait()
    #expect(done.outcome == .exited(0), "\(done)")
    let lines = Self.lines(done.outputText)
    #expect(lines.count == 12)
    for (place, line) in lines.enumerated() {
      let pattern = try Regex(
        "\(place < 9 ? "  " : " ")\(place + 1)  127\\.0\\.0\\.1:[0-9]+ → 127\\.0\\.0\\.1:\(server.port)  "
          + "[0-9.]+ [µm]?s  round trip [0-9.]+ [µm]?s")
      #expect(line.wholeMatch(of: pattern) != nil, "\(line)")
    }
    #expect(done.outputText.contains("\n\n12 handshakes with 127.0.0.1:\(server.port) in "))
    #expect(done.outputText.contains(": 12 connected\n12 SYNs sent, 0 of them again; 0 not "))
    #expect(done.outputText.contains("\nhandshake   12  "))
    #expect(!done.outputText.contains("\nfirst SYN "))
    #expect(done.outputText.contains("\nround trip  12  "))
    #expect(done.outputText.split(separator: "\n").last?.contains("█") == true)
    #expect(
      done.errorText
        == "12 handshakes with 127.0.0.1:\(server.port), one every 5 ms, each given 3 s\n")
  }

  @Test func quietIsTheSummaryAlone() throws {
    let server = try Server()
    let done = try tcptool("connect", "-q", "-c", "2", "-i", "1ms", "127.0.0.1:\(server.port)")
      .wait()
    #expect(done.outcome == .exited(0))
    #expect(done.outputText.hasPrefix("2 handshakes with 127.0.0.1:\(server.port) in "))
    #expect(done.errorText == "")
  }

  @Test func refusedIsStatus11() throws {
    let port = try unusedPort()
    let done = try tcptool("connect", "--count", "2", "-i", "1ms", "127.0.0.1", "\(port)").wait()
    #expect(done.outcome == .exited(11), "\(done)")
    #expect(Self.lines(done.outputText).allSatisfy { $0.contains("  refused after ") })
    #expect(done.outputText.contains(": 0 connected, 2 refused; 100 % failed\n"))
    #expect(done.outputText.contains(" 0 not answered in time: 0 % lost\n"))
    #expect(!done.errorText.contains("Error"))
  }

  @Test(.requiresPrivateNetwork) func noAnswerIsStatus12() throws {
    let network = try PrivateNetwork()
    let hole = try BlackHole(.ipv4, in: network)
    let done = try tcptool(
      "connect", "--count", "2", "-i", "10ms", "--timeout", "100ms", "127.0.0.1", "\(hole.port)",
      in: network
    ).wait()
    #expect(done.outcome == .exited(12), "\(done)")
    let lines = Self.lines(done.outputText)
    #expect(lines.count == 2)
    for line in lines {
      let pattern = #/  no answer after [0-9.]+ m?s, SYN sent [0-9]+ times?$/#
      #expect(line.firstMatch(of: pattern) != nil, "\(line)")
    }
    #expect(done.outputText.contains(" not answered in time: 100 % lost\n"))
    #expect(done.outputText.contains(" ticks left out, since "))
  }

  /// A server that goes away meanwhile, and Ctrl-C: the summary, and the status of what failed.
  @Test func aServerThatIsClosedInTheMiddle() throws {
    let server = try Server()
    let tool = try tcptool("connect", "--interval", "10ms", "127.0.0.1", "\(server.port)")
    try tool.waitForLine(containing: "  3  ", in: .standardOutput)
    try server.process.signal(SIGKILL)
    try tool.waitForLine(containing: "  refused after ", in: .standardOutput)
    try tool.signal(SIGINT)
    let done = try tool.wait()
    #expect(done.outcome == .exited(11), "\(done)")
    let lines = Self.lines(done.outputText)
    let refused = lines.count { $0.contains("  refused after ") }
    let summary = try #require(
      done.outputText.firstMatch(
        of: #/\n\n([0-9]+) handshakes with .*: ([0-9]+) connected, ([0-9]+) /#))
    #expect(Int(summary.1) == lines.count)
    #expect(Int(summary.3) == refused)
    #expect(Int(summary.2) == lines.count - refused)
  }

  /// It is sent again after a second, and then that is what the time is made of.
  @Test(.requiresPrivateNetwork) func aLostSYNIsFlagged() throws {
    let network = try PrivateNetwork()
    let hole = try BlackHole(.ipv4, in: network)
    let tool = try tcptool(
      "connect", "--count", "2", "-i", "1ms", "--timeout", "30s", "127.0.0.1", "\(hole.port)",
      in: network)
    try waitForConnection(of: hole.port, in: .synSent, network: network)
    try hole.open()
    let done = try tool.wait()
    let lines = Self.lines(done.outputText)
    #expect(lines.count == 2)
    #expect(
      lines.first?.firstMatch(of: #/  SYN sent [2-9] times, so no round trip to quote$/#) != nil)
    #expect(
      done.outputText.firstMatch(of: #/ [1-9] of them again; [1-9] not answered in time/#) != nil)
    // The statistics with it, and without it.
    #expect(done.outputText.contains("\nhandshake   "))
    #expect(done.outputText.contains("\nfirst SYN   "))
  }

  // MARK: JSON

  @Test(.requiresPrivateNetwork) func everyLineIsJSON() throws {
    let network = try PrivateNetwork(setUp: ["ip route add prohibit 127.9.9.2/32 table local"])
    for (host, status, outcome) in [("127.9.9.2", Int32(14), "prohibited"), ("::1", 11, "refused")]
    {
      let done = try tcptool(
        "connect", "--json", "--count", "2", "-i", "1ms", host, "80", in: network
      ).wait()
      #expect(done.outcome == .exited(status), "\(done)")
      let lines = done.outputText.split(separator: "\n")
      #expect(lines.count == 3)
      for line in lines {
        let checked = try run(["python3", "-m", "json.tool"], input: .text(String(line)))
        #expect(checked.outcome == .exited(0), "\(line)")
      }
      for (place, line) in lines.dropLast().enumerated() {
        let object = try Self.json(line)
        #expect(object["schema"] as? String == "tcptool/1")
        #expect(object["event"] as? String == "handshake")
        #expect(object["seq"] as? Int == place + 1)
        #expect(object["outcome"] as? String == outcome)
        #expect(object["handshake_ns"] is NSNull)
        #expect(object["rtt_us"] is NSNull)
      }
      let summary = try Self.json(try #require(lines.last))
      #expect(summary["event"] as? String == "handshake_summary")
      #expect(summary["sent"] as? Int == 2)
      #expect(summary[outcome] as? Int == 2)
      #expect(summary["handshake_ns"] is NSNull)
    }
  }

  @Test func theFileOfEventsHasThemToo() throws {
    let server = try Server()
    let directory = try TemporaryDirectory()
    let done = try tcptool(
      "connect", "--count", "2", "-i", "1ms", "--log", directory.file("events"), "127.0.0.1",
      "\(server.port)"
    ).wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.outputText.hasPrefix("  1  127.0.0.1:"))
    let names = try String(decoding: contents(of: directory.file("events")), as: UTF8.self)
      .split(separator: "\n").map { try #require(try Self.json($0)["event"] as? String) }
    #expect(names == ["handshake", "handshake", "handshake_summary"])
  }

  // MARK: Signals and closed pipes

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func aSignalIsFollowedByTheSummary(_ signal: Int32) throws {
    let server = try Server()
    let tool = try tcptool("connect", "--interval", "1h", "127.0.0.1", "\(server.port)")
    try tool.waitForLine(containing: "  1  ", in: .standardOutput)
    try tool.signal(signal)
    let done = try tool.wait()
    // Ctrl-C is the usual end of it, and the status tells of the handshakes.
    #expect(done.outcome == (signal == SIGINT ? .exited(0) : .signalled(signal)), "\(done)")
    #expect(done.outputText.contains("\n\n1 handshake with 127.0.0.1:\(server.port) in "))
  }

  /// Where each handshake fails before connect(2), and the next tick is always near, nothing is waited for.
  @Test func aSignalBetweenFailuresAtOnce() throws {
    let tool = try tcptool(
      "connect", "--interval", "1ms", "--source", "192.0.2.77", "127.0.0.1", "1")
    let line = try tool.waitForLine(containing: " 20  ", in: .standardOutput)
    #expect(line.contains("  failed at this end: bind to 192.0.2.77"))
    try tool.signal(SIGINT)
    let done = try tool.wait()
    #expect(done.outcome == .exited(15), "\(done)")
    #expect(done.outputText.contains("\n0 SYNs sent") == false)
  }

  /// With nothing that came to an end there is nothing to judge.
  @Test(.requiresPrivateNetwork) func aSignalInTheFirstHandshake() throws {
    let network = try PrivateNetwork()
    let hole = try BlackHole(.ipv4, in: network)
    let directory = try TemporaryDirectory(files: ["plot.svg": "the one before"])
    let tool = try tcptool(
      "connect", "-i", "1s", "--svg", directory.file("plot.svg"), "127.0.0.1", "\(hole.port)",
      in: network)
    try waitForConnection(of: hole.port, in: .synSent, network: network)
    try tool.signal(SIGINT)
    let done = try tool.wait()
    #expect(done.outcome == .signalled(SIGINT), "\(done)")
    #expect(done.outputText.contains("\n0 handshakes with 127.0.0.1:\(hole.port) in "))
    #expect(done.outputText.contains("\nOne more was under way at the end; it is not counted\n"))
    // Nothing is drawn, and nothing is left behind.
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(files == ["plot.svg"])
    #expect(contents(of: directory.file("plot.svg")) == Array("the one before".utf8))
  }

  /// A reader that takes nothing must not make the program immortal.
  @Test(arguments: [SIGINT, SIGTERM])
  func withABlockedOutput(_ signal: Int32) throws {
    let server = try Server()
    let directory = try TemporaryDirectory()
    let tool = try tcptool(
      "connect", "--json", "--interval", "1ms", "--svg", directory.file("plot.svg"), "127.0.0.1",
      "\(server.port)", output: .unread)
    // The pipe holds 64 KiB, which is 200 lines; with 300 handshakes the program waits for its reader.
    let isFull = try eventually {
      let port = "( dport = :\(server.port) or sport = :\(server.port) )"
      let sockets = try run(["ss", "-Htn", "state", "time-wait", port]).outputText
      return sockets.split(separator: "\n").count > 300
    }
    #expect(isFull)
    try tool.signal(signal)
    let done = try tool.wait()
    #expect(done.outcome == .signalled(signal), "\(done)")
    #expect(contents(of: directory.file("plot.svg")).starts(with: Array("<svg ".utf8)))
  }

  @Test func intoAClosedPipe() throws {
    let server = try Server()
    for words in [["--count", "3"], ["--json", "--count", "3"], ["--quiet", "--count", "1"]] {
      let tool = try Child(
        [Tool.path, "connect", "-i", "1ms"] + words + ["127.0.0.1", "\(server.port)"],
        output: .broken)
      let done = try tool.wait()
      #expect(done.outcome == .signalled(SIGPIPE), "\(done)")
      #expect(!done.errorText.contains("Error"))
    }
  }

  @Test func onAFullDisk() throws {
    let server = try Server()
    let done = try tcptool(
      "connect", "--count", "3", "-i", "1ms", "127.0.0.1", "\(server.port)",
      output: .file("/dev/full")
    ).wait()
    #expect(done.outcome == .exited(24), "\(done)")
    #expect(done.errorText.contains("Error: write to standard output: no space left on device"))
  }

  // MARK: The plot

  @Test(.requires("xmllint")) func thePlotIsWholeOrNotThere() throws {
    let server = try Server()
    let directory = try TemporaryDirectory()
    let path = directory.file("plot.svg")
    let tool = try tcptool(
      "connect", "--interval", "1ms", "--svg", path, "localhost", "\(server.port)", "-4")
    try tool.waitForLine(containing: " 50  ", in: .standardOutput)
    #expect(!FileManager.default.fileExists(atPath: path))
    try tool.signal(SIGINT)
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(files == ["plot.svg"])
    let checked = try run(["xmllint", "--nonet", "--noout", path])
    #expect(checked.outcome == .exited(0), "\(checked)")
    let svg = String(decoding: contents(of: path), as: UTF8.self)
    #expect(svg.contains("<title>Handshakes with localhost:\(server.port)</title>"))
  }

  @Test func anUnwritablePlotIsFoundOutFirst() throws {
    let server = try Server()
    let directory = try TemporaryDirectory(files: ["plain": ""])
    for path in ["/nonexistent/plot.svg", directory.path, directory.file("plain/plot.svg")] {
      let done = try tcptool(
        "connect", "--count", "2", "-i", "1ms", "--svg", path, "127.0.0.1", "\(server.port)"
      ).wait()
      #expect(done.outcome == .exited(24), "\(done)")
      #expect(done.output == [])
      #expect(done.errorText.hasPrefix("Error: open "))
    }
  }

  /// The disk is full only when the plot is written: the summary is not lost for it.
  @Test(.requiresPrivateNetwork) func aPlotThatFindsNoRoom() throws {
    let directory = try TemporaryDirectory()
    let network = try PrivateNetwork(
      mounts: true, setUp: ["mount -t tmpfs -o size=4k none '\(directory.path)'"])
    let done = try tcptool(
      "connect", "--count", "100", "-i", "1ms", "--svg", directory.file("plot.svg"), "127.0.0.1",
      "1",
      in: network
    ).wait()
    #expect(done.outcome == .exited(24), "\(done)")
    #expect(done.outputText.contains("\n\n100 handshakes with 127.0.0.1:1 in "))
    #expect(
      done.errorText.contains(
        "Error: write to \(directory.file("plot.svg")): no space left on device (ENOSPC)"))
    let left = try run(network.command(["ls", "-A", directory.path]))
    #expect(left.outputText == "")
  }

  // MARK: Usage

  @Test(
    arguments: [
      ["--count", "0"], ["--count", "-1"], ["--count=-1"], ["--count", "many"], ["--count", ""],
      ["--count", "99999999999999999999"], ["--interval", "0"], ["--interval", "999us"],
      ["--interval", "-1s"], ["--interval", "soon"], ["--count", "1", "--crlf"],
      ["--count", "1", "--wait", "1s"], ["--interval", "1s", "--recv-only"],
      ["--svg", "/nonexistent/x"], ["-i1s", "--linger", "1s"], ["-c1", "--on-stdin-eof", "wait"],
      ["-c1", "--hex-dump", "-"], ["-c1", "--all-addresses"],
      ["-c1", "--on-peer-eof", "close"], ["-c1", "--idle-timeout", "1s"],
      ["-c1", "--total-timeout", "1s"], ["-c1", "--send-only"],
    ])
  func whatMakesNoSenseIsRefused(_ words: [String]) throws {
    let done = try Child([Tool.path, "connect"] + words + ["127.0.0.1", "1"]).wait()
    #expect(done.outcome == .exited(64), "\(done)")
    #expect(done.output == [])
    #expect(done.errorText.hasPrefix("Error: "))
  }
}
