// LF becomes CR LF, in whatever pieces it comes.

import SocketCore
import TestSupport
import Testing

struct LineEndsTests {
  /// Converts `text` in pieces of `size` bytes.
  private func converted(_ text: [UInt8], size: Int) -> [UInt8] {
    var ends = LineEnds()
    var result: [UInt8] = []
    for begin in stride(from: 0, to: text.count, by: size) {
      let piece = text[begin..<min(begin + size, text.count)]
      // Just the room that it needs at most.
      var buffer = [UInt8](repeating: 0, count: piece.count) + piece
      let count = ends.convert(&buffer, piece.count..<2 * piece.count, to: 0)
      result += buffer[..<count]
    }
    return result
  }

  private static let rows = [
    ("", ""), ("a", "a"), ("\n", "\r\n"), ("a\nb", "a\r\nb"), ("\n\n", "\r\n\r\n"),
    ("a\r\nb", "a\r\nb"), ("\r\n\n", "\r\n\r\n"), ("a\rb\n", "a\rb\r\n"), ("\r\r\n", "\r\r\n"),
    ("\r", "\r"), ("GET / HTTP/1.0\n\n", "GET / HTTP/1.0\r\n\r\n"),
  ]

  @Test(arguments: rows, [1, 2, 3, 64])
  func `a line feed alone gets a carriage return`(row: (String, String), size: Int) {
    #expect(converted(Array(row.0.utf8), size: size) == Array(row.1.utf8))
  }

  @Test func `nothing but line feeds doubles`() {
    let feeds = [UInt8](repeating: 10, count: 1_000)
    let pairs = (0..<2_000).map { UInt8($0.isMultiple(of: 2) ? 13 : 10) }
    #expect(converted(feeds, size: 1_000) == pairs)
  }

  @Test(arguments: [1, 7, 4_096])
  func `all other bytes stay as they are`(size: Int) {
    let data = bytes(count: 50_000, seed: 6).filter { $0 != 10 }
    #expect(converted(data, size: size) == data)
  }

  @Test func `a relay converts more than its buffer holds`() throws {
    let ends = try Ends()
    let input = try Pipe()
    let output = try Pipe()
    var options = RelayOptions()
    options.convertsLineEnds = true
    let data = bytes(count: 1_000_000, seed: 7)
    let feeding = Background { try input.writeAndClose(data) }
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd, options)
    let wanted = converted(data, size: data.count)
    let arrived = try ends.peer.readToEnd() == wanted
    #expect(arrived)
    try feeding.value()
    ends.peer.close()
    let outcome = try relay.result().outcome
    // What is counted is what goes to the peer.
    #expect(outcome.read == wanted.count && outcome.acknowledged == wanted.count)
  }
}
