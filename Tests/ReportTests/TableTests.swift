// Table and Bar: columns line up, nothing is cut, nothing trails.

import Foundation
import Glibc
import Report
import TestSupport
import Testing

@Suite struct TableTests {
  /// All that `body` writes.
  func written(_ body: (inout OutputBuffer) throws -> Void) throws -> String {
    let directory = try TemporaryDirectory()
    let path = directory.file("out")
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var output = OutputBuffer(descriptor: descriptor)
    try body(&output)
    try output.flush()
    return try String(contentsOfFile: path, encoding: .utf8)
  }

  static let columns: [Table.Column] = [
    .init("State", minimumWidth: 7), .init("Queue", .right), .init("Local"), .init("Process"),
  ]

  @Test func columnsLineUp() throws {
    let text = try written { output in
      var table = Table(Self.columns)
      try table.row(["LISTEN", "0", "0.0.0.0:22", "sshd"], to: &output)
      try table.row(["ESTABLISHED", "123456", "[2001:db8::1]:443", ""], to: &output)
      try table.row(["x", "", "é:1", "ngïnx"], to: &output)
      try table.finish(to: &output)
    }
    #expect(
      text == """
        State         Queue  Local              Process
        LISTEN            0  0.0.0.0:22         sshd
        ESTABLISHED  123456  [2001:db8::1]:443
        x                    é:1                ngïnx

        """)
  }

  @Test func headerAloneAndNothingAtAll() throws {
    for (hasHeader, expected) in [(true, "State    Queue  Local  Process\n"), (false, "")] {
      let text = try written { output in
        var table = Table(Self.columns, hasHeader: hasHeader)
        try table.finish(to: &output)
        try table.finish(to: &output)
      }
      #expect(text == expected)
    }
  }

  /// Rows in the sample and rows behind it come to the same lines, as cells and as bytes.
  @Test(arguments: [true, false]) func rowsAreTheSameBeforeAndBehindTheSample(_ isColored: Bool)
    throws
  {
    let rows = [
      ["LISTEN", "0", "0.0.0.0:22", "sshd"], ["ESTABLISHED", "123456", "é", ""], ["", "", "", ""],
      ["x", "", "", "ngïnx"], ["y", "7", "", ""], ["LISTEN", "0", "0.0.0.0:22", "sshd"],
    ]
    func text(_ sampleCount: Int, asBytes: Bool) throws -> String {
      try written { output in
        var table = Table(Self.columns, style: Style(isOn: isColored), sampleCount: sampleCount)
        for row in rows {
          if asBytes {
            try table.row(to: &output) { cells in
              for (place, cell) in row.enumerated() {
                cells.bytes += cell.utf8
                cells.endCell(place == 1 ? .red : nil)
              }
            }
          } else {
            try table.row(
              row.enumerated().map { .init($1, $0 == 1 ? .red : nil) }, to: &output)
          }
        }
        try table.finish(to: &output)
      }
    }
    let expected = try text(100, asBytes: false)
    for sampleCount in [2, 3, 100] {
      for asBytes in [true, false] {
        #expect(try text(sampleCount, asBytes: asBytes) == expected)
      }
    }
  }

  @Test func widthsAreFixedByTheSampleAndLaterRowsOverflow() throws {
    let text = try written { output in
      var table = Table(
        [.init("A"), .init("B", .right), .init("C")], hasHeader: false, sampleCount: 2)
      try table.row(["a", "1", "c"], to: &output)
      try table.row(["aa", "22", "c"], to: &output)
      try table.row(["a", "1", "c"], to: &output)
      try table.row(["aaaa", "1", "c"], to: &output)
      try table.row(["a", "99999", "c"], to: &output)
      try table.finish(to: &output)
    }
    #expect(
      text == """
        a    1  c
        aa  22  c
        a    1  c
        aaaa   1  c
        a   99999  c

        """)
  }

  /// Rows are kept up to the sample and written at once from there, without `finish`.
  @Test(arguments: [(2, ""), (3, "1\n2\n3\n"), (5, "1\n2\n3\n4\n5\n")])
  func rowsStream(count: Int, expected: String) throws {
    let text = try written { output in
      var table = Table([.init("N")], hasHeader: false, sampleCount: 3)
      for number in 1...count { try table.row(["\(number)"], to: &output) }
    }
    #expect(text == expected)
  }

  @Test func inksDoNotCountAsWidth() throws {
    for isOn in [true, false] {
      let style = Style(isOn: isOn)
      let text = try written { output in
        var table = Table([.init("State"), .init("N", .right)], style: style)
        try table.row([.init("LISTEN", .green), .init("1", .red)], to: &output)
        try table.row([.init("CLOSE"), .init("22")], to: &output)
        try table.finish(to: &output)
      }
      let lines = [
        style("State", .bold) + "    " + style("N", .bold),
        style("LISTEN", .green) + "   " + style("1", .red),
        "CLOSE   22",
      ]
      #expect(text == lines.joined(separator: "\n") + "\n")
    }
  }

  @Test(arguments: [
    (
      28,
      """
      Port  Cause
        22  a message with more
            words than fit, from
            [2001:db8:1111:2222:3333::1]
       443  RST
      """
    ),
    (
      // Too few cells are left beside the port to hold words.
      25,
      """
      Port
        22
         a message with more
            words than fit,
            from
            [2001:db8:1111:2222:3333::1]
       443
         RST
      """
    ),
    (
      nil,
      """
      Port  Cause
        22  a message with more words than fit, from [2001:db8:1111:2222:3333::1]
       443  RST
      """
    ),
  ])
  func theLastColumnIsBrokenBetweenWords(width: Int?, expected: String) throws {
    let text = try written { output in
      var table = Table([.init("Port", .right), .init("Cause")], lineWidth: width)
      try table.row(
        ["22", "a message with more words than fit, from [2001:db8:1111:2222:3333::1]"], to: &output
      )
      try table.row(["443", "RST"], to: &output)
      try table.finish(to: &output)
    }
    #expect(text == expected + "\n")
  }

  @Test(arguments: [
    (26, "Address    Count  Name  /s\n::1            5  a      7"),
    (
      25,
      """
      Address    Count  Name
      ::1            5  a
         /s 7
      192.0.2.1     66  name
      192.0.2.2      7  -
         /s 88
      """
    ),
    (
      16,
      """
      Address    Count
      ::1            5
         a  /s 7
      192.0.2.1     66
         name
      192.0.2.2      7
         /s 88
      """
    ),
  ])
  func whatHasNoRoomStandsBelow(width: Int, expected: String) throws {
    let text = try written { output in
      var table = Table(
        [.init("Address"), .init("Count", .right), .init("Name"), .init("/s", .right)],
        lineWidth: width)
      try table.row(["::1", "5", "a", "7"], to: &output)
      try table.row(["192.0.2.1", "66", "name", "-"], to: &output)
      try table.row(["192.0.2.2", "7", "-", "88"], to: &output)
      try table.finish(to: &output)
    }
    #expect(text.hasPrefix(expected), "\(text)")
  }

  @Test func aRowOfTheWrongLengthIsABug() async {
    await #expect(processExitsWith: .failure) {
      var output = OutputBuffer(descriptor: STDOUT_FILENO)
      var table = Table([.init("A"), .init("B")])
      try table.row(["only one"], to: &output)
    }
  }
}

