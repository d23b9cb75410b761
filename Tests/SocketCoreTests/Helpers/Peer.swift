// The other end of a connection, as any program might be it: plain blocking calls with a limit.

import Glibc
import SocketCore
import Synchronization
import TestSupport

/// A connected socket that another end talks to; closed with this object at the latest.
///
/// Its calls wait, up to `patience` each, after which they fail the test.
final class Peer: Sendable {
  let descriptor: Int32
  private let isOpen = Mutex(true)

  /// Takes over what `connection` is connected to, as a descriptor of its own.
  init(_ connection: consuming Connection) throws {
    descriptor = fcntl(connection.socket.descriptor.rawValue, F_DUPFD_CLOEXEC, 3)
    guard descriptor >= 0 else { throw TestFailure("F_DUPFD_CLOEXEC: \(errno)") }
    _ = fcntl(descriptor, F_SETFL, 0)
    var limit = timeval(tv_sec: time_t(patience.components.seconds), tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
  }

  /// Waits for a connection to `listener` and takes it.
  convenience init(acceptedBy listener: borrowing Listener) throws {
    try self.init(try accepted(by: listener))
  }

  deinit { close() }

  func close() {
    isOpen.withLock { isOpen in
      if isOpen { _ = Glibc.close(descriptor) }
      isOpen = false
    }
  }

  /// Closes with RST.
  func reset() {
    var value = linger(l_onoff: 1, l_linger: 0)
    _ = unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    close()
  }

  /// Sends FIN.
  func finishSending() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

  func write(_ bytes: [UInt8]) throws {
    var offset = 0
    while offset < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe send(
          descriptor, buffer.baseAddress.map { unsafe $0 + offset }, buffer.count - offset,
          Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("send after \(offset) of \(bytes.count) bytes") }
      offset += count
    }
  }

  /// Reads exactly `count` bytes, or less where the end comes first.
  func read(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: min(count, 1 << 18))
    while bytes.count < count {
      let got = unsafe recv(descriptor, &chunk, min(chunk.count, count - bytes.count), 0)
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw failure("recv after \(bytes.count) bytes") }
      if got == 0 { break }
      bytes.append(contentsOf: chunk[..<got])
    }
    return bytes
  }

  /// Reads up to the end of what the other end sends.
  func readToEnd() throws -> [UInt8] { try read(.max) }

  /// Waits until the other end's kernel has all that was written.
  func waitUntilAcknowledged() throws {
    let isDone = eventually {
      var pending: Int32 = -1
      return unsafe ioctl(descriptor, UInt(TIOCOUTQ), &pending) == 0 && pending == 0
    }
    guard isDone else { throw TestFailure("the other end does not acknowledge") }
  }

  private func failure(_ what: String) -> TestFailure {
    TestFailure("the peer's \(what): errno \(errno)")
  }
}

/// Waits for a connection to `listener`.
func accepted(by listener: borrowing Listener) throws -> Connection {
  guard isReady(listener.socket.descriptor.rawValue, for: POLLIN),
    let connection = try listener.accept()
  else { throw TestFailure("nobody connected to \(listener.local)") }
  return connection
}

/// Waits, up to `patience`, until a descriptor is ready for `events` of poll(2).
func isReady(_ descriptor: Int32, for events: Int32) -> Bool {
  var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
  return unsafe poll(&entry, 1, Int32(patience.components.seconds * 1_000)) > 0
}

/// A connection to `endpoint`, which must succeed.
func connection(to endpoint: Endpoint, tracer: CallTracer = .silent) throws -> Connection {
  let attempt = try ConnectAttempt(to: endpoint, tracer: tracer)
  guard isReady(attempt.socket.descriptor.rawValue, for: POLLOUT) else {
    throw TestFailure("no answer from \(endpoint)")
  }
  return try attempt.finish()
}

/// Both ends of a connection over loopback.
struct Pair: ~Copyable {
  let client: Connection
  let server: Connection

  init(tracer: CallTracer = .silent) throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let client = try connection(to: listener.local, tracer: tracer)
    let server = try accepted(by: listener)
    self.client = client
    self.server = server
  }
}

/// A black hole: a listener with room for one connection, which is taken by one that nobody
/// accepts, so that the kernel drops every further SYN.
struct FullListener: ~Copyable {
  let listener: Listener
  let occupant: Connection

  init() throws {
    var options = Listener.Options()
    options.backlog = 0
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0), options)
    let occupant = try connection(to: listener.local)
    guard try eventually({ try listener.queue().length == 1 }) else {
      throw TestFailure("the accept queue stays empty")
    }
    self.listener = listener
    self.occupant = occupant
  }
}
