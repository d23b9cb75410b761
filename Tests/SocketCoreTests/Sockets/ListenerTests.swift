// Listeners: families, the backlog that the kernel makes of what was asked, shared and taken ports,
// and what waits in the accept queue.

import Glibc
@testable import SocketCore
import TestSupport
import Testing

struct ListenerTests {
  @Test func `the default takes peers of both families and shows each as what it is`() throws {
    let listener = try Listener.onEveryAddress(port: 0)
    #expect(listener.isDualStack == true)
    #expect(listener.local.address == .v6(.any))
    let port = listener.local.port
    #expect(port != 0)
    for address in [IPAddress.v4(.loopback), .v6(.loopback)] {
      let client = try connection(to: Endpoint(address, port))
      let server = try accepted(by: listener)
      #expect(server.peer == client.local)
      #expect(server.local == Endpoint(address, port))
      #expect(client.peer == Endpoint(address, port))
      #expect(client.local.port != 0)
    }
  }

  @Test func `a listener for IPv6 alone refuses IPv4`() throws {
    var options = Listener.Options()
    options.ipv6Only = true
    let listener = try Listener(on: Endpoint(.v6(.any), 0), options)
    #expect(listener.isDualStack == false)
    #expect(throws: SystemCallError.self) {
      _ = try connection(to: Endpoint(.v4(.loopback), listener.local.port))
    }
    let client = try connection(to: Endpoint(.v6(.loopback), listener.local.port))
    let server = try accepted(by: listener)
    #expect(server.peer == client.local)
  }

  @Test func `a listener for IPv4 is neither`() throws {
    let listener = try Listener(on: Endpoint(.v4(.any), 0))
    #expect(listener.isDualStack == nil)
    #expect(throws: SystemCallError.self) {
      _ = try connection(to: Endpoint(.v6(.loopback), listener.local.port))
    }
  }

  @Test(arguments: [false, true])
  func `a listener on a mapped address is for IPv4`(ipv6Only: Bool) throws {
    var options = Listener.Options()
    options.ipv6Only = ipv6Only
    let mapped = try #require(IPAddress("::ffff:127.0.0.1"))
    let listener = try Listener(on: Endpoint(mapped, 0), options)
    #expect(listener.isDualStack == nil)
    let client = try connection(to: Endpoint(.v4(.loopback), listener.local.port))
    let server = try accepted(by: listener)
    #expect(server.peer == client.local)
  }

  @Test(arguments: [-1, 0, 1, 5, 4_096, 100_000, .max, .min] as [Int32])
  func `the kernel clamps the backlog`(requested: Int32) throws {
    var options = Listener.Options()
    options.backlog = requested
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0), options)
    let limit = try setting("net/core/somaxconn")
    let effective = min(Int(UInt32(bitPattern: requested)), limit)
    #expect(listener.requestedBacklog == requested)
    #expect(try listener.queue() == Listener.Queue(length: 0, backlog: effective))
  }

  @Test func `the default backlog is the kernel's limit`() throws {
    let listener = try Listener(on: Endpoint(.v6(.loopback), 0))
    #expect(try listener.queue().backlog == setting("net/core/somaxconn"))
  }

  @Test func `the queue is as long as the connections that wait in it, oldest first`() throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let first = try connection(to: listener.local)
    let second = try connection(to: listener.local)
    let both = try eventually { try listener.queue().length == 2 }
    #expect(both)
    let firstAccepted = try accepted(by: listener)
    #expect(firstAccepted.peer == first.local)
    #expect(try listener.queue().length == 1)
    let secondAccepted = try accepted(by: listener)
    #expect(secondAccepted.peer == second.local)
    let hasThird = try listener.accept() != nil
    #expect(!hasThird)
  }

  @Test func `a taken port is said`() throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let error = #expect(throws: SystemCallError.self) { _ = try Listener(on: listener.local) }
    #expect(
      error?.description == "bind to \(listener.local): address already in use (EADDRINUSE)")
  }

  @Test func `a taken port is not evaded by the other family`() throws {
    let listener = try Listener.onEveryAddress(port: 0)
    let error = #expect(throws: SystemCallError.self) {
      _ = try Listener.onEveryAddress(port: listener.local.port)
    }
    #expect(error?.errno == .addressInUse)
  }

  @Test func `a port is shared by those who ask for it`() throws {
    var options = Listener.Options()
    options.reusePort = true
    let first = try Listener(on: Endpoint(.v4(.loopback), 0), options)
    let second = try Listener(on: first.local, options)
    #expect(second.local == first.local)
    let error = #expect(throws: SystemCallError.self) { _ = try Listener(on: first.local) }
    #expect(error?.errno == .addressInUse)
  }

  @Test func `a port with connections in TIME_WAIT is free for those who reuse addresses`() throws {
    let port: UInt16
    do {
      let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
      port = listener.local.port
      let client = try connection(to: listener.local)
      let server = try accepted(by: listener)
      // Who ends first has to wait.
      try server.finishSending()
      let ended = try eventually { try client.socket.info().state == .closeWait }
      #expect(ended)
      try client.finishSending()
    }
    // Some child of another test may have the listener in the moment between its fork and its exec:
    // hence the waiting here and below.
    let waits = try eventually { try isInTimeWait(port) }
    try #require(waits)

    var options = Listener.Options()
    options.reuseAddress = false
    let error = #expect(throws: SystemCallError.self) {
      _ = try Listener(on: Endpoint(.v4(.loopback), port), options)
    }
    #expect(error?.errno == .addressInUse)
    let isFree = eventually { (try? Listener(on: Endpoint(.v4(.loopback), port))) != nil }
    #expect(isFree)
  }

  /// Whether /proc/net/tcp has a row with this local port in state 06.
  private func isInTimeWait(_ port: UInt16) throws -> Bool {
    let table = try kernelFile("/proc/net/tcp")
    let hexadecimal = String(port, radix: 16, uppercase: true)
    let suffix = ":" + String(repeating: "0", count: 4 - hexadecimal.count) + hexadecimal
    return table.split(separator: "\n").contains { row in
      let fields = row.split(separator: " ")
      return fields.count > 3 && fields[1].hasSuffix(suffix) && fields[3] == "06"
    }
  }

  @Test func `an address that is not ours is said`() {
    let endpoint = Endpoint(.v4(IPv4Address(bits: 0xC000_0201)), 0)
    let error = #expect(throws: SystemCallError.self) { _ = try Listener(on: endpoint) }
    #expect(error == SystemCallError("bind", "to 192.0.2.1:0", .addressNotAvailable))
  }

  @Test func `nobody waits, so nobody is accepted`() throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let isEmpty = try listener.accept() == nil
    #expect(isEmpty)
  }

  @Test func `a connection that was reset while it waited is accepted and tells so`() throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let address: Endpoint
    do {
      let client = try connection(to: listener.local)
      address = client.local
      try client.socket.resetOnClose()
    }
    let server = try accepted(by: listener)
    #expect(server.peer == address)
    // On a busy machine the RST takes its time, over loopback too.
    let isReset = eventually { (try? server.socket.info().state) == .closed }
    #expect(isReset)
    var buffer: [UInt8] = [0]
    let error = #expect(throws: SystemCallError.self) { try receive(&buffer, from: server) }
    #expect(error == SystemCallError("recv", "from \(address)", .connectionReset))
  }

  @Test func `what waits in the queue is reset when the listener goes`() throws {
    func connectAndClose() throws -> Connection {
      let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
      let client = try connection(to: listener.local)
      let waits = try eventually { try listener.queue().length == 1 }
      #expect(waits)
      return client
    }
    let client = try connectAndClose()
    var buffer: [UInt8] = [0]
    let error = #expect(throws: SystemCallError.self) {
      let isOver = isReady(client.socket.descriptor.rawValue, for: 0)
      #expect(isOver)
      _ = try receive(&buffer, from: client)
    }
    #expect(error?.errno == .connectionReset)
  }

  @Test func `at the descriptor limit the connection stays in the queue`() async {
    await #expect(processExitsWith: .success) {
      let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
      let client = try connection(to: listener.local)
      let isThere = isReady(listener.socket.descriptor.rawValue, for: POLLIN)
      precondition(isThere)
      // No number is left for a new descriptor; those that are open stay.
      let before = limitDescriptors(to: 0)
      do {
        let number = try listener.accept()?.socket.descriptor.rawValue
        preconditionFailure("accepted \(String(describing: number))")
      } catch let error as SystemCallError {
        precondition(
          error == SystemCallError("accept", "on \(listener.local)", .tooManyDescriptors))
      }
      let length = try listener.queue().length
      precondition(length == 1)
      limitDescriptors(to: before)
      let server = try accepted(by: listener)
      precondition(server.peer == client.local)
    }
  }

  @Test func `sockets are closed on exec and do not wait`() throws {
    let pair = try Pair()
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    for descriptor in [
      pair.client.socket.descriptor.rawValue, pair.server.socket.descriptor.rawValue,
      listener.socket.descriptor.rawValue,
    ] {
      #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
      #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
    }
  }
}

/// Receives into all of `buffer`, without waiting.
@discardableResult
func receive(
  _ buffer: inout [UInt8], from connection: borrowing Connection
) throws(SystemCallError) -> TransferResult {
  var span = buffer.mutableSpan
  var bytes = unsafe span.mutableBytes
  return try connection.receive(into: &bytes)
}
