// Marks under a part of a line.

import Report
import Testing

@Suite struct CaretTests {
  /// A text, the part of it that is meant, the width, and the two lines.
  static let rows: [(String, Range<Int>, Int, String, String)] = [
    ("port=80", 0..<4, 80, "port=80", "^^^^"), ("port=80", 5..<7, 80, "port=80", "     ^^"),
    ("port=80", 7..<7, 80, "port=80", "       ^"), ("", 0..<0, 80, "", "^"),
    ("a\tb", 2..<3, 80, #"a\tb"#, "   ^"), ("a\tb", 1..<2, 80, #"a\tb"#, " ^^"),
    ("é=1", 3..<4, 80, "é=1", "  ^"), ("e\u{301}=1", 4..<5, 80, "e\u{301}=1", "  ^"),
    ("日本=1", 6..<7, 80, "日本=1", "    ^"), ("日本=1", 3..<6, 80, "日本=1", "  ^^"),
    ("\u{202e}x", 3..<4, 80, #"\u{202e}x"#, "        ^"),
    // 19 cells are for the text where the width is 20.
    ("0123456789abcdefghi", 18..<19, 20, "0123456789abcdefghi", "                  ^"),
    ("0123456789abcdefghij", 0..<2, 20, "0123456789abc...", "^^"),
    ("0123456789abcdefghij", 20..<20, 20, "...789abcdefghij", "                ^"),
    ("0123456789abcdefghijklmnop", 10..<12, 20, "...6789abcdefghi...", "       ^^"),
    ("0123456789abcdefghijklmnop", 10..<26, 20, "...6789abcdefghi...", "       ^^^^^^^^^"),
    ("0123456789abcdefghij", 0..<2, 0, "0123456789abc...", "^^"),
  ]

  @Test(arguments: rows.indices)
  func points(_ index: Int) {
    let (text, range, width, line, mark) = Self.rows[index]
    let (shown, marks) = pointed(text, at: range, width: width)
    #expect(shown == line)
    #expect(marks == mark)
  }
}
