// `states --save`, `--from` and `--diff`: what was saved shows what the kernel showed.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("python3"), .requiresPrivateNetwork) struct StatesCapture {
  private func states(_ words: [String], in network: PrivateNetwork? = nil) throws -> Finished {
    try Child(command([try Tool.path, "states"] + words, in: network)).wait()
  }

  /// Each view, of a namespace with sockets in every state.
  @Test(
    .timeLimit(.minutes(4)),
    arguments: [
      [], ["--process"], ["--json", "--process", "--memory"], ["--csv", "--uid", "--cgroup"],
      ["--memory", "--cgroup", "--json", "pending"], ["--sort=-recvq", "--wide"],
      ["--columns", "state,cookie,netns,v6only,interface,role,listener,process", "--process"],
      ["--info", "--columns", "local,peer,cwnd,mss,pmtu,cc,bytes_sent,segs_in,min_rtt,notsent"],
      ["process=python3", "state=LISTEN,CLOSE_WAIT"], ["orphan"], ["rtt>1us"],
      ["--summary", "--json"], ["--by", "port", "--json"], ["--by", "process", "--json"],
      ["--by", "uid"], ["--by", "netns"],
      ["--listeners"], ["--listeners", "--json", "--process"], ["--listeners", "--csv"],
      ["--listeners", "--format", "openmetrics"], ["--listeners", "--check", "50"],
    ])
  func showsWhatTheKernelShows(_ view: [String]) throws {
    let network = try PrivateNetwork()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    let directory = try TemporaryDirectory()
    let file = directory.file("capture")
    var live: Finished?
    var saved: Finished?
    // Retransmissions and probes go on meanwhile: compared is what did not change.
    let same = try eventually {
      let done = try states(["--save", file, "--process"], in: network)
      #expect(done.outcome == .exited(0) && done.errorText.contains("saved 115 sockets to"))
      live = try states(view, in: network)
      saved = try states(view + ["--from", file])
      return Self.settled(live) == Self.settled(saved)
    }
    #expect(live?.outcome == saved?.outcome)
    if !same {
      Issue.record(
        "\(live?.outputText ?? "")\n--\n\(saved?.outputText ?? "")\(saved?.errorText ?? "")")
    }
  }

  /// Without what goes on by itself: timers, and how long the oldest connection has waited.
  private static func settled(_ finished: Finished?) -> String? {
    finished?.outputText
      .replacing(/"(expires_ms|oldest_ms)":[0-9]+/) { "\"\($0.1)\":0" }
      .replacing(/the oldest for [0-9.]+ [a-z]+/, with: "the oldest")
  }

  @Test func jsonAndPipesAreRead() throws {
    let network = try PrivateNetwork()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    let directory = try TemporaryDirectory()
    let file = directory.file("rows")
    _ = try Child(
      network.command([try Tool.path, "states", "--json"]), output: .file(file)
    ).wait()
    let rows = try String(contentsOfFile: file, encoding: .utf8)
    let columns = ["--columns", "state,local,peer,recvq,sendq,inode,uid,cookie,role", "--csv"]
    let piped = try Child(
      [try Tool.path, "states", "--from", "-"] + columns, input: .file(file)
    ).wait()
    let read = try states(["--from", file] + columns)
    #expect(piped.outputText == read.outputText && piped.outcome == .exited(0))
    #expect(read.outputText.split(separator: "\n").count == 116)
    // What is not in it is said, and nothing is made up.
    let without = try states(["--from", file, "--memory", "--process", "--csv"])
    #expect(without.errorText.contains("has no memory, processes of its sockets"))
    // It goes through unchanged.
    let again = try states(["--from", file, "--json"])
    #expect(again.outputText == rows)
    let saved = try Child(
      network.command([try Tool.path, "states", "--save", "-"]), output: .file(file)
    ).wait()
    #expect(saved.outcome == .exited(0))
    #expect(
      try states(["--from", file, "--no-header"]).outputText.split(separator: "\n").count == 115)
  }

  @Test func aFullDiskLeavesWhatWasThere() throws {
    let directory = try TemporaryDirectory()
    let network = try PrivateNetwork(
      mounts: true, setUp: ["mount -t tmpfs -o size=16k none \(directory.path)"])
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    func inside(_ line: String) throws -> Finished {
      try Child(network.command(["sh", "-c", "cd \(directory.path); \(line)"])).wait()
    }
    let tool = try Tool.path
    #expect(try inside("echo before > old; \(tool) states --save old").outcome == .exited(24))
    let failed = try inside("\(tool) states --save new")
    #expect(failed.outcome == .exited(24))
    #expect(failed.errorText.contains("no space left on device"), "\(failed.errorText)")
    #expect(failed.errorText.contains("nothing was saved"))
    #expect(try inside("ls; cat old").outputText == "old\nbefore\n")
    // What is chosen fits.
    #expect(try inside("\(tool) states --save old listening").outcome == .exited(0))
    #expect(try inside("ls; head -c 28 old").outputText == "old\n{\"schema\":\"tcptool/1\",\"recor")
    #expect(try inside("\(tool) states --save no/such/file").outcome == .exited(24))
    #expect(try inside("\(tool) states --save /dev/null; test -c /dev/null").outcome == .exited(0))
  }

  /// The signal comes with the first bytes of the file. It ends the program, and the file with it.
  @Test(.requires("strace"), arguments: [SIGINT, SIGTERM, SIGHUP])
  func aSignalLeavesNothing(_ signal: Int32) throws {
    let network = try PrivateNetwork()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    let directory = try TemporaryDirectory()
    let done = try run(
      network.command([
        "strace", "-qq", "-o", "/dev/null", "-e", "trace=write", "-e",
        "inject=write:signal=\(signal):when=1", Tool.path, "states", "--save",
        directory.file("capture"),
      ]))
    #expect(done.outcome == .signalled(signal), "\(done)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == [])
  }

  // MARK: - Differences

  private static let script = """
    import socket, sys
    def pair(listener):
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        return client, server
    listener = socket.create_server(("127.0.0.1", 7000))
    going = socket.create_server(("127.0.0.1", 7001))
    stays = pair(listener)
    ends = pair(listener)
    waits = socket.create_connection(("127.0.0.1", 7000))
    print("ready", flush=True)
    sys.stdin.readline()
    stays[0].sendall(b"x" * 1000)
    going.close()
    ends[0].close(); ends[1].recv(1); ends[1].close()
    accepted, _ = listener.accept()
    coming = socket.create_server(("127.0.0.1", 7002))
    print("changed", flush=True)
    sys.stdin.readline()
    """

  /// From sock_diag by cookies, and from copies of /proc without.
  @Test(.timeLimit(.minutes(5)), arguments: [true, false])
  func differencesAreWhatHappened(_ isCapture: Bool) throws {
    let network = try PrivateNetwork()
    let peer = try Child(network.command(["python3", "-c", Self.script]), input: .pipe)
    defer { peer.closeInput() }
    try peer.waitForLine(containing: "ready", in: .standardOutput)
    let directory = try TemporaryDirectory()
    func save(_ name: String) throws {
      let tool = try Tool.path
      let line =
        isCapture
        ? "\(tool) states --save \(directory.file(name))"
        : "cat /proc/net/tcp /proc/net/tcp6 > \(directory.file(name))"
      #expect(try Child(network.command(["sh", "-c", line])).wait().outcome == .exited(0))
    }
    try save("before")
    try peer.write("go\n")
    try peer.waitForLine(containing: "changed", in: .standardOutput)
    try save("after")

    let words = ["--diff", directory.file("before")]
    let done = try states(words + [directory.file("after"), "--json"])
    #expect(done.outcome == .exited(0), "\(done.errorText)")
    let objects = try done.outputText.split(separator: "\n").map { line in
      try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
    func port(_ object: [String: Any], _ side: String) -> Int? {
      ((object[side] as? [String: Any])?["local"] as? [String: Any])?["port"] as? Int
    }
    func state(_ object: [String: Any], _ side: String) -> String? {
      (object[side] as? [String: Any])?["state"] as? String
    }
    let changes = objects.filter { $0["record"] as? String == "change" }
    let opened = changes.filter { $0["change"] as? String == "opened" }
    #expect(opened.map { port($0, "after") } == [7002])
    let closed = changes.filter { $0["change"] as? String == "closed" }
    // The server's end of the one that ended, and a listener.
    #expect(closed.compactMap { port($0, "before") }.sorted() == [7000, 7001])
    let changed = changes.filter { $0["change"] as? String == "changed" }
    #expect(changed.first?["recv_queue_growth"] as? Int == 1_000)
    #expect(changed.first?["facts"] as? [String] == ["recv_queue"])
    let roles = changed.filter { ($0["facts"] as? [String])?.contains("role") == true }
    let accepted = roles.filter {
      state($0, "before") == "ESTABLISHED" && state($0, "after") == "ESTABLISHED"
    }
    #expect(
      accepted.count == 1
        && (accepted[0]["before"] as? [String: Any])?["role"] as? String == "pending_accept")
    #expect(
      roles.contains { state($0, "after") == "TIME_WAIT" && state($0, "before") == "ESTABLISHED" })
    let listener = changed.filter { state($0, "after") == "LISTEN" }
    #expect(listener.map { $0["recv_queue_growth"] as? Int } == [-1])
    #expect(changed.count == 4)
    let whole = try #require(objects.last)
    #expect(whole["opened"] as? Int == 1 && whole["closed"] as? Int == 2)
    #expect(whole["changed"] as? Int == 4 && whole["queue_growth"] as? Int == 1_000)

    // In words, as the table of sockets has them.
    let table = try states(words + ["--from", directory.file("after")]).outputText
    #expect(table.contains("pending accept->connection"), "\(table)")
    #expect(table.contains("connection->time-wait"), "\(table)")

    // Against now, through the filter, and as text.
    let now = try states(words + ["--no-header", "lport=7002"], in: network)
    #expect(now.outputText.hasPrefix("opened  LISTEN"), "\(now.outputText)")
    #expect(now.outputText.contains("1 opened, 0 closed, 0 changed"))
    let text = try states(words + ["--from", directory.file("after"), "recvq>999"])
    #expect(text.outputText.contains("0->1000"))
    #expect(text.outputText.contains("queues grew by 1000 B"), "\(text.outputText)")
    #expect(try states(words + [directory.file("before")]).outcome == .exited(1))
    #expect(try states(words + [directory.file("after"), "lport=1"]).outcome == .exited(1))
    #expect(try states(words + ["nosuchfile"]).outcome == .exited(64))
  }
}
