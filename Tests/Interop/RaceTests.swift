// The race of a host's addresses as a person sees it: families, head starts, losers, times.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requiresPrivateNetwork, .requires("python3", "ip")) struct Race {
  /// A network in which `dual.example` is both loopback addresses, the IPv6 one first.
  private static func network() throws -> (PrivateNetwork, TemporaryDirectory) {
    let directory = try TemporaryDirectory()
    try Data("::1 dual.example\n127.0.0.1 dual.example\n".utf8).write(
      to: URL(filePath: directory.file("hosts")))
    let network = try PrivateNetwork(
      mounts: true, setUp: ["mount --bind '\(directory.file("hosts"))' /etc/hosts"])
    return (network, directory)
  }

  private static func server(_ port: UInt16, _ family: Family, in network: PrivateNetwork) throws
    -> Child
  {
    let server = try Child(
      command(ScriptedPeer.server(on: port, ["finish", "receive"], family), in: network))
    try server.waitForLine(containing: "listening on ")
    return server
  }

  @Test func aBlackHoleHoldsItUpForAHeadStart() throws {
    let (network, directory) = try Self.network()
    let hole = try BlackHole(.ipv6, in: network)
    let server = try Self.server(hole.port, .ipv4, in: network)
    let done = try tcptool(
      "connect", "--verbose", "--attempt-delay", "50ms", "dual.example", "\(hole.port)", in: network
    ).wait()
    #expect(done.outcome == .exited(0), "\(done)")
    let lines = done.errorText.split(separator: "\n").map(String.init)
    try #require(lines.count >= 4, "\(done)")
    #expect(lines[0].hasPrefix("resolved dual.example in "))
    #expect(lines[0].hasSuffix(": ::1, 127.0.0.1"))
    #expect(lines[1].hasPrefix("connect to [::1]:\(hole.port): given up after "))
    #expect(lines[1].hasSuffix(" sent; another address was faster"), "\(done)")
    #expect(lines[2].hasPrefix("connected 127.0.0.1:"))
    #expect(lines[3].hasPrefix("name resolution "))
    #expect(lines[3].contains(", handshake "))
    #expect(lines[3].contains(", round trip by the kernel's clock "))
    #expect(try server.wait().outcome == .exited(0))
    withExtendedLifetime(directory) {}
  }

  @Test func theHeadStartIsAQuarterOfASecondUnlessAskedOtherwise() throws {
    let (network, directory) = try Self.network()
    let hole = try BlackHole(.ipv6, in: network)
    let server = try Self.server(hole.port, .ipv4, in: network)
    let tool = try tcptool(
      "connect", "--quiet", "dual.example", "\(hole.port)", input: .null, in: network)
    let done = try tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.elapsed >= .milliseconds(250))
    #expect(done.errorText == "")
    #expect(try server.wait().outcome == .exited(0))
    withExtendedLifetime(directory) {}
  }

  /// The SYN that is dropped is sent again after a second, and what the kernel then calls a round
  /// trip is none.
  @Test func noRoundTripIsQuotedAfterALostSYN() throws {
    let network = try PrivateNetwork()
    let hole = try BlackHole(.ipv4, in: network)
    let tool = try tcptool("connect", "--verbose", "127.0.0.1", "\(hole.port)", in: network)
    try waitForConnection(of: hole.port, in: .synSent, network: network)
    try hole.open()
    let line = try tool.waitForLine(containing: "handshake ")
    #expect(line.hasSuffix(", no round trip to quote, since the SYN was sent more than once"))
  }

  @Test(arguments: [("--ipv4", Family.ipv4), ("-6", .ipv6)])
  func oneFamilyIsTried(flag: String, family: Family) throws {
    let (network, directory) = try Self.network()
    let port = try unusedPort()
    let done = try tcptool("connect", flag, "dual.example", "\(port)", in: network).wait()
    #expect(done.outcome == .exited(11), "\(done)")
    let target = family == .ipv4 ? "127.0.0.1" : "[::1]"
    #expect(done.errorText.hasPrefix("Error: connect to \(target):\(port): connection refused"))
    withExtendedLifetime(directory) {}
  }

  @Test(arguments: ["listen", "recv"])
  func aListenerIsOfOneFamily(_ subcommand: String) throws {
    let (network, directory) = try Self.network()
    for (words, place) in [
      (["-4"], "0.0.0.0:"), (["--ipv6"], "[::]:"), (["-4", "dual.example"], "127.0.0.1:"),
      (["-6", "dual.example"], "[::1]:"),
    ] {
      let tool = try Child(command([try Tool.path, subcommand] + words + ["0"], in: network))
      let line = try tool.waitForLine(containing: "listening on ")
      #expect(line.hasPrefix("listening on \(place)"))
      #expect(line.contains("(IPv6 only)") == (place == "[::]:"))
      #expect(!line.contains("IPv4"))
    }
    withExtendedLifetime(directory) {}
  }

  @Test(
    arguments: [
      (["connect", "-6", "127.0.0.1", "1"], "127.0.0.1 is an IPv4 address"),
      (["send", "-4", "[::1]:1"], "::1 is an IPv6 address"),
      (["connect", "--source", "::1", "127.0.0.1:1"], "127.0.0.1 is an IPv4 address"),
      (["listen", "-4", "::1", "1"], "::1 is an IPv6 address"),
      (["backlog-test", "-6", "127.0.0.1", "1"], "127.0.0.1 is an IPv4 address"),
    ])
  func anAddressOfTheOtherFamilyIsAMistake(words: [String], text: String) throws {
    let done = try Child([Tool.path] + words).wait()
    #expect(done.outcome == .exited(64))
    #expect(done.errorText.hasPrefix("Error: \(text)"), "\(done)")
    #expect(done.errorText.contains("or leave that option out"))
  }
}
