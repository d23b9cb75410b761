// A running child process under a test's full control: its streams, its signals and its end.

public import Glibc
import Foundation
import Synchronization

/// A child process, in a process group of its own, that dies with this object.
///
/// Standard error, and standard output unless asked otherwise, are read all the time by threads of
/// their own, so the child never blocks on a test that looks elsewhere.
public final class Child: Sendable {
  /// What the child reads.
  public enum Input: Sendable {
    /// End of file at once.
    case null
    /// These bytes, then end of file. A child that does not read them blocks nothing.
    case bytes([UInt8])
    /// A pipe that the test feeds with `write` and ends with `closeInput`.
    case pipe
    /// An existing file.
    case file(String)
    /// Descriptor 0 is not open.
    case closed

    /// `bytes` for text.
    public static func text(_ text: String) -> Self { .bytes(Array(text.utf8)) }
  }

  /// Where the child's standard output goes.
  public enum Output: Sendable {
    /// Into memory.
    case captured
    /// Into a pipe that nobody reads: 64 KiB fit, or as many as the child makes room for, then it blocks.
    case unread
    /// Into a pipe whose reader is gone: SIGPIPE or EPIPE at the first write.
    case broken
    /// Into a file, which is created or emptied (or a device such as `/dev/full`).
    case file(String)
    /// Descriptor 1 is not open.
    case closed
  }

  /// One of the captured streams.
  public enum Stream: Sendable {
    case standardOutput, standardError
  }

  /// The process id, which is also the id of its process group.
  public let pid: pid_t
  private let arguments: [String]
  private let shared = Shared()

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - arguments: The words; the first is looked up in `PATH`.
  ///   - input: Standard input.
  ///   - output: Standard output.
  ///   - environment: Variables that are added to this process's own.
  ///   - directory: The working directory; `nil` for this process's own.
  /// - Throws: `TestFailure` when it cannot be started.
  public init(
    _ arguments: [String], input: Input = .null, output: Output = .captured,
    environment: [String: String] = [:], directory: String? = nil
  ) throws(TestFailure) {
    self.arguments = arguments
    /// The ends that only the child needs.
    var childEnds: [Int32] = []
    defer { for end in childEnds { close(end) } }
    /// The ends that this process needs, closed here if the child does not start.
    var ownEnds: [Int32] = []
    var feed: (descriptor: Int32, bytes: [UInt8])?
    var captures: [(descriptor: Int32, stream: Stream)] = []
    var streams: [StandardStream] = []

    func childReads() throws(TestFailure) -> Int32 {
      let pipe = try makePipe()
      childEnds.append(pipe.read)
      ownEnds.append(pipe.write)
      streams.append(.descriptor(pipe.read))
      // A full pipe must not hold up the test, whatever the child does.
      _ = fcntl(pipe.write, F_SETFL, O_NONBLOCK)
      return pipe.write
    }
    func childWrites() throws(TestFailure) -> Int32 {
      let pipe = try makePipe()
      childEnds.append(pipe.write)
      ownEnds.append(pipe.read)
      streams.append(.descriptor(pipe.write))
      return pipe.read
    }

    do throws(TestFailure) {
      switch input {
      case .null: streams.append(.open("/dev/null", flags: O_RDONLY))
      case .file(let path): streams.append(.open(path, flags: O_RDONLY))
      case .closed: streams.append(.closed)
      case .bytes(let bytes): feed = (try childReads(), bytes)
      case .pipe:
        let end = try childReads()
        shared.state.withLock { $0.input = end }
      }
      switch output {
      case .captured: captures.append((try childWrites(), .standardOutput))
      case .file(let path):
        streams.append(.open(path, flags: O_WRONLY | O_CREAT | O_TRUNC))
      case .closed: streams.append(.closed)
      case .broken:
        close(try childWrites())
        ownEnds.removeLast()
      case .unread:
        let end = try childWrites()
        shared.state.withLock { $0.unread = end }
      }
      captures.append((try childWrites(), .standardError))

      shared.state.withLock { $0.openStreams = captures.count }
      let start = ContinuousClock.now
      pid = try spawn(
        arguments, environment: environment, directory: directory, streams: streams)
      shared.reap(pid, since: start)
    } catch {
      for end in ownEnds { close(end) }
      throw error
    }
    for (descriptor, stream) in captures { shared.capture(stream, from: descriptor) }
    if let feed { shared.feed(feed.bytes, to: feed.descriptor) }
  }

