// `listen`: one client or one after another, what happens when one of them fails, and when it says
// that it listens.

import Foundation
import TestSupport
import Testing

@Suite(.waits) struct Listening {
  private static let data = bytes(count: 2_000_000, seed: 31)

  // MARK: Several clients

  @Test(.requires("python3"))
  func whoComesMeanwhileWaitsAndLosesNothing() throws {
    let tool = try tcptool(
      "listen", "--keep-open", "--max-concurrent", "1", "127.0.0.1", "0")
    let port = try announcedPort(of: tool)
    let parts = (0..<3).map { Array(Self.data.dropFirst($0 * 50_000).prefix(50_000)) }
    // The first has connected, and sends only when the others have sent everything.
    let first = try Child(
      ScriptedPeer.client(of: port, ["say=here", "send", "finish", "receive"]), input: .pipe)
    try first.waitForLine(containing: "here")
    var others: [Child] = []
    for part in parts.dropFirst() {
      let other = try Child(
        ScriptedPeer.client(of: port, ["send", "finish", "acknowledged", "say=sent", "receive"]),
        input: .bytes(part))
      try other.waitForLine(containing: "sent")
      others.append(other)
    }
    #expect(tool.standardOutput == [])
    try first.write(parts[0])
    first.closeInput()
    for client in [first] + others { #expect(try client.wait().outcome == .exited(0)) }
    #expect(tool.isRunning)
    try tool.signal(SIGTERM)
    expectSame(try tool.wait().output, parts.flatMap { $0 })
  }

  @Test(.requires("python3"))
  func aClientThatFailsDoesNotEndTheOthers() throws {
    let tool = try tcptool("listen", "-k", "127.0.0.1", "0")
    let port = try announcedPort(of: tool)
    let steps = ["send", "acknowledged", "reset"]
    let failing = try Child(ScriptedPeer.client(of: port, steps), input: .text("first "))
    #expect(try failing.wait().outcome == .exited(0))
    try tool.waitForLine(containing: "ECONNRESET")
    let second = try Child(Peer.python3.sender(to: port), input: .text("second"))
    #expect(try second.wait().outcome == .exited(0))
    try tool.signal(SIGTERM)
    #expect(try tool.wait().outputText == "#1 first \n#2 second\n")
  }

  @Test(.requires("python3"))
  func aSecondClientIsRefused() throws {
    let tool = try tcptool("listen", "127.0.0.1", "0", input: .pipe)
    let port = try announcedPort(of: tool)
    let first = try Child(ScriptedPeer.client(of: port, ["both"]), input: .pipe)
    try tool.waitForLine(containing: "accepted 127.0.0.1:")
    #expect(eventually { !socketStates(of: port).contains(State.listening.rawValue) })
    let second = try tcptool("connect", "127.0.0.1", "\(port)").wait()
    #expect(second.outcome == .exited(11))
    // The first goes on unharmed.
    try first.write("from the peer")
    first.closeInput()
    try tool.write("from us")
    tool.closeInput()
    #expect(try first.wait().outputText == "from us")
    let done = try tool.wait()
    #expect(done.outcome == .exited(0))
    #expect(done.outputText == "from the peer")
  }

  @Test(.requires("python3"), .requiresPrivateNetwork, .timeLimit(.minutes(5)))
  func athousandClientsAtOnceAreAllServed() throws {
    let network = try PrivateNetwork()
    // Its input stays open, so that our FIN says that a client's line has been taken.
    let tool = try tcptool(
      "listen", "--keep-open", "--quiet", "127.0.0.1", "7000", input: .pipe, in: network)
    try waitUntilListening(port: 7000, network: network)
    let clients = try run(
      network.command(["python3", "-c", Self.thousandClients]))
    #expect(clients.outcome == .exited(0), "\(clients.errorText)")
    #expect(clients.outputText == "1000 served\n")
    try tool.signal(SIGTERM)
    let lines = try tool.wait().outputText.split(separator: "\n")
    // Each line once, each from a connection of its own.
    let words = lines.map { $0.split(separator: " ") }
    #expect(words.compactMap(\.last).sorted() == (1000..<2000).map { "\($0)" })
    #expect(Set(words.compactMap(\.first)) == Set((1...1000).map { "#\($0)" }))
  }

  /// Each client sends a line and half-closes; it is served when it sees the other end's end.
  private static let thousandClients = """
    import resource, select, socket, time

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    waiting = select.poll()
    clients = {}
    for number in range(1000, 2000):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", 7000))
        clients[client.fileno()] = (client, number)
        waiting.register(client, select.POLLOUT)
    served, deadline = 0, time.monotonic() + 40
    while served < 1000 and time.monotonic() < deadline:
        for descriptor, events in waiting.poll(1000):
            client, number = clients[descriptor]
            if events & select.POLLOUT:
                client.sendall(b"%d\\n" % number)
                client.shutdown(socket.SHUT_WR)
                waiting.modify(client, select.POLLIN)
            else:
                served += client.recv(1) == b""
                waiting.unregister(client)
                client.close()
    print(served, "served")
    """

  // MARK: One client

  @Test(.requires("python3"))
  func aResetIsAFailureAndLosesNothing() throws {
    let tool = try tcptool("listen", "127.0.0.1", "0", input: .pipe)
    let peer = try Child(
      ScriptedPeer.client(
        of: try announcedPort(of: tool), ["send", "acknowledged", "reset"]),
      input: .bytes(Array(Self.data.prefix(100_000))))
    #expect(try peer.wait().outcome == .exited(0))
    let done = try tool.wait()
    #expect(done.outcome == .exited(20))
    #expect(done.errorText.contains("ECONNRESET"))
    expectSame(done.output, Array(Self.data.prefix(100_000)))
  }

  /// 420,000 bytes fill the program's buffer and the pipe, and leave some in the kernel when the RST
  /// comes; the reader starts only then.
  @Test(.requires("python3"))
  func aSlowReaderGetsAllThatCameBeforeAReset() throws {
    let directory = try TemporaryDirectory()
    let reset = directory.file("reset")
    let data = Array(Self.data.prefix(420_000))
    let slow = try Child([
      "sh", "-c",
      """
      { "$1" listen 127.0.0.1 0; echo "status $?" >&2; } |
        { until [ -e "$2" ]; do sleep 0.01; done; cat; }
      """, "sh", try Tool.path, reset,
    ])
    let peer = try Child(
      ScriptedPeer.client(
        of: try announcedPort(of: slow), ["send", "acknowledged", "say=held", "wait", "reset"]),
      input: .pipe)
    // Its input has to have an end for `send`, so that the wait that follows is none.
    try peer.write(data)
    peer.closeInput()
    #expect(try peer.wait().outcome == .exited(0))
    try #require(FileManager.default.createFile(atPath: reset, contents: nil))
    let done = try slow.wait()
    expectSame(done.output, data)
    #expect(done.errorText.contains("status 20"))
  }

  @Test(.requires("python3"))
  func aBlockedOutputDoesNotHoldUpTheInput() throws {
    let (peer, port) = try ScriptedPeer.serve("flood", "receive=2000000", "say=all")
    let tool = try tcptool(
      "connect", "127.0.0.1", "\(port)", input: .bytes(Self.data), output: .unread)
    try peer.waitForLine(containing: "all")
    // Its last bytes may still be on their way through the pipe to this test.
    _ = eventually { peer.standardOutput.count >= Self.data.count }
    expectSame(peer.standardOutput, Self.data)
    #expect(tool.isRunning)
  }

  @Test(.requires("python3"))
  func aLateReplyArrivesWhole() throws {
    let reply = Array(Self.data.prefix(1_000_000))
    let (peer, port) = try ScriptedPeer.serve(
      "receive", "pause=1", "send", "finish", input: .bytes(reply))
    let tool = try tcptool("connect", "127.0.0.1", "\(port)", input: .text("question"))
    let done = try tool.wait()
    #expect(done.outcome == .exited(0))
    expectSame(done.output, reply)
    #expect(try peer.wait().outputText == "question")
  }

  // MARK: Where it listens

  @Test(.requires("nc"), arguments: Family.allCases)
  func withoutAHostBothFamiliesAreTaken(_ family: Family) throws {
    let tool = try tcptool("listen", "0", input: .text("from us"))
    let port = try announcedPort(of: tool)
    let peer = try Child(Peer.nc.client(of: port, family), input: .text("from the peer"))
    #expect(try peer.wait().outputText == "from us")
    let done = try tool.wait()
    #expect(done.outcome == .exited(0))
    #expect(done.outputText == "from the peer")
    let shown = family == .ipv4 ? "accepted 127.0.0.1:" : "accepted [::1]:"
    #expect(done.errorText.contains(shown))
  }

  @Test func twoListenersOnOnePort() throws {
    let first = try tcptool("listen", "127.0.0.1", "0")
    let port = "\(try announcedPort(of: first))"
    for subcommand in ["listen", "recv"] {
      let second = try tcptool(subcommand, "127.0.0.1", port).wait()
      #expect(second.outcome == .exited(15))
      #expect(second.errorText.contains("EADDRINUSE"))
      #expect(second.errorText.contains("127.0.0.1:\(port)"))
    }
    #expect(first.isRunning)
  }

  @Test(arguments: ["listen", "recv"])
  func theAnnouncedPortTakesConnectionsAtOnce(_ subcommand: String) throws {
    for _ in 0..<10 {
      let tool = try tcptool(subcommand, "127.0.0.1", "0")
      let port = "\(try announcedPort(of: tool))"
      #expect(try tcptool("connect", "127.0.0.1", port).wait().outcome == .exited(0))
      #expect(try tool.wait().outcome == .exited(0))
    }
  }

  @Test(.requires("strace"), arguments: ["listen", "recv"])
  func itIsAnnouncedOnlyAfterListen(_ subcommand: String) throws {
    let directory = try TemporaryDirectory()
    let log = directory.file("calls")
    let tool = try Child([
      "strace", "-o", log, "-e", "trace=listen,write", try Tool.path, subcommand, "127.0.0.1", "0",
    ])
    let port = try announcedPort(of: tool)
    #expect(try tcptool("connect", "127.0.0.1", "\(port)").wait().outcome == .exited(0))
    try tool.wait()
    let calls = String(decoding: contents(of: log), as: UTF8.self).split(separator: "\n")
    let listened = try #require(calls.firstIndex { $0.hasPrefix("listen(") && $0.hasSuffix("= 0") })
    let announced = try #require(calls.firstIndex { $0.hasPrefix("write(2, \"listening on") })
    #expect(listened < announced)
  }
}
