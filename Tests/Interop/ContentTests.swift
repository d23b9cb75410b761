// What `send` and `recv` say about the data itself: digests that other programs agree with, and
// sizes and digests that were expected.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.waits, .timeLimit(.minutes(5))) struct Contents {
  private static let whole = bytes(count: 16 << 20 + 1, seed: 31)
  /// Around the blocks of SHA-256, around what has a thread and around the pieces that it is handed.
  private static let sizes = [
    0, 1, 55, 56, 63, 64, 65, 65_535, 65_536, 4 << 20, (4 << 20) + 1, (9 << 19) + 1, whole.count,
  ]
  private static func data(_ size: Int) -> [UInt8] { Array(whole.prefix(size)) }

  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func file(_ data: [UInt8], _ name: String = "data") throws -> String {
    try Data(data).write(to: URL(filePath: directory.file(name)))
    return directory.file(name)
  }

  /// sha256sum's own line for a file.
  private func sum(_ path: String) throws -> String { try run(["sha256sum", path]).outputText }

  // MARK: Digests

  @Test(arguments: sizes) func digestsAreThoseOfSha256sum(_ size: Int) throws {
    let source = try file(Self.data(size))
    let target = directory.file("received")
    let receiver = try tcptool("recv", "127.0.0.1", "0", "-o", target, "--digest", "sha256")
    let sender = try tcptool(
      "send", "--quiet", "--digest", "sha256", "127.0.0.1", "\(try announcedPort(of: receiver))",
      source)
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(0), "\(sent)")
    // With --quiet it is all that is said.
    #expect(sent.errorText == (try sum(source)))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received)")
    #expect(received.errorText.hasSuffix(try sum(target)))
    expectSame(contents(of: target), Self.data(size))
    // sha256sum itself takes the line for what it is.
    let check = try run(
      ["sha256sum", "--check", "--strict"], input: .bytes(sent.error), directory: directory.path)
    #expect(check.outcome == .exited(0), "\(check)")
  }

  @Test(.requires("python3"), arguments: [0, 1, 9, 65_536, 1_000_003])
  func digestsAreThoseOfPython(_ size: Int) throws {
    let script = """
      import hashlib, sys
      data = sys.stdin.buffer.read()
      crc = 0xffffffff
      table = []
      for byte in range(256):
          for _ in range(8):
              byte = byte >> 1 ^ (0x82f63b78 if byte & 1 else 0)
          table.append(byte)
      for byte in data:
          crc = crc >> 8 ^ table[(crc ^ byte) & 0xff]
      print(hashlib.sha256(data).hexdigest(), f"{crc ^ 0xffffffff:08x}")
      """
    let words = try run(["python3", "-c", script], input: .bytes(Self.data(size)))
      .outputText.split(whereSeparator: \.isWhitespace)
    for (algorithm, digest) in zip(["sha256", "crc32c"], words) {
      let receiver = try tcptool("recv", "--digest", algorithm, "127.0.0.1", "0")
      let sender = try Child(
        Peer.python3.sender(to: try announcedPort(of: receiver)), input: .bytes(Self.data(size)))
      let received = try receiver.wait()
      #expect(received.outcome == .exited(0), "\(received.errorText)")
      #expect(received.errorText.hasSuffix("\n\(digest)  -\n"), "\(received.errorText)")
      // Not among the data.
      expectSame(received.output, Self.data(size))
      try sender.wait()
    }
  }

  /// As sha256sum: a backslash in front of the line tells of those in the name.
  @Test func aNameThatNeedsItIsEscaped() throws {
    let source = try file([1, 2, 3], "a\\b\nc")
    let receiver = try tcptool("recv", "--discard", "127.0.0.1", "0")
    let sender = try tcptool(
      "send", "-q", "--digest", "sha256", "127.0.0.1", "\(try announcedPort(of: receiver))",
      source)
    #expect(try sender.wait().errorText == (try sum(source)))
    try receiver.wait()
  }

  @Test func severalFilesAreSentInARowAndHaveADigestEach() throws {
    let pieces = [0, 70_000, 0, 1, 300_000, 0]
    var paths: [String] = []
    var joined: [UInt8] = []
    for (place, size) in pieces.enumerated() {
      let data = bytes(count: size, seed: UInt64(place))
      paths.append(try file(data, "part\(place)"))
      joined += data
    }
    let receiver = try tcptool("recv", "127.0.0.1", "0")
    let port = try announcedPort(of: receiver)
    let sender = try Child(
      [try Tool.path, "send", "-q", "--digest", "sha256", "127.0.0.1", "\(port)"] + paths)
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(0), "\(sent)")
    #expect(sent.errorText == (try run(["sha256sum"] + paths).outputText))
    expectSame(try receiver.wait().output, joined)
  }

  @Test func aProgramGetsADigestAsJSON() throws {
    let receiver = try tcptool(
      "recv", "--discard", "--json", "--digest", "crc32c", "127.0.0.1", "0")
    let line = try receiver.waitForLine(containing: "\"listening\"")
    let port = try #require(line.firstMatch(of: /"port":([0-9]+)/)).1
    let sender = try tcptool("send", "127.0.0.1", "\(port)", input: .text("123456789"))
    #expect(try sender.wait().outcome == .exited(0))
    let text = try receiver.wait().errorText
    let event = try #require(text.split(separator: "\n").first { $0.contains("\"digest\"") })
    let object = try #require(
      JSONSerialization.jsonObject(with: Data(event.utf8)) as? [String: Any])
    #expect(object["digest"] as? String == "e3069283")
    #expect(object["algorithm"] as? String == "crc32c")
    #expect(object["name"] as? String == "-")
  }

  // MARK: What was expected

  /// A proxy that changes one byte on the way.
  private func corruptingProxy(to port: UInt16, at offset: Int) throws -> (Child, UInt16) {
    let script = """
      import socket, sys, threading
      port, offset = int(sys.argv[1]), int(sys.argv[2])
      listener = socket.create_server(("127.0.0.1", 0))
      print("listening on", listener.getsockname()[1], file=sys.stderr, flush=True)
      one, _ = listener.accept()
      two = socket.create_connection(("127.0.0.1", port))
      def back():
          try:
              while data := two.recv(65536):
                  one.sendall(data)
          except OSError:
              one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0")
              one.close()
      thread = threading.Thread(target=back)
      thread.start()
      seen = 0
      while data := bytearray(one.recv(65536)):
          if seen <= offset < seen + len(data):
              data[offset - seen] ^= 1
          seen += len(data)
          two.sendall(data)
      two.shutdown(socket.SHUT_WR)
      thread.join()
      """
    let proxy = try Child(["python3", "-c", script, "\(port)", "\(offset)"])
    let line = try proxy.waitForLine(containing: "listening on ")
    return (proxy, try #require(UInt16(line.split(separator: " ").last ?? "")))
  }

  /// Both ends say their digest, and they are not the same; where the receiver knows what it has to
  /// be, nothing gets the name, and the sender is told.
  @Test(.requires("python3"), arguments: [false, true])
  func aByteThatChangesOnTheWayIsFound(isExpected: Bool) throws {
    let data = Self.data(1_000_000)
    let source = try file(data)
    let target = directory.file("received")
    let digest = String(try sum(source).prefix(64))
    let receiver = try Child(
      [try Tool.path, "recv", "127.0.0.1", "0", "-o", target, "--digest", "sha256"]
        + (isExpected ? ["--expect-digest", "sha256:\(digest)"] : []))
    let (proxy, port) = try corruptingProxy(to: try announcedPort(of: receiver), at: 777_777)
    let sender = try tcptool("send", "-q", "--digest", "sha256", "127.0.0.1", "\(port)", source)
    let received = try receiver.wait()
    let sent = try sender.wait()
    var changed = data
    changed[777_777] ^= 1
    if isExpected {
      #expect(received.outcome == .exited(23), "\(received)")
      let other = String(try sum(try file(changed, "changed")).prefix(64))
      #expect(received.errorText.contains("is \(other), and not \(digest) (--expect-digest)"))
      #expect(
        received.errorText.contains("1,000,000 bytes that came are in \(target).tcptool-part"))
      #expect(isTold(sent.outcome), "\(sent)")
      #expect(contents(of: target) == [])
      expectSame(contents(of: target + ".tcptool-part"), changed)
    } else {
      #expect(received.outcome == .exited(0))
      #expect(sent.outcome == .exited(0))
      expectSame(contents(of: target), changed)
      #expect(!received.errorText.contains(digest))
      #expect(sent.errorText.contains(digest))
    }
    try proxy.wait()
  }

  @Test(arguments: ["sha256:", ""], [false, true])
  func whatIsAsExpectedGetsItsName(_ prefix: String, isUpperCase: Bool) throws {
    let source = try file(Self.data(70_000))
    let target = directory.file("received")
    let digest = String(try sum(source).prefix(64))
    let receiver = try tcptool(
      "recv", "127.0.0.1", "0", "-o", target, "--expect-size", "70000", "--expect-digest",
      prefix + (isUpperCase ? digest.uppercased() : digest))
    let sender = try tcptool(
      "send", "127.0.0.1", "\(try announcedPort(of: receiver))", source)
    #expect(try sender.wait().outcome == .exited(0))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received)")
    #expect(received.errorText.contains("70,000 bytes, as expected: the size, the sha256 digest"))
    expectSame(contents(of: target), Self.data(70_000))
  }

  @Test(arguments: [
    (99, "short: 99 of 100 bytes received"), (101, "more received than the 100 bytes"),
  ])
  func aWrongSizeIsRefused(_ size: Int, _ words: String) throws {
    let target = directory.file("received")
    let receiver = try tcptool(
      "recv", "127.0.0.1", "0", "-o", target, "--expect-size", "100")
    let sender = try tcptool(
      "send", "127.0.0.1", "\(try announcedPort(of: receiver))", input: .bytes(Self.data(size)))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(23), "\(received)")
    #expect(received.errorText.contains(words))
    #expect(isTold(try sender.wait().outcome))
    #expect(try names() == ["received.tcptool-part"])
  }

  /// Not at the end, which may never come.
  @Test(arguments: [["--discard"], ["--output"]])
  func moreThanExpectedIsRefusedAtOnce(_ words: [String]) throws {
    let target = directory.file("received")
    let receiver = try Child(
      [try Tool.path, "recv", "127.0.0.1", "0", "--expect-size", "64K"] + words
        + (words == ["--output"] ? [target] : []))
    let sender = try tcptool(
      "send", "127.0.0.1", "\(try announcedPort(of: receiver))", input: .pipe)
    try sender.write(Self.data(65_536))
    #expect(
      words == ["--discard"]
        || eventually { contents(of: target + ".tcptool-part").count == 65_536 })
    #expect(receiver.isRunning)
    try sender.write([0])
    let received = try receiver.wait()
    #expect(received.outcome == .exited(23), "\(received)")
    #expect(received.errorText.contains("more received than the 65,536 bytes that were expected"))
    #expect(contents(of: target) == [])
    sender.closeInput()
    #expect(isTold(try sender.wait().outcome))
  }

  /// A sender does not read on to the end of its input, which may never come; and no digest is in the way.
  @Test(arguments: [[], ["--digest", "sha256"], ["--copy", "userspace"], ["--copy", "splice"]])
  func moreThanExpectedIsNotSentForEver(_ words: [String]) throws {
    let receiver = try tcptool("recv", "--discard", "127.0.0.1", "0")
    let port = "\(try announcedPort(of: receiver))"
    let sender = try Child(
      [try Tool.path, "send", "127.0.0.1", port, "--expect-size", "64K"] + words, input: .pipe)
    try sender.write(Self.data(65_536))
    #expect(sender.isRunning)
    try sender.write([0])
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(23), "\(sent)")
    #expect(sent.errorText.contains("more sent than the 65,536 bytes that were expected"))
    #expect(try receiver.wait().outcome == .exited(20))
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
  }

  /// The kernel closes the sockets of a killed process with FIN, as if all were sent.
  @Test(arguments: [false, true])
  func aKilledSenderIsNoticedByTheSizeAlone(isExpected: Bool) throws {
    let target = directory.file("received")
    let receiver = try Child(
      [try Tool.path, "recv", "127.0.0.1", "0", "-o", target]
        + (isExpected ? ["--expect-size", "100K"] : []))
    let sender = try tcptool(
      "send", "127.0.0.1", "\(try announcedPort(of: receiver))", input: .pipe)
    try sender.write(Self.data(50_000))
    #expect(eventually { contents(of: target + ".tcptool-part").count == 50_000 })
    try sender.signal(SIGKILL)
    let received = try receiver.wait()
    #expect(received.outcome == .exited(isExpected ? 23 : 0), "\(received)")
    #expect(try names() == [isExpected ? "received.tcptool-part" : "received"])
  }

  /// The receiver must not take it for whole.
  @Test(arguments: ["--expect-size=99", "--expect-digest=00000000"])
  func aSenderThatHasNotWhatItShouldSaysSo(_ option: String) throws {
    let target = directory.file("received")
    let receiver = try tcptool("recv", "127.0.0.1", "0", "-o", target)
    let sender = try tcptool(
      "send", option, "127.0.0.1", "\(try announcedPort(of: receiver))", input: .text("123456789"))
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(23), "\(sent)")
    #expect(sent.errorText.contains("the connection was reset, so that the peer knows"))
    #expect(try receiver.wait().outcome == .exited(20))
    #expect(!FileManager.default.fileExists(atPath: target))
  }

  /// The rest of it is gone: what was sent is not the file, by whichever way the bytes go.
  @Test(
    .requires("python3"),
    arguments: [
      ("--digest none", 1), ("--digest none", 2), ("--digest sha256", 1), ("--digest sha256", 2),
      ("--copy sendfile", 1), ("--copy splice", 1), ("--copy userspace", 1),
      ("--copy userspace", 2),
    ])
  func aFileThatBecomesShorterIsNotPassedOffAsWhole(_ option: String, files: Int) throws {
    let source = try file([])
    let size = 64 << 20
    try #require(unsafe truncate(source, size) == 0)
    let (peer, port) = try ScriptedPeer.serve(
      "receive=1000", "say=read", "wait", "receive", input: .pipe)
    let sender = try Child(
      [try Tool.path, "send"] + option.split(separator: " ").map(String.init)
        + ["127.0.0.1", "\(port)"] + [String](repeating: source, count: files))
    try peer.waitForLine(containing: "read")
    // The buffers of both sockets hold less than this.
    try #require(unsafe truncate(source, size / 2) == 0)
    peer.closeInput()
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(23), "\(sent)")
    #expect(
      sent.errorText.contains(
        "\(source) became shorter while it was sent: 33,554,432 of 67,108,864 bytes were left"))
    // It ends with an error, and not at the end of the data.
    #expect(try peer.wait().errorText.contains("ConnectionResetError"))
  }

  /// A receiver that knows how much there is to come does not take the rest for the whole either.
  @Test(arguments: ["sendfile", "splice", "userspace"])
  func aFileThatBecomesShorterIsNoWholeOneForItsReceiver(_ copy: String) throws {
    let source = try file([])
    let size = 256 << 20
    try #require(unsafe truncate(source, size) == 0)
    let directory = try TemporaryDirectory()
    let target = directory.file("received")
    let receiver = try tcptool(
      "recv", "--expect-size", "\(size)", "--output", target, "127.0.0.1", "0")
    let port = "\(try announcedPort(of: receiver))"
    // At this rate it is at its beginning for seconds.
    let sender = try tcptool(
      "send", "--copy", copy, "--rate", "20MB", "127.0.0.1", port, source)
    #expect(eventually { contents(of: target + ".tcptool-part").count > 0 })
    try #require(unsafe truncate(source, 64 << 10) == 0)
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(23), "\(sent)")
    #expect(
      sent.errorText.contains(/became shorter while it was sent: [0-9,]+ of 268,435,456 bytes/))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(20), "\(received)")
    #expect(!FileManager.default.fileExists(atPath: target))
  }
}
