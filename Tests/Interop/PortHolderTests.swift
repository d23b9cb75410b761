// A port that is taken: who has it is said, on real processes.

import Foundation
import TestSupport
import Testing

@Suite(.waits) struct TakenPorts {
  /// A Python program that calls itself `holder`, does what its lines say, and says a line at the end.
  private static func holder(_ lines: String, in network: PrivateNetwork? = nil) throws -> (
    child: Child, words: [String]
  ) {
    let script = """
      import os, socket, sys
      def rename(name):
          with open("/proc/self/comm", "wb") as comm:
              comm.write(name)
      rename(b"holder")
      \(lines)
      print(flush=True)
      sys.stdin.read()
      """
    let child = try Child(command(["python3", "-c", script], in: network), input: .pipe)
    let text = try child.waitForOutput { $0.hasSuffix("\n") }
    return (child, text.split(whereSeparator: \.isWhitespace).map(String.init))
  }

  /// Runs `listen` or `recv`, which must fail as they do where the local end is at fault.
  private static func refusal(
    _ words: [String], bind address: String, in network: PrivateNetwork? = nil,
    as user: [String] = [], tool: String? = nil
  ) throws -> String {
    let done = try run(command(user + [try tool ?? Tool.path] + words, in: network))
    #expect(done.outcome == .exited(15))
    #expect(done.output == [])
    let start = "Error: bind to \(address): address already in use (EADDRINUSE)"
    #expect(done.errorText.hasPrefix(start) && done.errorText.hasSuffix("\n"), "\(done)")
    return String(done.errorText.dropFirst(start.count).dropLast())
  }

