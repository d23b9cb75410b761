// `listen --exec`: what the program is told and gets, what the client gets, and what is left behind.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.waits, .requires("nc", "ncat", "socat", "python3")) struct Programs {
  /// A line for a shell that is started for each client.
  private static func shell(_ line: String) -> [String] { ["sh", "-c", line] }

  // MARK: What the client gets

  @Test(arguments: Peer.allCases)
  func aProgramTalksWithItsClient(_ peer: Peer) throws {
    let data = bytes(count: 500_000, seed: 81)
    let server = try RunningServer("--verbose", exec: ["cat"])
    let got = try server.client(peer, input: .bytes(data)).wait()
    #expect(got.outcome == .exited(0), "\(got.errorText)")
    expectSame(got.output, data)
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.output == [])
    #expect(done.errorText.contains("\nthe program ended with status 0\n"))
  }

  /// What it leaves unread would make the close a reset, which could take its answer with it.
  @Test(arguments: Peer.allCases)
  func aProgramThatReadsNothingIsHeard(_ peer: Peer) throws {
    let server = try RunningServer(exec: Self.shell("seq 100000"))
    let answer = (1...100_000).map { "\($0)\n" }.joined()
    let got = try server.client(peer, input: .bytes(bytes(count: 1_000_000, seed: 82))).wait()
    #expect(got.outcome == .exited(0), "\(got.errorText)")
    expectSame(got.output, Array(answer.utf8))
    #expect(try server.tool.wait().outcome == .exited(0))
  }

  @Test(.requires("curl")) func aProgramIsAnAnswer() throws {
    let server = try RunningServer(
      "-k", exec: Self.shell(#"printf 'HTTP/1.0 200 OK\r\n\r\nhello %s\n' "$SOCAT_PEERADDR""#))
    for _ in 0..<3 {
      let got = try run(["curl", "-sS", "--fail", "http://127.0.0.1:\(server.port)/"])
      #expect(got.outcome == .exited(0), "\(got.errorText)")
      #expect(got.outputText == "hello 127.0.0.1\n")
    }
    _ = try server.stop()
  }

  /// The kernel then keeps no status of children.
  @Test func aParentMayIgnoreTheEndOfChildren() throws {
    let port = try unusedPort()
    let tool = try Child(
      ["sh", "-c", #"trap '' CHLD; exec "$@""#, "sh", Tool.path, "listen", "-v"]
        + ["--max-connections", "1", "\(port)", "--exec", "sh", "-c", "exit 3"])
    try waitUntilListening(port: port)
    let got = try run(["nc", "127.0.0.1", "\(port)"])
    #expect(got.outputText == "")
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.errorText.contains("the program ended with status 3\n"), "\(done)")
  }

  @Test func programsRunAtTheSameTime() throws {
    let server = try RunningServer("-k", exec: ["cat"])
    // The first waits in the middle of its words.
    let first = try server.client("send", "finish", "receive", input: .pipe)
    try first.write("one ")
    for number in 2...4 {
      let got = try server.client(.python3, input: .text("\(number)")).wait()
      #expect(got.outputText == "\(number)")
    }
    try first.write("two")
    first.closeInput()
    #expect(try first.wait().outputText == "one two")
    _ = try server.stop()
  }

  // MARK: What the program gets

  @Test func ncatsAndSocatsVariables() throws {
    let server = try RunningServer(
      exec: Self.shell("env | grep -E '^(NCAT|SOCAT)_' | sort"),
      environment: ["NCAT_PROTO": "UDP", "SOCAT_PEERPORT": "0"])
    let got = try run([
      "python3", "-c",
      """
      import socket, sys
      peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])), None, ("127.0.0.2", 0))
      print(peer.getsockname()[1])
      peer.shutdown(socket.SHUT_WR)
      print(b"".join(iter(lambda: peer.recv(4096), b"")).decode(), end="")
      """, "\(server.port)",
    ])
    let lines = got.outputText.split(separator: "\n").map(String.init)
    let port = try #require(lines.first)
    #expect(
      lines.dropFirst() == [
        "NCAT_LOCAL_ADDR=127.0.0.1", "NCAT_LOCAL_PORT=\(server.port)", "NCAT_PROTO=TCP",
        "NCAT_REMOTE_ADDR=127.0.0.2", "NCAT_REMOTE_PORT=\(port)",
        "SOCAT_PEERADDR=127.0.0.2", "SOCAT_PEERPORT=\(port)",
        "SOCAT_SOCKADDR=127.0.0.1", "SOCAT_SOCKPORT=\(server.port)",
      ])
    _ = try server.tool.wait()
  }

  /// ncat and socat themselves, in their own words, for a connection of the same kind.
  @Test(arguments: ["NCAT", "SOCAT"], Family.allCases)
  func theOriginalsTellTheSame(_ prefix: String, _ family: Family) throws {
    let port = try unusedPort()
    // socat has its own idea of quotes.
    let directory = try TemporaryDirectory(
      files: ["show": "env | grep -E '^\(prefix)_.*(ADDR|PROTO)=' | sort"])
    let program = ["sh", directory.file("show")]
    let listener =
      family == .ipv4 ? "TCP4-LISTEN:\(port),bind=127.0.0.1" : "TCP6-LISTEN:\(port),bind=[::1]"
    let original = try Child(
      prefix == "NCAT"
        ? ["ncat", "-n", "-l", family.loopback, "\(port)", "-c", program.joined(separator: " ")]
        : ["socat", listener, "SYSTEM:" + program.joined(separator: " ")])
    try waitUntilListening(port: port)
    // ncat leaves at the end of its client.
    let theirs = try Child(ScriptedPeer.client(of: port, ["receive"], family)).wait().outputText
    let server = try RunningServer(host: family.loopback, exec: program)
    let ours = try Child(ScriptedPeer.client(of: server.port, ["receive"], family)).wait()
      .outputText
    #expect(ours.split(separator: "\n").count >= 2)
    #expect(ours == theirs)
    _ = try original.wait()
    _ = try server.tool.wait()
  }

  /// The connection is its standard input and output, and it waits on it as a program expects; it
  /// has our standard error, no signal is blocked, and nothing of the server is open in it.
  @Test func aProgramFindsWhatItExpects() throws {
    let server = try RunningServer(
      "-k",
      exec: [
        "python3", "-c",
        """
        import os, signal, sys
        sys.stderr.write("to standard error\\n")
        print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
        print(os.get_blocking(0), os.get_blocking(1))
        opened = [n for n in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + n)]
        print(sorted(int(n) for n in opened if os.readlink("/proc/self/fd/" + n).startswith(("socket", "anon"))))
        """,
      ])
    // A second connection is there meanwhile.
    let other = try server.client("wait", input: .pipe)
    try server.tool.waitForLine(containing: "#1 accepted")
    #expect(try server.client(.python3).wait().outputText == "[]\nTrue True\n[0, 1]\n")
    #expect(try server.stop().errorText.contains("to standard error\n"))
    withExtendedLifetime(other) {}
  }

  /// tcptool raises its own soft limit, which not every program could bear.
  @Test func aProgramHasTheDescriptorLimitOfTheUser() throws {
    let tool = try Child([
      "sh", "-c", "ulimit -Sn 100; exec \"$@\"", "sh", try Tool.path, "listen", "127.0.0.1", "0",
      "--exec", "sh", "-c", "ulimit -Sn; ulimit -Hn",
    ])
    let port = try announcedPort(of: tool)
    let limits = try Child(Peer.python3.client(of: port, .ipv4)).wait().outputText
      .split(separator: "\n")
    #expect(limits.count == 2 && limits[0] == "100" && limits[1] != "100", "\(limits)")
    #expect(try tool.wait().outcome == .exited(0))
  }

  // MARK: Its end

  @Test(
    arguments: [
      ("exit 7", "the program ended with status 7", 7, nil),
      ("kill -KILL $$", "the program was ended by signal 9", nil, 9),
    ] as [(String, String, Int?, Int?)])
  func itsStatusIsTold(_ line: String, _ text: String, _ status: Int?, _ signal: Int?) throws {
    let plain = try RunningServer("-k", exec: Self.shell(line))
    #expect(try plain.client(.python3).wait().outputText == "")
    #expect(try plain.tool.waitForLine(containing: "the program") == "#1 \(text)")
    _ = try plain.stop()
    let json = try RunningServer("--json", exec: Self.shell(line))
    #expect(try json.client(.python3).wait().outputText == "")
    let done = try json.tool.wait()
    // That a program has a status of its own is no failure of the connection.
    #expect(done.outcome == .exited(0), "\(done)")
    let ended = try #require(try done.events().first { $0.name == "command_ended" })
    #expect(ended.number("status") == status && ended.isNull("status") == (status == nil))
    #expect(ended.number("signal") == signal && ended.isNull("signal") == (signal == nil))
  }

  @Test func aProgramThatIsGoneMeanwhile() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("program")
    try copyProgram("/bin/true", to: path)
    let server = try RunningServer("--max-connections", "2", exec: [path])
    #expect(try server.client(.python3).wait().outcome == .exited(0))
    try FileManager.default.removeItem(atPath: path)
    let second = try server.client(.python3).wait()
    #expect(second.errorText.contains("ConnectionResetError"), "\(second)")
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(24), "\(done)")
    #expect(
      done.errorText.contains("#2 execve of \(path): no such file or directory (ENOENT)"))
  }

  /// The shell waits for a child of its own: a signal to the shell alone would leave that behind.
  @Test(arguments: [SIGTERM, SIGINT])
  func nothingIsLeftRunning(_ signal: Int32) throws {
    let server = try RunningServer("-k", exec: Self.shell("echo $$; sleep 1000; true"))
    let clients = try (0..<2).map { _ in try server.client("receive", "finish") }
    let groups = try clients.map { client in
      let text = try client.waitForOutput { $0.hasSuffix("\n") }
      return try #require(Int32(text.dropLast()))
    }
    for group in groups { #expect(kill(-group, 0) == 0) }
    _ = try server.stop(by: signal)
    for group in groups {
      let isGone = eventually { kill(-group, 0) == -1 && errno == ESRCH }
      #expect(isGone, "process group \(group)")
    }
    for client in clients { #expect(try client.wait().outcome == .exited(0)) }
  }

  // MARK: Who may start it

  @Test(
    arguments: [([], "127.0.0.1"), (["-6"], "[::1]"), (["-4"], "127.0.0.1")] as [([String], String)]
  )
  func unlessItIsNamedTheAddressIsLoopback(_ options: [String], _ address: String) throws {
    let tool = try Child([try Tool.path, "listen"] + options + ["0", "--exec", "date"])
    let port = try announcedPort(of: tool)
    let line = try tool.waitForLine(containing: "listening on ")
    #expect(line.hasPrefix("listening on \(address):\(port), "))
    // As another program sees it.
    let seen = try run(["ss", "-Hltn", "sport = :\(port)"]).outputText
    #expect(seen.contains(" \(address):\(port) "), "\(seen)")
  }

  @Test func anAddressThatIsNamedIsTaken() throws {
    let tool = try Child([try Tool.path, "listen", "0.0.0.0", "0", "--exec", "date"])
    _ = try announcedPort(of: tool)
    #expect(try tool.waitForLine(containing: "listening on ").contains(" 0.0.0.0:"))
  }
}
