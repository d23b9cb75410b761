// Hosts and services to numbers, and what is said of those that have none.

import Glibc
@testable import SocketCore
import Testing

struct ResolverTests {
  @Test(
    arguments: [
      ("0", 0), ("1", 1), ("80", 80), ("00080", 80), ("65535", 65_535), ("http", 80), ("ssh", 22),
    ] as [(String, UInt16)])
  func `ports are read`(text: String, port: UInt16) throws {
    #expect(try Resolver.port(text) == port)
  }

  @Test(arguments: [
    "", "65536", "99999", "-1", "+1", "+80", "18446744073709551696", "nosuchservice", "80x", "0x50",
    "80 ", " 80", " 99999", "\t80", "\n80", "\u{b}80", "\r80", " -1", " http", "http\0", "80\0",
    "\0", "٨٠", "http ", "1.5",
  ])
  func `what is no port is refused`(text: String) {
    let error = #expect(throws: ResolutionError.self) { try Resolver.port(text) }
    #expect(error?.name == text)
    #expect(error?.isTemporary == false)
  }

  @Test(arguments: ["a", "9", " ", "-"])
  func `a service of 10,000 bytes is refused`(part: String) {
    #expect(throws: ResolutionError.self) {
      try Resolver.port(String(repeating: part, count: 10_000))
    }
  }

  @Test func `the error of a service names it`() throws {
    let error = #expect(throws: ResolutionError.self) { try Resolver.port("nosuchservice") }
    let text = try #require(error?.description)
    #expect(text.hasPrefix("resolve nosuchservice: "))
    #expect(text.hasSuffix(" (EAI_SERVICE)"))
  }

  @Test(arguments: ["127.0.0.1", "::1", "::ffff:192.0.2.1", "fe80::1%lo"])
  func `an address is itself`(text: String) throws {
    let literal = try #require(IPAddress(text))
    #expect(try Resolver.addresses(of: text) == [literal])
  }

  @Test func `localhost is this host, each address once`() throws {
    let found = try Resolver.addresses(of: "localhost")
    #expect(!found.isEmpty)
    let others = found.filter { !$0.isLoopback }
    #expect(others.isEmpty)
    #expect(Set(found).count == found.count)
  }

  @Test func `localhost in one family`() throws {
    #expect(try Resolver.addresses(of: "localhost", family: .v4) == [.v4(.loopback)])
  }

  @Test(arguments: [("127.0.0.1", AddressFamily.v6), ("::1", .v4), ("::ffff:127.0.0.1", .v4)])
  func `an address of the other family is refused`(host: String, family: AddressFamily) throws {
    let error = try #require(
      #expect(throws: ResolutionError.self) {
        try Resolver.addresses(of: host, family: family)
      })
    #expect(error.name == host)
    #expect(error.description.hasSuffix("(EAI_ADDRFAMILY)"))
  }

  @Test(arguments: [
    "nosuch.invalid", "", "localhost\0", "127.0.0.1\0x", "\0", "::1%", "1.2.3.4%lo", "::1%nosuch",
    "[::1]", "localhost:80", "a b", String(repeating: "a", count: 10_000),
    String(repeating: "a.", count: 5_000), String(repeating: "é", count: 5_000),
  ])
  func `what is no host is refused`(host: String) throws {
    let error = try #require(
      #expect(throws: ResolutionError.self) { try Resolver.addresses(of: host) })
    #expect(error.name == host)
    #expect(error.description.hasPrefix("resolve \(host): "))
    // A machine without a name server cannot know.
    #expect(error.isTemporary == error.description.hasSuffix("(EAI_AGAIN)"))
  }

  @Test func `a system error is told in the place of EAI_SYSTEM`() {
    let error = ResolutionError(name: "x.example", code: -11, errno: .tooManyDescriptors)
    #expect(error.description == "resolve x.example: too many open files (EMFILE)")
  }

  @Test func `an unknown code is told as a number`() {
    let error = ResolutionError(name: "x.example", code: 4095, errno: nil)
    #expect(error.description.hasSuffix("(4095)"))
  }
}
