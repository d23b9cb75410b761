// From the local input to the peer.

internal import Glibc

extension RelayDriver {
  /// Where the local input is read to: where each byte may become two, the second half of the room.
  var inputRoom: Range<Int> {
    let room = relay.outbound.room
    let start = options.convertsLineEnds ? room.upperBound - room.count / 2 : room.lowerBound
    return start..<min(room.upperBound, start + mostAtOnce)
  }

  /// The most bytes that may be taken from the input by one call.
  private var mostAtOnce: Int { min(bucket?.burst ?? .max, KernelCopy.fileChunk) }

  /// Takes what the local input has, and by some ways gives it to the connection in the same call.
  mutating func read(_ input: borrowing ByteInput, _ connection: borrowing Connection) {
    guard !inputRoom.isEmpty, bucket?.isOpen != false else { return }
    do throws(SystemCallError) {
      switch try readOnce(input, connection) {
      case .transferred(let count): noteRead(count, input)
      case .endOfInput:
        // What read(2) says holds: some files are not what sendfile(2) takes them for.
        if outboundPath.route != .userspace {
          guard relay.outbound.filled.isEmpty else { return }
          fallBackOutbound()
          return read(input, connection)
        }
        outcome.inputEnded = true
        relay.note(.sourceEnded(.outbound))
      case .wouldBlock: noteNothingRead(input, connection)
      }
    } catch {
      if outboundPath.route == .userspace {
        outcome.localError = error
      } else if outboundPath.route.isDirect,
        error.errno == .brokenPipe || connection.isOwn(error.errno)
      {
        peerStoppedReceiving(error)
      } else if outboundPath.isForced {
        outcome.localError = error
      } else {
        fallBackOutbound()
        read(input, connection)
      }
    }
  }

  /// One call.
  private mutating func readOnce(
    _ input: borrowing ByteInput, _ connection: borrowing Connection
  ) throws(SystemCallError) -> TransferResult {
    switch outboundPath.route {
    case .sendfile:
      return try connection.sendFile(input.number, most: mostAtOnce, input.name)
    case .splice:
      return try connection.splice(
        from: input.number, most: min(KernelCopy.largestPipe, mostAtOnce))
    case .repeated: return try input.sendRun(to: connection, most: mostAtOnce)
    case .spliceTwice:
      guard relay.outbound.filled.isEmpty else { return .wouldBlock }
      let ends = try outboundPath.ends()
      return try KernelCopy.splice(
        from: input.number, to: ends.write, most: min(ends.capacity, mostAtOnce),
        "from \(input.name)")
    case .userspace, .drop:
      pool.lend(to: &outboundBytes)
      return try outboundBytes.fill(inputRoom) { target throws(SystemCallError) in
        try input.read(into: &target)
      }
    }
  }

  private mutating func noteRead(_ count: Int, _ input: borrowing ByteInput) {
    var count = count
    bucket?.take(count)
    if options.convertsLineEnds {
      let start = inputRoom.lowerBound
      count = lineEnds.convert(
        &outboundBytes, start..<start + count, to: relay.outbound.room.lowerBound)
    }
    relay.note(.read(.outbound, count))
    if let sendBudget, !sendBudget.take(count) {
      _ = isAccepted(.outbound, relay.outbound.received)
    }
    guard outboundPath.route.isDirect else { return }
    relay.note(.wrote(.outbound, count))
    outboundPath.count(count, in: &outcome.sentBy)
    if outboundPath.route == .splice {
      outboundPath.enlarge(input.descriptor, after: relay.outbound.delivered)
    }
    outboundPath.awaitsSink =
      outboundPath.route.awaitsOnlySink
      && input.hasMore(behind: relay.outbound.received, of: inputSize)
  }

  private mutating func noteNothingRead(
    _ input: borrowing ByteInput, _ connection: borrowing Connection
  ) {
    switch outboundPath.route {
    case .splice:
      let socket = connection.socket.descriptor.rawValue
      outboundPath.awaitsSink = !KernelCopy.isWritable(socket)
      if !outboundPath.awaitsSink, outboundPath.noteEmptyTurn() { fallBackOutbound() }
    case .spliceTwice:
      if relay.outbound.filled.isEmpty, outboundPath.noteEmptyTurn() { fallBackOutbound() }
    case .sendfile, .repeated: outboundPath.awaitsSink = true
    case .userspace, .drop: break
    }
  }

  private mutating func fallBackOutbound() {
    do throws(SystemCallError) {
      try outboundPath.fallBack(
        relay.outbound.filled, to: &outboundBytes, capacity: relay.outbound.capacity)
    } catch {
      outcome.localError = error
      relay.note(.sinkFailed(.outbound))
    }
  }

  private mutating func peerStoppedReceiving(_ error: SystemCallError) {
    // What the peer sent before is still to be received.
    if outcome.connectionError == nil { outcome.connectionError = error }
    relay.note(.sinkFailed(.outbound))
  }

  /// Gives the connection what waits in between.
  mutating func send(to connection: borrowing Connection) {
    let filled = relay.outbound.filled
    guard !filled.isEmpty else { return }
    do throws(SystemCallError) {
      guard case .transferred(let count) = try sendOnce(to: connection, filled) else { return }
      if let tap {
        tap(
          .outbound,
          outboundBytes.span.extracting(filled.lowerBound..<filled.lowerBound + count))
      }
      outboundPath.count(count, in: &outcome.sentBy)
      relay.note(.wrote(.outbound, count))
    } catch {
      if outboundPath.route == .spliceTwice, !outboundPath.isForced,
        error.errno != .brokenPipe, !connection.isOwn(error.errno)
      {
        fallBackOutbound()
        send(to: connection)
      } else if error.errno == .brokenPipe || connection.isOwn(error.errno) {
        peerStoppedReceiving(error)
      } else {
        outcome.localError = error
      }
    }
  }

  private mutating func sendOnce(
    to connection: borrowing Connection, _ filled: Range<Int>
  ) throws(SystemCallError) -> TransferResult {
    if outboundPath.route == .spliceTwice {
      return try connection.splice(from: try outboundPath.ends().read, most: filled.count)
    }
    return try unsafe connection.send(outboundBytes.span.bytes.extracting(filled))
  }
}
