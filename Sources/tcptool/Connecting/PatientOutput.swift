// Lines to a stream whose reader may be slow, without ever waiting for it where a signal is not seen.

internal import SocketCore

/// Bytes on their way to an output. What the reader does not take at once is written while the
/// program waits for something else.
struct PatientOutput: ~Copyable {
  private var output: ByteOutput
  private var pending: [UInt8] = []
  /// With more than this nothing new is begun before the reader has caught up.
  private static let limit = 65_536

  init(_ output: consuming ByteOutput) { self.output = output }

  /// Adds text, and writes what can be written now.
  mutating func write(_ text: String) throws(SystemCallError) {
    pending += text.utf8
    if !output.needsReadiness { try push() }
  }

  /// Waits until an instant, and longer where the reader is far behind; writes meanwhile.
  ///
  /// - Returns: a signal that came first.
  mutating func wait(
    until instant: MonotonicInstant, loop: inout ReadinessLoop
  ) throws(SystemCallError) -> Int32? {
    // The loop counts in milliseconds. It is left early, and the rest is waited for exactly.
    let early = instant + .milliseconds(-1)
    // At least once: where the instant is near, and each handshake fails at once, nothing else looks
    // for signals.
    repeat {
      let deadline = pending.count > Self.limit ? nil : early
      if case .signal(let signal) = try step(until: deadline, &loop) { return signal }
    } while pending.count > Self.limit || MonotonicInstant.now < early
    instant.wait()
    return nil
  }

  /// Writes all that is left, until a deadline.
  ///
  /// - Returns: `ready` where it is written.
  mutating func finish(
    until deadline: MonotonicInstant?, loop: inout ReadinessLoop
  ) throws(SystemCallError) -> Wakeup {
    while !pending.isEmpty {
      let wakeup = try step(until: deadline, &loop)
      if wakeup != .ready { return wakeup }
    }
    return .ready
  }

  private mutating func step(
    until deadline: MonotonicInstant?, _ loop: inout ReadinessLoop
  ) throws(SystemCallError) -> Wakeup {
    let descriptor = output.descriptor
    // Only for bytes that wait: one whose reader is gone would be ready all the time.
    if !pending.isEmpty { try loop.watch(descriptor, for: .writable) }
    defer { loop.forget(descriptor) }
    let wakeup = try loop.wait(until: deadline)
    if wakeup == .ready { try push() }
    return wakeup
  }

  private mutating func push() throws(SystemCallError) {
    while !pending.isEmpty {
      let result = try unsafe output.write(pending.span.bytes)
      guard case .transferred(let count) = result else { return }
      pending.removeFirst(count)
      // Another piece may only follow when the descriptor has been found ready again.
      if output.needsReadiness { return }
    }
  }
}
