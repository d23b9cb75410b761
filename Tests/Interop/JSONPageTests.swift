// tcptool-json(7) names every event and every key that the program prints, and no others.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requiresPrivateNetwork) struct JSONPage {
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

  /// The metrics of the page.
  private static func documentedMetrics() throws -> Set<String> {
    let page = URL(filePath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "man/tcptool-json.7")
    return Set(
      try String(contentsOf: page, encoding: .utf8).split(separator: "\n")
        .filter { $0.hasPrefix(".It Li tcptool_") }.map { String($0.dropFirst(7)) })
  }

  private static let common: Set = ["schema", "event", "record", "unix_time_us"]

  /// The keys of an object, and those of the objects within of which the page has any, as `a.b`.
  private static func keys(
    of object: [String: Any], under prefix: String = "", _ documented: Set<String>
  ) -> Set<String> {
    var keys: Set<String> = []
    for (key, value) in object {
      keys.insert(prefix + key)
      guard documented.contains(where: { $0.hasPrefix(prefix + key + ".") }) else { continue }
      for inner in value as? [[String: Any]] ?? (value as? [String: Any]).map({ [$0] }) ?? [] {
        keys.formUnion(Self.keys(of: inner, under: prefix + key + ".", documented))
      }
    }
    return keys
  }

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

  /// Every key of the records of `states`, those of inner objects too, is in the page and the other
  /// way round.
  @Test(.requires("python3"), .timeLimit(.minutes(5)))
  func namesEveryKeyOfStates() throws {
    let documented = try Self.documented()
    let network = try PrivateNetwork()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    var seen: [String: Set<String>] = [:]
    var undocumented: Set<String> = []
    for words in [
      ["--process", "--info", "--memory", "--cgroup"], ["--source", "proc"], [],
      ["--columns", "local,rtt,process"], ["--listeners", "--process", "--oldest"],
      ["--listeners", "--source", "proc"], ["--listeners", "--check", "50"],
      ["--summary", "--by", "port"], ["--by", "process"], ["--summary", "state", "listening"],
    ] {
      let done = try Child(
        network.command([try Tool.path, "states", "--json"] + words)
      ).wait()
      let lines = done.outputText.split(separator: "\n")
      #expect(!lines.isEmpty, "\(words): \(done.errorText)")
      for line in lines {
        let object = try #require(
          JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
        #expect(object["schema"] as? String == "tcptool/1")
        let record = try #require(object["record"] as? String)
        let known = try #require(documented[record], "\(record) is not in the page: \(line)")
        let keys = Self.keys(of: object, known).subtracting(Self.common)
        undocumented.formUnion(keys.subtracting(known).map { "\(record) \($0)" })
        // All keys are always there, but for those that were not asked for.
        let outer = known.filter { !$0.contains(".") }
        if !words.contains("--columns"), words.contains("--by") || record != "summary" {
          let missing = outer.subtracting(keys)
          #expect(missing == [], "\(record) \(words)")
        }
        seen[record, default: []].formUnion(keys)
      }
    }
    #expect(undocumented == [], "these are not in man/tcptool-json.7")
    for (record, keys) in seen {
      let unseen = try #require(documented[record]).subtracting(keys)
      #expect(unseen == [], "\(record) has them in man/tcptool-json.7 alone")
    }
    #expect(Set(seen.keys) == ["socket", "listener", "namespace", "summary"])
    let metrics = try Child(
      network.command([try Tool.path, "states", "--listeners", "--oldest", "-f", "openmetrics"])
    ).wait().outputText
    let families = metrics.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }
      .map { String($0.split(separator: " ")[2]) }
    #expect(Set(families) == (try Self.documentedMetrics()))
  }

  @Test(.requires("python3"), .timeLimit(.minutes(5)))
  func namesEveryKeyOfCapturesAndDifferences() throws {
    let documented = try Self.documented()
    let network = try PrivateNetwork()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    let file = try TemporaryDirectory(files: ["empty": "{}"])
    let tool = try Tool.path
    _ = try Child(network.command([tool, "states", "--save", file.file("some"), "listening"]))
      .wait()
    var seen: Set<String> = []
    for words in [["--save", "-"], ["--json", "--diff", file.file("some")]] {
      let text = try Child(network.command([tool, "states"] + words)).wait().outputText
      for line in text.split(separator: "\n") {
        let object = try #require(
          JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
        let record = try #require(object["record"] as? String)
        let known = try #require(documented[record], "\(record) is not in the page: \(line)")
        let keys = Set(object.keys).subtracting(["schema", "record", "unix_time_us"])
        #expect(keys == known.filter { !$0.contains(".") }, "\(record)")
        seen.insert(record)
      }
    }
    #expect(seen == ["capture", "netns", "socket", "end", "change", "difference"])
  }

  @Test(.timeLimit(.minutes(5)))
  func namesEveryKeyOfBacklogTest() throws {
    let documented = try Self.documented()
    var seen: Set<String> = []
    for words in [
      ["--expect", "accept=6"], ["--queue", "syn"], ["--queue", "both"],
      ["--sweep-set", "somaxconn=2,6"],
    ] {
      let done = try tcptool("backlog-test", "--backlog", "5", "--json", words[0], words[1]).wait()
      seen.formUnion(try check(done.outputText, documented))
    }
    for words in [
      ["--relisten", "2"], ["--reuse-port", "2"], ["--late-acks", "2"],
      ["--accept-rate", "50", "--duration", "200ms"],
    ] {
      let done = try Child([try Tool.path, "backlog-test", "--backlog", "5", "--json"] + words)
        .wait()
      seen.formUnion(try check(done.outputText, documented))
    }
    let holder = try tcptool("listen", "--hold", "--backlog", "2", "127.0.0.1", "0", input: .pipe)
    let port = try announcedPort(of: holder)
    let done = try tcptool("backlog-test", "--json", "--probe-data", "127.0.0.1:\(port)").wait()
    seen.formUnion(try check(done.outputText, documented))
    #expect(
      seen == [
        "backlog_test", "backlog_test_both", "backlog_test_traffic", "backlog_test_relisten",
        "backlog_test_reuse_port", "backlog_test_late_acks", "backlog_test_target",
      ])
  }

  @Test(.requires("python3"), .timeLimit(.minutes(5)))
  func namesEveryEventOfAWatch() throws {
    let documented = try Self.documented()
    let network = try PrivateNetwork()
    let peer = try WatchPeer(in: network)
    let tools = try [
      ["--watch=10ms", "--process"], ["--watch=10ms", "state=ESTABLISHED"], ["--events"],
      ["--watch=10ms", "--listeners"],
    ].map { words in
      try Child(network.command([try Tool.path, "states", "--json"] + words))
    }
    for tool in [tools[0], tools[1], tools[3]] {
      try tool.waitForLine(containing: "\"watching\"", in: .standardOutput)
    }
    try tools[3].waitForLine(containing: "\"counters\"", in: .standardOutput)
    let second = try Child(
      network.command(["python3", "-m", "http.server", "-b", "127.0.0.1", "7001"]))
    try tools[3].waitForLine(containing: "listener_opened", in: .standardOutput)
    try second.signal(SIGKILL)
    try tools[3].waitForLine(containing: "listener_closed", in: .standardOutput)
    try peer.take(.connect)
    for tool in tools[0...1] {
      try tool.waitForLine(containing: "socket_opened", in: .standardOutput)
    }
    try tools[3].waitForLine(containing: "listener_changed", in: .standardOutput)
    for step in [WatchPeer.Step.accept, .send, .finish, .read] { try peer.take(step) }
    try tools[1].waitForLine(containing: "socket_left", in: .standardOutput)
    try tools[0].waitForLine(containing: "socket_changed", in: .standardOutput)
    try peer.take(.close)
    try tools[0].waitForLine(containing: "socket_closed", in: .standardOutput)
    try tools[2].waitForLine(containing: "socket_destroyed", in: .standardOutput)
    var seen: Set<String> = []
    for tool in tools {
      try tool.signal(SIGINT)
      seen.formUnion(try check(try tool.wait().outputText, documented))
    }
    let wanted: Set = [
      "watching", "socket_present", "socket_opened", "socket_changed", "socket_left",
      "socket_closed", "listener_present", "listener_opened", "listener_changed",
      "listener_closed", "counters", "socket_destroyed",
    ]
    #expect(seen == wanted, "\(wanted.symmetricDifference(seen))")
  }

  @Test(.requires("python3"), .timeLimit(.minutes(5)))
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
    // What send and recv tell of the data.
    let receiver = try tcptool(
      "recv", "--json", "--max-connections", "2", "--verify", "counter", "-o", "/dev/null",
      "--force", "127.0.0.1", "7002", in: network)
    try receiver.waitForLine(containing: "\"listening\"")
    for pattern in ["counter", "zero"] {
      try run([
        "send", "--json", "--interval", "1s", "--size", "100K", "--pattern", pattern, "--digest",
        "sha256",
        "127.0.0.1", "7002",
      ])
    }
    seen.formUnion(try check(receiver.wait().errorText, documented))
    let streams = try tcptool(
      "recv", "--json", "--streams", "2", "--discard", "--expect-size", "10K", "127.0.0.1", "7003",
      in: network)
    try streams.waitForLine(containing: "\"listening\"")
    try run([
      "send", "--json", "--interval", "1s", "--streams", "2", "--size", "10K", "127.0.0.1", "7003",
    ])
    seen.formUnion(try check(streams.wait().errorText, documented))
    let directory = try TemporaryDirectory()
    let ended = try tcptool(
      "recv", "--json", "-o", directory.file("file"), "127.0.0.1", "7004", in: network)
    try ended.waitForLine(containing: "\"listening\"")
    let sender = try tcptool("send", "127.0.0.1", "7004", input: .pipe, in: network)
    try sender.write("half")
    #expect(eventually { contents(of: directory.file("file.tcptool-part")).count == 4 })
    try ended.signal(SIGTERM)
    seen.formUnion(try check(ended.wait().errorText, documented))
    sender.closeInput()
    _ = try sender.wait()
    let wanted: Set = [
      "resolve", "attempt", "waiting", "connected", "listening", "accepted", "option", "local_eof",
      "peer_eof", "closed", "rejected", "command_ended", "relistened", "queues", "call", "state",
      "explanation", "remainder", "probe", "address", "handshake", "handshake_summary", "error",
      "interval", "streams", "digest", "received", "kept", "verified", "wrong_byte",
      "connection_error",
    ]
    #expect(seen.isSuperset(of: wanted), "not seen: \(wanted.subtracting(seen))")
  }
}
