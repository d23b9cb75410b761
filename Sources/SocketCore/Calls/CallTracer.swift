// Watching system calls: handed to the sockets that are to be watched, never global.

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
