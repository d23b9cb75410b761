// The objects in one row of a capture: the ends, the timer, the memory, TCP_INFO and the processes.

internal import KernelTables
internal import Report
internal import SocketCore

extension SavedSocketReader {
  mutating func endpoint(
    _ scanner: inout JSONScanner, in line: Span<UInt8>
  ) throws(JSONError) -> Endpoint {
    var address: IPAddress?
    var port: UInt16?
    try scanner.enterObject(in: line)
    while let key = try scanner.nextMember(in: line) {
      switch endKeys.place(of: key, in: line) {
      case 0:
        let text = try scanner.string(in: line)
        address = IPAddress(saved: text, in: line)
      case 1: port = try scanner.value(in: line)
      default: try scanner.skipValue(in: line)
      }
    }
    guard let address, let port else { throw scanner.error(.unexpected) }
    return Endpoint(address, port)
  }

  mutating func readTimer(
    _ parts: inout Parts, _ scanner: inout JSONScanner, in line: Span<UInt8>
  ) throws(JSONError) {
    try scanner.enterObject(in: line)
    while let key = try scanner.nextMember(in: line) {
      let place = timerKeys.place(of: key, in: line)
      if try scanner.skipNull(in: line) { continue }
      switch place {
      case 0:
        let text = try scanner.string(in: line)
        guard let kind = SocketRow.TimerKind(saved: text, in: line) else {
          throw scanner.error(.unexpected)
        }
        parts.timer = kind
      case 1: parts.expiry = .milliseconds(try scanner.value(as: Int64.self, in: line))
      case 2: parts.retransmissions = try scanner.value(in: line)
      default: try scanner.skipValue(in: line)
      }
    }
  }

  static let memoryNames: [StaticString] = [
    "rmem", "rcvbuf", "wmem", "sndbuf", "fwd", "wmem_queued", "optmem", "sk_backlog", "drops",
  ]

  mutating func readMemory(
    _ parts: inout Parts, _ scanner: inout JSONScanner, in line: Span<UInt8>
  ) throws(JSONError) {
    seen.insert(.memory)
    guard needs.contains(.memory) else { return try scanner.skipValue(in: line) }
    var values = InlineArray<9, Int>(repeating: 0)
    var found = 0
    try scanner.enterObject(in: line)
    while let key = try scanner.nextMember(in: line) {
      guard let place = memoryKeys.place(of: key, in: line) else {
        try scanner.skipValue(in: line)
        continue
      }
      values[place] = Int(try scanner.value(as: UInt32.self, in: line))
      found += 1
    }
    guard found == values.count else { throw scanner.error(.unexpected) }
    parts.memory = SocketMemory(
      received: values[0], receiveBuffer: values[1], sent: values[2], sendBuffer: values[3],
      reserved: values[4], queued: values[5], options: values[6], backlog: values[7],
      drops: values[8])
  }

  static let infoNames: [StaticString] = [
    "rtt_us", "rttvar_us", "min_rtt_us", "cwnd", "ssthresh", "mss", "pmtu", "unacked", "lost",
    "total_retrans", "bytes_retrans", "reord_seen", "delivery_rate_bytes_per_second", "busy_us",
    "rwnd_limited_us", "sndbuf_limited_us", "last_sent_ms", "last_received_ms", "last_ack_ms",
    "bytes_sent", "bytes_acked", "bytes_received", "segs_out", "segs_in", "notsent",
    "rto_us",
  ]

  mutating func readInfo(
    _ parts: inout Parts, _ scanner: inout JSONScanner, in line: Span<UInt8>
  ) throws(JSONError) {
    seen.insert(.info)
    guard needs.contains(.info) else { return try scanner.skipValue(in: line) }
    var info = SavedTCPInfo()
    try scanner.enterObject(in: line)
    while let key = try scanner.nextMember(in: line) {
      let place = infoKeys.place(of: key, in: line)
      if try scanner.skipNull(in: line) { continue }
      switch place {
      case 0: info.roundTripTime = try scanner.value(in: line)
      case 1: info.roundTripVariation = try scanner.value(in: line)
      case 2: info.leastRoundTripTime = try scanner.value(in: line)
      case 3: info.congestionWindow = try scanner.value(in: line)
      case 4: info.slowStartThreshold = try scanner.value(in: line)
      case 5: info.sendMSS = try scanner.value(in: line)
      case 6: info.pathMTU = try scanner.value(in: line)
      case 7: info.unacknowledgedSegments = try scanner.value(in: line)
      case 8: info.lostSegments = try scanner.value(in: line)
      case 9: info.totalRetransmissions = try scanner.value(in: line)
      case 10: info.bytesRetransmitted = try scanner.value(in: line)
      case 11: info.reorderings = try scanner.value(in: line)
      case 12: info.deliveryRate = try scanner.value(in: line)
      case 13: info.busyTime = try scanner.value(in: line)
      case 14: info.receiveWindowLimitedTime = try scanner.value(in: line)
      case 15: info.sendBufferLimitedTime = try scanner.value(in: line)
      case 16: info.sinceLastSent = try scanner.value(in: line)
      case 17: info.sinceLastReceived = try scanner.value(in: line)
      case 18: info.sinceLastAcknowledgement = try scanner.value(in: line)
      case 19: info.bytesSent = try scanner.value(in: line)
      case 20: info.bytesAcknowledged = try scanner.value(in: line)
      case 21: info.bytesReceived = try scanner.value(in: line)
      case 22: info.segmentsSent = try scanner.value(in: line)
      case 23: info.segmentsReceived = try scanner.value(in: line)
      case 24: info.bytesUnsent = try scanner.value(in: line)
      case 25: info.retransmissionTimeout = try scanner.value(in: line)
      default: try scanner.skipValue(in: line)
      }
    }
    parts.info = info
  }

