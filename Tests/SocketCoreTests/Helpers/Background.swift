// Work on a thread of its own, so that a test which drives one end of something never waits on the
// thread that drives the other, and a hang of either is a failure and not the end of the suite.

import Foundation
import Synchronization
import TestSupport

/// A value that is being worked out on another thread.
final class Background<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let done = DispatchSemaphore(value: 0)

  /// Starts `body` at once.
  init(_ body: @escaping @Sendable () throws -> Value) {
    Thread.detachNewThread { [self] in
      let made = Result { try body() }
      result.withLock { $0 = made }
      done.signal()
    }
  }

  /// Waits for the value; to be asked once.
  ///
  /// - Throws: What the work threw, or `TestFailure` when it is not through within `limit`. The
  ///   thread is left behind then.
  func value(within limit: Double = 60) throws -> Value {
    guard done.wait(timeout: .now() + limit) == .success, let made = result.withLock({ $0 }) else {
      throw TestFailure("not through within \(limit) s")
    }
    return try made.get()
  }
}

/// Another thread of this process, once it has told which it is.
final class OtherThread: Sendable {
  private let identity = Mutex<(thread: pthread_t, number: String)?>(nil)

  /// To be called on that thread.
  func isThis() {
    var path = [CChar](repeating: 0, count: 64)
    // `<process>/task/<thread>`; Swift does not see gettid(2).
    unsafe readlink("/proc/thread-self", &path, path.count - 1)
    let used = path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let text = String(decoding: used, as: UTF8.self)
    let number = text.split(separator: "/").last.map { String($0) } ?? ""
    identity.withLock { $0 = (pthread_self(), number) }
  }

  /// Sends a signal to that thread alone.
  func signal(_ number: Int32) {
    identity.withLock { identity in
      if let identity { pthread_kill(identity.thread, number) }
    }
  }

  /// Whether it waits in epoll_wait(2), and has not run for a while.
  ///
  /// A thread that goes round and round without waiting runs on between two looks at it, or would do so
  /// if a processor were free.
  var isAsleep: Bool {
    guard let number = identity.withLock({ $0?.number }) else { return false }
    /// Nil where it does not wait.
    func processorTime() -> String? {
      guard let state = try? kernelFile("/proc/self/task/\(number)/stat"),
        // Behind the name, which may hold anything.
        state[(state.lastIndex(of: ")") ?? state.startIndex)...].hasPrefix(") S")
      else { return nil }
      return try? kernelFile("/proc/self/task/\(number)/schedstat")
    }
    guard let before = processorTime() else { return false }
    for _ in 0..<5 {
      Thread.sleep(forTimeInterval: 0.01)
      if processorTime() != before { return false }
    }
    return true
  }
}
