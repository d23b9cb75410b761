// `states --watch` in lines and JSON: sockets go through their states, one reading after the other.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("python3"), .requiresPrivateNetwork) struct StatesWatch {
  typealias Object = [String: Any]

  private static func objects(_ bytes: [UInt8]) -> [Object] {
    // The last line may not be whole yet.
    String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
      try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? Object
    }
  }

  private static func port(_ object: Object, _ end: String) -> Int? {
    ((object["socket"] as? Object)?[end] as? Object)?["port"] as? Int
  }

  private static func step(_ object: Object, _ key: String) -> String {
    guard let step = object[key] as? Object else { return "-" }
    return "\(step["state"] ?? "?") \(step["role"] ?? "?")"
  }

  /// What happened to the server's end of connections to the port.
  private static func story(_ bytes: [UInt8]) -> [String] {
    objects(bytes).filter { port($0, "local") == 7000 && port($0, "peer") != 0 }
      .map { "\($0["event"] ?? "?"): \(step($0, "from")) > \(step($0, "to"))" }
  }

  private static func waitForStory(_ tool: Child, _ last: String) throws {
    var seen: [String] = []
    let found = eventually {
      seen = story(tool.standardOutput)
      return seen.last == last
    }
    if !found { throw TestFailure("no “\(last)” after \(seen)") }
  }

  private static let sources = ["diag", "proc"]

  @Test(.timeLimit(.minutes(5)), arguments: sources)
  func transitionsAreTold(_ source: String) throws {
    let network = try PrivateNetwork()
    let peer = try WatchPeer(in: network)
    let tool = try tcptool(
      "states", "--watch=10ms", "--json", "--process", "--source", source, in: network)
    try tool.waitForLine(containing: "socket_present", in: .standardOutput)
    let steps: [(WatchPeer.Step, String)] = [
      (.connect, "socket_opened: - > ESTABLISHED pending_accept"),
      (
        .accept,
        "socket_changed: ESTABLISHED pending_accept > ESTABLISHED connection"
      ),
      (.finish, "socket_changed: ESTABLISHED connection > CLOSE_WAIT peer_closed"),
      (.read, "socket_changed: CLOSE_WAIT peer_closed > CLOSE_WAIT left_open"),
      (.close, "socket_closed: CLOSE_WAIT left_open > -"),
    ]
    // recv(2) of nothing but the end needs something to wait for.
    for (step, line) in steps {
      if step == .finish { try peer.take(.send) }
      try peer.take(step)
      try Self.waitForStory(tool, line)
    }
    #expect(Self.story(tool.standardOutput) == steps.map(\.1))
    // The other end is in TIME_WAIT, and who held it is remembered.
    var last: Object?
    let isOver = eventually {
      last = Self.objects(tool.standardOutput).last {
        Self.port($0, "peer") == 7000 && Self.step($0, "to") == "TIME_WAIT time_wait"
      }
      return last != nil
    }
    #expect(isOver)
    let holders = last?["last_processes"] as? [Object]
    #expect(holders?.first?["pid"] as? Int == Int(peer.child.pid))
    #expect((last?["socket"] as? Object)?["uid"] is NSNull)
    let cookies = Set(
      Self.objects(tool.standardOutput).filter { Self.port($0, "local") == 7000 }
        .compactMap { ($0["socket"] as? Object)?["cookie"] as? Int })
    // The listener's and the connection's, which it kept all the time.
    #expect(cookies.count == (source == "diag" ? 2 : 0))
    try tool.signal(SIGINT)
    #expect(try tool.wait().outcome == .signalled(SIGINT))
  }

  /// A handshake, its connection and what is left of it are one socket.
  @Test(.timeLimit(.minutes(5)), arguments: sources)
  func aHandshakeBecomesAConnection(_ source: String) throws {
    let network = try PrivateNetwork()
    // The last ACK is passed over until data come.
    let script = """
      import socket, sys
      l = socket.socket()
      l.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 60)
      l.bind(("127.0.0.1", 7000))
      l.listen(8)
      c = socket.create_connection(("127.0.0.1", 7000))
      print("ready", flush=True)
      sys.stdin.readline()
      c.sendall(b"x")
      sys.stdin.readline()
      """
    let peer = try Child(network.command(["python3", "-c", script]), input: .pipe)
    try peer.waitForLine(containing: "ready", in: .standardOutput)
    let tool = try tcptool(
      "states", "--watch=10ms", "--json", "--source", source, "lport=7000", in: network)
    try Self.waitForStory(tool, "socket_present: - > SYN_RECV syn_queue")
    try peer.write("\n")
    try Self.waitForStory(
      tool, "socket_changed: SYN_RECV syn_queue > ESTABLISHED pending_accept")
    try tool.signal(SIGTERM)
    #expect(try tool.wait().outcome == .signalled(SIGTERM))
  }

  @Test(.timeLimit(.minutes(5)))
  func whatLeavesTheFilterIsNotClosed() throws {
    let network = try PrivateNetwork()
    let peer = try WatchPeer(in: network)
    try peer.take(.connect)
    try peer.take(.accept)
    let tool = try tcptool(
      "states", "--watch=10ms", "--json", ":7000", "state=ESTABLISHED", in: network)
    try Self.waitForStory(tool, "socket_present: - > ESTABLISHED connection")
    try peer.take(.send)
    try peer.take(.finish)
    try Self.waitForStory(
      tool, "socket_left: ESTABLISHED connection > CLOSE_WAIT peer_closed")
    try peer.take(.read)
    try peer.take(.close)
    // Another one comes, so that the readings have seen the end of the first.
    try peer.take(.connect)
    try Self.waitForStory(tool, "socket_opened: - > ESTABLISHED pending_accept")
    #expect(!Self.story(tool.standardOutput).contains { $0.hasPrefix("socket_closed") })
    try tool.signal(SIGINT)
    _ = try tool.wait()
  }

  @Test(.timeLimit(.minutes(5)))
  func linesAreForPeople() throws {
    let network = try PrivateNetwork()
    let peer = try WatchPeer(in: network)
    let tool = try tcptool("states", "--watch=10ms", in: network)
    let note = try tool.waitForLine(containing: "watching")
    #expect(note.contains("1 socket") && note.contains("between two readings is not seen"))
    try tool.waitForLine(containing: "present 127.0.0.1:7000 0.0.0.0:* LISTEN", in: .standardOutput)
    try peer.take(.connect)
    try tool.waitForLine(containing: "ESTABLISHED (pending)", in: .standardOutput)
    try peer.take(.accept)
    try tool.waitForLine(
      containing: "ESTABLISHED (pending) → ESTABLISHED (accepted)", in: .standardOutput)
    try tool.signal(SIGINT)
    let done = try tool.wait()
    #expect(done.outcome == .signalled(SIGINT))
    for line in done.outputText.split(separator: "\n") {
      #expect(line.contains(#/^[0-9:.]{12} (present|opened |changed|closed |left   ) /#), "\(line)")
    }
  }

  /// A reader that is gone ends it, also while nothing happens.
  @Test(.timeLimit(.minutes(5)), arguments: [[], ["--json"], ["--listeners"]])
  func aReaderThatIsGoneEndsIt(_ words: [String]) throws {
    let network = try PrivateNetwork()
    let peer = try WatchPeer(in: network)
    defer { peer.child.closeInput() }
    let command = ([try Tool.quoted, "states", "--watch=10ms"] + words).joined(separator: " ")
    let done = try Child(
      network.command(["bash", "-c", "\(command) 2>/dev/null | head -1; echo ${PIPESTATUS[0]}"])
    ).wait()
    #expect(done.outputText.split(separator: "\n").count == 2)
    #expect(done.outputText.hasSuffix("\n141\n"), "\(done.outputText)")
  }

  @Test(.timeLimit(.minutes(5)))
  func listenersAreTold() throws {
    let network = try PrivateNetwork()
    let peer = try WatchPeer(in: network)
    let tool = try tcptool("states", "--listeners", "--watch=10ms", "--json", in: network)
    try tool.waitForLine(containing: "listener_present", in: .standardOutput)
    let clients = try Child(
      network.command([
        "python3", "-c",
        """
        import socket, sys
        held = []
        for _ in range(20):
            s = socket.socket(); s.setblocking(False); s.connect_ex(("127.0.0.1", 7000)); held.append(s)
        sys.stdin.read()
        """,
      ]), input: .pipe)
    defer { clients.closeInput() }
    var full: Object?
    var counters: Object?
    let isFull = eventually {
      let objects = Self.objects(tool.standardOutput)
      full = objects.last {
        let listener = $0["listener"] as? Object
        return listener?["accept_queue"] as? Int == 9 && listener?["drops"] as? Int ?? 0 > 0
      }
      counters = objects.last { $0["event"] as? String == "counters" }
      let overflows = (counters?["counters"] as? Object)?["ListenOverflows"] as? Int ?? 0
      return full != nil && overflows > 0
    }
    #expect(isFull)
    #expect(full?["event"] as? String == "listener_changed")
    #expect((full?["drops_per_second"] as? Double ?? -1) >= 0)
    let rate = (counters?["per_second"] as? Object)?["ListenOverflows"] as? Double
    #expect((rate ?? 0) > 0)
    peer.child.closeInput()
    try tool.waitForLine(containing: "listener_closed", in: .standardOutput)
    try tool.signal(SIGINT)
    _ = try tool.wait()
  }

  @Test(
    arguments: [
      (["--watch=1ms"], "at least 10ms"), (["--watch", "--summary"], "a watch goes on"),
      (["--watch", "--csv"], "a watch goes on"),
      (["--watch", "-f", "openmetrics", "-l"], "no format"),
      (["--watch", "--events"], "exclude each other"), (["--events", "-p"], "exclude each other"),
      (["--events", "pid=4"], "no processes"), (["--events", "LISTEN"], "no states"),
      (["--events", "--columns", "role"], "no column 'role'"),
    ] as [([String], String)])
  func whatDoesNotFitIsRefused(_ words: [String], _ message: String) throws {
    let done = try run([try Tool.path, "states"] + words)
    #expect(done.outcome == .exited(64))
    #expect(done.errorText.contains(message), "\(done.errorText)")
  }
}

