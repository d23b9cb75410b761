// Local streams: they never wait, they leave the descriptors that others share as they were, and
// closing an output shows its reader the end.

import Glibc
import SocketCore
import TestSupport
import Testing

struct LocalStreamTests {
  @Test func `an empty pipe does not make the reader wait`() throws {
    let pipe = try Pipe()
    let input = ByteInput(pipe.readEnd, name: "input")
    #expect(input.needsReadiness == false)
    var buffer = [UInt8](repeating: 0, count: 10)
    #expect(try read(&buffer, from: input) == .wouldBlock)
    try pipe.writeAndClose([1, 2, 3])
    #expect(try read(&buffer, from: input) == .transferred(3))
    #expect(buffer.prefix(3) == [1, 2, 3])
    #expect(try read(&buffer, from: input) == .endOfInput)
    #expect(fcntl(pipe.readEnd, F_GETFL) & O_NONBLOCK == 0)
  }

  @Test func `a full pipe does not make the writer wait`() throws {
    let pipe = try Pipe()
    let output = ByteOutput(pipe.writeEnd, name: "output")
    #expect(output.needsReadiness == false)
    let data = bytes(count: 1 << 20)
    guard case .transferred(let count) = try write(data, to: output) else {
      Issue.record("nothing was written")
      return
    }
    #expect(count > 0 && count < data.count)
    #expect(try write(data, to: output) == .wouldBlock)
    #expect(fcntl(pipe.writeEnd, F_GETFL) & O_NONBLOCK == 0)
    pipe.closeWriteEnd()
  }

  @Test func `a socket does not make either wait, and keeps its flags`() throws {
    let pair = try SocketPair()
    let input = ByteInput(pair.first, name: "input")
    let output = ByteOutput(pair.first, name: "output")
    #expect(input.needsReadiness == false)
    #expect(output.needsReadiness == false)
    #expect(input.descriptor == pair.first && output.descriptor == pair.first)
    var buffer = [UInt8](repeating: 0, count: 10)
    #expect(try read(&buffer, from: input) == .wouldBlock)
    let data = bytes(count: 1 << 20)
    let isFull = try eventually { try write(data, to: output) == .wouldBlock }
    #expect(isFull)
    #expect(fcntl(pair.first, F_GETFL) & O_NONBLOCK == 0)
  }

  @Test func `a socket without a peer is a broken pipe and no signal`() async {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_DFL)
      let pair = try SocketPair()
      shutdown(pair.second, Int32(SHUT_RDWR))
      let output = ByteOutput(pair.first, name: "output")
      do {
        let result = try write([1], to: output)
        preconditionFailure("\(result)")
      } catch let error as SystemCallError {
        precondition(error == SystemCallError("write", "to output", .brokenPipe))
      }
    }
  }

  @Test func `a device without an end takes and gives at once`() throws {
    let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(null) }
    var buffer: [UInt8] = [0]
    let input = ByteInput(null, name: "input")
    #expect(try read(&buffer, from: input) == .endOfInput)
    let output = ByteOutput(null, name: "output")
    #expect(try write(buffer, to: output) == .transferred(1))
  }

  @Test func `a pipe without a reader tells`() throws {
    let loop = try ReadinessLoop()
    let pipe = try Pipe()
    pipe.closeReadEnd()
    let output = ByteOutput(pipe.writeEnd, name: "output")
    let error = #expect(throws: SystemCallError.self) { try write([1], to: output) }
    #expect(error == SystemCallError("write", "to output", .brokenPipe))
    // Until here, so that the signal stays blocked.
    #expect(loop.readiness(of: pipe.writeEnd) == [])
  }

  @Test func `what is not open is told by the first use`() throws {
    let input = ByteInput(-1, name: "input")
    var buffer: [UInt8] = [0]
    let readError = #expect(throws: SystemCallError.self) { try read(&buffer, from: input) }
    #expect(readError == SystemCallError("read", "from input", .badDescriptor))
    let writeError = #expect(throws: SystemCallError.self) {
      var output = ByteOutput(-1, name: "output")
      do throws(SystemCallError) {
        try output.close()
        Issue.record("nothing was closed")
      } catch {
        #expect(error == SystemCallError("close", "output", .badDescriptor))
      }
      return try write([1], to: output)
    }
    #expect(writeError == SystemCallError("write", "to output", .badDescriptor))
  }

  @Test func `the reader of a closed pipe sees the end`() throws {
    let pipe = try Pipe()
    var output = ByteOutput(pipe.writeEnd, name: "output")
    #expect(try write([1, 2], to: output) == .transferred(2))
    pipe.giveAwayWriteEnd()
    try output.close()
    #expect(try pipe.readToEnd() == [1, 2])
  }

  @Test func `an input that goes leaves its descriptor open`() throws {
    let pipe = try Pipe()
    do {
      let input = ByteInput(pipe.readEnd, name: "input")
      #expect(input.descriptor == pipe.readEnd)
    }
    #expect(fcntl(pipe.readEnd, F_GETFD) != -1)
    try pipe.writeAndClose([1])
    #expect(try pipe.readToEnd() == [1])
  }

  @Test func `the reader of a closed standard output sees the end, and no socket gets its number`()
    async
  {
    await #expect(processExitsWith: .success) {
      let pipe = try Pipe()
      guard dup2(pipe.writeEnd, STDOUT_FILENO) == STDOUT_FILENO else { preconditionFailure() }
      pipe.closeWriteEnd()
      var output = ByteOutput.standard()
      let result = try write([1, 2, 3], to: output)
      precondition(result == .transferred(3))
      try output.close()
      let received = try pipe.readToEnd()
      precondition(received == [1, 2, 3])
      let socket = try Socket(for: .v4(.loopback))
      precondition(socket.descriptor.rawValue > 2)
      var byte: UInt8 = 0
      let count = unsafe Glibc.write(STDOUT_FILENO, &byte, 1)
      precondition(count == -1 && errno == EBADF)
    }
  }

  @Test func `standard input is read`() async {
    await #expect(processExitsWith: .success) {
      let pipe = try Pipe()
      guard dup2(pipe.readEnd, STDIN_FILENO) == STDIN_FILENO else { preconditionFailure() }
      try pipe.writeAndClose([7])
      let input = ByteInput.standard()
      var buffer: [UInt8] = [0]
      let result = try read(&buffer, from: input)
      precondition(result == .transferred(1) && buffer == [7])
    }
  }
}

/// Reads into all of `buffer`.
private func read(
  _ buffer: inout [UInt8], from input: borrowing ByteInput
) throws(SystemCallError) -> TransferResult {
  var span = buffer.mutableSpan
  var bytes = unsafe span.mutableBytes
  return try input.read(into: &bytes)
}

private func write(
  _ bytes: [UInt8], to output: borrowing ByteOutput
) throws(SystemCallError) -> TransferResult {
  try unsafe output.write(bytes.span.bytes)
}
