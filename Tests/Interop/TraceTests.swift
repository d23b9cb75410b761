// --trace beside what the kernel and strace say: the calls, their descriptors, and what is kept of a
// closed connection.

import Foundation
import TestSupport
import Testing

@Suite(.waits) struct TraceTests {
  /// The lines of a trace without their times: `listen(3, 5) = 0 CLOSE → LISTEN`.
  private func calls(in text: String) -> [String] {
    text.split(separator: "\n").filter { $0.contains(#/^[a-z0-9_]+\(/#) }
      .map { line in
        line.replacing(#/ +[0-9.]+ µs/#, with: " ").split(separator: " ").joined(separator: " ")
      }
  }

  @Test func aListenerFromSocketToListen() throws {
    let tool = try tcptool("listen", "--trace", "--backlog", "5", "127.0.0.1", "0")
    let port = try announcedPort(of: tool)
    let made = calls(in: String(decoding: tool.standardError, as: UTF8.self))
    #expect(
      made == [
        "socket(AF_INET, SOCK_STREAM) = 3 CLOSE",
        "setsockopt(3, SO_REUSEADDR, 1) = 0 CLOSE",
        "getsockopt(3, SO_REUSEADDR, [1]) = 0 CLOSE",
        "bind(3, 127.0.0.1:0) = 0 CLOSE",
        "listen(3, 5) = 0 CLOSE → LISTEN",
      ])
    let client = try tcptool("connect", "127.0.0.1", "\(port)")
    #expect(try client.wait().outcome == .exited(0))
    let done = try tool.wait()
    #expect(done.outcome == .exited(0))
    let all = calls(in: done.errorText)
    #expect(
      done.errorText.contains(
        #/accept4\(3\) = ([0-9]+) .* LISTEN\n    \1 is a new socket: 127\.0\.0\.1:[0-9]+ → 127\.0\.0\.1:[0-9]+, [A-Z]/#
      ), "\(done.errorText)")
    #expect(all.contains("close(3) = 0 LISTEN"))
    #expect(all.contains { $0.contains(#/^shutdown\([0-9]+, SHUT_WR\) = 0 /#) })
    #expect(all.last?.contains(#/^close\([0-9]+\) = 0 /#) == true)
    #expect(done.outputText == "")
  }

  /// Who ends first has the 4-tuple in TIME_WAIT; it is looked up in the kernel's table.
  @Test(.requires("python3"))
  func timeWaitIsOfTheOneThatEndsFirst() throws {
    let (peer, port) = try ScriptedPeer.serve("receive", "finish")
    let done = try tcptool("connect", "--trace", "127.0.0.1", "\(port)", input: .text("x")).wait()
    #expect(done.outcome == .exited(0))
    try peer.wait()
    #expect(
      done.errorText.contains(
        #/    127\.0\.0\.1:[0-9]+ → 127\.0\.0\.1:[0-9]+ stays in (TIME_WAIT for .*|LAST_ACK|CLOSING|FIN_WAIT[12].*)\n/#
      ), "\(done.errorText)")
  }

