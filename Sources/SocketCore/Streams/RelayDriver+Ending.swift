// How a relay ends: the half-closes on the way, and what is done and told at the end.

extension RelayDriver {
  /// Ends the relay: what was received is handed over, and a peer that must not take what it has
  /// for the whole is told so by RST.
  public mutating func conclude(
    _ connection: borrowing Connection, input: borrowing ByteInput, output: borrowing ByteOutput,
    loop: inout ReadinessLoop
  ) -> RelayOutcome {
    defer {
      loop.forget(connection.socket.descriptor.rawValue)
      if input.isReadyInside == nil { loop.forget(input.descriptor) }
      if !output.isInside { loop.forget(output.descriptor) }
      relay.note(.sinkFailed(.outbound))
      relay.note(.sinkFailed(.inbound))
      giveBackBuffers()
    }
    var resets = outcome.localError != nil || outcome.isRefused
    if outcome.signal != nil || outcome.timeout != nil {
      loop.forget(connection.socket.descriptor.rawValue)
      if input.isReadyInside == nil { loop.forget(input.descriptor) }
      do throws(SystemCallError) {
        try handOver(connection, to: output, &loop)
      } catch {
        fail(with: error)
      }
      let isCutShort =
        outcome.timeout != nil && (!relay.outbound.filled.isEmpty || outboundPath.awaitsSink)
      resets = resets || isCutShort || (options.mustDeliver && !hasFinished)
    }
    // A FIN would tell the peer that it has everything, or that everything of it was kept.
    if resets { try? connection.socket.resetOnClose() }
    outcome.read = relay.outbound.received
    outcome.sent = relay.outbound.delivered
    outcome.acknowledged = outcome.sent - unacknowledgedPayload(connection)
    outcome.received = relay.inbound.delivered
    outcome.undelivered = relay.inbound.filled.count
    if outcome.timeout != nil { outcome.undelivered += connection.unreadBytes() ?? 0 }
    outcome.elapsed = .now - started
    outcome.acknowledgedAfter = acknowledgement.completed.map { $0 - started }
    if options.measuresEnd {
      outcome.info = try? connection.socket.info()
      outcome.congestionControl = connection.socket.congestionControl
    }
    if let errno = outcome.connectionError?.errno {
      // The others are no segment of the peer's: its silence, or what a router says.
      if errno == .connectionReset || errno == .brokenPipe { outcome.resetBy = .peer }
    } else if resets {
      outcome.resetBy = .local
    }
    return outcome
  }

  /// Bytes, without the FIN, that the peer's kernel has not acknowledged.
  func unacknowledgedPayload(_ connection: borrowing Connection) -> Int {
    guard relay.outbound.delivered > 0 else { return 0 }
    let pending = connection.unacknowledgedBytes() ?? 0
    return min(max(0, hasFinished && pending > 0 ? pending - 1 : pending), relay.outbound.delivered)
  }

  mutating func perform(
    _ actions: [Relay.Action], _ connection: borrowing Connection, _ output: inout ByteOutput,
    _ loop: inout ReadinessLoop, _ observe: (RelayEvent) -> Void
  ) {
    do throws(SystemCallError) {
      for action in actions {
        switch action {
        case .finishSending:
          guard isAccepted(.outbound, relay.outbound.delivered) else { return }
          // In CLOSE_WAIT the peer's FIN has come, whether or not it has been received here.
          let first =
            outcome.closedFirst
            ?? ((try? connection.socket.info().state) == .closeWait ? .peer : .local)
          hasFinished = try connection.finishSending()
          if hasFinished {
            outcome.closedFirst = first
            observe(.localEnded)
          }
        case .closeOutput:
          if options.closesOutput {
            // Where others have it too, closing it would leave it in the loop for good, ready and
            // out of reach.
            if !output.isInside { loop.forget(output.descriptor) }
            try output.close()
          }
          guard outcome.peerEnded else { continue }
          guard isAccepted(.inbound, relay.inbound.delivered) else { return }
          observe(.peerEnded)
        }
      }
    } catch {
      outcome.localError = error
    }
  }

  mutating func isAccepted(_ direction: RelayDirection, _ count: Int) -> Bool {
    guard !outcome.isRefused else { return false }
    outcome.isRefused = accepts?(direction, count) == false
    return !outcome.isRefused
  }
}
