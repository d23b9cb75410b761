// Waiting for the peer's kernel to have everything.

/// Waits for the peer's kernel to acknowledge what was sent: our FIN is the last of it. Nothing
/// wakes a waiting program for that, so it is looked for, ever less often.
struct AcknowledgementWatch {
  private let began = MonotonicInstant.now
  private var interval = Duration.milliseconds(1)
  /// When everything was found acknowledged.
  private(set) var completed: MonotonicInstant?

  var isComplete: Bool { completed != nil }

  /// The kernel's tick where it is longest (CONFIG_HZ=100).
  private static let longestTick = Duration.milliseconds(10)

  /// - Parameter isExact: whether it matters when the acknowledgement came, and not only that it did.
  /// - Throws: where the kernel does not tell, in either way.
  mutating func look(
    at connection: borrowing Connection, isExact: Bool
  ) throws(SystemCallError) {
    guard completed == nil, try isAcknowledged(connection) else { return }
    let told = isExact ? (try? connection.socket.info().sinceLastAcknowledgement) : nil
    // After it was told: what this thread is held up in between must not make the end earlier.
    let now = MonotonicInstant.now
    // The last acknowledgement came some time before it was looked for. The kernel counts that in
    // ticks, of which one may have only begun: taken for whole it would make a short transfer end
    // as soon as it had begun, at terabits a second.
    let elapsed = max(.zero, (told ?? .zero) - Self.longestTick)
    completed = max(began, now + (.zero - elapsed))
  }

  /// Where the send buffer may not be looked at, the state tells: these are behind the
  /// acknowledgement of our FIN, unless an error led to the last of them.
  private func isAcknowledged(_ connection: borrowing Connection) throws(SystemCallError) -> Bool {
    if let pending = connection.unacknowledgedBytes() { return pending == 0 }
    switch try connection.socket.info().state {
    case .finWait2, .timeWait: return true
    case .closed:
      if let errno = connection.socket.takePendingError() {
        throw SystemCallError("shutdown", "of \(connection.peer)", errno)
      }
      return true
    default: return false
    }
  }

  /// Whether the time that the peer had for its own end is over.
  func isOver(after linger: Duration?) -> Bool {
    guard let completed, let linger else { return false }
    return MonotonicInstant.now >= completed + linger
  }

  mutating func nextLook(_ linger: Duration?) -> MonotonicInstant? {
    if let completed { return linger.map { completed + $0 } }
    defer { interval = min(interval * 2, .milliseconds(100)) }
    return .now + interval
  }
}
