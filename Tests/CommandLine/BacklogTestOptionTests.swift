// The options of backlog-test at the built program: each one's effect, what is refused, where the
// output goes, and what is left when it cannot go there.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requiresPrivateNetwork) struct BacklogTestOptionsAtTheProgram {
  @Test func theSYNQueueIsFilledByHandshakesThatDoNotEnd() throws {
    let found = try backlogTest(["--queue", "syn", "--backlog", "8", "--set", "tcp_syncookies=0"])
    #expect(found["queue"] as? String == "syn")
    #expect(try number(found, "syn_recv") == 9)
    #expect(try number(found, "listener", "accept_queue") == 0)
    #expect(try number(found, "first_drop", "connect") == 10)
    #expect(try number(found, "sysctl", "tcp_syncookies") == 0)
  }

  @Test func bothQueuesAreTwoObjects() throws {
    let found = try backlogTest(["--queue", "both", "--backlog", "3", "--set", "tcp_syncookies=1"])
    #expect(found["event"] as? String == "backlog_test_both")
    #expect(try number(found, "accept", "listener", "accept_queue") == 4)
    #expect(try number(found, "syn", "syn_recv") == 4)
    #expect(found["match"] as? Bool == true)
  }

  @Test func settingsHoldInThePrivateNamespaceAlone() throws {
    let before = try String(contentsOfFile: "/proc/sys/net/core/somaxconn", encoding: .utf8)
    let found = try backlogTest([
      "--backlog", "128", "--set", "somaxconn=16", "--isolate", "always",
    ])
    #expect(try number(found, "effective") == 16)
    #expect(try number(found, "listener", "accept_queue") == 17)
    #expect(found["isolated"] as? Bool == true)
    #expect((found["set"] as? [String: String]) == ["net.core.somaxconn": "16"])
    #expect(
      try String(contentsOfFile: "/proc/sys/net/core/somaxconn", encoding: .utf8) == before)
  }

  @Test func withoutIsolationItRunsHereAndSaysSo() throws {
    let found = try backlogTest(["--backlog", "5", "--isolate", "never"])
    #expect(found["isolated"] as? Bool == false)
    #expect(try number(found, "listener", "accept_queue") == 6)
    let text = try tcptool(["backlog-test", "--backlog", "5", "--isolate", "never"]).outputText
    #expect(text.words.contains("its counters are those of all listeners in it"))
  }

  @Test(arguments: [(["--count", "3"], 3, 3, 0), (["--count", "10", "-6"], 10, 6, 4)])
  func theNumberOfClientsIsObeyed(
    _ words: [String], _ connects: Int, _ held: Int, _ dropped: Int
  ) throws {
    let found = try backlogTest(["--backlog", "5"] + words)
    #expect(try number(found, "connects") == connects)
    #expect(try number(found, "listener", "accept_queue") == held)
    #expect(try number(found, "clients", "syn_sent") == dropped)
    #expect((found["first_drop"] is NSNull) == (dropped == 0))
  }

  @Test func aSweepIsARowForEach() throws {
    let words = ["backlog-test", "--sweep", "0,1..4*2,16"]
    let done = try tcptool(words + ["--json"])
    #expect(done.outcome == .exited(0), "\(done)")
    let rows = try done.outputText.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(try rows.map { try number($0, "asked") } == [0, 1, 2, 4, 16])
    #expect(try rows.map { try number($0, "listener", "accept_queue") } == [1, 2, 3, 5, 17])
    let text = try tcptool(words).outputText
    let table = text.split(separator: "\n").prefix { !$0.hasPrefix("verdict") }
    #expect(table.count == 6)
    #expect(table.last?.hasSuffix("backlog") == true)
  }

  @Test func aSettingIsSweptToo() throws {
    let done = try tcptool([
      "backlog-test", "--sweep-set", "somaxconn=1,7", "--backlog", "5", "--queue", "both",
    ])
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.outputText.hasPrefix("somaxconn  in force  accept q"))
    #expect(done.outputText.contains("somaxconn 1"))
  }

  // MARK: Expectations

  @Test(arguments: [
    (["accept>=6", "effective=5"], 0, ""), (["accept>=6 and syn=0, match"], 0, ""),
    (["accept>=1024"], 3, "Error: not as expected: accept>=1024: accept is 6\n"),
    (
      ["accept=6", "drops<1 and asked>5"], 3,
      "Error: not as expected: drops<1: drops is 32; asked>5: asked is 5\n"
    ),
  ])
  func expectationsDecideTheStatus(
    _ expectations: [String], _ status: Int32, _ message: String
  ) throws {
    for form in [[], ["--json"]] {
      let done = try tcptool(
        ["backlog-test", "--backlog", "5"] + form + expectations.flatMap { ["--expect", $0] })
      #expect(done.outcome == .exited(status), "\(done)")
      #expect(done.errorText == message)
      // The report is whole in any case.
      #expect(done.outputText.contains("verdict"))
    }
  }

  @Test func eachRowOfASweepHasToMeetThem() throws {
    let done = try tcptool(["backlog-test", "--sweep", "1,5", "--expect", "accept>=4"])
    #expect(done.outcome == .exited(3))
    #expect(done.errorText == "Error: not as expected: at 1: accept>=4: accept is 2\n")
  }

  @Test func aMistakeInAnExpectationIsPointedAt() throws {
    let done = try tcptool(["backlog-test", "--expect", "accept>=5 and acept<7"])
    #expect(done.outcome == .exited(64))
    #expect(done.output.isEmpty)
    #expect(
      done.errorText.hasPrefix(
        """
        Error: The result has no 'acept'. Did you mean 'accept'?
               accept>=5 and acept<7
                             ^^^^^
        Usage:
        """), "\(done)")
  }

  // MARK: Targets that are not reached

  /// Nothing is in a queue yet, and nothing is said of one.
  @Test func anotherHostWantsToBeAllowed() throws {
    let done = try tcptool(["backlog-test", "192.0.2.1", "80"])
    #expect(done.outcome == .exited(64))
    #expect(done.errorText.hasPrefix("Error: 192.0.2.1:80 is not on this host: "), "\(done)")
  }

  @Test(.requiresPrivateNetwork) func aTargetWithoutARouteIsUnreachable() throws {
    let network = try PrivateNetwork()
    let done = try run(
      network.command([
        Tool.path, "backlog-test", "--allow-remote", "--count", "2", "192.0.2.1", "80",
      ]))
    #expect(done.outcome == .exited(13), "\(done)")
    #expect(
      done.errorText.contains("network is unreachable (ENETUNREACH); this host has no route there"))
  }

  // MARK: Words that do not go together

  @Test(arguments: [
    (["--sweep", "1", "--backlog", "5"], "exclude each other: the list has the backlogs"),
    (["localhost", "80", "--backlog", "5"], "With '--backlog' there is no '<host>'"),
    (["localhost", "80", "--sweep", "5"], "With '--sweep' there is no '<host>'"),
    (["--allow-remote", "-c5"], "The option '--allow-remote' needs '<host>' and '<port>'"),
    (["--probe-data"], "The option '--probe-data' needs '<host>' and '<port>'"),
    (["--netns", "x"], "The option '--netns' needs '<host>' and '<port>'"),
    (["localhost", "80", "--allow-remote"], "The option '--allow-remote' needs '--count'"),
    (["--sweep", "5,x"], "The value '5,x' is invalid for '--sweep <list>'."),
    (
      ["--sweep", "4294967296"],
      "The backlog 4294967296 of '--sweep' has more than 32 bits; the kernel takes no larger one."
    ),
    (["--set", "somaxconn"], "The value 'somaxconn' is invalid for '--set <name=value>'."),
    (["--set", "nonsense=1"], "no setting 'nonsense' in the network namespace; /proc"),
    (["--set", "somaxcon=1"], "Did you mean 'somaxconn'?"),
    (["--set", "../../../kernel/panic=1"], "no setting '../../../kernel/panic'"),
    (["--queue", "all"], "The value 'all' is invalid for '--queue <queue>'."),
    (["--count", "0"], "The value '0' is invalid for '--count <n>'."),
    (["--demo", "--json"], "exclude each other: the tour has its own"),
    (["--demo", "localhost", "80"], "With '--demo' there is no '<host>'"),
    (
      ["--relisten", "5", "--late-acks", "5"], "exclude each other: it is an experiment of its own"
    ),
    (["--duration", "5s"], "The option '--duration' needs '--arrival-rate' or '--accept-rate'"),
    (["--accept-rate", "0"], "The value '0' is invalid for '--accept-rate <rate>'."),
    (["--samples", "x", "--sweep", "5"], "exclude each other"),
    (["localhost"], "Missing expected argument '<port>'"),
    (["localhost", "80", "90"], "Unexpected argument '90'"),
  ])
  func areRefused(_ words: [String], _ message: String) throws {
    let done = try tcptool(["backlog-test"] + words)
    #expect(done.outcome == .exited(64), "\(done)")
    #expect(done.errorText.contains(message), "\(done)")
    #expect(done.output.isEmpty)
  }

  @Test func aSettingNeedsIsolation() throws {
    let done = try tcptool(["backlog-test", "--set", "somaxconn=5", "--isolate", "never"])
    #expect(done.outcome == .exited(1))
    #expect(done.errorText.contains("private network namespace"), "\(done)")
    #expect(done.output.isEmpty)
  }

  @Test(arguments: [
    [], ["--queue", "both"], ["--sweep", "1,2"], ["--reuse-port", "2"], ["::1", "9"],
  ])
  func moreClientsThanThereAreDescriptorsAreRefused(_ words: [String]) throws {
    let done = try tcptool(["backlog-test", "--count", "\(Int.max)"] + words)
    #expect(done.outcome == .exited(15), "\(done)")
    #expect(done.errorText.contains("needs 9223372036854775807 descriptors"), "\(done)")
    #expect(done.output.isEmpty)
  }

  // MARK: Where the output goes

  @Test func aReaderThatWantsOneLineIsNoFailure() throws {
    for words in [["--explain"], ["--sweep", "1..64"], ["--json"]] {
      let done = try shell(#""$@" | head -n 1"#, ["backlog-test"] + words)
      #expect(done.outcome == .exited(0), "\(done)")
      #expect(done.outputText.split(separator: "\n").count == 1)
      #expect(done.errorText == "")
    }
  }

  @Test func filesAreWholeOrNotThere() throws {
    let directory = try TemporaryDirectory()
    let (plot, samples) = (directory.file("queue.svg"), directory.file("queue.csv"))
    let done = try tcptool([
      "backlog-test", "--backlog", "5", "--svg", plot, "--samples", samples,
    ])
    #expect(done.outcome == .exited(0), "\(done)")
    let drawn = try String(contentsOfFile: plot, encoding: .utf8)
    #expect(drawn.hasPrefix("<svg ") && drawn.hasSuffix("</svg>\n"))
    #expect(drawn.contains("first drop: connect 7"))
    let rows = try String(contentsOfFile: samples, encoding: .utf8).split(separator: "\n")
    #expect(rows.first == "connect,elapsed_us,accept_queue,backlog,syn_recv,drops")
    #expect(rows.count == 39)
    #expect(rows.last?.hasPrefix("38,") == true)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        == ["queue.csv", "queue.svg"])
  }

  @Test(arguments: ["--svg", "--samples"])
  func aFullDiskIsSaid(_ option: String) throws {
    let done = try tcptool(["backlog-test", "--backlog", "5", option, "/dev/full"])
    #expect(done.outcome == .exited(24), "\(done)")
    let message = "write to /dev/full: no space left on device (ENOSPC); nothing was saved"
    #expect(done.errorText == "Error: \(message)\n")
    let early = try tcptool(["backlog-test", option, "/nonexistent/file"])
    #expect(early.outcome == .exited(24))
    #expect(early.output.isEmpty, "found out before anything is measured")
  }

  @Test func aFullDiskBehindStandardOutputIsSaid() throws {
    for words in [["--backlog", "5"], ["--json"], ["--sweep", "1,2"]] {
      let done = try shell(#""$@" >/dev/full"#, ["backlog-test"] + words)
      #expect(done.outcome == .exited(24), "\(done)")
      #expect(done.errorText.contains("standard output"))
    }
  }

  @Test func theExplanationIsAsked() throws {
    let plain = try tcptool(["backlog-test", "--backlog", "5"]).outputText
    #expect(!plain.contains("sk_acceptq_is_full"))
    let text = try tcptool(["backlog-test", "--backlog", "5", "--explain"]).outputText
    for word in ["sk_acceptq_is_full", "tcp_conn_request", "64a146513f8f", "BSD", "6.13"] {
      #expect(text.contains(word), "\(word)")
    }
    #expect(text.contains("Seen here: 6 completed connections with a backlog of 5"))
  }
}
