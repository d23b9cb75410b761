// Connecting several times to one address: the streams of one transfer.

/// What came of connecting several times.
public enum ParallelConnectOutcome: Sendable {
  /// All connections are there.
  case connected
  /// The first attempt that failed; the others were given up.
  case failed(FailedAttempt)
  /// A signal came first.
  case signal(Int32)
}

extension Connector {
  /// So many attempts wait at the same time: a listener with a short queue would drop more of them.
  private static let mostAttempts = 64

  /// Makes several connections to an address.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - deadline: bounds all of it. Without one the kernel's own limit holds for each attempt.
  ///   - options: the own end; there is no race.
  ///   - take: gets each connection as it is made.
  /// - Throws: failures of the readiness loop.
  public static func connect(
    _ count: Int, timesTo target: Endpoint, until deadline: MonotonicInstant?,
    options: Options = Options(), loop: inout ReadinessLoop, tracer: CallTracer = .silent,
    take: (consuming Connected, inout ReadinessLoop) -> Void
  ) throws(SystemCallError) -> ParallelConnectOutcome {
    var left = count
    var running: [RunningAttempt] = []
    defer { for attempt in running { loop.forget(attempt.descriptor) } }
    while true {
      do throws(FailedAttempt) {
        while left > 0, running.count < mostAttempts {
          left -= 1
          let attempt = try RunningAttempt(
            to: target, from: options.end, options: options.socketOptions, tracer: tracer)
          running.append(attempt)
        }
      } catch {
        return .failed(error)
      }
      guard !running.isEmpty else { return .connected }
      for attempt in running { try loop.watch(attempt.descriptor, for: .writable) }
      if case .signal(let signal) = try loop.wait(until: deadline) { return .signal(signal) }
      // In the order in which they began, which is that in which a listener gets them.
      for attempt in running where !loop.readiness(of: attempt.descriptor).isEmpty {
        let progress = attempt.progress()
        if case .pending = progress { continue }
        loop.forget(attempt.descriptor)
        running.removeAll { $0 === attempt }
        let connected: Connected
        do throws(FailedAttempt) {
          connected = try attempt.finish(progress)
        } catch {
          return .failed(error)
        }
        take(connected, &loop)
      }
      if let deadline, MonotonicInstant.now >= deadline, let attempt = running.first {
        return .failed(attempt.timedOut())
      }
    }
  }
}
