// The kernel's part in a filter, modelled: what it checks of a program and how it runs one
// (net/ipv4/inet_diag.c: inet_diag_bc_audit, inet_diag_bc_run).

import SocketCore

@testable import KernelTables

/// SplitMix64: the same numbers in each run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

extension SocketRow {
  /// Whether the kernel would give this row.
  func passes(_ selection: SockDiagSelection) -> Bool {
    guard selection.states.contains(state) else { return false }
    if let port = selection.localPort, port != local.port { return false }
    if let port = selection.peerPort, port != peer.port { return false }
    return selection.program.isEmpty || ProgramModel(selection.program).chooses(self)
  }
}

/// A program as the kernel sees it. The codes are those of linux/inet_diag.h, typed in here once more
/// so that a wrong one is seen.
struct ProgramModel {
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private struct Operation {
    var code: UInt8
    var yes: Int
    var no: Int
  }

  private func half(_ place: Int) -> Int { Int(bytes[place]) | Int(bytes[place + 1]) << 8 }

  private func operation(at place: Int) -> Operation {
    Operation(code: bytes[place], yes: Int(bytes[place + 1]), no: half(place + 2))
  }

  /// How many bytes an operation takes; nil where the kernel refuses it.
  private func size(at place: Int) -> Int? {
    switch bytes[place] {
    case 0, 1, 6: return 4
    case 2, 3, 4, 5, 11, 12: return place + 8 <= bytes.count ? 8 : nil
    case 7, 8:
      guard place + 12 <= bytes.count else { return nil }
      guard let length = [0: 0, 2: 4, 10: 16][bytes[place + 4]] else { return nil }
      return place + 12 + length <= bytes.count && Int(bytes[place + 5]) <= 8 * length
        ? 12 + length : nil
    default: return nil
    }
  }

  /// What the kernel checks before it takes a program.
  var isValid: Bool {
    guard bytes.count >= 4 else { return false }
    var starts: Set<Int> = []
    var place = 0
    while place < bytes.count {
      guard place + 4 <= bytes.count, bytes[place + 1] >= 4 else { return false }
      starts.insert(place)
      place += Int(bytes[place + 1])
    }
    guard place == bytes.count else { return false }
    for place in starts {
      guard let size = size(at: place) else { return false }
      let operation = operation(at: place)
      let left = bytes.count - place
      if operation.code != 0 {
        guard operation.no >= size, operation.no <= left + 4, operation.no % 4 == 0 else {
          return false
        }
        if operation.no < left, !starts.contains(place + operation.no) { return false }
      }
      guard operation.yes >= size, operation.yes <= left + 4, operation.yes % 4 == 0 else {
        return false
      }
    }
    return true
  }

  func chooses(_ row: SocketRow) -> Bool {
    var place = 0
    while place < bytes.count {
      let operation = operation(at: place)
      place += holds(operation, place, row) ? operation.yes : operation.no
    }
    return place == bytes.count
  }

  private func holds(_ operation: Operation, _ place: Int, _ row: SocketRow) -> Bool {
    switch operation.code {
    case 0: true
    case 2: Int(row.local.port) >= half(place + 6)
    case 3: Int(row.local.port) <= half(place + 6)
    case 4: Int(row.peer.port) >= half(place + 6)
    case 5: Int(row.peer.port) <= half(place + 6)
    case 7: isIn(place + 4, row.local, row)
    case 8: isIn(place + 4, row.peer, row)
    case 11: Int(row.local.port) == half(place + 6)
    case 12: Int(row.peer.port) == half(place + 6)
    default: false
    }
  }

  /// struct inet_diag_hostcond.
  private func isIn(_ place: Int, _ endpoint: Endpoint, _ row: SocketRow) -> Bool {
    let port = Int32(truncatingIfNeeded: half(place + 4) | half(place + 6) << 16)
    if port != -1 && port != Int32(endpoint.port) { return false }
    let family = bytes[place]
    let bits = Int(bytes[place + 1])
    let wanted = Array(bytes[(place + 8)...])
    let own = Self.bytes(of: endpoint.address)
    if family != 0, family != (row.family == .v4 ? 2 : 10) {
      guard row.family == .v6, family == 2,
        own.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255]
      else { return false }
      return Self.agree(Array(own.dropFirst(12)), wanted, bits)
    }
    return Self.agree(own, wanted, bits)
  }

  private static func agree(_ one: [UInt8], _ other: [UInt8], _ bits: Int) -> Bool {
    (0..<bits).allSatisfy { bit in
      (one[bit / 8] ^ other[bit / 8]) & (0x80 >> UInt8(bit % 8)) == 0
    }
  }

  private static func bytes(of address: IPAddress) -> [UInt8] {
    switch address {
    case .v4(let v4): (0..<4).map { UInt8(truncatingIfNeeded: v4.bits >> (24 - 8 * $0)) }
    case .v6(let v6):
      (0..<16).map {
        UInt8(truncatingIfNeeded: ($0 < 8 ? v6.high : v6.low) >> UInt64(56 - 8 * ($0 % 8)))
      }
    }
  }
}