  deinit {
    kill()
    shared.state.withLock { state in
      state.abandoned = true
      for end in [state.input, state.unread] { if let end { close(end) } }
    }
  }

  // MARK: Streams

  /// What it has written to standard output so far.
  public var standardOutput: [UInt8] { shared.state.withLock { $0.output } }

  /// What it has written to standard error so far.
  public var standardError: [UInt8] { shared.state.withLock { $0.error } }

  /// Writes to the child's standard input, which must be `.pipe` and not closed.
  ///
  /// - Throws: `TestFailure` when the child has closed its end or does not read within `limit`.
  public func write(_ bytes: [UInt8], within limit: Duration = patience) throws(TestFailure) {
    let deadline = ContinuousClock.now + limit
    var offset = 0
    while offset < bytes.count {
      // Under the lock nobody closes it and gives its number away.
      let attempt = shared.state.withLock { state in
        state.input.map { ($0, writeQuietly(bytes, from: offset, to: $0)) }
      }
      guard let (end, result) = attempt else { throw failure("has no open standard input") }
      switch result {
      case .success(let count): offset += count
      case .failure(let error) where error.code == EAGAIN:
        guard waitUntilReady(end, for: POLLOUT, within: deadline - .now) else {
          throw failure("read only \(offset) of \(bytes.count) bytes within \(limit)")
        }
      case .failure(let error) where error.code == EINTR: continue
      case .failure(let error):
        throw failure("writing to it: \(errorText(error.code))")
      }
    }
  }

  /// Writes text to the child's standard input; see the other `write`.
  public func write(_ text: String, within limit: Duration = patience) throws(TestFailure) {
    try write(Array(text.utf8), within: limit)
  }

  /// Ends the child's standard input. Does nothing the second time.
  public func closeInput() {
    shared.state.withLock { state in
      if let end = state.input.take() { close(end) }
    }
  }

  /// Waits until the text of a stream satisfies `condition`, and returns that text.
  ///
  /// - Throws: `TestFailure`, with all that was seen, when the time has passed or the child has
  ///   ended without it.
  @discardableResult
  public func waitForOutput(
    of stream: Stream = .standardOutput, within limit: Duration = patience,
    until condition: (String) throws -> Bool
  ) throws -> String {
    var seen = -1
    var text = ""
    var ended = false
    let found = try eventually(within: limit) {
      let (bytes, finished) = shared.state.withLock { ($0[stream], $0.isFinished) }
      ended = finished
      if bytes.count > seen {
        seen = bytes.count
        text = String(decoding: bytes, as: UTF8.self)
        if try condition(text) { return true }
      }
      return finished
    }
    if found, try condition(text) { return text }
    throw failure(
      ended
        ? "ended without the output that was waited for"
        : "did not write what was waited for within \(limit)")
  }

  /// Waits for a complete line that contains `part`, and returns the line without its newline.
  ///
  /// - Throws: As `waitForOutput`.
  @discardableResult
  public func waitForLine(
    containing part: String, in stream: Stream = .standardError,
    within limit: Duration = patience
  ) throws -> String {
    var line = ""
    do {
      try waitForOutput(of: stream, within: limit) { text in
        let complete = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        guard let match = complete.first(where: { $0.contains(part) }) else { return false }
        line = String(match)
        return true
      }
    } catch let error as TestFailure {
      throw TestFailure("no line with “\(part)”: \(error)")
    }
    return line
  }

  // MARK: Signals and the end

  /// Sends a signal to the child alone.
  ///
  /// - Throws: `TestFailure` when it has ended already.
  public func signal(_ number: Int32) throws(TestFailure) {
    // Under the lock the child is not reaped, so the number cannot be that of another process.
    let sent = shared.state.withLock { $0.outcome == nil && Glibc.kill(pid, number) == 0 }
    if !sent { throw failure("has ended before signal \(number)") }
  }

  /// Whether it has not ended yet.
  public var isRunning: Bool { shared.state.withLock { $0.outcome == nil } }

