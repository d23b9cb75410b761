// Display and Style: who gets colour, how wide the text may be.

import Foundation
import Glibc
import Report
import Testing

@Suite struct DisplayTests {
  typealias Variables = [String: String]

  @Test(
    arguments: [
      (ColorChoice.auto, true, ["TERM": "xterm"], true),
      (.auto, true, ["TERM": "xterm", "NO_COLOR": ""], true),
      (.auto, true, ["TERM": "xterm", "NO_COLOR": "1"], false),
      (.auto, true, ["TERM": "dumb"], false),
      (.auto, true, [:], false),
      (.auto, false, ["TERM": "xterm"], false),
      (.always, false, ["TERM": "dumb", "NO_COLOR": "1"], true),
      (.never, true, ["TERM": "xterm"], false),
    ] as [(ColorChoice, Bool, Variables, Bool)])
  func color(choice: ColorChoice, isTerminal: Bool, variables: Variables, expected: Bool) {
    let display = Display(
      isTerminal: isTerminal, size: nil, color: choice, environment: { variables[$0] })
    #expect(display.hasColor == expected)
    #expect(display.style.isOn == expected)
  }

  @Test(
    arguments: [
      ([:], nil, 80, 24),
      ([:], (132, 50), 132, 50),
      ([:], (0, 0), 80, 24),
      (["COLUMNS": "40", "LINES": "10"], (132, 50), 40, 10),
      (["COLUMNS": "0", "LINES": "-3"], (132, 50), 132, 50),
      (["COLUMNS": "wide", "LINES": ""], nil, 80, 24),
    ] as [(Variables, (columns: Int, rows: Int)?, Int, Int)])
  func size(variables: Variables, measured: (columns: Int, rows: Int)?, columns: Int, rows: Int) {
    let display = Display(
      isTerminal: true, size: measured, color: .auto, environment: { variables[$0] })
    #expect(display.columns == columns)
    #expect(display.rows == rows)
  }

  @Test(
    arguments: [
      (["LANG": "en_US.UTF-8"], true),
      (["LANG": "C.utf8"], true),
      (["LANG": "C"], false),
      ([:], false),
      (["LANG": "C", "LC_CTYPE": "C.UTF-8"], true),
      (["LANG": "C.UTF-8", "LC_CTYPE": "C"], false),
      (["LANG": "C.UTF-8", "LC_CTYPE": ""], true),
      (["LC_ALL": "C", "LC_CTYPE": "C.UTF-8"], false),
    ] as [(Variables, Bool)])
  func unicode(variables: Variables, expected: Bool) {
    let display = Display(
      isTerminal: false, size: nil, color: .auto, environment: { variables[$0] })
    #expect(display.hasUnicode == expected)
  }

  @Test func aFileIsNoTerminal() throws {
    #expect(!Display(descriptor: 1_000_000_000).isTerminal)
  }

  @Test func aTerminalTellsItsSize() throws {
    let terminal = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    try #require(terminal >= 0)
    defer { close(terminal) }
    var window = winsize(ws_row: 37, ws_col: 101, ws_xpixel: 0, ws_ypixel: 0)
    try #require(unsafe ioctl(terminal, UInt(TIOCSWINSZ), &window) == 0)
    let variables = ProcessInfo.processInfo.environment
    let expected = Display(
      isTerminal: true, size: (101, 37), color: .auto, environment: { variables[$0] })
    #expect(Display(descriptor: terminal) == expected)
  }

  @Test func styleIsIdentityWhenOff() {
    for ink in Style.Ink.allCases { #expect(Style.plain("text", ink) == "text") }
  }

  @Test func styleWrapsWhenOn() {
    let style = Style(isOn: true)
    #expect(style("refused", .bold, .red) == "\u{1b}[1;31mrefused\u{1b}[0m")
    #expect(style("", .red) == "")
    #expect(style("as it is") == "as it is")
  }
}
