// `states --listeners` on real listeners whose queues are filled, beside ss, nginx and Prometheus.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("python3", "ss"), .requiresPrivateNetwork) struct Listeners {
  private struct Row: Decodable {
    struct Endpoint: Decodable {
      var address: String
      var port: Int
    }
    struct Process: Decodable {
      var pid: Int
      var name: String
    }
    var record: String
    var local: Endpoint
    var dual_stack: Bool?
    var accept_queue: Int
    var accept_queue_limit: Int?
    var accept_queue_percent: Int?
    var syn_queue: Int
    var syn_queue_limit: Int?
    var syn_queue_shared_by: Int
    var drops: Int?
    var backlog: Int?
    var backlog_at_somaxconn: Bool?
    var oldest_pending_ms: Int?
    var processes: [Process]?
  }

  private struct Namespace: Decodable {
    var record: String
    var settings: [String: Int?]
    var counters: [String: Int?]
  }

  private static func listing(
    _ words: String..., in network: PrivateNetwork
  ) throws -> (rows: [Row], namespace: Namespace) {
    let done = try run(
      network.command([try Tool.path, "states", "--listeners", "--json"] + words))
    try #require(done.outcome == .exited(0), "\(done)")
    let lines = done.outputText.split(separator: "\n").map { Data($0.utf8) }
    let rows = try lines.dropLast().map { try JSONDecoder().decode(Row.self, from: $0) }
    let last = try #require(lines.last)
    #expect(rows.allSatisfy { $0.record == "listener" })
    return (rows, try JSONDecoder().decode(Namespace.self, from: last))
  }

  private static let everything = [
    // A full accept queue, and a neighbour.
    "listen=127.0.0.1,7001,8", "connect=127.0.0.1,7001,12", "listen=127.0.0.1,7002,100",
    "connect=127.0.0.1,7002,60",
    // Both families on one port, each with its own handshakes, and one socket for both.
    "listen=0.0.0.0,7003,5000", "listen=::,7003,16,v6only", "half=::1,7003,3",
    "half=127.0.0.1,7003,2", "listen=::,7004,16,both", "half=127.0.0.1,7004,5", "half=::1,7004,1",
    // A group.
    "listen=127.0.0.1,7005,4,shared", "listen=127.0.0.1,7005,4,shared",
    "listen=127.0.0.1,7005,4,shared", "half=127.0.0.1,7005,6",
    // A full SYN queue; and a wildcard whose handshakes go to the very address.
    "listen=::1,7006,8", "half=::1,7006,20", "listen=0.0.0.0,7007,8,shared",
    "listen=127.0.0.1,7007,8,shared", "half=127.0.0.1,7007,4",
  ]

  /// Makes everything and looks at it. The kernel throws out handshakes of a queue that is more than
  /// half full after 7 s, so what a slow machine looked at too late is made again.
  private static func seen<Result>(
    _ look: (PrivateNetwork, Child) throws -> Result
  ) throws -> Result {
    for _ in 1...5 {
      let network = try PrivateNetwork()
      let start = ContinuousClock.now
      let maker = try QueueMaker.start(everything, in: network)
      defer { maker.closeInput() }
      let result = try look(network, maker)
      if ContinuousClock.now - start < .seconds(6) { return result }
    }
    throw TestFailure("this machine needs more than 6 s to make the queues and to look at them")
  }

  @Test(.timeLimit(.minutes(5))) func queuesOfEveryKind() throws {
    let (listing, pid) = try Self.seen { network, maker in
      (try Self.listing("--process", "--oldest", in: network), Int(maker.pid))
    }
    let (rows, namespace) = listing
    let shown = rows.map { row in
      [
        "\(row.local.address) \(row.local.port)", "\(row.accept_queue)",
        "\(row.accept_queue_limit ?? -1)", "\(row.syn_queue)", "\(row.syn_queue_limit ?? -1)",
        "\(row.syn_queue_shared_by)", row.dual_stack == true ? "both" : "one",
      ].joined(separator: " ")
    }
    #expect(
      shown == [
        "127.0.0.1 7001 9 9 0 9 1 one", "127.0.0.1 7002 60 101 0 101 1 one",
        "0.0.0.0 7003 0 4097 2 4097 1 one", ":: 7003 0 17 3 17 1 one",
        ":: 7004 0 17 6 17 1 both", "127.0.0.1 7005 0 5 6 15 3 one",
        "127.0.0.1 7005 0 5 6 15 3 one", "127.0.0.1 7005 0 5 6 15 3 one", "::1 7006 0 9 9 9 1 one",
        "0.0.0.0 7007 0 9 0 9 1 one", "127.0.0.1 7007 0 9 4 9 1 one",
      ])
    #expect(rows.map(\.backlog_at_somaxconn).filter { $0 == true }.count == 1)
    #expect(rows.allSatisfy { $0.processes?.map(\.pid) == [pid] })
    #expect(rows.map { $0.oldest_pending_ms != nil } == rows.map { $0.accept_queue > 0 })
    // Dropped SYNs are sent again each second: how many there are by now nobody knows.
    #expect(rows.allSatisfy { ($0.drops ?? -1) >= ($0.local.port == 7001 ? 3 : 0) })
    #expect(rows.filter { $0.local.port != 7001 }.allSatisfy { $0.drops == 0 })
    #expect((namespace.counters["ListenOverflows"] ?? 0) ?? 0 >= 3)
    #expect((namespace.counters["TCPReqQFullDoCookies"] ?? 0) ?? 0 >= 11)
    #expect(namespace.settings["somaxconn"] == 4096)
  }

  @Test func theyAreSortedAsAsked() throws {
    let network = try PrivateNetwork()
    let maker = try QueueMaker.start(
      [
        "listen=127.0.0.1,7001,99", "connect=127.0.0.1,7001,5", "listen=127.0.0.1,7002,3",
        "connect=127.0.0.1,7002,4", "listen=127.0.0.1,7003,9",
      ], in: network)
    defer { maker.closeInput() }
    let orders: [(String, [Int])] = [
      ("local", [7001, 7002, 7003]), ("-local", [7003, 7002, 7001]),
      ("-recvq", [7001, 7002, 7003]), ("-full", [7002, 7001, 7003]),
      ("full", [7003, 7001, 7002]), ("backlog", [7002, 7003, 7001]),
      // What is equal keeps its order.
      ("-synq", [7001, 7002, 7003]),
    ]
    for (order, ports) in orders {
      let rows = try Self.listing("--sort=\(order)", in: network).rows
      #expect(rows.map(\.local.port) == ports, "\(order)")
    }
  }

  @Test(.timeLimit(.minutes(5))) func numbersAreThoseOfSs() throws {
    let network = try PrivateNetwork()
    let maker = try QueueMaker.start(Self.everything, in: network)
    defer { maker.closeInput() }
    func ss() throws -> (listeners: [String], handshakes: String) {
      let listeners = try run(network.command(["ss", "-ltnmHO"])).outputText
      let handshakes = try run(network.command(["ss", "-tnH", "state", "syn-recv"])).outputText
      return (
        listeners.split(separator: "\n").map { line in
          let words = line.split { $0 == " " || $0 == "\t" }
          let address = words[3].hasPrefix("*:") ? "[::]\(words[3].dropFirst())" : "\(words[3])"
          let drops = line.firstMatch(of: /,d([0-9]+)\)/)?.output.1 ?? "none"
          return "\(address) \(words[1]) \(words[2]) \(drops)"
        }.sorted(), handshakes
      )
    }
    var before = try ss()
    var rows: [Row] = []
    let settled = try eventually {
      before = try ss()
      rows = try Self.listing(in: network).rows
      let after = try ss()
      return before.listeners == after.listeners && before.handshakes == after.handshakes
    }
    #expect(settled)
    let shown = rows.map { row in
      let address = row.local.address.contains(":") ? "[\(row.local.address)]" : row.local.address
      return "\(address):\(row.local.port) \(row.accept_queue) \(row.backlog ?? -1) "
        + "\(row.drops ?? -1)"
    }
    #expect(shown.sorted() == before.listeners)
    let ports = [7003, 7004, 7005, 7006, 7007]
    for port in ports {
      let handshakes = before.handshakes.split(separator: "\n").count { $0.contains(":\(port) ") }
      let ofPort = rows.filter { $0.local.port == port }
      let counted = ofPort.map { Double($0.syn_queue) / Double($0.syn_queue_shared_by) }
      #expect(Int(counted.reduce(0, +).rounded()) == handshakes, "\(port)")
    }
  }

  /// Early data must not make a connection look younger than it is.
  @Test(.timeLimit(.minutes(5))) func theAgeOfWhatWaitsIsThatOfTheConnection() throws {
    let network = try PrivateNetwork()
    let script = """
      import socket, sys, time
      l = socket.create_server(("127.0.0.1", 7001))
      c = socket.create_connection(("127.0.0.1", 7001))
      time.sleep(0.5)
      c.sendall(b"early")
      print("ready", flush=True)
      sys.stdin.read()
      """
    let peer = try Child(network.command(["python3", "-c", script]), input: .pipe)
    defer { peer.closeInput() }
    try peer.waitForLine(containing: "ready", in: .standardOutput)
    let age = try Self.listing("--oldest", in: network).rows.first?.oldest_pending_ms
    #expect((age ?? 0) >= 490)
    let unasked = try Self.listing(in: network).rows
    #expect(unasked.map(\.oldest_pending_ms) == [nil])
  }

  @Test(arguments: [
    (1, ["7001", "7002", "7003", "7004", "7005", "7005", "7005", "7006", "7007"]),
    (40, ["7001", "7002", "7005", "7005", "7005", "7006", "7007"]),
    (60, ["7001", "7006"]), (100, ["7001", "7006"]),
  ])
  func checkNamesWhatIsOver(_ percent: Int, _ ports: [String]) throws {
    let words = ["states", "--listeners", "--check", "\(percent)"]
    let (done, json) = try Self.seen { network, _ in
      (
        try run(network.command([try Tool.path] + words)),
        try run(network.command([try Tool.path] + words + ["--json"]))
      )
    }
    #expect(done.outcome == .exited(3))
    #expect(done.errorText == "")
    let lines = done.outputText.split(separator: "\n")
    #expect(
      lines.compactMap { $0.firstMatch(of: /:(70[0-9]+):/)?.output.1 }.map(String.init) == ports)
    #expect(json.outcome == .exited(3))
    #expect(json.outputText.split(separator: "\n").count == ports.count)
  }

  @Test func checkIsSilentWhereAllIsWell() throws {
    let network = try PrivateNetwork()
    let nobody = try tcptool("states", "--listeners", "--check", "1", in: network).wait()
    #expect(nobody.outcome == .exited(1))
    let maker = try QueueMaker.start(["listen=127.0.0.1,7001,8"], in: network)
    defer { maker.closeInput() }
    let done = try tcptool("states", "--listeners", "--check", "1", in: network).wait()
    #expect(done.outcome == .exited(0))
    #expect(done.outputText == "" && done.errorText == "")
    // Where the limits are unknown it must not look as if all were well.
    let blind = try tcptool(
      "states", "--listeners", "--check", "1", "--source", "proc", in: network
    ).wait()
    #expect(blind.outcome == .exited(1))
    #expect(blind.errorText.contains("nothing was checked"))
  }

  @Test func fromProcLimitsAndDropsAreUnknown() throws {
    let (known, rows, text) = try Self.seen { network, _ in
      (
        try Self.listing(in: network).rows, try Self.listing("--source", "proc", in: network).rows,
        try tcptool("states", "--listeners", "--source", "proc", in: network).wait()
      )
    }
    func queues(_ rows: [Row]) -> [String] {
      rows.map { "\($0.local.address) \($0.local.port) \($0.accept_queue) \($0.syn_queue)" }
        .sorted()
    }
    #expect(queues(rows) == queues(known))
    #expect(
      rows.allSatisfy { $0.accept_queue_limit == nil && $0.drops == nil && $0.backlog == nil })
    #expect(text.errorText.split(separator: "\n").count == 1)
    #expect(text.outputText.contains(" 9/- "))
  }

  @Test(.requires("nginx"), .timeLimit(.minutes(5))) func serversAsTheyAre() throws {
    let network = try PrivateNetwork()
    let directory = try TemporaryDirectory()
    let configuration = """
      user root; daemon off; master_process off; pid \(directory.file("pid"));
      error_log stderr;
      events {}
      http {
        access_log off;
        client_body_temp_path \(directory.file("a")); proxy_temp_path \(directory.file("b"));
        fastcgi_temp_path \(directory.file("c")); uwsgi_temp_path \(directory.file("d"));
        scgi_temp_path \(directory.file("e"));
        server { listen 127.0.0.1:7001; }
      }
      """
    let path = directory.file("nginx.conf")
    try configuration.write(toFile: path, atomically: false, encoding: .utf8)
    let nginx = try Child(network.command(["nginx", "-e", "stderr", "-c", path]))
    let python = try Child(
      network.command(["python3", "-m", "http.server", "-b", "127.0.0.1", "7002"]))
    try waitUntilListening(port: 7001, network: network)
    try waitUntilListening(port: 7002, network: network)
    let rows = try Self.listing("--process", in: network).rows
    #expect(rows.map(\.local.port) == [7001, 7002])
    #expect(rows.map(\.backlog) == [511, 5])
    #expect(rows.map(\.accept_queue_limit) == [512, 6])
    #expect(rows.map { $0.processes?.map(\.name) } == [["nginx"], ["python3"]])
    #expect(rows.map { $0.processes?.map(\.pid) } == [[Int(nginx.pid)], [Int(python.pid)]])
  }

  /// The whole table for a person: full queues are red, and each mark has its line below.
  @Test(.requires("tmux"), arguments: [80, 200]) func onATerminal(_ columns: Int) throws {
    let network = try PrivateNetwork()
    let maker = try QueueMaker.start(Self.everything, in: network)
    defer { maker.closeInput() }
    let terminal = try Terminal(
      columns: columns, rows: 40,
      command: network.command([try Tool.path, "states", "--listeners", "--process"]),
      environment: ["LC_ALL": "C.UTF-8"])
    // Each row of the table is one row of the screen, up to the blank one below it.
    let screen = try terminal.waitFor { screen in
      let rows = screen.split(separator: "\n", omittingEmptySubsequences: false)
      return rows.prefix { !$0.isEmpty }.count == 12
        && rows.dropFirst().prefix(11).allSatisfy { $0.contains("python3(\(maker.pid))") }
        && screen.contains("SyncookiesFailed") && screen.contains("SO_REUSEPORT")
        && screen.contains("=")
    }
    #expect(screen.contains("█") == (columns == 200))
    #expect(try terminal.styledScreen.contains("\u{1b}[31m9/9"))
  }
}

