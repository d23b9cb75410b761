// What one line of /proc/net/tcp or /proc/net/tcp6 says.

internal import SocketCore

/// One line, understood or not.
enum ProcNetTCPLine {
  case empty
  case header
  case damaged
  /// A row, with the kernel's hashed pointer: 0 where it is hidden.
  case row(pointer: UInt64)

  /// - Parameters:
  ///   - isWhole: False where the end of the line is missing.
  ///   - row: The place for a row: one for all lines, since to hand rows on costs more than to read
  ///     them. Its values are of no use where the line is none.
  init(
    _ line: Span<UInt8>, isWhole: Bool, byteOrder: ProcNetTCPParser.ByteOrder,
    into row: inout SocketRow
  ) {
    var words = WordReader()
    guard words.advance(in: line) else {
      self = .empty
      return
    }
    if words.reads("sl", in: line) {
      self = .header
    } else if let pointer = row.read(line, &words, isWhole: isWhole, byteOrder) {
      self = .row(pointer: pointer)
    } else {
      self = .damaged
    }
  }
}

extension SocketRow {
  /// Reads the fields in the order of section 1 of proc_pid_net(5). `words` stands on the first.
  /// Fields that are not used are counted and otherwise left alone.
  ///
  /// - Returns: the kernel's pointer; nil where the line is no row.
  fileprivate mutating func read(
    _ line: Span<UInt8>, _ words: inout WordReader, isWhole: Bool,
    _ byteOrder: ProcNetTCPParser.ByteOrder
  ) -> UInt64? {
    // sl
    guard words.decimal(in: line) != nil, words.skip(":", in: line), words.isAtEnd(of: line)
    else { return nil }
    // local_address, rem_address
    guard words.advance(in: line),
      let family = Self.readEndpoint(line, &words, byteOrder, into: &local),
      words.advance(in: line),
      family == Self.readEndpoint(line, &words, byteOrder, into: &peer)
    else { return nil }
    self.family = family
    // st
    guard words.advance(in: line),
      let number = words.wholeHexadecimal(2, upTo: UInt64(UInt8.max), in: line),
      let state = TCPState(rawValue: UInt8(truncatingIfNeeded: number))
    else { return nil }
    // tx_queue:rx_queue
    let largest = UInt64(UInt32.max)
    guard words.advance(in: line), let sendQueue = words.hexadecimal(8, upTo: largest, in: line),
      words.skip(":", in: line),
      let receiveQueue = words.wholeHexadecimal(8, upTo: largest, in: line)
    else { return nil }
    // tr:tm->when
    guard words.advance(in: line),
      let timer = words.hexadecimal(2, upTo: UInt64(UInt8.max), in: line),
      words.skip(":", in: line),
      let ticks = words.wholeHexadecimal(8, upTo: UInt64(Int64.max), in: line)
    else { return nil }
    // retrnsmt
    guard words.advance(in: line),
      let retransmissions = words.wholeHexadecimal(8, upTo: largest, in: line)
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
    let pointer = words.wholeHexadecimal(in: line) ?? 0
    // rto, ato, quick and pingpong, cwnd, ssthresh
    var extra = 0
    while extra < 5 && words.advance(in: line) { extra += 1 }

    switch (extra, state) {
    case (5, _): shape = .full
    // Of a line that was cut the rest may have been a whole socket's.
    case (0, _) where !isWhole: return nil
    case (0, .synReceived): shape = .request
    case (0, .timeWait), (0, .finWait2): shape = .timeWait
    default: return nil
    }
    self.state = state
    self.sendQueue = Int(sendQueue)
    self.receiveQueue = Int(receiveQueue)
    self.timer = TimerKind(rawValue: UInt8(truncatingIfNeeded: timer))
    timerExpiry = self.timer == .none ? nil : .milliseconds(10) * Int64(ticks)
    self.retransmissions = Int(retransmissions)
    self.uid = shape == .timeWait ? nil : uid
    self.inode = inode
    return pointer
  }

  /// Reads `0100007F:1389`: the address in words of 32 bits, each printed as a number of the
  /// machine's own byte order, and the port.
  private static func readEndpoint(
    _ line: Span<UInt8>, _ words: inout WordReader, _ byteOrder: ProcNetTCPParser.ByteOrder,
    into endpoint: inout Endpoint
  ) -> Family? {
    guard let first = words.eightDigits(in: line) else { return nil }
    let family: Family
    if words.skip(":", in: line) {
      let bits = UInt32(truncatingIfNeeded: first)
      endpoint.address = .v4(IPv4Address(bits: byteOrder == .little ? bits.byteSwapped : bits))
      family = .v4
    } else {
      guard let second = words.eightDigits(in: line), let third = words.eightDigits(in: line),
        let fourth = words.eightDigits(in: line), words.skip(":", in: line)
      else { return nil }
      endpoint.address = .v6(
        IPv6Address(
          high: joined(first, second, byteOrder), low: joined(third, fourth, byteOrder)))
      family = .v6
    }
    guard let port = words.wholeHexadecimal(4, upTo: UInt64(UInt16.max), in: line) else {
      return nil
    }
    endpoint.port = UInt16(truncatingIfNeeded: port)
    return family
  }

  private static func joined(
    _ first: UInt64, _ second: UInt64, _ byteOrder: ProcNetTCPParser.ByteOrder
  ) -> UInt64 {
    // In the little order the whole is swapped, and then the halves are the wrong way round.
    byteOrder == .little
      ? (second << 32 | first).byteSwapped : first << 32 | second
  }
}
