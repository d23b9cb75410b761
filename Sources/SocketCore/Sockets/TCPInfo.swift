// TCP_INFO: what the kernel knows about one TCP socket.

internal import CLinux
internal import Glibc

/// A reading of TCP_INFO. tcp(7); the fields are those of include/uapi/linux/tcp.h.
///
/// Each kernel returns as much of the structure as it knows. A field that this kernel did not
/// return is nil, never 0.
public struct TCPInfo: Sendable {
  private let raw: linux_tcp_info
  /// How many bytes of the structure the kernel filled in.
  public let length: Int

  /// - Parameter limit: how many bytes of the structure to ask for, no more than it has; less than
  ///   all of it stands for an older kernel.
  init(
    of descriptor: Int32, limit: Int = MemoryLayout<linux_tcp_info>.size
  ) throws(SystemCallError) {
    var filled = linux_tcp_info()
    var size = socklen_t(min(limit, MemoryLayout<linux_tcp_info>.size))
    try SystemCall(name: "getsockopt", descriptor: descriptor).make("TCP_INFO") {
      unsafe getsockopt(descriptor, Int32(IPPROTO_TCP), Int32(TCP_INFO), &filled, &size)
    }
    raw = filled
    length = Int(size)
    // Another kind of socket could only answer with an error, but the state is the one field that
    // everything else here trusts.
    guard TCPState(rawValue: raw.tcpi_state) != nil else {
      throw SystemCallError("getsockopt", "TCP_INFO", Errno(rawValue: EPROTO))
    }
  }

