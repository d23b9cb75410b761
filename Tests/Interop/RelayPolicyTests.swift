// The relay options of `connect` and `listen` with other programs: both ends of a connection, time
// limits and one-way relays. Nothing depends on how fast anything is: limits that must be met are
// met by a peer that does nothing, and limits that must not be met are long.

import Foundation
import TestSupport
import Testing

@Suite(.waits) struct RelayPolicies {
  private static let whole = bytes(count: 16 << 20, seed: 41)
  private static let reply = bytes(count: 300_000, seed: 42)

  // MARK: --on-stdin-eof

  /// A peer that waits for our end before it replies, and one that replies without it.
  @Test(.requires("python3"))
  func shutdownLetsThePeerReplyToOurEnd() throws {
    let (peer, port) = try ScriptedPeer.serve(
      "receive", "send", "finish", input: .bytes(Self.reply))
    let tool = try tcptool(
      "connect", "--on-stdin-eof", "shutdown", "127.0.0.1", "\(port)", input: .text("question"))
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    expectSame(done.output, Self.reply)
    #expect(try peer.wait().outputText == "question")
  }

  @Test(.requires("python3"))
  func waitTellsThePeerNothingBeforeItsEnd() throws {
    let (peer, port) = try ScriptedPeer.serve(
      "receive=8", "settled", "send", "finish", "receive", input: .pipe)
    let tool = try tcptool(
      "connect", "--on-stdin-eof", "wait", "127.0.0.1", "\(port)", input: .text("question"))
    try peer.waitForLine(containing: "settled at 8")
    #expect(!socketStates(of: port).contains(State.closeWait.rawValue))
    try peer.write(Self.reply)
    peer.closeInput()
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    expectSame(done.output, Self.reply)
    let served = try peer.wait()
    #expect(served.outcome == .exited(0), "\(served)")
    #expect(served.outputText == "question")
  }

  /// nc as a server leaves at our half-close; with `wait` it gets to say what it has to say.
  @Test(.requires("nc", "ncat"), arguments: [Peer.nc, .ncat])
  func waitHearsAPeerThatLeavesAtAHalfClose(_ program: Peer) throws {
    let port = try unusedPort()
    let peer = try Child(program.server(on: port, .ipv4), input: .pipe)
    try waitUntilListening(port: port)
    let tool = try tcptool(
      "connect", "--on-stdin-eof=wait", "127.0.0.1", "\(port)", input: .text("question"))
    try waitForBytes(8, from: peer)
    try peer.write(Self.reply)
    try waitForBytes(Self.reply.count, from: tool)
    peer.closeInput()
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    expectSame(done.output, Self.reply)
    #expect(try peer.wait().outputText == "question")
  }

