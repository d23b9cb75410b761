// `states --watch` on a terminal: what is on the screen, what keys do, and that it is given back.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("python3", "tmux"), .requiresPrivateNetwork) struct WatchScreens {
  /// A shell around the tool, so that what was on the screen before is seen again afterwards.
  private static func terminal(
    _ words: String..., columns: Int = 80, rows: Int = 24, in network: PrivateNetwork,
    environment: [String: String] = [:]
  ) throws -> Terminal {
    try Terminal(
      columns: columns, rows: rows,
      command: network.command(
        [
          "bash", "-c",
          #"trap : INT; echo BEFORE; "$@"; status=$?; echo "END $status"; stty -a | grep -o ' -\?icanon\| -\?echo '; exec cat"#,
          "bash", try Tool.path, "states", "--watch=50ms",
        ] + words), environment: environment)
  }

  /// Whatever lines it is broken into.
  private static func squeezed(_ screen: String) -> String {
    screen.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  private static func isGivenBack(_ screen: String, _ status: Int) -> Bool {
    // Both of its lines, and the modes without a minus.
    screen.contains("BEFORE") && screen.contains("END \(status)\n icanon\n echo")
      && !screen.contains("Recv-Q")
  }

  @Test(.timeLimit(.minutes(5)), arguments: [80, 200])
  func aConnectionGoesThroughItsStates(_ columns: Int) throws {
    let network = try PrivateNetwork()
    let peer = try WatchPeer(in: network)
    let terminal = try Self.terminal("--process", columns: columns, in: network)
    let start = try terminal.waitFor {
      $0.contains("LISTEN") && $0.contains("What happens between two readings is not seen.")
    }
    #expect(!start.contains("BEFORE"))
    try peer.take(.connect)
    try terminal.waitFor { $0.contains("pending accept") && $0.contains("+  ESTABLISHED") }
    try peer.take(.accept)
    try terminal.waitFor { $0.contains("ESTABLISHED (pending) → ESTABLISHED (accepted)") }
    try peer.take(.send)
    try peer.take(.finish)
    // Bytes that nobody reads are in the graph.
    try terminal.waitFor {
      Self.squeezed($0).contains("(accepted) → CLOSE_WAIT (EOF not read)") && $0.contains("█")
    }
    try peer.take(.read)
    try peer.take(.close)
    // Each is marked, and the one in TIME_WAIT has the process that it had.
    let last = try terminal.waitFor { screen in
      let rows = screen.split(separator: "\n")
      return Self.squeezed(screen).contains("→ TIME_WAIT")
        && rows.contains { $0.hasPrefix("-") } && rows.contains { $0.hasPrefix("*  TIME_WAIT") }
        && screen.contains("python3(\(peer.child.pid),fd=")
    }
    #expect(last.split(separator: "\n").allSatisfy { $0.count <= columns })
    // What is closed goes after a while.
    try terminal.waitFor { !$0.split(separator: "\n").contains { $0.hasPrefix("-") } }
    try terminal.send("q")
    try terminal.waitFor { Self.isGivenBack($0, 0) }
  }

  @Test(.timeLimit(.minutes(5)), arguments: [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)])
  func signalsGiveTheTerminalBack(_ signal: Int32, _ status: Int) throws {
    let network = try PrivateNetwork()
    let peer = try WatchPeer(in: network)
    defer { peer.child.closeInput() }
    let terminal = try Self.terminal(in: network)
    try terminal.waitFor { $0.contains("LISTEN") }
    if signal == SIGINT {
      try terminal.send("C-c")
    } else {
      let name = signal == SIGTERM ? "TERM" : "HUP"
      // The shell's child, and nothing else.
      _ = try run(
        network.command([
          "python3", "-c",
          """
          import os, signal
          for pid in filter(str.isdigit, os.listdir("/proc")):
              try:
                  words = open(f"/proc/{pid}/cmdline").read().split("\\0")
                  same = os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net")
              except OSError:
                  continue
              if same and words[1:3] == ["states", "--watch=50ms"]:
                  os.kill(int(pid), signal.SIG\(name))
          """,
        ]))
    }
    // The shell says “Terminated” by itself.
    try terminal.waitFor {
      $0.contains("BEFORE") && $0.contains("END \(status)\n icanon\n echo")
    }
  }

  @Test(.timeLimit(.minutes(5))) func theFilterIsEdited() throws {
    let network = try PrivateNetwork()
    let peer = try WatchPeer(in: network)
    try peer.take(.connect)
    let terminal = try Self.terminal(in: network)
    try terminal.waitFor { $0.contains("ESTABLISHED") && $0.contains("LISTEN") }
    try terminal.send("/")
    try terminal.type(":70xx")
    try terminal.send("Enter")
    try terminal.waitFor { $0.contains("/ :70xx\n  ^^^^^\nexpected a port") }
    // The mistake can be mended.
    try terminal.send("BSpace", "BSpace")
    try terminal.type("00 LISTEN")
    try terminal.send("Enter")
    try terminal.waitFor {
      !$0.contains("ESTABLISHED") && !$0.contains("j/k") && $0.contains("\n   LISTEN")
        && $0.contains("filter: :7000 LISTEN")
    }
    // Escape leaves the filter as it is.
    try terminal.send("/")
    try terminal.type("xx")
    try terminal.waitFor { $0.contains("/ :7000 LISTENxx") }
    try terminal.send("Escape")
    try terminal.waitFor { $0.contains("q quit") && $0.contains("filter: :7000 LISTEN ") }
    // An empty one shows everything.
    try terminal.send("/", "C-u", "Enter")
    try terminal.waitFor { $0.contains("ESTABLISHED") && !$0.contains("filter:") }
    try terminal.send("q")
    try terminal.waitFor { Self.isGivenBack($0, 0) }
  }

  @Test(.timeLimit(.minutes(5))) func pauseSortAndHelp() throws {
    let network = try PrivateNetwork()
    let peer = try WatchPeer(in: network)
    let terminal = try Self.terminal(in: network)
    try terminal.waitFor { $0.contains("LISTEN") }
    try terminal.send("p")
    try terminal.waitFor { $0.contains("PAUSED") && $0.contains("p go on") }
    try peer.take(.connect)
    try peer.take(.send)
    // Keys draw the screen again, and nothing is read.
    try terminal.send("?")
    try terminal.waitFor { $0.contains("any other key back") && $0.contains("opened") }
    try terminal.send("x")
    let paused = try terminal.waitFor { $0.contains("LISTEN") && $0.contains("PAUSED") }
    #expect(!paused.contains("ESTABLISHED"))
    try terminal.send("p")
    try terminal.waitFor { $0.contains("ESTABLISHED") && $0.contains("every 50ms") }
    // By state, then by the largest Recv-Q, then the other way round.
    try terminal.send("s")
    try terminal.waitFor { $0.contains("s sort: state") }
    try terminal.send("s")
    func states(_ screen: String) -> [String] {
      screen.split(separator: "\n").compactMap { row in
        row.dropFirst(3).split(separator: " ").first.map(String.init)
      }.filter { ["LISTEN", "ESTABLISHED"].contains($0) }
    }
    try terminal.waitFor {
      $0.contains("s sort: -recvq") && states($0).count == 3
        && states($0).first == "ESTABLISHED" && $0.contains("3000")
    }
    try terminal.send("S")
    try terminal.waitFor {
      $0.contains("s sort: recvq") && states($0).count == 3 && states($0).last == "ESTABLISHED"
    }
    try terminal.send("q")
    try terminal.waitFor { Self.isGivenBack($0, 0) }
  }

  @Test(.timeLimit(.minutes(5))) func manyRowsAreScrolledAndTheWindowIsResized() throws {
    let network = try PrivateNetwork()
    let script = """
      import socket, sys
      held = []
      for port in range(7000, 7100):
          s = socket.socket(); s.bind(("127.0.0.1", port)); s.listen(1); held.append(s)
      print("ready", flush=True)
      sys.stdin.read()
      """
    let peer = try Child(network.command(["python3", "-c", script]), input: .pipe)
    defer { peer.closeInput() }
    try peer.waitForLine(containing: "ready", in: .standardOutput)
    // COLUMNS says nothing about a window that is resized.
    let terminal = try Self.terminal(
      "--sort", "local", in: network, environment: ["COLUMNS": "50"])
    try terminal.waitFor { $0.contains("127.0.0.1:7000 ") && $0.contains("j/k 1-19 of 100") }
    try terminal.send("j", "Down")
    try terminal.waitFor { !$0.contains(":7001 ") && $0.contains("j/k 3-21 of 100") }
    try terminal.send("k")
    try terminal.waitFor { $0.contains(":7001 ") }
    try terminal.send("NPage")
    try terminal.waitFor { $0.contains("j/k 20-38 of 100") }
    try terminal.send("G")
    try terminal.waitFor { $0.contains(":7099 ") && $0.contains("j/k 82-100 of 100") }
    try terminal.send("g")
    try terminal.waitFor { $0.contains("127.0.0.1:7000 ") }
    try terminal.resize(columns: 120, rows: 40)
    try terminal.waitFor {
      $0.contains("j/k 1-35 of 100") && $0.split(separator: "\n").first?.count == 120
    }
    try terminal.resize(columns: 60, rows: 10)
    try terminal.waitFor { $0.contains("j/k 1-5 of 100") }
    // There is nothing that is too small.
    try terminal.resize(columns: 10, rows: 2)
    try terminal.waitFor { $0.contains("q quit") }
    try terminal.resize(columns: 80, rows: 24)
    try terminal.waitFor { $0.contains("j/k 1-19 of 100") }
    try terminal.send("q")
    try terminal.waitFor { Self.isGivenBack($0, 0) }
  }

  @Test(.timeLimit(.minutes(5)), arguments: [80, 200])
  func listenersHaveGraphs(_ columns: Int) throws {
    let network = try PrivateNetwork()
    let peer = try WatchPeer(in: network)
    let terminal = try Self.terminal("--listeners", columns: columns, in: network)
    // All of a listener is in one line.
    try terminal.waitFor { screen in
      let row = screen.split(separator: "\n").first { $0.contains("127.0.0.1:7000") }
      return row?.hasSuffix("IPv4") == true && row?.contains("0/9") == true
        && screen.contains("ListenOverflows 0")
    }
    for _ in 0..<4 { try peer.take(.connect) }
    try terminal.waitFor { $0.contains("4/9") && $0.contains("44%") && $0.contains("▄") }
    try terminal.send("q")
    try terminal.waitFor {
      $0.contains("BEFORE") && $0.contains("END 0") && !$0.contains("Accept-Q")
    }
  }

  @Test(.timeLimit(.minutes(5))) func listenersAreSorted() throws {
    let network = try PrivateNetwork()
    let maker = try QueueMaker.start(
      [
        "listen=127.0.0.1,7001,99", "connect=127.0.0.1,7001,5", "listen=127.0.0.1,7002,3",
        "connect=127.0.0.1,7002,3",
      ], in: network)
    defer { maker.closeInput() }
    func ports(_ screen: String) -> [Substring] {
      screen.matches(of: /127\.0\.0\.1:(700[12])/).map(\.output.1)
    }
    let terminal = try Self.terminal("--listeners", "--sort=-full", in: network)
    try terminal.waitFor { ports($0) == ["7002", "7001"] && $0.contains("s sort: -full") }
    try terminal.send("S")
    try terminal.waitFor { ports($0) == ["7001", "7002"] && $0.contains("s sort: full") }
    try terminal.send("s")
    try terminal.waitFor { $0.contains("s sort: -synq") }
    try terminal.send("q")
    try terminal.waitFor { $0.contains("END 0") }
  }

  /// Ctrl-Z gives the terminal to the shell, and fg gives it back.
  @Test(.timeLimit(.minutes(5))) func itIsSuspendedAndGoesOn() throws {
    let network = try PrivateNetwork()
    let peer = try WatchPeer(in: network)
    defer { peer.child.closeInput() }
    let terminal = try Terminal(
      columns: 80, rows: 24, command: network.command(["bash", "--norc", "-i"]),
      environment: ["PS1": "$ "])
    try terminal.type("\(try Tool.path) states --watch=50ms")
    try terminal.send("Enter")
    try terminal.waitFor { $0.contains("Recv-Q") && $0.contains("LISTEN") }
    try terminal.send("C-z")
    try terminal.waitFor { $0.contains("Stopped") && !$0.contains("Recv-Q") }
    try terminal.type("fg")
    try terminal.send("Enter")
    try terminal.waitFor { $0.contains("Recv-Q") && $0.contains("LISTEN") }
    try terminal.send("q")
    try terminal.waitFor { $0.contains("Stopped") && !$0.contains("Recv-Q") }
  }
}
