// One connection that is relayed to local streams, from its beginning to the status it ends with.

internal import Glibc
internal import Report
internal import SocketCore

extension ReadinessLoop {
  /// The program's one loop. From here on signals are read by it, so that anything that waits
  /// otherwise (the resolver, the open of a FIFO) has to be done before.
  static func forProgram() throws(Failure) -> ReadinessLoop {
    do throws(SystemCallError) {
      return try ReadinessLoop()
    } catch {
      throw Failure(.localEnd, error)
    }
  }
}

/// Relays one connection to its end and says how it ended.
///
/// - Parameters:
///   - content: looks at the data.
///   - meter: follows how it goes.
///   - context: what is sent.
///   - saysTotals: whether everybody is told what moved, since that is what it was for.
func runSession(
  _ connection: borrowing Connection, _ options: RelayOptions = RelayOptions(),
  input: borrowing ByteInput, output: inout ByteOutput, loop: inout ReadinessLoop,
  narrator: Narrator, dump: HexDumpFile? = nil, content: (any SessionContent)? = nil,
  meter: TransferMeter? = nil, context: TransferContext = TransferContext(),
  saysTotals: Bool = false
) throws(Failure) -> Ending {
  let asksForEnd = options.readsInput && isatty(STDIN_FILENO) == 1
  narrator.endShow()
  var tap: RelayDriver.Tap?
  if let dump {
    tap = { direction, bytes in dump.tap(1, direction, bytes) }
  } else if let content, content.seesBytes {
    tap = { direction, bytes in content.take(direction, bytes) }
  }
  dump?.begin(1)
  var relay = options
  if meter?.tellsIntervals != true { relay.tellProgress(to: narrator) }
  relay.readingInterval = meter?.readingInterval
  var driver = RelayDriver(
    relay, tap: tap, accepts: content.map { $0.accepts }, budget: content?.budget,
    sendBudget: content?.sendBudget)
  var localEnded = false
  let outcome = driver.run(connection, input: input, output: &output, loop: &loop) { event in
    if case .reading(let reading) = event {
      meter?.take(reading)
      return
    }
    let asks = asksForEnd && !localEnded && !options.endsWithPeer
    if event == .localEnded { localEnded = true }
    narrator.tell(.relay(event, asksForEnd: asks, number: nil))
  }
  let ending = RelayEnding(
    outcome, options, input: context.sourceName, peer: connection.peer, content: content)
  let plotFailure = meter?.finish(outcome, peer: connection.peer)
  narrator.tell(
    .closed(
      ending, local: connection.local, peer: connection.peer, number: nil, context: context,
      for: saysTotals ? .all : .curious))
  if let failure = ending.failure { throw failure }
  if let plotFailure, ending.signal == nil { throw plotFailure }
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

  /// - Parameters:
  ///   - input: what a message calls the source of what is sent; nil where it has no end of its own.
  ///   - whole: how many bytes there were to be sent; nil where only those are known that were read.
  ///   - content: what has looked at the data.
  init(
    _ outcome: RelayOutcome, _ options: RelayOptions, input: String? = "standard input",
    whole: Int? = nil, peer: Endpoint, content: (any SessionContent)? = nil
  ) {
    self.outcome = outcome
    content?.note(received: outcome.received)
    // Behind data that is whole only a failure of this end counts: the peer was told of it by RST.
    guard outcome.signal == nil, content?.isSettled != true || outcome.localError != nil else {
      failure = nil
      return
    }
    let failure =
      content?.refusal
      ?? Self.failure(outcome, options, input: input, whole: whole, peer: peer)
    self.failure = failure.map { content?.explained($0) ?? $0 }
  }

  private static func failure(
    _ outcome: RelayOutcome, _ options: RelayOptions, input: String?, whole: Int?, peer: Endpoint
  ) -> Failure? {
    if let error = outcome.localError { return Failure(ofThisEnd: error) }
    if let cut = outcome.cutMessage(options, input: input, whole: whole, peer: peer) {
      return Failure(.timeout, cut)
    }
    guard let error = outcome.connectionError else { return nil }
    // Where all of the input has to arrive, it is also a failure when all that was read so far has,
    // but there was more to be read.
    if outcome.acknowledged < outcome.read || (options.mustDeliver && !outcome.inputEnded) {
      return Failure(
        .peerStoppedReceiving,
        "\(error): \(outcome.acknowledgement(of: whole))")
    }
    let rest =
      options.mustDeliver && outcome.resetBy == .peer
      ? ": all \(Units.plural(outcome.acknowledged, "byte")) were acknowledged, but the peer has not "
        + "ended well and may not have kept them; look what it says"
      : ""
    return Failure(error.errno == .timedOut ? .noAnswer : .reset, "\(error)\(rest)")
  }
}