  mutating func owners(
    _ scanner: inout JSONScanner, in line: Span<UInt8>
  ) throws(JSONError) -> [SocketOwner] {
    var owners: [SocketOwner] = []
    try scanner.enterArray(in: line)
    while try scanner.nextElement(in: line) {
      var pid: Int32?
      var name: [UInt8]?
      var descriptor: Int32?
      try scanner.enterObject(in: line)
      while let key = try scanner.nextMember(in: line) {
        let place = ownerKeys.place(of: key, in: line)
        if try scanner.skipNull(in: line) { continue }
        switch place {
        case 0: pid = try scanner.value(in: line)
        case 1: name = try scanner.string(in: line).decoded(in: line)
        case 2: descriptor = try scanner.value(in: line)
        default: try scanner.skipValue(in: line)
        }
      }
      guard let pid, let descriptor else { throw scanner.error(.unexpected) }
      owners.append(SocketOwner(pid: pid, name: name, descriptor: descriptor))
    }
    return owners
  }
}

/// Finds keys in a list, beginning behind the one that was found last: they come in the list's order,
/// nearly always.
struct KeyFinder {
  private let names: [StaticString]
  private var next = 0

  init(_ names: [StaticString]) { self.names = names }

  mutating func place(of key: JSONScanner.Text, in line: Span<UInt8>) -> Int? {
    for step in names.indices {
      let place = next + step < names.count ? next + step : next + step - names.count
      if key.equals(names[place], in: line) {
        next = place + 1 < names.count ? place + 1 : 0
        return place
      }
    }
    return nil
  }
}

extension JSONScanner {
  /// An integer that fits.
  mutating func value<Number: FixedWidthInteger>(
    as type: Number.Type = Number.self, in text: Span<UInt8>
  ) throws(JSONError) -> Number {
    guard let value = try integer(as: Number.self, in: text) else { throw error(.badNumber) }
    return value
  }
}

extension IPAddress {
  /// Reads an address as JSON has it. Where this machine has no interface of the scope's name, there
  /// is no scope.
  fileprivate init?(saved text: JSONScanner.Text, in line: Span<UInt8>) {
    if let address = IPv4Address(saved: text, in: line) {
      self = .v4(address)
      return
    }
    let string = text.string(in: line)
    if let address = IPAddress(string) {
      self = address
    } else if let end = string.firstIndex(of: "%"), let address = IPAddress(string[..<end]) {
      self = address
    } else {
      return nil
    }
  }
}

extension IPv4Address {
  /// Reads a dotted quad without making a String.
  fileprivate init?(saved text: JSONScanner.Text, in line: Span<UInt8>) {
    var bits: UInt32 = 0
    var part: UInt32 = 0
    var digits = 0
    var dots = 0
    for place in text.range {
      let digit = line[place] &- UInt8(ascii: "0")
      if digit < 10 {
        if digits > 0 && part == 0 { return nil }
        part = part * 10 + UInt32(digit)
        digits += 1
        if part > 255 { return nil }
      } else {
        guard line[place] == UInt8(ascii: "."), digits > 0, dots < 3 else { return nil }
        bits = bits << 8 | part
        (part, digits, dots) = (0, 0, dots + 1)
      }
    }
    guard dots == 3, digits > 0 else { return nil }
    self.init(bits: bits << 8 | part)
  }
}

extension SocketRow.TimerKind {
  fileprivate init?(saved text: JSONScanner.Text, in line: Span<UInt8>) {
    if text.equals("retransmit", in: line) {
      self = .retransmit
    } else if text.equals("keepalive", in: line) {
      self = .keepalive
    } else if text.equals("time_wait", in: line) {
      self = .timeWait
    } else if text.equals("zero_window_probe", in: line) {
      self = .zeroWindowProbe
    } else if let number = UInt8(text.string(in: line)) {
      self = Self(rawValue: number)
    } else {
      return nil
    }
  }
}
