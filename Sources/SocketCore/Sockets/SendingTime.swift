// Where the time of a sender went, by the kernel's own clocks of its socket.

/// The time of a sender, divided by what it waited for. The kernel (tcp_chrono_start in
/// net/ipv4/tcp_output.c) counts each moment once.
public struct SendingTime: Hashable, Sendable {
  /// All of it.
  public var elapsed: Duration
  /// While there was something sent and unacknowledged, or waiting to be sent. tcpi_busy_time.
  public var busy: Duration
  /// The part of that in which the peer's receive window held the rest back. tcpi_rwnd_limited.
  public var receiveWindow: Duration
  /// The part of that in which the send buffer was full of what was on its way, while the congestion
  /// window had room. tcpi_sndbuf_limited.
  public var sendBuffer: Duration

  public init(elapsed: Duration, busy: Duration, receiveWindow: Duration, sendBuffer: Duration) {
    self.elapsed = max(elapsed, busy)
    self.busy = busy
    self.receiveWindow = receiveWindow
    self.sendBuffer = sendBuffer
  }

  /// - Parameter elapsed: how long the connection has lasted, or until everything was acknowledged.
  /// - Returns: nil where this kernel keeps no such clocks, and where nothing was sent for so long
  ///   that they would show it: they go by the kernel's ticks of 1 to 10 ms.
  public init?(_ info: TCPInfo, elapsed: Duration) {
    guard let busy = info.busyTime, let window = info.receiveWindowLimitedTime,
      let buffer = info.sendBufferLimitedTime, busy > .zero || elapsed >= Self.manyTicks
    else { return nil }
    self.init(elapsed: elapsed, busy: busy, receiveWindow: window, sendBuffer: buffer)
  }

  private static let manyTicks = Duration.milliseconds(50)

  /// The rest of the busy time: the congestion window and the round trip, or the processor.
  public var path: Duration { max(.zero, busy - receiveWindow - sendBuffer) }
  /// While there was nothing to send.
  public var application: Duration { elapsed - busy }

  /// The time that `limit` took.
  public func time(of limit: TCPInfo.Limit) -> Duration {
    switch limit {
    case .application: application
    case .receiveWindow: receiveWindow
    case .sendBuffer: sendBuffer
    case .congestion: path
    }
  }

  /// What took the most of it.
  public var limit: TCPInfo.Limit {
    TCPInfo.Limit.allCases.max { time(of: $0) < time(of: $1) } ?? .congestion
  }
}
