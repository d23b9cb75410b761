// The parser on damaged text, text in pieces and repeated rows.

import KernelTables
import SocketCore
import TestSupport
import Testing

@Suite struct ParserTests {
  private static let header =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  inode\n"

  private static let good = String(line().dropLast())

  @Test(arguments: [
    // Words missing: none but the number, one short of a minisock, between 12 and 17.
    "0:", "x", "sly", "s l", ":",
    "0: 0100007F:1389 0100007F:0050 06 00000000:00000000 03:00000001 00000000 0 0 0 3",
    "0: 0100007F:1389 0100007F:0050 06 00000000:00000000 03:00000001 00000000 0 0 0 3 0 1",
    String(good.dropLast(3)),
    // Twelve words in a state that has seventeen.
    "0: 0100007F:1389 0100007F:0050 01 00000000:00000000 00:00000000 00000000 0 0 0 3 0",
    // The line's number.
    good.replacing("0: 01", with: "0 01"), good.replacing("0: 01", with: "z: 01"),
    good.replacing("0: 01", with: "0:: 01"), good.replacing("0: 01", with: "-1: 01"),
    good.replacing("0: 01", with: "18446744073709551616: 01"),
    // Addresses: a digit too few, too many, none, no port, an empty one, two, one of 17 bits,
    // families mixed, 64 and 24 digits.
    good.replacing("0100007F:1388", with: "100007F:1388"),
    good.replacing("0100007F:1388", with: "00100007F:1388"),
    good.replacing("0100007F:1388", with: "0100007G:1388"),
    good.replacing("0100007F:1388", with: "g100007F:1388"),
    good.replacing("0100007F:1388", with: "0100007F"),
    good.replacing("0100007F:1388", with: "0100007F:"),
    good.replacing("0100007F:1388", with: ":1388"),
    good.replacing("0100007F:1388", with: "0100007F:1388:1"),
    good.replacing("0100007F:1388", with: "0100007F:11388"),
    good.replacing("0100007F:1388", with: "0100007F:13g8"),
    good.replacing("0100007F:1388", with: "\(String(repeating: "0", count: 32)):1388"),
    good.replacing("0100007F", with: String(repeating: "0", count: 64)),
    good.replacing("0100007F", with: String(repeating: "0", count: 24)),
    // States that there are not.
    good.replacing(" 01 ", with: " 00 "), good.replacing(" 01 ", with: " 0C "),
    good.replacing(" 01 ", with: " FF "), good.replacing(" 01 ", with: " 101 "),
    // Queues, timer, retransmissions: too much, signs, missing halves.
    good.replacing("00000000:00000000", with: "100000000:0"),
    good.replacing("00000000:00000000", with: "0:100000000"),
    good.replacing("00000000:00000000", with: "-1:0"),
    good.replacing("00000000:00000000", with: "00000000"),
    good.replacing(" 00:00000000 ", with: " 100:00000000 "),
    good.replacing(" 00:00000000 ", with: " 00:8000000000000000 "),
    good.replacing(" 00:00000000 ", with: " 00:10000000000000000 "),
    good.replacing(" 00:00000000 ", with: " 00:000000010000000000000000 "),
    good.replacing(" 00:00000000 ", with: " 00000000 "),
    good.replacing(" 00000000 0 0 1 ", with: " 100000000 0 0 1 "),
    good.replacing(" 00000000 0 0 1 ", with: " 0x000000 0 0 1 "),
    // uid and inode.
    good.replacing(" 0 0 1 ", with: " 4294967296 0 1 "),
    good.replacing(" 0 0 1 ", with: " -1 0 1 "), good.replacing(" 0 0 1 ", with: " a 0 1 "),
    good.replacing(" 0 0 1 ", with: " 0 0 18446744073709551616 "),
    good.replacing(" 0 0 1 ", with: " 0 0 1x "),
    // Long words.
    String(repeating: "0", count: 10_000), String(repeating: "x ", count: 10_000),
    good.replacing("0100007F", with: String(repeating: "F", count: 10_000)),
    good.replacing(" 0 0 1 ", with: " 0 0 " + String(repeating: "0", count: 10_000) + "1 "),
    // Not text.
    "\0", "\0\0\0\0", "\u{FFFD}\u{1F4A9}", good.replacing(" ", with: "\0"),
  ])
  func damagedLineIsCounted(_ damaged: String) {
    #expect(damaged != Self.good)
    let after = line(port: 5001)
    let (rows, tally) = parse((Self.header + line() + damaged + "\n" + after).utf8)
    #expect(rows.map(\.local.port) == [5000, 5001])
    #expect(tally.rows == 2)
    #expect(tally.damaged == 1)
    #expect(tally.firstDamaged == 3)
    #expect(tally.duplicates == 0)
  }

