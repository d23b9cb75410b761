// A value of `states` as text, as CSV and as JSON: appended to bytes, since there can be a million. All
// three take the value over, so that none is destroyed that has nothing to be freed.

internal import KernelTables
internal import Report
internal import SocketCore

extension StatesValue {
  /// Appends what a person reads, without blanks in numbers: a column is one word for awk(1).
  ///
  /// - Parameter isWhole: Whether long lists stay as long as they are.
  consuming func appendText(to bytes: inout ByteBuffer, isWhole: Bool) {
    switch self {
    case .nothing: break
    case .unknown, .inPlace(nil): bytes.append(UInt8(ascii: "-"))
    case .integer(let number), .inPlace(let number?): bytes.append(decimal: number)
    case .bool(let value): bytes.append(value ? "yes" : "no")
    case .unsigned(let number): bytes.append(decimal: number)
    case .endpoint(let endpoint): endpoint.appendShown(to: &bytes)
    case .name(let name): bytes.append(name)
    case .role(let role): bytes += role.text.utf8
    case .text(let text): bytes += sanitized(text).utf8
    case .outsideName(let name): bytes.append(sanitized: name)
    case .bytes(let count): bytes.append(asWord: Units.bytes(count))
    case .rate(let rate): bytes.append(asWord: Units.bitRate(Double(rate) * 8))
    case .milliseconds(let duration), .microseconds(let duration):
      bytes.append(asWord: Units.duration(duration))
    case .processes(let owners), .listenerInPlace(let owners):
      bytes.append(owners, isWhole: isWhole)
    }
  }

  /// Appends a field of CSV (RFC 4180): exact numbers in the unit that the heading names, nothing
  /// where the value is unknown.
  consuming func appendCSV(to bytes: inout ByteBuffer) {
    switch self {
    case .unknown, .inPlace, .nothing, .listenerInPlace: break
    case .endpoint(let endpoint): bytes.append(endpoint.unmapped)
    case .name(let name): bytes.append(name)
    case .role(let role): bytes.append(role.name)
    case .text(let text): bytes.append(quoted: sanitized(text))
    case .outsideName(let name): bytes.append(quoted: sanitized(name))
    case .processes(let owners): bytes.append(quoted: owners.text(isWhole: true))
    case .integer, .bool, .unsigned, .bytes, .rate, .milliseconds, .microseconds:
      appendJSON(to: &bytes)
    }
  }

  consuming func appendJSON(to bytes: inout ByteBuffer) {
    switch self {
    case .nothing: break
    case .unknown, .inPlace: bytes.append("null")
    case .integer(let number): bytes.append(decimal: number)
    case .bool(let value): bytes.append(value ? "true" : "false")
    case .unsigned(let number), .bytes(let number), .rate(let number):
      bytes.append(decimal: number)
    case .listenerInPlace: bytes.append("[]")
    case .endpoint(let endpoint): endpoint.unmapped.appendJSON(to: &bytes)
    case .name(let name): bytes.append(inQuotes: name)
    case .role(let role): bytes.append(inQuotes: role.name)
    case .text(let text): JSONValue.string(text).append(to: &bytes)
    case .outsideName(let name): JSONValue(decoding: name).append(to: &bytes)
    case .milliseconds(let duration):
      bytes.append(decimal: Int(duration.nanoseconds / 1_000_000))
    case .microseconds(let duration): bytes.append(decimal: Int(duration.nanoseconds / 1_000))
    case .processes(let owners): JSONValue.array(owners.map(\.json)).append(to: &bytes)
    }
  }
}

extension Endpoint {
  /// Appends the endpoint as a table has it: a mapped address as IPv4's, and `*` for any port.
  func appendShown(to bytes: inout ByteBuffer) {
    bytes.append(unmapped)
    if port == 0 { bytes[bytes.count - 1] = UInt8(ascii: "*") }
  }

  func appendJSON(to bytes: inout ByteBuffer) {
    if case .v6(let v6) = address, v6.scope != 0 {
      // The name of an interface may hold anything.
      bytes.append("{\"address\":")
      JSONValue.string(address.description).append(to: &bytes)
      bytes.append(",\"port\":")
    } else {
      bytes.append("{\"address\":\"")
      bytes.append(address)
      bytes.append("\",\"port\":")
    }
    bytes.append(decimal: Int(port))
    bytes.append(UInt8(ascii: "}"))
  }
}

