// --hex-dump of `listen`: the bytes of one connection and of several, in a file and on standard
// output.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("python3")) struct HexDumps {
  /// A dump without its times, which no two runs share.
  private func withoutTimes(_ text: String) -> String {
    text.replacing(#/[0-9]+\.[0-9]{6} s/#, with: "T s")
  }

  @Test func inAFileTheDataStayData() throws {
    let directory = try TemporaryDirectory()
    let dump = directory.file("dump")
    let server = try RunningServer("--hex-dump", dump, input: .text("answer\n"))
    // The answer is there before the question, and the end of each comes last.
    let client = try server.client("receive", "send", "finish", input: .text("question?\u{7f}\n"))
    #expect(try client.wait().outputText == "answer\n")
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.outputText == "question?\u{7f}\n")
    #expect(
      withoutTimes(String(decoding: contents(of: dump), as: UTF8.self)) == """
        > T s  7 bytes
        > 00000000  61 6e 73 77 65 72 0a                              |answer.|
        < T s  11 bytes
        < 00000000  71 75 65 73 74 69 6f 6e  3f 7f 0a                 |question?..|

        """)
  }

  @Test func onStandardOutputItTakesTheirPlace() throws {
    let server = try RunningServer("--echo", "--hex-dump", "-")
    let client = try server.client("send", "finish", "receive", input: .text("\u{1b}[31mred"))
    #expect(try client.wait().outputText == "\u{1b}[31mred")
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(
      withoutTimes(done.outputText) == """
        < T s  8 bytes
        < 00000000  1b 5b 33 31 6d 72 65 64                           |.[31mred|
        > T s  8 bytes
        > 00000000  1b 5b 33 31 6d 72 65 64                           |.[31mred|

        """)
  }

  /// Offsets are those of a connection, and each line says whose it is.
  @Test func severalConnectionsAreTagged() throws {
    let server = try RunningServer("-k", "--echo", "--hex-dump", "-")
    let first = try server.client("both", input: .pipe)
    try first.write("one")
    try waitForBytes(3, from: first)
    let second = try server.client("both", input: .pipe)
    try second.write("two")
    try waitForBytes(3, from: second)
    try first.write("more of one")
    try waitForBytes(14, from: first)
    for client in [first, second] {
      client.closeInput()
      try client.wait()
    }
    let text = withoutTimes(try server.stop().outputText)
    #expect(
      text == """
        #1 < T s  3 bytes
        #1 < 00000000  6f 6e 65                                          |one|
        #1 > T s  3 bytes
        #1 > 00000000  6f 6e 65                                          |one|
        #2 < T s  3 bytes
        #2 < 00000000  74 77 6f                                          |two|
        #2 > T s  3 bytes
        #2 > 00000000  74 77 6f                                          |two|
        #1 < T s  11 bytes
        #1 < 00000003  6d 6f 72 65 20 6f 66 20  6f 6e 65                 |more of one|
        #1 > T s  11 bytes
        #1 > 00000003  6d 6f 72 65 20 6f 66 20  6f 6e 65                 |more of one|

        """)
  }

  /// The whole of it, both ways, put together again from the dump.
  @Test func nothingIsLeftOut() throws {
    let directory = try TemporaryDirectory()
    let dump = directory.file("dump")
    let data = bytes(count: 300_000, seed: 101)
    let server = try RunningServer("--echo", "--hex-dump", dump)
    expectSame(try server.client("both", input: .bytes(data)).wait().output, data)
    #expect(try server.tool.wait().outcome == .exited(0))
    var ways: [Substring: [UInt8]] = [:]
    for line in String(decoding: contents(of: dump), as: UTF8.self).split(separator: "\n") {
      let words = line.prefix { $0 != "|" }.split(separator: " ")
      guard line.contains("|") else { continue }
      #expect(Int(words[1], radix: 16) == ways[words[0], default: []].count)
      ways[words[0], default: []] += words.dropFirst(2).compactMap { UInt8($0, radix: 16) }
    }
    expectSame(ways["<"] ?? [], data)
    expectSame(ways[">"] ?? [], data)
  }

  @Test func aFullDiskIsAFailureAtTheEnd() throws {
    for options in [["--hex-dump", "/dev/full"], ["--hex-dump", "-"]] {
      let server = try RunningServer(
        "--echo", options[0], options[1], output: .file("/dev/full"))
      // The connection is served all the same.
      #expect(try server.client(.python3, input: .text("x")).wait().outputText == "x")
      let done = try server.tool.wait()
      #expect(done.outcome == .exited(24), "\(done)")
      #expect(
        done.errorText.contains("no space left on device (ENOSPC); the hex dump is not whole\n"))
    }
    let missing = try run(
      [try Tool.path, "listen", "--hex-dump", "/nonexistent/dump", "127.0.0.1", "0"])
    #expect(missing.outcome == .exited(24))
    #expect(missing.errorText.hasPrefix("Error: open /nonexistent/dump: "))
  }
}
