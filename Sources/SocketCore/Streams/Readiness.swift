// The readiness loop: one thread waits for descriptors, signals and a deadline at once.

internal import CLinux
internal import Glibc

/// What a descriptor is watched for, or was found to be ready for.
public struct Readiness: OptionSet, Hashable, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// A read would not wait: there are bytes, an end of input or an error to be read.
  public static let readable = Readiness(rawValue: 1)
  /// A write would not wait.
  public static let writable = Readiness(rawValue: 2)
  /// The connection is over in both directions, by FINs or by an RST. Reported unasked.
  public static let hungUp = Readiness(rawValue: 4)
}

/// Why `wait` returned.
public enum Wakeup: Equatable, Sendable {
  /// Some of the watched descriptors are ready; `readiness(of:)` tells which.
  case ready
  /// A signal came that would have ended the program, or that was asked for besides.
  case signal(Int32)
  /// The deadline passed.
  case deadline
}

/// epoll(7) and signalfd(2) behind one call, level-triggered.
///
/// While it exists, the signals SIGINT, SIGTERM and SIGHUP of this thread (and those that were asked
/// for) are read by `wait`, and a write into a closed pipe is an error (EPIPE) instead of a SIGPIPE. Its end, which has to be on the
/// thread that made it, restores both.
public struct ReadinessLoop: ~Copyable {
  private let poll: Descriptor
  private let signals: Descriptor
  private var savedMask: sigset_t
  /// Regular files, which epoll refuses because they never wait, and descriptors that are not open,
  /// where whatever is tried next meets the error.
  private var alwaysReady: [Int32: Readiness] = [:]
  private var watched: [Int32: Readiness] = [:]
  private var found: [Int32: Readiness] = [:]

