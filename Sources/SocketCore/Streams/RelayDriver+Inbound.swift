// From the peer to the local output.

internal import Glibc

extension RelayDriver {
  /// How often in a turn more is asked for at once. What has come in the meantime is there without
  /// another turn, and the sooner it is acknowledged, the sooner more comes.
  private static let mostDropsAtOnce = 16

  /// Takes what the peer has sent, as far as there is room for it.
  mutating func receive(_ connection: borrowing Connection, _ output: borrowing ByteOutput) {
    var calls = 0
    repeat {
      guard !relay.inbound.room.isEmpty else { break }
      calls += 1
      do throws(SystemCallError) {
        switch try receiveOnce(connection, output) {
        case .transferred(let count):
          if outcome.firstByte == nil { outcome.firstByte = .now - started }
          noteReceived(count, output)
        case .endOfInput:
          // Behind urgent data splice(2) answers 0 as behind a FIN. recv(2) knows the difference.
          if inboundPath.route == .splice || inboundPath.route == .spliceTwice {
            guard relay.inbound.filled.isEmpty else { return }
            fallBackInbound()
            continue
          }
          peerHasEnded()
        case .wouldBlock:
          guard inboundPath.route == .splice || inboundPath.route == .spliceTwice else { return }
          guard relay.inbound.filled.isEmpty else { return }
          inboundPath.awaitsSink =
            inboundPath.route == .splice && !KernelCopy.isWritable(output.descriptor)
          guard !inboundPath.awaitsSink, isHungUp || inboundPath.noteEmptyTurn() else { return }
          fallBackInbound()
          continue
        }
      } catch {
        if inboundCallFailed(error, connection, output) { continue }
        if outcome.localError != nil { return }
      }
    } while isHungUp || inboundPath.route == .drop && calls < Self.mostDropsAtOnce
    askForError(connection)
  }

  /// One call.
  private mutating func receiveOnce(
    _ connection: borrowing Connection, _ output: borrowing ByteOutput
  ) throws(SystemCallError) -> TransferResult {
    switch inboundPath.route {
    case .drop: return try connection.drop(most: KernelCopy.dropChunk)
    case .splice:
      inboundPath.awaitsSink = false
      return try connection.splice(to: output.descriptor, most: KernelCopy.largestPipe)
    case .spliceTwice:
      guard relay.inbound.filled.isEmpty else { return .wouldBlock }
      let ends = try inboundPath.ends()
      return try connection.splice(to: ends.write, most: ends.capacity)
    case .userspace, .sendfile, .repeated:
      pool.lend(to: &inboundBytes)
      return try inboundBytes.fill(relay.inbound.room) { target throws(SystemCallError) in
        try connection.receive(into: &target)
      }
    }
  }

  private mutating func noteReceived(_ count: Int, _ output: borrowing ByteOutput) {
    if let tap {
      let start = relay.inbound.room.lowerBound
      tap(.inbound, inboundBytes.span.extracting(start..<start + count))
    }
    relay.note(.read(.inbound, count))
    if inboundPath.route.isDirect {
      relay.note(.wrote(.inbound, count))
      inboundPath.count(count, in: &outcome.receivedBy)
    }
    if inboundPath.route == .splice {
      inboundPath.enlarge(output.descriptor, after: relay.inbound.delivered)
    }
    endAtReceiveLimit()
    if let budget, !budget.take(count) { _ = isAccepted(.inbound, relay.inbound.received) }
  }

  /// The peer's FIN has been reached: the one place where that is found out, whatever the way.
  private mutating func peerHasEnded() {
    // After an RST whose error a send has taken, recv(2) answers 0 as after a FIN. A send that
    // meets an RST after the FIN fails with EPIPE.
    let wasReset = outcome.connectionError.map { $0.errno != .brokenPipe } ?? false
    outcome.peerEnded = !wasReset
    if outcome.closedFirst == nil, !wasReset { outcome.closedFirst = .peer }
    relay.note(.sourceEnded(.inbound))
  }

  /// Takes in what a call failed with.
  ///
  /// - Returns: whether it is to be tried in another way.
  private mutating func inboundCallFailed(
    _ error: SystemCallError, _ connection: borrowing Connection, _ output: borrowing ByteOutput
  ) -> Bool {
    let isPlain = inboundPath.route == .userspace || inboundPath.route == .drop
    if isPlain || error.errno != .brokenPipe && connection.isOwn(error.errno) {
      connectionFailed(error, connection)
    } else if inboundPath.isForced || error.errno == .brokenPipe {
      outcome.localError = SystemCallError(error.call, "to \(output.name)", error.errno)
    } else {
      fallBackInbound()
      return true
    }
    return false
  }

