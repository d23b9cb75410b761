// What one line of /proc/net/tcp or /proc/net/tcp6 says.

internal import SocketCore

/// One line, understood or not.
enum ProcNetTCPLine {
  case empty
  case header
  case damaged
  /// A row, and the kernel's hashed pointer: 0 where it is hidden.
  case row(SocketRow, pointer: UInt64)

  /// - Parameter isWhole: False where the end of the line is missing.
  init(_ line: Span<UInt8>, isWhole: Bool, byteOrder: ProcNetTCPParser.ByteOrder) {
    var words = WordReader()
    guard words.advance(in: line) else {
      self = .empty
      return
    }
    if words.reads("sl", in: line) {
      self = .header
    } else if let (row, pointer) = Self.row(line, &words, isWhole: isWhole, byteOrder) {
      self = .row(row, pointer: pointer)
    } else {
      self = .damaged
    }
  }

  /// Reads the fields in the order of section 1 of proc_pid_net(5). `words` stands on the first.
  /// Fields that are not used are counted and otherwise left alone.
  private static func row(
    _ line: Span<UInt8>, _ words: inout WordReader, isWhole: Bool,
    _ byteOrder: ProcNetTCPParser.ByteOrder
  ) -> (SocketRow, pointer: UInt64)? {
    // sl
    guard words.decimal(in: line) != nil, words.skip(":", in: line), words.isAtEnd(of: line)
    else { return nil }
    // local_address, rem_address
    guard words.advance(in: line), let (local, family) = endpoint(line, &words, byteOrder),
      words.advance(in: line), let (peer, peerFamily) = endpoint(line, &words, byteOrder),
      family == peerFamily
    else { return nil }
    // st
    guard words.advance(in: line), let number = words.wholeHexadecimal(as: UInt8.self, in: line),
      let state = TCPState(rawValue: number)
    else { return nil }
    // tx_queue:rx_queue
    guard words.advance(in: line), let sendQueue = words.hexadecimal(as: UInt32.self, in: line),
      words.skip(":", in: line),
      let receiveQueue = words.wholeHexadecimal(as: UInt32.self, in: line)
    else { return nil }
    // tr:tm->when
    guard words.advance(in: line), let timer = words.hexadecimal(as: UInt8.self, in: line),
      words.skip(":", in: line), let ticks = words.wholeHexadecimal(as: Int64.self, in: line)
    else { return nil }
    // retrnsmt
    guard words.advance(in: line),
      let retransmissions = words.wholeHexadecimal(as: UInt32.self, in: line)
    else { return nil }
    // uid
    guard words.advance(in: line), let user = words.wholeDecimal(in: line),
      let uid = UInt32(exactly: user)
    else { return nil }
    // timeout, inode
    guard words.advance(in: line), words.advance(in: line),
      let inode = words.wholeDecimal(in: line)
    else { return nil }
    // ref, pointer. Early after boot the kernel has words instead of a hashed pointer.
    guard words.advance(in: line), words.advance(in: line) else { return nil }
    let pointer = words.wholeHexadecimal(as: UInt64.self, in: line) ?? 0
    // rto, ato, quick and pingpong, cwnd, ssthresh
    var extra = 0
    while extra < 5 && words.advance(in: line) { extra += 1 }

    let shape: SocketRow.Shape
    switch (extra, state) {
    case (5, _): shape = .full
    // Of a line that was cut the rest may have been a whole socket's.
    case (0, _) where !isWhole: return nil
    case (0, .synReceived): shape = .request
    case (0, .timeWait), (0, .finWait2): shape = .timeWait
    default: return nil
    }
    let kind = SocketRow.TimerKind(rawValue: timer)
    let row = SocketRow(
      family: family, shape: shape, state: state, local: local, peer: peer,
      receiveQueue: Int(receiveQueue), sendQueue: Int(sendQueue), timer: kind,
      timerExpiry: kind == .none ? nil : .milliseconds(10) * ticks,
      retransmissions: Int(retransmissions), uid: shape == .timeWait ? nil : uid, inode: inode)
    return (row, pointer)
  }

  /// Reads `0100007F:1389`: the address in words of 32 bits, each printed as a number of the
  /// machine's own byte order, and the port.
  private static func endpoint(
    _ line: Span<UInt8>, _ words: inout WordReader, _ byteOrder: ProcNetTCPParser.ByteOrder
  ) -> (Endpoint, SocketRow.Family)? {
    func addressWord() -> UInt64? {
      guard let word = words.eightDigits(in: line) else { return nil }
      return UInt64(byteOrder == .little ? word.byteSwapped : word)
    }
    guard let first = addressWord() else { return nil }
    let address: IPAddress
    let family: SocketRow.Family
    if words.skip(":", in: line) {
      address = .v4(IPv4Address(bits: UInt32(truncatingIfNeeded: first)))
      family = .v4
    } else {
      guard let second = addressWord(), let third = addressWord(), let fourth = addressWord(),
        words.skip(":", in: line)
      else { return nil }
      address = .v6(IPv6Address(high: first << 32 | second, low: third << 32 | fourth))
      family = .v6
    }
    guard let port = words.wholeHexadecimal(as: UInt16.self, in: line) else { return nil }
    return (Endpoint(address, port), family)
  }
}