/// What Prometheus' own client library reads. It is Debian's, and belongs to Debian's Python.
let prometheusParserIsThere: Bool = {
  let done = try? run(["/usr/bin/python3", "-c", "import prometheus_client.openmetrics.parser"])
  return done?.outcome == .exited(0)
}()

@Suite(
  .waits, .requires("python3"), .requiresPrivateNetwork,
  .enabled(
    if: prometheusParserIsThere || ProcessInfo.processInfo.environment["CI"] != nil,
    "not installed: python3-prometheus-client"))
struct ListenerMetrics {
  private static let reader = """
    import json, sys
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict
    from prometheus_client.parser import text_string_to_metric_families as older
    text = sys.stdin.read()
    rows = [[s.name, s.labels, s.value, f.type, f.unit] for f in strict(text) for s in f.samples]
    names = {s.name for f in older(text) for s in f.samples}
    assert names == {r[0] for r in rows}, names
    json.dump(rows, sys.stdout)
    """

  private struct Sample {
    var name: String
    var labels: [String: String]
    var value: Double
    var kind: String
    var unit: String
  }

  private static func samples(
    _ words: [String], in network: PrivateNetwork
  ) throws -> [Sample] {
    let told = try run(
      network.command([try Tool.path, "states", "--listeners", "--format", "openmetrics"] + words))
    try #require(told.outcome == .exited(0), "\(told)")
    let read = try run(["/usr/bin/python3", "-c", reader], input: .bytes(told.output))
    try #require(read.outcome == .exited(0), "\(read.errorText)")
    let rows = try JSONSerialization.jsonObject(with: Data(read.output)) as? [[Any]]
    return (rows ?? []).compactMap { row in
      guard row.count == 5, let name = row[0] as? String, let labels = row[1] as? [String: String],
        let value = row[2] as? Double, let kind = row[3] as? String, let unit = row[4] as? String
      else { return nil }
      return Sample(name: name, labels: labels, value: value, kind: kind, unit: unit)
    }
  }

