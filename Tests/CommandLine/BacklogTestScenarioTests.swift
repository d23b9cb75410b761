// The experiments of backlog-test beside the plain one: traffic, another listen(2), shared ports, late
// last ACKs, the tour, and another program's listener.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requiresPrivateNetwork) struct BacklogTestScenarios {
  // MARK: Own listeners

  @Test(.timeLimit(.minutes(5)))
  func aSlowAcceptorOverflows() throws {
    let directory = try TemporaryDirectory()
    let files = (directory.file("t.svg"), directory.file("t.csv"))
    let found = try backlogTest([
      "--backlog", "4", "--accept-rate", "10", "--arrival-rate", "100", "--duration", "1.5s",
      "--svg", files.0, "--samples", files.1,
    ])
    #expect(found["event"] as? String == "backlog_test_traffic")
    // One more for each further processor that lets a connection in at the same moment.
    let most = 5...(4 + ProcessInfo.processInfo.processorCount)
    #expect(most.contains(try number(found, "listener", "accept_queue_most")))
    // A machine that is busy with other things may not get to all of the 150.
    #expect((20...150).contains(try number(found, "connects")))
    #expect(try number(found, "first_drop", "connect") > 5)
    #expect(try number(found, "clients", "syn_sent") > 0)
    #expect(try String(contentsOfFile: files.0, encoding: .utf8).contains("first drop"))
    let rows = try String(contentsOfFile: files.1, encoding: .utf8).split(separator: "\n")
    #expect(
      rows.first
        == "elapsed_us,connects,accepted,accept_queue,backlog,waiting,syn_recv,ghosts,drops")
    #expect(rows.count > 5)
  }

  @Test(.timeLimit(.minutes(5)))
  func anAcceptorThatKeepsUpDropsNothing() throws {
    let done = try tcptool([
      "backlog-test", "--arrival-rate", "20", "--accept-rate", "200", "--duration", "500ms",
      "--expect", "drops=0 and accept<=limit",
    ])
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.outputText.hasPrefix("verdict     the acceptor keeps up"))
    #expect(done.outputText.contains("  time  arrived  accepted  queue"))
  }

  @Test func onlyAnotherListenAppliesASetting() throws {
    let found = try backlogTest([
      "--backlog", "64", "--set", "somaxconn=4", "--relisten", "9",
      "--expect", "setting_changed.effective=4 and effective=9",
    ])
    #expect(try number(found, "listened", "listener", "accept_queue") == 5)
    #expect(try number(found, "setting_changed", "listener", "accept_queue") == 5)
    #expect(try number(found, "listened_again", "listener", "accept_queue") == 10)
    let text = try tcptool(["backlog-test", "--set", "somaxconn=4", "--relisten", "9"]).outputText
    #expect(text.contains("net.core.somaxconn from 4 to 9 changed nothing for the listener"))
  }

  @Test func aGroupSharesAPort() throws {
    let found = try backlogTest(["--backlog", "8", "--reuse-port", "4", "--count", "40"])
    #expect(try number(found, "capacity") == 36)
    let held = try number(found, "accept_queue")
    let waiting = try number(found, "clients", "syn_sent")
    #expect(held + waiting == 40)
    #expect((found["members"] as? [Any])?.count == 4)
    let text = try tcptool(["backlog-test", "--backlog", "8", "--reuse-port", "2"]).outputText
    #expect(text.contains("\nqueue 2     "))
  }

  @Test(arguments: [0, 1])
  func lateLastACKsMeetAFullQueue(_ abort: Int) throws {
    let found = try backlogTest([
      "--backlog", "8", "--late-acks", "5", "--set", "tcp_abort_on_overflow=\(abort)",
    ])
    #expect(try number(found, "clients", "reset") == (abort == 1 ? 4 : 0))
    #expect(try number(found, "syn_recv") == (abort == 1 ? 0 : 4))
    #expect(try number(found, "listener", "accept_queue") == 9)
  }

  @Test(.timeLimit(.minutes(5)))
  func theTourStepsOnByItselfWhereNobodyWatches() throws {
    let done = try tcptool(["backlog-test", "--demo"])
    #expect(done.outcome == .exited(0), "\(done)")
    let titles = [
      "1 of 5  The accept queue", "2 of 5  The SYN queue", "3 of 5  The clamp",
      "4 of 5  SYN cookies", "5 of 5  The slow acceptor",
    ]
    for title in titles { #expect(done.outputText.contains(title + "\n"), "\(title)") }
    #expect(done.outputText.contains("6 of 6 places taken"))
    #expect(done.outputText.contains("17 of 17 places taken"))
    #expect(done.errorText == "")
  }

  // MARK: Another program's listener

  private func holder(_ backlog: Int) throws -> (Child, String) {
    let tool = try Child(
      [Tool.path, "listen", "--hold", "--backlog", "\(backlog)", "127.0.0.1", "0"], input: .pipe)
    let line = try tool.waitForLine(containing: "listening on ")
    let address = try #require(line.split { $0 == " " || $0 == "," }.first { $0.contains(":") })
    return (tool, String(address))
  }

  @Test(arguments: [0, 1, 7, 128])
  func itsBacklogIsFoundFromOutside(_ backlog: Int) throws {
    let (server, address) = try holder(backlog)
    let done = try tcptool(["backlog-test", address, "--expect", "backlog=\(backlog)"])
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.outputText.contains("so that the backlog in force is \(backlog)\n"))
    // What stays behind is said before anything is done.
    #expect(done.errorText.hasPrefix("what this puts into the queue of \(address) stays there"))
    #expect(server.isRunning)
  }

  @Test func whatWaitedBeforeIsCounted() throws {
    let (server, address) = try holder(5)
    _ = try tcptool(["backlog-test", address, "--count", "3"])
    let found = try backlogTest([address, "--probe-data"])
    #expect(try number(found, "leftovers") == 3)
    #expect(try number(found, "connected") == 3)
    #expect(try number(found, "backlog_found") == 5)
    #expect(try number(found, "acknowledged") == 3)
    #expect(try number(found, "unacknowledged") == 0)
    #expect(server.isRunning)
  }

  @Test func aServerThatAcceptsIsSaidToAccept() throws {
    let server = try Child(
      [Tool.path, "listen", "--keep-open", "--discard", "127.0.0.1", "0"], input: .pipe)
    let line = try server.waitForLine(containing: "listening on ")
    let address = try #require(line.split { $0 == " " || $0 == "," }.first { $0.contains(":") })
    let found = try backlogTest([String(address), "--count", "50"])
    #expect(found["backlog_found"] is NSNull)
    #expect((found["verdict"] as? String)?.isEmpty == false)
  }

  @Test func nothingListensThere() throws {
    let port = try unusedPort()
    let done = try tcptool(["backlog-test", "127.0.0.1:\(port)"])
    #expect(done.outcome == .exited(11))
    #expect(done.errorText.contains("connection refused; nothing listens there"))
  }

  @Test(arguments: [
    (["192.0.2.1:80"], "allow it with --allow-remote and a --count of at most 1024"),
    (
      ["192.0.2.1", "80", "--allow-remote", "--count", "1025"],
      "1025 clients are too many for another host"
    ),
  ])
  func anotherHostHasToBeAllowed(_ words: [String], _ message: String) throws {
    let done = try tcptool(["backlog-test"] + words)
    #expect(done.outcome == .exited(64), "\(done)")
    #expect(done.errorText.contains(message), "\(done)")
  }
}