  private mutating func fallBackInbound() {
    do throws(SystemCallError) {
      try inboundPath.fallBack(
        relay.inbound.filled, to: &inboundBytes, capacity: relay.inbound.capacity)
    } catch {
      outcome.localError = error
      relay.note(.sinkFailed(.inbound))
    }
  }

  /// The peer's end has been received before, and now the connection was reset. Where there is only
  /// no room, bytes may wait in front of the error, and the error comes behind them by itself.
  private mutating func askForError(_ connection: borrowing Connection) {
    guard isHungUp, !hasAskedForError, !relay.inbound.sourceIsOpen,
      outcome.connectionError == nil
    else { return }
    hasAskedForError = true
    if let errno = connection.socket.takePendingError() {
      connectionFailed(SystemCallError("recv", "from \(connection.peer)", errno), connection)
    }
  }

  private mutating func connectionFailed(
    _ error: SystemCallError, _ connection: borrowing Connection
  ) {
    if outcome.connectionError == nil { outcome.connectionError = error }
    relay.note(.sinkFailed(.outbound))
    relay.note(.sourceEnded(.inbound))
  }

  /// Hands over what waits in between.
  mutating func write(to output: borrowing ByteOutput, isLast: Bool = false) {
    let filled = relay.inbound.filled
    guard !filled.isEmpty else { return }
    do throws(SystemCallError) {
      if case .transferred(let count) = try writeOnce(to: output, filled, isLast: isLast) {
        inboundPath.count(count, in: &outcome.receivedBy)
        relay.note(.wrote(.inbound, count))
      }
    } catch {
      // Where it is the output that failed, write(2) meets the same.
      if inboundPath.route == .spliceTwice && !inboundPath.isForced {
        fallBackInbound()
        write(to: output, isLast: isLast)
      } else {
        outcome.localError = error
      }
    }
  }

  private mutating func writeOnce(
    to output: borrowing ByteOutput, _ filled: Range<Int>, isLast: Bool
  ) throws(SystemCallError) -> TransferResult {
    if inboundPath.route == .spliceTwice {
      let pipe = try inboundPath.ends().read
      let target = output.isInside ? try inboundPath.nowhere() : output.descriptor
      return try KernelCopy.splice(
        from: pipe, to: target, most: filled.count, "to \(output.name)")
    }
    let bytes = unsafe inboundBytes.span.bytes.extracting(filled)
    return try isLast ? output.writeLast(bytes) : output.write(bytes)
  }

  /// How long a signal may be held up by a local output that takes nothing.
  static let patience = Duration.milliseconds(500)

  /// Writes what has been received already, and nothing else any more: it was acknowledged, so the
  /// peer will not send it again. A second signal ends that too.
  mutating func handOver(
    _ connection: borrowing Connection, to output: borrowing ByteOutput,
    _ loop: inout ReadinessLoop
  ) throws(SystemCallError) {
    if outcome.signal != nil { try handOverUnread(connection, to: output, &loop) }
    if output.isInside { write(to: output, isLast: true) }
    while !output.isInside && !relay.inbound.filled.isEmpty && outcome.localError == nil {
      try loop.watch(output.descriptor, for: .writable)
      guard try loop.wait(until: .now + Self.patience) == .ready else { return }
      write(to: output)
    }
  }

  /// Where nothing waits in between, what has come waits in the connection.
  private mutating func handOverUnread(
    _ connection: borrowing Connection, to output: borrowing ByteOutput,
    _ loop: inout ReadinessLoop
  ) throws(SystemCallError) {
    let all = relay.inbound.received + (connection.unreadBytes() ?? 0)
    let end = MonotonicInstant.now + Self.patience
    var before = -1
    while inboundPath.route == .splice, outcome.localError == nil, !relay.inbound.room.isEmpty,
      relay.inbound.received < all, relay.inbound.received > before || inboundPath.awaitsSink
    {
      before = relay.inbound.received
      try loop.watch(output.descriptor, for: .writable)
      guard try loop.wait(until: end) == .ready else { return }
      receive(connection, output)
    }
  }
}