extension Tool {
  fileprivate static var quoted: String { get throws { "'\(try path)'" } }
}

/// `states --events`: what the kernel tells of a connection that is over.
@Suite(.waits, .requires("python3"), .requiresPrivateNetwork) struct DestroyedSocketEvents {
  @Test(.requires("setpriv"), .timeLimit(.minutes(5)))
  func theNumbersAreThoseOfTheConnection() throws {
    let network = try PrivateNetwork()
    let peer = try WatchPeer(in: network)
    let tool = try Child(
      // The user namespace has no other user; without capabilities root is nobody in particular.
      network.command(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
          + [try Tool.path, "states", "--events", "--json"]))
    // It is ready when it tells of a connection; the first may come too early.
    var told: [[String: Any]] = []
    let found = try eventually {
      for step in [WatchPeer.Step.connect, .accept, .send, .finish, .read, .close] {
        try peer.take(step)
      }
      return eventually(within: .seconds(1)) {
        told = String(decoding: tool.standardOutput, as: UTF8.self).split(separator: "\n")
          .compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
        return told.count >= 2
      }
    }
    #expect(found)
    var ends: Set<String> = []
    for event in told {
      #expect(event["event"] as? String == "socket_destroyed")
      let socket = try #require(event["socket"] as? [String: Any])
      let local = try #require((socket["local"] as? [String: Any])?["port"] as? Int)
      let info = try #require(socket["info"] as? [String: Any])
      #expect(socket["state"] as? String == "CLOSE")
      let isServer = local == 7000
      ends.insert(isServer ? "server" : "client")
      #expect(info["bytes_sent"] as? Int == (isServer ? 70 : 3000))
      // SYN and FIN count 1 each, where they are acknowledged.
      let acknowledged = try #require(info["bytes_acked"] as? Int)
      #expect((isServer ? 70...72 : 3000...3002).contains(acknowledged))
      let received = try #require(info["bytes_received"] as? Int)
      #expect((isServer ? 3000...3001 : 70...71).contains(received))
      #expect(info["total_retrans"] as? Int == 0)
      let rtt = try #require(info["rtt_us"] as? Int)
      let least = try #require(info["min_rtt_us"] as? Int)
      #expect(rtt > 0 && least <= rtt)
    }
    #expect(ends == ["server", "client"])
    try tool.signal(SIGINT)
    #expect(try tool.wait().outcome == .signalled(SIGINT))
  }

  @Test(.timeLimit(.minutes(5))) func theFilterChoosesAndAReaderThatIsGoneEndsIt() throws {
    let network = try PrivateNetwork()
    let peer = try WatchPeer(in: network)
    let command = "'\(try Tool.path)' states --events 'lport=7000' 'retrans=0' 2>&1"
    let tool = try Child(
      network.command(["bash", "-c", "\(command) | head -3; echo ${PIPESTATUS[0]}"]))
    let found = try eventually {
      for step in [WatchPeer.Step.connect, .accept, .send, .finish, .read, .close] {
        try peer.take(step)
      }
      return eventually(within: .milliseconds(500)) {
        String(decoding: tool.standardOutput, as: UTF8.self).hasSuffix("141\n")
      }
    }
    #expect(found)
    let lines = try tool.wait().outputText.split(separator: "\n")
    let words = lines[2].split(separator: " ")
    #expect(words[1] == "127.0.0.1:7000" && words.contains("70B"), "\(lines)")
  }

  /// Opens and resets so many connections.
  private static let burst = """
    import socket, struct, sys

    listener = socket.create_server(("127.0.0.1", 7000))
    for _ in range(int(sys.argv[1])):
        client = socket.create_connection(("127.0.0.1", 7000))
        server, _ = listener.accept()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        server.close()
    """

  /// What the kernel had no room for in the program's netlink socket; nil before that listens.
  private static func drops(in network: PrivateNetwork) throws -> Int? {
    let text = try run(network.command(["cat", "/proc/net/netlink"])).outputText
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      // Of sock_diag, with groups.
      if words.count == 10, words[1] == "4", words[3] != "00000000" { return Int(words[8]) }
    }
    return nil
  }

  /// More than the receive queue holds, while nobody reads it.
  @Test(.timeLimit(.minutes(3)), arguments: [true, false])
  func whatWasLostIsTold(_ isJSON: Bool) throws {
    let network = try PrivateNetwork()
    let words = [try Tool.path, "states", "--events"] + (isJSON ? ["--json"] : [])
    let tool = try Child(network.command(words))
    #expect(try eventually { try Self.drops(in: network) == 0 })
    // A message takes up more than 512 bytes of the queue, and each connection makes two. What
    // SO_RCVBUF gets is no more than this, and the kernel doubles it.
    let limit = try kernelFile("/proc/sys/net/core/rmem_max")
    let most = try #require(Int(limit.prefix { $0.isNumber }))
    let connections = 2 * min(most, 8 << 20) / 512
    try tool.signal(SIGSTOP)
    let done = try Child(network.command(["python3", "-c", Self.burst, "\(connections)"]))
      .wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(try eventually { try Self.drops(in: network) ?? 0 > 0 })
    try tool.signal(SIGCONT)
    guard isJSON else {
      try tool.waitForLine(containing: " missing here: destroyed faster")
      return
    }
    func told(_ event: String) throws -> [[String: Any]] {
      // The last line may not be whole yet.
      let text = String(decoding: tool.standardOutput, as: UTF8.self)
      return try events(event, in: text.lastIndex(of: "\n").map { String(text[..<$0]) } ?? "")
    }
    // Nothing is missing that it does not count: both ends of each connection, and the listener.
    var seen: (rows: Int, lost: Int) = (0, 0)
    let isTold = try eventually {
      seen = (try told("socket_destroyed").count, sum("count", of: try told("events_lost")))
      let all = seen.rows + seen.lost
      return seen.lost > 0 && all == 2 * connections + 1
    }
    let lost = try Self.drops(in: network)
    #expect(isTold && lost == seen.lost, "\(seen) of \(connections) connections")
  }
}