@Suite struct BarTests {
  @Test(
    arguments: [
      (0, 4, "    ", "...."), (1, 4, "████", "####"), (0.5, 4, "██  ", "##.."),
      (0.53125, 4, "██▏ ", "##.."), (0.96875, 4, "███▉", "###."), (0.0001, 4, "▏   ", "#..."),
      (0.9999, 4, "███▉", "###."), (-1, 2, "  ", ".."), (7, 2, "██", "##"), (.nan, 2, "  ", ".."),
      (.infinity, 2, "██", "##"), (0.5, 0, "", ""), (0.5, -3, "", ""), (0.5, 1, "▌", "."),
    ] as [(Double, Int, String, String)])
  func bars(fraction: Double, width: Int, unicode: String, ascii: String) {
    #expect(bar(fraction: fraction, width: width, unicode: true) == unicode)
    #expect(bar(fraction: fraction, width: width, unicode: false) == ascii)
  }

  @Test func neverShrinksAsTheFractionGrows() {
    var last = ""
    for step in 0...1_000 {
      let text = bar(fraction: Double(step) / 1_000, width: 7, unicode: true)
      #expect(text.unicodeScalars.count == 7)
      // The blocks are in order of size from U+2588 (full) down to U+258F; blank is smallest.
      let size = text.unicodeScalars.reduce(0) { $0 + ($1 == " " ? 0 : Int(0x2590 - $1.value)) }
      let before = last.unicodeScalars.reduce(0) { $0 + ($1 == " " ? 0 : Int(0x2590 - $1.value)) }
      #expect(size >= before)
      last = text
    }
  }
}
