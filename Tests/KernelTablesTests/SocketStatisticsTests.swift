// The kernel's totals, and the names of control groups.

import Foundation
import Glibc
import TestSupport
import Testing

@testable import KernelTables

@Suite struct SocketStatisticsTests {
  @Test func theLineOfTCP() {
    let text = """
      sockets: used 94
      TCP: inuse 5 orphan 1 tw 2 alloc 6 mem 3
      UDP: inuse 1 mem 0

      """
    let read = SocketStatistics([UInt8](text.utf8))
    #expect(read.orphans == 1 && read.timeWaits == 2 && read.memoryPages == 3)
  }

  @Test(arguments: ["", "TCP:", "TCP: tw", "TCP: tw x orphan", "UDP: tw 1", "\u{0}"])
  func whatIsNotThereIsNil(_ text: String) {
    let read = SocketStatistics([UInt8](text.utf8))
    #expect(read.orphans == nil && read.timeWaits == nil && read.memoryPages == nil)
  }

  @Test func thisSystemHasThem() throws {
    let read = try SocketStatistics.read()
    #expect(read.orphans != nil && read.timeWaits != nil)
    #expect(NetworkNamespace.number() != nil)
    #expect(NetworkNamespace.number(of: .max) == nil)
  }

  @Test func groupsHaveThePathsOfTheirDirectories() throws {
    let directory = try TemporaryDirectory()
    let inner = directory.file("a.slice/b.service")
    try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
    let name = Array("c\u{7}".utf8) + [0xff]
    let odd = Array(inner.utf8) + Array("/".utf8) + name
    try #require(unsafe mkdir(odd.map(CChar.init(bitPattern:)) + [0], 0o755) == 0)
    let groups = ControlGroups(under: directory.file(""))
    func path(_ file: [UInt8]) throws -> [UInt8]? {
      var status = stat()
      try #require(unsafe stat(file.map(CChar.init(bitPattern:)) + [0], &status) == 0)
      return groups[UInt64(status.st_ino)]
    }
    func path(_ file: String) throws -> String? {
      try path(Array(file.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(try path(inner) == "/a.slice/b.service")
    #expect(try path(directory.file("a.slice")) == "/a.slice")
    #expect(try path(directory.file("")) == "/")
    // Its bytes are kept whatever they are.
    #expect(try path(odd) == Array("/a.slice/b.service/".utf8) + name)
    #expect(groups[0] == nil)
  }
}
