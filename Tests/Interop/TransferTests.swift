// `send` and `recv`: every byte and every size, with each other and with other programs, and the
// truth about a transfer that did not succeed.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.waits) struct Transfers {
  private static let whole = bytes(count: 16 << 20 + 1, seed: 21)
  private static let sizes = [0, 1, 65_535, 65_536, whole.count]

  private static func data(_ size: Int) -> [UInt8] { Array(whole.prefix(size)) }

  private static func file(_ size: Int, in directory: TemporaryDirectory) throws -> String {
    let path = directory.file("data")
    try Data(whole.prefix(size)).write(to: URL(filePath: path))
    return path
  }

  // MARK: Every byte

  @Test(arguments: sizes, [false, true])
  func betweenTwoTools(_ size: Int, throughFiles: Bool) throws {
    let directory = try TemporaryDirectory()
    let target = directory.file("received")
    let receiver =
      throughFiles
      ? try tcptool("recv", "127.0.0.1", "0", "--output", target)
      : try tcptool("recv", "127.0.0.1", "0")
    let port = "\(try announcedPort(of: receiver))"
    let sender =
      throughFiles
      ? try tcptool("send", "127.0.0.1", port, try Self.file(size, in: directory))
      : try tcptool("send", "127.0.0.1", port, input: .bytes(Self.data(size)))
    #expect(try sender.wait().outcome == .exited(0))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received.errorText)")
    expectSame(throughFiles ? contents(of: target) : received.output, Self.data(size))
    #expect(!FileManager.default.fileExists(atPath: target + ".tcptool-part"))
  }

  @Test(.requires("nc", "ncat", "socat", "python3"), arguments: Peer.allCases, sizes)
  func toAnotherProgram(_ peer: Peer, _ size: Int) throws {
    let port = try unusedPort()
    let receiver = try Child(peer.receiver(on: port))
    try waitUntilListening(port: port)
    let sender = try tcptool("send", "127.0.0.1:\(port)", input: .bytes(Self.data(size)))
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(0), "\(sent.errorText)")
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received.errorText)")
    expectSame(received.output, Self.data(size))
  }

  @Test(.requires("nc", "ncat", "socat", "python3"), arguments: Peer.allCases, sizes)
  func fromAnotherProgram(_ peer: Peer, _ size: Int) throws {
    let receiver = try tcptool("recv", "127.0.0.1", "0")
    let sender = try Child(
      peer.sender(to: try announcedPort(of: receiver)), input: .bytes(Self.data(size)))
    #expect(try sender.wait().outcome == .exited(0))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received.errorText)")
    expectSame(received.output, Self.data(size))
  }

  /// A sender that quits with bytes from the peer unread resets the connection and loses what is on
  /// its way. This one goes on talking all the time; one that begins with a banner is in CopyTests.
  @Test(.requires("python3"))
  func toASlowReaderThatTalks() throws {
    let (peer, port) = try ScriptedPeer.serve("flood", "slowly")
    let sender = try tcptool("send", "127.0.0.1", "\(port)", input: .bytes(Self.whole))
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(0), "\(sent.errorText)")
    // What the peer says is no data of ours.
    #expect(sent.output == [])
    expectSame(try peer.wait().output, Self.whole)
  }

  // MARK: The peer does not do its part

  /// From some moment on every packet is swallowed, until the kernel gives up (tcp_retries2).
  @Test(.requires("python3", "tc"), .requiresPrivateNetwork)
  func aPeerThatVanishesHasNotEverything() throws {
    let network = try PrivateNetwork(setUp: ["echo 2 >/proc/sys/net/ipv4/tcp_retries2"])
    let (peer, port) = try ScriptedPeer.serve("receive", in: network)
    let sender = try tcptool("send", "127.0.0.1", "\(port)", input: .pipe, in: network)
    try sender.write(Self.data(100_000))
    try waitForBytes(100_000, from: peer)
    let swallow = ["tc", "qdisc", "add", "dev", "lo", "root", "pfifo", "limit", "0"]
    #expect(try run(network.command(swallow)).outcome == .exited(0))
    try sender.write(Self.data(50_000))
    sender.closeInput()
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(21), "\(sent)")
    #expect(sent.errorText.contains("ETIMEDOUT"))
    #expect(sent.errorText.contains("acknowledged 100,000 of 150,000 bytes"))
  }

  /// All that was read so far has been acknowledged, but it is not the whole.
  @Test(.requires("python3", "ss"))
  func aResetBeforeTheEndOfTheInputCutsTheTransfer() throws {
    let (peer, port) = try ScriptedPeer.serve("receive=50000", "wait", "reset", input: .pipe)
    let sender = try tcptool("send", "127.0.0.1", "\(port)", input: .pipe)
    try sender.write(Self.data(50_000))
    try waitForBytes(50_000, from: peer)
    // The peer's acknowledgement may be some milliseconds late.
    let look = ["ss", "-tnH", "dport = :\(port)"]
    #expect(
      try eventually { try run(look).outputText.split(separator: " ").dropFirst(2).first == "0" })
    peer.closeInput()
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(21), "\(sent)")
    #expect(sent.errorText.contains("ECONNRESET"))
    #expect(sent.errorText.contains("acknowledged 50,000 of 50,000 bytes read so far"))
  }

  @Test(.requires("python3"))
  func aTorsoDoesNotGetTheFinalName() throws {
    let directory = try TemporaryDirectory()
    let target = directory.file("received")
    let receiver = try tcptool("recv", "127.0.0.1", "0", "--output", target)
    let peer = try Child(
      ScriptedPeer.client(
        of: try announcedPort(of: receiver), ["send=100000", "acknowledged", "reset"]),
      input: .bytes(Self.data(200_000)))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(20))
    #expect(received.errorText.contains("ECONNRESET"))
    #expect(!FileManager.default.fileExists(atPath: target))
    expectSame(contents(of: target + ".tcptool-part"), Self.data(100_000))
    #expect(try peer.wait().outcome == .exited(0))
  }

  /// A sender that a signal ends must not look to `recv` like one that is through.
  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func anInterruptedSenderMakesATorso(_ signal: Int32) throws {
    let directory = try TemporaryDirectory()
    let target = directory.file("received")
    let receiver = try tcptool("recv", "127.0.0.1", "0", "--output", target)
    let sender = try tcptool(
      "send", "127.0.0.1", "\(try announcedPort(of: receiver))", input: .pipe)
    try sender.write(Self.data(50_000))
    #expect(eventually { contents(of: target + ".tcptool-part").count == 50_000 })
    try sender.signal(signal)
    #expect(try sender.wait().outcome == .signalled(signal))
    #expect(try receiver.wait().outcome == .exited(20))
    #expect(!FileManager.default.fileExists(atPath: target))
    expectSame(contents(of: target + ".tcptool-part"), Self.data(50_000))
  }

  @Test(.requires("python3"))
  func lingerBoundsTheWaitForThePeersEnd() throws {
    let (peer, port) = try ScriptedPeer.serve("receive", "wait", input: .pipe)
    let sender = try tcptool(
      "send", "--linger", "200ms", "127.0.0.1", "\(port)", input: .bytes(Self.data(65_536)))
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(0), "\(sent.errorText)")
    #expect(sent.elapsed >= .milliseconds(200))
    peer.closeInput()
    expectSame(try peer.wait().output, Self.data(65_536))
  }

  // MARK: Our own end does not do its part

  /// The smaller one may have been acknowledged as a whole before the disk is full: our FIN is due
  /// only behind the last byte on the disk, and it becomes an RST.
  @Test(.requiresPrivateNetwork, arguments: [(16 << 20, [Int32(21)]), (100_000, [20, 21])])
  func aFullDiskIsALocalFailure(size: Int, senderStatuses: [Int32]) throws {
    let directory = try TemporaryDirectory()
    let network = try PrivateNetwork(
      mounts: true, setUp: ["mount -t tmpfs -o size=64k tmpfs \(directory.path)"])
    let target = directory.file("received")
    let receiver = try tcptool("recv", "127.0.0.1", "0", "--output", target, in: network)
    let port = try announcedPort(of: receiver)
    let sender = try tcptool(
      "send", "127.0.0.1", "\(port)", input: .bytes(Self.data(size)), in: network)
    let received = try receiver.wait()
    #expect(received.outcome == .exited(24))
    #expect(received.errorText.contains("ENOSPC"))
    // The sender hears of it: nothing that was lost counts as delivered.
    let sent = try sender.wait()
    #expect(senderStatuses.contains { sent.outcome == .exited($0) }, "\(sent)")
    let listing = try run(network.command(["ls", directory.path]))
    #expect(listing.outputText == "received.tcptool-part\n")
  }

  @Test(.requires("python3"), arguments: ["recv", "listen"])
  func aFullDeviceIsALocalFailure(_ subcommand: String) throws {
    let receiver = try tcptool(subcommand, "127.0.0.1", "0", output: .file("/dev/full"))
    let peer = try Child(
      ScriptedPeer.client(of: try announcedPort(of: receiver), ["send", "finish"]),
      input: .bytes(Self.data(1)))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(24))
    #expect(received.errorText.contains("ENOSPC"))
    try peer.wait()
  }

  /// Nobody listens there: had it connected first, the status would be 11.
  @Test(arguments: [("", "EISDIR"), ("/nosuch", "ENOENT")])
  func theInputIsLookedAtBeforeAnythingIsConnected(_ name: String, _ cause: String) throws {
    let directory = try TemporaryDirectory()
    let port = "\(try unusedPort())"
    let sent = try tcptool("send", "127.0.0.1", port, directory.path + name).wait()
    #expect(sent.outcome == .exited(24))
    #expect(sent.errorText.contains(cause))
    #expect(try tcptool("send", "127.0.0.1", port, "/dev/null").wait().outcome == .exited(11))
  }

  // MARK: Kinds of standard input

  /// A FIFO whose writer is gone before the program starts has an end all the same.
  @Test func aFifoWhoseWriterHasGone() throws {
    let directory = try TemporaryDirectory()
    let fifo = directory.file("fifo")
    try #require(unsafe mkfifo(fifo, 0o600) == 0)
    let receiver = try tcptool("recv", "127.0.0.1", "0")
    let port = try announcedPort(of: receiver)
    // The shell has the FIFO open for reading when `printf` ends, and only then starts the program.
    let sender = try Child([
      "sh", "-c", "exec 3<>\"$1\"; exec <\"$1\"; printf text >&3; exec 3>&-; exec \"$2\" send $3",
      "sh", fifo, try Tool.path, "127.0.0.1:\(port)",
    ])
    #expect(try sender.wait().outcome == .exited(0))
    #expect(try receiver.wait().outputText == "text")
  }
}
