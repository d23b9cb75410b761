// `send` and `recv` by every way that bytes can be moved, with other programs at the other end, and
// what is said where one does not go on.

import Foundation
import Glibc
import TestSupport
import Testing

/// What is sent from, or received into, and by which way.
struct Way: CustomTestStringConvertible {
  enum Place: String { case file, pipe }

  let place: Place
  let copy: String
  var testDescription: String { "\(place) \(copy)" }

  static let sending = [
    Way(place: .file, copy: "auto"), Way(place: .file, copy: "sendfile"),
    Way(place: .file, copy: "splice"), Way(place: .file, copy: "userspace"),
    Way(place: .pipe, copy: "auto"), Way(place: .pipe, copy: "userspace"),
  ]
  static let receiving = [
    Way(place: .file, copy: "auto"), Way(place: .file, copy: "splice"),
    Way(place: .file, copy: "userspace"), Way(place: .pipe, copy: "auto"),
    Way(place: .pipe, copy: "splice"), Way(place: .pipe, copy: "userspace"),
  ]

  /// `send` of a file, or of a pipe that brings its bytes.
  func sender(of path: String, to port: UInt16, _ words: String...) throws -> Child {
    let command = [try Tool.path, "send", "--copy", copy] + words + ["127.0.0.1:\(port)"]
    return place == .file
      ? try Child(command + [path]) : try Child(command, input: .bytes(contents(of: path)))
  }

  /// `recv` into a file, or into a pipe.
  func receiver(into path: String) throws -> Child {
    try Child(
      [try Tool.path, "recv", "127.0.0.1", "0", "--copy", copy]
        + (place == .file ? ["--output", path] : []))
  }
}

@Suite(.waits) struct CopyTests {
  private static let whole = bytes(count: 16 << 20 + 1, seed: 61)
  private static let sizes = [0, 1, 65_535, 65_536, whole.count]

  private static func file(_ size: Int, in directory: TemporaryDirectory) throws -> String {
    let path = directory.file("data")
    try Data(whole.prefix(size)).write(to: URL(filePath: path))
    return path
  }

  // MARK: Every byte by every way

  @Test(.requires("nc", "ncat", "socat", "python3"), arguments: Peer.allCases, Way.sending)
  func toAnotherProgram(_ peer: Peer, _ way: Way) throws {
    let directory = try TemporaryDirectory()
    for size in Self.sizes {
      let port = try unusedPort()
      let receiver = try Child(peer.receiver(on: port))
      try waitUntilListening(port: port)
      let sender = try way.sender(of: try Self.file(size, in: directory), to: port)
      let sent = try sender.wait()
      #expect(sent.outcome == .exited(0), "\(size): \(sent.errorText)")
      let received = try receiver.wait()
      #expect(received.outcome == .exited(0), "\(size): \(received.errorText)")
      expectSame(received.output, Array(Self.whole.prefix(size)))
    }
  }

  @Test(.requires("nc", "ncat", "socat", "python3"), arguments: Peer.allCases, Way.receiving)
  func fromAnotherProgram(_ peer: Peer, _ way: Way) throws {
    for size in Self.sizes {
      let directory = try TemporaryDirectory()
      let target = directory.file("received")
      let receiver = try way.receiver(into: target)
      let data = Array(Self.whole.prefix(size))
      let sender = try Child(
        peer.sender(to: try announcedPort(of: receiver)), input: .bytes(data))
      #expect(try sender.wait().outcome == .exited(0))
      let received = try receiver.wait()
      #expect(received.outcome == .exited(0), "\(size): \(received.errorText)")
      expectSame(way.place == .file ? contents(of: target) : received.output, data)
    }
  }