// MARK: On a terminal

@Suite(.waits, .requires("tmux"), .requiresPrivateNetwork) struct BacklogTestOnATerminal {
  private func terminal(_ words: [String], columns: Int) throws -> Terminal {
    try Terminal(
      columns: columns, rows: 100,
      command: [Tool.path] + words)
  }

  /// Both queues while they fill, and nothing of that when it is over.
  @Test(.timeLimit(.minutes(5)), arguments: [80, 200])
  func thePictureIsLiveAndGoesAway(_ columns: Int) throws {
    // Who looks too late for a short one sees a longer one.
    var seen: Terminal?
    for duration in ["2s", "20s"] where seen == nil {
      let terminal = try terminal(
        ["backlog-test", "--accept-rate", "5", "--backlog", "4", "--duration", duration],
        columns: columns)
      let screen = try terminal.waitFor { screen in
        screen.contains("END: ")
          || ["\nSYN queue     ", "accept queue  ", " of 5", " of 20 connects"]
            .allSatisfy { screen.contains($0) }
      }
      if !screen.contains("END: ") { seen = terminal }
    }
    let terminal = try #require(seen)
    let screen = try terminal.waitFor { $0.contains("END: status 0") }
    #expect(!screen.contains("accept queue  "))
    #expect(screen.hasPrefix("verdict     "))
    for row in screen.split(separator: "\n") { #expect(row.count <= columns, "\(row)") }
  }

  @Test(.timeLimit(.minutes(5)), arguments: [80, 200])
  func everyViewFits(_ columns: Int) throws {
    for words in [
      ["--explain", "--backlog", "5000"], ["--queue", "both", "--backlog", "5"],
      ["--sweep", "0,1,5,128"], ["--relisten", "9", "--set", "somaxconn=4"],
      ["--reuse-port", "3", "--backlog", "4"],
    ] {
      let terminal = try terminal(["backlog-test"] + words, columns: columns)
      let screen = try terminal.waitFor { $0.contains("END: status 0") }
      for row in screen.split(separator: "\n") {
        #expect(row.count <= columns, "\(row)")
        // Broken between words: no row that the terminal itself had to break begins in its middle.
        #expect(!row.hasPrefix(" of ") && !row.hasPrefix(","), "\(row)")
      }
    }
  }

  @Test(.timeLimit(.minutes(5))) func theTourWaitsForAReader() throws {
    let terminal = try terminal(["backlog-test", "--demo"], columns: 80)
    try terminal.waitFor { $0.contains("1 of 5") && $0.contains("Enter goes on") }
    try terminal.send("Enter")
    try terminal.waitFor { $0.contains("2 of 5") && $0.contains("Enter goes on") }
    try terminal.type("q")
    try terminal.send("Enter")
    let screen = try terminal.waitFor { $0.contains("END: status 0") }
    #expect(!screen.contains("3 of 5"))
    #expect(!screen.contains("Enter goes on"))
  }

  @Test(.timeLimit(.minutes(5))) func colourAndItsAbsence() throws {
    for (environment, isColoured) in [([:], true), (["NO_COLOR": "1"], false)]
      as [([String: String], Bool)]
    {
      let terminal = try Terminal(
        columns: 80, rows: 100, command: [Tool.path, "backlog-test", "-b1"],
        environment: environment)
      try terminal.waitFor { $0.contains("\nEND") }
      #expect(try terminal.styledScreen.contains("\u{1b}[") == isColoured)
    }
  }

  @Test(.timeLimit(.minutes(5))) func ctrlCLeavesNothing() throws {
    let terminal = try Terminal(
      columns: 80, rows: 100,
      command: [Tool.path, "backlog-test", "--accept-rate", "5", "--duration", "60s"])
    try terminal.waitFor { $0.contains("\nSYN queue     ") }
    try terminal.send("C-c")
    let screen = try terminal.waitFor { $0.contains("END: status 130") }
    #expect(!screen.contains("SYN queue"))
  }
}
