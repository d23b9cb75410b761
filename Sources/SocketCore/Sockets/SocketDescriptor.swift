// Ownership of a socket's descriptor: its end is a system call that a tracer sees as well.

internal import Glibc

/// The descriptor of a socket; closed when its owner goes, and the close is traced.
public struct SocketDescriptor: ~Copyable, Sendable {
  /// −1 once it has been closed, which nobody outside lives to see.
  public private(set) var rawValue: Int32
  let tracer: CallTracer

  /// Takes over a descriptor that nobody else will close.
  init(owning rawValue: Int32, tracer: CallTracer) {
    self.rawValue = rawValue
    self.tracer = tracer
  }

  deinit {
    // An owner that just goes has nobody to tell of a failure but the tracer.
    if rawValue >= 0 { _ = Self.close(rawValue, tracer) }
  }

  /// Closes now.
  ///
  /// - Throws: the errno of close(2); EINTR counts as closed.
  consuming func close(_ subject: String) throws(SystemCallError) {
    let number = rawValue
    rawValue = -1
    if case .failure(let errno) = Self.close(number, tracer), errno != .interrupted {
      throw SystemCallError("close", subject, errno)
    }
  }

  /// Gives the number away: from now on somebody else closes it.
  consuming func release() -> Int32 {
    let number = rawValue
    rawValue = -1
    return number
  }

  /// Never repeated: after close(2) the number is free, whatever it said.
  private static func close(_ number: Int32, _ tracer: CallTracer) -> Result<Int32, Errno> {
    SystemCall(
      name: "close", descriptor: number, tracer: tracer, retryOnInterrupt: false, effect: .closes
    ).attempt { Glibc.close(number) }
  }
}
