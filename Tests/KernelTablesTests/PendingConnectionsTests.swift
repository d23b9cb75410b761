// How long connections have waited for accept(2), asked of this kernel.

import SocketCore
import Testing

@testable import KernelTables

@Suite struct PendingConnectionsTests {
  @Test(arguments: [
    (Endpoint(.v4(.loopback), 0), IPAddress.v4(.loopback)),
    (Endpoint(.v6(.loopback), 0), .v6(.loopback)),
    // Its row has mapped addresses.
    (Endpoint(.v6(.any), 0), .v4(.loopback)),
  ])
  func whatStillWaitsTellsHowLong(_ place: Endpoint, _ address: IPAddress) throws {
    let listener = try Listener(on: place)
    let port = listener.local.port
    let first = try ConnectAttempt(to: Endpoint(address, port)).finish()
    let second = try ConnectAttempt(to: Endpoint(address, port)).finish()
    var pending = PendingConnections()
    _ = try SockDiag.forEachRow(SocketQuery()) { row, details in
      if row.local.port == port { pending.add(row, details) }
    }.get()
    #expect(try peers(of: pending) == [first.local.port, second.local.port])

    guard let accepted = try listener.accept() else {
      Issue.record("nothing waited")
      return
    }
    #expect(accepted.peer.port == first.local.port)
    #expect(try peers(of: pending) == [second.local.port])
    // What nobody has any more is passed over.
    try listener.close()
    #expect(try peers(of: pending) == [])
  }

  @Test func anotherSocketWithTheSameEndsIsNotMeant() throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let client = try ConnectAttempt(to: listener.local).finish()
    var pending = PendingConnections()
    _ = try SockDiag.forEachRow(SocketQuery()) { row, details in
      guard row.local == listener.local, row.peer == client.local else { return }
      var details = details
      details.cookie? += 1
      pending.add(row, details)
      // Without a cookie it is from /proc, which is asked nothing.
      details.cookie = nil
      pending.add(row, details)
    }.get()
    #expect(try peers(of: pending) == [])
  }

  private func peers(of pending: PendingConnections) throws -> Set<UInt16> {
    var peers: Set<UInt16> = []
    try pending.forEachAge { row, _, age in
      if age >= .zero { peers.insert(row.peer.port) }
    }
    return peers
  }
}
