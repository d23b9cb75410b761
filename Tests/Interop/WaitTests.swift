// connect --wait: until the port accepts, or the time is over, or Ctrl-C.

import Glibc
import TestSupport
import Testing

@Suite(.waits) struct Waiting {
  @Test(arguments: ["connect", "send"])
  func itConnectsOnceThePortAccepts(_ subcommand: String) throws {
    let port = try unusedPort()
    let tool = try tcptool(subcommand, "--wait", "60s", "127.0.0.1", "\(port)")
    let line = try tool.waitForLine(containing: "waiting up to ")
    #expect(
      line.hasPrefix(
        "waiting up to 1 min for 127.0.0.1:\(port) to accept; so far: connect to "
          + "127.0.0.1:\(port): connection refused (ECONNREFUSED)"), "\(line)")
    let listener = try tcptool("recv", "127.0.0.1", "\(port)")
    let accepted = try tool.waitForLine(containing: " accepts after ")
    #expect(accepted.contains(", at try "))
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.errorText.split(separator: "\n").filter { $0.contains("waiting") }.count == 1)
    #expect(try listener.wait().outcome == .exited(0))
  }

  @Test func theLastFailureHasTheStatus() throws {
    let port = try unusedPort()
    let done = try tcptool("connect", "--wait", "250ms", "127.0.0.1", "\(port)").wait()
    #expect(done.outcome == .exited(11), "\(done)")
    #expect(done.elapsed >= .milliseconds(250))
    let last = try #require(done.errorText.split(separator: "\n").last)
    #expect(last.hasPrefix("Error: connect to 127.0.0.1:\(port): connection refused"))
    #expect(last.firstMatch(of: /; waited [0-9.]+ m?s, [0-9]+ tr(y|ies)$/) != nil, "\(last)")
  }

  @Test func aFailureOfTheOwnEndIsNotWaitedFor() throws {
    let done = try tcptool(
      "connect", "--wait", "1h", "--source", "192.0.2.77", "127.0.0.1", "1"
    ).wait()
    #expect(done.outcome == .exited(15), "\(done)")
    #expect(!done.errorText.contains("waiting"))
  }

  @Test func nothingIsSaidOfAPortThatAcceptsAtOnce() throws {
    let listener = try tcptool("recv", "127.0.0.1", "0")
    let port = try announcedPort(of: listener)
    let done = try tcptool("connect", "--wait", "1h", "127.0.0.1", "\(port)").wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(!done.errorText.contains("wait"))
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func aSignalEndsIt(_ signal: Int32) throws {
    let port = try unusedPort()
    let tool = try tcptool("connect", "--wait", "1h", "127.0.0.1", "\(port)")
    try tool.waitForLine(containing: "waiting up to ")
    try tool.signal(signal)
    #expect(try tool.wait().outcome == .signalled(signal))
  }
}
