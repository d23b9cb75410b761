// JSON: what is written reads back as the same value, on one line.

import Foundation
import Report
import Testing

@Suite struct JSONTests {
  static let nastyStrings: [String] =
    [
      "", "plain", "\"", "\\", "\\\"", "\\u0041", "/", "a\nb\r\n\tc\u{8}\u{c}", "\u{0}",
      "naïve 日本 🙂", "e\u{301}", "\u{7f}\u{80}\u{9f}\u{a0}", "\u{2027}\u{2028}\u{2029}\u{202a}",
      "\u{fffd}", "\u{ffff}", "\u{10ffff}", "\u{feff}bom", "\u{e0001}tag", "</script>",
      "{\"not\":\"nested\"}",
      String(repeating: "x\u{1}", count: 5_000),
    ] + (0..<0x20).map { String(Unicode.Scalar(UInt8($0))) }

  @Test(arguments: nastyStrings)
  func stringsReadBack(text: String) throws {
    let line = JSONValue.object([(text, .string(text))]).description
    let safe = line.unicodeScalars.allSatisfy {
      ![.control, .format, .lineSeparator, .paragraphSeparator]
        .contains($0.properties.generalCategory)
    }
    #expect(safe)
    let read = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
    // Equal to the scalar: Swift's own equality would take composed and decomposed for the same.
    #expect(read?.first.map { Array($0.key.utf8) } == Array(text.utf8))
    #expect(read?.first.map { Array($0.value.utf8) } == Array(text.utf8))
  }

  @Test(
    arguments: [
      ([0x61, 0xff, 0x62], "\"a\u{fffd}b\""), ([], "\"\""), ([0xc3], "\"\u{fffd}\""),
    ] as [([UInt8], String)])
  func invalidBytesAreReplaced(raw: [UInt8], text: String) {
    #expect(JSONValue(decoding: raw).description == text)
  }

  @Test(
    arguments: [
      (nil, "null"), (true, "true"), (false, "false"), (0, "0"), (-1, "-1"), (1.5, "1.5"),
      (.integer(.max), "9223372036854775807"), (.integer(.min), "-9223372036854775808"),
      (JSONValue(UInt64.max), "18446744073709551615"), (JSONValue(UInt16(7000)), "7000"),
      (JSONValue(Int128.min), "-9223372036854775808"),
      (JSONValue(Int128.max), "18446744073709551615"),
      (.number(0.1), "0.1"), (.number(1e300), "1e+300"), (.number(-0.0), "-0.0"),
      (.number(.nan), "null"), (.number(.infinity), "null"), (.number(-.infinity), "null"),
      (JSONValue(Int?.none), "null"), (JSONValue(Int?.some(3)), "3"),
      (JSONValue(String?.none), "null"), (JSONValue(String?.some("x")), "\"x\""),
      (JSONValue(Bool?.none), "null"), (JSONValue(Bool?.some(true)), "true"),
      (JSONValue(Double?.none), "null"), (JSONValue(Double?.some(2.5)), "2.5"),
      ([], "[]"), ([:], "{}"), ([1, [2, nil], "x"], "[1,[2,null],\"x\"]"),
      (
        ["z": 1, "a": ["address": "::1", "port": 7000], "m": [[:]]],
        #"{"z":1,"a":{"address":"::1","port":7000},"m":[{}]}"#
      ),
    ] as [(JSONValue, String)])
  func values(value: JSONValue, text: String) {
    #expect(value.description == text)
  }

  @Test func doublesReadBackExactly() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2_000 {
      let value = Double(bitPattern: generator.next())
      guard value.isFinite else { continue }
      let text = JSONValue(value).description
      let read = try JSONDecoder().decode([Double].self, from: Data("[\(text)]".utf8))
      #expect(read == [value], "\(text)")
    }
  }
}