  /// The peer gets everything and never ends its side.
  @Test(.requires("python3"), arguments: [["--on-stdin-eof", "close"], ["--linger", "50ms"]])
  func closeAndLingerDoNotWaitForThePeersEnd(_ option: [String]) throws {
    let (peer, port) = try ScriptedPeer.serve(
      "send=6", "receive", "say=all", "wait", input: .text("banner"))
    let tool = try Child(
      [Tool.path, "connect"] + option + ["127.0.0.1", "\(port)"], input: .bytes(Self.whole))
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.outputText == "banner")
    try peer.waitForLine(containing: "all")
    _ = eventually { peer.standardOutput.count >= Self.whole.count }
    expectSame(peer.standardOutput, Self.whole)
  }

  // MARK: --on-peer-eof

  @Test(.requires("python3"), arguments: Role.allCases)
  func finishGoesOnAfterThePeersEnd(_ role: Role) throws {
    let option = ["--on-peer-eof", "finish"]
    let (tool, peer, port) = try start(role, option, input: .pipe, peer: ["finish", "receive"])
    try waitForConnection(of: port, in: .closeWait)
    try tool.write(Self.reply)
    tool.closeInput()
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    expectSame(try peer.wait().output, Self.reply)
  }

  @Test(.requires("python3"), arguments: Role.allCases)
  func closeEndsWithThePeer(_ role: Role) throws {
    let option = ["--on-peer-eof", "close"]
    let (tool, peer, _) = try start(
      role, option, input: .pipe, peer: ["send", "receive=4", "finish", "receive"],
      peerInput: .text("goodbye"))
    try tool.write("data")
    // Its input stays open.
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.outputText == "goodbye")
    #expect(try peer.wait().outputText == "data")
  }

  // MARK: Timeouts

  @Test(.requires("python3"), arguments: Role.allCases)
  func anIdlePeerInTheMiddleOfAStream(_ role: Role) throws {
    let (tool, peer, _) = try start(
      role, ["--idle-timeout", "300ms"], input: .text("question"),
      peer: ["receive", "send", "wait"], peerInput: .pipe)
    try peer.write("half of it")
    let done = try tool.wait()
    #expect(done.outcome == .exited(22), "\(done)")
    #expect(done.errorText.contains("nothing moved for 300ms (--idle-timeout)"), "\(done)")
    #expect(done.errorText.contains("the peer acknowledged 8 of 8 bytes"), "\(done)")
    #expect(done.errorText.contains("10 bytes received"), "\(done)")
    #expect(done.errorText.contains("the peer has not ended its side"), "\(done)")
    #expect(done.outputText == "half of it")
  }

  @Test(.requires("python3"))
  func aPeerThatTakesNothing() throws {
    let (peer, port) = try ScriptedPeer.serve("wait", input: .pipe)
    let tool = try tcptool(
      "connect", "--idle-timeout", "500ms", "127.0.0.1", "\(port)", input: .bytes(Self.whole))
    let done = try tool.wait()
    #expect(done.outcome == .exited(22), "\(done)")
    #expect(done.errorText.contains(" bytes read so far, 0 bytes received; "), "\(done)")
    #expect(done.errorText.contains("; standard input has not ended"), "\(done)")
    peer.closeInput()
  }

  /// The peer's own kernel says how many bytes it has.
  @Test(.requires("python3"), arguments: ["auto", "userspace"])
  func whatAPeerThatDoesNotReadHasIsSaid(_ copy: String) throws {
    let (peer, port) = try ScriptedPeer.serve("wait", "settled", input: .pipe)
    let size = 64 << 20
    let directory = try TemporaryDirectory()
    let log = directory.file("log")
    let done = try run([
      try Tool.path, "send", "--idle-timeout", "500ms", "--copy", copy, "--size", "\(size)",
      "--log", log, "127.0.0.1", "\(port)",
    ])
    #expect(done.outcome == .exited(22), "\(done)")
    peer.closeInput()
    let line = try peer.waitForLine(containing: "settled at ")
    let arrived = try #require(Int(line.split(separator: " ").last ?? ""))
    #expect(arrived > 0 && arrived < size)
    let told = try #require(
      done.errorText.firstMatch(
        of: #/: the peer acknowledged ([0-9,]+) of [0-9,]+ bytes read so far, /#),
      "\(done)")
    #expect(Int(told.1.filter(\.isNumber)) == arrived, "\(done)")
    let closed = try #require(
      try events("closed", in: String(decoding: contents(of: log), as: UTF8.self)).first)
    #expect(closed["bytes_acknowledged"] as? Int == arrived)
    let written = try #require(closed["bytes_written"] as? Int)
    let unacknowledged = written - arrived
    #expect(closed["bytes_unacknowledged"] as? Int == unacknowledged && unacknowledged > 0)
  }

  /// It is called what it is.
  @Test(.requires("python3"), arguments: [true, false])
  func aPeerThatTakesNoFile(_ isFile: Bool) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("zeros")
    #expect(try run(["truncate", "-s", "64M", path]).outcome == .exited(0))
    let (peer, port) = try ScriptedPeer.serve("wait", input: .pipe)
    let done = try run(
      [try Tool.path, "send", "--idle-timeout", "500ms"] + (isFile ? [] : ["--size", "64M"])
        + ["127.0.0.1", "\(port)"] + (isFile ? [path] : []))
    #expect(done.outcome == .exited(22), "\(done)")
    let name = isFile ? "the file" : "the data"
    #expect(done.errorText.contains("; \(name) has not ended"), "\(done)")
    peer.closeInput()
  }

  @Test(.requires("python3"), arguments: Role.allCases)
  func aFloodUntilTheTotalTimeout(_ role: Role) throws {
    let (tool, peer, _) = try start(
      role, ["--total-timeout", "300ms", "--idle-timeout", "1m"], input: .null,
      peer: ["flood", "wait"], peerInput: .pipe)
    let done = try tool.wait()
    #expect(done.outcome == .exited(22), "\(done.errorText)")
    #expect(
      done.errorText.contains("it was not over after 300ms (--total-timeout)"), "\(done.errorText)")
    // Whatever was received was handed over.
    #expect(!done.output.isEmpty)
    #expect(!done.errorText.contains("standard input has not ended"), "\(done.errorText)")
    peer.closeInput()
  }

  @Test(.requires("python3"), arguments: Role.allCases)
  func aFinishedTransferIsNoneOfThem(_ role: Role) throws {
    let (tool, peer, _) = try start(
      role, ["--idle-timeout", "30s", "--total-timeout", "1m"], input: .bytes(Self.whole),
      peer: ["both"], peerInput: .bytes(Self.reply))
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done.errorText)")
    expectSame(done.output, Self.reply)
    expectSame(try peer.wait().output, Self.whole)
  }

  /// All of it is acknowledged, and the peer says nothing and does not end its side.
  @Test(.requires("python3"), arguments: ["--idle-timeout", "--total-timeout"])
  func aDeliveryThatHasArrivedIsNotCut(_ timeout: String) throws {
    let (peer, port) = try ScriptedPeer.serve("receive", "say=all", "wait", input: .pipe)
    let tool = try tcptool(
      "connect", "--send-only", timeout, "2s", "127.0.0.1", "\(port)", input: .text("all of it"))
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    try peer.waitForLine(containing: "all")
    let received = eventually { peer.standardOutput == Array("all of it".utf8) }
    #expect(received)
  }

  @Test(.requires("python3"))
  func aConnectionThatIsCutIsNotTheLast() throws {
    let tool = try tcptool(
      "listen", "--keep-open", "--idle-timeout", "500ms", "127.0.0.1", "0", input: .null)
    let port = try announcedPort(of: tool)
    let silent = try Child(ScriptedPeer.client(of: port, ["wait"]), input: .pipe)
    try tool.waitForLine(containing: "cut, nothing moved for 500ms")
    let second = try Child(Peer.python3.sender(to: port), input: .text("second"))
    #expect(try second.wait().outcome == .exited(0))
    try tool.signal(SIGTERM)
    #expect(try tool.wait().outputText == "#2 second\n")
    silent.closeInput()
  }

  // MARK: One way

  /// `send`: the peer begins with a banner; `flood`: it goes on talking all the time.
  @Test(.requires("python3"), .timeLimit(.minutes(5)), arguments: ["send", "flood"], Role.allCases)
  func sendOnlyDeliversToASlowReaderThatTalks(_ talk: String, _ role: Role) throws {
    let (tool, peer, _) = try start(
      role, ["--send-only"], input: .bytes(Self.whole), peer: [talk, "slowly"],
      peerInput: .text("220 welcome\r\n"))
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done.errorText)")
    #expect(done.output == [])
    expectSame(try peer.wait().output, Self.whole)
  }

  @Test(.requires("python3"))
  func sendOnlyToAPeerThatLeavesEarly() throws {
    let (peer, port) = try ScriptedPeer.serve("receive=65536", "reset")
    let tool = try tcptool(
      "connect", "--send-only", "127.0.0.1", "\(port)", input: .bytes(Self.whole))
    let done = try tool.wait()
    #expect(done.outcome == .exited(21), "\(done.errorText)")
    #expect(try peer.wait().outcome == .exited(0))
  }

  @Test(.requires("python3"), arguments: Role.allCases)
  func recvOnlyEndsWithThePeerAndReadsNothing(_ role: Role) throws {
    let (tool, peer, _) = try start(
      role, ["--recv-only"], input: .file("/dev/zero"),
      peer: ["send", "finish", "receive"], peerInput: .bytes(Self.whole))
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done.errorText)")
    expectSame(done.output, Self.whole)
    // Not one of the zeros.
    #expect(try peer.wait().output == [])
  }

  @Test(.requires("python3"))
  func recvOnlyTakesOneClientAfterAnother() throws {
    let tool = try tcptool(
      "listen", "--keep-open", "--recv-only", "127.0.0.1", "0", input: .file("/dev/zero"))
    let port = try announcedPort(of: tool)
    for text in ["first ", "second"] {
      let client = try Child(
        ScriptedPeer.client(of: port, ["send", "finish", "receive"]), input: .text(text))
      let done = try client.wait()
      #expect(done.outcome == .exited(0))
      #expect(done.output == [])
    }
    try tool.signal(SIGTERM)
    #expect(try tool.wait().outputText == "#1 first \n#2 second\n")
  }

  @Test(.requires("python3"), arguments: Role.allCases)
  func lineEndsAreConvertedOnTheirWayToThePeerOnly(_ role: Role) throws {
    let (tool, peer, _) = try start(
      role, ["--crlf"], input: .text("EHLO us\nQUIT\r\n"), peer: ["both"],
      peerInput: .text("221 bye\n"))
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.outputText == "221 bye\n")
    #expect(try peer.wait().outputText == "EHLO us\r\nQUIT\r\n")
  }

  // MARK: -

  /// The program in a role with options, and a peer with steps.
  private func start(
    _ role: Role, _ options: [String], input: Child.Input, peer steps: [String],
    peerInput: Child.Input = .null
  ) throws -> (tool: Child, peer: Child, port: UInt16) {
    switch role {
    case .client:
      let peer = try Child(ScriptedPeer.server(on: 0, steps), input: peerInput)
      let line = try peer.waitForLine(containing: "listening on ")
      let port = try #require(UInt16(line.split(separator: " ").last ?? ""))
      let words = [try Tool.path, "connect"] + options + ["127.0.0.1", "\(port)"]
      return (try Child(words, input: input), peer, port)
    case .server:
      let tool = try Child(
        [try Tool.path, "listen"] + options + ["127.0.0.1", "0"], input: input)
      let port = try announcedPort(of: tool)
      return (tool, try Child(ScriptedPeer.client(of: port, steps), input: peerInput), port)
    }
  }
}
