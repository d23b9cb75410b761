// Tables that somebody saved: found in a file, told apart from other texts.

import KernelTables
import SocketCore
import TestSupport
import Testing

@Suite struct SavedTableTests {
  private func read(
    _ text: String, byteOrder: ProcNetTCPParser.ByteOrder = .little
  ) throws -> (rows: [SocketRow], tally: TableTally) {
    let directory = try TemporaryDirectory(files: ["tcp": text])
    var rows: [SocketRow] = []
    let tally = try SavedTable.forEachRow(in: directory.file("tcp"), byteOrder: byteOrder) { row in
      rows.append(row)
    }.get()
    return (rows, tally)
  }

  @Test(arguments: [SavedTables.ipv4, SavedTables.ipv6, SavedTables.ipv4 + SavedTables.ipv6])
  func `a copy gives the rows that the parser gives`(_ text: String) throws {
    let (rows, tally) = try read(text)
    #expect(rows == parse(text.utf8).rows)
    #expect(!rows.isEmpty && tally.isTable && tally.damaged == 0)
    #expect(tally.headers == (text == SavedTables.ipv4 + SavedTables.ipv6 ? 2 : 1))
  }

  @Test func `a copy from a machine of the other byte order has its own addresses`() throws {
    let text = line(number: 0).replacing("0100007F", with: "7F000001")
    let (rows, _) = try read(text, byteOrder: .big)
    #expect(rows.map(\.local.address) == [.v4(.loopback)])
  }

  @Test(arguments: [
    ("", false), ("hello\nworld\n", false), (SavedTables.ipv4.prefixLines(1), true),
    (line(number: 0), true), ("junk\n" + line(number: 0) + line(number: 1, port: 5001), true),
    ("junk\nmore junk\n" + line(number: 0), false),
  ])
  func `what is no table is told apart`(_ text: String, _ isTable: Bool) throws {
    let tally = try read(text).tally
    #expect(tally.isTable == isTable, "\(tally)")
  }

  @Test func `a missing file is an error with its name`() {
    let error = #expect(throws: SystemCallError.self) {
      try SavedTable.forEachRow(in: "/nonexistent/tcp") { _ in }
    }
    #expect(error == SystemCallError("open", "/nonexistent/tcp", .notFound))
  }

  @Test func `a caller that has enough ends the walk`() throws {
    struct Enough: Error {}
    let directory = try TemporaryDirectory(files: ["tcp": SavedTables.ipv4])
    var count = 0
    let walked = try SavedTable.forEachRow(in: directory.file("tcp")) { _ throws(Enough) in
      count += 1
      throw Enough()
    }
    guard case .failure = walked else {
      Issue.record("went on")
      return
    }
    #expect(count == 1)
  }
}

extension String {
  fileprivate func prefixLines(_ count: Int) -> String {
    split(separator: "\n").prefix(count).joined(separator: "\n") + "\n"
  }
}

@Suite struct PublishedTableTests {
  @Test(arguments: PublishedTable.all)
  func `tables of other kernels and machines are read whole`(_ table: PublishedTable) {
    let (rows, tally) = parse((table.text + "\n").utf8, byteOrder: table.byteOrder)
    #expect(tally.damaged == 0 && tally.duplicates == 0 && tally.headers > 0, "\(tally)")
    #expect(rows.count { $0.family == .v4 } == table.rows.ipv4)
    #expect(rows.count { $0.family == .v6 } == table.rows.ipv6)
    #expect(rows.count { $0.state == .listen } == table.listeners)
    let told = rows.map { row in
      "\(row.state.name) \(row.local) \(row.peer) \(row.receiveQueue) \(row.sendQueue) "
        + "\(row.uid.map { "\($0)" } ?? "-") \(row.inode)"
    }
    for row in table.known { #expect(told.contains(row), "\(row) is not in \(told)") }
  }

  @Test func `the byte order turns addresses and nothing else`() {
    for table in PublishedTable.all {
      let right = parse((table.text + "\n").utf8, byteOrder: table.byteOrder).rows
      let wrong = parse(
        (table.text + "\n").utf8, byteOrder: table.byteOrder == .big ? .little : .big
      ).rows
      #expect(right.map(\.local.port) == wrong.map(\.local.port))
      #expect(right.map(\.inode) == wrong.map(\.inode))
    }
  }

  /// An orphan of 2.4 shows that its FIN waits 120 s for its retransmission: what the message was
  /// about. The numbers count hundredths of a second there too.
  @Test func `an old orphan is one`() throws {
    let rows = parse((PublishedTable.all[0].text + "\n").utf8).rows
    let orphan = try #require(rows.first { $0.state == .lastAck })
    #expect(SocketRole(orphan) == .orphan)
    #expect(orphan.timer == .retransmit && orphan.timerExpiry == .milliseconds(42_700))
  }
}
