// One connection that a server serves: its streams, its relay, and the program it may belong to.

internal import Glibc

/// A connection with all that its service needs. A class, since a dictionary cannot own sockets.
final class ServedConnection {
  let number: Int
  var local: Endpoint { connection.local }
  var peer: Endpoint { connection.peer }
  var socket: Int32 { connection.socket.descriptor.rawValue }
  /// When it has to be looked at although nothing happens; nil is never.
  private(set) var deadline: MonotonicInstant?
  private let connection: Connection
  private let input: ByteInput
  private var output: ByteOutput
  private var driver: RelayDriver
  /// The program that has the connection now; the relay begins when it has ended.
  private var child: ChildProcess?
  private var hadProgram = false

  init(
    _ connection: consuming Connection, number: Int, input: consuming ByteInput,
    output: consuming ByteOutput, driver: consuming RelayDriver
  ) {
    self.number = number
    self.connection = consume connection
    self.input = consume input
    self.output = consume output
    self.driver = consume driver
  }

  /// Names the descriptors whose readiness concerns this connection.
  func forEachDescriptor(_ body: (Int32) -> Void) {
    body(socket)
    if let own = child?.descriptor { body(own) }
    if input.isReadyInside == nil, input.descriptor >= 0 { body(input.descriptor) }
    if !output.isInside, output.descriptor >= 0 { body(output.descriptor) }
  }

  /// What a step came to.
  enum Progress {
    case going
    case ended(RelayOutcome)
  }

  /// Takes the state after a wait in: moves what can be moved, and watches for more.
  func proceed(
    _ loop: inout ReadinessLoop, _ observe: (ServerEvent) -> Void
  ) -> Progress {
    guard child == nil else { return proceedWithChild(&loop, observe) }
    driver.proceed(connection, input: input, output: &output, loop: &loop) { event in
      observe(.relay(number, event))
    }
    return prepare(&loop, observe)
  }

  /// Watches for what is to come.
  func prepare(
    _ loop: inout ReadinessLoop, _ observe: (ServerEvent) -> Void
  ) -> Progress {
    let need = driver.prepare(connection, input: input, output: &output, loop: &loop) { event in
      observe(.relay(number, event))
    }
    switch need {
    case .wait(let deadline):
      self.deadline = deadline
      return .going
    case .nothing: return .ended(conclude(&loop))
    }
  }

  /// How things stand.
  func reading(at now: MonotonicInstant) -> RelayReading { driver.reading(connection, at: now) }

  /// Has its close reset it.
  func resetOnClose() { try? connection.socket.resetOnClose() }

  /// Counts all times from now on.
  func restart() { driver.restart() }

  private func conclude(_ loop: inout ReadinessLoop) -> RelayOutcome {
    var outcome = driver.conclude(connection, input: input, output: output, loop: &loop)
    // The beginning of a last line is not lost.
    if output.isInside { try? output.close() }
    if hadProgram { outcome.countAsTheKernelDid() }
    return outcome
  }

  /// Ends it before its own end, for what ends the server, or for a failure of its own.
  func cut(
    for ending: ServerEnding, _ loop: inout ReadinessLoop
  ) -> RelayOutcome {
    if let descriptor = child?.descriptor { loop.forget(descriptor) }
    child = nil
    switch ending {
    case .signal(let signal): driver.stop(for: signal)
    case .localFailure(let error): driver.fail(with: error)
    case .acceptTimeout: driver.expire()
    case .finished: break
    }
    return conclude(&loop)
  }

  // MARK: A program of its own

  /// How often a kernel that does not tell is asked whether the program has ended.
  private static let childInterval = Duration.milliseconds(50)

  /// Starts a program that has the connection until it ends.
  ///
  /// - Throws: the errno of execve(2), or a failure of the loop.
  func start(_ command: [String], _ loop: inout ReadinessLoop) throws(SystemCallError) {
    // The variables of ncat, and those of socat: programs written for either find the peer.
    let environment = [
      "NCAT_REMOTE_ADDR=\(peer.address)", "NCAT_REMOTE_PORT=\(peer.port)",
      "NCAT_LOCAL_ADDR=\(local.address)", "NCAT_LOCAL_PORT=\(local.port)", "NCAT_PROTO=TCP",
      "SOCAT_PEERADDR=\(peer.address.socatText)", "SOCAT_PEERPORT=\(peer.port)",
      "SOCAT_SOCKADDR=\(local.address.socatText)", "SOCAT_SOCKPORT=\(local.port)",
    ]
    let child = try ChildProcess(command, environment: environment, connection: connection)
    if let descriptor = child.descriptor {
      try loop.watch(descriptor, for: .readable)
    } else {
      deadline = .now + Self.childInterval
    }
    self.child = consume child
    hadProgram = true
  }

  private func proceedWithChild(
    _ loop: inout ReadinessLoop, _ observe: (ServerEvent) -> Void
  ) -> Progress {
    guard let status = child?.takeStatus() else {
      if child?.descriptor == nil { deadline = .now + Self.childInterval }
      return .going
    }
    if let descriptor = child?.descriptor { loop.forget(descriptor) }
    child = nil
    observe(.commandEnded(number, status))
    // What the program left unread would make the close a reset, which could take its answer with
    // it: the relay half-closes and takes the rest first.
    try? connection.socket.setWaiting(false)
    return prepare(&loop, observe)
  }
}

extension IPAddress {
  /// As socat writes it: IPv6 in brackets, with all its zeros.
  fileprivate var socatText: String {
    guard case .v6(let v6) = self else { return description }
    let groups = [v6.high, v6.low].flatMap { half in
      [48, 32, 16, 0].map { shift in
        // A digit more in front, which is taken away again, keeps the zeros.
        String(0x1_0000 | (half >> UInt64(shift)) & 0xffff, radix: 16).dropFirst()
      }
    }
    return "[\(groups.joined(separator: ":"))]"
  }
}

extension RelayOutcome {
  /// Takes the bytes of a connection that a program had, which were not moved here, from the kernel's
  /// counters. A FIN counts as a byte there, in what was received and in what was acknowledged.
  fileprivate mutating func countAsTheKernelDid() {
    guard let info, let out = info.bytesSent, let again = info.bytesRetransmitted,
      let into = info.bytesReceived, let taken = info.bytesAcknowledged
    else { return }
    sent = Int(clamping: out) - Int(clamping: again)
    read = sent
    acknowledged = min(sent, Int(clamping: taken))
    received = Int(clamping: into) - (peerEnded ? 1 : 0)
  }
}
