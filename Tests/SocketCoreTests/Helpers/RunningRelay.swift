// A relay on a thread of its own, with a real connection and real streams.

import Glibc
import SocketCore
import Synchronization
import TestSupport

/// How a relay ended and what it told on the way.
struct RelayReport: Sendable {
  var outcome: RelayOutcome
  var events: [RelayEvent]
}

/// A relay that runs until both ends are through or something fails.
final class RunningRelay: Sendable {
  /// Where it runs.
  let thread = OtherThread()
  private let report: Background<RelayReport>
  private let told = Told()

  /// Starts a relay over `connection`.
  ///
  /// - Parameters:
  ///   - input: A descriptor that stays the test's.
  ///   - output: A descriptor that stays the test's: the relay gets one of its own to close.
  ///   - isPatient: Pretends that neither can be opened anew. For a process of its own only.
  init(
    over connection: consuming Connection, input: Int32, output: Int32,
    _ options: RelayOptions = RelayOptions(), isPatient: Bool = false
  ) throws {
    let own = fcntl(output, F_DUPFD_CLOEXEC, 3)
    guard own >= 0 else { throw TestFailure("F_DUPFD_CLOEXEC: errno \(errno)") }
    let kept = Kept(connection)
    report = Background { [thread, told] in
      let identity = identity(of: own)
      // Where the relay ends before its output does.
      defer { if SocketCoreTests.identity(of: own) == identity { close(own) } }
      thread.isThis()
      let connection = try kept.take()
      var loop = try ReadinessLoop()
      let limit = isPatient ? limitDescriptors(to: 0) : 0
      let local = ByteInput(input, name: "input")
      var sink = ByteOutput(own, name: "output")
      if isPatient {
        limitDescriptors(to: limit)
        guard local.needsReadiness && sink.needsReadiness else {
          throw TestFailure("the streams were opened anew")
        }
      }
      var relay = RelayDriver(options)
      let outcome = relay.run(connection, input: local, output: &sink, loop: &loop) { event in
        told.append(event)
      }
      return RelayReport(outcome: outcome, events: told.events)
    }
  }

  /// What it has told so far.
  var events: [RelayEvent] { told.events }

  /// Waits for its end.
  func result() throws -> RelayReport { try report.value() }

  /// Whether it waits without doing anything.
  var isAsleep: Bool { thread.isAsleep }
}

/// The events of a relay, as they come.
private final class Told: Sendable {
  private let list = Mutex<[RelayEvent]>([])
  var events: [RelayEvent] { list.withLock { $0 } }
  func append(_ event: RelayEvent) { list.withLock { $0.append(event) } }
}

/// What a descriptor leads to; empty where it is not open.
func identity(of descriptor: Int32) -> [UInt] {
  var status = stat()
  return unsafe fstat(descriptor, &status) == 0 ? [UInt(status.st_dev), UInt(status.st_ino)] : []
}

/// Sets the soft limit of open descriptors of this process, and returns that of before.
@discardableResult
func limitDescriptors(to soft: UInt) -> UInt {
  var limit = rlimit()
  unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  let before = limit.rlim_cur
  limit.rlim_cur = soft
  unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  return before
}

/// A connection on its way from one thread to another.
private final class Kept: Sendable {
  private let connection: Mutex<Connection?>

  init(_ connection: consuming Connection) { self.connection = Mutex(connection) }

  func take() throws -> Connection {
    guard let connection = connection.withLock({ $0.take() }) else {
      throw TestFailure("the connection has been taken")
    }
    return connection
  }
}

/// A connection and its peer.
struct Ends: ~Copyable {
  var connection: Connection
  let peer: Peer

  /// - Parameter receiveBuffer: how much of what the peer sends may wait unread, in bytes; nil for
  ///   what the kernel chooses.
  init(receiveBuffer: Int32? = nil) throws {
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0))
    let connection = try SocketCoreTests.connection(to: listener.local)
    if let receiveBuffer { try connection.socket.set(.receiveBuffer, to: receiveBuffer) }
    let peer = try Peer(acceptedBy: listener)
    self.connection = connection
    self.peer = peer
  }
}
