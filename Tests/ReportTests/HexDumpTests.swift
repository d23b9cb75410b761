// HexDump: byte-exact lines, chunks, offsets, and no byte that acts on a terminal.

import Report
import Testing

@Suite struct HexDumpTests {
  private func lines(
    _ chunk: [UInt8], _ direction: HexDump.Direction = .received, at time: Duration = .zero,
    in dump: inout HexDump
  ) -> String {
    var text: [UInt8] = []
    dump.append(chunk.span, direction, at: time, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  private func lines(_ chunk: [UInt8], at time: Duration = .zero) -> String {
    var dump = HexDump()
    return lines(chunk, at: time, in: &dump)
  }

  @Test func chunksOfBothDirectionsStartNewLines() {
    var dump = HexDump()
    var text = ""
    text += lines(
      Array("GET / HTTP/1.1\r\n\r\n".utf8), .sent, at: .microseconds(180), in: &dump)
    text += lines(
      Array("HTTP/1.1 200 OK\r\n".utf8), .received, at: .microseconds(1234), in: &dump)
    text += lines([0x1b, 0x5b], .received, at: .seconds(61) + .nanoseconds(999), in: &dump)
    text += lines([0], .sent, at: .seconds(3600), in: &dump)
    #expect(
      text == """
        > 0.000180 s  18 bytes
        > 00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|
        > 00000010  0d 0a                                             |..|
        < 0.001234 s  17 bytes
        < 00000000  48 54 54 50 2f 31 2e 31  20 32 30 30 20 4f 4b 0d  |HTTP/1.1 200 OK.|
        < 00000010  0a                                                |.|
        < 61.000000 s  2 bytes
        < 00000011  1b 5b                                             |.[|
        > 3600.000000 s  1 byte
        > 00000012  00                                                |.|

        """)
  }

  /// Where a line is short, nothing of the one before it is left.
  @Test(arguments: [
    (0, []), (1, ["61                                                |a|"]),
    (7, ["61 61 61 61 61 61 61                              |aaaaaaa|"]),
    (8, ["61 61 61 61 61 61 61 61                           |aaaaaaaa|"]),
    (9, ["61 61 61 61 61 61 61 61  61                       |aaaaaaaaa|"]),
    (15, ["61 61 61 61 61 61 61 61  61 61 61 61 61 61 61     |aaaaaaaaaaaaaaa|"]),
    (16, ["61 61 61 61 61 61 61 61  61 61 61 61 61 61 61 61  |aaaaaaaaaaaaaaaa|"]),
    (
      17,
      [
        "61 61 61 61 61 61 61 61  61 61 61 61 61 61 61 61  |aaaaaaaaaaaaaaaa|",
        "61                                                |a|",
      ]
    ),
  ])
  func everyLength(count: Int, rows: [String]) {
    let expected = rows.enumerated().map { "< 000000\($0)0  \($1)" }
    let text = lines([UInt8](repeating: 0x61, count: count))
    let seen = text.split(separator: "\n").map(String.init)
    #expect(seen.dropFirst() == expected[...])
    #expect(
      seen.first == (count == 0 ? nil : "< 0.000000 s  \(count) byte\(count == 1 ? "" : "s")"))
    #expect(text.isEmpty || text.hasSuffix("|\n"))
  }

  @Test func anEmptyChunkLeavesNoTrace() {
    var dump = HexDump()
    #expect(lines([], .sent, in: &dump) == "")
    #expect(lines([0x20], .sent, in: &dump).contains("> 00000000  20 "))
  }

  @Test func allValues() {
    let text = lines([UInt8](UInt8.min...UInt8.max))
    let rows = text.split(separator: "\n").dropFirst()
    #expect(rows.count == 16)
    #expect(
      rows.first
        == "< 00000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  |................|")
    #expect(
      rows.map { $0.suffix(17).dropLast() } == [
        "................", "................", ##" !"#$%&'()*+,-./"##, "0123456789:;<=>?",
        "@ABCDEFGHIJKLMNO", #"PQRSTUVWXYZ[\]^_"#, "`abcdefghijklmno", "pqrstuvwxyz{|}~.",
        "................", "................", "................", "................",
        "................", "................", "................", "................",
      ])
    let digits = rows.flatMap { row in row.dropFirst(12).prefix(48).split(separator: " ") }
    #expect(digits.map { UInt8($0, radix: 16) } == (UInt8.min...UInt8.max).map { $0 })
    #expect(digits.allSatisfy { $0.count == 2 })
  }

  /// Whatever comes, a terminal gets nothing but printable ASCII and newlines, 80 columns wide.
  @Test func nothingHarmfulComesOut() {
    var dump = HexDump()
    var text: [UInt8] = []
    for length in 0...600 {
      let chunk = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ length) }
      dump.append(chunk.span, length % 3 == 0 ? .sent : .received, at: .seconds(length), to: &text)
    }
    #expect(text.allSatisfy { (0x20...0x7e).contains($0) || $0 == 0x0a })
    #expect(text.split(separator: 0x0a).allSatisfy { $0.count <= 80 })
  }

  @Test(arguments: [
    (0xffff_fff0, ["fffffff0  ", "100000000 "], 80),
    (0x1_2345_6789, ["123456789 ", "123456799 "], 80),
    (0xf_ffff_ffef, ["fffffffef ", "fffffffff "], 80),
    (0xf_ffff_fff0, ["ffffffff0 ", "1000000000 "], 81),
    (UInt64.max - 15, ["fffffffffffffff0 ", "00000000  "], 87),
  ])
  func offsetsPastFourGiB(start: UInt64, offsets: [String], width: Int) {
    for direction in HexDump.Direction.allCases {
      var dump = HexDump(received: start, sent: start)
      let mark = direction == .received ? "<" : ">"
      let rows = lines([UInt8](repeating: 0x7a, count: 32), direction, in: &dump)
        .split(separator: "\n").dropFirst()
      #expect(rows.map { $0.hasPrefix("\(mark) \(offsets[0])7a 7a") } == [true, false])
      #expect(rows.last?.hasPrefix("\(mark) \(offsets[1])7a 7a") == true)
      #expect(rows.map(\.count).max() == width)
    }
  }

  @Test(
    arguments: [
      (.zero, "0.000000"), (.nanoseconds(999), "0.000000"), (.microseconds(1), "0.000001"),
      (.milliseconds(1500), "1.500000"), (.microseconds(-1), "0.000000"),
      (.seconds(86_400 * 365), "31536000.000000"),
    ] as [(Duration, String)])
  func times(time: Duration, text: String) {
    #expect(lines([0], at: time).hasPrefix("< \(text) s  1 byte\n"))
  }
}
