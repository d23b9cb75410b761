// Options: what was asked for, and what the kernel made of it.

@testable import SocketCore
import TestSupport
import Testing

struct SocketOptionTests {
  @Test func `the kernel doubles the buffers that are asked for`() throws {
    let socket = try Socket(for: .v4(.loopback))
    #expect(
      try socket.set(.receiveBuffer, to: 20_000)
        == AppliedOption(requested: 20_000, effective: 40_000))
    #expect(
      try socket.set(.sendBuffer, to: 30_000) == AppliedOption(requested: 30_000, effective: 60_000)
    )
    #expect(try socket.value(of: .receiveBuffer) == 40_000)
  }

  @Test func `the kernel clamps the buffers that are asked for`() throws {
    let socket = try Socket(for: .v4(.loopback))
    let receive = try socket.set(.receiveBuffer, to: .max)
    let limit = try setting("net/core/rmem_max")
    #expect(receive == AppliedOption(requested: .max, effective: Int32(clamping: 2 * limit)))
    let least = try socket.set(.receiveBuffer, to: 1)
    #expect(least.effective > 2)
  }

  @Test(arguments: [true, false])
  func `switches are switched`(value: Bool) throws {
    let socket = try Socket(for: .v6(.loopback))
    let applied = AppliedOption(requested: value, effective: value)
    #expect(try socket.set(.noDelay, to: value) == applied)
    #expect(try socket.set(.reuseAddress, to: value) == applied)
    #expect(try socket.set(.reusePort, to: value) == applied)
    #expect(try socket.set(.ipv6Only, to: value) == applied)
  }

  @Test func `each option is itself and no other`() throws {
    let socket = try Socket(for: .v6(.loopback))
    try socket.set(.reuseAddress, to: false)
    try socket.set(.reusePort, to: true)
    try socket.set(.noDelay, to: false)
    try socket.set(.ipv6Only, to: true)
    try socket.set(.maximumSegment, to: 1_000)
    #expect(try socket.value(of: .reuseAddress) == false)
    #expect(try socket.value(of: .reusePort) == true)
    #expect(try socket.value(of: .noDelay) == false)
    #expect(try socket.value(of: .ipv6Only) == true)
    #expect(try socket.value(of: .maximumSegment) == 1_000)
  }

  @Test func `an option of another family is refused by its name`() throws {
    let error = #expect(throws: SystemCallError.self) {
      let socket = try Socket(for: .v4(.loopback))
      try socket.set(.ipv6Only, to: true)
    }
    #expect(error == SystemCallError("setsockopt", "IPV6_V6ONLY 1", .protocolNotAvailable))
  }

  @Test func `a value that makes no sense is refused`() throws {
    let error = #expect(throws: SystemCallError.self) {
      let socket = try Socket(for: .v4(.loopback))
      try socket.set(.maximumSegment, to: 1)
    }
    #expect(error?.errno.name == "EINVAL")
    #expect(error?.subject == "TCP_MAXSEG 1")
  }
}

/// A number in /proc/sys.
func setting(_ name: String) throws -> Int {
  try #require(Int(try kernelFile("/proc/sys/\(name)").filter { !$0.isWhitespace }))
}
