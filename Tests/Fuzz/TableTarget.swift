// Fuzzes the reader of /proc/net/tcp: any bytes, cut into any pieces.

import KernelTables
import SocketCore

/// The first byte says the byte order and how the rest is cut; the rest is the text.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTable(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  guard let choice = bytes.first else { return 0 }
  let order: ProcNetTCPParser.ByteOrder = choice & 1 == 0 ? .little : .big
  let text = Array(bytes.dropFirst())
  let whole = parse(text, order) { _ in text.count }
  var random = UInt32(choice) | 1
  let inPieces = parse(text, order) { left in
    random = random &* 1_664_525 &+ 1_013_904_223
    return min(left, Int(random >> 16) % (choice & 2 == 0 ? 7 : 5_000))
  }
  check(whole == inPieces, "another cut gives other rows")
  checkTally(whole, text)
  checkRows(whole, order)
  return 0
}

private struct Parsed: Equatable {
  var rows: [SocketRow] = []
  var tally = TableTally()
}

private func parse(
  _ text: [UInt8], _ order: ProcNetTCPParser.ByteOrder, _ size: (Int) -> Int
) -> Parsed {
  var parser = ProcNetTCPParser(byteOrder: order)
  var parsed = Parsed()
  var start = 0
  while start < text.count {
    let end = min(text.count, start + max(1, size(text.count - start)))
    parser.consume(text.span.extracting(start..<end)) { parsed.rows.append($0.row) }
    start = end
  }
  parser.finish { parsed.rows.append($0.row) }
  parsed.tally = parser.tally
  return parsed
}

/// Each line that is not blank is counted once: as a row, a repetition, a header or damaged.
private func checkTally(_ parsed: Parsed, _ text: [UInt8]) {
  let lines = text.split(separator: 10).filter { line in
    line.prefix(4_096).contains { $0 != 32 && !(9...13).contains($0) }
  }
  let tally = parsed.tally
  check(tally.rows == parsed.rows.count, "rows are miscounted")
  check(
    tally.rows + tally.duplicates + tally.headers + tally.damaged == lines.count,
    "a line is lost: \(tally), \(lines.count) lines")
  check((tally.firstDamaged == nil) == (tally.damaged == 0), "the first damaged line")
}

/// A row printed as the kernel prints it is read as the same row.
private func checkRows(_ parsed: Parsed, _ order: ProcNetTCPParser.ByteOrder) {
  var text = ""
  for (number, row) in parsed.rows.enumerated() { text += line(number, row, order) }
  let again = parse(Array(text.utf8), order) { $0 }
  check(again.tally.damaged == 0, "a row of this program's is damaged")
  // Two rows may differ in their pointers alone, which a row does not keep.
  if again.tally.duplicates == 0 { check(again.rows == parsed.rows, "a row changed") }
  for row in parsed.rows { check(row.isPossible, "\(row)") }
}

extension SocketRow {
  fileprivate var isPossible: Bool {
    let isShaped =
      switch shape {
      case .full: true
      case .request: state == .synReceived
      case .timeWait: state == .timeWait || state == .finWait2
      }
    return isShaped && (uid == nil) == (shape == .timeWait) && receiveQueue >= 0
      && sendQueue >= 0 && retransmissions >= 0 && (timerExpiry == nil) == (timer == .none)
      && backlog == nil && local.address.isIPv6 == (family == .v6)
  }
}

/// One line of `get_tcp4_sock` and its relatives. The fields that a row does not keep are 0.
private func line(_ number: Int, _ row: SocketRow, _ order: ProcNetTCPParser.ByteOrder) -> String {
  func hexadecimal(_ number: some BinaryInteger, _ digits: Int) -> String {
    let text = String(number, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
  func word(_ bits: UInt32) -> String {
    hexadecimal(order == .little ? bits.byteSwapped : bits, 8)
  }
  func endpoint(_ endpoint: Endpoint) -> String {
    let words: [UInt32] =
      switch endpoint.address {
      case .v4(let v4): [v4.bits]
      case .v6(let v6):
        [v6.high >> 32, v6.high, v6.low >> 32, v6.low].map { UInt32(truncatingIfNeeded: $0) }
      }
    return words.map { word($0) }.joined() + ":" + hexadecimal(endpoint.port, 4)
  }
  let ticks = row.timerExpiry.map { Int64($0 / .milliseconds(10)) } ?? 0
  var fields = [
    "\(number):", endpoint(row.local), endpoint(row.peer), hexadecimal(row.state.rawValue, 2),
    hexadecimal(row.sendQueue, 8) + ":" + hexadecimal(row.receiveQueue, 8),
    hexadecimal(row.timer.rawValue, 2) + ":" + hexadecimal(ticks, 8),
    hexadecimal(row.retransmissions, 8), "\(row.uid ?? 0)", "0", "\(row.inode)", "1", "0",
  ]
  if row.shape == .full { fields += ["20", "0", "0", "10", "-1"] }
  return fields.joined(separator: " ") + "\n"
}
