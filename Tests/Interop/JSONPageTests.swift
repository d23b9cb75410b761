// tcptool-json(7) names every event and every key that the program prints, and no others.

import Foundation
import TestSupport
import Testing

@Suite(.requiresPrivateNetwork) struct JSONPage {
  /// The keys of each event, as the page has them.
  private static func documented() throws -> [String: Set<String>] {
    let page = URL(filePath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "man/tcptool-json.7")
    var events: [String: Set<String>] = [:]
    var name: String?
    for line in try String(contentsOf: page, encoding: .utf8).split(separator: "\n") {
      if line.hasPrefix(".It Sy ") {
        name = String(line.dropFirst(7))
        events[String(line.dropFirst(7))] = []
      } else if line.hasPrefix(".It Va "), let name {
        events[name]?.insert(String(line.dropFirst(7)))
      }
    }
    return events
  }

  private static let common: Set = ["schema", "event", "unix_time_us"]

  /// Holds each object to the page.
  private func check(_ text: String, _ documented: [String: Set<String>]) throws -> Set<String> {
    var seen: Set<String> = []
    for line in text.split(separator: "\n") where line.hasPrefix("{") {
      let object = try #require(
        JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
      #expect(object["schema"] as? String == "tcptool/1")
      let event = try #require(object["event"] as? String)
      seen.insert(event)
      let keys = try #require(documented[event], "\(event) is not in the page: \(line)")
      #expect(Set(object.keys).subtracting(Self.common) == keys, "\(event)")
    }
    return seen
  }

  @Test(.requires("python3"), .timeLimit(.minutes(1)))
  func namesEveryEventAndKey() throws {
    let documented = try Self.documented()
    let network = try PrivateNetwork()
    var seen: Set<String> = []
    func run(_ words: [String], input: Child.Input = .null) throws {
      let done = try Child(
        network.command([try Tool.path] + words), input: input
      ).wait()
      seen.formUnion(try check(done.outputText + done.errorText, documented))
    }
    // A connection of two ends, with everything that can be told of it.
    let server = try tcptool(
      "listen", "-k", "--max-connections", "3", "--allow", "127.0.0.1", "--json", "--trace",
      "--explain", "--queues=10ms", "--relisten", "7@0s", "--nodelay", "127.0.0.1", "7000",
      "--exec", "cat", in: network)
    try server.waitForLine(containing: "\"listening\"")
    try run(
      ["connect", "--json", "--trace", "--explain", "localhost", "7000"], input: .text("x"))
    try run(["connect", "--json", "--source", "127.0.0.2", "127.0.0.1", "7000"], input: .text("x"))
    try run(["connect", "--count", "2", "--interval", "1ms", "--json", "127.0.0.1", "7000"])
    seen.formUnion(try check(server.wait().errorText, documented))
    // What fails, and what is only asked.
    try run(["connect", "--json", "127.0.0.1", "7001"])
    try run(["connect", "--json", "--wait", "500ms", "127.0.0.1", "7001"])
    try run(["connect", "--json", "--probe", "7001-7002", "127.0.0.1"])
    try run(["connect", "--json", "--all-addresses", "localhost", "7001"])
    try run(["connect", "--json", "--count", "1", "127.0.0.1", "7001"])
    let wanted: Set = [
      "resolve", "attempt", "waiting", "connected", "listening", "accepted", "option", "local_eof",
      "peer_eof", "closed", "rejected", "command_ended", "relistened", "queues", "call", "state",
      "explanation", "remainder", "probe", "address", "handshake", "handshake_summary", "error",
    ]
    #expect(seen.isSuperset(of: wanted), "not seen: \(wanted.subtracting(seen))")
  }
}
