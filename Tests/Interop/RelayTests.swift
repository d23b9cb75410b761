// `connect` and `listen` with other programs: both orders of half-close, and both directions at once.

import TestSupport
import Testing

@Suite(.waits) struct Relays {
  struct Cell: Sendable, CustomTestStringConvertible {
    var peer: Peer
    var role: Role
    var family = Family.ipv4

    var testDescription: String {
      role == .client
        ? "connect to \(peer), \(family.testDescription)"
        : "listen for \(peer), \(family.testDescription)"
    }

    static let all = Peer.allCases.flatMap { peer in
      Role.allCases.flatMap { role in
        Family.allCases.map { Cell(peer: peer, role: role, family: $0) }
      }
    }

    /// Whether the peer can still send after the tool's FIN.
    var canReplyLate: Bool { !(role == .client && peer.leavesAtTheEndOfItsClient) }
  }

  private static let first = bytes(count: 300_000, seed: 11)
  private static let second = bytes(count: 400_000, seed: 12)

  // nc and ncat as servers are left out: they end when their client half-closes.
  @Test(
    .requires("nc", "ncat", "socat", "python3"), arguments: Cell.all.filter(\.canReplyLate))
  func thePeerRepliesAfterOurEnd(_ cell: Cell) throws {
    let pair = try Pair(
      cell.peer, toolIs: cell.role, cell.family, toolInput: .bytes(Self.first), peerInput: .pipe)
    try waitForBytes(Self.first.count, from: pair.peer)
    try pair.waitForHalfClose()
    try pair.peer.write(Self.second)
    pair.peer.closeInput()
    let done = try pair.expectGoodEnd()
    expectSame(done.tool.output, Self.second)
    expectSame(done.peer.output, Self.first)
  }

  @Test(.requires("nc", "ncat", "socat", "python3"), arguments: Cell.all)
  func weGoOnAfterThePeersEnd(_ cell: Cell) throws {
    let pair = try Pair(
      cell.peer, toolIs: cell.role, cell.family, toolInput: .pipe, peerInput: .bytes(Self.first))
    try waitForBytes(Self.first.count, from: pair.tool)
    try pair.waitForHalfClose()
    try pair.tool.write(Self.second)
    pair.tool.closeInput()
    let done = try pair.expectGoodEnd()
    expectSame(done.tool.output, Self.first)
    expectSame(done.peer.output, Self.second)
  }

  private static let upload = bytes(count: 16 << 20, seed: 13)
  private static let download = bytes(count: 16 << 20, seed: 14)

  @Test(
    .requires("nc", "ncat", "socat", "python3"), .timeLimit(.minutes(5)),
    arguments: Peer.allCases, Role.allCases)
  func bothDirectionsAtOnce(_ peer: Peer, _ role: Role) throws {
    let cell = Cell(peer: peer, role: role)
    // A server that leaves at our end gets it when all that it sends has come.
    let pair = try Pair(
      peer, toolIs: role, .ipv4, toolInput: cell.canReplyLate ? .bytes(Self.upload) : .pipe,
      peerInput: .bytes(Self.download))
    if !cell.canReplyLate {
      try pair.tool.write(Self.upload)
      try waitForBytes(Self.download.count, from: pair.tool)
      pair.tool.closeInput()
    }
    let done = try pair.expectGoodEnd()
    expectSame(done.tool.output, Self.download)
    expectSame(done.peer.output, Self.upload)
  }
}
