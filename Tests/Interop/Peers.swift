// The other ends of a connection: how each program is asked to do its part, as a client and as a
// server.

import TestSupport
import Testing

/// A loopback address family.
enum Family: CaseIterable, CustomTestStringConvertible {
  case ipv4, ipv6

  var loopback: String { self == .ipv4 ? "127.0.0.1" : "::1" }
  var testDescription: String { self == .ipv4 ? "IPv4" : "IPv6" }
}

/// A program that relays its standard streams, as `tcptool connect` and `tcptool listen` do.
enum Peer: String, CaseIterable, CustomTestStringConvertible {
  case nc, ncat, socat, python3

  var testDescription: String { rawValue }

  /// Whether it ends as a server when its client half-closes, whatever it still has to send. ncat
  /// 7.93 does so by its own rules, nc 1.219 as soon as its buffers are empty.
  var leavesAtTheEndOfItsClient: Bool { self == .nc || self == .ncat }

  func client(of port: UInt16, _ family: Family) -> [String] {
    let host = family.loopback
    return switch self {
    // Without -N the end of its input is never told to the other side. -n: no name is looked up.
    case .nc: ["nc", "-n", "-N", host, "\(port)"]
    case .ncat: ["ncat", "-n", host, "\(port)"]
    // It gives the second direction half a second after the end of the first, unless told otherwise.
    case .socat: ["socat", "-t", "30", "-", "\(Self.socatAddress(family)):\(port)"]
    case .python3: ScriptedPeer.client(of: port, ["both"], family)
    }
  }

  func server(on port: UInt16, _ family: Family) -> [String] {
    let host = family.loopback
    return switch self {
    case .nc: ["nc", "-n", "-N", "-l", host, "\(port)"]
    case .ncat: ["ncat", "-n", "-l", host, "\(port)"]
    case .socat: ["socat", "-t", "30", "-", Self.socatListener(on: port, family)]
    case .python3: ScriptedPeer.server(on: port, ["both"], family)
    }
  }

  /// A client that sends its standard input and ends.
  func sender(to port: UInt16) -> [String] {
    switch self {
    // One way only: it would wait for the end of the other direction first.
    case .socat: ["socat", "-u", "-", "TCP4:127.0.0.1:\(port)"]
    case .python3: ScriptedPeer.client(of: port, ["send", "finish", "receive"])
    default: client(of: port, .ipv4)
    }
  }

  /// A server that writes what it receives to standard output and ends.
  func receiver(on port: UInt16) -> [String] {
    switch self {
    case .socat: ["socat", "-u", Self.socatListener(on: port, .ipv4), "-"]
    case .python3: ScriptedPeer.server(on: port, ["receive"])
    default: server(on: port, .ipv4)
    }
  }

  private static func socatAddress(_ family: Family) -> String {
    family == .ipv4 ? "TCP4:127.0.0.1" : "TCP6:[::1]"
  }

  private static func socatListener(on port: UInt16, _ family: Family) -> String {
    family == .ipv4
      ? "TCP4-LISTEN:\(port),bind=127.0.0.1" : "TCP6-LISTEN:\(port),bind=[::1],ipv6only=1"
  }
}

/// tcptool's part in a connection.
enum Role: CaseIterable {
  case client, server
}

/// tcptool and a peer with a connection between them.
struct Pair {
  let tool: Child
  let peer: Child
  let port: UInt16
  let family: Family

  init(
    _ peer: Peer, toolIs role: Role, _ family: Family, toolInput: Child.Input,
    peerInput: Child.Input
  ) throws {
    self.family = family
    switch role {
    case .client:
      port = try unusedPort()
      self.peer = try Child(peer.server(on: port, family), input: peerInput)
      try waitUntilListening(port: port)
      tool = try tcptool("connect", family.loopback, "\(port)", input: toolInput)
    case .server:
      tool = try tcptool("listen", family.loopback, "0", input: toolInput)
      port = try announcedPort(of: tool)
      self.peer = try Child(peer.client(of: port, family), input: peerInput)
    }
  }

  /// Waits until one end has been told of the other's end and has not ended itself.
  func waitForHalfClose() throws {
    try waitForConnection(of: port, in: .closeWait, family)
  }

  /// Both must end by themselves and well.
  func expectGoodEnd(
    within limit: Duration = patience, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> (tool: Finished, peer: Finished) {
    let tool = try tool.wait(within: limit)
    let peer = try peer.wait(within: limit)
    #expect(tool.outcome == .exited(0), "\(tool.errorText)", sourceLocation: sourceLocation)
    #expect(peer.outcome == .exited(0), "\(peer.errorText)", sourceLocation: sourceLocation)
    return (tool, peer)
  }
}
