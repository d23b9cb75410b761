// Short ways to parse text.

import KernelTables

/// All rows of a text that is given to the parser in pieces of `size` bytes.
func parse(
  _ text: some Collection<UInt8>, inPiecesOf size: Int = 4_096,
  byteOrder: ProcNetTCPParser.ByteOrder = .little
) -> (rows: [SocketRow], tally: TableTally) {
  let bytes = Array(text)
  var parser = ProcNetTCPParser(byteOrder: byteOrder)
  var rows: [SocketRow] = []
  for start in stride(from: 0, to: bytes.count, by: size) {
    let end = min(start + size, bytes.count)
    parser.consume(bytes.span.extracting(start..<end)) { rows.append($0.row) }
  }
  parser.finish { rows.append($0.row) }
  return (rows, parser.tally)
}

/// A connection of 127.0.0.1 in the kernel's form, ESTABLISHED unless said otherwise.
func line(
  number: Int = 0, port: Int = 5000, peerPort: Int = 6000, inode: Int = 1, state: String = "01",
  pointer: String = "0000000000000000"
) -> String {
  func hexadecimal(_ port: Int) -> String {
    let digits = String(port, radix: 16, uppercase: true)
    return String(repeating: "0", count: 4 - digits.count) + digits
  }
  return "\(number): 0100007F:\(hexadecimal(port)) 0100007F:\(hexadecimal(peerPort)) \(state) "
    + "00000000:00000000 00:00000000 00000000 0 0 \(inode) 1 \(pointer) 20 0 0 10 -1\n"
}
