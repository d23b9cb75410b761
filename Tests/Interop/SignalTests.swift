// Signals at every stage: the program dies of the very signal, as a shell expects, and loses nothing
// that it has taken from the peer.

import Glibc
import TestSupport
import Testing

@Suite(.waits) struct Signals {
  private static let signals = [SIGINT, SIGTERM, SIGHUP]

  @Test(arguments: ["listen", "recv"], signals)
  func whileWaitingForAClient(_ subcommand: String, _ signal: Int32) throws {
    let tool = try tcptool(subcommand, "127.0.0.1", "0")
    _ = try announcedPort(of: tool)
    try tool.signal(signal)
    let done = try tool.wait()
    #expect(done.outcome == .signalled(signal))
    #expect(!done.errorText.contains("Error"))
  }

  /// Nobody reads the FIFO in which the port is to be told.
  @Test(arguments: ["listen", "send", "recv"])
  func whileThePortsReaderIsAwaited(_ subcommand: String) throws {
    let directory = try TemporaryDirectory()
    let fifo = directory.file("port")
    try #require(unsafe mkfifo(fifo, 0o600) == 0)
    let port = try unusedPort()
    let place = subcommand == "send" ? ["--listen", "\(port)"] : ["\(port)"]
    let tool = try Child([try Tool.path, subcommand, "--port-file", fifo] + place)
    try waitUntilListening(port: port)
    try tool.signal(SIGTERM)
    #expect(try tool.wait().outcome == .signalled(SIGTERM))
  }

  /// The name server is one that does not answer, and whose answer the C library awaits for minutes.
  @Test(
    .requires("mount"), .requiresPrivateNetwork,
    arguments: [
      ["connect"], ["listen"], ["send"], ["recv"], ["recv", "--connect"], ["backlog-test"],
    ])
  func whileLookingUpAName(_ words: [String]) throws {
    let directory = try TemporaryDirectory(files: [
      "resolv.conf": "nameserver 192.0.2.1\noptions timeout:30 attempts:5\n"
    ])
    let network = try PrivateNetwork(
      mounts: true,
      setUp: [
        "mount --bind \(directory.file("resolv.conf")) /etc/resolv.conf",
        "ip route add 192.0.2.1/32 dev lo",
      ])
    let tool = try Child(network.command([try Tool.path] + words + ["host.example", "80"]))
    #expect(try eventually { try kernelFile("/proc/\(network.pid)/net/udp").contains(":0035 ") })
    try tool.signal(SIGTERM)
    #expect(try tool.wait().outcome == .signalled(SIGTERM))
  }

  @Test(.requires("python3"), .requiresPrivateNetwork, arguments: signals)
  func whileConnecting(_ signal: Int32) throws {
    let network = try PrivateNetwork()
    let hole = try BlackHole(.ipv4, in: network)
    let tool = try tcptool("connect", "127.0.0.1", "\(hole.port)", in: network)
    try waitForConnection(of: hole.port, in: .synSent, network: network)
    try tool.signal(signal)
    #expect(try tool.wait().outcome == .signalled(signal))
  }

  /// The program is stopped when the bytes come, so that it meets the signal and them at once; more
  /// than a pipe holds, so that it has to wait for its reader as well.
  @Test(.requires("python3"), arguments: signals)
  func duringATransfer(_ signal: Int32) throws {
    let data = bytes(count: 100_000, seed: UInt64(signal))
    let (peer, port) = try ScriptedPeer.serve(
      "wait", "send", "acknowledged", "say=held", "receive", input: .pipe)
    let tool = try tcptool("connect", "127.0.0.1", "\(port)", input: .pipe)
    try tool.waitForLine(containing: "connected")
    try tool.signal(SIGSTOP)
    try peer.write("\n")
    try peer.write(data)
    peer.closeInput()
    try peer.waitForLine(containing: "held")
    try tool.signal(signal)
    try tool.signal(SIGCONT)
    let done = try tool.wait()
    #expect(done.outcome == .signalled(signal))
    expectSame(done.output, data)
  }

  /// Nor may one that takes no more of the rows of a sweep, each of which is a kilobyte.
  @Test(.requiresPrivateNetwork, arguments: signals)
  func withABlockedOutputOfASweep(_ signal: Int32) throws {
    let tool = try tcptool(
      "backlog-test", "--json", "--count", "1", "--sweep", "1..1000", output: .unread)
    // It waits between two rows, too, but not for so long.
    var looks = 0
    let isBlocked = eventually(every: .milliseconds(5)) {
      let place = (try? kernelFile("/proc/\(tool.pid)/wchan")) ?? ""
      let waits = place.contains("pipe_write") || place.contains("poll_schedule")
      looks = waits ? looks + 1 : 0
      return looks == 20
    }
    #expect(isBlocked)
    try tool.signal(signal)
    #expect(try tool.wait().outcome == .signalled(signal))
  }

  /// A reader that takes nothing must not make the program immortal.
  @Test(.requires("python3"), arguments: signals)
  func withABlockedOutput(_ signal: Int32) throws {
    let (peer, port) = try ScriptedPeer.serve("flood", "say=sent", "receive")
    let tool = try tcptool("connect", "127.0.0.1", "\(port)", input: .pipe, output: .unread)
    try peer.waitForLine(containing: "sent")
    try tool.signal(signal)
    #expect(try tool.wait().outcome == .signalled(signal))
  }

  @Test(.requires("python3"), .requiresPrivateNetwork, arguments: signals)
  func duringABacklogTest(_ signal: Int32) throws {
    let network = try PrivateNetwork()
    let tool = try tcptool("backlog-test", "--sweep", "1..1000", in: network)
    try tool.waitForOutput { $0.contains("limited by\n") }
    try tool.signal(signal)
    #expect(try tool.wait().outcome == .signalled(signal))
  }

  /// nohup, and what a shell starts in the background.
  @Test(.requires("nohup", "python3"))
  func anIgnoredSignalStaysIgnored() throws {
    let tool = try Child(
      ["nohup", try Tool.path, "listen", "127.0.0.1", "0"], input: .pipe)
    let port = try announcedPort(of: tool)
    try tool.signal(SIGHUP)
    let peer = try Child(ScriptedPeer.client(of: port, ["both"]), input: .text("still there?"))
    try tool.waitForOutput { $0 == "still there?" }
    try tool.signal(SIGHUP)
    try tool.write("yes")
    tool.closeInput()
    #expect(try peer.wait().outputText == "yes")
    #expect(try tool.wait().outcome == .exited(0))
  }

  // MARK: A closed pipe

  @Test(.requires("python3"), arguments: ["connect", "recv", "listen"])
  func aClosedOutputIsALocalFailure(_ subcommand: String) throws {
    let tool: Child
    let peer: Child
    if subcommand == "connect" {
      let (server, port) = try ScriptedPeer.serve("send", input: .text("data"))
      peer = server
      tool = try tcptool("connect", "127.0.0.1", "\(port)", input: .pipe, output: .broken)
    } else {
      tool = try tcptool(subcommand, "127.0.0.1", "0", input: .pipe, output: .broken)
      peer = try Child(
        ScriptedPeer.client(of: try announcedPort(of: tool), ["send"]), input: .text("data"))
    }
    let done = try tool.wait()
    #expect(done.outcome == .exited(24), "\(done)")
    #expect(done.errorText.contains("standard output: broken pipe (EPIPE)"))
    try peer.wait()
  }

  /// As in `tcptool states | head -1`.
  @Test func statesIntoAClosedPipe() throws {
    #expect(try tcptool("states", output: .broken).wait().outcome == .signalled(SIGPIPE))
  }
}
