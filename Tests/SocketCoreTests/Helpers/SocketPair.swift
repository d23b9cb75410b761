// A stream socket of this host with both ends in this process.

import Glibc
import TestSupport

/// Two sockets of this host that are connected with each other.
final class SocketPair: Sendable {
  let first: Int32
  let second: Int32

  init() throws {
    var ends: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else {
      throw TestFailure("socketpair: errno \(errno)")
    }
    (first, second) = (ends[0], ends[1])
  }

  deinit {
    close(first)
    close(second)
  }

  /// Writes to the second, and half-closes it.
  func writeAndFinish(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { buffer in
        unsafe send(second, buffer.baseAddress, buffer.count, 0)
      }
      guard count > 0 else { throw TestFailure("send: errno \(errno)") }
      rest = rest.dropFirst(count)
    }
    shutdown(second, Int32(SHUT_WR))
  }

  /// Reads so many bytes from the second, and returns how many came.
  func read(_ count: Int) throws -> Int {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    var total = 0
    while total < count {
      guard isReady(second, for: POLLIN) else { throw TestFailure("nothing to read") }
      let got = unsafe recv(second, &chunk, min(chunk.count, count - total), 0)
      guard got > 0 else { break }
      total += got
    }
    return total
  }
}
