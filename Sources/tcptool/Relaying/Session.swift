// One connection that is relayed to local streams, from its beginning to the status it ends with.

internal import Glibc
internal import Report
internal import SocketCore

extension ReadinessLoop {
  /// The program's one loop. From here on signals are read by it, so that anything that waits
  /// otherwise (the resolver) has to be done before.
  static func forProgram() throws(Failure) -> ReadinessLoop {
    do throws(SystemCallError) {
      return try ReadinessLoop()
    } catch {
      throw Failure(.localEnd, error)
    }
  }
}

/// Relays one connection to its end and says how it ended.
func runSession(
  _ connection: borrowing Connection, _ options: RelayOptions = RelayOptions(),
  input: borrowing ByteInput, output: inout ByteOutput, loop: inout ReadinessLoop,
  narrator: Narrator, dump: HexDumpFile? = nil
) throws(Failure) -> Ending {
  let asksForEnd = options.readsInput && isatty(STDIN_FILENO) == 1
  narrator.endShow()
  let tap = dump.map { dump in
    { (direction: RelayDirection, bytes: Span<UInt8>) in dump.tap(1, direction, bytes) }
  }
  dump?.begin(1)
  var relay = options
  relay.tellProgress(to: narrator)
  var driver = RelayDriver(relay, tap: tap)
  var localEnded = false
  let outcome: RelayOutcome
  do throws(SystemCallError) {
    outcome = try driver.run(connection, input: input, output: &output, loop: &loop) { event in
      let asks = asksForEnd && !localEnded && !options.endsWithPeer
      if event == .localEnded { localEnded = true }
      narrator.tell(.relay(event, asksForEnd: asks, number: nil))
    }
  } catch {
    throw Failure(.bug, "\(error); this is a bug in tcptool")
  }
  let ending = RelayEnding(outcome, options, peer: connection.peer)
  narrator.tell(
    .closed(ending, local: connection.local, peer: connection.peer, number: nil))
  if let failure = ending.failure { throw failure }
  return ending.signal.map { .signal($0) } ?? .status(.done)
}

extension RelayOptions {
  /// Programs are told every second how far it is, while bytes move.
  mutating func tellProgress(to narrator: Narrator) {
    if narrator.tellsPrograms { progressInterval = .seconds(1) }
  }
}

/// What the outcome of a relay amounts to.
struct RelayEnding {
  let outcome: RelayOutcome
  /// Why it is no success; nil where it is one, and where a signal ended it.
  let failure: Failure?
  var signal: Int32? { outcome.signal }

  /// - Parameter input: what a message calls the source of what is sent; nil where it has no end of
  ///   its own.
  init(
    _ outcome: RelayOutcome, _ options: RelayOptions, input: String? = "standard input",
    peer: Endpoint
  ) {
    self.outcome = outcome
    failure =
      outcome.signal == nil
      ? Self.failure(outcome, options, input: input, peer: peer) : nil
  }

  private static func failure(
    _ outcome: RelayOutcome, _ options: RelayOptions, input: String?, peer: Endpoint
  ) -> Failure? {
    if let error = outcome.localError { return Failure(.localStream, error) }
    if let cut = outcome.cutMessage(options, input: input, peer: peer) {
      return Failure(.timeout, cut)
    }
    guard let error = outcome.connectionError else { return nil }
    // Where all of the input has to arrive, it is also a failure when all that was read so far has,
    // but there was more to be read.
    if outcome.acknowledged < outcome.read || (options.mustDeliver && !outcome.inputEnded) {
      return Failure(
        .peerStoppedReceiving,
        "\(error): the peer acknowledged \(Units.count(outcome.acknowledged)) of "
          + "\(Units.count(outcome.read)) bytes\(outcome.inputEnded ? "" : " read so far")")
    }
    return Failure(error.errno == .timedOut ? .noAnswer : .reset, error)
  }
}
