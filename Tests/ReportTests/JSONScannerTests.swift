// JSON is read as Foundation reads it, and nothing that is none.

import Foundation
import Report
import Testing

@Suite struct JSONScannerTests {
  private func parse(_ text: String) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8).span)
  }

  @Test(arguments: [
    "null", "true", "false", "0", "-0", "7", "-9223372036854775808", "9223372036854775807",
    "18446744073709551615", "1.5", "-2.5e-3", "1E+2", "\"\"", "\"a b\"", "[]", "{}", "[[],{}]",
    #"{"a":1,"b":[true,null,"x"],"c":{"d":-1}}"#, " [ 1 , 2 ,\t{ \"a\" : [ ] } ]\r\n",
    #""\"\\\/\b\f\n\r\tA\u00e9\uD83D\uDE00é😀""#, "{\"\":{\"\":[]}}",
  ])
  func readsWhatFoundationReads(_ text: String) throws {
    let value = try parse(text)
    let theirs = try JSONSerialization.jsonObject(
      with: Data(text.utf8), options: .fragmentsAllowed)
    let ours = try JSONSerialization.jsonObject(
      with: Data("\(value)".utf8), options: .fragmentsAllowed)
    #expect(NSArray(array: [ours]) == NSArray(array: [theirs]), "\(value)")
  }

  @Test(arguments: [
    ("", JSONError.Reason.endsEarly), (" ", .endsEarly), ("nul", .endsEarly), ("nulL", .unexpected),
    ("[1", .endsEarly), ("[1,]", .unexpected), ("[,1]", .unexpected), ("[1 2]", .unexpected),
    ("{\"a\"}", .unexpected), ("{\"a\":}", .unexpected), ("{\"a\":1,}", .unexpected),
    ("{a:1}", .unexpected), ("{1:1}", .unexpected), ("[1}", .unexpected), ("{]", .unexpected),
    ("01", .badNumber), ("-", .endsEarly), ("-x", .badNumber), ("1.", .endsEarly),
    ("1.x", .badNumber), ("1e", .endsEarly), ("1e999", .badNumber), ("+1", .unexpected),
    ("\"a", .endsEarly), ("\"\\", .endsEarly), ("\"\\x\"", .badEscape), ("\"\\u12", .endsEarly),
    ("\"\\u12g4\"", .badEscape), ("\"\u{1}\"", .controlCharacter), ("1 2", .unexpected),
    ("\"a\"b", .unexpected), ("tru", .endsEarly), ("falsy", .unexpected),
  ])
  func refusesWhatIsNone(_ text: String, _ reason: JSONError.Reason) {
    let error = #expect(throws: JSONError.self) { try parse(text) }
    #expect(error?.reason == reason, "\(String(describing: error))")
  }

  @Test(arguments: [
    (#""\uD83D""#, "\u{FFFD}"), (#""\uDE00\uD83D""#, "\u{FFFD}\u{FFFD}"),
    (#""\uD83Dx""#, "\u{FFFD}x"), (#""\uD83D\n""#, "\u{FFFD}\n"),
    (#""\uD83D\u0041""#, "\u{FFFD}A"), (#""\u0000""#, "\u{0}"),
  ])
  func halfAPairIsReplaced(_ text: String, _ meaning: String) throws {
    #expect(try parse(text).text == meaning)
  }

  @Test func depthIsBounded() throws {
    let depth = JSONScanner.greatestDepth
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try parse(nested(depth))
    let error = #expect(throws: JSONError.self) { try parse(nested(depth + 1)) }
    #expect(error?.reason == .tooDeep)
    #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
  }

  /// Whatever is cut off or changed: an error or a value, no trap.
  @Test func damageIsAnErrorOrAnotherValue() throws {
    let text = Array(
      #"{"a":[1,-2.5e3,true,null],"b\n\uD83D\uDE00":{"c":"x\\"},"d":18446744073709551615}"#.utf8)
    for length in 0..<text.count {
      #expect(throws: JSONError.self) {
        try JSONValue(parsing: text.span.extracting(first: length))
      }
    }
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      var damaged = text
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        damaged[Int.random(in: 0..<damaged.count, using: &random)] = .random(
          in: 0...255, using: &random)
      }
      _ = try? JSONValue(parsing: damaged.span)
    }
  }

  @Test(arguments: [
    ("127", Int8(127)), ("128", nil), ("-128", -128), ("-129", nil), ("1.0", nil), ("1e1", nil),
    ("00", nil),
  ])
  func integersFitOrAreNone(_ text: String, _ value: Int8?) {
    var scanner = JSONScanner()
    let bytes = Array(text.utf8)
    let read = try? scanner.integer(as: Int8.self, in: bytes.span)
    #expect(read == value)
  }

  @Test func unsignedNumbersHaveNoSign() throws {
    var scanner = JSONScanner()
    let bytes = Array("-1".utf8)
    #expect(try scanner.integer(as: UInt64.self, in: bytes.span) == nil)
  }
}
