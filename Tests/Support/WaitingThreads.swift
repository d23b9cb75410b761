// Threads for tests that wait: for a child process, for a state of the kernel, for a screen.

import Foundation
public import Testing

/// Runs each test of a suite on one of a few threads that are there for waiting.
///
/// Swift has as many threads for tests as the machine has cores. A test that waits keeps its thread
/// from all others, so that on two cores, which were idle most of the time, only two tests went on.
public struct WaitingTrait: SuiteTrait, TestTrait, TestScoping {
  public var isRecursive: Bool { true }

  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(WaitingThreads.all) { try await function() }
  }
}

extension Trait where Self == WaitingTrait {
  /// The tests wait for what happens elsewhere more than they compute.
  public static var waits: Self { Self() }
}

/// The threads, which take the next piece of work in the order in which it came.
private final class WaitingThreads: TaskExecutor {
  static let all = WaitingThreads(count: 8)

  private let condition = NSCondition()
  nonisolated(unsafe) private var jobs: [UnownedJob] = []

  init(count: Int) {
    for _ in 0..<count {
      Thread.detachNewThread { [self] in
        while true { unsafe next().runSynchronously(on: asUnownedTaskExecutor()) }
      }
    }
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    condition.withLock {
      unsafe jobs.append(job)
      condition.signal()
    }
  }

  private func next() -> UnownedJob {
    condition.withLock {
      while unsafe jobs.isEmpty { condition.wait() }
      return unsafe jobs.removeFirst()
    }
  }
}
