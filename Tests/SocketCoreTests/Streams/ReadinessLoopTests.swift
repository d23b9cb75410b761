// The readiness loop against the kernel: what is ready, what is not, deadlines, signals, and that it
// leaves nothing behind.

import Glibc
import SocketCore
import TestSupport
import Testing

struct ReadinessLoopTests {
  /// Long enough that a test which waits for it in vain is plainly at fault, not slow.
  private var patience: MonotonicInstant { .now + .seconds(30) }

  @Test func `a pipe is readable once something is in it, and writable while there is room`() throws
  {
    let pipe = try Pipe()
    var loop = try ReadinessLoop()
    try loop.watch(pipe.readEnd, for: .readable)
    #expect(try loop.wait(until: .now) == .deadline)
    #expect(loop.readiness(of: pipe.readEnd) == [])
    try loop.watch(pipe.writeEnd, for: .writable)
    #expect(try loop.wait(until: patience) == .ready)
    #expect(loop.readiness(of: pipe.writeEnd) == .writable)
    #expect(loop.readiness(of: pipe.readEnd) == [])

    put(pipe.writeEnd)
    #expect(try loop.wait(until: patience) == .ready)
    #expect(loop.readiness(of: pipe.readEnd) == .readable)
    // It stays ready as long as nothing is done about it.
    #expect(try loop.wait(until: patience) == .ready)
    #expect(loop.readiness(of: pipe.readEnd) == .readable)
  }

  @Test func `an end of input is to be read`() throws {
    let pipe = try Pipe()
    var loop = try ReadinessLoop()
    try loop.watch(pipe.readEnd, for: .readable)
    pipe.closeWriteEnd()
    #expect(try loop.wait(until: patience) == .ready)
    #expect(loop.readiness(of: pipe.readEnd) == [.readable, .hungUp])
  }

  @Test func `a pipe without a reader is to be written, to meet the error`() throws {
    let pipe = try Pipe()
    var loop = try ReadinessLoop()
    try loop.watch(pipe.writeEnd, for: [])
    #expect(try loop.wait(until: .now) == .deadline)
    pipe.closeReadEnd()
    #expect(try loop.wait(until: patience) == .ready)
    #expect(loop.readiness(of: pipe.writeEnd) == .hungUp)
    try loop.watch(pipe.writeEnd, for: .writable)
    #expect(try loop.wait(until: patience) == .ready)
    #expect(loop.readiness(of: pipe.writeEnd) == [.writable, .hungUp])
  }

  @Test func `a connection that is half closed is readable, one that is reset has hung up`() throws
  {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let client = try connection(to: listener.local)
    let peer = try Peer(acceptedBy: listener)
    let socket = client.socket.descriptor.rawValue
    var loop = try ReadinessLoop()
    try loop.watch(socket, for: [])
    peer.finishSending()
    let ended = try eventually { try client.socket.info().state == .closeWait }
    #expect(ended)
    #expect(try loop.wait(until: .now) == .deadline)
    try loop.watch(socket, for: [.readable, .writable])
    #expect(try loop.wait(until: patience) == .ready)
    #expect(loop.readiness(of: socket) == [.readable, .writable])

    try loop.watch(socket, for: [])
    peer.reset()
    #expect(try loop.wait(until: patience) == .ready)
    #expect(loop.readiness(of: socket) == .hungUp)
  }

