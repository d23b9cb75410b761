// A value of `states` as text, as CSV and as JSON: appended to bytes, since there can be a million.

internal import KernelTables
internal import Report
internal import SocketCore

extension StatesValue {
  /// Appends what a person reads, without blanks in numbers: a column is one word for awk(1).
  ///
  /// - Parameter isWhole: Whether long lists stay as long as they are.
  func appendText(to bytes: inout [UInt8], isWhole: Bool) {
    switch self {
    case .nothing: break
    case .unknown, .inPlace(nil): bytes.append(UInt8(ascii: "-"))
    case .integer(let number), .inPlace(let number?): bytes.append(decimal: number)
    case .unsigned(let number): bytes += String(number).utf8
    case .endpoint(let endpoint): endpoint.appendShown(to: &bytes)
    case .name(let name): bytes.append(name)
    case .labelled(_, let label): bytes += label.utf8
    case .text(let text): bytes += sanitized(text).utf8
    case .bytes(let count): bytes += oneWord(Units.bytes(count)).utf8
    case .rate(let rate): bytes += oneWord(Units.bitRate(Double(rate) * 8)).utf8
    case .milliseconds(let duration), .microseconds(let duration):
      bytes += oneWord(Units.duration(duration)).utf8
    case .processes(let owners): bytes += owners.text(isWhole: isWhole).utf8
    }
  }

  /// Appends a field of CSV (RFC 4180): exact numbers in the unit that the heading names, nothing
  /// where the value is unknown.
  func appendCSV(to bytes: inout [UInt8]) {
    switch self {
    case .unknown, .inPlace, .nothing: break
    case .endpoint(let endpoint): endpoint.unmapped.append(to: &bytes)
    case .name(let name), .labelled(let name, _): bytes.append(name)
    case .text(let text): bytes.append(quoted: text)
    case .processes(let owners): bytes.append(quoted: owners.text(isWhole: true))
    case .integer, .unsigned, .bytes, .rate, .milliseconds, .microseconds:
      appendJSON(to: &bytes)
    }
  }

  func appendJSON(to bytes: inout [UInt8]) {
    switch self {
    case .nothing: break
    case .unknown, .inPlace: bytes.append("null")
    case .integer(let number): bytes.append(decimal: number)
    case .unsigned(let number), .bytes(let number), .rate(let number):
      if let small = Int(exactly: number) {
        bytes.append(decimal: small)
      } else {
        bytes += String(number).utf8
      }
    case .endpoint(let endpoint): endpoint.unmapped.appendJSON(to: &bytes)
    case .name(let name), .labelled(let name, _):
      bytes.append(UInt8(ascii: "\""))
      bytes.append(name)
      bytes.append(UInt8(ascii: "\""))
    case .text(let text): JSONValue.string(text).append(to: &bytes)
    case .milliseconds(let duration):
      bytes.append(decimal: Int(duration.nanoseconds / 1_000_000))
    case .microseconds(let duration): bytes.append(decimal: Int(duration.nanoseconds / 1_000))
    case .processes(let owners):
      JSONValue.array(
        owners.map {
          [
            "pid": .init($0.pid), "name": $0.name.map { .init(decoding: $0) } ?? .null,
            "fd": .init($0.descriptor),
          ]
        }
      ).append(to: &bytes)
    }
  }

  /// `1.5 ms` as `1.5ms`, in characters that every terminal has.
  private func oneWord(_ text: String) -> String {
    String(text.compactMap { $0 == " " || $0 == "," ? nil : $0 == "µ" ? "u" : $0 })
  }
}

extension Endpoint {
  /// Appends the endpoint as a table has it: a mapped address as IPv4's, and `*` for any port.
  func appendShown(to bytes: inout [UInt8]) {
    unmapped.append(to: &bytes)
    if port == 0 { bytes[bytes.count - 1] = UInt8(ascii: "*") }
  }

  func appendJSON(to bytes: inout [UInt8]) {
    bytes.append("{\"address\":")
    if case .v6(let v6) = address, v6.scope != 0 {
      // The name of an interface may hold anything.
      JSONValue.string(address.description).append(to: &bytes)
    } else {
      bytes.append(UInt8(ascii: "\""))
      address.append(to: &bytes)
      bytes.append(UInt8(ascii: "\""))
    }
    bytes.append(",\"port\":")
    bytes.append(decimal: Int(port))
    bytes.append(UInt8(ascii: "}"))
  }
}

extension [UInt8] {
  mutating func append(_ text: StaticString) {
    unsafe append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// A field of CSV, in quotation marks where it needs them.
  mutating func append(quoted text: String) {
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

extension [SocketOwner] {
  /// More than this many are named by their number alone, unless the whole list is wanted.
  private static let shown = 3

  func text(isWhole: Bool) -> String {
    if isEmpty { return "-" }
    let named = isWhole ? self : Array(prefix(Self.shown))
    let rest = count - named.count
    return named.map(\.text).joined(separator: " ") + (rest > 0 ? " +\(rest)" : "")
  }
}

extension SocketOwner {
  var text: String { "\(sanitized(name ?? [UInt8(ascii: "?")]))(\(pid),fd=\(descriptor))" }
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
    case .peerClosed(let unread):
      unread == 0
        ? "peer closed, end not read"
        : "peer closed, \(Units.plural(unread, "byte")) and end not read"
    case .leftOpen: "peer closed, end read, not closed here"
    case .orphan: "orphan"
    case .timeWait: "time-wait"
    case .bound: "bound"
    }
  }
}
