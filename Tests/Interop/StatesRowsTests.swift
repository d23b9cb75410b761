// `states`: what is asked for besides the rows, beside ss; and the same rows from both sources.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("python3", "ss"), .requiresPrivateNetwork) struct StatesRows {
  typealias Object = [String: Any]

  private static func objects(_ text: String) throws -> [Object] {
    try text.split(separator: "\n").map { line in
      guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? Object else {
        throw TestFailure("no object in “\(line)”")
      }
      return object
    }
  }

  private static func endpoint(_ object: Object, _ key: String) -> String {
    let end = object[key] as? Object ?? [:]
    let address = end["address"] as? String ?? "?"
    let port = end["port"] as? Int ?? -1
    return "\(address.contains(":") ? "[\(address)]" : address):\(port == 0 ? "*" : "\(port)")"
  }

  /// The connection as a key: ss and `states` name mapped addresses differently.
  private static func connection(_ object: Object) -> String {
    "\(endpoint(object, "local")) \(endpoint(object, "peer"))"
  }

  private static func connection(ofLine words: [Substring]) -> String {
    words[3...4].map { word in
      let shown = word.hasPrefix("*:") ? "[::]\(word.dropFirst())" : "\(word)"
      return shown.replacing(/\[::ffff:([0-9.]+)\]/) { "\($0.output.1)" }
    }.joined(separator: " ")
  }

  /// Both tools see other processes' descriptors only where the tests run as root.
  private static func network() throws -> PrivateNetwork { try PrivateNetwork() }

  @Test(.timeLimit(.minutes(5))) func processesAreThoseOfSs() throws {
    let network = try Self.network()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    let listing = try run(network.command(["ss", "-tanpH"])).outputText
    let shown = try Self.objects(
      try tcptool("states", "--process", "--json", in: network).wait().outputText)
    var expected: [String: Set<String>] = [:]
    for line in listing.split(separator: "\n") {
      let users = line.matches(of: /pid=([0-9]+),fd=([0-9]+)/).map { "\($0.1) \($0.2)" }
      expected[Self.connection(ofLine: line.split(separator: " ")), default: []].formUnion(users)
    }
    #expect(expected.values.contains { !$0.isEmpty })
    for object in shown {
      let processes = try #require(object["processes"] as? [Object])
      let users = processes.map { "\($0["pid"] ?? 0) \($0["fd"] ?? 0)" }
      #expect(Set(users) == expected[Self.connection(object)] ?? [])
      #expect(processes.allSatisfy { ($0["name"] as? String)?.hasPrefix("python3") == true })
      // What nobody has accepted is its listener's, and nothing else has a listener.
      let role = object["role"] as? String
      let waiting = object["listener_processes"] as? [Object]
      let waits = role == "pending_accept" || role == "syn_queue"
      #expect((waiting != nil) == waits)
      #expect(!waits || waiting?.isEmpty == false)
      #expect(!waits || processes.isEmpty)
    }
  }

  @Test(.timeLimit(.minutes(5))) func pendingRowsAreAsManyAsTheQueuesSay() throws {
    let network = try Self.network()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    let shown = try Self.objects(try tcptool("states", "--json", in: network).wait().outputText)
    func count(_ role: String) -> Int { shown.count { $0["role"] as? String == role } }
    let queued = shown.filter { $0["role"] as? String == "listener" }
      .reduce(0) { $0 + ($1["recv_queue"] as? Int ?? 0) }
    #expect(queued > 0)
    #expect(count("pending_accept") == queued)
    #expect(count("syn_queue") == 3)
    #expect(count("orphan") > 0)
    #expect(
      shown.filter { $0["state"] as? String == "TIME_WAIT" }.allSatisfy { $0["uid"] is NSNull })
    // One of each kind of network has read the end of the stream, one has three bytes before it.
    let left = shown.filter { $0["role"] as? String == "left_open" }
    #expect(left.allSatisfy { $0["recv_queue"] as? Int == 0 } && !left.isEmpty)
    let unread = shown.filter { $0["role"] as? String == "peer_closed" }
    #expect(unread.contains { $0["recv_queue"] as? Int == 4 })
  }

  @Test(.timeLimit(.minutes(5))) func memoryIsThatOfSs() throws {
    let network = try Self.network()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    let names = [
      "r": "rmem", "rb": "rcvbuf", "t": "wmem", "tb": "sndbuf", "f": "fwd", "w": "wmem_queued",
      "o": "optmem", "bl": "sk_backlog", "d": "drops",
    ]
    var listing = ""
    var text = ""
    // Retransmissions change the memory: compared is what did not change meanwhile.
    let settled = try eventually {
      listing = try run(network.command(["ss", "-tanmHO"])).outputText
      text = try tcptool("states", "--memory", "--json", in: network).wait().outputText
      return try run(network.command(["ss", "-tanmHO"])).outputText == listing
    }
    #expect(settled)
    var expected: [String: [String: Int]] = [:]
    for line in listing.split(separator: "\n") {
      guard let memory = line.firstMatch(of: /skmem:\(([^)]*)\)/) else { continue }
      var values: [String: Int] = [:]
      for match in memory.1.matches(of: /([a-z]+)([0-9]+)/) {
        values[names["\(match.1)"] ?? "?"] = Int(match.2)
      }
      expected[Self.connection(ofLine: line.split(separator: " "))] = values
    }
    #expect(!expected.isEmpty)
    for object in try Self.objects(text) {
      #expect(object["memory"] as? [String: Int] == expected[Self.connection(object)])
    }
  }

  /// The two sources give the same rows but for what /proc does not have, or has otherwise.
  @Test(.timeLimit(.minutes(5))) func bothSourcesGiveTheSameRows() throws {
    let network = try Self.network()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    func rows(_ source: String) throws -> [NSDictionary] {
      try Self.objects(
        try tcptool("states", "--source", source, "--json", in: network).wait().outputText
      ).map { object in
        var object = object
        var timer = object["timer"] as? Object ?? [:]
        // Timers run on, in steps of 10 ms in /proc.
        timer["expires_ms"] = timer["expires_ms"] is NSNull ? "none" : "some"
        if object["role"] as? String == "syn_queue" {
          // One counts timeouts and the other retransmissions; only /proc knows the user.
          timer["retransmits"] = nil
          object["uid"] = nil
        }
        object["timer"] = timer
        for key in ["backlog", "ipv6_only", "cookie", "interface"] { object[key] = nil }
        return object as NSDictionary
      }.sorted { Self.text($0) < Self.text($1) }
    }
    var diag: [NSDictionary] = []
    var proc: [NSDictionary] = []
    // Retransmissions go on meanwhile: compared is what did not change.
    let same = try eventually {
      diag = try rows("diag")
      proc = try rows("proc")
      return diag == proc
    }
    #expect(diag.count == StateMaker.rows.ipv4 + StateMaker.rows.ipv6)
    #expect(Set(diag.compactMap { $0["state"] as? String }).count == 10)
    if !same {
      let pairs = zip(diag, proc).filter { $0 != $1 }.prefix(3)
      Issue.record("\(diag.count) and \(proc.count) rows; \(pairs)")
    }
  }

  private static func text(_ row: NSDictionary) -> String {
    let object = row as? Object ?? [:]
    return "\(connection(object)) \(object["inode"] ?? 0)"
  }

  @Test func columnsHeadingsAndOrder() throws {
    let network = try Self.network()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    func lines(_ words: String...) throws -> [[Substring]] {
      try run(network.command([try Tool.path, "states"] + words)).outputText
        .split(separator: "\n").map { $0.split(separator: " ") }
    }
    #expect(try lines("--columns", "inode,state,uid").first == ["Inode", "State", "UID"])
    #expect(try lines("--no-header").count == 115)
    let rising = try lines("--columns", "recvq", "--sort", "recvq", "--no-header")
      .compactMap { Int($0[0]) }
    #expect(rising.count == 115 && rising == rising.sorted() && rising.last ?? 0 > 0)
    let falling = try lines("--columns", "recvq", "--sort=-recvq", "--no-header")
      .compactMap { Int($0[0]) }
    #expect(falling == rising.reversed())
    // What is not known comes last either way: handshakes and TIME_WAIT have no user.
    for order in ["--sort=uid", "--sort=-uid"] {
      #expect(try lines("--columns", "uid", order, "--no-header").last == ["-"])
    }
    let csv = try run(
      network.command([try Tool.path, "states", "--csv", "--timers", "--state", "LISTEN"])
    ).outputText.split(separator: "\n")
    #expect(
      csv.first
        == "state,recv_queue,send_queue,local,peer,timer_kind,timer_expires_ms,timer_retransmits")
    #expect(csv.count == 14)
    #expect(
      csv.dropFirst().allSatisfy {
        $0.split(separator: ",", omittingEmptySubsequences: false).count == 8
      })
  }

  @Test func theSummaryCountsTheRows() throws {
    let network = try Self.network()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    let rows = try Self.objects(try tcptool("states", "--json", in: network).wait().outputText)
    let words = [try Tool.path, "states", "--summary", "--by", "process", "--json"]
    let summary = try #require(try Self.objects(try run(network.command(words)).outputText).first)
    #expect(summary["record"] as? String == "summary")
    #expect(summary["total"] as? Int == rows.count)
    let states = try #require(summary["states"] as? [String: Int])
    #expect(states.values.reduce(0, +) == rows.count)
    for (state, count) in states {
      #expect(count == rows.count { $0["state"] as? String == state })
    }
    let pending = try #require(summary["pending_accept"] as? Object)
    #expect(pending["count"] as? Int == rows.count { $0["role"] as? String == "pending_accept" })
    #expect(pending["oldest_ms"] as? Int ?? -1 >= 0)
    let groups = try #require(summary["groups"] as? [Object])
    #expect(groups.reduce(0) { $0 + ($1["total"] as? Int ?? 0) } == rows.count)
    #expect(groups.contains { ($0["key"] as? String)?.hasPrefix("python3(") == true })
    let ports = try #require(summary["outgoing_ports"] as? Object)
    #expect(ports["size"] as? Int ?? 0 > 0)
    #expect((ports["destinations"] as? [Object])?.isEmpty == false)
    let text = try run(network.command([try Tool.path, "states", "--by", "port"]))
    #expect(text.outcome == .exited(0))
    #expect(text.outputText.contains("pending accept: "))
  }

  /// Lines are broken at blanks, and no bar goes beyond the edge and on an empty line.
  @Test(.requires("tmux"), arguments: [60, 80, 200])
  func theSummaryKeepsToTheTerminal(_ columns: Int) throws {
    let network = try Self.network()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    let terminal = try Terminal(
      columns: columns, rows: 60,
      command: network.command([try Tool.path, "states", "--summary"]))
    let screen = try terminal.waitFor { $0.contains("\nEND") }
    let words = screen.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(words.contains("for each source and destination; none over 80 %"), "\(screen)")
    let lines = screen.split(separator: "\n", omittingEmptySubsequences: false)
    let heading = try #require(lines.firstIndex { $0.contains("Destination") })
    let end = try #require(lines.firstIndex { $0.hasPrefix("END") })
    #expect(lines[heading..<end].allSatisfy { !$0.isEmpty }, "\(screen)")
    #expect(columns < 80 || screen.contains("█"))
  }

  @Test func whatASourceDoesNotHaveIsSaidOnce() throws {
    let network = try Self.network()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    let words = [try Tool.path, "states", "--source", "proc", "--memory", "--json"]
    let done = try run(network.command(words))
    #expect(done.outcome == .exited(0))
    #expect(done.errorText.split(separator: "\n").count == 1)
    #expect(try Self.objects(done.outputText).allSatisfy { $0["memory"] is NSNull })
  }

  @Test func theExplanationsAreOfWhatIsThere() throws {
    let network = try Self.network()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    let done = try run(
      network.command([try Tool.path, "states", "--explain", "--state", "CLOSE_WAIT,LISTEN"]))
    #expect(done.errorText.contains("CLOSE_WAIT: "))
    #expect(done.errorText.contains("pending accept: "))
    #expect(!done.errorText.contains("FIN_WAIT1: "))
    #expect(!done.outputText.contains(": the peer"))
  }
}