  @Test(.requires("nc"), arguments: ["listen", "recv"])
  func aListenerIsNamed(_ name: String) throws {
    let port = try unusedPort()
    let nc = try Child(["nc", "-n", "-l", "127.0.0.1", "\(port)"], input: .pipe)
    try waitUntilListening(port: port)
    let expected = ": 127.0.0.1:\(port) is held by nc (pid \(nc.pid))"
    #expect(try Self.refusal([name, "\(port)"], bind: "[::]:\(port)") == expected)
    #expect(
      try Self.refusal([name, "127.0.0.1", "\(port)"], bind: "127.0.0.1:\(port)") == expected)
    #expect(try Self.refusal([name, "-4", "\(port)"], bind: "0.0.0.0:\(port)") == expected)
    #expect(nc.isRunning)
  }

  /// Of two listeners on one port only the one in the way is named.
  @Test(.requires("python3")) func onlyWhatIsInTheWay() throws {
    let port = try unusedPort()
    let (child, _) = try Self.holder(
      """
      first = socket.create_server(("127.0.0.1", \(port)))
      second = socket.create_server(("::1", \(port)), family=socket.AF_INET6)
      """)
    let holder = "held by holder (pid \(child.pid))"
    #expect(
      try Self.refusal(["listen", "-6", "\(port)"], bind: "[::]:\(port)")
        == ": [::1]:\(port) is \(holder)")
    #expect(
      try Self.refusal(["listen", "-4", "\(port)"], bind: "0.0.0.0:\(port)")
        == ": 127.0.0.1:\(port) is \(holder)")
    #expect(
      try Self.refusal(["listen", "\(port)"], bind: "[::]:\(port)")
        == ": 127.0.0.1:\(port) and [::1]:\(port) are \(holder)")
  }

  @Test(.requires("python3")) func aForkedServerHasTwoHolders() throws {
    let port = try unusedPort()
    let (parent, words) = try Self.holder(
      """
      listener = socket.create_server(("127.0.0.1", \(port)))
      child = os.fork()
      if child == 0:
          rename(b"a\\nError: \\x1b[31m")
          sys.stdin.read()
          os._exit(0)
      print(child)
      """)
    let child = try #require(words.first)
    // The child renames itself when it likes.
    let named = eventually {
      (try? kernelFile("/proc/\(child)/comm").hasPrefix("a\n")) == true
    }
    #expect(named)
    let text = try Self.refusal(["listen", "\(port)"], bind: "[::]:\(port)")
    let names = ["holder (pid \(parent.pid))", "a\\nError: \\x1b[31m (pid \(child))"]
    let either = [names, names.reversed()].map {
      ": 127.0.0.1:\(port) is held by \($0.joined(separator: " and "))"
    }
    #expect(either.contains(text), "\(text)")
  }

  /// The nobody of most systems.
  @Test(.requires("python3", "setpriv"), .requiresRoot) func withoutPrivilegeTheUserIsSaid() throws
  {
    let port = try unusedPort()
    let (child, _) = try Self.holder(
      """
      listener = socket.create_server(("127.0.0.1", \(port)))
      """)
    let nobody = try Stranger()
    #expect(
      try Self.refusal(
        ["listen", "\(port)"], bind: "[::]:\(port)", as: nobody.words, tool: nobody.tool)
        == ": 127.0.0.1:\(port) is held by a process of uid 0 whose name is not readable: "
        + "run as root to see it")
    #expect(child.isRunning)
  }

  /// Sockets that do not listen have their port all the same: one that is only bound, a client's, and
  /// what is left of a client's.
  @Test(.requires("python3"), .requiresPrivateNetwork) func whatDoesNotListen() throws {
    let network = try PrivateNetwork(
      setUp: ["echo 30000 30999 > /proc/sys/net/ipv4/ip_local_port_range"])
    let (child, words) = try Self.holder(
      """
      bound = socket.socket()
      bound.bind(("127.0.0.1", 7000))
      listener = socket.create_server(("127.0.0.1", 7001))
      client = socket.create_connection(("127.0.0.1", 7001))
      server, _ = listener.accept()
      old = socket.create_connection(("127.0.0.1", 7001))
      peer, _ = listener.accept()
      print(client.getsockname()[1], old.getsockname()[1])
      old.close()
      peer.recv(1)
      peer.close()
      """, in: network)
    let ports = words.compactMap { UInt16($0) }
    try #require(ports.count == 2)
    func text(_ port: UInt16) throws -> String {
      try Self.refusal(["listen", "\(port)"], bind: "[::]:\(port)", in: network)
    }
    let holder = "is held by holder (pid \(child.pid))"
    let range =
      "; clients get their ports from net.ipv4.ip_local_port_range, and this is one of them"
    #expect(
      try text(ports[0])
        == ": the connection 127.0.0.1:\(ports[0]) → 127.0.0.1:7001 \(holder)\(range)")
    let left = try text(ports[1])
    #expect(
      left.hasPrefix(
        ": the connection 127.0.0.1:\(ports[1]) → 127.0.0.1:7001 is in TIME_WAIT for "),
      "\(left)")
    #expect(left.hasSuffix(range))

    let release = try kernelFile("/proc/sys/kernel/osrelease").split { !$0.isNumber }
      .prefix(2).compactMap { Int($0) }
    let bound = try text(7000)
    if release.lexicographicallyPrecedes([6, 8]) {
      #expect(bound.hasPrefix("; no table of the kernel shows what has it"))
    } else {
      #expect(bound == ": 127.0.0.1:7000, bound but not listening, \(holder)")
    }
  }

  @Test(.requires("python3"), .requiresPrivateNetwork) func noPortIsLeftToChooseFrom() throws {
    let network = try PrivateNetwork(
      setUp: ["echo 30000 30001 > /proc/sys/net/ipv4/ip_local_port_range"])
    let (child, _) = try Self.holder(
      """
      taken = [socket.create_server(("0.0.0.0", port)) for port in (30000, 30001)]
      """, in: network)
    #expect(
      try Self.refusal(["listen", "0"], bind: "[::]:0", in: network)
        == "; every port of net.ipv4.ip_local_port_range is taken")
    #expect(child.isRunning)
  }
}
