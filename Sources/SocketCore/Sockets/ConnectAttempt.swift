// A handshake that this end began and does not wait for.

internal import Glibc

/// A socket in SYN_SENT, or past it: connect(2) has been called and its outcome is asked for later.
public struct ConnectAttempt: ~Copyable, Sendable {
  public let socket: Socket
  public let target: Endpoint
  /// When connect(2) was called.
  public let started: MonotonicInstant

  /// socket(2), then connect(2), which sends the SYN and returns.
  ///
  /// - Throws: what is known without any answer: EMFILE, ENETUNREACH and its kind where no route
  ///   leads there, EACCES, EADDRNOTAVAIL where no local port is free; and on the own host also ECONNREFUSED.
  public init(to target: Endpoint, tracer: CallTracer = .silent) throws(SystemCallError) {
    let socket = try Socket(for: target.address, tracer: tracer)
    let address = SocketAddress(target)
    let started = MonotonicInstant.now
    // Never repeated: an interrupted connect goes on by itself, and its outcome is in SO_ERROR.
    let result = socket.call("connect", retryOnInterrupt: false).attempt(arguments: "\(target)") {
      unsafe address.withPointer { unsafe connect(socket.descriptor.rawValue, $0, $1) }
    }
    if case .failure(let errno) = result, errno != .inProgress, errno != .interrupted {
      throw SystemCallError("connect", "to \(target)", errno)
    }
    self.socket = socket
    self.target = target
    self.started = started
  }

  /// The state of the handshake now. On the loopback interface it is often over before connect(2) returns.
  public func state() throws(SystemCallError) -> TCPState { try socket.info().state }

  /// Takes the outcome; to be called once the socket is writable. A socket that connected to
  /// itself (a client on loopback that was given the port it was to connect to) counts as refused,
  /// which is what it is: nobody listens there.
  ///
  /// - Throws: ECONNREFUSED after an RST, ETIMEDOUT after the last SYN, EHOSTUNREACH and its kind after an ICMP message.
  public consuming func finish() throws(SystemCallError) -> Connection {
    if let errno = socket.takePendingError() {
      throw SystemCallError("connect", "to \(target)", errno)
    }
    let local = try socket.localEndpoint()
    // Not always the target: 0.0.0.0 and :: lead to the loopback address. A peer that has reset
    // the connection by now has no name any more.
    let peer = (try? socket.peerEndpoint()) ?? target
    guard local != peer else {
      throw SystemCallError("connect", "to \(target)", .connectionRefused)
    }
    return Connection(socket, local: local, peer: peer)
  }
}
