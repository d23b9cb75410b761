// Prose on terminals of several widths and locales, and off them.

import Testing

@testable import Report

@Suite struct Fit {
  private static func display(
    terminal: Bool = true, columns: Int = 20, unicode: Bool = true
  ) -> Display {
    Display(isTerminal: terminal, size: (columns, 24), color: .auto) {
      $0 == "LC_ALL" ? (unicode ? "C.UTF-8" : "C") : nil
    }
  }

  @Test(arguments: [
    ("exactly twenty cells", "exactly twenty cells"),
    ("exactly twenty-one ce", "exactly twenty-one\n  ce"),
    ("one two three four five six seven", "one two three four\n  five six seven"),
    ("two\nlines", "two\nlines"),
    ("a line that is broken\nand one that is not", "a line that is\n  broken\nand one that is not"),
    ("  blanks  in front that stay", "  blanks  in front\n  that stay"),
    ("label       text that is broken", "label       text\n  that is broken"),
    ("fits  with   blanks", "fits  with   blanks"),
    ("a [2001:db8:1234:5678::1]:65535 b", "a\n  [2001:db8:1234:5678::1]:65535\n  b"),
    ("", ""),
    ("newline\n", "newline\n"),
  ])
  func breaksBetweenWords(text: String, fitted: String) {
    #expect(Self.display().fit(text, indent: 2) == fitted)
  }

  @Test func doesNotCountEscapeSequences() {
    let style = Style(isOn: true)
    let text = style("exactly", .bold, .red) + " twenty " + style("cells", .green)
    #expect(Self.display().fit(text) == text)
    let broken = text.replacing("y \u{1b}[32m", with: "y\n\u{1b}[32m")
    #expect(Self.display(columns: 19).fit(text) == broken)
  }

  @Test func spellsItsOwnCharactersInASCIIWhereTheLocaleHasNoOthers() {
    #expect(Self.display(unicode: false).fit("a → b, 3 µs…") == "a -> b, 3 us...")
    #expect(Self.display(unicode: false).fit("häß") == "häß")
    #expect(Self.display().fit("a → b, 3 µs…") == "a → b, 3 µs…")
  }

  @Test func leavesWhatNoTerminalShows() {
    let text = "a → line that is far longer than the twenty cells of a display"
    #expect(Self.display(terminal: false).fit(text, indent: 2) == text)
    #expect(Self.display(terminal: false, unicode: false).fit(text) == text)
  }
}
