// What the kernel is asked to leave out, beside this kernel itself.

import Foundation
import Glibc
import SocketCore
import Synchronization
import TestSupport
import Testing

@testable import KernelTables

@Suite(.requires("python3"), .requiresPrivateNetwork, .requiresRoot) struct FilterKernelTests {
  @Test(.timeLimit(.minutes(5)))
  func theKernelLeavesOutNothingThatMatches() throws {
    let network = try PrivateNetwork()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    let all = try rows([.everything], in: network)[0]
    #expect(all.count == StateMaker.rows.ipv4 + StateMaker.rows.ipv6)
    // TIME_WAIT ends after a minute, and only what stays can be compared.
    let ports = Array(Set(all.flatMap { [$0.local.port, $0.peer.port] })).sorted()
    var random = FilterMaker(
      random: SeededGenerator(seed: 11), ports: ports,
      addresses: ["127.0.0.1", "::1", "::", "0.0.0.0", "::ffff:127.0.0.1", "10.0.0.1"])
    let expressions = (0..<600).map { _ in random.expression() }
    let filters = try expressions.map { try Filter(parsing: $0, names: .fixed) }
    let answers = try rows(filters.map(\.selection) + [.everything], in: network)
    try #require(answers.last.map { Set($0.map(\.identity)) } == Set(all.map(\.identity)))
    var (chosen, given) = (0, 0)
    for (index, filter) in filters.enumerated() {
      let rows = answers[index]
      let found = rows.filter { filter.matches($0) }
      let wanted = all.filter { filter.matches($0) }
      #expect(Set(found.map(\.identity)) == Set(wanted.map(\.identity)), "\(expressions[index])")
      // And the model is right about this kernel.
      let modelled = all.filter { $0.passes(filter.selection) }
      #expect(Set(rows.map(\.identity)) == Set(modelled.map(\.identity)), "\(expressions[index])")
      chosen += found.count
      given += rows.count
    }
    #expect(chosen > 600 && given < 600 * all.count * 3 / 4, "\(chosen) \(given)")
  }

  /// What the kernel of a network gives for each selection: asked on a thread of its own, which
  /// enters the network and ends in it.
  private func rows(
    _ selections: [SockDiagSelection], in network: PrivateNetwork
  ) throws -> [[SocketRow]] {
    let path = "/proc/\(network.pid)/ns/net"
    let box = Box()
    let thread = Thread {
      let answer = Result {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        guard descriptor >= 0, enterNamespace(descriptor, 0) == 0 else {
          throw TestFailure("setns: errno \(errno)")
        }
        return try selections.map { selection in
          var rows: [SocketRow] = []
          _ = try SockDiag.forEachRow(SocketQuery(selection: selection)) { row, _ in
            rows.append(row)
          }.get()
          return rows
        }
      }
      box.result.withLock { $0 = answer }
    }
    thread.start()
    _ = eventually { box.result.withLock { $0 != nil } }
    guard let answer = box.result.withLock({ $0 }) else { throw TestFailure("no answer") }
    return try answer.get()
  }
}

/// What a thread hands back.
private final class Box: Sendable {
  let result = Mutex<Result<[[SocketRow]], any Error>?>(nil)
}

/// setns(2), which the Glibc module hides.
@_silgen_name("setns") private func enterNamespace(_ descriptor: Int32, _ kind: Int32) -> Int32

extension SocketRow {
  /// What stays the same while nothing happens to the socket.
  fileprivate var identity: String { "\(state) \(local) \(peer) \(inode)" }
}