  /// In each place of an address and of a port.
  @Test(arguments: Array(3..<11) + [12, 13, 14]) func everyByteInADigitsPlace(_ place: Int) {
    for byte in UInt8.min...UInt8.max {
      var text = Array(line().utf8)
      text[place] = byte
      let digit = Character(UnicodeScalar(byte)).hexDigitValue
      let isDigit = byte < 128 && digit != nil
      let rows = parse(text).rows
      #expect(rows.count == (isDigit ? 1 : 0), "byte \(byte)")
      // 0100007F:1388 is 127.0.0.1:5000.
      if let row = rows.first, let digit, case .v4(let address) = row.local.address {
        let whole = UInt64(address.bits.byteSwapped) << 16 | UInt64(row.local.port)
        let shift = UInt64(60 - 4 * (place - 3 - (place > 11 ? 1 : 0))) - 16
        let expected =
          (0x0100_007F_1388 & ~(UInt64(0xF) << shift)) | UInt64(digit) << shift
        #expect(whole == expected, "byte \(byte)")
      }
    }
  }

  @Test func firstDamagedLineIsKept() {
    let tally = parse("sl\nbad\n\nworse\n".utf8).tally
    #expect(tally.damaged == 2)
    #expect(tally.firstDamaged == 2)
    #expect(tally.rows == 0)
  }

  @Test func headerAndEmptyLinesAreNotCounted() {
    var expected = TableTally()
    expected.headers = 3
    #expect(parse("".utf8).tally == TableTally())
    #expect(parse((Self.header + "\n \t\r\n  sl\nsl x\n").utf8).tally == expected)
  }

  @Test func lastLineWithoutItsNewline() {
    // Whole rows of a socket can be told, also with the last number cut; others cannot.
    #expect(parse(line().dropLast(1).utf8).rows.count == 1)
    #expect(parse(line().dropLast(2).utf8).rows.count == 1)
    for cut in 4..<line().count {
      let tally = parse((Self.header + line(port: 1) + line().dropLast(cut)).utf8).tally
      #expect(tally.rows == 1 && tally.damaged == 1 && tally.firstDamaged == 3, "cut \(cut)")
    }
    let kinds: [(String, SocketRow.Shape)] = [
      ("03", .request), ("05", .timeWait), ("06", .timeWait),
    ]
    for (state, shape) in kinds {
      let short =
        "0: 0100007F:1389 0100007F:0050 \(state) 00000000:00000000 03:00000001 00000000 0 0 0 3 0"
      #expect(parse((short + "\n").utf8).rows.map(\.shape) == [shape])
      #expect(parse(short.utf8).tally.damaged == 1)
    }
  }

  @Test func lineMayBeOfAnyLength() {
    let long = line().dropLast() + String(repeating: " more", count: 20_000) + "\n"
    for size in [1, 4_095, 4_096, 4_097, 1_000_000] {
      let (rows, tally) = parse((long + line(port: 5001)).utf8, inPiecesOf: size)
      #expect(rows.map(\.local.port) == [5000, 5001])
      #expect(tally.damaged == 0)
    }
    // The field that matters begins beyond what is read.
    let far = line().replacing(" 20 0", with: String(repeating: " ", count: 4_096) + "20 0")
    for size in [1, 1_000, 10_000] {
      let (rows, tally) = parse((far + line(port: 5001)).utf8, inPiecesOf: size)
      #expect(rows.map(\.local.port) == [5001])
      #expect(tally.damaged == 1)
    }
  }

  @Test(arguments: [1, 2, 3, 7, 149, 4_096])
  func piecesDoNotMatter(size: Int) {
    let text = SavedTables.ipv4 + "broken\n" + SavedTables.ipv6 + line() + line().dropLast(5)
    let whole = parse(text.utf8, inPiecesOf: .max / 2)
    #expect(whole.rows.count == 57 + 58 + 1)
    #expect(whole.tally.damaged == 2)
    #expect(whole.tally.firstDamaged == 59)
    #expect(parse(text.utf8, inPiecesOf: size) == whole)
  }