  @Test func prometheusReadsThem() throws {
    let network = try PrivateNetwork()
    let maker = try QueueMaker.start(
      [
        "listen=127.0.0.1,7001,8", "connect=127.0.0.1,7001,12", "listen=::1,7002,4,shared",
        "listen=::1,7002,4,shared", "half=::1,7002,3",
      ], in: network)
    defer { maker.closeInput() }
    let samples = try Self.samples(["--oldest"], in: network)
    func values(_ name: String, _ port: Int) -> [Double] {
      samples.filter { $0.name == name && $0.labels["port"] == "\(port)" }.map(\.value)
    }
    let queue = "tcptool_listener_accept_queue"
    #expect(values("\(queue)_connections", 7001) == [9])
    #expect(values("\(queue)_limit_connections", 7001) == [9])
    #expect(values("\(queue)_limit_connections", 7002) == [5, 5])
    #expect(values("tcptool_listener_drops_total", 7001).allSatisfy { $0 >= 3 })
    #expect(values("tcptool_listener_drops_total", 7002) == [0, 0])
    // One sample a group, or a sum would count each handshake twice.
    #expect(values("tcptool_listener_syn_queue_requests", 7002) == [3])
    #expect(values("tcptool_listener_syn_queue_limit_requests", 7002) == [10])
    #expect(values("tcptool_listener_oldest_pending_seconds", 7001).count == 1)
    #expect(Set(samples.filter { $0.name.hasSuffix("_total") }.map(\.kind)) == ["counter"])
    #expect(samples.filter { $0.unit != "" }.allSatisfy { $0.name.hasSuffix($0.unit) })
    let overflows = samples.first { $0.name == "tcptool_netns_listen_overflows_total" }
    #expect((overflows?.value ?? 0) >= 3)
    #expect(samples.contains { $0.name == "tcptool_netns_somaxconn" && $0.value == 4096 })
  }

  /// A process chooses its name, and may choose one that would end its label.
  @Test(arguments: [
    ("a\"} 1", "a\"} 1"), ("a\\", "a\\"), ("a\nb", "a\\nb"), ("\u{1b}[31m", "\\x1b[31m"),
    ("é{}", "é{}"),
  ])
  func aProcessNameIsOnlyAValue(_ name: String, _ shown: String) throws {
    let network = try PrivateNetwork()
    let maker = try QueueMaker.start(
      ["name=\(name)", "listen=127.0.0.1,7001,8"], in: network)
    defer { maker.closeInput() }
    let samples = try Self.samples(["--process"], in: network)
    #expect(samples.compactMap { $0.labels["process"] } == [shown, shown, shown])
  }

  @Test func fromProcNothingUnknownIsTold() throws {
    let network = try PrivateNetwork()
    let maker = try QueueMaker.start(["listen=127.0.0.1,7001,8"], in: network)
    defer { maker.closeInput() }
    let names = Set(try Self.samples(["--source", "proc"], in: network).map(\.name))
    #expect(names.contains("tcptool_listener_accept_queue_connections"))
    #expect(!names.contains { $0.contains("limit") || $0.contains("listener_drops") })
  }
}