  @Test(arguments: ["fifo", "/dev/stdin"])
  func whatHasANameAndNoSize(_ name: String) throws {
    let directory = try TemporaryDirectory()
    let path = name == "fifo" ? directory.file(name) : name
    if name == "fifo" { try #require(unsafe mkfifo(path, 0o600) == 0) }
    let receiver = try tcptool("recv", "127.0.0.1", "0")
    let port = try announcedPort(of: receiver)
    // For the FIFO a shell is its writer.
    let data = Array(Self.whole.prefix(3_000_000))
    let writer =
      name == "fifo"
      ? try Child(["sh", "-c", "cat >\"$1\"", "sh", path], input: .bytes(data)) : nil
    let sender = try tcptool(
      "send", "127.0.0.1", "\(port)", path, input: name == "fifo" ? .null : .bytes(data))
    #expect(try sender.wait().outcome == .exited(0))
    expectSame(try receiver.wait().output, data)
    try writer?.wait()
  }

  /// The smallest buffers that the kernel gives: a call never takes more than a part of what it could.
  @Test(arguments: Way.sending, Way.receiving.prefix(3))
  func smallBuffers(_ way: Way, _ other: Way) throws {
    let directory = try TemporaryDirectory()
    let data = Array(Self.whole.prefix(300_001))
    let target = directory.file("received")
    let receiver = try tcptool(
      "recv", "--rcvbuf", "1", "--copy", other.copy, "--output", target, "127.0.0.1", "0")
    let sender = try way.sender(
      of: try Self.file(data.count, in: directory), to: try announcedPort(of: receiver),
      "--sndbuf", "1")
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(0), "\(sent)")
    #expect(sent.errorText.contains("(the least that there is)"), "\(sent)")
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received)")
    expectSame(contents(of: target), data)
  }

  /// A file of 5 GiB that takes next to no room, with some bytes on either side of what 31 and 32 bits
  /// can count.
  private static func large(in directory: TemporaryDirectory) throws -> (path: String, size: Int) {
    let path = directory.file("sparse")
    let size = 5 << 30 + 1
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(file) }
    try #require(file >= 0 && ftruncate(file, size) == 0)
    for place in marks {
      let mark = Array("at \(place)".utf8)
      try #require(unsafe pwrite(file, mark, mark.count, place) == mark.count)
    }
    return (path, size)
  }

  private static let marks = [1 << 31 - 5, 1 << 32 - 5, 1 << 32 + 70_000]

  /// More than 32 bits count, by every way. A receiver that writes to /dev/null moves the bytes as into
  /// any other place.
  @Test(arguments: [("sendfile", "splice"), ("splice", "auto"), ("userspace", "userspace")])
  func fiveGibibytes(_ sending: String, _ receiving: String) throws {
    let directory = try TemporaryDirectory()
    let (path, size) = try Self.large(in: directory)
    let receiver = try tcptool(
      "recv", "--json", "--copy", receiving, "127.0.0.1", "0", "--output", "/dev/null")
    let port = try receiver.waitForEvent("listening").port("local")
    let sender = try tcptool("send", "--json", "--copy", sending, "127.0.0.1", "\(port)", path)
    let sent = try sender.wait(within: .seconds(300))
    #expect(sent.outcome == .exited(0), "\(sent.errorText)")
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0))
    #expect(try sent.events().first { $0.name == "closed" }?.number("bytes_acknowledged") == size)
    #expect(try received.events().first { $0.name == "closed" }?.number("bytes_received") == size)
  }

  private static let hasRoomForALargeFile: Bool = {
    let place = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    let values = try? FileManager.default.attributesOfFileSystem(forPath: place)
    return (values?[.systemFreeSize] as? Int ?? 0) > 12 << 30
  }()

  /// Into a file each byte has to come to its place.
  @Test(.enabled(if: hasRoomForALargeFile, "less than 12 GiB are free"))
  func fiveGibibytesIntoAFile() throws {
    let directory = try TemporaryDirectory()
    let (path, size) = try Self.large(in: directory)
    let target = directory.file("received")
    let receiver = try tcptool(
      "recv", "--expect-size", "\(size)", "--output", target, "127.0.0.1", "0")
    let sender = try tcptool("send", "127.0.0.1", "\(try announcedPort(of: receiver))", path)
    let sent = try sender.wait(within: .seconds(300))
    #expect(sent.outcome == .exited(0), "\(sent.errorText)")
    #expect(try receiver.wait().outcome == .exited(0))
    let file = unsafe open(target, O_RDONLY | O_CLOEXEC)
    defer { close(file) }
    try #require(file >= 0 && lseek(file, 0, SEEK_END) == size)
    for place in Self.marks {
      let mark = Array("at \(place)".utf8)
      var found = [UInt8](repeating: 1, count: mark.count + 2)
      try #require(unsafe pread(file, &found, found.count, place - 1) == found.count)
      #expect(found == [0] + mark + [0])
    }
  }

  @Test(.requires("python3"), arguments: Way.receiving)
  func aPeerThatTrickles(_ way: Way) throws {
    let directory = try TemporaryDirectory()
    let target = directory.file("received")
    let receiver = try way.receiver(into: target)
    let data = Array(Self.whole.prefix(5_000))
    let peer = try Child(
      ScriptedPeer.client(
        of: try announcedPort(of: receiver), ["trickle", "finish", "receive"]),
      input: .bytes(data))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received.errorText)")
    expectSame(way.place == .file ? contents(of: target) : received.output, data)
    #expect(try peer.wait().outcome == .exited(0))
  }

  // MARK: What does not go on

  @Test(.requires("python3"), arguments: Way.sending)
  func theAcknowledgedPartIsTold(_ way: Way) throws {
    let directory = try TemporaryDirectory()
    let path = try Self.file(Self.whole.count, in: directory)
    let (peer, port) = try ScriptedPeer.serve("receive=65536", "settled")
    let sender = try way.sender(of: path, to: port)
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(21), "\(sent)")
    let line = try peer.waitForLine(containing: "settled at")
    let settled = try #require(Int(line.split(separator: " ").last ?? ""))
    let told = try #require(sent.errorText.firstMatch(of: /acknowledged ([0-9,]+) of ([0-9,]+)/))
    #expect(Int(told.1.filter(\.isNumber)) == settled)
    let read = try #require(Int(told.2.filter(\.isNumber)))
    #expect(settled < read && read <= Self.whole.count)
  }

  @Test(.requires("python3"), arguments: Way.sending)
  func aSlowReaderWithABanner(_ way: Way) throws {
    let directory = try TemporaryDirectory()
    let path = try Self.file(Self.whole.count, in: directory)
    let (peer, port) = try ScriptedPeer.serve("send", "slowly", input: .text("220 welcome\r\n"))
    let sender = try way.sender(of: path, to: port)
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(0), "\(sent.errorText)")
    expectSame(try peer.wait().output, Self.whole)
  }

  @Test(.requires("python3"), arguments: Way.receiving)
  func aResetLeavesWhatCame(_ way: Way) throws {
    let directory = try TemporaryDirectory()
    let target = directory.file("received")
    let receiver = try way.receiver(into: target)
    let data = Array(Self.whole.prefix(100_000))
    try Child(
      ScriptedPeer.client(of: try announcedPort(of: receiver), ["send", "acknowledged", "reset"]),
      input: .bytes(data)
    ).wait()
    let received = try receiver.wait()
    #expect(received.outcome == .exited(20))
    #expect(received.errorText.contains("ECONNRESET"))
    #expect(!FileManager.default.fileExists(atPath: target))
    if way.place == .pipe { expectSame(received.output, data) }
  }

  @Test(.requires("python3"), arguments: Way.receiving.filter { $0.place == .pipe })
  func aReaderThatHasGone(_ way: Way) throws {
    let receiver = try tcptool("recv", "127.0.0.1", "0", "--copy", way.copy, output: .broken)
    let peer = try Child(
      ScriptedPeer.client(of: try announcedPort(of: receiver), ["send", "receive"]),
      input: .text("data"))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(24), "\(received)")
    #expect(received.errorText.contains("to standard output: broken pipe (EPIPE)"))
    #expect(try peer.wait().errorText.contains("ConnectionResetError"))
  }

  /// The part that did not get onto the disk is counted, not lost silently.
  @Test(.requiresPrivateNetwork, .requires("stat"), arguments: ["auto", "splice", "userspace"])
  func aFullDisk(_ copy: String) throws {
    let directory = try TemporaryDirectory()
    let network = try PrivateNetwork(
      mounts: true, setUp: ["mount -t tmpfs -o size=256k tmpfs \(directory.path)"])
    let target = directory.file("received")
    let receiver = try tcptool(
      "recv", "--json", "127.0.0.1", "0", "--output", target, "--copy", copy, in: network)
    let port = try receiver.waitForEvent("listening").port("local")
    let sender = try tcptool(
      "send", "127.0.0.1", "\(port)", input: .bytes(Self.whole), in: network)
    let received = try receiver.wait()
    #expect(received.outcome == .exited(24))
    let closed = try #require(try received.events().first { $0.name == "closed" })
    let kept = try #require(closed.number("bytes_received"))
    #expect(kept == 256 << 10)
    #expect(try #require(closed.number("bytes_undelivered")) > 0)
    #expect(try sender.wait().outcome == .exited(21))
  }

  @Test func aReceiverThatIsKilledLeavesNoFile() throws {
    let directory = try TemporaryDirectory()
    let target = directory.file("received")
    let receiver = try tcptool("recv", "127.0.0.1", "0", "--output", target)
    let sender = try tcptool(
      "send", "127.0.0.1", "\(try announcedPort(of: receiver))", "/dev/zero")
    let hasBegun = eventually {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
      return names.contains { contents(of: directory.file($0)).count > 1 << 20 }
    }
    #expect(hasBegun)
    try receiver.signal(SIGKILL)
    _ = try receiver.wait()
    #expect(try sender.wait().outcome == .exited(21))
    #expect(!FileManager.default.fileExists(atPath: target))
  }

  @Test func anEndlessSourceIsInterrupted() throws {
    let receiver = try tcptool("recv", "127.0.0.1", "0", "--output", "/dev/null")
    let sender = try tcptool(
      "send", "--json", "127.0.0.1", "\(try announcedPort(of: receiver))", "/dev/zero")
    try sender.waitForEvent("connected")
    try sender.signal(SIGINT)
    #expect(try sender.wait().outcome == .signalled(SIGINT))
    // It must not take what it got for the whole.
    let received = try receiver.wait()
    #expect(received.outcome == .exited(20), "\(received)")
  }

  /// The peer lives, and nothing moves.
  @Test(.requires("python3"), arguments: [true, false])
  func aPeerThatIsStopped(_ fromFile: Bool) throws {
    let directory = try TemporaryDirectory()
    let path = try Self.file(Self.whole.count, in: directory)
    let (peer, port) = try ScriptedPeer.serve("say=ready", "receive")
    let sender = try tcptool(
      "connect", "--send-only", "--idle-timeout", "300ms", "127.0.0.1", "\(port)",
      input: fromFile ? .file(path) : .pipe)
    try peer.waitForLine(containing: "ready")
    try peer.signal(SIGSTOP)
    if !fromFile { try? sender.write(Self.whole, within: .seconds(5)) }
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(22), "\(sent)")
    #expect(sent.errorText.contains("nothing moved for 300ms (--idle-timeout)"), "\(sent)")
    try peer.signal(SIGCONT)
    _ = try peer.wait()
  }
}