  /// Waits until the child has ended and its captured streams are complete.
  ///
  /// A grandchild that holds a captured stream open belongs to the child: its end is waited for.
  ///
  /// - Throws: `TestFailure`, with the outputs so far, when `limit` passes first. The whole process
  ///   group is killed then.
  @discardableResult
  public func wait(within limit: Duration = patience) throws(TestFailure) -> Finished {
    let done = eventually(within: limit) { shared.state.withLock { $0.isFinished } }
    if !done {
      let error = failure("did not end within \(limit)")
      kill()
      throw error
    }
    let finished = shared.state.withLock { state in
      state.outcome.map {
        Finished(outcome: $0, output: state.output, error: state.error, elapsed: state.elapsed)
      }
    }
    guard let finished else { throw failure("has no outcome") }
    return finished
  }

  /// Kills what is left of the process group, and waits until the child is reaped.
  private func kill() {
    shared.state.withLock { state in
      // A finished child's group may be gone and its number given away.
      if !state.isFinished { _ = Glibc.kill(-pid, SIGKILL) }
    }
    _ = eventually(within: .seconds(5)) { !isRunning }
  }

  private func failure(_ what: String) -> TestFailure {
    TestFailure("\(arguments) (pid \(pid)) \(what)\n" + shared.transcript)
  }
}

/// What the child, its threads and the test share.
private final class Shared: Sendable {
  struct State {
    var output: [UInt8] = []
    var error: [UInt8] = []
    /// Captured streams that have not reached their end.
    var openStreams = 0
    var outcome: Finished.Outcome?
    var elapsed = Duration.zero
    /// The write end of the child's standard input, for `.pipe`.
    var input: Int32?
    /// The read end of a standard output that nobody reads.
    var unread: Int32?
    /// The test is through with the child; threads should end even if a stream does not.
    var abandoned = false

    var isFinished: Bool { outcome != nil && openStreams == 0 }

    subscript(stream: Child.Stream) -> [UInt8] {
      get { stream == .standardOutput ? output : error }
      _modify {
        if stream == .standardOutput { yield &output } else { yield &error }
      }
    }
  }

  let state = Mutex(State())

  var transcript: String {
    let (output, error) = state.withLock { ($0.output, $0.error) }
    return TestSupport.transcript(output: output, error: error)
  }

  /// How often a thread looks whether it is still wanted.
  private static let glance = Duration.milliseconds(100)

  /// Records the end of the child on a thread of its own.
  ///
  /// It is reaped at once: a zombie that stays would occupy whoever else waits for any child of
  /// this process, as the exit tests of Swift Testing do.
  func reap(_ pid: pid_t, since start: ContinuousClock.Instant) {
    Thread.detachNewThread { [self] in
      var information = unsafe siginfo_t()
      while unsafe waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
      let elapsed = ContinuousClock.now - start
      state.withLock { state in
        var status: Int32 = 0
        while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7f
        state.outcome = signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
        state.elapsed = elapsed
      }
    }
  }

  /// Reads a stream to its end on a thread of its own, which closes it.
  func capture(_ stream: Child.Stream, from descriptor: Int32) {
    Thread.detachNewThread { [self] in
      var chunk = [UInt8](repeating: 0, count: 65_536)
      while !state.withLock({ $0.abandoned }) {
        guard waitUntilReady(descriptor, for: POLLIN, within: Self.glance) else { continue }
        let count = unsafe read(descriptor, &chunk, chunk.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        state.withLock { $0[stream].append(contentsOf: chunk[..<count]) }
      }
      close(descriptor)
      state.withLock { $0.openStreams -= 1 }
    }
  }

  /// Writes all bytes to the child's standard input on a thread of its own, then closes it.
  func feed(_ bytes: [UInt8], to descriptor: Int32) {
    Thread.detachNewThread { [self] in
      var offset = 0
      while offset < bytes.count, !state.withLock({ $0.abandoned }) {
        guard waitUntilReady(descriptor, for: POLLOUT, within: Self.glance) else { continue }
        switch writeQuietly(bytes, from: offset, to: descriptor) {
        case .success(let count): offset += count
        case .failure(let error) where error.code == EAGAIN || error.code == EINTR: continue
        case .failure: offset = bytes.count  // The child does not want the rest.
        }
      }
      close(descriptor)
    }
  }
}
