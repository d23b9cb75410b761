// The laboratory of `listen`: connections that are left in the accept queue or taken slowly, listen(2)
// called again, and the queues as they stand. What is counted is what the kernel's own tables say;
// what would depend on a clock is made so slow that it does not happen.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("python3"), .requiresPrivateNetwork) struct Laboratory {
  /// So many clients that connect at once; they say so when all have tried, and stay.
  private static func crowd(
    _ count: Int, _ server: RunningServer, in network: PrivateNetwork, givesUp: Bool = false
  ) throws -> Child {
    let child = try Child(
      network.command([
        "python3", "-c",
        """
        import os, select, socket, sys
        port, count, gives_up = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "true"
        peers = []
        for _ in range(count):
            peer = socket.socket()
            peer.setblocking(False)
            peer.connect_ex(("127.0.0.1", port))
            peers.append(peer)
            if not select.select([], [peer], [], 0.05)[1] and gives_up:
                peer.close()
        print("here", flush=True)
        os.read(0, 1)
        """, "\(server.port)", "\(count)", "\(givesUp)",
      ]), input: .pipe)
    try child.waitForLine(containing: "here", in: .standardOutput)
    return child
  }

  private static func setMost(_ somaxconn: Int, in network: PrivateNetwork) throws {
    let words = ["sh", "-c", "echo \(somaxconn) >/proc/sys/net/core/somaxconn"]
    #expect(try run(network.command(words)).outcome == .exited(0))
  }

  /// The backlog in force and the drops of the listener, as ss(8) has them.
  private static func listener(
    _ server: RunningServer, in network: PrivateNetwork
  ) throws -> (backlog: Int?, drops: Int?) {
    let text = try run(network.command(["ss", "-Hltnm", "sport = :\(server.port)"])).outputText
    return (
      text.split(separator: " ").dropFirst(2).first.flatMap { Int($0) },
      text.firstMatch(of: #/,d([0-9]+)\)/#).flatMap { Int($0.1) }
    )
  }

  // MARK: --hold

  @Test func heldConnectionsFillTheQueueAndNoMore() throws {
    let network = try PrivateNetwork()
    let server = try RunningServer("--hold", "--backlog", "5", in: network)
    #expect(
      eventually { String(decoding: server.tool.standardError, as: UTF8.self).contains("Ctrl-C") })
    let crowd = try Self.crowd(20, server, in: network)
    server.waitForQueue(6)
    let states = socketStates(of: server.port, network: network)
    // Both ends of six, and fourteen that try in vain.
    #expect(states.filter { $0 == State.synSent.rawValue }.count == 14, "\(states)")
    #expect(server.acceptQueue == 6)
    let done = try server.stop(by: SIGINT)
    #expect(!done.errorText.contains("accepted"))
    #expect(done.output == [])
    crowd.closeInput()
  }

  // MARK: --accept-delay, --accept-rate

  @Test(arguments: [
    (["--accept-delay", "1h"], 0), (["--accept-rate", "1/m"], 1), (["--accept-rate", "0.01/m"], 1),
    (["--accept-delay", "1h", "--accept-rate", "100"], 0),
  ])
  func theOthersWaitMeanwhile(_ options: [String], _ taken: Int) throws {
    let network = try PrivateNetwork()
    let server = try RunningServer("-k", "--echo", options[0], options[1], in: network)
    let crowd = try Self.crowd(4, server, in: network)
    server.waitForQueue(4 - taken)
    #expect(
      String(decoding: server.tool.standardError, as: UTF8.self)
        .split(separator: "\n").filter { $0.contains("accepted ") }.count == taken)
    let done = try server.stop()
    #expect(
      done.errorText.split(separator: "\n").filter { $0.contains("accepted ") }.count == taken)
    crowd.closeInput()
  }

  @Test(arguments: [["--accept-delay", "20ms"], ["--accept-rate", "50/s"]])
  func allAreTakenInTheirOrder(_ option: [String]) throws {
    let network = try PrivateNetwork()
    let server = try RunningServer("-k", "--echo", "--json", option[0], option[1], in: network)
    let crowd = try Self.crowd(10, server, in: network)
    try server.tool.waitForEvent("accepted") { $0.number("connection") == 10 }
    crowd.closeInput()
    let accepted = try server.stop().events().filter { $0.name == "accepted" }
    #expect(accepted.map { $0.number("connection") } == (1...10).map { $0 })
    // Ports of loopback clients are no order; times are.
    let times = accepted.compactMap { $0.number("unix_time_us") }
    #expect(times == times.sorted())
    // Never faster than it was asked for: 20 ms in both rows.
    #expect((times.last ?? 0) - (times.first ?? 0) >= 9 * 20_000)
  }

  // MARK: --relisten

  /// What listen(2) was told counts again only when it is called again.
  @Test func aChangedSomaxconnIsAppliedOnSIGHUP() throws {
    let network = try PrivateNetwork(setUp: ["echo 16 >/proc/sys/net/core/somaxconn"])
    let server = try RunningServer(
      "--hold", "--backlog", "128", "--relisten", "128", in: network)
    let line = try server.tool.waitForLine(containing: "listening on ")
    #expect(line.hasSuffix(", backlog 16 (128 asked for, clamped by net.core.somaxconn)"))
    let crowd = try Self.crowd(30, server, in: network, givesUp: true)
    server.waitForQueue(17)

    try Self.setMost(64, in: network)
    #expect(try Self.listener(server, in: network).backlog == 16)
    try server.tool.signal(SIGHUP)
    try server.tool.waitForLine(
      containing: "listen(2) again with 128: backlog 64 in force, clamped by net.core.somaxconn")
    #expect(try Self.listener(server, in: network).backlog == 64)
    // Nobody who waited was lost.
    #expect(server.acceptQueue == 17)

    try Self.setMost(4_096, in: network)
    try server.tool.signal(SIGHUP)
    try server.tool.waitForLine(containing: "listen(2) again with 128: backlog 128 in force")
    let more = try Self.crowd(60, server, in: network)
    server.waitForQueue(77)

    // Below what waits: they stay, and others are refused.
    try Self.setMost(5, in: network)
    try server.tool.signal(SIGHUP)
    try server.tool.waitForLine(containing: "backlog 5 in force")
    #expect(server.acceptQueue == 77)
    _ = try server.stop()
    crowd.closeInput()
    more.closeInput()
  }

  @Test func afterATimeByItself() throws {
    let network = try PrivateNetwork(setUp: ["echo 100 >/proc/sys/net/core/somaxconn"])
    let server = try RunningServer(
      "-k", "--echo", "--backlog", "5", "--relisten", "-1@10ms", "--json", in: network)
    let event = try server.tool.waitForEvent("relistened")
    #expect(event.number("backlog_asked") == -1)
    #expect(event.number("backlog") == 100)
    #expect(try Self.listener(server, in: network).backlog == 100)
    #expect(try server.client(.python3, input: .text("served")).wait().outputText == "served")
    // Without waiting for SIGHUP it is there for that too.
    try Self.setMost(7, in: network)
    try server.tool.signal(SIGHUP)
    try server.tool.waitForEvent("relistened") { $0.number("backlog") == 7 }
    _ = try server.stop()
  }

  /// Where it was not asked for, SIGHUP is what it always was.
  @Test func withoutItSIGHUPIsTheEnd() throws {
    let network = try PrivateNetwork()
    let server = try RunningServer("--hold", in: network)
    _ = try server.stop(by: SIGHUP)
  }

  // MARK: --queues

  @Test(arguments: ["--json", "--verbose"])
  func theQueuesAreTheKernelsOwn(_ form: String) throws {
    let network = try PrivateNetwork()
    let server = try RunningServer(
      "--hold", "--backlog", "5", "--queues=20ms", form, in: network)
    let crowd = try Self.crowd(20, server, in: network, givesUp: true)
    server.waitForQueue(6)
    let seen = try Self.listener(server, in: network)
    // No SYN comes any more: the rest has given up.
    let drops = try #require(seen.drops)
    #expect(seen.backlog == 5 && drops >= 14)
    #expect(try Self.overflows(in: network) == drops)
    if form == "--json" {
      let event = try server.tool.waitForEvent("queues") {
        $0.number("accept_queue") == 6 && $0.number("drops") == drops
      }
      #expect(event.number("accept_queue_limit") == 6)
      #expect(event.number("accept_queue_most") == 6)
      #expect(event.number("syn_recv") == 0)
      #expect(event.number("listen_overflows") == drops)
    } else {
      try server.tool.waitForLine(
        containing: "accept queue 6 of 6 (most 6), SYN queue 0, dropped here \(drops), "
          + "ListenOverflows of the namespace +\(drops)")
    }
    let done = try server.stop()
    // A line a change, not a line a look.
    let lines = done.errorText.split(separator: "\n").filter { $0.contains("queue") }
    #expect(lines.count <= 2 + 6 + 2 * drops, "\(done)")
    #expect(zip(lines, lines.dropFirst()).allSatisfy { withoutTime($0) != withoutTime($1) })
    crowd.closeInput()
  }

  private func withoutTime(_ line: Substring) -> String {
    String(line.replacing(#/"unix_time_us":[0-9]+/#, with: ""))
  }

  private static func overflows(in network: PrivateNetwork) throws -> Int {
    let rows = try kernelFile("/proc/\(network.pid)/net/netstat").split(separator: "\n")
      .filter { $0.hasPrefix("TcpExt:") }.map { $0.split(separator: " ") }
    let place = try #require(rows.first?.firstIndex(of: "ListenOverflows"))
    return try #require(Int(rows[1][place]))
  }

  /// What waited once is remembered when it has been taken.
  @Test func theMostThatWaitedIsKept() throws {
    let network = try PrivateNetwork()
    let server = try RunningServer(
      "-k", "--echo", "--max-concurrent", "1", "--queues=10ms", "--json", in: network)
    let crowd = try Self.crowd(5, server, in: network)
    try server.tool.waitForEvent("queues") { $0.number("accept_queue") == 4 }
    // They go, and are taken one after another.
    crowd.closeInput()
    let last = try server.tool.waitForEvent("queues") {
      $0.number("accept_queue") == 0 && $0.number("accept_queue_most") == 4
    }
    #expect(last.number("drops") == 0 && last.number("listen_overflows") == 0)
    _ = try server.stop()
  }

  /// Requests are those of this listener: here they are kept by TCP_DEFER_ACCEPT.
  @Test func theSYNQueueIsCounted() throws {
    let network = try PrivateNetwork()
    let server = try RunningServer(
      "-k", "--echo", "--defer-accept", "60s", "--queues=20ms", "--json", in: network)
    let other = try RunningServer("-k", "--echo", "--defer-accept", "60s", in: network)
    let elsewhere = try Self.crowd(2, other, in: network)
    let crowd = try Self.crowd(3, server, in: network)
    try server.tool.waitForEvent("queues") {
      $0.number("syn_recv") == 3 && $0.number("accept_queue") == 0
    }
    let told = try server.stop().events().filter { $0.name == "queues" }
    #expect(told.allSatisfy { ($0.number("syn_recv") ?? 99) <= 3 })
    crowd.closeInput()
    elsewhere.closeInput()
  }

  /// Also those of the other family on the same port, where another listener has them.
  @Test func theSYNQueueIsThatOfItsFamily() throws {
    let network = try PrivateNetwork()
    let words = ["-k", "--echo", "--defer-accept", "60s", "--queues=20ms", "--json"]
    func listener(_ place: [String]) throws -> Child {
      try Child(network.command([try Tool.path, "listen"] + words + place), input: .pipe)
    }
    let v4 = try listener(["0.0.0.0", "0"])
    let port = "\(try v4.waitForEvent("listening").port("local"))"
    let v6 = try listener(["::", port])
    try v6.waitForEvent("listening")
    let peers = try Child(
      network.command([
        "python3", "-c",
        """
        import os, socket, sys
        hosts = ["::1"] * 2 + ["127.0.0.1"] * 3
        peers = [socket.create_connection((host, int(sys.argv[1]))) for host in hosts]
        os.read(0, 1)
        """, port,
      ]), input: .pipe)
    for (tool, count) in [(v4, 3), (v6, 2)] {
      try tool.waitForEvent("queues") { $0.number("syn_recv") == count }
      try tool.signal(SIGTERM)
      let told = try tool.wait().events().filter { $0.name == "queues" }
      #expect(told.allSatisfy { ($0.number("syn_recv") ?? 99) <= count })
    }
    peers.closeInput()
  }

  // MARK: --unbound

  @Test func withoutBindThereIsAPortAllTheSame() throws {
    let network = try PrivateNetwork()
    let server = try RunningServer("--unbound", "--trace", "--echo", "-k", in: network)
    #expect(server.port > 0)
    #expect(try server.client(.python3, input: .text("in")).wait().outputText == "in")
    let done = try server.stop()
    #expect(done.errorText.contains("\nlisten(3, 2147483647)"), "\(done)")
    #expect(!done.errorText.contains("bind("), "\(done)")
    #expect(done.errorText.contains(#/listening on (\[::\]|0\.0\.0\.0):[0-9]+/#), "\(done)")
  }
}
