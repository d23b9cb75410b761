// connect --probe: rows and their order, statuses, JSON, totals, and what may not be asked for.

import Foundation
import TestSupport
import Testing

/// A row of the table by the titles of its columns: their places are those of the header.
struct ProbeRow {
  private let fields: [String: String]

  init(_ line: Substring, under header: Substring) {
    // Titles are single words, and cells are aligned to one side of them.
    let cells = line.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
    let titles = header.split(separator: " ").map(String.init)
    fields = Dictionary(zip(titles, cells), uniquingKeysWith: { first, _ in first })
  }

  subscript(_ title: String) -> String? { fields[title] }
}

/// The rows of the table below its header.
func rows(_ text: String) -> [ProbeRow] {
  let lines = text.split(separator: "\n")
  guard let header = lines.first else { return [] }
  return lines.dropFirst().map { ProbeRow($0, under: header) }
}

/// The JSON objects of the lines.
func objects(_ text: String) throws -> [[String: Any]] {
  try text.split(separator: "\n").map { line in
    try #require(
      try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
  }
}

@Suite(.waits) struct Probes {
  @Test func rowsAreInTheOrderOfPorts() throws {
    let listeners = [try Peer.Listener(), try Peer.Listener()]
    let closed = [try unusedPort(), try unusedPort()]
    let ports = listeners.map(\.port) + closed
    let list = ports.shuffled().map { "\($0)" }.joined(separator: ",")
    let done = try tcptool(["connect", "--probe", list, "127.0.0.1"])
    #expect(done.outcome == .exited(11), "\(done)")
    let shown = rows(done.outputText)
    #expect(shown.map { $0["Port"] } == ports.sorted().map { "\($0)" })
    for row in shown {
      let isOpen = listeners.contains { "\($0.port)" == row["Port"] }
      #expect(row["State"] == (isOpen ? "open" : "closed"))
      #expect(done.outputText.contains("RST"))
    }
    let totals = #/2 open, 2 closed of 4 ports in [0-9.]+ [mµn]?s\n/#
    #expect(done.errorText.wholeMatch(of: totals) != nil, "\(done)")
  }

  @Test func onlyOpenOnesAreShown() throws {
    let listener = try Peer.Listener()
    let closed = try unusedPort()
    let list = "\(listener.port),\(closed)"
    let done = try tcptool(["connect", "--open-only", "--probe=\(list)", "127.0.0.1"])
    #expect(done.outcome == .exited(11), "\(done)")
    #expect(rows(done.outputText).map { $0["Port"] } == ["\(listener.port)"])
    #expect(done.errorText.hasPrefix("1 open, 1 closed of 2 ports in "), "\(done)")
  }

  @Test func allOpenIsSuccess() throws {
    let listener = try Peer.Listener()
    for words in [
      ["--probe", "\(listener.port)", "localhost"], ["--probe", "\(listener.port)", "[127.0.0.1]"],
    ] {
      let done = try tcptool(["connect", "-4"] + words)
      #expect(done.outcome == .exited(0), "\(done)")
      #expect(rows(done.outputText).map { $0["State"] } == ["open"])
      #expect(done.errorText.hasPrefix("1 open of 1 port in "), "\(done)")
    }
  }

  @Test func servicesAreNamed() throws {
    // Nothing of the address 127.77.0.1 is listened on but by who listens on all of them.
    let done = try tcptool(["connect", "--probe", "http,1", "127.77.0.1", "--quiet"])
    #expect(rows(done.outputText).map { $0["Port"] } == ["1", "80"])
    #expect(done.outputText.split(separator: "\n").last?.contains("  http ") == true, "\(done)")
    #expect(done.errorText == "")
  }

  @Test func aThousandPortsAreThere() throws {
    let done = try tcptool(["connect", "--probe", "1-1000", "127.77.0.1", "--json"])
    let ports = try objects(done.outputText).map {
      ($0["endpoint"] as? [String: Any])?["port"] as? Int
    }
    // A log of all of them helps nobody.
    let areAllThere = ports == Array(1...1_000)
    #expect(areAllThere, "\(ports.count) ports")
  }

