// What a person sees in a terminal: lines broken between words, a chat, the hint, Ctrl-D and Ctrl-C.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("tmux")) struct Terminals {
  /// The screen once the program has ended.
  private func finalScreen(
    _ words: [String], columns: Int, status: Int32 = 0
  ) throws -> String {
    // Something has to stay: a terminal whose last process ends at once may lose its last words.
    let terminal = try Terminal(
      columns: columns, rows: 800,
      command: [Tool.path] + words)
    let screen = try terminal.waitFor { $0.contains(#/\nEND: status [0-9]+\n/#) }
    let end = try #require(screen.firstRange(of: "END: status "))
    #expect(String(screen[end.lowerBound...]).words == "END: status \(status)")
    return String(screen[..<end.lowerBound])
  }

  /// A line that the terminal itself had broken would be two rows here.
  @Test(arguments: [[]] + subcommands.map { [$0] }, [(80, 80), (200, 100), (60, 60)])
  func helpIsAsWideAsCanBeRead(_ words: [String], _ widths: (terminal: Int, text: Int)) throws {
    let screen = try finalScreen(words + ["--help"], columns: widths.terminal)
    let text = try tcptool(words + ["--help"], environment: ["COLUMNS": "\(widths.text)"])
    let rows = screen.split(separator: "\n").map {
      String($0.trimmingSuffix(while: \.isWhitespace))
    }
    #expect(rows == text.outputText.split(separator: "\n").map(String.init))
  }

  /// The same words as in a pipe, none broken, the rest of a line under its beginning.
  @Test(arguments: [80, 200])
  func errorsAreBrokenBetweenWords(_ columns: Int) throws {
    let port = try unusedPort()
    for (words, status) in [
      (["connect", "127.0.0.1", "\(port)"], Int32(11)), (["states", "--state", "FOO"], 64),
      (["send", "--linger", "x", "host", "80"], 64),
    ] {
      let screen = try finalScreen(words, columns: columns, status: status)
      // The usage line is filled to the width in a pipe too.
      let piped = try tcptool(words, environment: ["COLUMNS": "\(columns)"]).errorText
      #expect(screen.words == piped.words)
      let rows = screen.split(separator: "\n")
      #expect(rows.count >= piped.split(separator: "\n").count)
      for row in rows {
        #expect(
          ["Error: ", "Help:  ", "Usage: ", "       ", "  See '"].contains { row.hasPrefix($0) },
          "\(row)")
      }
    }
  }

  @Test(arguments: [80, 200])
  func theVerdictIsBrokenBetweenWords(_ columns: Int) throws {
    // More than is in force, so that there is advice too.
    let words = ["backlog-test", "--backlog", "2147483647"]
    let screen = try finalScreen(words, columns: columns)
    let json = try tcptool(words + ["--json"]).output
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
    let verdict = try #require(object["verdict"] as? String)
    let advice = try #require(object["advice"] as? [String])
    #expect(!advice.isEmpty)
    for text in [verdict] + advice {
      #expect(screen.words.contains(text.words))
      // At 200 columns it is on one row if it fits; at 80 this one cannot.
      #expect(screen.contains(text) == (text.count + 12 <= columns))
    }
    #expect(screen.hasPrefix("verdict     "))
    for row in screen.split(separator: "\n") { #expect(!row.hasPrefix(" connect"), "\(row)") }
  }

  @Test func colourIsOnATerminalAndNoColorIsObeyed() throws {
    for (environment, isColoured) in [
      ([:], true), (["NO_COLOR": "1"], false), (["TERM": "dumb"], false),
    ] as [([String: String], Bool)] {
      let listener = try Peer.Listener()
      let terminal = try Terminal(
        rows: 200,
        command: [Tool.path, "states", "--state", "LISTEN"],
        environment: environment)
      try terminal.waitFor { $0.contains("127.0.0.1:\(listener.port) ") }
      #expect(try terminal.styledScreen.contains("\u{1b}[") == isColoured, "\(environment)")
    }
  }

  @Test func withoutUnicodeTheArrowIsTwoCharacters() throws {
    for (locale, arrow) in [("C", "->"), ("C.UTF-8", "→")] {
      let port = try unusedPort()
      let terminal = try Terminal(
        command: [Tool.path, "listen", "127.0.0.1", "\(port)"], environment: ["LC_ALL": locale])
      try waitUntilListening(port: port)
      let peer = try Peer(connectingTo: port)
      try terminal.waitFor { $0.contains(" \(arrow) 127.0.0.1:\(port)") }
      peer.finish()
    }
  }

  @Test(arguments: [80, 200])
  func twoPeopleTalk(_ columns: Int) throws {
    let port = try unusedPort()
    let server = try Terminal(
      columns: columns, command: [Tool.path, "listen", "127.0.0.1", "\(port)"])
    try server.waitFor { $0.hasPrefix("listening on 127.0.0.1:\(port), backlog ") }
    let client = try Terminal(
      columns: columns, command: [Tool.path, "connect", "127.0.0.1", "\(port)"])
    try client.waitFor { $0.contains("connected 127.0.0.1:") }
    try server.waitFor { $0.contains("accepted 127.0.0.1:") }

    try client.type("is anybody there?")
    try client.send("Enter")
    try server.waitFor { $0.contains("is anybody there?") }
    try server.type("yes, I am")
    try server.send("Enter")
    try client.waitFor { $0.contains("yes, I am") }

    // Ctrl-D half-closes: the other direction goes on.
    let hint = "the peer closed its side; Ctrl-D closes ours"
    #expect(try !server.screen.contains(hint))
    try client.send("C-d")
    try server.waitFor { $0.contains(hint) }
    try server.type("one more thing")
    try server.send("Enter")
    try client.waitFor { $0.contains("one more thing") }
    for terminal in [client, server] { #expect(try !terminal.screen.contains("END: ")) }

    try server.send("C-d")
    for (terminal, summary) in [
      (client, "sent 18 B (all acknowledged), received 25 B, in "),
      (server, "sent 25 B (all acknowledged), received 18 B, in "),
    ] {
      let screen = try terminal.waitFor { $0.contains("END: ") }
      #expect(screen.contains(summary) && screen.contains("END: status 0"), "\(screen)")
      // Nobody is told to close what he has closed himself.
      #expect(screen.contains(hint) == (terminal === server))
    }
  }

  /// One line, drawn over and over: never broken, nothing of a longer one left, the words above it whole.
  @Test(arguments: [80, 200])
  func theQueuesAreOneLine(_ columns: Int) throws {
    let port = try unusedPort()
    let terminal = try Terminal(
      columns: columns, rows: 200,
      command: [
        Tool.path, "listen", "-k", "--discard", "--max-concurrent", "1", "--backlog", "100",
        "--queues=10ms",
        "127.0.0.1", "\(port)",
      ])
    let long =
      #/accept queue [█▏▎▍▌▋▊▉ ]{10} ([0-9]+) of 101, most ([0-9]+); SYN queue 0; dropped 0; overflows \+[0-9,]+/#
    let short = #/queue ([0-9]+)/101 \(most ([0-9]+)\), SYN 0, drops 0, overflows \+[0-9,]+/#
    func numbers(_ screen: String) -> (Substring, Substring)? {
      let rows = screen.split(separator: "\n").filter { $0.contains("queue") }
      guard rows.count == 1 else { return nil }
      if let match = rows[0].wholeMatch(of: long) { return (match.1, match.2) }
      // Where it would not fit.
      guard columns == 80, let match = rows[0].wholeMatch(of: short) else { return nil }
      return (match.1, match.2)
    }
    try terminal.waitFor { numbers($0).map { $0 == ("0", "0") } ?? false }
    let peers = try (0..<12).map { _ in try Peer(connectingTo: port) }
    try terminal.waitFor { numbers($0).map { $0 == ("11", "11") } ?? false }
    for peer in peers { peer.finish() }
    // A digit less.
    let screen = try terminal.waitFor { screen in
      screen.contains("#12 sent 0 B") && numbers(screen).map { $0 == ("0", "11") } ?? false
        && screen.split(separator: "\n").last?.contains("queue") == true
    }
    for number in 1...12 {
      #expect(screen.contains("\n#\(number) accepted 127.0.0.1:"), "\(screen)")
    }
    try terminal.send("C-c")
    // What it came to stays.
    try terminal.waitFor { $0.contains("accept queue 0 of 101 (most 11), SYN queue 0, ") }
  }

  /// What comes from a client stands on lines of its own, whatever is told about queues meanwhile.
  @Test func dataAreNotWrittenIntoTheLineOfTheQueues() throws {
    let port = try unusedPort()
    let terminal = try Terminal(
      columns: 200,
      command: [Tool.path, "listen", "-k", "-b", "100", "--queues=10ms", "127.0.0.1", "\(port)"])
    try terminal.waitFor { $0.contains("accept queue 0 of 101") }
    let peer = try Peer(connectingTo: port)
    peer.finish(sending: "hello\nthere\n")
    try terminal.waitFor { $0.contains("\n#1 hello\n#1 there\n") }
  }

  @Test func interruptIsSeenByTheShell() throws {
    let port = try unusedPort()
    let terminal = try Terminal(command: ["bash", "--norc", "--noprofile"])
    try terminal.waitFor { !$0.allSatisfy(\.isWhitespace) }
    try terminal.type("\(Tool.path) listen 127.0.0.1 \(port)")
    try terminal.send("Enter")
    try terminal.waitFor { $0.contains("\nlistening on ") }
    try terminal.send("C-c")
    try terminal.waitFor { $0.contains("^C") }
    try terminal.type("echo status=$?.")
    try terminal.send("Enter")
    try terminal.waitFor { $0.contains("\nstatus=130.") }
  }
}

extension String.SubSequence {
  fileprivate func trimmingSuffix(while condition: (Character) -> Bool) -> Substring {
    var text = self
    while let last = text.last, condition(last) { text.removeLast() }
    return text
  }
}
