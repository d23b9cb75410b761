// Waiting for the peer's kernel to have everything.

/// Waits for the peer's kernel to acknowledge what was sent: our FIN is the last of it. Nothing
/// wakes a waiting program for that, so it is looked for, ever less often.
struct AcknowledgementWatch {
  private let began = MonotonicInstant.now
  private var interval = Duration.milliseconds(1)
  /// When everything was found acknowledged.
  private(set) var completed: MonotonicInstant?

  var isComplete: Bool { completed != nil }

  mutating func look(at connection: borrowing Connection) {
    guard completed == nil, connection.unacknowledgedBytes() == 0 else { return }
    // The last acknowledgement came some time before it was looked for.
    let since = (try? connection.socket.info().sinceLastAcknowledgement) ?? .zero
    completed = max(began, MonotonicInstant.now + (.zero - since))
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
