// The states of a TCP socket, under the kernel's names.

internal import CLinux
internal import Glibc

/// A TCP state with the kernel's number (include/net/tcp_states.h), which is also the one that
/// /proc/net/tcp and TCP_INFO show. NEW_SYN_RECV (12) never leaves the kernel: it is shown as SYN_RECV.
public enum TCPState: UInt8, CaseIterable, Hashable, Sendable {
  case established = 1
  case synSent
  case synReceived
  case finWait1
  case finWait2
  case timeWait
  case closed
  case closeWait
  case lastAck
  case listen
  case closing

  /// The kernel's name: `SYN_RECV`.
  public var name: StaticString {
    switch self {
    case .established: "ESTABLISHED"
    case .synSent: "SYN_SENT"
    case .synReceived: "SYN_RECV"
    case .finWait1: "FIN_WAIT1"
    case .finWait2: "FIN_WAIT2"
    case .timeWait: "TIME_WAIT"
    case .closed: "CLOSE"
    case .closeWait: "CLOSE_WAIT"
    case .lastAck: "LAST_ACK"
    case .listen: "LISTEN"
    case .closing: "CLOSING"
    }
  }

  /// What this socket's state is now; nil where it is no TCP socket.
  init?(ofDescriptor descriptor: Int32) {
    guard let info = try? TCPInfo(of: descriptor) else { return nil }
    self = info.state
  }
}