  /// Reads the structure as sock_diag(7) hands it over.
  ///
  /// - Parameter bytes: As much of it as the kernel knows; what is more than this program knows is
  ///   left out.
  /// - Returns: nil where there is not even a known state.
  public init?(_ bytes: RawSpan) {
    var filled = linux_tcp_info()
    let length = min(bytes.byteCount, MemoryLayout<linux_tcp_info>.size)
    unsafe withUnsafeMutableBytes(of: &filled) { room in
      unsafe bytes.withUnsafeBytes { given in
        unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: given.prefix(length)))
      }
    }
    guard TCPState(rawValue: filled.tcpi_state) != nil else { return nil }
    raw = filled
    self.length = length
  }

  init(raw: linux_tcp_info, length: Int) {
    self.raw = raw
    self.length = length
  }

  private func field<Value>(
    _ path: KeyPath<linux_tcp_info, Value>, _ offset: Int?
  ) -> Value? {
    guard let offset, offset + MemoryLayout<Value>.size <= length else { return nil }
    return raw[keyPath: path]
  }

  private func field<Value>(_ path: KeyPath<linux_tcp_info, Value>) -> Value? {
    field(path, MemoryLayout<linux_tcp_info>.offset(of: path))
  }

  public var state: TCPState { TCPState(rawValue: raw.tcpi_state) ?? .closed }

  /// For a listener: connections that wait for accept(2). Otherwise: segments in flight.
  public var unacknowledgedSegments: Int { Int(raw.tcpi_unacked) }
  /// For a listener: the effective backlog. Otherwise: segments acknowledged selectively.
  public var selectivelyAcknowledgedSegments: Int { Int(raw.tcpi_sacked) }
  /// Smoothed round-trip time; 0 before the first sample.
  public var roundTripTime: Duration { .microseconds(raw.tcpi_rtt) }
  /// How much the round-trip time varies: the mean deviation.
  public var roundTripVariation: Duration { .microseconds(raw.tcpi_rttvar) }
  /// After how long without an acknowledgement a segment is sent again; it doubles each time.
  public var retransmissionTimeout: Duration { .microseconds(raw.tcpi_rto) }
  /// The least round-trip time of the last minutes (net.ipv4.tcp_min_rtt_wlen); nil before the
  /// first sample. Linux 4.6.
  public var leastRoundTripTime: Duration? {
    // Without a sample the field is all ones.
    field(\.tcpi_min_rtt).flatMap { $0 == .max ? nil : .microseconds($0) }
  }
  /// Retransmissions of the oldest segment that are not answered yet.
  public var retransmissions: Int { Int(raw.tcpi_retransmits) }
  /// Segments that count as lost and are not retransmitted yet.
  public var lostSegments: Int { Int(raw.tcpi_lost) }
  /// How long ago data were last sent and received, and the last acknowledgement came, to the
  /// kernel's tick; since the connection was made where there were none.
  public var sinceLastSent: Duration { .milliseconds(raw.tcpi_last_data_sent) }
  public var sinceLastReceived: Duration { .milliseconds(raw.tcpi_last_data_recv) }
  public var sinceLastAcknowledgement: Duration { .milliseconds(raw.tcpi_last_ack_recv) }
  /// Segments retransmitted since the socket was made; while connecting, the SYNs among them.
  public var totalRetransmissions: Int { Int(raw.tcpi_total_retrans) }
  /// Bytes that were sent again. Linux 4.19.
  public var bytesRetransmitted: UInt64? { field(\.tcpi_bytes_retrans) }
  /// The congestion window, in segments.
  public var congestionWindow: Int { Int(raw.tcpi_snd_cwnd) }
  /// The window at which slow start ends, in segments; nil while there is no such limit.
  public var slowStartThreshold: Int? {
    // TCP_INFINITE_SSTHRESH
    raw.tcpi_snd_ssthresh >= 0x7FFF_FFFF ? nil : Int(raw.tcpi_snd_ssthresh)
  }
  /// Payload bytes of the largest segment that is sent and that was received.
  public var sendMSS: Int { Int(raw.tcpi_snd_mss) }
  public var receiveMSS: Int { Int(raw.tcpi_rcv_mss) }
  /// The bytes that the path takes in one packet.
  public var pathMTU: Int { Int(raw.tcpi_pmtu) }
  /// How often segments were seen to have overtaken each other. Linux 4.19.
  public var reorderings: Int? { field(\.tcpi_reord_seen).map { Int($0) } }
  /// Segments sent and received, acknowledgements among them. Linux 4.2.
  public var segmentsSent: Int? { field(\.tcpi_segs_out).map { Int($0) } }
  public var segmentsReceived: Int? { field(\.tcpi_segs_in).map { Int($0) } }
  /// Segments sent that had a payload, retransmissions among them. Linux 4.6.
  public var dataSegmentsSent: Int? { field(\.tcpi_data_segs_out).map { Int($0) } }
  /// Bytes that the peer's kernel has acknowledged. SYN and FIN count 1 each. Linux 4.1.
  public var bytesAcknowledged: UInt64? { field(\.tcpi_bytes_acked) }
  /// Bytes received, in order; a FIN counts 1. Linux 4.1.
  public var bytesReceived: UInt64? { field(\.tcpi_bytes_received) }
  /// Bytes sent, retransmissions among them. Linux 4.19.
  public var bytesSent: UInt64? { field(\.tcpi_bytes_sent) }
  /// Bytes in the send buffer that have not been sent yet. Linux 4.6.
  public var bytesUnsent: Int? { field(\.tcpi_notsent_bytes).map { Int($0) } }
  /// The latest measurement of how fast bytes reach the peer, in bytes a second; 0 before the
  /// first. Linux 4.9.
  public var deliveryRate: UInt64? { field(\.tcpi_delivery_rate) }
  /// Whether the measurement of `deliveryRate` began while there was nothing more to send: the path
  /// may be faster. Linux 4.9.
  public var isDeliveryRateApplicationLimited: Bool { raw.tcpi_delivery_rate_app_limited != 0 }
  /// Bytes that the peer would take at once: its receive window. Linux 5.4.
  public var peerWindow: Int? { field(\.tcpi_snd_wnd).map { Int($0) } }
  /// Bytes up to which this end lets its own receive window grow.
  public var receiveWindowLimit: Int { Int(raw.tcpi_rcv_ssthresh) }
  /// How long there was something sent and unacknowledged, or waiting to be sent. Linux 4.10.
  public var busyTime: Duration? { field(\.tcpi_busy_time).map { .microseconds($0) } }
  /// How much of that time the peer's receive window held the rest back.
  public var receiveWindowLimitedTime: Duration? {
    field(\.tcpi_rwnd_limited).map { .microseconds($0) }
  }
  /// How much of that time the send buffer was too small for what the congestion window allowed.
  public var sendBufferLimitedTime: Duration? {
    field(\.tcpi_sndbuf_limited).map { .microseconds($0) }
  }
}

extension TCPInfo {
  /// What kept the sender from being faster.
  public enum Limit: String, CaseIterable, Hashable, Sendable {
    /// There was nothing to send.
    case application
    /// The peer did not take it faster: its receive buffer was full.
    case receiveWindow = "receive_window"
    /// Our send buffer was smaller than what the path would have held.
    case sendBuffer = "send_buffer"
    /// Congestion control: the path.
    case congestion
  }
}

/// Two readings are the same when the kernel gave the same bytes.
extension TCPInfo: Hashable {
  public static func == (left: Self, right: Self) -> Bool {
    left.length == right.length && left.words == right.words
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(words) }

  private var words: [UInt8] { unsafe withUnsafeBytes(of: raw) { unsafe Array($0) } }
}
