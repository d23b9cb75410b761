// Standard streams that are closed or full, in every subcommand: the right status, a clear message,
// and never a byte of narration in a connection.

import Glibc
import TestSupport
import Testing

@Suite(.waits) struct Streams {
  static let full = """
    Error: write to standard output: no space left on device (ENOSPC); free some space, or write \
    elsewhere

    """
  static let notOpen = """
    Error: write to standard output: bad file descriptor (EBADF); it is closed, or open for the \
    other direction

    """

  @Test(arguments: [
    ["states"], ["states", "--json"], ["backlog-test", "--backlog", "1"],
    ["backlog-test", "--backlog", "1", "--json"], ["--help"], ["help", "listen"], ["--version"],
    ["--generate-completion-script", "zsh"],
  ])
  func printingNeedsStandardOutput(_ words: [String]) throws {
    for (redirection, message) in [(">/dev/full", Self.full), (">&-", Self.notOpen)] {
      let done = try shell(#"exec "$@" \#(redirection)"#, words)
      #expect(done.outcome == .exited(24), "\(redirection)")
      #expect(done.errorText == message, "\(redirection)")
    }
    for redirection in ["2>&-", "<&-"] {
      let done = try shell(#"exec "$@" \#(redirection)"#, words)
      #expect(done.outcome == .exited(0), "\(redirection)")
      #expect(!done.output.isEmpty, "\(redirection)")
    }
    // The message has nowhere to go, but the status says it all the same.
    #expect(try shell(#"exec "$@" >/dev/full 2>&-"#, words).outcome == .exited(24))
    #expect(try shell(#"exec "$@" <&- >&- 2>&-"#, words).outcome == .exited(24))
  }

  @Test func aReaderThatIsGoneEndsItByTheSignal() throws {
    let done = try shell(
      #"{ "$@"; echo "status $?" >&2; } | true"#, ["--generate-completion-script", "bash"])
    // The script fits into the pipe, so both are right: it was written before `true` ended, or not.
    #expect(["status 0\n", "status 141\n"].contains(done.errorText))
  }

  struct Exchange: Sendable, CustomTestStringConvertible {
    var name: String
    var redirection: String
    var status: Int32
    /// What the program writes to standard output; where it failed, all that it may have written.
    var output: String
    /// What the peer receives; where the program failed, all that it may have received.
    var toPeer: String

    init(_ name: String, _ redirection: String, _ status: Int32, _ output: String, _ peer: String) {
      (self.name, self.redirection, self.status) = (name, redirection, status)
      (self.output, toPeer) = (output, peer)
    }

    var testDescription: String { "\(name) \(redirection)" }
  }

  private static let local = "from the program's standard input\n"
  private static let remote = "from the peer\n"

  private static let exchanges = [
    Exchange("connect", "", 0, remote, local), Exchange("listen", "", 0, remote, local),
    Exchange("connect", "2>&-", 0, remote, local), Exchange("listen", "2>&-", 0, remote, local),
    Exchange("connect", "<&-", 24, remote, ""), Exchange("listen", "<&-", 24, remote, ""),
    Exchange("connect", ">&-", 24, "", local), Exchange("listen", ">&-", 24, "", local),
    Exchange("connect", ">/dev/full", 24, "", local),
    Exchange("listen", ">/dev/full", 24, "", local),
    Exchange("connect", "<&- 2>&-", 24, remote, ""), Exchange("listen", "<&- 2>&-", 24, remote, ""),
    Exchange("connect", "<&- >&- 2>&-", 24, "", ""),
    Exchange("listen", "<&- >&- 2>&-", 24, "", ""),

    Exchange("send", "", 0, "", local), Exchange("send", ">&-", 0, "", local),
    Exchange("send", "2>&-", 0, "", local), Exchange("send", ">&- 2>&-", 0, "", local),
    Exchange("send", "<&-", 24, "", ""), Exchange("send", "<&- >&- 2>&-", 24, "", ""),

    Exchange("recv", "", 0, remote, ""), Exchange("recv", "<&-", 0, remote, ""),
    Exchange("recv", "2>&-", 0, remote, ""), Exchange("recv", "<&- 2>&-", 0, remote, ""),
    Exchange("recv", ">&-", 24, "", ""), Exchange("recv", ">/dev/full", 24, "", ""),
    Exchange("recv", "<&- >&- 2>&-", 24, "", ""),
  ]

  /// Runs the program against a peer that sends its text and FIN, and returns what the peer received.
  private func run(
    _ name: String, _ line: String, _ more: [String] = []
  ) throws -> (done: Finished, received: String) {
    if name == "connect" || name == "send" {
      let listener = try Peer.Listener()
      let words = [name, "--verbose", "127.0.0.1", "\(listener.port)"] + more
      let child = try start(line, words, input: .text(Self.local))
      let peer = try listener.accept()
      peer.finish(sending: Self.remote)
      let received = try peer.received()
      return (try child.wait(), received)
    }
    let port = try unusedPort()
    let words = [name, "--verbose", "127.0.0.1", "\(port)"] + more
    let child = try start(line, words, input: .text(Self.local))
    try waitUntilListening(port: port)
    let peer = try Peer(connectingTo: port)
    peer.finish(sending: Self.remote)
    let received = try peer.received()
    return (try child.wait(), received)
  }

  @Test(arguments: exchanges)
  func theFourThatCarryData(_ exchange: Exchange) throws {
    let (done, received) = try run(exchange.name, #"exec "$@" \#(exchange.redirection)"#)
    #expect(done.outcome == .exited(exchange.status), "\(done)")
    if exchange.status == 0 {
      #expect(done.outputText == exchange.output)
      #expect(received == exchange.toPeer)
    } else {
      #expect(exchange.output.hasPrefix(done.outputText), "\(done)")
      #expect(exchange.toPeer.hasPrefix(received), "\(received)")
    }
    if exchange.redirection.contains("2>&-") {
      #expect(done.errorText == "")
    } else if exchange.status == 24 {
      let stream =
        exchange.redirection.hasPrefix("<")
        ? "read from standard input" : "write to standard output"
      #expect(done.errorText.contains("Error: \(stream): "))
    }
  }

  private static let answers: [(options: [String], names: [String], status: Int32)] = [
    (["--digest", "sha256"], ["send", "recv"], 24), (["--json"], ["connect", "listen"], 24),
    (["--trace"], ["connect", "listen", "send", "recv"], 24), (["--explain"], ["listen"], 24),
    (["--json", "--digest", "crc32c"], ["send", "recv"], 24), ([], ["send", "recv"], 0),
  ]

  /// What an option asks of standard error is an answer; everything else there only narrates. The data
  /// arrives in any case.
  @Test(arguments: answers)
  func whatWasAskedForMayNotBeLost(_ options: [String], _ names: [String], _ status: Int32) throws {
    let directory = try TemporaryDirectory()
    for name in names {
      for (redirection, reason) in [("2>/dev/full", "ENOSPC"), ("2>&-", "EBADF")] {
        let log = directory.file("events")
        let (done, received) = try run(
          name, #"exec "$@" \#(redirection)"#, options + ["--log", log])
        #expect(done.outcome == .exited(status), "\(name) \(redirection)")
        #expect(name == "recv" || received == Self.local)
        #expect(name == "send" || done.outputText == Self.remote)
        let events = try TestSupport.run(["cat", log]).outputText
        #expect(events.contains("write to standard error: ") == (status == 24))
        #expect(events.contains("(\(reason))") == (status == 24))
      }
    }
  }

  /// So are the meanings of the states, which `states` writes behind the table.
  @Test func explanationsOfStatesMayNotBeLost() throws {
    let listener = try Peer.Listener()
    for (options, status) in [(["--explain"], 24), ([], 0)] as [([String], Int32)] {
      let done = try shell(#"exec "$@" 2>/dev/full"#, ["states"] + options)
      #expect(done.outcome == .exited(status))
      #expect(done.outputText.contains(":\(listener.port) "))
    }
  }

  /// Whatever is missing there, a signal is what ended it.
  @Test func aSignalMattersMoreThanWhatIsLost() throws {
    let port = try unusedPort()
    let child = try start(#"exec "$@" 2>/dev/full"#, ["listen", "--json", "127.0.0.1", "\(port)"])
    try waitUntilListening(port: port)
    try child.signal(SIGTERM)
    #expect(try child.wait().outcome == .signalled(SIGTERM))
  }

  @Test func aFileNeedsNoStandardStreams() throws {
    let directory = try TemporaryDirectory()
    let none = #"exec "$@" <&- >&- 2>&-"#
    let received = try run("recv", none, ["--output", directory.file("received")])
    #expect(received.done.outcome == .exited(0))
    let text = try TestSupport.run(["cat", directory.file("received")]).outputText
    #expect(text == Self.remote)
    let sent = try run("send", none, [directory.file("received")])
    #expect(sent.done.outcome == .exited(0))
    #expect(sent.received == Self.remote)
  }
}
