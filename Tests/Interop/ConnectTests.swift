// `connect` where no connection comes about: each cause has its status, and its name in the message.

import TestSupport
import Testing

@Suite(.waits, .requiresPrivateNetwork) struct ConnectOutcomes {
  struct Row: Sendable, CustomTestStringConvertible {
    var cause: String
    var host: String
    var status: Int32
    var texts: [String]
    var testDescription: String { cause }
  }

  /// With no network but loopback, and routes that answer as a router would.
  private static func network() throws -> PrivateNetwork {
    try PrivateNetwork(setUp: [
      "ip route add unreachable 127.9.9.1/32 table local",
      "ip route add prohibit 127.9.9.2/32 table local",
      "ip -6 route add unreachable 2001:db8::1/128",
      "ip -6 route add prohibit 2001:db8::2/128",
    ])
  }

  @Test(
    .requires("ip"),
    arguments: [
      Row(
        cause: "refused", host: "127.0.0.1", status: 11,
        texts: ["connection refused (ECONNREFUSED)", "127.0.0.1:80", "RST"]),
      Row(
        cause: "refused, IPv6", host: "::1", status: 11,
        texts: ["connection refused (ECONNREFUSED)", "[::1]:80"]),
      Row(
        cause: "unreachable", host: "127.9.9.1", status: 13,
        texts: ["no route to host (EHOSTUNREACH)", "127.9.9.1:80"]),
      Row(
        cause: "unreachable, IPv6", host: "2001:db8::1", status: 13,
        texts: ["no route to host (EHOSTUNREACH)", "[2001:db8::1]:80"]),
      Row(
        cause: "no route", host: "192.0.2.1", status: 13,
        texts: ["network is unreachable (ENETUNREACH)", "192.0.2.1:80"]),
      Row(
        cause: "prohibited", host: "127.9.9.2", status: 14,
        texts: ["permission denied (EACCES)", "127.9.9.2:80"]),
      Row(
        cause: "prohibited, IPv6", host: "2001:db8::2", status: 14,
        texts: ["permission denied (EACCES)", "[2001:db8::2]:80"]),
      Row(
        cause: "not resolved", host: "nosuch.invalid", status: 10,
        texts: ["resolve nosuch.invalid: ", "(EAI_"]),
    ], ["connect", "send"])
  func eachCauseHasItsStatus(_ row: Row, _ subcommand: String) throws {
    let network = try Self.network()
    let done = try tcptool(subcommand, row.host, "80", in: network).wait()
    #expect(done.outcome == .exited(row.status), "\(done)")
    #expect(done.output == [])
    #expect(done.errorText.hasPrefix("Error: "))
    for text in row.texts { #expect(done.errorText.contains(text), "\(done.errorText)") }
  }

  /// Something listens where a connection is reset as soon as it is established, whether or not the RST
  /// was there before this end had looked; on loopback it mostly is.
  @Test(arguments: ["connect", "send"])
  func aResetAfterTheHandshakeIsNoRefusal(_ subcommand: String) throws {
    let network = try PrivateNetwork()
    let server = try tcptool(
      "listen", "--keep-open", "--allow", "192.0.2.0/24", "127.0.0.1", "7000", in: network)
    try server.waitForLine(containing: "listening on ")
    for _ in 1...10 {
      let done = try tcptool(
        subcommand, "127.0.0.1", "7000", input: .text("data"), in: network
      ).wait()
      #expect([.exited(20), .exited(21)].contains(done.outcome), "\(done)")
      #expect(!done.errorText.contains("nothing listens"), "\(done.errorText)")
    }
    let series = try tcptool(
      "connect", "--json", "--count", "10", "--interval", "1ms", "127.0.0.1", "7000", in: network
    ).wait()
    let rounds = series.outputText.split(separator: "\n").dropLast()
    #expect(rounds.count == 10)
    for round in rounds {
      #expect(
        round.contains(#""outcome":"reset","#) || round.contains(#""outcome":"connected","#),
        "\(round)")
    }
  }

  @Test(.requires("python3"), arguments: Family.allCases)
  func aBlackHole(_ family: Family) throws {
    let network = try PrivateNetwork()
    let hole = try BlackHole(family, in: network)
    let done = try tcptool(
      "connect", "--timeout", "300ms", family.loopback, "\(hole.port)", in: network
    ).wait()
    #expect(done.outcome == .exited(12), "\(done)")
    #expect(done.errorText.contains("(ETIMEDOUT)"))
    #expect(done.errorText.contains("1 SYN sent"))
    #expect(done.elapsed >= .milliseconds(300))
  }

  /// The SYN that is dropped is sent again after a second; when there is room by then, it connects.
  @Test(.requires("python3"))
  func aLostSYNIsSentAgain() throws {
    let network = try PrivateNetwork()
    let hole = try BlackHole(.ipv4, in: network)
    let tool = try tcptool("connect", "127.0.0.1", "\(hole.port)", in: network)
    try waitForConnection(of: hole.port, in: .synSent, network: network)
    try hole.open()
    try tool.waitForLine(containing: "the SYN was sent 2 times")
  }
}

/// A listener whose accept queue is full: the kernel drops every further SYN.
struct BlackHole {
  private let process: Child
  let port: UInt16

  init(_ family: Family, in network: PrivateNetwork) throws {
    process = try Child(
      network.command(["python3", "-c", Self.script, family.loopback]), input: .pipe)
    let line = try process.waitForLine(containing: "full ", in: .standardOutput)
    guard let port = UInt16(line.dropFirst(5)) else { throw TestFailure("no port in “\(line)”") }
    self.port = port
  }

  /// Takes the waiting connections, and those that come.
  func open() throws { process.closeInput() }

  private static let script = """
    import socket, sys

    family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
    listener = socket.socket(family)
    listener.bind((sys.argv[1], 0))
    listener.listen(0)
    waiting = socket.create_connection(listener.getsockname()[:2])
    print("full", listener.getsockname()[1], flush=True)
    sys.stdin.read()
    accepted = [listener.accept() for _ in range(2)]
    """
}
