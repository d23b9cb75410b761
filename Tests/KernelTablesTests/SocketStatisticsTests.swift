// The kernel's totals, and the names of control groups.

import Foundation
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
    let groups = ControlGroups(under: directory.file(""))
    func path(_ file: String) throws -> String? {
      let number = try FileManager.default.attributesOfItem(atPath: file)[.systemFileNumber]
      return groups[try #require(number as? UInt64)]
    }
    #expect(try path(inner) == "/a.slice/b.service")
    #expect(try path(directory.file("a.slice")) == "/a.slice")
    #expect(try path(directory.file("")) == "/")
    #expect(groups[0] == nil)
  }
}
