// A pipe whose ends are closed at the latest when the test is over.

import Glibc
import Synchronization
import TestSupport

/// A pipe with both ends in this process.
final class Pipe: Sendable {
  let readEnd: Int32
  let writeEnd: Int32
  private let open: Mutex<(read: Bool, write: Bool)> = Mutex((true, true))

  init() throws { (readEnd, writeEnd) = try makePipe() }

  deinit {
    closeReadEnd()
    closeWriteEnd()
  }

  func closeReadEnd() {
    open.withLock { open in
      if open.read { close(readEnd) }
      open.read = false
    }
  }

  func closeWriteEnd() {
    open.withLock { open in
      if open.write { close(writeEnd) }
      open.write = false
    }
  }

  /// The write end is closed by somebody else, and its number is no longer ours.
  func giveAwayWriteEnd() { open.withLock { $0.write = false } }

  /// Writes as many zeros as it takes, so that whoever writes next has to wait.
  ///
  /// - Returns: how many.
  func fill() throws -> Int {
    let own = unsafe Glibc.open("/proc/self/fd/\(writeEnd)", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
    guard own >= 0 else { throw TestFailure("open a pipe anew: errno \(errno)") }
    defer { close(own) }
    let zeros = [UInt8](repeating: 0, count: 1 << 20)
    var all = 0
    while true {
      let count = unsafe write(own, zeros, zeros.count)
      guard count > 0 else { return all }
      all += count
    }
  }

  /// Reads up to the end of input; every call within `patience`.
  func readToEnd() throws -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      guard isReady(readEnd, for: POLLIN) else { throw TestFailure("the pipe has no end") }
      let count = unsafe read(readEnd, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw TestFailure("read from a pipe: errno \(errno)") }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  /// Writes all of `bytes`, then closes the write end.
  func writeAndClose(_ bytes: [UInt8]) throws {
    var offset = 0
    while offset < bytes.count {
      guard isReady(writeEnd, for: POLLOUT) else { throw TestFailure("the pipe stays full") }
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe write(
          writeEnd, buffer.baseAddress.map { unsafe $0 + offset },
          min(Int(PIPE_BUF), buffer.count - offset))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw TestFailure("write to a pipe: errno \(errno)") }
      offset += count
    }
    closeWriteEnd()
  }
}
