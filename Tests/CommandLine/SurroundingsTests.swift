// The program in poor surroundings: no environment, no home, few descriptors, no network, no name.

import Foundation
import TestSupport
import Testing

@Suite(.waits) struct Surroundings {
  /// One exchange of each kind works under a line of shell.
  private func everythingWorks(under line: String) throws {
    let directory = try TemporaryDirectory()
    try Data("sent\n".utf8).write(to: URL(filePath: directory.file("file")))

    for words in [["states"], ["--help"], ["states", "--json"]] {
      let listener = try Peer.Listener()
      let done = try shell(line, words)
      #expect(done.outcome == .exited(0), "\(words) \(done)")
      #expect(done.errorText == "")
      withExtendedLifetime(listener) {}
    }
    for (name, more) in [("connect", []), ("send", [directory.file("file")])] {
      let listener = try Peer.Listener()
      let child = try start(line, [name, "127.0.0.1:\(listener.port)"] + more)
      let peer = try listener.accept()
      peer.finish(sending: "received\n")
      #expect(try peer.received() == (name == "send" ? "sent\n" : ""))
      let done = try child.wait()
      #expect(done.outcome == .exited(0), "\(name) \(done)")
      #expect(done.outputText == (name == "send" ? "" : "received\n"))
    }
    for name in ["listen", "recv"] {
      let port = try unusedPort()
      let child = try start(line, [name, "localhost", "\(port)"])
      try waitUntilListening(port: port)
      let peer = try Peer(connectingTo: port)
      peer.finish(sending: "received\n")
      #expect(try peer.received() == "")
      let done = try child.wait()
      #expect(done.outcome == .exited(0), "\(name) \(done)")
      #expect(done.outputText == "received\n")
    }
  }

  @Test func withoutAnyEnvironment() throws {
    let line = #"exec env -i "$@""#
    try everythingWorks(under: line)
    let done = try shell(line, ["backlog-test", "--backlog", "1"])
    #expect(done.outcome == .exited(0), "\(done)")
  }

