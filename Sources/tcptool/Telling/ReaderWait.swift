// How long a reader of what is told on the way may keep the program waiting.

internal import CLinux
internal import Glibc
internal import Synchronization

/// For ever, as long as no signal waits that is to end the program.
///
/// The readiness loop reads signals, so that none of them interrupts a write(2): a reader that takes
/// nothing would keep the program alive for good. Once a signal has found it waiting, nothing is
/// waited for any more, and what cannot be written at once is lost.
final class ReaderWait: Sendable {
  private let isOver = Mutex(false)

  func mayGoOn() -> Bool {
    isOver.withLock { isOver in
      isOver = isOver || Self.aSignalWaits
      return !isOver
    }
  }

  private static var aSignalWaits: Bool {
    var pending = sigset_t()
    guard unsafe sigpending(&pending) == 0 else { return false }
    return [SIGINT, SIGTERM, SIGHUP].contains { unsafe sigismember(&pending, $0) == 1 }
  }
}
