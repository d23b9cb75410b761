// Standard input and output that several connections share: lines stay whole, nobody is forgotten,
// nobody gets a piece twice.

import Glibc
import TestSupport
import Testing

@testable import SocketCore

struct SharedStreamTests {
  // MARK: Output

  /// A shared output over a pipe, and a loop to flush it.
  private final class Fixture {
    let pipe: Pipe
    let shared: SharedOutput
    var loop: ReadinessLoop

    init() throws {
      pipe = try Pipe()
      shared = SharedOutput(ByteOutput(pipe.writeEnd, name: "output"))
      loop = try ReadinessLoop()
    }

    /// Flushes and reads until nothing is pending.
    func drain() throws -> String {
      var text: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      repeat {
        try shared.flush(&loop)
        while isReadyNow(pipe.readEnd) {
          let count = unsafe Glibc.read(pipe.readEnd, &chunk, chunk.count)
          text += chunk[..<max(0, count)]
        }
      } while !shared.isEmpty
      return String(decoding: text, as: UTF8.self)
    }

    private func isReadyNow(_ descriptor: Int32) -> Bool {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      return unsafe poll(&entry, 1, 0) > 0
    }
  }

  @Test func `lines of two connections are never mixed`() throws {
    let fixture = try Fixture()
    let one = TaggedOutput(fixture.shared, number: 1)
    let two = TaggedOutput(fixture.shared, number: 2)
    for piece in ["be", "gin", "ning\nnext"] {
      #expect(write(Array(piece.utf8), to: one) == .transferred(piece.utf8.count))
      #expect(write(Array("two\n\nand ".utf8), to: two) == .transferred(9))
    }
    // What is no line yet is not shown yet.
    #expect(
      try fixture.drain() == """
        #2 two
        #2 
        #2 and two
        #2 
        #1 beginning
        #2 and two
        #2 

        """)
    // The end of a connection is the end of its last line.
    one.close()
    one.close()
    #expect(try fixture.drain() == "#1 next\n")
    two.close()
    #expect(try fixture.drain() == "#2 and \n")
  }

  @Test func `a connection that ends with its line adds nothing`() throws {
    let fixture = try Fixture()
    let one = TaggedOutput(fixture.shared, number: 12)
    _ = write(Array("all\n".utf8), to: one)
    one.close()
    #expect(try fixture.drain() == "#12 all\n")
  }

  /// 64 KiB are one line; of more, so much at a time.
  @Test(arguments: [65_535, 65_536, 65_537, 131_072, 200_000], [1_000, 65_536, 200_001])
  func `a long line is broken`(length: Int, piece: Int) throws {
    let fixture = try Fixture()
    let one = TaggedOutput(fixture.shared, number: 1)
    let line = (0..<length).map { UInt8(ascii: "a") + UInt8($0 % 26) } + [UInt8(ascii: "\n")]
    for begin in stride(from: 0, to: line.count, by: piece) {
      _ = write(Array(line[begin..<min(line.count, begin + piece)]), to: one)
    }
    one.close()
    let lines = try fixture.drain().split(separator: "\n")
    #expect(lines.allSatisfy { $0.hasPrefix("#1 ") && $0.utf8.count <= 65_536 + 3 })
    #expect(lines.map { $0.dropFirst(3) }.joined().utf8.elementsEqual(line.dropLast()))
    #expect(lines.count == (length + 65_535) / 65_536)
  }

  @Test func `who was turned away for lack of room is remembered`() throws {
    let fixture = try Fixture()
    let one = TaggedOutput(fixture.shared, number: 1)
    let two = TaggedOutput(fixture.shared, number: 2)
    let line = [UInt8](repeating: UInt8(ascii: "x"), count: 999) + [UInt8(ascii: "\n")]
    var taken = 0
    while write(line, to: one) == .transferred(1_000) { taken += 1 }
    // 256 KiB, and what began below.
    #expect((262...265).contains(taken))
    #expect(!fixture.shared.owesRoom)
    _ = try fixture.drain()
    #expect(fixture.shared.owesRoom)
    fixture.shared.grantRoom()
    #expect(!fixture.shared.owesRoom)
    #expect(write(line, to: two) == .transferred(1_000))
  }

  /// A connection that is cut short has no second chance.
  @Test func `the last bytes are taken beyond the room`() throws {
    let fixture = try Fixture()
    let one = TaggedOutput(fixture.shared, number: 1)
    let line = [UInt8](repeating: UInt8(ascii: "x"), count: 9_999) + [UInt8(ascii: "\n")]
    var count = 0
    while write(line, to: one) != .wouldBlock { count += 1 }
    #expect(unsafe one.writeLast(line.span.bytes) == .transferred(10_000))
    #expect(try fixture.drain().split(separator: "\n").count == count + 1)
  }

  // MARK: Input

  /// A broadcast from a pipe with pieces of at most four bytes.
  private struct Source {
    let pipe: Pipe
    let broadcast: Broadcast

    init() throws {
      pipe = try Pipe()
      broadcast = Broadcast(
        ByteInput(pipe.readEnd, name: "input"), BufferPool(capacity: 4))
    }

    func write(_ text: String) {
      let bytes = Array(text.utf8)
      unsafe Glibc.write(pipe.writeEnd, bytes, bytes.count)
    }
  }

  private func text(_ count: Int = 100, from input: BroadcastInput) -> String {
    String(decoding: read(count, from: input).bytes, as: UTF8.self)
  }

  @Test func `everybody gets everything, as fast as the slowest takes it`() throws {
    let source = try Source()
    let one = BroadcastInput(source.broadcast)
    let two = BroadcastInput(source.broadcast)
    #expect(!one.isReady)
    source.write("abcdefg")
    #expect(try source.broadcast.read())
    #expect(one.isReady && two.isReady)
    #expect(text(from: one) == "abcd")
    #expect(!one.isReady)
    #expect(text(1, from: two) == "a")
    // The second has not taken all of it.
    #expect(try !source.broadcast.read())
    #expect(text(from: two) == "bcd")
    #expect(try source.broadcast.read())
    #expect(text(from: two) == "efg")
    #expect(text(from: one) == "efg")
    #expect(read(1, from: one).result == .wouldBlock)
  }

  @Test func `who comes later gets what comes later`() throws {
    let source = try Source()
    let one = BroadcastInput(source.broadcast)
    source.write("abcd")
    #expect(try source.broadcast.read())
    let two = BroadcastInput(source.broadcast)
    #expect(!two.isReady)
    #expect(text(from: one) == "abcd")
    source.write("ef")
    #expect(try source.broadcast.read())
    #expect(text(from: one) == "ef")
    #expect(text(from: two) == "ef")
  }

  @Test func `nothing is read while nobody is there`() throws {
    let source = try Source()
    source.write("abc")
    #expect(try !source.broadcast.read())
    let one = BroadcastInput(source.broadcast)
    #expect(try source.broadcast.read())
    #expect(text(from: one) == "abc")
  }

  /// It had not taken what was there, by its end or because it reads no more.
  @Test(arguments: [true, false])
  func `who goes holds up nobody`(isFreed: Bool) throws {
    let source = try Source()
    let one = BroadcastInput(source.broadcast)
    var two: BroadcastInput? = BroadcastInput(source.broadcast)
    source.write("abcdefgh")
    #expect(try source.broadcast.read())
    #expect(text(from: one) == "abcd")
    if isFreed { two = nil } else { two?.abandon() }
    #expect(try source.broadcast.read())
    #expect(text(from: one) == "efgh")
    // Nor does it afterwards, and it is not counted twice.
    two = nil
    source.write("ij")
    #expect(try source.broadcast.read())
    #expect(try !source.broadcast.read())
    #expect(text(from: one) == "ij")
  }

  @Test func `the end comes to everybody behind the last byte`() throws {
    let source = try Source()
    let one = BroadcastInput(source.broadcast)
    source.write("abc")
    source.pipe.closeWriteEnd()
    #expect(try source.broadcast.read())
    #expect(text(from: one) == "abc")
    #expect(try source.broadcast.read())
    #expect(one.isReady)
    #expect(read(1, from: one).result == .endOfInput)
    // To those who come later too.
    #expect(read(1, from: BroadcastInput(source.broadcast)).result == .endOfInput)
  }
}
