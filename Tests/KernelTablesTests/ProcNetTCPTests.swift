// Walking the live tables, and what can go wrong on the way.

import Foundation
import KernelTables
import SocketCore
import TestSupport
import Testing

@Suite struct ProcNetTCPTests {
  private static let expectedKinds: Set<String> = [
    "full established", "full synSent", "request synReceived", "full finWait1", "full finWait2",
    "timeWait finWait2", "timeWait timeWait", "full closeWait", "full lastAck", "full listen",
    "full closing",
  ]

  /// The names that ss has for the states.
  private static let names: [TCPState: String] = [
    .established: "ESTAB", .synSent: "SYN-SENT", .synReceived: "SYN-RECV",
    .finWait1: "FIN-WAIT-1", .finWait2: "FIN-WAIT-2", .timeWait: "TIME-WAIT", .closed: "UNCONN",
    .closeWait: "CLOSE-WAIT", .lastAck: "LAST-ACK", .listen: "LISTEN", .closing: "CLOSING",
  ]

  private static func rows(of process: Int32) throws -> [SocketRow] {
    var rows: [SocketRow] = []
    for family in SocketRow.Family.allCases {
      let tally = try ProcNetTCP.forEachRow(in: family, process: process) { rows.append($0) }.get()
      #expect(tally.damaged == 0)
    }
    return rows
  }

  private static func told(_ rows: [SocketRow]) -> [String] {
    rows.map { row in
      "\(names[row.state] ?? "?") \(row.receiveQueue) \(row.sendQueue) \(row.local) \(row.peer)"
    }.sorted()
  }

  /// The lines of ss in the same form. For a listener its Send-Q is the backlog, which /proc does
  /// not show.
  private static func told(_ text: String) -> [String] {
    func endpoint(_ word: Substring) -> String {
      let colon = word.lastIndex(of: ":") ?? word.endIndex
      let address = word[..<colon] == "*" ? "[::]" : word[..<colon]
      let port = word[colon...] == ":*" ? ":0" : word[colon...]
      return String(address + port)
    }
    return text.split(separator: "\n").map { line in
      let words = line.split(separator: " ")
      guard words.count >= 5 else { return String(line) }
      let sendQueue = words[0] == "LISTEN" ? "0" : words[2]
      return "\(words[0]) \(words[1]) \(sendQueue) \(endpoint(words[3])) \(endpoint(words[4]))"
    }.sorted()
  }

