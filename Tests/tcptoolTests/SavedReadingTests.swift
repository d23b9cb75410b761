// Captures that are cut off, changed or made up: an error or a count, never a crash.

import Foundation
import KernelTables
import Report
import SocketCore
import TestSupport
import Testing

@testable import tcptool

@Suite struct SavedReadingTests {
  /// A column that is not read back would be unknown in every capture.
  @Test func everyColumnOfAGroupIsReadBack() {
    let names: [StatesColumn.Group: [StaticString]] = [
      .memory: SavedSocketReader.memoryNames, .info: SavedSocketReader.infoNames,
    ]
    for (group, readBack) in names {
      let keys = Set(StatesColumn.all.filter { $0.group == group }.compactMap(\.key))
      let lost = keys.subtracting(readBack.map { "\($0)" })
      #expect(lost == [], "\(group): SavedSocketObjects.swift")
    }
  }

  private static let row = """
    {"schema":"tcptool/1","record":"socket","family":"ipv4","state":"ESTABLISHED","recv_queue":3,\
    "send_queue":4,"backlog":null,"ipv6_only":null,"local":{"address":"127.0.0.1","port":7000},\
    "peer":{"address":"192.0.2.1","port":50000},"timer":{"kind":"keepalive","expires_ms":70,\
    "retransmits":0},"uid":1000,"inode":5,"cookie":18446744073709551615,"interface":null,\
    "netns":4026531840,"netns_name":"a\\u00e9","memory":{"rmem":1,"rcvbuf":2,"wmem":3,"sndbuf":4,\
    "fwd":5,"wmem_queued":6,"optmem":7,"sk_backlog":8,"drops":9},"info":{"rtt_us":18,\
    "ssthresh":null,"cwnd":10,"busy_us":7},"congestion_control":"bbr","cgroup":"/a.slice",\
    "role":"connection","listener_processes":null,"processes":[{"pid":1,"name":"x\\n","fd":3}]}
    """
  private static let capture = """
    {"schema":"tcptool/1","record":"capture","unix_time_us":1,"host":"h","kernel":"6","boot_id":"b"}
    {"schema":"tcptool/1","record":"netns","netns":4026531840,"settings":{"somaxconn":128}}
    \(row)
    {"schema":"tcptool/1","record":"end","rows":1}

    """

  private func read(
    _ bytes: some Collection<UInt8>,
    _ needs: StatesColumn.Needs = [
      .info, .memory, .congestionControl, .group, .owners,
    ]
  ) throws -> (rows: [StatesRow], facts: SavedFacts) {
    let directory = try TemporaryDirectory(files: ["c": ""])
    try Data(bytes).write(to: URL(filePath: directory.file("c")))
    var rows: [StatesRow] = []
    let facts = try SavedReading(path: directory.file("c"), byteOrder: .little, needs: needs)
      .forEachRow { rows.append($0) }.get()
    return (rows, facts)
  }

  @Test func everythingIsRead() throws {
    let (rows, facts) = try read(Self.capture.utf8)
    let socket = try #require(rows.first)
    #expect(rows.count == 1 && facts.isComplete && facts.tally.damaged == 0)
    #expect(facts.namespaces.first?.settings != nil)
    #expect(facts.host == "h" && facts.boot == "b" && facts.unixMicroseconds == 1)
    #expect(socket.row.local.description == "127.0.0.1:7000" && socket.row.uid == 1000)
    #expect(socket.row.timer == .keepalive && socket.row.timerExpiry == .milliseconds(70))
    #expect(socket.details.cookie == .max && socket.details.memory?.drops == 9)
    #expect(
      socket.info?.roundTripTime == .microseconds(18) && socket.info?.slowStartThreshold == nil)
    #expect(socket.info?.busyTime == .microseconds(7) && socket.info?.bytesSent == nil)
    #expect(socket.details.congestionControl == "bbr")
    #expect(
      socket.supplement?.controlGroup == Array("/a.slice".utf8)
        && socket.supplement?.namespaceName == Array("aé".utf8))
    #expect(
      socket.supplement?.processes == [SocketOwner(pid: 1, name: Array("x\n".utf8), descriptor: 3)])
    #expect(try read(Self.capture.utf8, []).rows.first?.details.info == nil)
  }

  @Test func cutAnywhereItIsNotWhole() throws {
    let bytes = Array(Self.capture.utf8)
    for length in 0..<(bytes.count - 1) {
      let (rows, facts) = try read(bytes.prefix(length))
      #expect(rows.count <= 1)
      #expect(facts.kind == .unknown || !facts.isComplete, "\(length)")
    }
  }

  /// Whatever is in a row, it can be shown.
  @Test func damagedRowsAreCounted() throws {
    var random = SystemRandomNumberGenerator()
    let row = Array((Self.row + "\n").utf8)
    var text: [UInt8] = []
    for _ in 0..<1_000 {
      var damaged = row
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<(row.count - 1), using: &random)
        damaged[place] = .random(in: 0x20...0xFF, using: &random)
      }
      text += damaged
    }
    let (rows, facts) = try read(text)
    let sum = rows.count + facts.tally.damaged
    // What calls itself another record is passed over.
    #expect(sum > 900 && facts.tally.damaged > 0)
    for socket in rows { try show(socket) }
  }

  /// Numbers at and beyond what fits.
  @Test(arguments: [
    "0", "-1", "4294967295", "4294967296", "9223372036854775807", "18446744073709551615", "1e5",
    "\"x\"", "null", "[]", "true",
  ])
  func numbersOfAnySize(_ number: String) throws {
    for value in [
      ":3,", ":4,", "7000}", ":70,", ":1000,", ":5,", ":18,", ":10,", ":7}", ":2,", "\"pid\":1",
    ] {
      let text = Self.row.replacing(value, with: value.replacing(/[0-9]+/, with: number)) + "\n"
      for socket in try read(text.utf8).rows { try show(socket) }
    }
  }

  @Test(arguments: [
    ("{}", 1), ("{\"schema\":\"tcptool/1\"}", 1),
    ("{\"schema\":\"tcptool/2\",\"record\":\"socket\"}", 1),
    (row.replacing("ESTABLISHED", with: "TIME_WAIT"), 1),
    (row.replacing("\"role\":\"connection\"", with: "\"role\":\"syn_queue\""), 1),
    (row.replacing("\"192.0.2.1\"", with: "\"::1\""), 1),
    (row.replacing("192.0.2.1", with: "192.0.2.01"), 1),
    (row.replacing("\"inode\":5,", with: ""), 1), (row.replacing("\"ipv4\"", with: "\"ipv6\""), 0),
    (row.replacing("\"role\":\"connection\"", with: "\"role\":null,\"new\":[{}]"), 0),
    (String(repeating: "{\"a\":", count: 100_000), 1),
  ])
  func oneLine(_ line: String, _ damaged: Int) throws {
    #expect(try read((line + "\n").utf8).facts.tally.damaged == damaged)
  }

  private func show(_ socket: StatesRow) throws {
    var context = StatesContext()
    context.isSaved = true
    context.showsSavedOwners = true
    var bytes = ByteBuffer()
    for column in StatesColumn.all {
      let value = column.value(socket, context)
      value.appendText(to: &bytes, isWhole: true)
      value.appendCSV(to: &bytes)
      value.appendJSON(to: &bytes)
      _ = value.sortKey
    }
    let count = bytes.count
    #expect(count > 0)
  }
}
