// Data that `send` makes itself, without a file: patterns that `recv` compares byte by byte, and sending
// for so long.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.waits, .timeLimit(.minutes(5))) struct Patterns {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test(
    arguments: ["zero", "counter", "random", "random:18446744073709551615"],
    // The last one is more than the send buffer takes, and no whole number of parts.
    [0, 1, 65_536, 9_000_001])
  func whatSendMakesRecvVerifies(_ pattern: String, _ size: Int) throws {
    let receiver = try tcptool(
      "recv", "--verify", pattern, "--expect-size", "\(size)", "127.0.0.1", "0")
    let sender = try tcptool(
      "send", "--size", "\(size)", "--pattern", pattern, "127.0.0.1",
      "\(try announcedPort(of: receiver))")
    #expect(try sender.wait().outcome == .exited(0))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received)")
    #expect(
      received.errorText.contains("as expected: the size, every byte of \(pattern)"), "\(received)")
    #expect(received.output == [])
  }

  /// One wrong byte, one too few and one too many, all at the same place.
  @Test(arguments: ["wrong", "missing", "extra"]) func aDifferenceIsToldByItsPlace(_ kind: String)
    throws
  {
    let source = try tcptool("recv", "127.0.0.1", "0")
    try tcptool(
      "send", "--size", "200000", "--pattern", "random:7", "127.0.0.1",
      "\(try announcedPort(of: source))"
    ).wait()
    var data = try source.wait().output
    #expect(data.count == 200_000)
    let place = 123_456
    switch kind {
    case "wrong": data[place] ^= 1
    case "missing": data.remove(at: place)
    default: data.insert(data[place] ^ 1, at: place)
    }
    let target = directory.file("received")
    let receiver = try tcptool(
      "recv", "--verify", "random:7", "-o", target, "127.0.0.1", "0")
    let sender = try tcptool(
      "send", "127.0.0.1", "\(try announcedPort(of: receiver))", input: .bytes(data))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(23), "\(received)")
    #expect(received.errorText.contains("the byte at offset 123,456 is 0x"))
    if kind == "wrong" {
      #expect(received.errorText.contains("1 of 200,000 bytes differ from random:7"))
    }
    #expect(isTold(try sender.wait().outcome))
    #expect(!FileManager.default.fileExists(atPath: target))
  }

  /// A byte that is missing at the end leaves the rest right: only the size tells.
  @Test func aPatternThatEndsEarlyIsFoundByItsSize() throws {
    let receiver = try tcptool(
      "recv", "--verify", "counter", "--expect-size", "1000", "127.0.0.1", "0")
    let sender = try tcptool(
      "send", "--size", "999", "--pattern", "counter", "127.0.0.1",
      "\(try announcedPort(of: receiver))")
    let received = try receiver.wait()
    #expect(received.outcome == .exited(23), "\(received)")
    #expect(received.errorText.contains("short: 999 of 1,000 bytes"))
    try sender.wait()
  }

  @Test func sendingForSoLongEndsByItself() throws {
    let receiver = try tcptool("recv", "--discard", "127.0.0.1", "0")
    let sender = try tcptool(
      "send", "--duration", "300ms", "127.0.0.1", "\(try announcedPort(of: receiver))")
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(0), "\(sent)")
    #expect(sent.elapsed >= .milliseconds(300))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0))
    // Both say how much it was.
    let told = try #require(sent.errorText.firstMatch(of: /sent (.*?) \(all/)).1
    #expect(
      received.errorText.contains("received \(told) "), "\(sent.errorText)\(received.errorText)")
  }

  /// Ctrl-C: the receiver must not take what it has for the whole.
  @Test func aSourceWithoutAnEndIsInterrupted() throws {
    let receiver = try tcptool("recv", "--discard", "127.0.0.1", "0")
    let sender = try tcptool(
      "send", "--duration", "1h", "--verbose", "127.0.0.1",
      "\(try announcedPort(of: receiver))")
    try sender.waitForLine(containing: "connected ")
    try sender.signal(SIGINT)
    #expect(try sender.wait().outcome == .signalled(SIGINT))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(20), "\(received)")
  }
}
