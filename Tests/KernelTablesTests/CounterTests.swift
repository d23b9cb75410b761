// Counters and settings, from text and from a network in which the right numbers are known.

import Foundation
import KernelTables
import SocketCore
import TestSupport
import Testing

@Suite struct CounterTests {
  @Test func groupsAreReadByName() {
    var counters = CounterSnapshot()
    counters.add(
      Array(
        """
        TcpExt: SyncookiesSent ListenOverflows Rubbish
        TcpExt: 0 9223372036854775807 9223372036854775808
        IpExt: InOctets
        IpExt: 5
        Tcp: MaxConn InSegs
        Tcp: -1 17

        """.utf8))
    #expect(counters["SyncookiesSent"] == 0)
    #expect(counters["ListenOverflows"] == .max)
    #expect(counters["Rubbish"] == nil)
    #expect(counters["InOctets"] == nil)
    #expect(counters["MaxConn"] == -1)
    #expect(counters["InSegs"] == 17)
    #expect(counters["TcpExt:"] == nil)
  }

  @Test(arguments: [
    "", "Tcp:", "Tcp: A B\nTcp: 1\n", "Tcp: A\nTcp: 1 2\n", "Tcp: A\nTcpExt: 1\n", "Tcp: A\n",
    "Tcp: A\nTcp: x\n", "A\n1\n", "\0\u{FF}\n\n",
  ])
  func whatDoesNotMatchIsUnknown(_ text: String) {
    var counters = CounterSnapshot()
    counters.add(Array(text.utf8))
    #expect(counters["A"] == nil)
    // It does not hide what follows.
    counters.add(Array("TcpExt: B\nTcpExt: 2\n".utf8))
    #expect(counters["B"] == 2)
  }

  @Test func increase() {
    func counters(_ text: String) -> CounterSnapshot {
      var counters = CounterSnapshot()
      counters.add(Array(text.utf8))
      return counters
    }
    let earlier = counters("Tcp: A B C D\nTcp: 5 7 1 -9223372036854775808\n")
    let later = counters("Tcp: A B D\nTcp: 15 3 9223372036854775807\n")
    #expect(later.increase(of: "A", since: earlier) == 10)
    #expect(later.increase(of: "B", since: earlier) == -4)
    #expect(later.increase(of: "C", since: earlier) == nil)
    #expect(earlier.increase(of: "C", since: later) == nil)
    #expect(later.increase(of: "D", since: earlier) == nil)
  }

  /// The listener's queue takes two connections; each further SYN is dropped and counted once, for
  /// it is given up before it is sent again.
  @Test(.requires("python3"), .requiresPrivateNetwork, .timeLimit(.minutes(5)))
  func overflowsOfAnAcceptQueue() throws {
    let network = try PrivateNetwork()
    let script = """
      import socket, sys
      listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen(1)
      held = [socket.create_connection(listener.getsockname()) for _ in range(2)]
      print("full", flush=True)
      for line in sys.stdin:
          for _ in range(int(line)):
              s = socket.socket(); s.setblocking(False)
              s.connect_ex(listener.getsockname()); s.close()
          print("sent", line, end="", flush=True)
      """
    let child = try Child(network.command(["python3", "-c", script]), input: .pipe)
    defer { child.closeInput() }
    try child.waitForLine(containing: "full", in: .standardOutput)
    let before = try CounterSnapshot.read(process: network.pid)
    #expect(before["ListenOverflows"] == 0)
    #expect(before["ActiveOpens"] == 2)
    #expect(before["PassiveOpens"] == 2)
    #expect(before["CurrEstab"] == 4)

    try child.write("23\n")
    try child.waitForLine(containing: "sent 23", in: .standardOutput)
    var after = before
    _ = try eventually {
      after = try CounterSnapshot.read(process: network.pid)
      return after["ListenOverflows"] == 23
    }
    #expect(after.increase(of: "ListenOverflows", since: before) == 23)
    #expect(after.increase(of: "ListenDrops", since: before) == 23)
    #expect(after.increase(of: "ActiveOpens", since: before) == 23)
    #expect(after.increase(of: "PassiveOpens", since: before) == 0)
    #expect(after.increase(of: "CurrEstab", since: before) == 0)
    #expect(after.increase(of: "NoSuchCounter", since: before) == nil)
  }

  @Test func processThatDoesNotExist() {
    #expect(throws: SystemCallError("open", "/proc/2147483647/net/netstat", .notFound)) {
      try CounterSnapshot.read(process: .max)
    }
  }

  @Test func ownNetworkIsTheDefault() throws {
    let before = try CounterSnapshot.read()
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let client = try run([
      "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/\(listener.local.port)",
    ])
    #expect(client.outcome == .exited(0))
    let opens = try CounterSnapshot.read().increase(of: "ActiveOpens", since: before)
    #expect((opens ?? 0) >= 1)
  }
}

@Suite struct SysctlTests {
  @Test(arguments: [
    ("4096\n", 4096), ("0\n", 0), ("-1\n", -1), (" 7\t\n", 7), ("12", 12),
    ("9223372036854775807\n", Int.max),
  ])
  func oneInteger(_ text: String, _ value: Int) throws {
    let root = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: root.file("net/a.b"), withIntermediateDirectories: true)
    try text.write(
      toFile: root.file("net/a.b/limit"), atomically: false, encoding: String.Encoding.utf8)
    let found = try Sysctl.integer("net.a/b.limit", under: root.path)
    #expect(found == value)
  }

  @Test(arguments: ["", "\n", "4096 131072 6291456\n", "cubic\n", "9223372036854775808\n", "\0"])
  func somethingElse(_ text: String) throws {
    let root = try TemporaryDirectory()
    try text.write(toFile: root.file("x"), atomically: false, encoding: String.Encoding.utf8)
    #expect(throws: SystemCallError("read", root.file("x"), Errno(rawValue: EINVAL))) {
      try Sysctl.integer("x", under: root.path)
    }
  }

  @Test func settingsOfThisKernel() throws {
    let names = ["net.core.somaxconn", "net.ipv4.tcp_syncookies", "kernel.pid_max"]
    let values = try names.map { try Sysctl.integer($0) }
    let told = try run(
      ["cat"] + names.map { "/proc/sys/" + $0.replacing(".", with: "/") })
    #expect(values.map { "\($0)\n" }.joined() == told.outputText)
    #expect(values.last.map { $0 > 300 } == true)
  }

  @Test func noSuchSetting() {
    #expect(throws: SystemCallError("open", "/proc/sys/net/core/nonsense", .notFound)) {
      try Sysctl.integer("net.core.nonsense")
    }
  }
}