  /// Where sock_diag(7) is not to be had, the table is that of /proc, which has no scope.
  @Test(.requires("strace"), .requiresPrivateNetwork, arguments: [false, true])
  func aLinkLocalConnectionIsFoundInBothTables(isDenied: Bool) throws {
    let network = try PrivateNetwork(setUp: ["ip address add fe80::1/64 dev lo nodad"])
    let receiver = try tcptool("recv", "fe80::1%lo", "7000", in: network)
    try waitUntilListening(port: 7000, network: network)
    let directory = try TemporaryDirectory()
    let log = directory.file("calls")
    let denial = isDenied ? ["-e", "inject=sendto,sendmsg:error=EPERM"] : []
    // The program's own calls to its peer are others.
    let done = try Child(
      network.command(
        ["strace", "-f", "-qq", "-o", log, "-e", "trace=sendto,sendmsg"] + denial + [
          Tool.path, "send", "--trace", "fe80::1%lo", "7000",
        ]), input: .text("x")
    ).wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(try receiver.wait().outputText == "x")
    #expect(
      done.errorText.contains(
        #/    \[fe80::1%lo\]:[0-9]+ → \[fe80::1%lo\]:7000 stays in [A-Z_12]+/#), "\(done)")
    let calls = String(decoding: contents(of: log), as: UTF8.self)
    #expect(calls.contains("(INJECTED)") == isDenied, "\(calls)")
  }

  @Test(.requires("python3"))
  func nothingIsKeptWhereThePeerEndedFirst() throws {
    let (peer, port) = try ScriptedPeer.serve("finish", "receive")
    let tool = try tcptool("connect", "--trace", "127.0.0.1", "\(port)", input: .pipe)
    try tool.waitForLine(containing: "connected ")
    try waitForConnection(of: port, in: .closeWait)
    tool.closeInput()
    let done = try tool.wait()
    #expect(done.outcome == .exited(0))
    try peer.wait()
    #expect(
      done.errorText.contains(#/    nothing is kept of 127\.0\.0\.1:[0-9]+ → 127/#),
      "\(done.errorText)")
  }

  /// A socket that was reset has forgotten its peer; the trace has not.
  @Test(.requires("python3"))
  func nothingIsKeptAfterAReset() throws {
    let (peer, port) = try ScriptedPeer.serve("receive=1", "reset")
    let tool = try tcptool("connect", "--trace", "127.0.0.1", "\(port)", input: .pipe)
    try tool.waitForLine(containing: "connected ")
    try tool.write("x")
    let done = try tool.wait()
    #expect(done.outcome == .exited(20))
    try peer.wait()
    #expect(
      done.errorText.contains(
        #/    nothing is kept of 127\.0\.0\.1:[0-9]+ → 127\.0\.0\.1:[0-9]+\n/#),
      "\(done.errorText)")
  }

  @Test func linesFitEightyColumns() throws {
    let tool = try tcptool("listen", "--trace", "127.0.0.1", "0")
    _ = try announcedPort(of: tool)
    for line in String(decoding: tool.standardError, as: UTF8.self).split(separator: "\n") {
      #expect(line.count <= 80, "\(line)")
    }
  }

  @Test func aRefusedConnectEndsInClose() throws {
    let port = try unusedPort()
    let done = try tcptool("connect", "--trace", "127.0.0.1", "\(port)").wait()
    #expect(done.outcome == .exited(11))
    let made = calls(in: done.errorText)
    #expect(made.contains { $0.contains(#/^connect\([0-9]+, .*\) = -1 E/#) }, "\(made)")
    #expect(made.last?.hasPrefix("close(") == true)
    // It never was a connection.
    #expect(!done.errorText.contains("stays in") && !done.errorText.contains("kept of"))
  }

  @Test func aFailedBindHasItsErrno() throws {
    let first = try tcptool("listen", "127.0.0.1", "0")
    let port = try announcedPort(of: first)
    let done = try tcptool("listen", "--trace", "127.0.0.1", "\(port)").wait()
    #expect(done.outcome == .exited(15))
    #expect(
      calls(in: done.errorText).suffix(2) == [
        "bind(3, 127.0.0.1:\(port)) = -1 EADDRINUSE CLOSE", "close(3) = 0 CLOSE",
      ])
  }

  @Test(arguments: [true, false])
  func sentencesComeOnceACall(_ explains: Bool) throws {
    let port = try unusedPort()
    let receiver = try tcptool("recv", "127.0.0.1", "\(port)")
    try waitUntilListening(port: port)
    let done = try tcptool(
      "send", explains ? "--explain" : "--trace", "-q", "127.0.0.1", "\(port)",
      input: .text("data")
    ).wait()
    #expect(done.outcome == .exited(0))
    #expect(try receiver.wait().outputText == "data")
    let sentences = done.errorText.split(separator: "\n").filter {
      $0.hasPrefix("    ") && !$0.contains(" → ") && !$0.contains("kept of")
    }
    let kinds = Set(calls(in: done.errorText).compactMap { $0.split(separator: "(").first })
    #expect(sentences.count == (explains ? kinds.count : 0))
    #expect(Set(sentences).count == sentences.count)
    #expect(kinds.isSuperset(of: ["socket", "connect", "splice", "recv", "shutdown", "close"]))
  }

  /// Names, descriptors and results are those that another program sees.
  @Test(.requires("strace"))
  func straceSeesTheSame() throws {
    let directory = try TemporaryDirectory()
    let log = directory.file("calls")
    let port = try unusedPort()
    let receiver = try tcptool("recv", "127.0.0.1", "\(port)")
    try waitUntilListening(port: port)
    let done = try Child(
      [
        "strace", "-o", log, "-e", "trace=connect,splice,shutdown,close", try Tool.path, "send",
        "--trace", "127.0.0.1", "\(port)",
      ], input: .text("data")
    ).wait()
    #expect(done.outcome == .exited(0))
    try receiver.wait()
    let made = calls(in: done.errorText)
    let connect = try #require(made.first { $0.hasPrefix("connect(") })
    let number = try #require(connect.firstMatch(of: #/\(([0-9]+),/#)).1
    let seen = String(decoding: contents(of: log), as: UTF8.self)
    for pattern in [
      "connect(\(number), {sa_family=AF_INET",
      ", NULL, \(number), NULL, 1048576, SPLICE_F_MOVE|SPLICE_F_NONBLOCK) = 4",
      "shutdown(\(number), SHUT_WR", "close(\(number))",
    ] { #expect(seen.contains(pattern), "\(seen)") }
    #expect(made.contains { $0.contains(#/^splice\(\d+, from \d+, 1048576\) = 4 /#) })
    #expect(made.contains { $0.hasPrefix("close(\(number)) = 0") })
  }
}