  @Test func `regular files are always ready`() throws {
    let directory = try TemporaryDirectory()
    let file = unsafe open(directory.file("file"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    try #require(file >= 0)
    defer { close(file) }
    var loop = try ReadinessLoop()
    try loop.watch(file, for: .readable)
    for _ in 0..<3 {
      #expect(try loop.wait(until: patience) == .ready)
      #expect(loop.readiness(of: file) == .readable)
    }
    try loop.watch(file, for: [.readable, .writable])
    #expect(try loop.wait(until: patience) == .ready)
    #expect(loop.readiness(of: file) == [.readable, .writable])
    try loop.watch(file, for: [])
    #expect(try loop.wait(until: .now) == .deadline)
    try loop.watch(file, for: .writable)
    loop.forget(file)
    #expect(try loop.wait(until: .now) == .deadline)
  }

  @Test func `a file that is always ready hides nothing else`() throws {
    let directory = try TemporaryDirectory()
    let file = unsafe open(directory.file("file"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(file) }
    let pipe = try Pipe()
    var loop = try ReadinessLoop()
    try loop.watch(file, for: .readable)
    try loop.watch(pipe.readEnd, for: .readable)
    put(pipe.writeEnd)
    #expect(try loop.wait(until: patience) == .ready)
    #expect(loop.readiness(of: file) == .readable)
    #expect(loop.readiness(of: pipe.readEnd) == .readable)
    raiseHere(SIGTERM)
    #expect(try loop.wait(until: patience) == .signal(SIGTERM))
  }

  @Test(arguments: [-1, 1_000_000] as [Int32])
  func `a descriptor that is not open is ready for the error`(descriptor: Int32) throws {
    var loop = try ReadinessLoop()
    try loop.watch(descriptor, for: .readable)
    #expect(try loop.wait(until: patience) == .ready)
    #expect(loop.readiness(of: descriptor) == .readable)
    loop.forget(descriptor)
    #expect(try loop.wait(until: .now) == .deadline)
  }

  @Test func `what is not watched has no readiness`() throws {
    var loop = try ReadinessLoop()
    loop.forget(0)
    #expect(loop.readiness(of: 0) == [])
    #expect(try loop.wait(until: .now) == .deadline)
  }

  @Test func `what is forgotten is not reported, and can be watched again`() throws {
    let pipe = try Pipe()
    var loop = try ReadinessLoop()
    try loop.watch(pipe.writeEnd, for: .writable)
    #expect(try loop.wait(until: patience) == .ready)
    loop.forget(pipe.writeEnd)
    #expect(loop.readiness(of: pipe.writeEnd) == [])
    #expect(try loop.wait(until: .now) == .deadline)
    loop.forget(pipe.writeEnd)
    try loop.watch(pipe.writeEnd, for: .writable)
    #expect(try loop.wait(until: patience) == .ready)
    #expect(loop.readiness(of: pipe.writeEnd) == .writable)
  }

  @Test func `the same interest again makes no system call`() throws {
    let pipe = try Pipe()
    var loop = try ReadinessLoop()
    try loop.watch(pipe.readEnd, for: .readable)
    pipe.closeReadEnd()
    // epoll_ctl(2) would find the descriptor closed, or to be another's, and tell either way.
    try loop.watch(pipe.readEnd, for: .readable)
    #expect(try loop.wait(until: .now) == .deadline)
  }

  @Test func `more descriptors than one call reports are all reported`() throws {
    let pipes = try (0..<200).map { _ in try Pipe() }
    var loop = try ReadinessLoop()
    for pipe in pipes {
      try loop.watch(pipe.readEnd, for: .readable)
      put(pipe.writeEnd)
    }
    var left = Set(pipes.map(\.readEnd))
    var waits = 0
    while !left.isEmpty && waits < 200 {
      #expect(try loop.wait(until: patience) == .ready)
      waits += 1
      for descriptor in left where loop.readiness(of: descriptor).contains(.readable) {
        loop.forget(descriptor)
        left.remove(descriptor)
      }
    }
    #expect(left.isEmpty)
  }

  @Test(arguments: [0, 1, 20_000_000, 30_500_001] as [Int64])
  func `a deadline is never early`(nanoseconds: Int64) throws {
    var loop = try ReadinessLoop()
    let deadline = MonotonicInstant.now + .nanoseconds(nanoseconds)
    #expect(try loop.wait(until: deadline) == .deadline)
    #expect(.now >= deadline)
  }

  @Test(arguments: [Int64.min, -1, 0])
  func `a deadline that has passed does not wait`(nanoseconds: Int64) throws {
    var loop = try ReadinessLoop()
    #expect(try loop.wait(until: MonotonicInstant(nanoseconds: nanoseconds)) == .deadline)
  }

  @Test func `a deadline at the end of time waits`() throws {
    let pipe = try Pipe()
    var loop = try ReadinessLoop()
    try loop.watch(pipe.writeEnd, for: .writable)
    #expect(try loop.wait(until: MonotonicInstant(nanoseconds: .max)) == .ready)
  }

  // MARK: Signals

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func `a signal that would end the program is a result`(signal: Int32) throws {
    var loop = try ReadinessLoop()
    raiseHere(signal)
    #expect(try loop.wait(until: patience) == .signal(signal))
    #expect(try loop.wait(until: .now) == .deadline)
  }

  @Test func `each of several signals is a result`() throws {
    var loop = try ReadinessLoop()
    let signals = [SIGHUP, SIGINT, SIGTERM]
    for signal in signals { raiseHere(signal) }
    var seen: [Int32] = []
    for _ in signals {
      if case .signal(let signal) = try loop.wait(until: patience) { seen.append(signal) }
    }
    #expect(seen.sorted() == signals.sorted())
  }

  @Test func `a signal wakes a loop that waits`() throws {
    let thread = OtherThread()
    let waiting = Background {
      var loop = try ReadinessLoop()
      thread.isThis()
      return try loop.wait(until: .now + .seconds(30))
    }
    let sleeps = eventually { thread.isAsleep }
    try #require(sleeps)
    thread.signal(SIGHUP)
    #expect(try waiting.value() == .signal(SIGHUP))
  }

  @Test func `the signal mask is as before when the loop has gone`() throws {
    // The threads that tests run on block some of them already.
    var set = sigset_t()
    var saved = sigset_t()
    unsafe sigemptyset(&set)
    unsafe pthread_sigmask(SIG_SETMASK, &set, &saved)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &saved, nil) }
    let before = blockedSignals()
    #expect(before.isEmpty)
    do {
      var loop = try ReadinessLoop()
      #expect(blockedSignals() == before.union([SIGINT, SIGTERM, SIGHUP, SIGPIPE]))
      #expect(try loop.wait(until: .now) == .deadline)
    }
    #expect(blockedSignals() == before)
  }

  @Test func `what was blocked before stays blocked`() throws {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    unsafe sigaddset(&set, SIGTERM)
    unsafe sigaddset(&set, SIGPIPE)
    var saved = sigset_t()
    unsafe pthread_sigmask(SIG_BLOCK, &set, &saved)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &saved, nil) }
    do {
      var loop = try ReadinessLoop()
      #expect(try loop.wait(until: .now) == .deadline)
    }
    #expect(blockedSignals().isSuperset(of: [SIGTERM, SIGPIPE]))
  }

  @Test func `a broken pipe is an error, then and when the loop has gone`() async {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_DFL)
      var set = sigset_t()
      unsafe sigemptyset(&set)
      unsafe pthread_sigmask(SIG_SETMASK, &set, nil)
      let pipe = try Pipe()
      pipe.closeReadEnd()
      do {
        var loop = try ReadinessLoop()
        try loop.watch(pipe.writeEnd, for: .writable)
        let wakeup = try loop.wait()
        precondition(wakeup == .ready)
        var byte: UInt8 = 0
        let count = unsafe write(pipe.writeEnd, &byte, 1)
        precondition(count == -1 && errno == EPIPE)
      }
      // The signal that came with the error is not left for later.
    }
  }

  @Test func `a signal that nobody took ends the program when the loop has gone`() async {
    await #expect(processExitsWith: .signal(SIGTERM)) {
      signal(SIGTERM, SIG_DFL)
      var set = sigset_t()
      unsafe sigemptyset(&set)
      unsafe pthread_sigmask(SIG_SETMASK, &set, nil)
      do {
        var loop = try ReadinessLoop()
        raiseHere(SIGTERM)
        raiseHere(SIGTERM)
        try loop.watch(-1, for: .readable)
      }
    }
  }

  @Test func `a stop and a continue do not end a wait`() async {
    await #expect(processExitsWith: .success) {
      var loop = try ReadinessLoop()
      let parent = getpid()
      let helper = try Child(["sh", "-c", "kill -STOP \(parent); kill -CONT \(parent)"])
      let deadline = MonotonicInstant.now + .milliseconds(200)
      let wakeup = try loop.wait(until: deadline)
      precondition(wakeup == .deadline && .now >= deadline)
      try helper.wait()
    }
  }
}

/// Writes one byte.
private func put(_ descriptor: Int32) {
  var byte: UInt8 = 1
  let count = unsafe write(descriptor, &byte, 1)
  #expect(count == 1)
}

/// Sends a signal to this thread alone.
private func raiseHere(_ signal: Int32) { pthread_kill(pthread_self(), signal) }

/// The signals that this thread blocks.
private func blockedSignals() -> Set<Int32> {
  var mask = sigset_t()
  unsafe pthread_sigmask(SIG_BLOCK, nil, &mask)
  return Set((1...31).filter { unsafe sigismember(&mask, $0) == 1 })
}
