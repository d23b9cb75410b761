// The digest of a large transfer, which has a thread of its own, where the transfer ends badly: the
// status and the words are those of a transfer without one, no digest is told of what is not whole,
// nothing gets its name, and nobody hangs.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(
  .waits, .timeLimit(.minutes(5)),
  .enabled(if: sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1, "there is one processor, and no thread"))
struct DigestThreads {
  private static let size = 64 << 20
  /// Where the other end stops: there is a thread by then, and much is still to come.
  private static let halfWay = 24 << 20

  private let directory: TemporaryDirectory
  private var target: String { directory.file("received") }

  init() throws { directory = try TemporaryDirectory() }

  /// A file of zeros, which takes no room.
  private func source(_ size: Int = size) throws -> String {
    let path = directory.file("data")
    try Data().write(to: URL(filePath: path))
    try #require(unsafe truncate(path, size) == 0)
    return path
  }

  /// sha256sum's own line for a file.
  private func sum(_ path: String) throws -> String {
    try run(["sha256sum", path]).outputText
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
  }

  /// `send --digest sha256` that has sent half of it to a peer which waits for a line, and then does
  /// the steps.
  private func sender(
    of source: String, _ steps: String...
  ) throws -> (sender: Child, peer: Child) {
    let peer = try Child(
      ScriptedPeer.server(on: 0, ["receive=\(Self.halfWay)", "say=half", "wait"] + steps),
      input: .pipe, output: .file("/dev/null"))
    let line = try peer.waitForLine(containing: "listening on ")
    let port = try #require(line.split(separator: " ").last)
    let sender = try tcptool("send", "--digest", "sha256", "127.0.0.1", "\(port)", source)
    try peer.waitForLine(containing: "half")
    try sender.waitForThreads(2)
    return (sender, peer)
  }

  /// `recv --digest sha256` that has written half of it to the file, from a peer which waits for a
  /// line, and then resets.
  private func receiver(_ words: String...) throws -> (receiver: Child, peer: Child) {
    let receiver = try Child(
      [try Tool.path, "recv", "--digest", "sha256", "-o", target, "127.0.0.1", "0"] + words)
    let peer = try Child(
      ScriptedPeer.client(
        of: try announcedPort(of: receiver),
        ["send=\(Self.halfWay)", "wait", "reset"]),
      input: .pipe)
    try peer.write([UInt8](repeating: 0, count: Self.halfWay))
    let isThere = eventually { partSize == Self.halfWay }
    #expect(isThere)
    try receiver.waitForThreads(2)
    return (receiver, peer)
  }

  private var partSize: Int? {
    try? FileManager.default.attributesOfItem(atPath: target + ".tcptool-part")[.size] as? Int
  }

  /// What has come so far is there, and neither the file's name nor a digest of it.
  private func expectTorso(_ received: Finished) throws {
    #expect(try names() == ["received.tcptool-part"])
    #expect(partSize == Self.halfWay)
    #expect(!tellsDigest(received), "\(received)")
  }

  private func tellsDigest(_ finished: Finished) -> Bool {
    finished.errorText.contains(#/(?m)^[0-9a-f]{64} /#)
  }

  // MARK: send

  @Test(.requires("python3")) func aSendIsReset() throws {
    let (sender, peer) = try sender(of: source(), "reset")
    peer.closeInput()
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(21), "\(sent)")
    #expect(sent.errorText.contains(/acknowledged [0-9,]+ of [0-9,]+ bytes read so far/), "\(sent)")
    #expect(!tellsDigest(sent), "\(sent)")
    try peer.wait()
  }

