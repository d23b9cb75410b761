// The table of owners by inode: what is looked for is found, whatever the numbers are.

import Testing

@testable import KernelTables

@Suite struct OwnerTableTests {
  private static func owner(_ descriptor: Int) -> SocketOwner {
    SocketOwner(pid: 1, name: nil, descriptor: Int32(descriptor))
  }

  /// Numbers as the kernel gives them, far apart, and in groups that would lie upon each other.
  @Test(
    arguments: [
      [], [1], [0], [.max, .max - 1, 1 << 63], Array(1...1_000),
      (0..<1_000).map { $0 << 32 | 7 }, Array(1...500) + (1...500).map { $0 + 1 << 20 },
    ] as [[UInt64]])
  func whatIsWantedIsFound(_ inodes: [UInt64]) {
    var table = OwnerTable(wanted: inodes + inodes)
    let wanted = inodes.filter { $0 != 0 }
    #expect(table.wanted == wanted.count)
    for (number, inode) in wanted.enumerated() where number % 3 > 0 {
      for descriptor in 0..<(number % 3) {
        table.place(of: inode).map { table.add(Self.owner(number + descriptor), at: $0) }
      }
    }
    #expect(table.found == wanted.indices.count { $0 % 3 > 0 })
    for (number, inode) in wanted.enumerated() {
      let owners = table.place(of: inode).map { table.owners(at: $0) }
      #expect(owners == (0..<(number % 3)).map { Self.owner(number + $0) })
    }
    #expect(table.place(of: 0) == nil && table.place(of: 1 << 40) == nil)
  }
}
