// The relay's rules, without a descriptor in them: two independent directions, each a bounded
// buffer between a source and a sink. What is read, written and shut down when is decided here;
// RelayDriver.swift does it.

/// The two directions of a relay.
public enum RelayDirection: CaseIterable, Sendable {
  /// From the local input to the peer.
  case outbound
  /// From the peer to the local output.
  case inbound
}

/// One direction: how much of its buffer is taken, and which ends are still there.
public struct RelayHalf: Hashable, Sendable {
  /// Bytes that the buffer holds.
  public let capacity: Int
  /// The part of the buffer that waits to be written.
  public private(set) var filled: Range<Int> = 0..<0
  /// Whether the source may still give bytes.
  public private(set) var sourceIsOpen = true
  /// Whether the sink still takes bytes.
  public private(set) var sinkIsOpen = true
  /// Bytes that went in and out, altogether.
  public private(set) var received = 0
  public private(set) var delivered = 0

  public init(capacity: Int) { self.capacity = capacity }

  /// Where the next read goes; empty while there is no room, or nothing more to come.
  public var room: Range<Int> {
    sourceIsOpen && sinkIsOpen
      ? filled.upperBound..<max(capacity, filled.upperBound)
      : filled.upperBound..<filled.upperBound
  }

  /// Whether there is nothing left to do.
  public var isFinished: Bool { !sinkIsOpen }

  mutating func read(_ count: Int) {
    received += count
    filled = filled.lowerBound..<filled.upperBound + count
  }

  mutating func wrote(_ count: Int) {
    delivered += count
    let rest = filled.lowerBound + count..<filled.upperBound
    // The buffer is refilled once it is empty: at the pace of a bulk transfer that is every time,
    // and nothing is ever moved about.
    filled = rest.isEmpty ? 0..<0 : rest
  }

  mutating func endSource() { sourceIsOpen = false }

  mutating func endSink() {
    sinkIsOpen = false
    sourceIsOpen = false
    filled = 0..<0
  }
}

/// The state of a relay, stepped by what happened on its four ends.
public struct Relay: Hashable, Sendable {
  /// What happened.
  public enum Event: Hashable, Sendable {
    /// The direction's source gave so many bytes, at most `room`.
    case read(RelayDirection, Int)
    /// The direction's source has ended: end of file, FIN, or an error of the connection.
    case sourceEnded(RelayDirection)
    /// The direction's sink took so many bytes, at most `filled`.
    case wrote(RelayDirection, Int)
    /// The direction's sink takes nothing more.
    case sinkFailed(RelayDirection)
  }

  /// What is to be done about it.
  public enum Action: Hashable, Sendable {
    /// All of the local input has been handed over: half-close the connection.
    case finishSending
    /// All that the peer sent has been handed over: close the local output, so that its reader sees the end.
    case closeOutput
  }

  /// Whether the peer's end ends the relay too, or the local input goes on until its own end.
  public var endsWithPeer: Bool
  /// Whether the end of the local input is told to the peer only behind the peer's own end.
  public var waitsForPeer: Bool
  public private(set) var outbound: RelayHalf
  public private(set) var inbound: RelayHalf

  public init(capacity: Int, endsWithPeer: Bool = false, waitsForPeer: Bool = false) {
    outbound = RelayHalf(capacity: capacity)
    inbound = RelayHalf(capacity: capacity)
    self.endsWithPeer = endsWithPeer
    self.waitsForPeer = waitsForPeer
  }

  public subscript(direction: RelayDirection) -> RelayHalf {
    direction == .outbound ? outbound : inbound
  }

  /// Both directions have ended.
  public var isFinished: Bool { outbound.isFinished && inbound.isFinished }

  /// Takes in one event.
  public mutating func note(_ event: Event) {
    switch event {
    case .read(let direction, let count): update(direction) { $0.read(count) }
    case .wrote(let direction, let count): update(direction) { $0.wrote(count) }
    case .sourceEnded(let direction): update(direction) { $0.endSource() }
    case .sinkFailed(let direction): update(direction) { $0.endSink() }
    }
    if endsWithPeer && !inbound.sourceIsOpen { outbound.endSource() }
  }

  /// What follows from the events so far; each action is told once.
  public mutating func step() -> [Action] {
    var actions: [Action] = []
    for direction in [RelayDirection.inbound, .outbound] {
      let half = self[direction]
      guard half.sinkIsOpen && !half.sourceIsOpen && half.filled.isEmpty else { continue }
      if direction == .outbound && waitsForPeer && inbound.sourceIsOpen { continue }
      // Our FIN behind the peer's says that we have it all: not before it has been handed over.
      if direction == .outbound && endsWithPeer && !inbound.sourceIsOpen && !inbound.isFinished {
        continue
      }
      update(direction) { $0.endSink() }
      actions.append(direction == .outbound ? .finishSending : .closeOutput)
    }
    return actions
  }

  private mutating func update(_ direction: RelayDirection, _ change: (inout RelayHalf) -> Void) {
    switch direction {
    case .outbound: change(&outbound)
    case .inbound: change(&inbound)
    }
  }
}