  /// - Parameter others: Signals that `wait` reads, too.
  /// - Throws: EMFILE and its kind from epoll_create1(2) or signalfd(2).
  public init(reading others: [Int32] = []) throws(SystemCallError) {
    var terminating = sigset_t()
    _ = unsafe sigemptyset(&terminating)
    // A blocked signal reaches a signalfd even where it is ignored.
    for signal in [SIGINT, SIGTERM, SIGHUP] + others where !Self.isIgnored(signal) {
      _ = unsafe sigaddset(&terminating, signal)
    }
    let signals = Descriptor(
      owning: try SystemCall(name: "signalfd").make("") {
        unsafe signalfd(-1, &terminating, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
      })
    let poll = Descriptor(
      owning: try SystemCall(name: "epoll_create1").make("") {
        epoll_create1(Int32(EPOLL_CLOEXEC))
      })
    var event = unsafe epoll_event()
    unsafe event.events = EPOLLIN.rawValue
    unsafe event.data.fd = signals.rawValue
    try SystemCall(name: "epoll_ctl").make("of the signals") {
      unsafe epoll_ctl(poll.rawValue, EPOLL_CTL_ADD, signals.rawValue, &event)
    }
    var blocked = terminating
    _ = unsafe sigaddset(&blocked, SIGPIPE)
    savedMask = sigset_t()
    _ = unsafe pthread_sigmask(SIG_BLOCK, &blocked, &savedMask)
    self.poll = poll
    self.signals = signals
  }

  deinit {
    var mask = savedMask
    // Each EPIPE left a SIGPIPE that waits for its turn: it has been told and must not come now.
    if unsafe sigismember(&mask, SIGPIPE) == 0 {
      var pipeSignal = sigset_t()
      _ = unsafe sigemptyset(&pipeSignal)
      _ = unsafe sigaddset(&pipeSignal, SIGPIPE)
      var now = timespec()
      _ = unsafe sigtimedwait(&pipeSignal, nil, &now)
    }
    _ = unsafe pthread_sigmask(SIG_SETMASK, &mask, nil)
  }

  private static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    guard unsafe sigaction(signal, nil, &action) == 0 else { return false }
    let handler = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
    return unsafe handler == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Watches a descriptor for `interest` from now on. The same interest again costs nothing. With
  /// an empty one only a hang-up is reported.
  ///
  /// - Throws: ENOMEM and its kind from epoll_ctl(2).
  public mutating func watch(
    _ descriptor: Int32, for interest: Readiness
  ) throws(SystemCallError) {
    let before = watched.updateValue(interest, forKey: descriptor)
    guard before != interest else { return }
    let operation = before == nil ? EPOLL_CTL_ADD : EPOLL_CTL_MOD
    if alwaysReady[descriptor] != nil {
      alwaysReady[descriptor] = interest
      return
    }
    var event = unsafe epoll_event()
    unsafe event.events =
      (interest.contains(.readable) ? EPOLLIN.rawValue : 0)
      | (interest.contains(.writable) ? EPOLLOUT.rawValue : 0)
    unsafe event.data.fd = descriptor
    switch SystemCall(name: "epoll_ctl").attempt({
      unsafe epoll_ctl(poll.rawValue, operation, descriptor, &event)
    }) {
    case .success: break
    case .failure(.operationNotPermitted), .failure(.badDescriptor):
      alwaysReady[descriptor] = interest
    case .failure(let errno):
      throw SystemCallError("epoll_ctl", "of descriptor \(descriptor)", errno)
    }
  }

  /// Ends the watch; to be called before the descriptor is closed.
  public mutating func forget(_ descriptor: Int32) {
    found[descriptor] = nil
    guard watched.removeValue(forKey: descriptor) != nil,
      alwaysReady.removeValue(forKey: descriptor) == nil
    else { return }
    // Fails only for a descriptor that is gone already, and then there is nothing to end.
    _ = epoll_ctl(poll.rawValue, EPOLL_CTL_DEL, descriptor, nil)
  }

  /// What the last `wait` found about a descriptor.
  public func readiness(of descriptor: Int32) -> Readiness { found[descriptor, default: []] }

  /// The descriptors that the last `wait` found ready, in no order: for who watches many of them.
  public var readyDescriptors: [Int32] { Array(found.keys) }

  /// Waits until a watched descriptor is ready, a signal comes, or the deadline is there; nil waits without one.
  ///
  /// - Throws: only what would be a bug in this program.
  public mutating func wait(until deadline: MonotonicInstant? = nil) throws(SystemCallError)
    -> Wakeup
  {
    while true {
      found.removeAll(keepingCapacity: true)
      if try waitOnce(timeout: timeout(until: deadline)), let signal = takeSignal() {
        return .signal(signal)
      }
      for (descriptor, interest) in alwaysReady where !interest.isEmpty {
        found[descriptor] = interest
      }
      if !found.isEmpty { return .ready }
      if let deadline, MonotonicInstant.now >= deadline { return .deadline }
    }
  }

  /// Milliseconds for epoll_wait(2), rounded up so that a deadline is never met early: −1 for none.
  private func timeout(until deadline: MonotonicInstant?) -> Int32 {
    guard alwaysReady.values.allSatisfy(\.isEmpty) else { return 0 }
    guard let deadline else { return -1 }
    let left = (deadline - .now).nanoseconds
    guard left > 0 else { return 0 }
    return Int32(clamping: (left - 1) / 1_000_000 + 1)
  }

  /// Fills `found`; true if a signal waits.
  private mutating func waitOnce(timeout: Int32) throws(SystemCallError) -> Bool {
    let capacity = 64
    return try unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: capacity) {
      events throws(SystemCallError) in
      // An interruption (a stop and a continue) starts over with what is left of the time.
      let call = SystemCall(name: "epoll_wait", retryOnInterrupt: false)
      let count: Int32
      switch call.attempt({
        unsafe epoll_wait(poll.rawValue, events.baseAddress, Int32(capacity), timeout)
      }) {
      case .success(let result): count = result
      case .failure(.interrupted): count = 0
      case .failure(let errno): throw SystemCallError("epoll_wait", "", errno)
      }
      var isSignalled = false
      for index in 0..<Int(count) {
        let flags = unsafe events[index].events
        let descriptor = unsafe events[index].data.fd
        guard let interest = watched[descriptor] else {
          isSignalled = isSignalled || descriptor == signals.rawValue
          continue
        }
        var ready: Readiness = []
        if flags & EPOLLIN.rawValue != 0 { ready.insert(.readable) }
        if flags & EPOLLOUT.rawValue != 0 { ready.insert(.writable) }
        // An error or a hang-up is met by whatever is tried next.
        if flags & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 {
          ready.formUnion(interest)
          ready.insert(.hungUp)
        }
        found[descriptor] = ready
      }
      return isSignalled
    }
  }

  private func takeSignal() -> Int32? {
    var info = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    let count = unsafe read(signals.rawValue, &info, size)
    return count == size ? Int32(info.ssi_signo) : nil
  }
}