extension ByteBuffer {
  /// Appends a name that has nothing to be escaped.
  fileprivate mutating func append(inQuotes name: StaticString) {
    append(UInt8(ascii: "\""))
    append(name)
    append(UInt8(ascii: "\""))
  }

  /// Appends a number, without a String in between.
  mutating func append(decimal number: UInt64) {
    append(atMost: 24) { $0.append(decimal: number) }
  }

  mutating func append(decimal number: Int) {
    // Most numbers of a table are 0.
    if 0..<10 ~= number { return append(UInt8(ascii: "0") + UInt8(number)) }
    if number < 0 { append(UInt8(ascii: "-")) }
    append(decimal: UInt64(number.magnitude))
  }

  mutating func append(_ address: IPAddress) {
    append(atMost: IPAddress.longestText) { address.append(to: &$0) }
  }

  mutating func append(_ endpoint: Endpoint) {
    append(atMost: Endpoint.longestText) { endpoint.append(to: &$0) }
  }

  /// `1.5 µs` as `1.5us`: without blanks, in characters that every terminal has.
  fileprivate mutating func append(asWord text: String) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: ","), 0xC2: break
      // The second byte of µ.
      case 0xB5: append(UInt8(ascii: "u"))
      default: append(byte)
      }
    }
  }

  /// A field of CSV, in quotation marks where it needs them, and no formula for a spreadsheet.
  mutating func append(quoted text: String) {
    let text = withoutFormula(text)
    let isPlain = !text.utf8.contains {
      $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 < 0x20
    }
    if isPlain {
      self += text.utf8
    } else {
      append(UInt8(ascii: "\""))
      for byte in text.utf8 {
        if byte == UInt8(ascii: "\"") { append(byte) }
        append(byte)
      }
      append(UInt8(ascii: "\""))
    }
  }
}

extension ByteBuffer {
  /// Appends who holds a socket.
  ///
  /// - Parameter isWhole: Whether all are named; otherwise a few of many are, and the rest are a number.
  fileprivate mutating func append(_ owners: [SocketOwner], isWhole: Bool) {
    if owners.isEmpty { return append(UInt8(ascii: "-")) }
    let named = isWhole ? owners.count : min(3, owners.count)
    for place in 0..<named {
      if place > 0 { append(UInt8(ascii: " ")) }
      append(sanitized: owners[place].name ?? [UInt8(ascii: "?")])
      append(UInt8(ascii: "("))
      append(decimal: Int(owners[place].pid))
      append(",fd=")
      append(decimal: Int(owners[place].descriptor))
      append(UInt8(ascii: ")"))
    }
    if named < owners.count {
      append(" +")
      append(decimal: owners.count - named)
    }
  }
}

extension [SocketOwner] {
  func text(isWhole: Bool) -> String {
    var bytes = ByteBuffer()
    bytes.append(self, isWhole: isWhole)
    return bytes.text
  }
}

extension SocketRow {
  var ink: Style.Ink? {
    switch state {
    case .listen: .cyan
    case .established: .green
    case .synSent, .synReceived, .closeWait: .magenta
    default: nil
    }
  }

  var timerName: StatesValue {
    switch timer {
    case .none: .unknown
    case .retransmit: .name("retransmit")
    case .keepalive: .name("keepalive")
    case .timeWait: .name("time_wait")
    case .zeroWindowProbe: .name("zero_window_probe")
    case .other(let number): .text("\(number)")
    }
  }
}

extension SocketRole {
  /// What a person reads; `-` where the state alone says it.
  var text: String {
    switch self {
    case .listener, .connecting, .connection, .closing: "-"
    case .synQueue: "SYN queue"
    case .pendingAccept: "pending accept"
    case .peerClosed(0): "EOF not read"
    case .peerClosed(let unread): "EOF not read (\(Units.plural(unread, "byte")) before it)"
    case .leftOpen: "EOF read, not closed"
    case .orphan: "orphan"
    case .timeWait: "time-wait"
    case .bound: "bound"
    }
  }
}
