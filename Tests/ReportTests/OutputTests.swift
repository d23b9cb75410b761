// Output: every byte arrives in order, and what the kernel refuses is an error.

import Foundation
import Glibc
import Report
import Synchronization
import TestSupport
import Testing

@Suite struct OutputTests {
  /// Opens a file for a test; closed when the object goes.
  final class File {
    let descriptor: Int32
    init(_ path: String, _ flags: Int32) throws {
      descriptor = unsafe open(path, flags | O_CLOEXEC, 0o600)
      try #require(descriptor >= 0, "\(path)")
    }
    deinit { close(descriptor) }
  }

  @Test func writesWhatItWasGivenInOrder() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("out")
    let data = bytes(count: 200_000, seed: 7)
    do {
      let file = try File(path, O_WRONLY | O_CREAT)
      var output = OutputBuffer(descriptor: file.descriptor)
      try output.write("grüße ")
      try output.line("line")
      try output.line()
      try output.write(data)
      try output.write { $0.append(0x21) }
      try output.flush()
    }
    let written = try Data(contentsOf: URL(filePath: path))
    #expect(Array(written) == Array("grüße line\n\n".utf8) + data + [0x21])
  }

  @Test func writesOnlyInLargePieces() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("out")
    let file = try File(path, O_WRONLY | O_CREAT)
    func size() throws -> Int { try Data(contentsOf: URL(filePath: path)).count }
    var output = OutputBuffer(descriptor: file.descriptor)
    try output.write([UInt8](repeating: 1, count: 65_535))
    #expect(try size() == 0)
    try output.write([1])
    #expect(try size() == 65_536)
    try output.write([1])
    #expect(try size() == 65_536)
    try output.flush()
    #expect(try size() == 65_537)
  }

  /// A pipe that nobody reads, and somebody who has had enough of waiting.
  @Test func aWaitCanBeGivenUp() throws {
    let pipe = try makePipe()
    defer { for end in [pipe.read, pipe.write] { close(end) } }
    let asked = Mutex(0)
    var output = OutputBuffer(descriptor: pipe.write) {
      asked.withLock { asked in
        asked += 1
        return asked < 3
      }
    }
    let data = bytes(count: 200_000, seed: 8)
    var caught: OutputError?
    do throws(OutputError) {
      try output.write(data)
      try output.flush()
    } catch {
      caught = error
    }
    #expect(caught?.code == EAGAIN)
    #expect(caught?.description.hasSuffix(": its reader takes nothing (EAGAIN)") == true)
    #expect(asked.withLock { $0 } == 3)
    // What was written is the beginning, and the rest is still there.
    var got: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    func readAll() {
      var entry = pollfd(fd: pipe.read, events: Int16(POLLIN), revents: 0)
      while unsafe poll(&entry, 1, 0) > 0 {
        let count = unsafe read(pipe.read, &chunk, chunk.count)
        got += chunk[..<max(0, count)]
      }
    }
    readAll()
    #expect(got.count >= 1 << 16 && got.count < data.count)
    while got.count < data.count {
      do throws(OutputError) { try output.flush() } catch {}
      readAll()
    }
    #expect(got == data)
  }

  /// Without anybody to ask nothing changes: it waits.
  @Test func aReaderThatTakesItsTimeGetsEverything() throws {
    let pipe = try makePipe()
    let data = bytes(count: 300_000, seed: 9)
    for isAsked in [false, true] {
      let copy = dup(pipe.read)
      let reading = Mutex<[UInt8]>([])
      let thread = Thread {
        var chunk = [UInt8](repeating: 0, count: 5_000)
        var got: [UInt8] = []
        while got.count < data.count {
          let count = unsafe read(copy, &chunk, chunk.count)
          if count <= 0 { break }
          got += chunk[..<count]
        }
        reading.withLock { [got] in $0 = got }
        close(copy)
      }
      thread.start()
      var output = OutputBuffer(
        descriptor: pipe.write, whileWaiting: isAsked ? { true } : nil)
      try output.write(data)
      try output.flush()
      let isWhole = eventually { reading.withLock { $0 == data } }
      #expect(isWhole)
    }
    for end in [pipe.read, pipe.write] { close(end) }
  }

  @Test func fullDeviceIsAnErrorEachTime() throws {
    let file = try File("/dev/full", O_WRONLY)
    var output = OutputBuffer(descriptor: file.descriptor, name: "events.json")
    try output.line("held back, so no error yet")
    for _ in 0..<2 {
      var caught: OutputError?
      do { try output.flush() } catch { caught = error }
      #expect(caught?.code == ENOSPC)
      #expect(
        caught?.description == "write to events.json: no space left on device (ENOSPC)")
    }
    var caught: OutputError?
    do { try output.write([UInt8](repeating: 0, count: 70_000)) } catch { caught = error }
    #expect(caught?.code == ENOSPC)
  }

  @Test func closedDescriptorIsAnError() {
    // No process has this many descriptors open.
    var output = OutputBuffer(descriptor: 1_000_000_000)
    var caught: OutputError?
    do {
      try output.line("x")
      try output.flush()
    } catch { caught = error }
    #expect(
      caught?.description == "write to descriptor 1000000000: bad file descriptor (EBADF)")
  }

  @Test(arguments: [
    (STDOUT_FILENO, EPIPE, "write to standard output: broken pipe (EPIPE)", true),
    (STDERR_FILENO, EIO, "write to standard error: input/output error (EIO)", false),
    (STDERR_FILENO, 9_999, "write to standard error: errno 9999", false),
  ])
  func errorsReadAsAPersonWouldSay(
    descriptor: Int32, code: Int32, text: String, isBrokenPipe: Bool
  ) {
    let name = OutputBuffer(descriptor: descriptor).name
    let error = OutputError(code: code, descriptor: descriptor, name: name)
    #expect(error.description == text)
    #expect(error.isBrokenPipe == isBrokenPipe)
  }

  /// A pipe that takes little at a time and was made non-blocking by someone: nothing may be lost.
  @Test func slowNonBlockingPipeGetsEverything() throws {
    var ends: [Int32] = [-1, -1]
    try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    let (reader, writer) = (ends[0], ends[1])
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(writer, F_SETFL, O_NONBLOCK)
    let data = bytes(count: 3_000_000, seed: 11)

    let received = Received()
    Thread.detachNewThread {
      var chunk = [UInt8](repeating: 0, count: 10_000)
      while true {
        let count = unsafe read(reader, &chunk, chunk.count)
        guard count > 0 else { break }
        received.bytes.withLock { $0 += chunk[..<count] }
      }
      close(reader)
      received.ended.store(true, ordering: .releasing)
    }
    var output = OutputBuffer(descriptor: writer)
    try output.write(data)
    try output.flush()
    close(writer)
    #expect(eventually { received.ended.load(ordering: .acquiring) })
    let all = received.bytes.withLock { $0 }
    #expect(all == data)
  }

  /// More than a buffer writes at a time, to see that nothing is written.
  @Test func textGoesNowhere() throws {
    let text = try OutputBuffer.text { output throws(OutputError) in
      for _ in 0..<30_000 { try output.line("µ, 3") }
    }
    #expect(text == String(repeating: "µ, 3\n", count: 30_000))
    let nothing = try OutputBuffer.text { _ throws(OutputError) in }
    #expect(nothing == "")
  }
}

/// What the reading thread of a test has seen.
private final class Received: Sendable {
  let bytes = Mutex<[UInt8]>([])
  let ended = Atomic(false)
}