  @Test func inAnEmptyDirectoryWithoutHome() throws {
    let directory = try TemporaryDirectory()
    try everythingWorks(under: #"cd \#(directory.path) && unset HOME && exec "$@""#)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == [])
  }

  /// Bytes that the output does not take wait behind the first that failed, and more come.
  @Test(.requires("prlimit"), arguments: [0, 100])
  func aLimitOfFileSizesIsAnError(_ bytes: Int) throws {
    let directory = try TemporaryDirectory()
    let line = #"exec prlimit --fsize=\#(bytes) "$@" > \#(directory.file("out"))"#
    for _ in 0..<20 {
      let listener = try Peer.Listener()
      let child = try start(line, ["connect", "127.0.0.1:\(listener.port)"])
      let peer = try listener.accept()
      peer.finish(sending: String(repeating: "0123456789", count: 20_000))
      let done = try child.wait()
      #expect(done.outcome == .exited(24), "\(done)")
      #expect(done.errorText.contains("file too large (EFBIG)"), "\(done)")
    }
  }

  @Test func withSixteenDescriptors() throws {
    try everythingWorks(under: #"ulimit -n 16 && exec "$@""#)
  }

  /// It says so before the first connect: the namespace has counted none.
  @Test(.requiresPrivateNetwork) func aFloodNeedsDescriptors() throws {
    let network = try PrivateNetwork()
    let words = [try Tool.path, "backlog-test", "--isolate", "never"]
    let done = try run(
      network.command(["sh", "-c", #"ulimit -n 16 && exec "$@""#, "sh"] + words))
    #expect(done.outcome == .exited(15))
    #expect(done.outputText == "")
    let needed = try #require(
      done.errorText.wholeMatch(
        of:
          #/Error: the experiment needs ([0-9]+) descriptors and this process may have 16; raise the limit \(ulimit -n ([0-9]+)\) or ask for a smaller backlog or count\n/#
      ),
      "\(done)")
    #expect(needed.1 == needed.2)
    #expect(try activeOpens(in: network) == 0)

    // The advice helps.
    let advised = try run(
      network.command(
        ["sh", "-c", #"ulimit -n \#(needed.1) && exec "$@""#, "sh"] + words))
    #expect(advised.outcome == .exited(0), "\(advised)")
    #expect(try activeOpens(in: network) > 128)
  }

  /// How many connects the namespace has seen: ActiveOpens of `Tcp:` in /proc/net/snmp.
  private func activeOpens(in network: PrivateNetwork) throws -> Int {
    let text = try String(contentsOfFile: "/proc/\(network.pid)/net/snmp", encoding: .utf8)
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("Tcp:") }
      .map { $0.split(separator: " ") }
    try #require(rows.count == 2)
    let place = try #require(rows[0].firstIndex(of: "ActiveOpens"))
    return try #require(Int(rows[1][place]))
  }

  @Test(.requiresPrivateNetwork) func statesWithNothingToShow() throws {
    let network = try PrivateNetwork()
    for (words, lines) in [(["states"], 1), (["states", "--json"], 0)] {
      let done = try run(network.command([Tool.path] + words))
      #expect(done.outcome == .exited(1))
      #expect(done.outputText.split(separator: "\n").count == lines)
      #expect(!done.errorText.contains("Error"))
    }
  }

  @Test(.requiresPrivateNetwork) func withoutARoute() throws {
    let network = try PrivateNetwork()
    let done = try run(network.command([Tool.path, "connect", "192.0.2.1", "80"]))
    #expect(done.outcome == .exited(13))
    #expect(
      done.errorText == "Error: connect to 192.0.2.1:80: network is unreachable (ENETUNREACH); "
        + "this host has no route there: 'ip route' lists those that it has\n")
  }

  /// What this name means is no question (RFC 6761, 6.3): in an empty chroot it works as elsewhere.
  @Test(.requiresPrivateNetwork, arguments: ["localhost", "LocalHost"])
  func localhostWithoutTheFilesOfNames(_ host: String) throws {
    let network = try PrivateNetwork(mounts: true, setUp: ["mount -t tmpfs tmpfs /etc"])
    for (option, address) in [("-4", "127.0.0.1"), ("-6", "[::1]"), ("-q", "[::1]")] {
      let listener = try Child(
        network.command([Tool.path, "listen", "--trace", option, host, "7000"]))
      try waitUntilListening(port: 7000, network: network)
      let sent = try run(
        network.command([Tool.path, "send", "--trace", option, host, "7000"]), input: .text("x"))
      #expect(sent.outcome == .exited(0), "\(sent)")
      #expect(sent.errorText.contains(", \(address):7000) = -1 EINPROGRESS"), "\(sent)")
      let received = try listener.wait()
      #expect(received.outputText == "x", "\(received)")
      #expect(received.errorText.contains(", \(address):7000) = 0"), "\(received)")
    }
    // Any other name is still looked up, in vain.
    let other = try run(network.command([Tool.path, "connect", "localhost.example", "7000"]))
    #expect(other.outcome == .exited(10), "\(other)")
  }

  @Test(arguments: ["connect", "send", "listen", "recv"])
  func aNameThatIsNone(_ name: String) throws {
    for host in ["nosuch.invalid", String(repeating: "a", count: 10_000)] {
      let done = try tcptool([name, host, "7000"])
      #expect(done.outcome == .exited(10))
      #expect(done.outputText == "")
      #expect(done.errorText.hasPrefix("Error: resolve \(host): "))
      #expect(done.errorText.split(separator: "\n").count == 1)
    }
  }

  @Test func aPortThatNobodyListensOn() throws {
    let port = try unusedPort()
    for name in ["connect", "send"] {
      let done = try tcptool([name, "127.0.0.1", "\(port)"])
      #expect(done.outcome == .exited(11))
      #expect(
        done.errorText == """
          Error: connect to 127.0.0.1:\(port): connection refused (ECONNREFUSED): the host answered \
          with RST, so nothing listens on that port, or a firewall rejects the connection

          """)
    }
  }

  @Test func aPortThatIsTaken() throws {
    let listener = try Peer.Listener()
    for name in ["listen", "recv"] {
      let done = try tcptool([name, "127.0.0.1:\(listener.port)"])
      #expect(done.outcome == .exited(15))
      let start = """
        Error: bind to 127.0.0.1:\(listener.port): address already in use (EADDRINUSE): \
        127.0.0.1:\(listener.port) is held by\u{20}
        """
      #expect(done.errorText.hasPrefix(start), "\(done)")
      // A child that another test starts has it too for a moment.
      #expect(done.errorText.contains(" (pid \(getpid()))"), "\(done)")
    }
  }

  @Test func anAddressOfAnotherHost() throws {
    for name in ["listen", "recv"] {
      let done = try tcptool([name, "192.0.2.77", "7000"])
      #expect(done.outcome == .exited(15))
      #expect(
        done.errorText == """
          Error: bind to 192.0.2.77:7000: cannot assign requested address (EADDRNOTAVAIL); \
          no interface of this host has that address

          """)
    }
  }

  /// As root of a user namespace that does not own the network: that root has no power over ports.
  @Test(.requiresPrivateNetwork) func aPortThatNeedsPrivilege() throws {
    let network = try PrivateNetwork()
    let done = try run(
      network.command(["unshare", "-r", Tool.path, "listen", "127.0.0.1", "80"]))
    #expect(done.outcome == .exited(15))
    #expect(
      done.errorText == """
        Error: bind to 127.0.0.1:80: permission denied (EACCES); ports below \
        net.ipv4.ip_unprivileged_port_start need root or CAP_NET_BIND_SERVICE

        """)
  }

  @Test func aFileThatIsNotThere() throws {
    let advice = "see whether the path and its folder are right"
    let sent = try tcptool(["send", "127.0.0.1", "1", "/nonexistent/file"])
    #expect(sent.outcome == .exited(24))
    #expect(
      sent.errorText
        == "Error: open /nonexistent/file: no such file or directory (ENOENT); \(advice)\n")
    let received = try tcptool(["recv", "--output", "/nonexistent/file", "1"])
    #expect(received.outcome == .exited(24))
    #expect(
      received.errorText
        == "Error: open /nonexistent/file.tcptool-part: no such file or directory (ENOENT); \(advice)\n"
    )
  }
}
