// Watching system calls: handed to the sockets that are to be watched, never global.

internal import Glibc

/// A socket as it was seen beside a call.
public struct TracedSocket: Hashable, Sendable {
  public var descriptor: Int32
  /// Its TCP state; nil where the descriptor is no TCP socket.
  public var state: TCPState?
  /// Its two ends; nil where it has none, or has lost it: a reset socket has no peer any more.
  public var local: Endpoint?
  public var peer: Endpoint?

  /// Asks the kernel. TCP_INFO, getsockname(2), getpeername(2).
  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    state = TCPState(ofDescriptor: descriptor)
    var address = SocketAddress()
    let hasLocal = unsafe address.withMutablePointer { unsafe getsockname(descriptor, $0, $1) } == 0
    local = hasLocal ? address.endpoint?.unmapped : nil
    address = SocketAddress()
    let hasPeer = unsafe address.withMutablePointer { unsafe getpeername(descriptor, $0, $1) } == 0
    peer = hasPeer ? address.endpoint?.unmapped : nil
  }
}

/// One system call as it happened.
public struct TracedCall: Sendable {
  /// The call's name, `listen`.
  public var name: String
  /// The descriptor that it was made on; nil where there is none. One that it made is its result.
  public var descriptor: Int32?
  /// Its arguments after the descriptor, as a person would write them.
  public var arguments: String
  /// What it returned: −1 where it failed.
  public var result: Int
  /// Why it failed; nil where it did not.
  public var errno: Errno?
  /// How long it took.
  public var duration: Duration
  /// The socket's TCP state before and after; nil where the descriptor is no TCP socket.
  public var stateBefore: TCPState?
  public var stateAfter: TCPState?
  /// The socket that it was made on, as it was after the call; after close(2), as it was before.
  public var socket: TracedSocket?
  /// The socket that it made.
  public var made: TracedSocket?
}

/// Receives each call of the sockets that carry it.
public struct CallTracer: Sendable {
  let record: (@Sendable (TracedCall) -> Void)?

  /// Watches nothing and costs one comparison a call.
  public static let silent = CallTracer(record: nil)

  private init(record: (@Sendable (TracedCall) -> Void)?) { self.record = record }

  /// Calls `record` after each call, on the thread that made it.
  public init(_ record: @escaping @Sendable (TracedCall) -> Void) {
    self.init(record: .some(record))
  }
}
