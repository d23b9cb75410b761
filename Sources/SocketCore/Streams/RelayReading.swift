// How a relay stands at one moment, and the pace that it may be held to.

/// What the engine reads of a relay and its connection, again and again while it lasts.
public struct RelayReading: Hashable, Sendable {
  /// Since the relay began.
  public var elapsed: Duration
  /// Bytes handed to the kernel for the peer.
  public var sent: Int
  /// How many of these the peer's kernel has acknowledged.
  public var acknowledged: Int
  /// Bytes taken from the connection.
  public var received: Int
  /// Bytes that have come and were not taken yet. SIOCINQ, tcp(7).
  public var unread: Int?
  /// Bytes in the send buffer, acknowledged ones excluded. SIOCOUTQ, tcp(7).
  public var buffered: Int?
  /// What the kernel knows about the connection; nil where it could not be asked.
  public var info: TCPInfo?

  public init(
    elapsed: Duration, sent: Int = 0, acknowledged: Int = 0, received: Int = 0, unread: Int? = nil,
    buffered: Int? = nil, info: TCPInfo? = nil
  ) {
    self.elapsed = elapsed
    self.sent = sent
    self.acknowledged = acknowledged
    self.received = received
    self.unread = unread
    self.buffered = buffered
    self.info = info
  }

  /// Bytes that are on their way: sent and not acknowledged. The two counters are read one after the
  /// other, so that a little may be counted twice.
  public var inFlight: Int? {
    guard let buffered, let unsent = info?.bytesUnsent else { return nil }
    return max(0, buffered - unsent)
  }
}

/// Holds a sender to a rate where the kernel does not: tokens are bytes, and come by and by.
///
/// Over any time from the start on, no more is sent than the rate gives, one burst and one call more.
struct TokenBucket {
  /// Bytes a second, at least 1.
  let rate: Int
  /// The most of one call, and what is there at the start.
  let burst: Int
  /// The most that is saved up while nothing is sent. A tenth of a second makes up for a processor that
  /// had other things to do, so that the mean stays what was asked for.
  private let most: Double
  private var tokens: Double
  private var filled: MonotonicInstant

  /// How many segments of a connection the kernel sends without any pace: tcp_update_skb_after_send in
  /// net/ipv4/tcp_output.c. On loopback they may be 640 KiB.
  static let unpacedSegments = 10

  /// Whether what the kernel sends at once, 64 KiB or two segments, is small beside a burst, so that its
  /// own pace is as good as this one. At lower rates a few of those would be a second's worth.
  var isCoarserThanSegments: Bool { burst >= 128 << 10 }

  /// - Parameter rate: Bytes a second.
  init(rate: Int, at start: MonotonicInstant) {
    self.rate = max(1, rate)
    // A fiftieth of a second, which a timer of milliseconds can serve.
    burst = max(1_448, self.rate / 50)
    most = Double(max(burst, self.rate / 10))
    tokens = Double(burst)
    filled = start
  }

  /// Lets tokens come in.
  mutating func fill(at now: MonotonicInstant) {
    let gained = Double((now - filled).nanoseconds) / 1e9 * Double(rate)
    tokens = min(most, tokens + gained)
    filled = now
  }

  /// Whether anything may be sent.
  var isOpen: Bool { tokens > 0 }

  /// Takes in that bytes were sent; what was too much is owed.
  mutating func take(_ bytes: Int) { tokens -= Double(bytes) }

  /// When the debt is paid, and a half of the burst is there.
  var nextTime: MonotonicInstant {
    let missing = max(0, Double(burst) / 2 - tokens) / Double(rate)
    return filled + .nanoseconds(Int64(min(missing, 1e9) * 1e9))
  }
}
