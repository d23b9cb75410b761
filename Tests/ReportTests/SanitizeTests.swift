// Sanitize: nothing from outside reaches the terminal as a command.

import Report
import Testing

@Suite struct SanitizeTests {
  @Test(arguments: [
    ("", ""),
    ("plain ASCII ~", "plain ASCII ~"),
    ("naïve 日本 🙂", "naïve 日本 🙂"),
    ("back\\slash", "back\\slash"),
    ("a\tb\nc\rd", "a\\tb\\nc\\rd"),
    ("\r\n", "\\r\\n"),
    ("\u{1b}[31mred\u{7}", "\\x1b[31mred\\x07"),
    ("\u{0}\u{1f}\u{7f}", "\\x00\\x1f\\x7f"),
    ("\u{85}\u{9b}2J", "\\u{85}\\u{9b}2J"),
    ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
    ("exe\u{202e}gpj", "exe\\u{202e}gpj"),
    ("\u{200b}\u{2066}\u{feff}", "\\u{200b}\\u{2066}\\u{feff}"),
    ("e\u{301}\u{1b}", "e\u{301}\\x1b"),
  ])
  func text(raw: String, safe: String) {
    #expect(sanitized(raw) == safe)
    #expect(sanitized(Array(raw.utf8)) == safe)
  }

  @Test(
    arguments: [
      ([0xff], "\\xff"),
      ([0x61, 0xc3, 0x62], "a\\xc3b"),
      ([0xe2, 0x82], "\\xe2\\x82"),
      ([0xc0, 0x80], "\\xc0\\x80"),
      ([0xed, 0xa0, 0x80], "\\xed\\xa0\\x80"),
      ([0xf4, 0x90, 0x80, 0x80], "\\xf4\\x90\\x80\\x80"),
      ([0x80, 0x1b, 0x0a], "\\x80\\x1b\\n"),
      ([0xff, 0xc3, 0xbc, 0xf0, 0x9f, 0x99, 0x82], "\\xffü🙂"),
    ] as [([UInt8], String)])
  func invalidBytes(raw: [UInt8], safe: String) {
    #expect(sanitized(raw) == safe)
  }

  /// Whatever one byte, two bytes or any scalar may be, no control character is left.
  @Test(arguments: [
    ("=1+1", "\\x3d1+1"), ("-2", "\\x2d2"), ("＝1", "\\u{ff1d}1"), ("=", "="), ("-", "-"), ("", ""),
    ("1=1", "1=1"), ("=e\u{301}", "\\x3de\u{301}"),
  ])
  func aFormulaIsMoreThanASign(raw: String, safe: String) {
    #expect(withoutFormula(raw) == safe)
  }

  @Test func nothingHarmfulIsLeft() {
    func check(_ safe: String) -> Bool {
      safe.unicodeScalars.allSatisfy {
        ![.control, .format, .lineSeparator, .paragraphSeparator]
          .contains($0.properties.generalCategory)
      }
    }
    for word in UInt16.min...UInt16.max {
      let pair = [UInt8(word >> 8), UInt8(word & 0xff)]
      if !check(sanitized(pair)) { Issue.record("\(pair)") }
      if let scalar = Unicode.Scalar(word), !check(sanitized(String(scalar))) {
        Issue.record("\(scalar.escaped(asASCII: true))")
      }
    }
  }
}
