// Pipes and writes that do not disturb the other tests of the same process.

import Glibc
import Synchronization

/// Held while a pipe is not yet close-on-exec and while a child starts.
///
/// `pipe2` is invisible to Swift, so the flag comes a moment after the pipe. A child started in that
/// moment would keep an end open for life, and hide the end of file that some test waits for.
let spawning = Mutex(())

/// A new pipe, both ends closed on exec: no child that starts elsewhere keeps an end of it open.
public func makePipe() throws(TestFailure) -> (read: Int32, write: Int32) {
  var ends: [Int32] = [-1, -1]
  let made = spawning.withLock { _ in
    guard unsafe pipe(&ends) == 0 else { return false }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return true
  }
  guard made else { throw TestFailure("pipe: \(errorText(errno))") }
  return (ends[0], ends[1])
}

/// One `write` of the bytes from `offset` on: the number written, or `errno`.
///
/// A reader that is gone is an `EPIPE` here and never a SIGPIPE: the signal is blocked for this
/// thread and taken away again, because its disposition belongs to the whole process.
func writeQuietly(_ bytes: [UInt8], from offset: Int, to descriptor: Int32) -> Result<Int, Errno> {
  var pipeSignal = sigset_t()
  var before = sigset_t()
  unsafe sigemptyset(&pipeSignal)
  unsafe sigaddset(&pipeSignal, SIGPIPE)
  unsafe pthread_sigmask(SIG_BLOCK, &pipeSignal, &before)
  defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }

  let (count, code) = unsafe bytes.withUnsafeBytes { buffer in
    let count = unsafe write(
      descriptor, buffer.baseAddress.map { unsafe $0 + offset }, buffer.count - offset)
    return (count, errno)
  }
  if count >= 0 { return .success(count) }
  if code == EPIPE {
    var now = timespec()
    unsafe sigtimedwait(&pipeSignal, nil, &now)
  }
  return .failure(Errno(code: code))
}

/// An `errno` value as an error.
struct Errno: Error {
  let code: Int32
}

/// Waits until `descriptor` is ready for `events` (or has failed, or was hung up).
///
/// - Returns: false when `limit` passed first.
func waitUntilReady(_ descriptor: Int32, for events: Int32, within limit: Duration) -> Bool {
  var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
  let (seconds, attoseconds) = limit.components
  let milliseconds = Int32(clamping: seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
  return unsafe poll(&entry, 1, max(0, milliseconds)) > 0
}
