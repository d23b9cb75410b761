// What a terminal sends for keys, whole and in pieces.

import Report
import Testing

@Suite struct Keys {
  @Test(
    arguments: [
      ("q", [Key.character("q")]), ("\u{1b}[A", [.up]), ("\u{1b}[B\u{1b}OA", [.down, .up]),
      ("\u{1b}[5~\u{1b}[6~", [.pageUp, .pageDown]), ("\u{1b}[1~\u{1b}[4~", [.home, .end]),
      ("\u{1b}[H\u{1b}OF", [.home, .end]), ("\u{1b}[C\u{1b}[D", [.right, .left]),
      ("\r\n", [.enter, .enter]), ("\u{7f}\u{8}", [.backspace, .backspace]),
      ("\u{15}\u{c}", [.eraseLine, .redraw]), ("é漢", [.character("é"), .character("漢")]),
      // With a modifier, a mouse, a paste, and keys that mean nothing here.
      ("\u{1b}[1;5A", [.up]), ("\u{1b}[<0;1;1M", []), ("\u{1b}[200~x", [.character("x")]),
      ("\t\u{1}", []), ("\u{1b}j", [.escape, .character("j")]),
    ] as [(String, [Key])])
  func areRead(_ bytes: String, _ keys: [Key]) {
    var whole = KeyReader()
    #expect(whole.keys(in: Array(bytes.utf8)) == keys)
    #expect(!whole.isUndecided)
    // A sequence may come byte by byte.
    var pieces = KeyReader()
    #expect(bytes.utf8.flatMap { pieces.keys(in: [$0]) } == keys)
  }

  @Test func theEscapeKeyIsKnownWhenNothingFollows() {
    var reader = KeyReader()
    #expect(reader.keys(in: [0x1b]).isEmpty)
    #expect(reader.isUndecided)
    #expect(reader.settle() == [.escape])
    #expect(!reader.isUndecided)
    #expect(reader.keys(in: [UInt8(ascii: "A")]) == [.character("A")])
  }

  /// Whatever comes, the reader goes on and keeps little.
  @Test func noiseIsPassedOver() {
    var reader = KeyReader()
    _ = reader.keys(in: [0xff, 0xc3, 0x28, 0xf0, 0x80])
    _ = reader.keys(in: Array("\u{1b}[".utf8) + [UInt8](repeating: UInt8(ascii: "1"), count: 500))
    _ = reader.settle()
    #expect(reader.keys(in: [UInt8(ascii: "q")]) == [.character("q")])
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      _ = reader.keys(in: (0..<64).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }
    _ = reader.settle()
    #expect(reader.keys(in: [UInt8(ascii: "q")]) == [.character("q")])
  }
}
