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
  /// Segments retransmitted since the socket was made; while connecting, the SYNs among them.
  public var totalRetransmissions: Int { Int(raw.tcpi_total_retrans) }
  /// Bytes that the peer's kernel has acknowledged. SYN and FIN count 1 each. Linux 4.1.
  public var bytesAcknowledged: UInt64? { field(\.tcpi_bytes_acked) }
  /// Bytes received, in order. Linux 4.1.
  public var bytesReceived: UInt64? { field(\.tcpi_bytes_received) }
}