  /// Every line is a row, a repetition, damaged, a header or empty, whatever happens to the text.
  @Test func damageAnywhere() {
    for seed in 1...200 as ClosedRange<UInt64> {
      var text = Array((seed.isMultiple(of: 2) ? SavedTables.ipv4 : SavedTables.ipv6).utf8)
      let noise = bytes(count: 40, seed: seed)
      for index in stride(from: 0, to: noise.count, by: 4) {
        let place = Int(noise[index]) << 8 | Int(noise[index + 1])
        // A third is cut out, a third replaced, a third turned into a blank or a newline.
        switch noise[index + 2] % 3 {
        case 0: text.removeSubrange(place % text.count..<min(place % text.count + 50, text.count))
        case 1: text[place % text.count] = noise[index + 3]
        default: text[place % text.count] = noise[index + 3] < 128 ? 0x20 : 0x0A
        }
      }
      let blanks: Set<UInt8> = [9, 11, 12, 13, 32]
      let counted = text.split(separator: 0x0A).count { line in
        let word = line.split { blanks.contains($0) }.first
        return word.map { !$0.elementsEqual("sl".utf8) } ?? false
      }
      let tally = parse(text, inPiecesOf: 100).tally
      #expect(tally.rows + tally.duplicates + tally.damaged == counted, "seed \(seed)")
      #expect(tally.rows > 0 && tally.damaged > 0, "seed \(seed)")
    }
  }

  @Test func noise() {
    for seed in 1...20 as ClosedRange<UInt64> {
      let text = bytes(count: 20_000, seed: seed)
      let (rows, tally) = parse(text, inPiecesOf: 777)
      #expect(rows.isEmpty)
      #expect(tally.damaged > 50)
    }
  }

  @Test func errorOfTheBodyEndsTheWalk() {
    struct Enough: Error {}
    var parser = ProcNetTCPParser(byteOrder: .little)
    var seen = 0
    let text = Array((line(port: 1) + line(port: 2) + line(port: 3)).utf8)
    #expect(throws: Enough.self) {
      try parser.consume(text.span) { _ in
        seen += 1
        if seen == 2 { throw Enough() }
      }
    }
    #expect(seen == 2)
    #expect(parser.tally.rows == 2)
  }
}

@Suite struct RepeatedRowTests {
  /// Rows of different connections.
  private func lines(_ range: Range<Int>) -> String {
    range.map { line(number: $0, port: $0 & 0xFFFF, peerPort: $0 >> 16, inode: $0 + 1) }.joined()
  }

  @Test func repeatedRowIsDropped() {
    let again = line(number: 3, port: 2, peerPort: 0, inode: 3, state: "08")
    let (rows, tally) = parse((lines(0..<10) + again + lines(5..<15)).utf8)
    #expect(rows.map(\.local.port) == Array(0..<15))
    #expect(tally.rows == 15)
    #expect(tally.duplicates == 6)
    #expect(tally.damaged == 0)
  }

  @Test func rowsThatDifferAreKept() {
    // Listeners that share an address, one connection on another socket, and a hidden inode with
    // another pointer.
    let text =
      line(inode: 1) + line(inode: 2) + line(port: 1, inode: 1) + line(peerPort: 1, inode: 1)
      + line(inode: 1, pointer: "00000000000000ab") + line(inode: 1, pointer: "00000000000000ac")
    #expect(parse(text.utf8).tally.rows == 6)
    #expect(parse((text + text).utf8).tally.duplicates == 6)
  }

  @Test func newHeaderIsNewTable() {
    let table = "  sl  local_address\n" + lines(0..<5)
    let tally = parse((table + table).utf8).tally
    #expect(tally.rows == 10)
    #expect(tally.duplicates == 0)
  }

  /// What the parser promises of its memory.
  @Test func rowIsRememberedForAtLeast8192Rows() {
    let many = lines(0..<30_000)
    let shift = lines(30_000..<34_000)
    #expect(parse((lines(40_000..<40_001) + many).utf8).tally.duplicates == 0)
    for start in [0, 4_000] {
      let filler = start == 0 ? "" : shift
      let near = lines(50_000..<50_001) + lines(0..<8_191) + lines(50_000..<50_001)
      #expect(parse((filler + near).utf8).tally.duplicates == 1)
      let far = lines(50_000..<50_001) + lines(0..<16_384) + lines(50_000..<50_001)
      #expect(parse((filler + far).utf8).tally.duplicates == 0)
    }
  }
}
