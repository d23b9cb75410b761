// An attempt under way among others: what a race and a scan do with each of theirs.

/// An attempt to connect whose outcome is awaited. A class, since arrays and dictionaries cannot own
/// sockets.
final class RunningAttempt {
  let target: Endpoint
  /// When connect(2) was called.
  let started: MonotonicInstant
  let descriptor: Int32
  private var attempt: ConnectAttempt?
  /// What the kernel knew when the handshake was over.
  private var last: TCPInfo?

  /// socket(2) to connect(2); the cause of a failure will be kept.
  ///
  /// - Throws: what is known without any answer.
  init(
    to target: Endpoint, from end: ClientEnd, options: SocketOptionPlan, tracer: CallTracer
  ) throws(FailedAttempt) {
    let begun = MonotonicInstant.now
    do throws(SystemCallError) {
      let attempt = try ConnectAttempt(
        to: target, from: end, options: options, keepsCause: true, tracer: tracer)
      self.target = target
      started = attempt.started
      descriptor = attempt.socket.descriptor.rawValue
      self.attempt = consume attempt
    } catch {
      throw FailedAttempt(target: target, error: error, elapsed: .now - begun, synsSent: nil)
    }
  }

  /// Whether the handshake is over already, as it often is on the own host when connect(2) returns.
  func isOver() -> Bool {
    guard let info, info.state != .synSent, info.state != .synReceived else { return false }
    last = info
    return true
  }

  /// How far it is; to be asked once its socket is writable or has an error.
  func progress() -> ConnectAttempt.Progress { attempt?.progress() ?? .pending }

  /// Takes the outcome of one that is no longer pending, once.
  ///
  /// - Parameter losers: what else is under way and is given up for this connection.
  func finish(
    _ progress: ConnectAttempt.Progress, losers: [RunningAttempt] = []
  ) throws(FailedAttempt) -> Connected {
    let handshake = MonotonicInstant.now - started
    let info = last ?? info
    let retransmissions = info?.totalRetransmissions ?? 0
    func failed(_ error: SystemCallError, _ icmp: ICMPError? = nil) -> FailedAttempt {
      FailedAttempt(
        target: target, error: error, elapsed: handshake, synsSent: retransmissions + 1, icmp: icmp)
    }
    if case .failed(let errno, let icmp) = progress {
      throw failed(SystemCallError("connect", "to \(target)", errno), icmp)
    }
    guard let attempt = attempt.take() else {
      throw failed(SystemCallError("connect", "to \(target)", .badDescriptor))
    }
    let time = info?.roundTripTime ?? .zero
    do throws(SystemCallError) {
      return Connected(
        connection: try attempt.finish(isConnected: true), handshake: handshake,
        synRetransmissions: retransmissions,
        roundTripTime: retransmissions == 0 && time > .zero ? time : nil,
        abandoned: losers.map { $0.abandoned })
    } catch {
      throw failed(error)
    }
  }

  /// The failure of one that had no answer when its time was over.
  func timedOut() -> FailedAttempt {
    FailedAttempt(
      target: target, error: SystemCallError("connect", "to \(target)", .timedOut),
      elapsed: .now - started, synsSent: synsSent)
  }

  /// How things stand with one that nothing has come back to.
  var waiting: WaitingAttempt {
    WaitingAttempt(target: target, elapsed: .now - started, synsSent: synsSent)
  }

  private var abandoned: AbandonedAttempt {
    AbandonedAttempt(target: target, elapsed: .now - started, synsSent: synsSent)
  }

  private var synsSent: Int { (info?.totalRetransmissions ?? 0) + 1 }

  private var info: TCPInfo? {
    guard attempt != nil else { return nil }
    return try? attempt?.socket.info()
  }
}
