// Where `recv` writes: under the name only when it is whole, a file for each of many, and what is there
// already stays.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.waits, .timeLimit(.minutes(5))) struct ReceivedFiles {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func listing() throws -> [String: String] {
    var files: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
      files[name] = try String(contentsOfFile: directory.file(name), encoding: .utf8)
    }
    return files
  }

  private func put(_ text: String, _ name: String) throws {
    try Data(text.utf8).write(to: URL(filePath: directory.file(name)))
  }

  /// Sends a text and says with which status that ended.
  private func send(_ text: String, to port: UInt16) throws -> Finished.Outcome {
    try tcptool("send", "127.0.0.1", "\(port)", input: .text(text)).wait().outcome
  }

  @Test func whatIsThereStaysUnlessForced() throws {
    try put("old", "file")
    let target = directory.file("file")
    // Before anybody has connected.
    let refused = try tcptool("recv", "127.0.0.1", "0", "-o", target).wait()
    #expect(refused.outcome == .exited(24))
    #expect(refused.errorText.contains("EEXIST); --force replaces it"), "\(refused)")
    #expect(!refused.errorText.contains("listening"))
    let receiver = try tcptool("recv", "127.0.0.1", "0", "--force", "--fsync", "-o", target)
    #expect(try send("new", to: try announcedPort(of: receiver)) == .exited(0))
    #expect(try receiver.wait().outcome == .exited(0))
    #expect(try listing() == ["file": "new"])
  }

  /// The sender is told as well: its data has not got the name.
  @Test func whatAppearsMeanwhileStays() throws {
    let target = directory.file("file")
    let receiver = try tcptool("recv", "127.0.0.1", "0", "-o", target)
    let port = try announcedPort(of: receiver)
    try put("other", "file")
    #expect(isTold(try send("new", to: port)))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(24), "\(received)")
    #expect(received.errorText.contains("3 bytes that came are in \(target).tcptool-part"))
    #expect(try listing() == ["file": "other", "file.tcptool-part": "new"])
  }

  @Test(arguments: [SIGKILL, SIGINT, SIGTERM])
  func aReceiverThatEndsHalfWayLeavesNoFile(_ signal: Int32) throws {
    let target = directory.file("file")
    let receiver = try tcptool("recv", "127.0.0.1", "0", "-o", target)
    let sender = try tcptool(
      "send", "127.0.0.1", "\(try announcedPort(of: receiver))", input: .pipe)
    try sender.write("half")
    #expect(eventually { contents(of: target + ".tcptool-part").count == 4 })
    try receiver.signal(signal)
    let received = try receiver.wait()
    #expect(received.outcome == .signalled(signal))
    // A process that is killed tells nothing any more.
    let isTold = received.errorText.hasSuffix("\nkept 4 bytes in \(target).tcptool-part\n")
    #expect(isTold == (signal != SIGKILL), "\(received)")
    #expect(try listing() == ["file.tcptool-part": "half"])
    sender.closeInput()
    _ = try sender.wait()
    // The next one starts anew.
    let next = try tcptool("recv", "127.0.0.1", "0", "-o", target)
    #expect(try send("whole", to: try announcedPort(of: next)) == .exited(0))
    #expect(try next.wait().outcome == .exited(0))
    #expect(try listing() == ["file": "whole"])
  }

  @Test func aSignalBeforeAnythingCameLeavesNothing() throws {
    let receiver = try tcptool("recv", "127.0.0.1", "0", "-o", directory.file("file"))
    _ = try announcedPort(of: receiver)
    try receiver.signal(SIGINT)
    #expect(try receiver.wait().outcome == .signalled(SIGINT))
    #expect(try listing() == [:])
  }

  @Test func manyGetAFileEach() throws {
    let receiver = try tcptool(
      "recv", "--max-connections", "3", "--digest", "crc32c", "-o",
      directory.file("in-%n-%a-%p-%%"),
      "127.0.0.1", "0")
    let port = "\(try announcedPort(of: receiver))"
    var wanted: [String: String] = [:]
    // All at once: each is open before the first one ends.
    let senders = try (1...3).map { number in
      let sender = try tcptool(
        "send", "--source", "127.0.0.\(number + 1)", "127.0.0.1", port, input: .pipe)
      let line = try receiver.waitForLine(containing: "#\(number) ")
      let source = try #require(line.firstMatch(of: /127\.0\.0\.[234]:([0-9]+)/)).1
      wanted["in-\(number)-127.0.0.\(number + 1)-\(source)-%"] = "text \(number)"
      return sender
    }
    for (place, sender) in senders.enumerated().reversed() {
      try sender.write("text \(place + 1)")
      sender.closeInput()
      #expect(try sender.wait().outcome == .exited(0))
    }
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received)")
    #expect(try listing() == wanted)
    #expect(received.errorText.contains("#2 6 bytes in \(directory.file("in-2-127.0.0.3"))"))
  }

  @Test func anIPv6AddressStandsInTheNameAsItIs() throws {
    let receiver = try tcptool(
      "recv", "-k", "--max-connections", "2", "-o", directory.file("%a.%n"), "::1", "0")
    let port = "\(try announcedPort(of: receiver))"
    for text in ["a", "b"] {
      #expect(try tcptool("send", "::1", port, input: .text(text)).wait().outcome == .exited(0))
    }
    #expect(try receiver.wait().outcome == .exited(0))
    #expect(try listing() == ["::1.1": "a", "::1.2": "b"])
  }

  /// One whose file cannot be made, and one that is not what it should be, leave the others alone.
  @Test func oneOfManyFailsForItself() throws {
    try put("old", "in-2")
    let receiver = try tcptool(
      "recv", "--max-connections", "4", "--expect-size", "4", "-o", directory.file("in-%n"),
      "127.0.0.1", "0")
    let port = try announcedPort(of: receiver)
    #expect(try send("good", to: port) == .exited(0))
    // Its reset may even be there before the sender has seen that it is connected.
    #expect(try send("lost", to: port) != .exited(0))
    #expect(isTold(try send("bad", to: port)))
    #expect(try send("fine", to: port) == .exited(0))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(24), "\(received)")
    #expect(received.errorText.contains("#2 open \(directory.file("in-2")): file exists"))
    #expect(received.errorText.contains("#3 short: 3 of 4 bytes"))
    #expect(received.errorText.contains("2 of 4 connections failed"))
    #expect(
      try listing() == ["in-1": "good", "in-2": "old", "in-3.tcptool-part": "bad", "in-4": "fine"])
  }

  /// A connection whose FIFO nobody reads does not hold up the others, nor a signal.
  @Test func aFIFOWithoutAReaderFailsForItself() throws {
    let fifo = directory.file("fifo")
    try #require(unsafe mkfifo(fifo, 0o600) == 0)
    let receiver = try tcptool("recv", "-k", "--force", "-o", fifo, "127.0.0.1", "0")
    let port = try announcedPort(of: receiver)
    #expect(try send("lost", to: port) != .exited(0))
    try receiver.waitForLine(containing: "#1 open \(fifo), which nobody reads: no such device")
    let reader = try Child(["cat", fifo])
    // Until it has opened the FIFO there is no reader yet.
    #expect(try eventually { try send("taken", to: port) == .exited(0) })
    #expect(try reader.wait().outputText == "taken")
    try receiver.signal(SIGTERM)
    #expect(try receiver.wait().outcome == .signalled(SIGTERM))
  }

  @Test func theFirstNameIsLookedAtBeforeAnybodyConnects() throws {
    try put("old", "in-1")
    let refused = try tcptool(
      "recv", "-k", "-o", directory.file("in-%n"), "127.0.0.1", "0"
    ).wait()
    #expect(refused.outcome == .exited(24))
    #expect(refused.errorText.contains("--force replaces it"))
  }

  @Test func oneNameForAllIsReplacedWhereThatIsForced() throws {
    let receiver = try tcptool(
      "recv", "--max-connections", "2", "--force", "-o", directory.file("last"), "127.0.0.1", "0")
    let port = try announcedPort(of: receiver)
    #expect(try send("one", to: port) == .exited(0))
    #expect(try send("two", to: port) == .exited(0))
    #expect(try receiver.wait().outcome == .exited(0))
    #expect(try listing() == ["last": "two"])
  }

  @Test func manyComeOneAfterAnotherOnStandardOutput() throws {
    let receiver = try tcptool("recv", "-k", "--max-connections", "3", "127.0.0.1", "0")
    let port = "\(try announcedPort(of: receiver))"
    let first = try tcptool("send", "127.0.0.1", port, input: .pipe)
    try first.write("one ")
    try waitForBytes(4, from: receiver)
    let second = try tcptool("send", "127.0.0.1", port, input: .text("three "))
    try first.write("two ")
    first.closeInput()
    #expect(try first.wait().outcome == .exited(0))
    #expect(try second.wait().outcome == .exited(0))
    #expect(try send("four", to: UInt16(port) ?? 0) == .exited(0))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received)")
    #expect(received.outputText == "one two three four")
  }

  // MARK: Roles

  @Test(arguments: [true, false])
  func theSenderListensAndTheReceiverConnects(takesPort: Bool) throws {
    try put("text", "source")
    let sender = try tcptool(
      "send", "--listen", takesPort ? "0" : "127.0.0.1:0", directory.file("source"))
    let port = "\(try announcedPort(of: sender))"
    let receiver = try tcptool(
      "recv", "--connect", "127.0.0.1", port, "-o", directory.file("target"))
    #expect(try receiver.wait().outcome == .exited(0))
    #expect(try sender.wait().outcome == .exited(0))
    #expect(try listing() == ["source": "text", "target": "text"])
  }

  @Test(.requires("nc", "ncat", "socat", "python3"), arguments: Peer.allCases)
  func otherProgramsFetchFromAListeningSender(_ peer: Peer) throws {
    let data = bytes(count: 1_000_003, seed: 8)
    let sender = try tcptool("send", "--listen", "127.0.0.1:0", input: .bytes(data))
    let receiver = try Child(peer.client(of: try announcedPort(of: sender), .ipv4))
    #expect(try sender.wait().outcome == .exited(0))
    expectSame(try receiver.wait().output, data)
  }

  @Test(.requires("nc", "ncat", "socat", "python3"), arguments: Peer.allCases)
  func aReceiverFetchesFromOtherPrograms(_ peer: Peer) throws {
    let data = bytes(count: 1_000_003, seed: 8)
    let port = try unusedPort()
    let sender = try Child(peer.server(on: port, .ipv4), input: .bytes(data))
    try waitUntilListening(port: port)
    let receiver = try tcptool("recv", "--connect", "--expect-size", "1000003", "127.0.0.1:\(port)")
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received.errorText)")
    expectSame(received.output, data)
    try sender.wait()
  }

  @Test func aReceiverThatFindsNobodySaysSoAndLeavesNothing() throws {
    let port = "\(try unusedPort())"
    let received = try tcptool(
      "recv", "--connect", "127.0.0.1", port, "-o", directory.file("file")
    ).wait()
    #expect(received.outcome == .exited(11), "\(received)")
    #expect(try listing() == [:])
  }

  // MARK: Time limits

  /// The peer is stopped for longer than the limit: 22 on the end that waits for it.
  @Test func aStoppedReceiverRunsIntoTheIdleTimeout() throws {
    let receiver = try tcptool("recv", "--discard", "127.0.0.1", "0")
    let sender = try tcptool(
      "send", "--idle-timeout", "500ms", "--size", "1T", "127.0.0.1",
      "\(try announcedPort(of: receiver))")
    try receiver.waitForLine(containing: "accepted")
    try receiver.signal(SIGSTOP)
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(22), "\(sent)")
    #expect(sent.errorText.contains("nothing moved for 500ms (--idle-timeout)"))
    #expect(sent.errorText.contains(/the peer acknowledged [0-9,]+ of [0-9,]+ bytes read so far/))
    try receiver.signal(SIGCONT)
    #expect(try receiver.wait().outcome == .exited(20))
  }

  @Test(arguments: ["--idle-timeout", "--total-timeout"])
  func aStoppedSenderRunsIntoATimeout(_ option: String) throws {
    let receiver = try tcptool(
      "recv", option, "5s", "-o", directory.file("file"), "127.0.0.1", "0")
    let sender = try tcptool(
      "send", "127.0.0.1", "\(try announcedPort(of: receiver))", input: .pipe)
    try sender.write("half")
    #expect(eventually { contents(of: directory.file("file.tcptool-part")).count == 4 })
    try sender.signal(SIGSTOP)
    let received = try receiver.wait()
    #expect(received.outcome == .exited(22), "\(received)")
    #expect(received.errorText.contains("4 bytes received"))
    #expect(
      received.errorText.contains(
        "the 4 bytes that came are in \(directory.file("file.tcptool-part"))"))
    #expect(try listing() == ["file.tcptool-part": "half"])
    try sender.signal(SIGCONT)
  }
}