  @Test(.requires("python3")) func aFileBecomesShorterWhileItIsSent() throws {
    let source = try source()
    let (sender, peer) = try sender(of: source, "receive")
    // More than the buffers of both ends hold is not read yet.
    let rest = Self.size - (1 << 20)
    try #require(unsafe truncate(source, rest) == 0)
    peer.closeInput()
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(23), "\(sent)")
    #expect(
      sent.errorText.contains(
        "\(source) became shorter while it was sent: 66,060,288 of 67,108,864 bytes were left; "))
    #expect(!tellsDigest(sent), "\(sent)")
    #expect(try peer.wait().errorText.contains("ConnectionResetError"))
  }

  @Test(.requires("python3"), arguments: [SIGINT, SIGTERM])
  func aSignalEndsASend(_ signal: Int32) throws {
    let (sender, peer) = try sender(of: source(), "receive")
    try sender.signal(signal)
    let sent = try sender.wait()
    #expect(sent.outcome == .signalled(signal), "\(sent)")
    #expect(!tellsDigest(sent), "\(sent)")
    peer.closeInput()
    #expect(try peer.wait().errorText.contains("ConnectionResetError"))
  }

  /// The whole digest is known, and is another one: the peer must not take it for right.
  @Test func aSenderHasNotWhatItShould() throws {
    let source = try source()
    let receiver = try tcptool("recv", "-o", target, "127.0.0.1", "0")
    let sent = try tcptool(
      "send", "--expect-digest", "sha256:" + String(repeating: "0", count: 64), "127.0.0.1",
      "\(try announcedPort(of: receiver))", source
    ).wait()
    #expect(sent.outcome == .exited(23), "\(sent)")
    let digest = try sum(source).prefix(64)
    #expect(sent.errorText.contains("is \(digest), and not 0000"), "\(sent)")
    #expect(try receiver.wait().outcome == .exited(20))
    #expect(try names() == ["data", "received.tcptool-part"])
  }

  // MARK: recv

  @Test(.requires("python3")) func aSenderResets() throws {
    let (receiver, peer) = try receiver()
    peer.closeInput()
    let received = try receiver.wait()
    #expect(received.outcome == .exited(20), "\(received)")
    #expect(
      received.errorText.contains("the 25,165,824 bytes that came are in \(target).tcptool-part"))
    try expectTorso(received)
  }

  /// The kernel ends the connection of a killed program with FIN, as if that were all.
  @Test(.requires("python3")) func aSenderIsKilled() throws {
    let (receiver, peer) = try receiver("--expect-size", "\(Self.size)")
    try peer.signal(SIGKILL)
    let received = try receiver.wait()
    #expect(received.outcome == .exited(23), "\(received)")
    #expect(received.errorText.contains("short: 25,165,824 of 67,108,864 bytes received"))
    try expectTorso(received)
  }

  @Test(.requires("python3"), arguments: [SIGINT, SIGTERM, SIGKILL])
  func aSignalEndsAReceiver(_ signal: Int32) throws {
    let (receiver, peer) = try receiver()
    try receiver.signal(signal)
    let received = try receiver.wait()
    #expect(received.outcome == .signalled(signal), "\(received)")
    try expectTorso(received)
    peer.closeInput()
    try peer.wait()
  }

  @Test(.requires("python3")) func aReceiverWaitsForTooLong() throws {
    let (receiver, peer) = try receiver("--idle-timeout", "300ms")
    let received = try receiver.wait()
    #expect(received.outcome == .exited(22), "\(received)")
    try expectTorso(received)
    peer.closeInput()
    try peer.wait()
  }

  @Test(.requiresPrivateNetwork) func theDiskIsFull() throws {
    let full = try TemporaryDirectory()
    let network = try PrivateNetwork(
      mounts: true, setUp: ["mount -t tmpfs -o size=16m tmpfs \(full.path)"])
    let target = full.file("received")
    let receiver = try tcptool(
      "recv", "--digest", "sha256", "-o", target, "127.0.0.1", "0", in: network)
    let sent = try tcptool(
      "send", "--digest", "sha256", "127.0.0.1", "\(try announcedPort(of: receiver))", source(),
      in: network
    ).wait()
    let received = try receiver.wait()
    #expect(received.outcome == .exited(24), "\(received)")
    #expect(received.errorText.contains("ENOSPC"), "\(received)")
    #expect(sent.outcome == .exited(21), "\(sent)")
    for finished in [sent, received] { #expect(!tellsDigest(finished), "\(finished)") }
    let listing = try run(network.command(["ls", full.path]))
    #expect(listing.outputText == "received.tcptool-part\n")
  }

  @Test func whatCameIsNotWhatWasExpected() throws {
    let source = try source()
    let other = String(repeating: "0", count: 64)
    let receiver = try tcptool(
      "recv", "--expect-digest", "sha256:\(other)", "-o", target, "127.0.0.1", "0")
    let sent = try tcptool("send", "127.0.0.1", "\(try announcedPort(of: receiver))", source)
      .wait()
    let received = try receiver.wait()
    #expect(received.outcome == .exited(23), "\(received)")
    let digest = try sum(source).prefix(64)
    #expect(received.errorText.contains("is \(digest), and not \(other) (--expect-digest)"))
    #expect(isTold(sent.outcome), "\(sent)")
    #expect(try names() == ["data", "received.tcptool-part"])
  }

  // MARK: Whole transfers

  /// Each file has a digest, and a thread for it, which has ended when the next one begins.
  @Test(.requires("python3")) func eachOfSeveralFilesHasAThread() throws {
    let paths =
      try [6 << 20, 1, 7 << 20].enumerated().map { place, size in
        let path = directory.file("part\(place)")
        try Data(bytes(count: size, seed: UInt64(place))).write(to: URL(filePath: path))
        return path
      } + [source()]
    let (peer, port) = try ScriptedPeer.serve(
      "receive=\(40 << 20)", "say=half", "wait", "receive", input: .pipe)
    let sender = try Child(
      [try Tool.path, "send", "-q", "--digest", "sha256", "127.0.0.1", "\(port)"] + paths)
    try peer.waitForLine(containing: "half")
    try sender.waitForThreads(2)
    peer.closeInput()
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(0), "\(sent)")
    #expect(sent.errorText == (try run(["sha256sum"] + paths).outputText))
    try peer.wait()
  }

  /// All together would have many.
  @Test(.requires("python3")) func oneOfManyConnectionsHasNone() throws {
    let receiver = try tcptool(
      "recv", "--max-connections", "1", "--force", "--digest", "sha256", "-o", target, "127.0.0.1",
      "0")
    let peer = try Child(
      ScriptedPeer.client(
        of: try announcedPort(of: receiver),
        ["send=\(Self.halfWay)", "acknowledged", "say=half", "wait", "finish", "receive"]),
      input: .pipe)
    try peer.write([UInt8](repeating: 0, count: Self.halfWay))
    try peer.waitForLine(containing: "half")
    #expect(receiver.threadCount == 1)
    peer.closeInput()
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received)")
    #expect(received.errorText.contains(try sum(target)), "\(received)")
    try peer.wait()
  }

  /// A limit on threads, or a sandbox: it is computed without one.
  @Test(.requires("strace"), arguments: ["send", "recv"])
  func whereThereCanBeNoThread(_ subcommand: String) throws {
    let source = try source(6 << 20)
    let calls = directory.file("calls")
    let refused =
      [
        "strace", "-f", "-qq", "-o", calls, "-e", "trace=clone,clone3", "-e",
        "inject=clone,clone3:error=EAGAIN", try Tool.path,
      ]
    func words(of role: String) throws -> [String] {
      (role == subcommand ? refused : [try Tool.path]) + [role, "--digest", "sha256", "127.0.0.1"]
    }
    let receiver = try Child(words(of: "recv") + ["0", "-o", target])
    let sender = try Child(
      words(of: "send") + ["\(try announcedPort(of: receiver))", source])
    let sent = try sender.wait()
    let received = try receiver.wait()
    #expect(sent.outcome == .exited(0), "\(sent)")
    #expect(received.outcome == .exited(0), "\(received)")
    #expect(sent.errorText.hasSuffix(try sum(source)), "\(sent)")
    #expect(received.errorText.hasSuffix(try sum(target)), "\(received)")
    let trace = String(decoding: contents(of: calls), as: UTF8.self)
    #expect(trace.contains("EAGAIN"), "\(trace)")
  }
}

extension Child {
  /// How many threads it has; 0 once it has ended.
  fileprivate var threadCount: Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").count) ?? 0
  }

  fileprivate func waitForThreads(_ count: Int) throws {
    guard eventually({ threadCount == count }) else {
      throw TestFailure("pid \(pid) has \(threadCount) threads in place of \(count)")
    }
  }
}
