// The rows of `states` as they go out, beside a plain formatter that makes a String of each value.

import Foundation
import KernelTables
import Report
import SocketCore
import Testing

@testable import tcptool

/// Numbers that look random and are the same in each run.
private struct Numbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }
}

extension StatesRow {
  /// A row with everything that can be in one, whether or not a kernel would put it together so.
  fileprivate static func random(_ numbers: inout Numbers) -> StatesRow {
    /// Small more often than not, so that columns have widths to be overflowed.
    func number() -> Int {
      Int(numbers.next() >> UInt64.random(in: 30...62, using: &numbers))
    }
    func endpoint() -> Endpoint {
      let address: IPAddress =
        switch numbers.next() % 4 {
        case 0: .v4(IPv4Address(bits: UInt32(truncatingIfNeeded: numbers.next())))
        case 1: .v6(IPv6Address(high: 0, low: 0xFFFF_0A00_0001))
        case 2: .v6(IPv6Address(high: numbers.next(), low: numbers.next() & 0xFFFF))
        default: .v4(.any)
        }
      return Endpoint(address, numbers.next() % 5 == 0 ? 0 : UInt16(numbers.next() & 0xFFFF))
    }
    func optional<Value>(_ value: @autoclosure () -> Value) -> Value? {
      numbers.next() % 3 == 0 ? nil : value()
    }
    let row = SocketRow(
      family: numbers.next() % 2 == 0 ? .v4 : .v6,
      shape: [.full, .full, .request, .timeWait].randomElement(using: &numbers) ?? .full,
      state: TCPState.allCases.randomElement(using: &numbers) ?? .closed, local: endpoint(),
      peer: endpoint(), receiveQueue: number(), sendQueue: number(),
      timer: .init(rawValue: UInt8(numbers.next() % 6)),
      timerExpiry: optional(.milliseconds(number())), retransmissions: number(),
      uid: optional(UInt32(truncatingIfNeeded: number())), inode: numbers.next() % 3,
      backlog: optional(number()), isIPv6Only: nil)
    var details = SocketDetails()
    details.cookie = optional(numbers.next())
    details.controlGroup = optional(numbers.next() % 3)
    details.interface = optional(UInt32(numbers.next() % 3))
    details.memory = optional(
      SocketMemory(
        received: number(), receiveBuffer: number(), sent: number(), sendBuffer: number(),
        reserved: number(), queued: number(), options: number(), backlog: number(),
        drops: number()))
    details.congestionControl = optional(["cubic", "b\"b,r", "größe\n"][number() % 3])
    if numbers.next() % 3 > 0 {
      var info = (0..<280).map { _ in UInt8(numbers.next() % 256) }
      // No time of more than some days.
      for word in stride(from: 4, to: info.count, by: 8) {
        for byte in 1...3 { info[word + byte] = 0 }
      }
      info[0] = 1
      details.info = unsafe TCPInfo(info.span.bytes)
    }
    return StatesRow(row: row, details: details)
  }
}

extension StatesContext {
  /// Owners of the inodes 1 and 2, and of a listener.
  fileprivate static var sample: StatesContext {
    var context = StatesContext()
    context.namespace = 4_026_531_840
    context.owners = SocketOwners([
      1: [SocketOwner(pid: 7, name: [0x61, 0x0A], descriptor: 3)],
      2: (1...5).map { SocketOwner(pid: $0, name: $0 == 3 ? nil : [0x62], descriptor: 4) },
    ])
    return context
  }
}

// What is written byte by byte elsewhere, said once more in the plainest way.
extension StatesValue {
  fileprivate func plainText(isWhole: Bool) -> String {
    func word(_ text: String) -> String {
      text.filter { $0 != " " && $0 != "," && $0 != "\u{A0}" }.map { $0 == "µ" ? "u" : "\($0)" }
        .joined()
    }
    func list(_ owners: [SocketOwner]) -> String {
      let named = owners.prefix(isWhole ? .max : 3).map {
        "\(sanitized($0.name ?? [0x3F]))(\($0.pid),fd=\($0.descriptor))"
      }
      let rest = owners.count - named.count
      return owners.isEmpty
        ? "-" : (named + (rest > 0 ? ["+\(rest)"] : [])).joined(separator: " ")
    }
    switch self {
    case .nothing: return ""
    case .unknown, .inPlace(nil): return "-"
    case .integer(let number), .inPlace(let number?): return "\(number)"
    case .bool(let value): return value ? "yes" : "no"
    case .unsigned(let number): return "\(number)"
    case .endpoint(let endpoint):
      let text = "\(endpoint.unmapped)"
      return endpoint.port == 0 ? text.dropLast() + "*" : text
    case .name(let name): return "\(name)"
    case .role(let role): return role.text
    case .text(let text): return sanitized(text)
    case .outsideName(let name): return sanitized(name)
    case .bytes(let count): return word(Units.bytes(count))
    case .rate(let rate): return word(Units.bitRate(Double(rate) * 8))
    case .milliseconds(let duration), .microseconds(let duration):
      return word(Units.duration(duration))
    case .processes(let owners), .listenerInPlace(let owners): return list(owners)
    }
  }

  private static let milli: Int64 = 1_000_000_000_000_000
  private static let micro: Int64 = 1_000_000_000_000

