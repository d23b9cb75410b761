// Socket options of a connection as ss(8) sees them: at the client, and inherited from the listener.

import TestSupport
import Testing

@Suite(.waits, .requires("ss"), .requires("python3")) struct SocketOptionsSeenFromOutside {
  private static let words = [
    "--congestion", "reno", "--rcvbuf", "64K", "--keepalive", "1h", "--dscp", "cs1", "--mss",
    "1000",
  ]

  /// What ss says of the established connection whose local end has `port`, or whose peer has it.
  private func shown(_ filter: String, _ port: UInt16) throws -> String {
    try run(["ss", "-Htinmo", "--tos", "state", "established", filter, "=", ":\(port)"]).outputText
  }

  private func check(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
    for part in [" reno ", "rb131072,", "timer:(keepalive,", "tos:0x20"] {
      #expect(text.contains(part), "\(text)", sourceLocation: sourceLocation)
    }
    // Less than what was asked for by the room that timestamps take.
    let segment = text.firstMatch(of: #/ mss:([0-9]+) /#).flatMap { Int($0.1) } ?? 0
    #expect((900...1_000).contains(segment), "\(text)", sourceLocation: sourceLocation)
  }

  @Test func aConnectionInheritsThoseOfItsListener() throws {
    let tool = try Child(
      [Tool.path, "listen"] + Self.words + ["127.0.0.1", "0"], input: .pipe)
    let port = try announcedPort(of: tool)
    let peer = try Child(ScriptedPeer.client(of: port, ["wait"]), input: .pipe)
    try tool.waitForLine(containing: "accepted ")
    check(try shown("sport", port))
    withExtendedLifetime(peer) {}
  }

  @Test func aClientHasThem() throws {
    let (peer, port) = try ScriptedPeer.serve("wait", input: .pipe)
    let tool = try Child(
      [Tool.path, "connect"] + Self.words + ["127.0.0.1", "\(port)"], input: .pipe)
    try tool.waitForLine(containing: "connected ")
    check(try shown("dport", port))
    withExtendedLifetime(peer) {}
  }
}
