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
  /// What the kernel knows about the connection; nil where it could not be asked, and for the sum of
  /// several.
  public var info: TCPInfo?
  /// The part of that which has a sum.
  public var path: PathReading
  /// How many connections are summed up here; nil for the reading of one.
  public private(set) var streams: Int?

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
    path = PathReading(info)
  }

  /// The sum of connections that were read at the same time; their round trip is the mean.
  ///
  /// - Parameters:
  ///   - all: Open and ended ones.
  ///   - elapsed: Since the first of them began.
  public init(sumOf all: [RelayReading], elapsed: Duration) {
    func sum(_ value: (RelayReading) -> Int?) -> Int? {
      let known = all.compactMap(value)
      return known.isEmpty ? nil : known.reduce(0, +)
    }
    self.elapsed = elapsed
    sent = sum { $0.sent } ?? 0
    acknowledged = sum { $0.acknowledged } ?? 0
    received = sum { $0.received } ?? 0
    unread = sum { $0.unread }
    buffered = sum { $0.buffered }
    path = PathReading(nil)
    path.retransmissions = sum { $0.path.retransmissions } ?? 0
    path.congestionWindow = sum { $0.path.congestionWindow }
    path.unsent = sum { $0.path.unsent }
    path.receiveWindow = sum { $0.path.receiveWindow }
    let trips = all.compactMap { $0.path.roundTrip }
    path.roundTrip = trips.isEmpty ? nil : trips.reduce(.zero, +) / trips.count
    streams = all.count
  }

  /// Bytes that are on their way: sent and not acknowledged. The two counters are read one after the
  /// other, so that a little may be counted twice.
  public var inFlight: Int? {
    guard let buffered, let unsent = path.unsent else { return nil }
    return max(0, buffered - unsent)
  }
}

/// What the kernel tells of the way of a connection's bytes, as far as connections can be summed up.
public struct PathReading: Hashable, Sendable {
  /// Segments that were sent again so far.
  public var retransmissions = 0
  /// Segments.
  public var congestionWindow: Int?
  public var roundTrip: Duration?
  /// Bytes in the send buffer that were not sent yet.
  public var unsent: Int?
  /// Bytes that this end can announce.
  public var receiveWindow: Int?

  init(_ info: TCPInfo?) {
    guard let info else { return }
    retransmissions = info.totalRetransmissions
    congestionWindow = info.congestionWindow
    roundTrip = info.roundTripTime
    unsent = info.bytesUnsent
    receiveWindow = info.receiveWindowLimit
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
