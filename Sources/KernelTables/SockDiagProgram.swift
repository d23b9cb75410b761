// The kernel's own language for choosing sockets: programs of conditional jumps.

internal import CLinux
internal import Glibc
internal import SocketCore

/// Translates a test into the bytecode of INET_DIAG_REQ_BYTECODE (linux/inet_diag.h).
///
/// A program is a row of operations of four bytes and their operands. Each goes on `yes` bytes where
/// its condition holds and `no` bytes where not, forward only. A socket is chosen where that ends
/// exactly behind the program, and left out where it ends four bytes further. The kernel takes no
/// program in which `yes` is not the next operation, or `no` not one of those that come (net/ipv4/
/// inet_diag.c `inet_diag_bc_audit`).
struct SockDiagProgram {
  /// Longer programs are not made: `no` has 16 bits, and the kernel's check takes time in the square
  /// of the length.
  static let longest = 8_192

  /// A place in the program to jump to, by its number.
  private typealias Label = Int

  private var bytes: [UInt8] = []
  /// Where each label is; `longest` times two until it is known.
  private var places: [Int] = []
  /// Operations whose `no` is to be the way to a label.
  private var jumps: [(operation: Int, label: Label)] = []

  /// The program of a test; nil where it would be too long, and empty where there is nothing to test.
  static func bytes(of test: SockDiagTest) -> [UInt8]? {
    if test == .always { return [] }
    var program = SockDiagProgram()
    let (chosen, leftOut) = (program.makeLabel(), program.makeLabel())
    guard program.append(test, chosen, leftOut, next: chosen) else { return nil }
    program.places[chosen] = program.bytes.count
    program.places[leftOut] = program.bytes.count + MemoryLayout<inet_diag_bc_op>.size
    return program.linked
  }

  private mutating func makeLabel() -> Label {
    places.append(0)
    return places.count - 1
  }

  /// Appends code that goes to `yes` or `no`; `next` is the label of what will stand behind it.
  ///
  /// - Returns: false where the program has become too long.
  private mutating func append(
    _ test: SockDiagTest, _ yes: Label, _ no: Label, next: Label
  ) -> Bool {
    guard bytes.count <= Self.longest else { return false }
    switch test {
    case .always: jump(yes, unlessAt: next)
    case .never: jump(no, unlessAt: next)
    case .port(let end, let range):
      if range.count == 1 {
        compare(end == .local ? INET_DIAG_BC_S_EQ : INET_DIAG_BC_D_EQ, range.lowerBound, no)
      } else {
        if range.lowerBound > 0 {
          compare(end == .local ? INET_DIAG_BC_S_GE : INET_DIAG_BC_D_GE, range.lowerBound, no)
        }
        if range.upperBound < .max {
          compare(end == .local ? INET_DIAG_BC_S_LE : INET_DIAG_BC_D_LE, range.upperBound, no)
        }
      }
      jump(yes, unlessAt: next)
    case .host(let end, let host, let isNegated):
      self.host(end, host, isNegated ? yes : no)
      jump(isNegated ? no : yes, unlessAt: next)
    case .all(let parts):
      for part in parts.dropLast() {
        let behind = makeLabel()
        guard append(part, behind, no, next: behind) else { return false }
        places[behind] = bytes.count
      }
      return parts.last.map { append($0, yes, no, next: next) } ?? true
    case .any(let parts):
      for part in parts.dropLast() {
        let behind = makeLabel()
        guard append(part, yes, behind, next: behind) else { return false }
        places[behind] = bytes.count
      }
      return parts.last.map { append($0, yes, no, next: next) } ?? true
    }
    return bytes.count <= Self.longest
  }

  private mutating func jump(_ label: Label, unlessAt next: Label) {
    // Its condition never holds.
    if label != next { operation(INET_DIAG_BC_JMP, operands: [], else: label) }
  }

  /// The number stands in the place for `no` of an operation that is never run.
  private mutating func compare(_ code: Int, _ port: UInt16, _ no: Label) {
    operation(
      code, operands: inet_diag_bc_op(code: 0, yes: 0, no: port), else: no)
  }

  private mutating func host(_ end: FilterEnd, _ host: FilterHost, _ no: Label) {
    var condition = inet_diag_hostcond()
    condition.port = host.port.map { Int32($0) } ?? -1
    var address: [UInt8] = []
    if let prefix = host.prefix {
      condition.family = UInt8(prefix.address.isIPv6 ? AF_INET6 : AF_INET)
      condition.prefix_len = UInt8(prefix.length)
      switch prefix.address {
      case .v4(let v4): address = Self.networkOrder(v4.bits)
      case .v6(let v6): address = Self.networkOrder(v6.high) + Self.networkOrder(v6.low)
      }
    }
    operation(
      end == .local ? INET_DIAG_BC_S_COND : INET_DIAG_BC_D_COND,
      operands: unsafe withUnsafeBytes(of: condition) { unsafe Array($0) } + address, else: no)
  }

  private mutating func operation<Operand: BitwiseCopyable>(
    _ code: Int, operands: Operand, else no: Label
  ) {
    operation(code, operands: Self.bytes(operands), else: no)
  }

  private mutating func operation(_ code: Int, operands: [UInt8], else no: Label) {
    jumps.append((bytes.count, no))
    let size = MemoryLayout<inet_diag_bc_op>.size + operands.count
    bytes += Self.bytes(inet_diag_bc_op(code: UInt8(code), yes: UInt8(size), no: 0)) + operands
  }

  /// The program with all ways filled in.
  private var linked: [UInt8] {
    var linked = bytes
    for (operation, label) in jumps {
      let distance = Self.bytes(UInt16(places[label] - operation))
      linked[operation + 2] = distance[0]
      linked[operation + 3] = distance[1]
    }
    return linked
  }

  private static func bytes<Value: BitwiseCopyable>(_ value: Value) -> [UInt8] {
    unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
  }

  private static func networkOrder(_ number: some FixedWidthInteger & BitwiseCopyable) -> [UInt8] {
    bytes(number.bigEndian)
  }
}
