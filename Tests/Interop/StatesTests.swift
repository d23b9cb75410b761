// `states` beside ss: the same sockets in every state, queue for queue, as text and as JSON.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("python3", "ss"), .requiresPrivateNetwork) struct States {
  /// Where `states` can read.
  private static let sources = ["diag", "proc", "auto"]

  /// The states as ss calls them.
  private static let names = [
    "ESTAB": "ESTABLISHED", "SYN-SENT": "SYN_SENT", "SYN-RECV": "SYN_RECV",
    "FIN-WAIT-1": "FIN_WAIT1", "FIN-WAIT-2": "FIN_WAIT2", "TIME-WAIT": "TIME_WAIT",
    "CLOSE-WAIT": "CLOSE_WAIT", "LAST-ACK": "LAST_ACK", "LISTEN": "LISTEN", "CLOSING": "CLOSING",
  ]

  /// The rows of ss as `states` writes them.
  ///
  /// - Parameter listensWithBacklog: Whether a listener's Send-Q is known: /proc does not have it.
  private static func expected(from text: String, listensWithBacklog: Bool) -> [String] {
    func endpoint(_ word: Substring) -> String {
      // ss writes “*” for all addresses of both families, and keeps IPv4's in IPv6's clothes.
      let shown = word.hasPrefix("*:") ? "[::]\(word.dropFirst())" : "\(word)"
      return shown.replacing(/\[::ffff:([0-9.]+)\]/) { "\($0.output.1)" }
    }
    return text.split(separator: "\n").map { line in
      let words = line.split(separator: " ")
      guard words.count >= 5, let name = names["\(words[0])"] else { return String(line) }
      let sendQueue = name == "LISTEN" && !listensWithBacklog ? "-" : words[2]
      return "\(name) \(words[1]) \(sendQueue) \(endpoint(words[3])) \(endpoint(words[4]))"
    }.sorted()
  }

  /// The rows of the table below its heading, one blank between the columns.
  private static func rows(ofText text: String) -> [String] {
    text.split(separator: "\n").dropFirst().map {
      $0.split(separator: " ").prefix(5).joined(separator: " ")
    }.sorted()
  }

  private struct Row: Decodable {
    struct Endpoint: Decodable {
      var address: String
      var port: Int
      var text: String {
        (address.contains(":") ? "[\(address)]" : address) + (port == 0 ? ":*" : ":\(port)")
      }
    }
    var schema: String
    var record: String
    var state: String
    var family: String
    var local: Endpoint
    var peer: Endpoint
    var recv_queue: Int
    /// Of a connection; a listener has a backlog in its place.
    var send_queue: Int?
    var backlog: Int?

    var text: String {
      let sendQueue = (state == "LISTEN" ? backlog : send_queue).map { "\($0)" } ?? "-"
      return "\(state) \(recv_queue) \(sendQueue) \(local.text) \(peer.text)"
    }
  }

  private static func rows(ofJSON text: String) throws -> [Row] {
    try text.split(separator: "\n").map {
      try JSONDecoder().decode(Row.self, from: Data($0.utf8))
    }
  }

  /// Both lists are long, so only what is in one of them is shown.
  private static func expectSame(
    _ shown: [String], _ expected: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let difference = shown.difference(from: expected)
    if difference.isEmpty { return }
    Issue.record(
      """
      shown, but not by ss: \(difference.insertions)
      shown by ss alone: \(difference.removals)
      """, sourceLocation: sourceLocation)
  }

  @Test(.timeLimit(.minutes(5)))
  func everyStateIsAsInSs() throws {
    let network = try PrivateNetwork()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    func ss() throws -> String { try run(network.command(["ss", "-tanH"])).outputText }
    for source in Self.sources {
      var listing = ""
      var text = Finished?.none
      var json = Finished?.none
      // Compared is what did not change meanwhile.
      let settled = try eventually {
        listing = try ss()
        text = try tcptool("states", "--source", source, in: network).wait()
        json = try tcptool("states", "--source", source, "--json", in: network).wait()
        return try ss() == listing
      }
      #expect(settled)
      let (table, objects) = (try #require(text), try #require(json))
      #expect(table.outcome == .exited(0) && objects.outcome == .exited(0))
      #expect(table.errorText == "" && objects.errorText == "")

      let expected = Self.expected(from: listing, listensWithBacklog: source != "proc")
      #expect(
        Set(expected.compactMap { $0.split(separator: " ").first.map(String.init) })
          == Set(Self.names.values))
      Self.expectSame(Self.rows(ofText: table.outputText), expected)
      let rows = try Self.rows(ofJSON: objects.outputText)
      Self.expectSame(rows.map(\.text).sorted(), expected)
      #expect(rows.allSatisfy { $0.state != "LISTEN" || $0.send_queue == nil })
      #expect(rows.allSatisfy { $0.schema == "tcptool/1" && $0.record == "socket" })
      #expect(rows.count { $0.family == "ipv4" } == StateMaker.rows.ipv4)
      #expect(rows.count { $0.family == "ipv6" } == StateMaker.rows.ipv6)
    }
  }

  @Test(arguments: sources)
  func aStateThatNothingIsInIsNoRow(_ source: String) throws {
    let network = try PrivateNetwork()
    for format in [[], ["--json"]] {
      let words = [try Tool.path, "states", "--source", source, "--state", "CLOSING"] + format
      let done = try run(network.command(words))
      #expect(done.outcome == .exited(1))
      #expect(done.errorText == "")
    }
  }
}