  @Test(.requires("python3", "ss"), .requiresPrivateNetwork, .timeLimit(.minutes(5)))
  func everyStateIsAsInSs() throws {
    let network = try PrivateNetwork()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    var rows: [SocketRow] = []
    var listing = ""
    // Compared is what did not change while ss looked.
    let settled = try eventually {
      rows = try Self.rows(of: network.pid)
      listing = try run(network.command(["ss", "-tanH"])).outputText
      return Self.told(rows) == Self.told(try Self.rows(of: network.pid))
    }
    #expect(settled)
    #expect(Self.told(rows) == Self.told(listing))
    #expect(rows.count { $0.family == .v4 } == StateMaker.rows.ipv4)
    #expect(rows.count { $0.family == .v6 } == StateMaker.rows.ipv6)
    for family in SocketRow.Family.allCases {
      let kinds = Set(rows.filter { $0.family == family }.map { "\($0.shape) \($0.state)" })
      // The client of the dual-stack listener stands in IPv4's table, its server in IPv6's.
      #expect(kinds == Self.expectedKinds)
    }
    #expect(rows.contains { $0.family == .v6 && $0.local.unmapped != $0.local })

    // As many connections without an inode as wait in the accept queues.
    let listeners = rows.filter { $0.state == .listen }
    let waiting = rows.filter { row in
      row.inode == 0 && row.shape == .full && [.established, .closeWait].contains(row.state)
    }
    #expect(waiting.count == listeners.map(\.receiveQueue).reduce(0, +))
    #expect(waiting.count == 3 * 5)
    #expect(listeners.allSatisfy { $0.sendQueue == 0 && $0.timer == .none && $0.inode != 0 })
    for row in rows {
      #expect((row.uid == nil) == (row.shape == .timeWait))
      #expect((row.timerExpiry == nil) == (row.timer == .none))
      // A minute is the longest that anything here waits for; seconds in place of hundredths, or
      // jiffies, would be beyond it.
      if let expiry = row.timerExpiry { #expect(expiry <= .seconds(121) && expiry >= .zero) }
      if row.shape == .timeWait { #expect(row.timer == .timeWait) }
    }
    let timeWaits = rows.filter { $0.shape == .timeWait }
    #expect(timeWaits.allSatisfy { ($0.timerExpiry ?? .zero) > .seconds(20) })
  }

  @Test(.requires("python3"), .requiresPrivateNetwork)
  func uidIsTheOwners() throws {
    let network = try PrivateNetwork()
    let script = """
      import socket, sys
      s = socket.socket(); s.bind(("127.0.0.1", 7000)); s.listen(3)
      print("ready", flush=True); sys.stdin.read()
      """
    let holder = try Child(network.command(["python3", "-c", script]), input: .pipe)
    defer { holder.closeInput() }
    try holder.waitForLine(containing: "ready", in: .standardOutput)
    let row = try #require(try Self.rows(of: network.pid).first)
    // Root inside is this test's user outside.
    #expect(row.uid == geteuid())
    #expect(row.local == Endpoint(.v4(.loopback), 7000))
    let links = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(holder.pid)/fd")
      .compactMap {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(holder.pid)/fd/\($0)")
      }
    #expect(links.contains("socket:[\(row.inode)]"))
  }

  /// Addresses of which no two bytes are alike, so none can be in another's place.
  @Test(.requires("python3"), .requiresPrivateNetwork)
  func addressesAreInOrder() throws {
    let addresses = ["192.0.2.77", "2001:db8:1234:5678:9abc:def0:1122:3344"]
    let network = try PrivateNetwork(
      setUp: addresses.map { "ip address add \($0) dev lo" })
    let script = """
      import socket, sys
      held = [socket.create_server((a, 4660), family=f) for a, f in
              zip(sys.argv[1:], (socket.AF_INET, socket.AF_INET6))]
      print("ready", flush=True); sys.stdin.read()
      """
    let holder = try Child(
      network.command(["python3", "-c", script] + addresses), input: .pipe)
    defer { holder.closeInput() }
    try holder.waitForLine(containing: "ready", in: .standardOutput)
    let rows = try Self.rows(of: network.pid)
    #expect(rows.map(\.local.address) == addresses.compactMap { IPAddress($0) })
    #expect(rows.map(\.local.port) == [4660, 4660])
    #expect(rows.map(\.peer.address.isUnspecified) == [true, true])
  }

  /// The table comes in many reads, and all rows are there.
  @Test(.requires("python3"), .requiresPrivateNetwork)
  func manyRows() throws {
    let network = try PrivateNetwork()
    let script = """
      import socket, sys
      held = [socket.socket() for _ in range(900)]
      for index, s in enumerate(held): s.bind(("127.0.0.1", 10000 + index)); s.listen(1)
      print("ready", flush=True); sys.stdin.read()
      """
    let holder = try Child(network.command(["python3", "-c", script]), input: .pipe)
    defer { holder.closeInput() }
    try holder.waitForLine(containing: "ready", in: .standardOutput)
    let rows = try Self.rows(of: network.pid)
    #expect(rows.map(\.local.port).sorted() == Array(10_000..<10_900))
  }

  @Test func ownNetworkIsTheDefault() throws {
    // Which rows there are in the machine's own network is not known, but one can be added.
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    var ports: [UInt16] = []
    let tally = try ProcNetTCP.forEachRow(in: .v4) { row in
      if row.state == .listen { ports.append(row.local.port) }
    }.get()
    #expect(ports.contains(listener.local.port))
    #expect(tally.rows >= ports.count)
  }

  @Test(arguments: SocketRow.Family.allCases)
  func processThatDoesNotExist(_ family: SocketRow.Family) {
    let file = family == .v4 ? "tcp" : "tcp6"
    #expect(throws: SystemCallError("open", "/proc/2147483647/net/\(file)", .notFound)) {
      try ProcNetTCP.forEachRow(in: family, process: .max) { _ in }.get()
    }
  }

  @Test func errorOfTheBodyIsThrownOn() throws {
    struct Enough: Error {}
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    #expect(throws: Enough.self) {
      try ProcNetTCP.forEachRow(in: .v4) { _ in throw Enough() }.get()
    }
    #expect(listener.local.port != 0)
  }

  @Test func kernelWithoutIPv6() throws {
    let directory = try TemporaryDirectory()
    #expect(throws: SystemCallError("open", directory.file("tcp6"), .notFound)) {
      try ProcNetTCP.walk(.v6, in: directory.path) { _ in }.get()
    }
    try SavedTables.ipv4.write(
      toFile: directory.file("tcp"), atomically: false, encoding: String.Encoding.utf8)
    var count = 0
    let empty = try ProcNetTCP.walk(.v6, in: directory.path) { _ in count += 1 }.get()
    #expect(empty == TableTally() && count == 0)
    let tally = try ProcNetTCP.walk(.v4, in: directory.path) { _ in count += 1 }.get()
    #expect(tally.rows == 57 && count == 57)
  }

  @Test func readThatFails() throws {
    let directory = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: directory.file("tcp"), withIntermediateDirectories: false)
    #expect(throws: SystemCallError("read", directory.file("tcp"), Errno(rawValue: EISDIR))) {
      try ProcNetTCP.walk(.v4, in: directory.path) { _ in }.get()
    }
  }

  /// Asked once more at its end, the kernel would give the last rows of a table again that has grown.
  /// A pipe that is held open is never at its end: to ask it again would be to wait for ever.
  @Test(.timeLimit(.minutes(5))) func theEndIsNotReadTwice() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("tcp")
    try #require(unsafe mkfifo(path, 0o600) == 0)
    let pipe = unsafe open(path, O_RDWR)
    try #require(pipe >= 0)
    defer { close(pipe) }
    let text = Array(("  sl  local_address\n" + line()).utf8)
    try #require(unsafe write(pipe, text, text.count) == text.count)
    #expect(try ProcNetTCP.walk(.v4, in: directory.path) { _ in }.get().rows == 1)
  }
}
