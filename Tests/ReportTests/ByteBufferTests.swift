// Bytes with one owner, beside an array that does the same.

import Testing

@testable import Report

@Suite struct ByteBufferTests {
  /// Any row of changes leaves what an array would have, wherever room has to be made.
  @Test(arguments: [1, 7, 64]) func changes(capacity: Int) {
    var buffer = ByteBuffer(capacity: capacity)
    var bytes: [UInt8] = []
    var number: UInt64 = 1
    for _ in 0..<2_000 {
      number = number &* 6_364_136_223_846_793_005 &+ 1
      let byte = UInt8(truncatingIfNeeded: number >> 40)
      let count = Int(number >> 50) % 40
      switch number >> 61 {
      case 0:
        buffer.append(byte)
        bytes.append(byte)
      case 1:
        buffer.append("a name")
        bytes += "a name".utf8
        let longer = (0..<64).map { UInt8($0) ^ byte }
        buffer.append(count / 2..<count, of: longer.span)
        bytes += longer[count / 2..<count]
      case 2:
        buffer.append(repeating: byte, count: count)
        bytes += Array(repeating: byte, count: count)
      case 3:
        let place = bytes.isEmpty ? 0 : Int(number >> 33) % bytes.count
        buffer.insert(repeating: byte, count: count, at: place)
        bytes.insert(contentsOf: Array(repeating: byte, count: count), at: place)
      case 4:
        buffer.append(atMost: 50) { for _ in 0..<count { $0.append(byte) } }
        bytes += Array(repeating: byte, count: count)
      case 5:
        buffer += (0..<count).lazy.map { UInt8($0) }
        buffer += "größe".utf8
        bytes += (0..<count).map { UInt8($0) } + Array("größe".utf8)
      case 6:
        let first = bytes.count / 3
        buffer.removeFirst(first)
        bytes.removeFirst(first)
      default:
        let place = bytes.count - bytes.count / 9
        buffer.remove(from: place)
        bytes.removeLast(bytes.count - place)
      }
      #expect(buffer.count == bytes.count)
    }
    buffer.withSpan(0..<buffer.count) { span in
      #expect(span.indices.map { span[$0] } == bytes)
    }
    #expect(buffer.text == String(decoding: bytes, as: UTF8.self))
    #expect(bytes.indices.allSatisfy { buffer[$0] == bytes[$0] })
  }

  @Test func whatIsNotThereIsABug() async {
    await #expect(processExitsWith: .failure) {
      var buffer = ByteBuffer(capacity: 100)
      buffer.append(1)
      buffer[1] = 2
    }
    await #expect(processExitsWith: .failure) {
      var buffer = ByteBuffer(capacity: 100)
      buffer.append(atMost: 2) { for _ in 0..<3 { $0.append(0) } }
    }
  }
}
