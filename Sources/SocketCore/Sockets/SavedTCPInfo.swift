// TCP_INFO of another time or machine, from the values that were saved of it.

internal import CLinux

/// Values of TCP_INFO under the names of `TCPInfo`; times are in microseconds or milliseconds, as in
/// include/uapi/linux/tcp.h. What is nil was not known.
public struct SavedTCPInfo: Sendable {
  public var roundTripTime: UInt32?
  public var roundTripVariation: UInt32?
  public var leastRoundTripTime: UInt32?
  public var retransmissionTimeout: UInt32?
  public var congestionWindow: UInt32?
  public var slowStartThreshold: UInt32?
  public var sendMSS: UInt32?
  public var pathMTU: UInt32?
  public var unacknowledgedSegments: UInt32?
  public var lostSegments: UInt32?
  public var totalRetransmissions: UInt32?
  public var sinceLastSent: UInt32?
  public var sinceLastReceived: UInt32?
  public var sinceLastAcknowledgement: UInt32?
  public var bytesAcknowledged: UInt64?
  public var bytesReceived: UInt64?
  public var segmentsSent: UInt32?
  public var segmentsReceived: UInt32?
  public var bytesUnsent: UInt32?
  public var deliveryRate: UInt64?
  public var busyTime: UInt64?
  public var receiveWindowLimitedTime: UInt64?
  public var sendBufferLimitedTime: UInt64?
  public var bytesSent: UInt64?
  public var bytesRetransmitted: UInt64?
  public var reorderings: UInt32?

  public init() {}
}

extension TCPInfo {
  /// A reading as the kernel would have given it. It ends behind the last value that is known, as
  /// that of an older kernel does.
  public init(_ saved: SavedTCPInfo, state: TCPState) {
    var raw = linux_tcp_info()
    raw.tcpi_state = state.rawValue
    raw.tcpi_rtt = saved.roundTripTime ?? 0
    raw.tcpi_rttvar = saved.roundTripVariation ?? 0
    raw.tcpi_rto = saved.retransmissionTimeout ?? 0
    // All ones is what the kernel has before the first sample, and without a threshold.
    raw.tcpi_min_rtt = saved.leastRoundTripTime ?? .max
    raw.tcpi_snd_ssthresh = saved.slowStartThreshold ?? .max
    raw.tcpi_snd_cwnd = saved.congestionWindow ?? 0
    raw.tcpi_snd_mss = saved.sendMSS ?? 0
    raw.tcpi_pmtu = saved.pathMTU ?? 0
    raw.tcpi_unacked = saved.unacknowledgedSegments ?? 0
    raw.tcpi_lost = saved.lostSegments ?? 0
    raw.tcpi_total_retrans = saved.totalRetransmissions ?? 0
    raw.tcpi_last_data_sent = saved.sinceLastSent ?? 0
    raw.tcpi_last_data_recv = saved.sinceLastReceived ?? 0
    raw.tcpi_last_ack_recv = saved.sinceLastAcknowledgement ?? 0
    var length = MemoryLayout<linux_tcp_info>.offset(of: \.tcpi_pacing_rate) ?? 0
    func put<Value>(_ value: Value?, _ path: WritableKeyPath<linux_tcp_info, Value>) {
      guard let value, let offset = MemoryLayout<linux_tcp_info>.offset(of: path) else { return }
      raw[keyPath: path] = value
      length = max(length, offset + MemoryLayout<Value>.size)
    }
    put(saved.bytesAcknowledged.map { __u64($0) }, \.tcpi_bytes_acked)
    put(saved.bytesReceived.map { __u64($0) }, \.tcpi_bytes_received)
    put(saved.segmentsSent, \.tcpi_segs_out)
    put(saved.segmentsReceived, \.tcpi_segs_in)
    put(saved.bytesUnsent, \.tcpi_notsent_bytes)
    put(saved.leastRoundTripTime, \.tcpi_min_rtt)
    put(saved.deliveryRate.map { __u64($0) }, \.tcpi_delivery_rate)
    put(saved.busyTime.map { __u64($0) }, \.tcpi_busy_time)
    put(saved.receiveWindowLimitedTime.map { __u64($0) }, \.tcpi_rwnd_limited)
    put(saved.sendBufferLimitedTime.map { __u64($0) }, \.tcpi_sndbuf_limited)
    put(saved.bytesSent.map { __u64($0) }, \.tcpi_bytes_sent)
    put(saved.bytesRetransmitted.map { __u64($0) }, \.tcpi_bytes_retrans)
    put(saved.reorderings, \.tcpi_reord_seen)
    self.init(raw: raw, length: length)
  }
}
