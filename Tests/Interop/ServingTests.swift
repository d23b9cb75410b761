// `listen` with several clients: how many, who may come, how long it waits for them, and what they
// share.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.waits, .requires("python3")) struct Serving {
  // MARK: How many

  @Test func soManyAltogether() throws {
    let server = try RunningServer("--max-connections", "3", "--echo")
    for number in 1...3 {
      #expect(
        try server.client(.python3, input: .text("\(number)")).wait().outputText == "\(number)")
    }
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    let late = try tcptool("connect", "127.0.0.1", "\(server.port)").wait()
    #expect(late.outcome == .exited(11))
  }

  /// The listener is closed with the last that it takes, and not when that one ends.
  @Test func whoComesAfterTheLastIsRefused() throws {
    let server = try RunningServer("--max-connections", "2", "--echo")
    let clients = try (0..<2).map { _ in try server.client("both", input: .pipe) }
    try server.tool.waitForLine(containing: "#2 accepted ")
    let late = try tcptool("connect", "127.0.0.1", "\(server.port)").wait()
    #expect(late.outcome == .exited(11), "\(late)")
    for client in clients {
      try client.write("still served")
      client.closeInput()
      #expect(try client.wait().outputText == "still served")
    }
    #expect(try server.tool.wait().outcome == .exited(0))
  }

  @Test func soManyAtOnceAndTheRestWaits() throws {
    let server = try RunningServer("-k", "--max-concurrent", "2", "--echo")
    let clients = try (1...4).map { number in
      let client = try server.client("say=here", "both", input: .pipe)
      try client.waitForLine(containing: "here")
      try client.write("\(number)")
      return client
    }
    // The kernel holds two, and serves them nothing.
    server.waitForQueue(2)
    for client in clients[..<2] { try waitForBytes(1, from: client) }
    #expect(clients[2...].allSatisfy { $0.standardOutput.isEmpty })
    #expect(!String(decoding: server.tool.standardError, as: UTF8.self).contains("#3 accepted"))
    // One that ends makes room for one.
    clients[0].closeInput()
    try clients[0].wait()
    try server.tool.waitForLine(containing: "#3 accepted")
    try waitForBytes(1, from: clients[2])
    server.waitForQueue(1)
    #expect(clients[3].standardOutput.isEmpty)
    for client in clients[1...] { client.closeInput() }
    for (number, client) in clients.enumerated() {
      #expect(try client.wait().outputText == "\(number + 1)")
    }
    _ = try server.stop()
  }

  // MARK: Who may come

  /// A client of 127.0.0.`host` that says what became of it.
  private static func visitor(_ host: Int, _ port: UInt16, to target: String = "127.0.0.1")
    -> [String]
  {
    [
      "python3", "-c",
      """
      import socket, sys
      source, target, port = sys.argv[1:]
      try:
          peer = socket.create_connection((target, int(port)), 20, (source, 0))
          peer.sendall(b"in")
          print(peer.recv(10).decode() or "finished")
      except ConnectionResetError:
          print("reset")
      """, target.contains(":") ? target : "127.0.0.\(host)", target, "\(port)",
    ]
  }

  /// A client that reads nothing until every buffer on the way is full gets all of it back.
  @Test(.requires("python3")) func anEchoGoesOnWhenItsClientReadsAtLast() throws {
    let server = try RunningServer("--max-connections", "2", "--echo")
    let client = """
      import hashlib, os, select, socket, sys
      s = socket.socket()
      s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
      s.connect(("127.0.0.1", int(sys.argv[1])))
      s.setblocking(False)
      sent, got = hashlib.sha256(), hashlib.sha256()
      while select.select([], [s], [], 1)[1]:
          block = os.urandom(1 << 14)
          sent.update(block[:s.send(block)])
      s.shutdown(socket.SHUT_WR)
      s.settimeout(60)
      while block := s.recv(1 << 16): got.update(block)
      print(sent.digest() == got.digest())
      """
    for _ in 1...2 {
      #expect(
        try run(["python3", "-c", client, "\(server.port)"]).outputText == "True\n")
    }
    #expect(try server.tool.wait().outcome == .exited(0))
  }

  /// What waits to be sent back has nobody to go to, and must keep nothing waiting.
  @Test(.requires("python3")) func anEchoEndsWithAnRST() throws {
    let server = try RunningServer("--max-connections", "1", "--echo")
    let client = """
      import socket, struct, sys, time
      s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
      s.settimeout(1)
      try:
          while True: s.send(bytes(1 << 16))
      except TimeoutError: pass
      s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
      """
    #expect(try run(["python3", "-c", client, "\(server.port)"]).outcome == .exited(0))
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(21), "\(done)")
    #expect(done.errorText.contains("(ECONNRESET)"), "\(done)")
  }

  @Test func whoIsNotAllowedIsResetAndDoesNotCount() throws {
    let server = try RunningServer(
      "--max-connections", "1", "--echo", "--allow", "10.0.0.0/8,127.0.0.2", "--accept-timeout",
      "1h")
    for host in [3, 4] {
      #expect(try run(Self.visitor(host, server.port)).outputText == "reset\n")
      let line = try server.tool.waitForLine(containing: "reset 127.0.0.\(host):")
      #expect(line.hasSuffix(": its address is not in --allow"))
    }
    #expect(try run(Self.visitor(2, server.port)).outputText == "in\n")
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.errorText.split(separator: "\n").filter { $0.contains("accepted ") }.count == 1)
  }

  /// A dual-stack listener sees IPv4 peers as mapped ones.
  @Test(arguments: [
    ("127.0.0.0/8", "in\n", "reset\n"), ("::1", "reset\n", "in\n"),
    ("::ffff:127.0.0.0/104", "in\n", "reset\n"), ("::/0", "reset\n", "in\n"),
    ("0.0.0.0/0,::/0", "in\n", "in\n"),
  ])
  func allowedFamilies(_ ranges: String, _ ipv4: String, _ ipv6: String) throws {
    let server = try RunningServer("-k", "--echo", "--allow", ranges, host: nil)
    #expect(try run(Self.visitor(1, server.port)).outputText == ipv4)
    #expect(try run(Self.visitor(1, server.port, to: "::1")).outputText == ipv6)
    _ = try server.stop()
  }

  /// On a relay and on a program as well as on a service.
  @Test(arguments: [[], ["date"]])
  func notAllowedOnAnyMode(_ program: [String]) throws {
    let server = try RunningServer("--allow", "192.0.2.1", "--json", exec: program, input: .pipe)
    #expect(try run(Self.visitor(1, server.port)).outputText == "reset\n")
    let event = try server.tool.waitForEvent("rejected")
    #expect(event.object("peer")?["address"] as? String == "127.0.0.1")
    _ = try server.stop()
  }

  // MARK: How long it waits

  @Test(arguments: [[], ["--echo"], ["-k"], ["--exec", "date"]])
  func nobodyComes(_ mode: [String]) throws {
    let done = try run(
      [try Tool.path, "listen", "--accept-timeout", "50ms", "127.0.0.1", "0"] + mode)
    #expect(done.outcome == .exited(12), "\(done)")
    #expect(done.errorText.contains("Error: no client came within 50ms (--accept-timeout)\n"))
    #expect(done.elapsed >= .milliseconds(50))
  }

  /// While somebody is served nobody is waited for, however long that takes.
  @Test func theWaitBeginsWhenNobodyIsThere() throws {
    let port = try unusedPort()
    // It is there as soon as anybody can be.
    let first = try tcptool(
      "connect", "--wait", "30s", "--quiet", "127.0.0.1", "\(port)", input: .pipe)
    let tool = try tcptool(
      "listen", "-k", "--echo", "--accept-timeout", "1500ms", "--json", "127.0.0.1", "\(port)")
    let time = try #require(try tool.waitForEvent("accepted").number("unix_time_us"))
    #expect(eventually { Date().timeIntervalSince1970 * 1e6 > Double(time) + 1_700_000 })
    // It listens still.
    let second = try Child(Peer.python3.client(of: port, .ipv4), input: .text("two"))
    #expect(try second.wait().outputText == "two")
    try first.write("one")
    first.closeInput()
    #expect(try first.wait().outputText == "one")
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
  }

  // MARK: Standard input for all

  @Test func inputGoesToAll() throws {
    let data = bytes(count: 1_000_000, seed: 91)
    let server = try RunningServer("-k", input: .pipe)
    let clients = try (0..<3).map { _ in try server.client("receive=1000000", "finish") }
    try server.tool.waitForLine(containing: "#3 accepted ")
    try server.tool.write(data)
    for client in clients { expectSame(try client.wait().output, data) }
    _ = try server.stop()
  }

  /// Every program as one of several clients: it gets what is typed, and what it says has its number.
  @Test(.requires("nc", "ncat", "socat")) func differentProgramsAtOnce() throws {
    let server = try RunningServer("-k", input: .pipe)
    let clients = try Peer.allCases.enumerated().map { number, peer in
      let client = try server.client(peer, input: .pipe)
      try server.tool.waitForLine(containing: "#\(number + 1) accepted ")
      return client
    }
    try server.tool.write("to all\n")
    for client in clients { try waitForBytes(7, from: client) }
    for (peer, client) in zip(Peer.allCases, clients) {
      try client.write("from \(peer)\n")
      client.closeInput()
      let done = try client.wait()
      #expect(done.outcome == .exited(0), "\(peer): \(done)")
      #expect(done.outputText == "to all\n")
    }
    let done = try server.stop()
    #expect(
      done.outputText == "#1 from nc\n#2 from ncat\n#3 from socat\n#4 from python3\n", "\(done)")
  }

  @Test func whoComesLaterGetsWhatComesLater() throws {
    let server = try RunningServer("-k", input: .pipe)
    // For nobody it is not even read.
    try server.tool.write("one ")
    let first = try server.client("receive")
    try waitForBytes(4, from: first)
    let second = try server.client("receive")
    try server.tool.waitForLine(containing: "#2 accepted ")
    try server.tool.write("two")
    try waitForBytes(7, from: first)
    try waitForBytes(3, from: second)
    server.tool.closeInput()
    // Both are told the end.
    #expect(try first.wait().outputText == "one two")
    #expect(try second.wait().outputText == "two")
    _ = try server.stop()
  }

  /// The first reads nothing, so that everybody waits for it; then its side ends, and with it what
  /// it would take. It still has not read anything, and its connection is still there.
  @Test func aClientThatIsOnlyEndingHoldsUpNobody() throws {
    let data = bytes(count: 32 << 20, seed: 92)
    let server = try RunningServer("-k", input: .bytes(data))
    let idle = try server.client("say=here", "wait", "finish", "say=ended", "wait", input: .pipe)
    try server.tool.waitForLine(containing: "#1 accepted ")
    let reader = try server.client("receive")
    try server.tool.waitForLine(containing: "#2 accepted ")
    // Held up: nothing more comes for a while.
    var seen = -1
    let isHeldUp = eventually(every: .milliseconds(300)) {
      defer { seen = reader.standardOutput.count }
      return seen == reader.standardOutput.count
    }
    #expect(isHeldUp && seen < data.count)
    try idle.write("\n")
    try idle.waitForLine(containing: "ended")
    // It came a little after the first, which had some of the data by then.
    let done = try reader.wait()
    expectSame(done.output, Array(data.suffix(done.output.count)))
    #expect(idle.isRunning)
    _ = try server.stop()
  }

  // MARK: Standard output for all

  /// To a pipe and to a file, which takes everything at once: the last line comes too, and the
  /// server ends.
  @Test(arguments: [true, false])
  func whatManySendComesWhole(toAFile: Bool) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("output")
    let server = try RunningServer(
      "--max-connections", "16", "--quiet", "--port-file", directory.file("port"),
      output: toAFile ? .file(path) : .captured, port: directory.file("port"))
    let clients = try run([
      "python3", "-c",
      """
      import socket, sys, threading
      gate = threading.Barrier(16)
      def client(number):
          peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
          gate.wait()
          for part in range(10):
              peer.sendall(b"".join(b"%02d %05d %s\\n" % (number, n, b"x" * (n % 90))
                           for n in range(part * 100, part * 100 + 100)))
          peer.shutdown(socket.SHUT_WR)
          peer.recv(1)
      threads = [threading.Thread(target=client, args=(n,)) for n in range(16)]
      for thread in threads: thread.start()
      for thread in threads: thread.join()
      """, "\(server.port)",
    ])
    #expect(clients.outcome == .exited(0), "\(clients)")
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    let text = toAFile ? String(decoding: contents(of: path), as: UTF8.self) : done.outputText
    var next: [Substring: Int] = [:]
    var owners: [Substring: Substring] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      let number = next[words[1], default: 0]
      #expect(owners[words[1], default: words[0]] == words[0])
      owners[words[1]] = words[0]
      // In order, whole, none missing.
      #expect(
        Int(words[2]) == number && words.dropFirst(3).joined().count == number % 90, "\(line)")
      next[words[1]] = number + 1
    }
    #expect(next.count == 16 && next.values.allSatisfy { $0 == 1_000 })
    #expect(Set(owners.values).count == 16)
  }

  /// The program is stopped while the bytes come, so that it meets the signal and them at once.
  @Test func aSignalLosesNothingThatWasAcknowledged() throws {
    let server = try RunningServer("-k", input: .pipe)
    let text = (0..<5_000).map { "line \($0)\n" }.joined()
    let clients = try (0..<3).map { _ in
      try server.client("wait", "send", "acknowledged", "say=held", "receive", input: .pipe)
    }
    try server.tool.waitForLine(containing: "#3 accepted ")
    try server.tool.signal(SIGSTOP)
    for client in clients {
      try client.write("\n" + text)
      client.closeInput()
      try client.waitForLine(containing: "held")
    }
    try server.tool.signal(SIGTERM)
    try server.tool.signal(SIGCONT)
    let done = try server.tool.wait()
    #expect(done.outcome == .signalled(SIGTERM))
    for number in 1...3 {
      let lines = done.outputText.split(separator: "\n").filter { $0.hasPrefix("#\(number) ") }
      #expect(lines.map { "\($0.dropFirst(3))\n" }.joined() == text)
    }
  }

  // MARK: Descriptors

  @Test func whereNoDescriptorIsLeftTheOthersGoOn() throws {
    let tool = try Child([
      "sh", "-c", "ulimit -n 20; exec \"$@\"", "sh", try Tool.path, "listen", "-k", "--echo",
      "--json",
      "127.0.0.1", "0",
    ])
    let port = try tool.waitForEvent("listening").port("local")
    let clients = try run([
      "python3", "-c",
      """
      import socket, sys
      peers = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(40)]
      for number, peer in enumerate(peers): peer.sendall(b"%d" % number)
      # They are taken in their order, so each that ends makes room for one that waits.
      for number, peer in enumerate(peers):
          peer.settimeout(120)
          assert peer.recv(10) == b"%d" % number
          peer.close()
      print("all")
      """, "\(port)",
    ])
    #expect(clients.outputText == "all\n", "\(clients)")
    try tool.signal(SIGTERM)
    let told = try tool.wait().events()
    let shortages = told.filter { $0.name == "out_of_descriptors" }
    // Once, and not for each that waits.
    #expect(shortages.count == 1)
    let open = try #require(shortages.first?.number("open"))
    #expect((5...17).contains(open))
    #expect(shortages.first?.text("errno") == "EMFILE")
    #expect(told.filter { $0.name == "accepted" }.count == 40)
    #expect(told.filter { $0.name == "closed" }.count == 40)
  }

  /// Each of them may pass when a connection ends, whoever the descriptor is missing for.
  @Test(.requires("strace"), arguments: ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"])
  func aShortageOfSocketsIsWaitedOut(_ errno: String) throws {
    let tool = try Child([
      "strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=accept4:error=\(errno):when=2",
      try Tool.path, "listen", "--echo", "--max-connections", "2", "--json", "127.0.0.1", "0",
    ])
    let port = "\(try tool.waitForEvent("listening").port("local"))"
    let first = try tcptool("connect", "127.0.0.1", port, input: .pipe)
    let shortage = try tool.waitForEvent("out_of_descriptors")
    #expect(shortage.text("errno") == errno && shortage.number("open") == 1)
    let second = try tcptool("connect", "127.0.0.1", port, input: .text("second"))
    try second.waitForLine(containing: "connected")
    // The one that is there is served, and the other one waits in the accept queue.
    try first.write("first")
    try waitForBytes(5, from: first)
    #expect(second.standardOutput.isEmpty)
    first.closeInput()
    #expect(try first.wait().outputText == "first")
    #expect(try second.wait().outputText == "second")
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(try done.events().filter { $0.name == "out_of_descriptors" }.count == 1)
  }

  /// There is nothing whose end could make room.
  @Test(.requires("strace"), arguments: ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"])
  func aShortageWithoutAnyConnectionIsTheEnd(_ errno: String) throws {
    let tool = try Child([
      "strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=accept4:error=\(errno):when=1",
      try Tool.path, "listen", "-k", "--echo", "127.0.0.1", "0",
    ])
    _ = try tcptool("connect", "127.0.0.1", "\(try announcedPort(of: tool))").wait()
    let done = try tool.wait()
    #expect(done.outcome == .exited(15), "\(done)")
    #expect(done.errorText.contains("Error: accept on 127.0.0.1:"), "\(done)")
    #expect(done.errorText.contains("(\(errno)); "), "\(done)")
  }
}
