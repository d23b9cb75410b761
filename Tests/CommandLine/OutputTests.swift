// What `states` and `backlog-test` write: JSON for programs, colour only where it is wanted.

import Foundation
import TestSupport
import Testing

@Suite(.waits) struct Output {
  private static let both = [["states"], ["backlog-test", "--backlog", "1"]]

  private static func objects(in text: String) throws -> [[String: Any]] {
    try text.split(separator: "\n").map { line in
      let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
      return try #require(value as? [String: Any], "\(line)")
    }
  }

  @Test func eachRowOfStatesIsAnObject() throws {
    let listener = try Peer.Listener()
    let done = try tcptool(["states", "--json"])
    #expect(done.outcome == .exited(0))
    #expect(done.errorText == "")
    let rows = try Self.objects(in: done.outputText)
    for row in rows {
      #expect(row["schema"] as? String == "tcptool/1")
      #expect(row["record"] as? String == "socket")
    }
    let own = try #require(
      rows.first { ($0["local"] as? [String: Any])?["port"] as? Int == Int(listener.port) })
    #expect(own["state"] as? String == "LISTEN")
    #expect((own["local"] as? [String: Any])?["address"] as? String == "127.0.0.1")
  }

  @Test func backlogTestIsOneObject() throws {
    let done = try tcptool(["backlog-test", "--backlog", "1", "--json"])
    #expect(done.outcome == .exited(0))
    #expect(done.errorText == "")
    let objects = try Self.objects(in: done.outputText)
    try #require(objects.count == 1)
    #expect(objects[0]["schema"] as? String == "tcptool/1")
    #expect(objects[0]["event"] as? String == "backlog_test")
    #expect(objects[0]["asked"] as? Int == 1)
    #expect(objects[0]["match"] as? Bool == true)
  }

  @Test func onlyTheStatesAskedFor() throws {
    let listener = try Peer.Listener()
    let client = try Peer(connectingTo: listener.port)
    let ports = { (words: [String]) -> [String] in
      let rows = try Self.objects(in: try tcptool(["states", "--json"] + words).outputText)
      return rows.compactMap { row in
        let local = (row["local"] as? [String: Any])?["port"] as? Int
        return local == Int(listener.port) ? row["state"] as? String : nil
      }.sorted()
    }
    #expect(try ports([]) == ["ESTABLISHED", "LISTEN"])
    #expect(try ports(["--state", "LISTEN"]) == ["LISTEN"])
    #expect(try ports(["-s", "established,listen"]) == ["ESTABLISHED", "LISTEN"])
    #expect(try ports(["-s", "SYN-SENT,LAST_ACK"]) == [])
    client.finish()
  }

  @Test(arguments: both)
  func colourIsForTerminalsAndWhoInsists(_ words: [String]) throws {
    let listener = try Peer.Listener()
    func hasEscapes(_ more: [String], _ environment: [String: String] = [:]) throws -> Bool {
      let done = try tcptool(words + more, environment: environment)
      #expect(done.outcome == .exited(0))
      return done.outputText.contains("\u{1b}")
    }
    #expect(try !hasEscapes([]))
    #expect(try !hasEscapes(["--color", "auto"]))
    #expect(try hasEscapes(["--color", "always"]))
    #expect(try hasEscapes(["--color=always"], ["NO_COLOR": "1", "TERM": "dumb"]))
    #expect(try !hasEscapes(["--color", "never"]))
    #expect(try !hasEscapes(["--color", "always", "--json"]))
    withExtendedLifetime(listener) {}
  }

  /// Escape sequences apart, colour changes nothing.
  @Test func colourChangesNoText() throws {
    let listener = try Peer.Listener()
    let words = ["states", "--state", "LISTEN"]
    let plain = try tcptool(words).outputText
    let coloured = try tcptool(words + ["--color", "always"]).outputText
    let row = "127.0.0.1:\(listener.port) "
    let lines = { (text: String) in
      text.replacing(/\u{1b}\[[0-9;]*m/, with: "").split(separator: "\n")
        .first { $0.contains(row) }?.split(separator: " ")
    }
    #expect(lines(plain) != nil)
    #expect(lines(plain) == lines(coloured))
  }
}
