// The pictures of the README: a chart of `backlog-test` and two recordings of terminals. With
// TCPTOOL_RECORD=1 in the environment those that no run draws any more are drawn anew.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.waits, .requiresPrivateNetwork, .requires("tmux", "ip"), .serialized) struct Pictures {
  /// GitHub shows larger ones as well, but each clone carries all that there ever were.
  private static let largest = 100_000

  @Test(.timeLimit(.minutes(5)))
  func ofAQueueIsWhatIsDrawnToday() throws {
    let scene = try Scene()
    let file = scene.directory.file("queue.svg")
    let done = try Child(
      scene.network.command([try Tool.path, "backlog-test", "--svg", file])
    ).wait()
    #expect(done.outcome == .exited(0), "\(done)")
    try check("backlog-test.svg", try String(contentsOfFile: file, encoding: .utf8))
  }

  @Test(.timeLimit(.minutes(5)))
  func ofAWatchIsWhatIsShownToday() throws {
    let scene = try Scene()
    let service = try scene.start(
      "app", "listen", "-k", "--discard", "--accept-rate", "1", "--backlog", "7", "127.0.0.1",
      "80")
    let other = try scene.start(
      "app", "listen", "-k", "--echo", "--backlog", "511", "127.0.0.1", "443")
    try waitUntilListening(port: 80, network: scene.network)
    try waitUntilListening(port: 443, network: scene.network)
    let terminal = try Terminal(
      columns: 96, rows: 12,
      command: scene.network.command(["tcptool", "states", "--listeners", "--watch=250ms"]),
      environment: scene.environment)
    try terminal.waitFor { $0.contains("127.0.0.1:443") }
    var recording = Recording(
      title: "tcptool states --listeners --watch",
      description: "An accept queue fills up until SYNs are dropped, and empties again.",
      panes: [.init(title: "app.example", columns: 96, rows: 12)])
    var time = 0
    func look(_ count: Int, while act: (Int) throws -> Void = { _ in }) throws {
      for step in 0..<count {
        try act(step)
        recording.add(StyledScreen(try terminal.styledScreen), at: time)
        time += 250
        _ = eventually(within: .milliseconds(250), every: .milliseconds(250)) { false }
      }
    }
    var clients: [Child] = []
    try look(3)
    // However long the clients take to come, the service accepts none of them meanwhile.
    try service.signal(SIGSTOP)
    try look(14) { _ in
      clients.append(try scene.start("tcptool", "connect", "--recv-only", "127.0.0.1", "80"))
    }
    try terminal.waitFor { $0.contains("8/8") }
    try service.signal(SIGCONT)
    // All are accepted in the end, the rates are over, and no row is marked as changed. Whatever is
    // drawn after such a screen says the same, so that it does not matter which one is the last.
    var isOver = false
    for _ in 0..<120 where !isOver {
      try look(1)
      let screen = try terminal.screen
      isOver = screen.contains("0/8") && !screen.contains("/s,") && !screen.contains("~")
    }
    #expect(isOver)
    recording.add(StyledScreen(try terminal.styledScreen), at: time)
    recording.end = time + 2500
    withExtendedLifetime((service, other, clients)) {}
    try check("states-watch.svg", recording.svg())
  }

  @Test(.timeLimit(.minutes(5)))
  func ofATraceIsWhatIsShownToday() throws {
    let scene = try Scene()
    let size = (columns: 78, rows: 27)
    let terminals = try (0..<2).map { _ in
      try Terminal(
        columns: size.columns, rows: size.rows,
        command: scene.network.command(["sh", "-i"]),
        environment: scene.environment.merging(["PS1": "$ "]) { $1 })
    }
    var recording = Recording(
      title: "tcptool listen --trace beside tcptool connect --trace",
      description: "A server and its client, call by call, with the TCP states.",
      panes: [
        .init(title: "server", columns: size.columns, rows: size.rows),
        .init(title: "client", columns: size.columns, rows: size.rows),
      ])
    var time = 0
    func look(_ pause: Int) throws {
      for (index, terminal) in terminals.enumerated() {
        recording.add(StyledScreen(try terminal.styledScreen), to: index, at: time)
      }
      time += pause
    }
    func type(_ text: String, in terminal: Int) throws {
      var typed = ""
      for word in text.split(separator: " ", omittingEmptySubsequences: false) {
        let part = (typed.isEmpty ? "" : " ") + word
        typed += part
        try terminals[terminal].type(part)
        let line = typed
        try terminals[terminal].waitFor { $0.contains(line) }
        try look(160)
      }
      try terminals[terminal].send("Enter")
    }
    for terminal in terminals { try terminal.waitFor { $0.hasPrefix("$") } }
    try look(400)
    try type("tcptool listen --trace 7000", in: 0)
    try terminals[0].waitFor { $0.contains("listening on ") }
    try look(1500)
    try type("tcptool connect --trace 127.0.0.1 7000", in: 1)
    try terminals[1].waitFor { $0.contains("connected ") }
    try terminals[0].waitFor { $0.contains("accepted ") }
    try look(2500)
    try type("hello", in: 1)
    try terminals[0].waitFor { $0.contains("\nhello") }
    try look(1800)
    try terminals[1].send("C-d")
    try terminals[0].waitFor { $0.contains(") = 0") && $0.contains("CLOSE_WAIT") }
    try look(1800)
    try terminals[0].send("C-d")
    for terminal in terminals {
      try terminal.waitFor { $0.split(separator: "\n").last == "$" }
    }
    try look(0)
    recording.end = time + 6000
    try check("trace.svg", recording.svg())
  }

  // MARK: Comparing

  /// Compares a committed picture with one that was drawn now by the texts that stand at its end, and
  /// replaces it where they differ and it is asked for.
  private func check(
    _ name: String, _ drawn: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let url = Document.root.appending(path: "man/pictures/\(name)")
    let committed = try? String(contentsOf: url, encoding: .utf8)
    let changes = texts(of: drawn).difference(from: committed.map { texts(of: $0) } ?? [])
    let isFresh = committed != nil && changes.isEmpty
    if !isFresh && Document.isRecording {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(drawn.utf8).write(to: url)
    } else {
      #expect(
        isFresh, "run 'make docs' and commit man/pictures/\(name): \(changes)",
        sourceLocation: sourceLocation)
    }
    let text = try String(contentsOf: url, encoding: .utf8)
    #expect(text.utf8.count < Self.largest, sourceLocation: sourceLocation)
    #expect(text.contains("<title>") && text.contains("<desc>"), sourceLocation: sourceLocation)
    #expect(text.contains("prefers-color-scheme:dark"), sourceLocation: sourceLocation)
    guard installedPath(of: "xmllint") != nil else { return }
    let done = try Child(["xmllint", "--noout", url.path]).wait()
    #expect(done.outcome == .exited(0), "\(done)", sourceLocation: sourceLocation)
  }

  /// The texts that are seen in the end, without what differs from run to run.
  private func texts(of picture: String) -> [String] {
    picture.matches(of: #/<text([^>]*)>([^<]*)</text>/#)
      .filter { !$0.1.contains(#/class="[^"]*\bh\b/#) }
      // Word by word: where one run of a style ends depends on what has changed last.
      .flatMap { shape(String($0.2), figuresVary: true).split(separator: " ").map(String.init) }
      .filter { $0 != "N" }.sorted()
  }
}

extension Scene {
  /// Starts a program here.
  func start(_ words: String...) throws -> Child {
    try Child(
      network.command([directory.file("bin/\(words[0])")] + words.dropFirst()),
      input: .pipe, environment: environment)
  }
}
