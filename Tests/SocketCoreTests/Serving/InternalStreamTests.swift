// Streams without a descriptor: the echo and the characters of RFC 864.

import TestSupport
import Testing

@testable import SocketCore

struct InternalStreamTests {
  // MARK: Echo

  @Test func `an echo gives back what it got, in its order, in any pieces`() {
    let echo = EchoStream(BufferPool(capacity: 1_000))
    let data = bytes(count: 50_000, seed: 61)
    var sent = 0
    var returned: [UInt8] = []
    // Uneven on purpose, so that pieces are cut at other places than they came in.
    var size = 1
    while returned.count < data.count {
      let piece = Array(data[sent..<min(data.count, sent + size)])
      if !piece.isEmpty, case .transferred(let count) = write(piece, to: echo) { sent += count }
      size = size * 7 % 611 + 1
      if echo.isReady, case let part = read(size, from: echo) { returned += part.bytes }
    }
    #expect(returned == data)
  }

  @Test func `a full echo takes no more before something was taken from it`() {
    let echo = EchoStream(BufferPool(capacity: 10))
    #expect(!echo.isReady)
    #expect(write([UInt8](repeating: 1, count: 25), to: echo) == .transferred(10))
    #expect(write([2], to: echo) == .wouldBlock)
    #expect(echo.isReady)
    #expect(read(4, from: echo).bytes == [1, 1, 1, 1])
    #expect(read(100, from: echo).bytes.count == 6)
    #expect(!echo.isReady)
    #expect(read(1, from: echo).result == .wouldBlock)
    #expect(write([3], to: echo) == .transferred(1))
  }

  @Test func `its end comes behind its last byte`() {
    let echo = EchoStream(BufferPool(capacity: 10))
    _ = write([1, 2], to: echo)
    echo.close()
    #expect(read(10, from: echo).bytes == [1, 2])
    #expect(echo.isReady)
    #expect(read(10, from: echo).result == .endOfInput)
  }

  @Test func `an echo without bytes in it holds no buffer`() {
    let pool = BufferPool(capacity: 10)
    var first: [UInt8] = []
    pool.lend(to: &first)
    first[0] = 42
    pool.takeBack(from: &first)
    let echo = EchoStream(pool)
    _ = write([1], to: echo)
    _ = read(1, from: echo)
    // The same buffer is lent again.
    var second: [UInt8] = []
    pool.lend(to: &second)
    #expect(second[0] == 1)
  }

  // MARK: RFC 864

  @Test func `the lines of the character generator`() {
    let generator = CharacterGenerator(size: nil)
    let text = String(decoding: read(74 * 97, from: generator).bytes, as: UTF8.self)
    let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
    #expect(lines.count == 98)
    #expect(lines.dropLast().allSatisfy { $0.utf8.count == 72 })
    #expect(
      lines[0] == ##" !"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefg"##)
    #expect(
      lines[1] == ##"!"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefgh"##)
    #expect(
      lines[2] == ##""#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefghi"##)
    // The last printable character, and the first one behind it.
    #expect(lines[23].hasSuffix("|}~"))
    #expect(lines[24].hasSuffix("|}~ "))
    #expect(
      lines[94] == ##"~ !"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdef"##)
    #expect(lines[95] == lines[0] && lines[96] == lines[1])
  }

  /// In pieces of any size it is the same text.
  @Test(arguments: [1, 3, 72, 74, 4_096, 65_536])
  func `pieces do not matter`(size: Int) {
    let whole = read(200_000, from: CharacterGenerator(size: nil)).bytes
    let generator = CharacterGenerator(size: nil)
    var text: [UInt8] = []
    while text.count < 20_000 { text += read(size, from: generator).bytes }
    #expect(text == Array(whole[..<text.count]))
  }

  @Test(arguments: [0, 1, 72, 74, 7_030, 7_031, 1_000_000])
  func `a size is kept to the byte`(size: Int) {
    let generator = CharacterGenerator(size: size)
    var text: [UInt8] = []
    while case let part = read(4_096, from: generator), part.result != .endOfInput {
      text += part.bytes
    }
    #expect(text.count == size)
    #expect(text == read(size, from: CharacterGenerator(size: nil)).bytes)
    #expect(read(1, from: generator).result == .endOfInput)
    #expect(generator.isReady)
  }
}

// MARK: -

func write(_ bytes: [UInt8], to output: some InternalOutput) -> TransferResult {
  (try? unsafe output.write(bytes.span.bytes)) ?? .endOfInput
}

func read(
  _ count: Int, from input: some InternalInput
) -> (bytes: [UInt8], result: TransferResult) {
  var buffer = [UInt8](repeating: 0, count: count)
  var span = buffer.mutableSpan
  var target = unsafe span.mutableBytes
  let result = (try? input.read(into: &target)) ?? .endOfInput
  guard case .transferred(let done) = result else { return ([], result) }
  return (Array(buffer[..<done]), result)
}