  fileprivate var plainJSON: JSONValue {
    switch self {
    case .nothing, .unknown, .inPlace: .null
    case .integer(let number): .init(number)
    case .bool(let value): .init(value)
    case .unsigned(let number), .bytes(let number), .rate(let number): .init(number)
    case .endpoint(let endpoint):
      ["address": .init("\(endpoint.address.unmapped)"), "port": .init(endpoint.port)]
    case .name(let name): .init("\(name)")
    case .role(let role): .init("\(role.name)")
    case .text(let text): .init(text)
    case .outsideName(let name): .init(decoding: name)
    case .milliseconds(let duration):
      .init(duration.components.seconds * 1_000 + duration.components.attoseconds / Self.milli)
    case .microseconds(let duration):
      .init(duration.components.seconds * 1_000_000 + duration.components.attoseconds / Self.micro)
    case .processes(let owners):
      .array(
        owners.map {
          [
            "pid": .init($0.pid), "name": $0.name.map { .init(decoding: $0) } ?? .null,
            "fd": .init($0.descriptor),
          ]
        })
    case .listenerInPlace: []
    }
  }

  fileprivate var plainCSV: String {
    switch self {
    case .unknown, .inPlace, .nothing, .listenerInPlace: return ""
    case .endpoint(let endpoint): return "\(endpoint.unmapped)"
    case .name(let name): return "\(name)"
    case .role(let role): return "\(role.name)"
    case .text, .processes:
      // A field is of one line, as people see it.
      let text = plainText(isWhole: true)
      guard text.contains(where: { $0 == "," || $0 == "\"" || $0 < " " }) else { return text }
      return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    default: return "\(plainJSON)"
    }
  }
}

@Suite struct StatesWriterTests {
  /// More than those that decide on the widths.
  private static let count = 1_300
  private static let rows: [StatesRow] = {
    var numbers = Numbers(state: 7)
    return (0..<count).map { _ in .random(&numbers) }
  }()
  private static let plain = Display(
    isTerminal: false, size: nil, color: .never, environment: { _ in nil })

  private static func written(
    _ format: StatesFormat, _ columns: [StatesColumn], isWhole: Bool = false
  ) throws -> String {
    try OutputBuffer.text { output throws(OutputError) in
      var writer = StatesWriter(
        format, columns, display: plain, hasHeader: true, isWhole: isWhole)
      for row in rows { try writer.write(row, .sample, to: &output) }
      try writer.finish(to: &output)
    }
  }

  private static func values(_ columns: [StatesColumn]) -> [[StatesValue]] {
    let context = StatesContext.sample
    return rows.map { row in columns.map { $0.value(row, context) } }
  }

  @Test(arguments: [true, false]) func text(isWhole: Bool) throws {
    let columns = StatesColumn.all
    let cells = Self.values(columns).map { $0.map { $0.plainText(isWhole: isWhole) } }
    let widths = columns.indices.map { place in
      cells.prefix(1_000).map { $0[place].unicodeScalars.count }
        .reduce(max(columns[place].minimumWidth, columns[place].title.count)) { max($0, $1) }
    }
    func line(_ cells: [String]) -> String {
      var line = cells.indices.map { place in
        let missing = max(0, widths[place] - cells[place].unicodeScalars.count)
        let blanks = String(repeating: " ", count: missing)
        return columns[place].alignment == .right ? blanks + cells[place] : cells[place] + blanks
      }.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line
    }
    let expected = [line(columns.map(\.title))] + cells.map { line($0) }
    let lines = try Self.written(.text, columns, isWhole: isWhole).split(separator: "\n")
    #expect(lines.count == expected.count)
    for (line, expected) in zip(lines, expected) { #expect(line == expected) }
  }

  @Test func csv() throws {
    let columns = StatesColumn.all
    let expected = Self.values(columns).map {
      $0.map(\.plainCSV).joined(separator: ",") + "\n"
    }
    let text = try Self.written(.csv, columns)
    let header = try #require(text.firstIndex(of: "\n"))
    #expect(text[text.index(after: header)...] == expected.joined())
  }

  @Test func json() throws {
    let columns = StatesColumn.all
    let lines = try Self.written(.json, columns).split(separator: "\n")
    #expect(lines.count == Self.count)
    for (number, line) in lines.enumerated() {
      let socket = Self.rows[number]
      var members: [(String, JSONValue)] = [("schema", "tcptool/1"), ("record", "socket")]
      var groups: [String] = []
      for column in columns {
        guard let key = column.key else { continue }
        guard let group = column.group else {
          members.append((key, column.value(socket, .sample).plainJSON))
          continue
        }
        if groups.contains(group.rawValue) { continue }
        groups.append(group.rawValue)
        let inner = columns.filter { $0.group == group }.map {
          ($0.key ?? $0.name, $0.value(socket, .sample).plainJSON)
        }
        members.append((group.rawValue, group.isKnown(of: socket) ? .object(inner) : .null))
      }
      #expect(line == "\(JSONValue.object(members))")
      // That it is JSON is for another reader to say.
      _ = try JSONSerialization.jsonObject(with: Data(line.utf8))
    }
  }

  @Test(arguments: StatesColumn.all.map(\.name)) func eachColumnAlone(_ name: String) throws {
    let columns = StatesColumn.all.filter { $0.name == name }
    let values = Self.values(columns).map { $0[0] }
    let lines = try Self.written(.json, columns).split(separator: "\n")
    let column = try #require(columns.first)
    guard let key = column.key, column.group == nil else { return }
    for (line, value) in zip(lines, values) {
      #expect(
        line == "{\"schema\":\"tcptool/1\",\"record\":\"socket\",\"\(key)\":\(value.plainJSON)}")
    }
  }
}
