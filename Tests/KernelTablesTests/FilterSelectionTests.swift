// What the kernel is asked to leave out: programs beside a model of the kernel.

import SocketCore
import Testing

@testable import KernelTables

@Suite struct FilterSelectionTests {
  /// Addresses whose prefixes cover each other across the families.
  private static let addresses = [
    "127.0.0.1", "10.0.0.1", "10.128.0.1", "0.0.0.0", "::", "::1", "::ffff:10.0.0.1", "2001:db8::1",
    "2001:db8:8000::", "fe80::1",
  ]
  private static let ports: [UInt16] = [0, 1, 80, 443, 1024, 65_535]

  /// A model of the kernel that runs the program and the filter itself agree.
  @Test(arguments: 0..<8 as Range<UInt64>)
  func theProgramLeavesOutNothingThatMatches(seed: UInt64) throws {
    var maker = FilterMaker(
      random: SeededGenerator(seed: seed), ports: Self.ports, addresses: Self.addresses)
    var (chosen, leftOut) = (0, 0)
    for _ in 0..<500 {
      let text = maker.expression()
      let filter = try Filter(parsing: text, names: .fixed)
      let program = filter.selection.program
      if !program.isEmpty {
        let isValid = ProgramModel(program).isValid
        #expect(isValid, "\(text): \(program)")
        if !isValid { return }
      }
      for _ in 0..<40 {
        let row = maker.row()
        let isPassed = row.passes(filter.selection)
        if filter.matches(row) {
          chosen += 1
          #expect(isPassed, "\(text): \(row)")
        }
        if !isPassed { leftOut += 1 }
      }
    }
    // A selection that leaves out nothing, or expressions that choose nothing, would prove nothing.
    #expect(chosen > 2_000 && leftOut > 2_000, "\(chosen) \(leftOut)")
  }

  /// Where the kernel can test all of it, nothing is left for the filter to take away.
  @Test(arguments: 0..<8 as Range<UInt64>)
  func whatIsOnlyPortsAndAddressesIsExact(seed: UInt64) throws {
    var maker = FilterMaker(
      random: SeededGenerator(seed: 100 + seed), ports: Self.ports, addresses: Self.addresses)
    var exact = 0
    for _ in 0..<500 {
      let text = maker.expression()
      if [
        "state", "recvq", "sendq", "uid", "rtt", "process", "pending", "orphan", "listening",
        "bucket",
      ]
      .contains(where: { text.contains($0) }) {
        continue
      }
      let filter = try Filter(parsing: text, names: .fixed)
      for _ in 0..<40 {
        let row = maker.row()
        #expect(filter.matches(row) == row.passes(filter.selection), "\(text): \(row)")
        exact += 1
      }
    }
    #expect(exact > 2_000)
  }

  /// An expression, and what goes to the kernel: states (nil for all), ports, and the program's codes.
  static let rows: [(String, Set<TCPState>?, UInt16?, UInt16?, [UInt8])] = [
    ("listening", [.listen], nil, nil, []),
    ("state=LISTEN sport=80", [.listen], 80, nil, []),
    ("sport=80 dport=90", nil, 80, 90, []),
    ("sport=80 sport=90", nil, 80, nil, [11]),
    ("sport=80,90", nil, nil, nil, [11, 1, 11]),
    ("sport=0", nil, nil, nil, [11]),
    ("sport!=80", nil, nil, nil, [3, 1, 2]),
    ("port=80", nil, nil, nil, [11, 1, 12]),
    ("dport=1000-2000", nil, nil, nil, [4, 5]),
    ("dport>=1024", nil, nil, nil, [4]), ("dport<1024", nil, nil, nil, [5]),
    ("src 10.0.0.0/8", nil, nil, nil, [7]), ("dst 10.0.0.0/8", nil, nil, nil, [8]),
    ("not dst 10.0.0.0/8", nil, nil, nil, [8, 1]),
    ("dst ::/0", nil, nil, nil, [8, 8, 1]), ("src *:80", nil, 80, nil, []),
    ("sport=80 and (recvq>0 or dport=5)", nil, 80, nil, []),
    ("sport=80 and not (recvq>0 or dport=5)", nil, 80, nil, [5, 1, 4]),
    ("sport=80 or recvq>0", nil, nil, nil, []),
    ("listening sport=80 or time-wait dport=5", [.listen, .timeWait], nil, nil, [11, 1, 12]),
    ("pending", SocketRow.pendingStates, nil, nil, []),
    (
      "not state=LISTEN,CLOSE", Set(TCPState.allCases).subtracting([.listen, .closed]), nil, nil, []
    ),
    ("sport>65535", [], nil, nil, []), ("sport=80 and sport<0", [], nil, nil, []),
    ("sport>=0", nil, nil, nil, []),
  ]

  @Test(arguments: rows.indices)
  func selection(_ index: Int) throws {
    let (text, states, local, peer, codes) = Self.rows[index]
    let selection = try Filter(parsing: text, names: .fixed).selection
    #expect(selection.states == states ?? Set(TCPState.allCases), "\(text)")
    if states == [] {
      #expect(selection.program.isEmpty)
      return
    }
    #expect(selection.localPort == local && selection.peerPort == peer, "\(text)")
    var found: [UInt8] = []
    var place = 0
    while place < selection.program.count {
      found.append(selection.program[place])
      place += Int(selection.program[place + 1])
    }
    #expect(found == codes, "\(text)")
  }

  /// What is too long for the kernel is left to the filter.
  @Test func aLongProgramIsNotSent() throws {
    func filter(_ count: Int) throws -> Filter {
      try Filter(
        parsing: "sport=" + (0..<count).map { "\($0 * 2 + 1)" }.joined(separator: ","),
        names: .fixed)
    }
    let program = try filter(600).selection.program
    #expect(program.count == 600 * 12 - 4 && ProgramModel(program).isValid)
    #expect(try filter(2_000).selection.program.isEmpty)
  }
}
