// A signal in the middle of backlog-test's traffic: what was measured until then is told as such, and
// the signal ends the program.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.waits, .requiresPrivateNetwork, .timeLimit(.minutes(2)))
struct BacklogTestSignals {
  /// What /proc tells of the network namespace of a process; nil before there is any.
  private func counter(_ name: String, of group: String, _ pid: pid_t) throws -> Int? {
    let file = group == "Tcp:" ? "snmp" : "netstat"
    let rows = try kernelFile("/proc/\(pid)/net/\(file)").split(separator: "\n")
      .filter { $0.hasPrefix(group) }.map { $0.split(separator: " ") }
    guard rows.count == 2, let place = rows[0].firstIndex(of: Substring(name)) else { return nil }
    return Int(rows[1][place])
  }

  /// Lets the traffic run until its namespace has counted so much, and then sends the signal.
  private func interrupted(
    _ words: [String], by signal: Int32, at count: Int, _ name: String, of group: String
  ) throws -> Finished {
    func network(_ process: String) throws -> String {
      try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/net")
    }
    let host = try network("self")
    let child = try Child(
      [Tool.path, "backlog-test", "--isolate", "always", "--duration", "60s"] + words)
    let hasCome = try eventually(within: .seconds(60)) {
      // Not those of the host, where it is before it has entered its own.
      try network("\(child.pid)") != host && counter(name, of: group, child.pid) ?? 0 >= count
    }
    #expect(hasCome)
    try child.signal(signal)
    return try child.wait(within: .seconds(60))
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func whatWasMeasuredIsTold(_ signal: Int32) throws {
    let directory = try TemporaryDirectory()
    let (plot, samples) = (directory.file("plot.svg"), directory.file("samples.csv"))
    let done = try interrupted(
      [
        "--accept-rate", "5", "--arrival-rate", "50", "--backlog", "4", "--svg", plot, "--samples",
        samples,
      ], by: signal, at: 3, "ListenOverflows", of: "TcpExt:")
    #expect(done.outcome == .signalled(signal), "\(done)")
    #expect(
      done.outputText.words.contains(
        #/^verdict interrupted after [0-9.]+ s of 60 s: the queue of 5 overflowed after /#),
      "\(done)")
    #expect(done.outputText.contains("  arrived  accepted  queue"))
    #expect(done.errorText == "")
    #expect(try String(contentsOfFile: plot, encoding: .utf8).contains("interrupted after "))
    let lines = try String(contentsOfFile: samples, encoding: .utf8).split(separator: "\n")
    #expect(lines.first?.hasPrefix("elapsed_us,connects,") == true && lines.count > 2)
  }

  /// What it might have come to is left open: the rest of the time was not seen.
  @Test func nothingIsSaidOfWhatWasNotSeen() throws {
    let rates = ["--accept-rate", "200", "--arrival-rate", "20"]
    let text = try interrupted(rates, by: SIGINT, at: 3, "ActiveOpens", of: "Tcp:")
    #expect(text.outcome == .signalled(SIGINT))
    #expect(
      text.outputText.words.contains(
        #/^verdict interrupted after [0-9.]+ s of 60 s: the queue held at most [0-9]+ of 129 /#),
      "\(text)")
    #expect(!text.outputText.contains("keeps up"))

    // An expectation is neither met nor missed.
    let done = try interrupted(
      rates + ["--json", "--expect", "drops=0", "--expect", "connects>100000"], by: SIGTERM, at: 3,
      "ActiveOpens", of: "Tcp:")
    #expect(done.outcome == .signalled(SIGTERM) && done.errorText == "", "\(done)")
    let found = try #require(
      try JSONSerialization.jsonObject(with: Data(done.output)) as? [String: Any], "\(done)")
    #expect(found["event"] as? String == "backlog_test_traffic")
    #expect(found["interrupted"] as? Bool == true)
    #expect(found["match"] is NSNull)
    #expect(try number(found, "connects") >= 3)
    #expect(try number(found, "duration_ms") < 60_000)
    let expected = try #require(found["expected"] as? [[String: Any]])
    #expect(expected.count == 2)
    for one in expected {
      #expect(one["met"] is NSNull)
      #expect((one["unmet"] as? [Any])?.isEmpty == true)
    }
  }

  @Test func whatIsNotInterruptedSaysSo() throws {
    let found = try backlogTest(["--accept-rate", "100", "--duration", "200ms"])
    #expect(found["interrupted"] as? Bool == false)
    #expect(found["match"] as? Bool == true)
  }

  /// The tour ends where it is, with what it has.
  @Test(.requires("tmux")) func theTourShowsWhatItHas() throws {
    let terminal = try Terminal(
      columns: 80, rows: 200, command: [Tool.path, "backlog-test", "--demo"])
    for stop in 1...4 {
      try terminal.waitFor { $0.contains("\(stop) of 5") && $0.contains("Enter goes on") }
      try terminal.send("Enter")
    }
    try terminal.waitFor { $0.contains("5 of 5") && $0.contains("SYN queue   ") }
    try terminal.send("C-c")
    let screen = try terminal.waitFor { $0.contains("END: status 130") }
    #expect(screen.contains("verdict     interrupted after "))
    #expect(!screen.contains("That was the tour"))
  }
}
