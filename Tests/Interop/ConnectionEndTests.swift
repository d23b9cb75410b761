// How a connection ended: whose FIN was first, who reset it, and what is said about it.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("python3")) struct ConnectionEnds {
  struct Row: Sendable, CustomTestStringConvertible {
    var name: String
    var options: [String] = []
    /// What the peer does; `wait` goes on when the event `signal` has come, or when all is over.
    var steps: [String]
    var signal: String?
    /// What standard input has before its end; nil is one without an end.
    var input: String?
    var status: Int32 = 0
    var closedFirst: String?
    var resetBy: String?
    var peerEnded = false
    /// What the summary says.
    var text: String
    var testDescription: String { name }
  }

  private static let rows = [
    Row(
      name: "the peer's FIN first", options: ["--recv-only"],
      steps: ["send=4", "finish", "receive"],
      closedFirst: "peer", peerEnded: true, text: "ended by the peer's FIN, then ours"),
    Row(
      name: "the peer's FIN long before ours",
      steps: ["send=4", "finish", "receive"], signal: "peer_eof",
      closedFirst: "peer", peerEnded: true, text: "ended by the peer's FIN, then ours"),
    Row(
      name: "our FIN first", steps: ["receive", "send=4", "finish"], input: "from us",
      closedFirst: "local", peerEnded: true, text: "ended by our FIN, then the peer's"),
    Row(
      name: "our FIN, and none of the peer", options: ["--linger", "50ms"],
      steps: ["receive", "wait"], input: "from us", closedFirst: "local",
      text: "our FIN was sent; the peer keeps its side open"),
    Row(
      name: "an echo ends behind its peer", options: ["--echo"],
      steps: ["send=4", "finish", "receive"],
      closedFirst: "peer", peerEnded: true, text: "ended by the peer's FIN, then ours"),
    Row(
      name: "a source ends before its peer", options: ["--source-data", "1K"],
      steps: ["receive", "finish"], closedFirst: "local", peerEnded: true,
      text: "ended by our FIN, then the peer's"),
    Row(
      name: "the peer's RST", steps: ["send=4", "acknowledged", "reset"], status: 20,
      resetBy: "peer", text: "ended by the peer's RST"),
    Row(
      name: "the peer's RST behind its FIN", steps: ["send=4", "finish", "wait", "reset"],
      signal: "peer_eof", status: 20, closedFirst: "peer", resetBy: "peer", peerEnded: true,
      text: "ended by the peer's RST"),
    Row(
      name: "the peer's RST behind our FIN", steps: ["receive", "send=4", "acknowledged", "reset"],
      input: "from us", status: 20, closedFirst: "local", resetBy: "peer",
      text: "ended by the peer's RST"),
    Row(
      name: "cut by a time limit in the middle of our data",
      options: ["--idle-timeout", "300ms", "--source-data", "64M"], steps: ["receive=1", "wait"],
      status: 22, resetBy: "local", text: "ended by our RST"),
    Row(
      name: "cut by a time limit with nothing on its way",
      options: ["--idle-timeout", "300ms", "--echo"], steps: ["wait"], status: 22,
      text: "no FIN yet on either side; closing sends ours"),
    Row(
      name: "standard output takes nothing", steps: ["send=4", "wait"], status: 24,
      resetBy: "local", text: "ended by our RST"),
  ]

  @Test(arguments: rows)
  func isToldTruly(_ row: Row) throws {
    let directory = try TemporaryDirectory()
    let log = directory.file("events")
    let words = [try Tool.path, "listen", "--verbose", "--log", log] + row.options
    let tool = try Child(
      words + ["127.0.0.1", "0"], input: .pipe,
      output: row.status == 24 ? .file("/dev/full") : .captured)
    let port = try announcedPort(of: tool)
    let peer = try Child(ScriptedPeer.client(of: port, row.steps), input: .pipe)
    try peer.write("data")
    if let input = row.input {
      try tool.write(input)
      tool.closeInput()
    }
    func told() throws -> [Event] {
      let lines = String(decoding: contents(of: log), as: UTF8.self)
        .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      return try lines.map { try Event($0) }
    }
    if let signal = row.signal {
      #expect(try eventually { try told().contains { $0.name == signal } })
      try peer.write("\n")
      if row.status == 0 { tool.closeInput() }
    }
    let done = try tool.wait()
    #expect(done.outcome == .exited(row.status), "\(done)")
    #expect(done.errorText.contains("\n\(row.text)\n"), "\(done)")
    let closed = try #require(try told().last { $0.name == "closed" })
    #expect(closed.text("closed_first") == row.closedFirst, "\(closed)")
    #expect(closed.isNull("closed_first") == (row.closedFirst == nil))
    #expect(closed.text("reset_by") == row.resetBy, "\(closed)")
    #expect(closed.isNull("reset_by") == (row.resetBy == nil))
    #expect(closed.flag("peer_ended") == row.peerEnded, "\(closed)")
    #expect(
      closed.text("class")
        == [0: "done", 20: "reset", 22: "timeout", 24: "local_stream"][row.status], "\(closed)")
    peer.closeInput()
  }

  /// What the peer's own kernel says about our end: the summary does not only claim an RST.
  @Test(arguments: [
    (["--idle-timeout", "300ms", "--source-data", "64M"], "ConnectionResetError"),
    (["--idle-timeout", "300ms", "--echo"], "finished"),
  ])
  func thePeerSeesTheSame(_ options: [String], _ end: String) throws {
    let tool = try Child([try Tool.path, "listen"] + options + ["127.0.0.1", "0"])
    let port = try announcedPort(of: tool)
    // It takes nothing until the other end is through.
    let peer = try Child(
      ScriptedPeer.client(of: port, ["wait", "receive", "say=finished"]), input: .pipe)
    #expect(try tool.wait().outcome == .exited(22))
    peer.closeInput()
    #expect(try peer.wait().errorText.contains(end))
  }
}
