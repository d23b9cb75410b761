// A handshake that this end began and does not wait for.

internal import Glibc

/// A socket in SYN_SENT, or past it: connect(2) has been called and its outcome is asked for later.
public struct ConnectAttempt: ~Copyable, Sendable {
  public let socket: Socket
  public let target: Endpoint
  /// When connect(2) was called.
  public let started: MonotonicInstant
  private let keepsCause: Bool

  /// socket(2), then connect(2), which sends the SYN and returns.
  ///
  /// - Parameters:
  ///   - end: what the socket gets before.
  ///   - keepsCause: whether the kernel is to keep the ICMP message that ends the handshake, for
  ///     `progress`. It costs two calls more.
  /// - Throws: what is known without any answer: EMFILE, ENETUNREACH and its kind where no route
  ///   leads there, EACCES, EADDRNOTAVAIL where no local port is free; and on the own host also ECONNREFUSED.
  public init(
    to target: Endpoint, from end: ClientEnd = ClientEnd(),
    options: SocketOptionPlan = SocketOptionPlan(), keepsCause: Bool = false,
    tracer: CallTracer = .silent
  ) throws(SystemCallError) {
    let socket = try Socket(for: target.address, tracer: tracer)
    try options.apply(to: socket, for: target.address)
    try socket.take(end)
    if keepsCause { socket.keepErrors(true, for: target.address) }
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
    self.keepsCause = keepsCause
  }

  /// The state of the handshake now. On the loopback interface it is often over before connect(2) returns.
  public func state() throws(SystemCallError) -> TCPState { try socket.info().state }

  /// How far a handshake is.
  enum Progress {
    /// Neither connected nor failed.
    case pending
    case failed(Errno, ICMPError?)
    /// `finish` takes the connection.
    case connected
  }

  /// Looks where the handshake is, once the socket is writable or has an error, and takes the cause
  /// of its failure.
  func progress() -> Progress {
    // SO_ERROR is first, since the kernel clears it with the queue. It also has the soft error that a
    // message leaves which comes while connect(2) is still at work: the kernel goes on then, but a
    // moment later the same message would have ended the handshake, so it counts as its end.
    let errno = socket.takePendingError()
    let taken = socket.takeICMPError()
    if let errno { return .failed(errno, taken?.errno == errno ? taken?.icmp : nil) }
    let state = (try? state()) ?? .closed
    guard state == .synSent || state == .synReceived else { return .connected }
    return taken.map { .failed($0.errno, $0.icmp) } ?? .pending
  }

  /// Takes the outcome; to be called once the socket is writable. A socket that connected to
  /// itself (a client on loopback that was given the port it was to connect to) counts as refused,
  /// which is what it is: nobody listens there.
  ///
  /// - Parameter isConnected: `progress` has said so; SO_ERROR is not asked for again.
  /// - Throws: ECONNREFUSED after an RST, ETIMEDOUT after the last SYN, EHOSTUNREACH and its kind after an ICMP message.
  public consuming func finish(
    isConnected: Bool = false
  ) throws(SystemCallError) -> Connection {
    if !isConnected, let errno = socket.takePendingError() {
      throw SystemCallError("connect", "to \(target)", errno)
    }
    let local = try socket.localEndpoint()
    // Not always the target: 0.0.0.0 and :: lead to the loopback address. A peer that has reset
    // the connection by now has no name any more.
    let peer = (try? socket.peerEndpoint()) ?? target
    guard local != peer else {
      throw SystemCallError("connect", "to \(target)", .connectionRefused)
    }
    if keepsCause { socket.keepErrors(false, for: target.address) }
    return Connection(socket, local: local, peer: peer)
  }
}