/// Rows while thousands of connections a second come and go beside them.
@Suite(.waits, .requires("python3"), .requiresPrivateNetwork) struct StatesUnderChurn {
  @Test(.timeLimit(.minutes(5)), arguments: ["diag", "proc"])
  func stableRowsAreThereOnce(_ source: String) throws {
    let network = try PrivateNetwork()
    let holder = try Child(network.command(["python3", "-c", Self.script]), input: .pipe)
    defer { holder.closeInput() }
    let line = try holder.waitForLine(containing: "ready", in: .standardOutput)
    let port = try #require(line.split(separator: " ").last.map { ":\($0)" })
    for _ in 0..<15 {
      let words = [
        try Tool.path, "states", "--source", source, "--no-header", "--columns", "local,peer,inode",
      ]
      let rows = try run(network.command(words)).outputText.split(separator: "\n")
        .filter { $0.split(separator: " ").prefix(2).contains { $0.hasSuffix(port) } }
      #expect(rows.count == 4_001)
      #expect(Set(rows).count == rows.count)
    }
  }

  /// Holds 2,000 connections, while another process connects and resets as fast as it can.
  private static let script = """
    import os, socket, struct, sys
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    held = []
    for number in range(2000):
        client = socket.socket()
        client.bind(("127.0.1.1", 0))
        client.connect(listener.getsockname())
        held += [client, listener.accept()[0]]
    churn = socket.socket()
    churn.bind(("127.0.0.2", 0))
    churn.listen(64)
    parent = os.getpid()
    if os.fork() == 0:
        reset = struct.pack("ii", 1, 0)
        while os.getppid() == parent:
            for number in range(64):
                client = socket.socket()
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                client.connect(churn.getsockname())
                server, _ = churn.accept()
                client.close()
                server.close()
        os._exit(0)
    print("ready", listener.getsockname()[1], flush=True)
    sys.stdin.read()
    """
}
