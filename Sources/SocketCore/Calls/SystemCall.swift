// The one way into the kernel: errno is captured on the line after the call, interruption has one
// policy, and a tracer sees what happened.

internal import Glibc

/// What became of a read or a write that does not wait.
public enum TransferResult: Equatable, Sendable {
  /// So many bytes were moved; at least one.
  case transferred(Int)
  /// Nothing could be moved now.
  case wouldBlock
  /// A read met the end of its input.
  case endOfInput
}

/// A call to be made: its name and what it is made on, for errors and traces.
package struct SystemCall {
  let name: StaticString
  var descriptor: Int32? = nil
  var tracer = CallTracer.silent
  /// Repeat while a signal interrupts it. Wrong for close and connect, which go on regardless.
  var retryOnInterrupt = true
  /// What becomes of sockets by it, for traces.
  var effect = Effect.usesSocket

  enum Effect {
    case usesSocket
    /// Its result is the descriptor of a new socket.
    case makesSocket
    /// Afterwards the descriptor may be anybody's, and is not looked at.
    case closes
  }

  /// Makes the call and returns what it returned.
  ///
  /// - Parameters:
  ///   - subject: what it is tried on, for the error's text.
  ///   - arguments: what a trace shows after the descriptor.
  /// - Throws: the errno, where `body` returned −1.
  @discardableResult
  package func make<Result: FixedWidthInteger>(
    _ subject: @autoclosure () -> String, arguments: @autoclosure () -> String = "",
    _ body: () -> Result
  ) throws(SystemCallError) -> Result {
    switch attempt(arguments: arguments(), body) {
    case .success(let result): return result
    case .failure(let errno): throw SystemCallError("\(name)", subject(), errno)
    }
  }

  /// The same for a caller that treats some errors as answers.
  func attempt<Result: FixedWidthInteger>(
    arguments: @autoclosure () -> String = "", _ body: () -> Result
  ) -> Swift.Result<Result, Errno> {
    guard let record = tracer.record else { return attemptUntraced(body) }
    let before = descriptor.map(TracedSocket.init)
    let start = MonotonicInstant.now
    let outcome = attemptUntraced(body)
    let duration = MonotonicInstant.now - start
    var traced = TracedCall(
      name: "\(name)", descriptor: descriptor, arguments: arguments(), result: -1, errno: nil,
      duration: duration, stateBefore: before?.state, stateAfter: nil, socket: before, made: nil)
    if let descriptor, effect != .closes {
      let after = TracedSocket(descriptor)
      traced.socket = after
      traced.stateAfter = after.state
    }
    switch outcome {
    case .success(let result):
      traced.result = Int(result)
      if effect == .makesSocket { traced.made = TracedSocket(Int32(result)) }
    case .failure(let errno): traced.errno = errno
    }
    record(traced)
    return outcome
  }

  @inline(__always)
  private func attemptUntraced<Result: FixedWidthInteger>(
    _ body: () -> Result
  ) -> Swift.Result<Result, Errno> {
    while true {
      let result = body()
      if result != -1 { return .success(result) }
      let errno = Errno.last
      if errno == .interrupted && retryOnInterrupt { continue }
      return .failure(errno)
    }
  }

  /// A read or a write on a descriptor that does not wait.
  ///
  /// - Throws: any error but EAGAIN, which is the answer `wouldBlock`.
  func transfer(
    _ subject: @autoclosure () -> String, arguments: @autoclosure () -> String = "",
    _ body: () -> Int
  ) throws(SystemCallError) -> TransferResult {
    switch attempt(arguments: arguments(), body) {
    case .success(0): return .endOfInput
    case .success(let count): return .transferred(count)
    case .failure(.tryAgain): return .wouldBlock
    case .failure(let errno): throw SystemCallError("\(name)", subject(), errno)
    }
  }
}

extension SystemCall {
  /// A call that no trace shows, repeated while a signal interrupts it.
  package init(name: StaticString) { self.init(name: name, descriptor: nil) }
}
