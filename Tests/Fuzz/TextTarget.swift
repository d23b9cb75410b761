// Fuzzes what makes text from outside harmless, and what reads short texts: addresses, ranges, endpoints,
// keys of a terminal, counters of /proc.

import KernelTables
import Report
import SocketCore

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzText(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  let text = String(decoding: bytes, as: UTF8.self)
  checkShown(bytes, text)
  checkNames(text)
  checkKeys(bytes)
  var counters = CounterSnapshot()
  counters.add(bytes)
  _ = SocketStatistics(bytes)
  return 0
}

/// Nothing that a terminal would obey is left in any form that people or programs get.
private func checkShown(_ bytes: [UInt8], _ text: String) {
  let safe = sanitized(bytes)
  check(isHarmless(safe), "harmful: \(safe.debugDescription)")
  check(sanitized(safe) == safe, "not the same again: \(safe.debugDescription)")
  if String(validating: bytes, as: UTF8.self) != nil {
    check(sanitized(text) == safe, "as text it is shown otherwise")
  }
  check(isHarmless("\(JSONValue.string(text))"), "harmful in JSON")
  var dump = HexDump()
  var lines: [UInt8] = []
  // As it comes in two pieces.
  let half = bytes.count / 2
  dump.append(bytes.span.extracting(first: half), .received, at: .zero, to: &lines)
  dump.append(bytes.span.extracting(droppingFirst: half), .sent, at: .zero, to: &lines)
  check(lines.allSatisfy { $0 == 0x0a || (0x20..<0x7f).contains($0) }, "harmful in a dump")
}

private func isHarmless(_ text: String) -> Bool {
  text.unicodeScalars.allSatisfy {
    switch $0.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: false
    default: true
    }
  }
}

/// What is read as an address is written so that it is read as the same one.
private func checkNames(_ text: String) {
  if let address = IPAddress(text) {
    check(IPAddress("\(address)") == address, "\(address)")
  }
  if let range = AddressPrefix(text) {
    check(AddressPrefix("\(range)") == range, "\(range)")
  }
  if let parts = HostAndPort(joined: text) {
    check(text.hasSuffix(":" + parts.port) && !parts.port.isEmpty, "\(parts)")
  }
}

/// The pieces in which they come change nothing.
private func checkKeys(_ bytes: [UInt8]) {
  var whole = KeyReader()
  let all = whole.keys(in: bytes)
  var pieces = KeyReader()
  let found = bytes.flatMap { pieces.keys(in: [$0]) }
  check(found == all, "\(found) \(all)")
  check(pieces.isUndecided == whole.isUndecided, "undecided")
  check(pieces.settle() == whole.settle(), "settled")
}
