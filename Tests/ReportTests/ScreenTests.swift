// A screen that is drawn again: only what differs is written, and nothing beyond the edges.

import Report
import Testing

@Suite struct Screens {
  private static func display(_ columns: Int, _ rows: Int, unicode: Bool = true) -> Display {
    Display(
      isTerminal: true, size: (columns: columns, rows: rows), color: .never
    ) { $0 == "LC_ALL" && unicode ? "C.UTF-8" : nil }
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func onlyLinesThatDifferAreWritten() {
    var screen = Screen()
    let display = Self.display(20, 3)
    let first = Self.text(screen.frame(["one", "two", "three"], on: display))
    #expect(first.contains("one") && first.contains("\u{1b}[3;1Hthree"))
    let second = Self.text(screen.frame(["one", "2", "three"], on: display))
    #expect(second.contains("\u{1b}[2;1H2\u{1b}[K"))
    #expect(!second.contains("one") && !second.contains("three"))
    // What is not there any more is erased.
    #expect(Self.text(screen.frame(["one"], on: display)).contains("\u{1b}[3;1H\u{1b}[K"))
    // After another size, or when it is asked for, all of it.
    #expect(Self.text(screen.frame(["one"], on: Self.display(30, 3))).contains("one"))
    screen.forget()
    #expect(Self.text(screen.frame(["one"], on: Self.display(30, 3))).contains("one"))
  }

  @Test(arguments: [
    ("abcdef", 4, "abcd"), ("漢字漢", 5, "漢字"),
    ("\u{1b}[31mabcdef\u{1b}[0m", 3, "\u{1b}[31mabc\u{1b}[0m"),
    ("ab", 4, "ab"),
  ])
  func nothingIsBeyondTheEdge(_ line: String, _ columns: Int, _ shown: String) {
    var screen = Screen()
    let bytes = Self.text(screen.frame([line, line], on: Self.display(columns, 1)))
    #expect(bytes.contains("\u{1b}[1;1H" + shown))
    #expect(!bytes.contains("\u{1b}[2;1H"))
    // Erasing to the end of a full line would take its last character.
    #expect(bytes.hasSuffix("\u{1b}[K") == (columns > 4 || columns == 4 && line == "ab"))
  }

  @Test(
    arguments: [
      ([0, 1, 4, 8], nil, " ▁▄█", " .=@"), ([0, 0], nil, "  ", "  "), ([], nil, "", ""),
      ([1, 50, 99, 100], 100, "▁▄██", ".=@@"), ([500], 100, "█", "@"),
      ([.max, 1], nil, "█▁", "@."),
    ] as [([Int], Int?, String, String)])
  func graphsNeverHideALittle(
    _ values: [Int], _ top: Int?, _ blocks: String, _ plain: String
  ) {
    #expect(sparkline(values, top: top, unicode: true) == blocks)
    #expect(sparkline(values, top: top, unicode: false) == plain)
  }
}