  @Test func jsonHasAllFacts() throws {
    let listener = try Peer.Listener()
    let closed = try unusedPort()
    let done = try tcptool(
      ["connect", "--json", "--probe", "\(listener.port),\(closed)", "127.0.0.1"])
    #expect(done.outcome == .exited(11), "\(done)")
    let rows = try objects(done.outputText)
    #expect(rows.count == 2)
    for row in rows {
      #expect(
        Set(row.keys) == [
          "schema", "event", "host", "endpoint", "family", "service", "state", "outcome",
          "handshake_ns", "rtt_us", "elapsed_ns", "syns_sent", "call", "errno", "icmp",
        ])
      #expect(row["schema"] as? String == "tcptool/1")
      #expect(row["event"] as? String == "probe")
      #expect(row["host"] as? String == "127.0.0.1")
      #expect(row["family"] as? String == "ipv4")
      #expect(row["syns_sent"] as? Int == 1)
      #expect(row["icmp"] is NSNull)
      let endpoint = try #require(row["endpoint"] as? [String: Any])
      #expect(endpoint["address"] as? String == "127.0.0.1")
      let elapsed = try #require(row["elapsed_ns"] as? Int)
      #expect(elapsed > 0)
      if endpoint["port"] as? Int == Int(listener.port) {
        #expect(row["state"] as? String == "open")
        #expect(row["outcome"] as? String == "connected")
        #expect(row["handshake_ns"] as? Int == elapsed)
        #expect(try #require(row["rtt_us"] as? Int) > 0)
        #expect(row["errno"] is NSNull)
        #expect(row["call"] is NSNull)
      } else {
        #expect(endpoint["port"] as? Int == Int(closed))
        #expect(row["state"] as? String == "closed")
        #expect(row["outcome"] as? String == "refused")
        #expect(row["handshake_ns"] is NSNull)
        #expect(row["rtt_us"] is NSNull)
        #expect(row["errno"] as? String == "ECONNREFUSED")
        #expect(row["call"] as? String == "connect")
      }
    }
    let told = try objects(done.errorText)
    #expect(told.map { $0["event"] as? String } == ["probed"])
    #expect(told.first?["open"] as? Int == 1)
    #expect(told.first?["closed"] as? Int == 1)
    #expect(told.first?["filtered"] as? Int == 0)
    #expect(told.first?["unknown"] as? Int == 0)
  }

  @Test func theFileOfEventsHasTheRowsToo() throws {
    let directory = try TemporaryDirectory()
    let file = directory.file("events")
    let closed = try unusedPort()
    let done = try tcptool(
      ["connect", "--log", file, "--probe", "\(closed)", "127.0.0.1"])
    #expect(done.outcome == .exited(11), "\(done)")
    let told = try objects(try String(contentsOfFile: file, encoding: .utf8))
    #expect(told.map { $0["event"] as? String } == ["probe", "probed"])
    #expect(told.allSatisfy { $0["unix_time_us"] is Int })
  }

  @Test func aNameWithoutAddressIsNotProbed() throws {
    for words in [["--probe", "80"], ["--all-addresses", "80"]] {
      let done = try tcptool(["connect", "nosuch.invalid"] + words)
      #expect(done.outcome == .exited(10), "\(done)")
      #expect(done.outputText == "")
    }
  }

  @Test func aFullDiskIsAFailure() throws {
    let done = try shell(#"exec "$@" > /dev/full"#, ["connect", "127.0.0.1", "--probe", "1"])
    #expect(done.outcome == .exited(24), "\(done)")
    #expect(done.errorText.contains("write to standard output: no space left on device (ENOSPC)"))
  }

  /// What is wrong at this end is wrong for every port, and said once.
  @Test func anObstacleAtThisEndIsSaidOnce() throws {
    let done = try tcptool(
      ["connect", "--interface", "no-such-one", "--probe", "1-100", "127.0.0.1"])
    #expect(done.outcome == .exited(15), "\(done)")
    #expect(done.outputText == "")
    #expect(
      done.errorText == """
        Error: setsockopt SO_BINDTODEVICE no-such-one: no such device (ENODEV); this host has no \
        interface of that name

        """)
  }

  @Test func theLimitOfDescriptorsBoundsIt() throws {
    let done = try shell(
      #"ulimit -n 20; exec "$@""#,
      ["connect", "--parallel", "5000", "--probe", "20000-20200", "127.77.0.1"])
    #expect(rows(done.outputText).count == 201)
    #expect(
      done.errorText.hasPrefix(
        "only 20 handshakes at once, since there are no more descriptors (ulimit -Hn)\n"), "\(done)"
    )
  }

  @Test(arguments: [
    (
      ["--probe", "0"],
      "The value '0' is invalid for '--probe <ports>'. Nothing can listen on port 0; give ports from 1 to 65535."
    ),
    (
      ["--probe", "90-80"],
      "The value '90-80' is invalid for '--probe <ports>'. The range ends before it begins. Did you mean '80-90'?"
    ),
    (["--probe", "80", "90"], "Unexpected argument '90'. With '--probe' there is no '<port>'."),
    (
      ["--probe", "80", "--parallel", "0"],
      "The value '0' is invalid for '--parallel <n>'. Give at least 1."
    ),
    (["80", "--parallel", "5"], "The option '--parallel' needs '--probe'"),
    (["80", "--open-only"], "The option '--open-only' needs '--probe'"),
    (["80", "--open-only", "--all-addresses"], "The option '--open-only' needs '--probe'"),
    (["--all-addresses"], "Missing expected argument '<port>'"),
    (
      ["--probe", "80", "--wait", "1s"],
      "The options '--probe' and '--wait' exclude each other: each endpoint is tried once"
    ),
    (
      ["--probe", "80", "--attempt-delay", "1s"],
      "The options '--probe' and '--attempt-delay' exclude each other: the addresses do not race"
    ),
  ])
  func mistakesAreUsageErrors(_ words: [String], _ message: String) throws {
    let done = try tcptool(["connect", "127.0.0.1"] + words)
    #expect(done.outcome == .exited(64))
    #expect(done.errorText.hasPrefix("Error: \(message)\n"), "\(done)")
  }

  @Test(
    arguments: [["--probe", "80"], ["--all-addresses", "80"]],
    [
      ["--linger", "1s"], ["--crlf"], ["--send-only"], ["--recv-only"], ["--idle-timeout", "1s"],
      ["--total-timeout", "1s"], ["--on-stdin-eof", "close"], ["--on-peer-eof", "close"],
    ])
  func nothingIsRelayed(_ mode: [String], _ relay: [String]) throws {
    let done = try tcptool(["connect", "127.0.0.1"] + mode + relay)
    #expect(done.outcome == .exited(64))
    #expect(
      done.errorText.hasPrefix(
        "Error: The options '\(mode[0])' and '\(relay[0])' exclude each other: nothing is relayed\n"
      ),
      "\(done)")
  }
}
