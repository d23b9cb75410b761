// --streams of `send` and `recv`: several connections in one process, and their sums.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.waits, .timeLimit(.minutes(5))) struct Streams {
  // MARK: Both ends

  /// Every byte of every stream, whichever end connects.
  @Test(arguments: Role.allCases, ["counter", "random:7"])
  func allStreamsArrive(senderIs role: Role, pattern: String) throws {
    let size = 8_000_003
    let send = [
      "send", "--streams", "8", "--size", "\(size)", "--pattern", pattern, "--digest", "crc32c",
    ]
    let receive = [
      "recv", "--streams", "8", "--verify", pattern, "--digest", "crc32c", "--expect-size",
      "\(size)",
    ]
    let (waits, connects) =
      role == .client
      ? (receive + ["127.0.0.1", "0"], send) : (send + ["--listen", "127.0.0.1:0"], receive)
    let first = try Child([try Tool.path] + waits)
    let port = "\(try announcedPort(of: first))"
    let second = try Child(
      [try Tool.path] + connects + (role == .client ? [] : ["--connect"]) + ["127.0.0.1", port])
    let ends = [try second.wait(), try first.wait()]
    for end in ends {
      #expect(end.outcome == .exited(0), "\(end)")
      #expect(end.errorText.contains("8 streams: "), "\(end)")
    }
    #expect(
      ends.contains {
        $0.errorText.contains("8,000,003 bytes on 8 streams, as expected: the size, every byte")
      })
    // Each stream has a digest, and both ends say the same ones; which is which may differ.
    let digests = ends.map { end in
      end.errorText.split(separator: "\n").filter { $0.contains("  stream-") }
        .map { String($0.prefix(8)) }.sorted()
    }
    #expect(digests[0].count == 8 && digests[0] == digests[1])
  }

  @Test func eachStreamHasItsFile() throws {
    let directory = try TemporaryDirectory()
    let receiver = try tcptool(
      "recv", "--streams", "3", "-o", directory.file("part-%n"), "127.0.0.1", "0")
    let sent = try tcptool(
      "send", "--streams", "3", "--size", "1000", "--pattern", "counter", "127.0.0.1",
      "\(try announcedPort(of: receiver))"
    ).wait()
    #expect(sent.outcome == .exited(0), "\(sent)")
    #expect(try receiver.wait().outcome == .exited(0))
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
    #expect(names == ["part-1", "part-2", "part-3"])
    let parts = names.map { contents(of: directory.file($0)) }
    #expect(parts.map(\.count).sorted() == [333, 333, 334])
    // The pattern starts anew in each.
    for part in parts { #expect(Array(part[7..<16]) == [0, 0, 0, 0, 0, 0, 0, 0, 1]) }
  }

  /// The sum, and each stream beside it: the intervals of all have the same ends and add up.
  @Test func intervalsAddUp() throws {
    let directory = try TemporaryDirectory()
    let plot = directory.file("plot.svg")
    let receiver = try tcptool("recv", "--json", "--streams", "4", "--discard", "127.0.0.1", "0")
    let line = try receiver.waitForLine(containing: "\"listening\"")
    let port = try #require(line.firstMatch(of: /"port":([0-9]+)/)).1
    let size = 16 << 20
    let sent = try tcptool(
      "send", "--json", "--streams", "4", "-i", "50ms", "--svg", plot, "--size", "\(size)",
      "--rate", "400Mbit", "127.0.0.1", String(port)
    ).wait()
    #expect(sent.outcome == .exited(0), "\(sent.errorText)")
    #expect(try receiver.wait().outcome == .exited(0))
    let intervals = try events("interval", in: sent.errorText)
    let sums = intervals.filter { $0["streams"] as? Int == 4 }
    #expect(sums.count >= 3 && sums.allSatisfy { $0["connection"] is NSNull })
    let whole = sum("bytes", of: sums)
    #expect(whole == size)
    for number in 1...4 {
      let own = intervals.filter { $0["connection"] as? Int == number }
      let bytes = sum("bytes", of: own)
      #expect(bytes == size / 4, "#\(number)")
      #expect(own.allSatisfy { $0["tcp_info"] is [String: Any] })
    }
    let totals = try #require(try events("streams", in: sent.errorText).first)
    #expect(totals["bytes_acknowledged"] as? Int == size)
    #expect(totals["failed"] as? Int == 0 && totals["connections"] as? Int == 4)
    // The rate was that of all together: a burst of each is let through at once.
    let rate = try #require(totals["bits_per_second"] as? Int)
    #expect(rate < 600_000_000)
    #expect(totals["limited_by"] as? String == "rate" || rate < 340_000_000)
    #expect(String(decoding: contents(of: plot), as: UTF8.self).contains("on 4 streams"))
  }

  @Test func theDurationHoldsForAll() throws {
    let receiver = try tcptool("recv", "--streams", "8", "--discard", "127.0.0.1", "0")
    let began = ContinuousClock.now
    let sent = try tcptool(
      "send", "--streams", "8", "--duration", "300ms", "127.0.0.1",
      "\(try announcedPort(of: receiver))"
    ).wait()
    #expect(sent.outcome == .exited(0), "\(sent)")
    #expect(ContinuousClock.now - began >= .milliseconds(300))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0))
    #expect(received.errorText.contains("slowest #"))
  }

  // MARK: The size of all

  @Test(arguments: [
    ("3000000", "short: 2,000,000 of 3,000,000 bytes received on all streams"),
    ("1000000", "more received on all streams than the 1,000,000 bytes that were expected"),
  ])
  func aWrongSizeOfAllIsRefused(_ expected: String, _ words: String) throws {
    let receiver = try tcptool(
      "recv", "--streams", "4", "--discard", "--expect-size", expected, "127.0.0.1", "0")
    let sent = try tcptool(
      "send", "--streams", "4", "--size", "2000000", "127.0.0.1",
      "\(try announcedPort(of: receiver))"
    ).wait()
    let received = try receiver.wait()
    #expect(received.outcome == .exited(23), "\(received)")
    #expect(received.errorText.contains(words), "\(received)")
    #expect(isTold(sent.outcome), "\(sent)")
  }

  // MARK: Words

  @Test(arguments: [
    (["send", "--streams", "4", "h", "1", "file"], "'--streams' needs '--size' or '--duration'"),
    (["send", "--streams", "0", "--size", "1", "h", "1"], "'0' is invalid for '--streams <n>'"),
    (["send", "--streams", "1025", "--size", "1", "h", "1"], "invalid for '--streams <n>'"),
    (
      ["send", "--streams", "2", "--size", "1", "--source", "127.0.0.1:9", "h", "1"],
      "only one can have the local port 9"
    ),
    (["recv", "--streams", "4", "1"], "needs '--discard' or '--verify' or '--output'"),
    (["recv", "--streams", "4", "--verify", "zero", "-o", "-", "1"], "would be mixed"),
    (["recv", "--streams", "4", "-o", "name", "1"], "put '%n' into '--output name'"),
    (["recv", "--streams", "4", "--keep-open", "1"], "'--streams' and '--keep-open' exclude"),
  ])
  func whatMakesNoSenseIsRefused(_ words: [String], _ text: String) throws {
    let done = try Child([try Tool.path] + words).wait()
    #expect(done.outcome == .exited(64))
    #expect(done.errorText.contains(text), "\(done)")
  }
}
