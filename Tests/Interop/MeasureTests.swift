// What `send` and `recv` measure on the way: intervals, the reason why it was not faster, the pace, the
// plot; with peers that behave as they are told.

import Foundation
import TestSupport
import Testing

@Suite(.waits) struct Measures {
  private static let size = 32 << 20

  /// Starts a receiver that throws everything away, and gives its port.
  private func receiver(_ words: String..., json: Bool = true) throws -> (Child, String) {
    let directory = try TemporaryDirectory()
    let ready = directory.file("port")
    let tool = try Child(
      [try Tool.path, "recv", "--discard", "--port-file", ready] + (json ? ["--json"] : []) + words
        + ["127.0.0.1", "0"])
    #expect(eventually { !contents(of: ready).isEmpty })
    let port = String(decoding: contents(of: ready), as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    return (tool, port)
  }

  // MARK: Intervals

  /// The intervals of each end follow one another without a gap, and add up to all bytes.
  @Test func intervalsAddUp() throws {
    let (receiver, port) = try receiver("--interval", "50ms")
    let sent = try tcptool(
      "send", "--json", "-i", "50ms", "--size", "\(Self.size)", "--rate", "800Mbit", "127.0.0.1",
      port
    ).wait()
    #expect(sent.outcome == .exited(0), "\(sent.errorText)")
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0))
    for (text, total) in [
      (sent.errorText, "bytes_acknowledged"), (received.errorText, "bytes_received"),
    ] {
      let intervals = try events("interval", in: text)
      #expect(intervals.count > 1)
      let bytes = sum("bytes", of: intervals)
      #expect(bytes == Self.size)
      #expect(intervals.last?[total] as? Int == Self.size)
      var end = 0
      for interval in intervals {
        #expect(interval["start_ns"] as? Int == end)
        end = try #require(interval["end_ns"] as? Int)
        #expect((interval["tcp_info"] as? [String: Any])?["rtt_us"] is Int)
      }
      #expect(try events("progress", in: text).isEmpty)
    }
  }

  /// Also when nothing moves: that is when one wants to know. Then the numbers stand still, and those
  /// of ss(8) have to be the same.
  @Test(.requires("python3", "ss"))
  func aStallIsToldToo() throws {
    let (peer, port) = try ScriptedPeer.serve("wait", "receive", input: .pipe)
    let sender = try tcptool(
      "send", "--json", "--interval", "20ms", "--size", "\(Self.size)", "127.0.0.1", "\(port)")
    func last() throws -> [String: Any]? {
      let text = String(decoding: sender.standardError, as: UTF8.self)
      return try events(
        "interval",
        in: text.split(separator: "\n").filter { $0.hasSuffix("}}") }
          .joined(separator: "\n")
      ).last
    }
    func agrees(_ interval: [String: Any]?, _ unsent: Substring, _ window: Substring) -> Bool {
      let info = interval?["tcp_info"] as? [String: Any]
      return interval?["bytes"] as? Int == 0 && interval?["bits_per_second"] as? Int == 0
        && interval?["bytes_unsent"] as? Int == Int(unsent)
        && info?["snd_cwnd"] as? Int == Int(window)
    }
    let stalled = try eventually {
      let table = try run(["ss", "-tinH", "dport = :\(port)"]).outputText
      guard let unsent = table.firstMatch(of: /notsent:([0-9]+)/)?.1,
        let window = table.firstMatch(of: /cwnd:([0-9]+)/)?.1
      else { return false }
      return agrees(try last(), unsent, window)
    }
    #expect(stalled)
    peer.closeInput()
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(0), "\(sent.errorText)")
    // Meanwhile the peer's window was shut.
    let closed = try #require(try events("closed", in: sent.errorText).first)
    #expect(closed["limited_by"] as? String == "receive_window")
  }

  /// Those of one connection among several follow one another, and add up to its bytes and no other's.
  @Test func intervalsOfSeveralAddUp() throws {
    let (receiver, port) = try receiver("--max-connections", "3", "--interval", "30ms")
    let sizes = [3 << 20, 2 << 20, 1 << 20]
    // All at once: the first one begins and ends outside of the others.
    let senders = try sizes.map { size in
      let sender = try tcptool(
        "send", "--json", "--interval", "30ms", "--size", "\(size)", "--rate", "4MB", "127.0.0.1",
        port)
      try sender.waitForEvent("connected")
      return sender
    }
    for sender in senders { #expect(try sender.wait().outcome == .exited(0)) }
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received)")
    let intervals = try events("interval", in: received.errorText)
    #expect(intervals.count > sizes.count)
    var found: [Int] = []
    for number in 1...sizes.count {
      let own = intervals.filter { $0["connection"] as? Int == number }
      var end = 0
      for interval in own {
        #expect(interval["start_ns"] as? Int == end)
        end = try #require(interval["end_ns"] as? Int)
      }
      let bytes = sum("bytes", of: own)
      #expect(own.last?["bytes_received"] as? Int == bytes)
      found.append(bytes)
    }
    #expect(found.sorted() == sizes.sorted())
    #expect(intervals.allSatisfy { (1...sizes.count).contains($0["connection"] as? Int ?? 0) })
  }

  /// What another program counted, where wc(1) or its own pipe tells.
  @Test(.requires("nc", "ncat", "socat", "python3"), arguments: Peer.allCases)
  func totalsAreThoseOfAnotherProgram(_ peer: Peer) throws {
    let size = 3_000_001
    let port = try unusedPort()
    let counter = try Child(
      ["sh", "-c", #""$@" | wc -c"#, "sh"] + peer.receiver(on: port))
    try waitUntilListening(port: port)
    let sent = try tcptool(
      "send", "--json", "--interval", "10ms", "--size", "\(size)", "127.0.0.1", "\(port)"
    ).wait()
    #expect(sent.outcome == .exited(0), "\(sent.errorText)")
    let counted = try counter.wait().outputText.filter(\.isNumber)
    #expect(Int(counted) == size)
    #expect(sum("bytes", of: try events("interval", in: sent.errorText)) == size)
    let closed = try #require(try events("closed", in: sent.errorText).first)
    #expect(closed["bytes_acknowledged"] as? Int == size)
    let (receiver, place) = try receiver("--interval", "10ms")
    let sender = try Child(
      peer.sender(to: try #require(UInt16(place))), input: .bytes(bytes(count: size)))
    #expect(try sender.wait().outcome == .exited(0))
    let received = try receiver.wait()
    #expect(sum("bytes", of: try events("interval", in: received.errorText)) == size)
    let end = try #require(try events("closed", in: received.errorText).first)
    #expect(end["bytes_received"] as? Int == size)
  }

  @Test func linesStandUnderTheirHeads() throws {
    // One line, at the end.
    let (receiver, port) = try receiver("--interval", "10m", json: false)
    let sent = try tcptool(
      "send", "--interval", "10m", "--size", "1M", "127.0.0.1", port
    ).wait()
    #expect(sent.outcome == .exited(0))
    let received = try receiver.wait()
    for (text, head) in [
      (sent.errorText, "until rate acked resent cwnd RTT in flight unsent"),
      (received.errorText, "until rate received unread window"),
    ] {
      let lines = text.split(separator: "\n")
      let place = try #require(
        lines.firstIndex { $0.split(separator: " ").joined(separator: " ") == head }, "\(text)")
      let row = lines[place + 1]
      #expect(row.count == lines[place].count, "\(text)")
      #expect(row.contains("1 MiB") && row.count < 80)
    }
  }

  // MARK: The reason

  private struct Reason: Sendable {
    var size: Int
    var words: [String]
    var steps: [String]
    var reason: String
    var sentence: String
  }

  private static let reasons: [Reason] = [
    Reason(
      size: size, words: [], steps: ["slowly"], reason: "receive_window",
      sentence: "larger --rcvbuf there would change that"),
    Reason(
      // So little that a busy machine has more to give.
      size: size / 8, words: ["--rate", "20Mbit"], steps: ["receive"], reason: "rate",
      sentence: "held to 20Mbit by --rate"),
  ]

  /// On a machine that has something else to do now and then, of one of many transfers.
  @Test(.requires("python3"), arguments: reasons)
  private func theReasonIsTold(_ row: Reason) throws {
    var told: [String] = []
    let isTold = try eventually {
      let (sent, closed) = try send(row)
      told.append(closed["limited_by"] as? String ?? "nothing")
      guard told.last == row.reason else { return false }
      #expect(sent.errorText.contains(row.sentence), "\(sent.errorText)")
      #expect(closed["processor_user_us"] is Int && closed["processor_system_us"] is Int)
      return true
    }
    #expect(isTold, "\(told)")
  }

  /// A transfer, and what is told of its end.
  private func send(_ row: Reason) throws -> (sent: Finished, closed: [String: Any]) {
    let directory = try TemporaryDirectory()
    let log = directory.file("events")
    let (peer, port) = try ScriptedPeer.serve(row.steps[0])
    let sent = try Child(
      [try Tool.path, "send", "-v", "--log", log, "--size", "\(row.size)"] + row.words
        + ["127.0.0.1", "\(port)"]
    ).wait()
    #expect(sent.outcome == .exited(0), "\(sent.errorText)")
    let told = String(decoding: contents(of: log), as: UTF8.self)
    try peer.wait()
    return (sent, try #require(try events("closed", in: told).first))
  }

  /// 2 MiB, and then nothing for three times as many intervals as they took.
  @Test func aSlowSourceIsTheReason() throws {
    let (receiver, port) = try receiver()
    let sender = try tcptool(
      "send", "--json", "--interval", "20ms", "127.0.0.1", port, input: .pipe)
    try sender.write(bytes(count: 2 << 20, seed: 1))
    let waited = eventually {
      let text = String(decoding: sender.standardError, as: UTF8.self)
      let intervals = text.split(separator: "\n").filter { $0.contains(#""event":"interval""#) }
      let idle = intervals.count { $0.contains(#""bytes":0,"#) }
      let busy = intervals.count - idle
      return busy > 0 && idle >= 3 * busy + 5
    }
    #expect(waited)
    sender.closeInput()
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(0), "\(sent.errorText)")
    let closed = try #require(try events("closed", in: sent.errorText).first)
    #expect(closed["limited_by"] as? String == "application")
    try receiver.wait()
  }

  // MARK: The plot

  @Test(arguments: ["send", "recv"])
  func theCourseIsPlotted(_ side: String) throws {
    let directory = try TemporaryDirectory()
    let plot = directory.file("plot.svg")
    let option = ["--svg", plot]
    let (receiver, port) =
      side == "recv" ? try receiver("--svg", plot) : try receiver()
    let sent = try Child(
      [try Tool.path, "send", "--size", "4M", "--rate", "20MB"] + (side == "send" ? option : [])
        + ["127.0.0.1", port]
    ).wait()
    #expect(sent.outcome == .exited(0), "\(sent.errorText)")
    #expect(try receiver.wait().outcome == .exited(0))
    let text = String(decoding: contents(of: plot), as: UTF8.self)
    #expect(text.hasPrefix("<svg") && text.hasSuffix("</svg>\n"))
    for word in side == "send"
      ? ["Sent to 127.0.0.1:\(port)", "round trip", "congestion window"]
      : ["Received from 127.0.0.1", "receive window"]
    {
      #expect(text.contains(word))
    }
  }

  /// An interval longer than any transfer has one line, at the end.
  @Test func theLongestIntervalIsPlottedToo() throws {
    let directory = try TemporaryDirectory()
    let (receiver, port) = try receiver("--svg", directory.file("plot.svg"), "-i", "\(Int.max)ns")
    #expect(try tcptool("send", "--size", "1", "127.0.0.1", port).wait().outcome == .exited(0))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received)")
    #expect(try events("interval", in: received.errorText).count == 1)
  }

  @Test func aPlotThatCannotBeWrittenIsFoundOutFirst() throws {
    let port = "\(try unusedPort())"
    let sent = try tcptool("send", "--size", "1", "--svg", "/nosuch/plot", "127.0.0.1", port).wait()
    #expect(sent.outcome == .exited(24), "\(sent.errorText)")
  }

  // MARK: The live line

  @Test(.requires("tmux"), arguments: [80, 200])
  func aTerminalShowsHowFarItIs(_ columns: Int) throws {
    let (receiver, port) = try receiver()
    let terminal = try Terminal(
      columns: columns, rows: 20,
      command: [try Tool.path, "send", "--size", "1G", "--rate", "20MB", "127.0.0.1", port])
    let screen = try terminal.waitFor { $0.contains(" % of 1 GiB") && $0.contains(" left") }
    let line = try #require(screen.split(separator: "\n").first { $0.contains(" % of 1 GiB") })
    #expect(line.hasPrefix("[") && line.contains("bit/s") && line.count < columns)
    try terminal.send("C-c")
    let end = try terminal.waitFor { $0.contains("END: status 130") }
    // The last words took its place.
    #expect(!end.contains(" % of 1 GiB"), "\(end)")
    #expect(end.contains("sent "))
    try receiver.wait()
  }

  /// It stands in one line, whatever the width, and nothing of it is left behind.
  @Test(.requires("tmux"), arguments: [40, 80, 200])
  func aReceiverShowsHowFarItIs(_ columns: Int) throws {
    let directory = try TemporaryDirectory()
    let ready = directory.file("port")
    let terminal = try Terminal(
      columns: columns, rows: 20,
      command: [
        try Tool.path, "recv", "--output", directory.file("file"), "--expect-size", "20M",
        "--port-file", ready, "127.0.0.1", "0",
      ])
    #expect(eventually { !contents(of: ready).isEmpty })
    let port = try #require(
      UInt16(String(decoding: contents(of: ready), as: UTF8.self).dropLast()))
    // What the sender has not got yet keeps the receiver waiting, however late anybody looks.
    let data = bytes(count: 20 << 20)
    let sender = try tcptool("send", "127.0.0.1", "\(port)", input: .pipe)
    try sender.write(Array(data.prefix(8 << 20)))
    let screen = try terminal.waitFor { $0.contains(" %") && $0.contains("bit/s") }
    let line = try #require(screen.split(separator: "\n").first { $0.contains(" %") })
    #expect(line.contains("bit/s") && line.count < columns, "\(screen)")
    try sender.write(Array(data.dropFirst(8 << 20)))
    sender.closeInput()
    #expect(try sender.wait().outcome == .exited(0))
    let end = try terminal.waitFor { $0.contains("END: status 0") }
    #expect(!end.contains(" %") && !end.contains("left"), "\(end)")
    #expect(end.contains("20 MiB"), "\(end)")
  }

  /// script(1) is a terminal that keeps every byte: where the terminal can do nothing there is no escape
  /// sequence and no line that is written over, and where it can, none has a colour.
  @Test(.requires("script"), arguments: ["recv", "send"], ["dumb", "", "xterm"])
  func whatATerminalGets(_ side: String, _ kind: String) throws {
    let directory = try TemporaryDirectory()
    let ready = directory.file("port")
    let tool = try Tool.path
    let receives = "\(tool) recv --discard --port-file \(ready) 127.0.0.1 0"
    let environment = ["TERM": kind, "NO_COLOR": kind == "xterm" ? "1" : ""]
    let end: Child
    let terminal: Child
    func port() throws -> String {
      #expect(eventually { !contents(of: ready).isEmpty })
      return String(String(decoding: contents(of: ready), as: UTF8.self).dropLast())
    }
    func sends() throws -> String {
      "\(tool) send --size 4M --rate 5MB 127.0.0.1 \(try port())"
    }
    func script(_ line: String) throws -> Child {
      try Child(
        ["script", "-q", "-e", "-c", line, "/dev/null"], input: .pipe, environment: environment)
    }
    if side == "recv" {
      terminal = try script(receives)
      end = try Child(["sh", "-c", try sends()])
    } else {
      end = try Child(["sh", "-c", receives])
      terminal = try script(try sends())
    }
    #expect(try end.wait().outcome == .exited(0))
    let told = try terminal.wait()
    #expect(told.outcome == .exited(0), "\(told)")
    #expect(told.outputText.contains("4 MiB"), "\(told)")
    let text = told.outputText.replacing("\r\n", with: "\n")
    if kind == "xterm" {
      #expect(text.contains("\u{1b}[K"))
      // Erasing alone, of the line or of what is below it; nothing is coloured.
      #expect(text.matches(of: /\u{1b}/).count == text.matches(of: /\u{1b}\[[KJ]/).count, "\(text)")
    } else {
      #expect(!text.contains("\u{1b}") && !text.contains("\r"), "\(text)")
    }
  }

  @Test func whereNobodyWatchesThereIsNoLiveLine() throws {
    let (receiver, port) = try receiver()
    let sent = try tcptool("send", "--size", "1M", "127.0.0.1", port).wait()
    #expect(!sent.errorText.contains("\r") && !sent.errorText.contains("\u{1b}"))
    try receiver.wait()
  }
}
