// --json and --log: every line of every mode is an event, with the facts that belong to it.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.waits, .requires("python3")) struct Events {
  // MARK: Every mode

  struct Mode: Sendable, CustomTestStringConvertible {
    var options: [String]
    var program: [String] = []
    /// What the peer gets.
    var answer: String
    var testDescription: String { (options + program).joined(separator: " ") }
  }

  private static let modes = [
    Mode(options: [], answer: "from us"), Mode(options: ["-k"], answer: "from us"),
    Mode(options: ["-k", "--max-concurrent", "1"], answer: "from us"),
    Mode(options: ["--recv-only"], answer: ""), Mode(options: ["--send-only"], answer: "from us"),
    Mode(options: ["--echo"], answer: "from the peer"), Mode(options: ["--discard"], answer: ""),
    Mode(options: ["--source-data", "5"], answer: " !\"#$"),
    Mode(options: ["--file", "/proc/sys/kernel/ostype"], answer: "Linux\n"),
    Mode(options: [], program: ["cat"], answer: "from the peer"),
  ]

  /// The life of one connection, in its order.
  @Test(arguments: modes)
  func theLifeOfAConnection(_ mode: Mode) throws {
    let directory = try TemporaryDirectory()
    let log = directory.file("events")
    let words =
      [try Tool.path, "listen", "--json", "--log", log] + mode.options + ["127.0.0.1", "0"]
      + (mode.program.isEmpty ? [] : ["--exec"] + mode.program)
    let tool = try Child(words, input: .pipe)
    let port = try tool.waitForEvent("listening").port("local")
    let sendsInput = mode.answer == "from us"
    // With --keep-open the end of a peer that came first would be the end.
    let steps = sendsInput ? ["receive=7", "send", "finish", "receive"] : ["both"]
    let client = try Child(
      ScriptedPeer.client(of: port, steps), input: .text("from the peer"))
    if sendsInput { try tool.write("from us") }
    tool.closeInput()
    let got = try client.wait()
    #expect(got.outputText == mode.answer, "\(got)")
    let closed = try tool.waitForEvent("closed")
    let keepsOpen = mode.options.contains("-k")
    if keepsOpen { try tool.signal(SIGTERM) }
    let done = try tool.wait()
    #expect(done.outcome == (keepsOpen ? .signalled(SIGTERM) : .exited(0)), "\(done)")

    let told = try done.events()
    let names = told.map(\.name).filter { $0 != "command_ended" }
    #expect(names.first == "listening" && names.dropFirst().first == "accepted")
    #expect(names.last == "closed" && names.filter { $0 == "closed" }.count == 1)
    #expect(names.filter { $0 == "local_eof" }.count == 1, "\(names)")
    #expect(names.filter { $0 == "peer_eof" }.count == 1, "\(names)")
    #expect(names.count == 5, "\(names)")
    // The same in the file, but for nothing.
    #expect(String(decoding: contents(of: log), as: UTF8.self) == done.errorText)
    let times = told.compactMap { $0.number("unix_time_us") }
    #expect(times == times.sorted())

    #expect(closed.number("connection") == 1)
    #expect(closed.text("class") == "done")
    #expect(closed.number("bytes_written") == mode.answer.utf8.count)
    #expect(closed.number("bytes_received") == 13)
    #expect(closed.number("bytes_unacknowledged") == 0)
    #expect(closed.number("bytes_undelivered") == 0)
    #expect(closed.isNull("reset_by"))
  }

  @Test func theFactsOfEachEvent() throws {
    let server = try RunningServer("--json", "--backlog", "7", input: .text("0123456789"))
    let client = try server.client("both", input: .text("abc"))
    #expect(try client.wait().outputText == "0123456789")
    let done = try server.tool.wait()
    #expect(done.outputText == "abc")
    let told = try done.events()
    func event(_ name: String) throws -> Event { try #require(told.first { $0.name == name }) }

    let listening = try event("listening")
    #expect(listening.object("local")?["address"] as? String == "127.0.0.1")
    #expect(try listening.port("local") == server.port)
    #expect(listening.number("backlog_asked") == 7 && listening.number("backlog") == 7)
    #expect(listening.isNull("ipv6_only"))

    let accepted = try event("accepted")
    #expect(accepted.number("connection") == 1)
    #expect(try accepted.port("local") == server.port)
    let peer = try accepted.port("peer")

    let closed = try event("closed")
    #expect(try closed.port("peer") == peer)
    #expect(try closed.port("local") == server.port)
    for (key, value) in [
      ("bytes_read", 10), ("bytes_written", 10), ("bytes_acknowledged", 10),
      ("bytes_unacknowledged", 0), ("bytes_received", 3), ("bytes_undelivered", 0),
    ] { #expect(closed.number(key) == value, "\(key)") }
    #expect(closed.flag("peer_ended") == true)
    let elapsed = try #require(closed.number("elapsed_ns"))
    let firstByte = try #require(closed.number("first_byte_ns"))
    #expect(firstByte > 0 && firstByte <= elapsed)
    #expect(closed.text("congestion_control") != nil)

    let info = try #require(closed.object("tcp_info"))
    // What the kernel counts has the FINs in it.
    #expect([3, 4].contains(info["bytes_received"] as? Int))
    #expect([10, 11].contains(info["bytes_acked"] as? Int))
    for key in ["rtt_us", "min_rtt_us", "snd_cwnd", "snd_mss", "pmtu", "segs_in", "segs_out"] {
      #expect((info[key] as? Int ?? 0) > 0, "\(key)")
    }
    #expect(info["total_retrans"] as? Int == 0)
    #expect(info["state"] is String)
    // Each key once: a program that reads it gets one value.
    for line in done.errorText.split(separator: "\n") {
      let keys = line.matches(of: #/"([a-z_0-9]+)":/#).map(\.1)
      // Those of the objects within, of which an event may have several of a kind.
      let inner: Set = ["address", "port", "sendfile", "splice", "drop", "userspace"]
      let outer = keys.filter { !inner.contains(String($0)) && info[String($0)] == nil }
      #expect(Set(outer).count == outer.count, "\(line)")
    }
  }

  // MARK: --trace

  @Test func callsAndStatesAreEventsToo() throws {
    let server = try RunningServer("--json", "--trace", "--echo")
    #expect(try server.client(.python3, input: .text("x")).wait().outputText == "x")
    let told = try server.tool.wait().events()
    let calls = told.filter { $0.name == "call" }
    func call(_ name: String) throws -> Event {
      try #require(calls.first { $0.text("call") == name }, "\(name): \(calls)")
    }
    let listen = try call("listen")
    #expect(listen.number("result") == 0 && listen.isNull("errno"))
    #expect(listen.text("state_before") == "CLOSE" && listen.text("state_after") == "LISTEN")
    #expect((listen.number("duration_ns") ?? -1) > 0)
    #expect((try call("accept4").number("result") ?? -1) > 2)
    for name in ["socket", "bind", "recv", "send", "shutdown", "close"] { _ = try call(name) }
    let states = told.filter { $0.name == "state" }
    #expect(states.contains { $0.text("from") == "CLOSE" && $0.text("to") == "LISTEN" })
    #expect(states.contains { $0.isNull("from") && $0.text("cause") == "accept4" })
    // What the kernel keeps of the connection is looked up.
    let remainder = try #require(told.last { $0.name == "remainder" })
    #expect(try remainder.port("local") == server.port)
  }

  // MARK: Failures

  @Test func aFailureIsAnEvent() throws {
    let server = try RunningServer("--json", input: .pipe)
    #expect(
      try server.client("send", "acknowledged", "reset", input: .text("x")).wait().outcome
        == .exited(0))
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(20))
    let error = try #require(try done.events().last)
    #expect(error.name == "error")
    #expect(error.number("status") == 20 && error.text("class") == "reset")
    #expect(error.text("message")?.contains("ECONNRESET") == true)
  }

  @Test func aFailureOfOneOfSeveral() throws {
    let server = try RunningServer("--json", "--max-connections", "2", "--echo")
    let failing = try server.client("send", "receive=1", "reset", input: .text("x"))
    #expect(try failing.wait().outcome == .exited(0))
    try server.tool.waitForEvent("closed")
    #expect(try server.client(.python3, input: .text("y")).wait().outputText == "y")
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(20), "\(done)")
    let told = try done.events()
    let failed = try #require(told.first { $0.name == "connection_error" })
    #expect(failed.number("connection") == 1 && failed.text("class") == "reset")
    let last = try #require(told.last)
    #expect(last.name == "error" && last.number("status") == 20)
    #expect(last.text("message")?.hasPrefix("1 of 2 connections failed; the first: ") == true)
  }

  @Test func quietTellsProgramsOnlyWhyItFails() throws {
    let port = try unusedPort()
    let tool = try tcptool("listen", "--json", "--quiet", "127.0.0.1", "\(port)", input: .pipe)
    try waitUntilListening(port: port)
    let client = try Child(
      ScriptedPeer.client(of: port, ["send", "acknowledged", "reset"]), input: .text("x"))
    #expect(try client.wait().outcome == .exited(0))
    let told = try tool.wait().events()
    #expect(told.map(\.name) == ["error"])

    let second = try tcptool("listen", "--json", "-q", "--discard", "127.0.0.1", "\(port)")
    try waitUntilListening(port: port)
    #expect(try Child(Peer.python3.client(of: port, .ipv4)).wait().outcome == .exited(0))
    #expect(try second.wait().errorText == "")
  }

  // MARK: --log

  @Test func aFileGetsEventsBesideTheText() throws {
    let directory = try TemporaryDirectory(files: ["events": "of yesterday"])
    let server = try RunningServer(
      "--echo", "--quiet", "--log", directory.file("events"),
      "--port-file", directory.file("port"), port: directory.file("port"))
    #expect(try server.client(.python3, input: .text("x")).wait().outputText == "x")
    let done = try server.tool.wait()
    // Whatever is told otherwise.
    #expect(done.errorText == "")
    let names = try events(
      in: String(decoding: contents(of: directory.file("events")), as: UTF8.self)
    ).map(\.name)
    #expect(names.sorted() == ["accepted", "closed", "listening", "local_eof", "peer_eof"])
  }

  @Test func anEventIsThereWhenItHappens() throws {
    let directory = try TemporaryDirectory()
    let log = directory.file("events")
    let server = try RunningServer("-k", "--echo", "--log", log)
    let client = try server.client("both", input: .pipe)
    #expect(
      eventually {
        String(decoding: contents(of: log), as: UTF8.self).contains(#""event":"accepted""#)
      })
    client.closeInput()
    _ = try server.stop()
  }

  @Test func aFullFileIsAFailureAtTheEnd() throws {
    let server = try RunningServer("--echo", "--log", "/dev/full")
    // Until then it does its work.
    #expect(try server.client(.python3, input: .text("x")).wait().outputText == "x")
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(24), "\(done)")
    #expect(
      done.errorText.contains(
        "Error: write to /dev/full: no space left on device (ENOSPC); events are missing there\n"))
    let missing = try run(
      [try Tool.path, "listen", "--log", "/nonexistent/events", "127.0.0.1", "0"])
    #expect(missing.outcome == .exited(24))
    #expect(missing.errorText.contains("open /nonexistent/events: "))
  }
}
