// One socket over several readings: the states that it went through, and how its queues moved.

internal import KernelTables
internal import SocketCore

/// The last values of a number, the newest last.
struct History: Sendable {
  /// How many are kept.
  let length: Int
  /// Empty as long as there was nothing but 0.
  private(set) var values: [Int] = []

  init(length: Int) { self.length = length }

  mutating func add(_ value: Int) {
    if value == 0, values.isEmpty { return }
    if values.count == length { values.removeFirst() }
    values.append(value)
    if values.allSatisfy({ $0 == 0 }) { values = [] }
  }
}

/// What is known of a socket besides its row.
struct SocketTrack: Sendable {
  /// A state with what it meant.
  struct Step: Hashable, Sendable {
    var state: TCPState
    var role: SocketRole

    init(_ row: SocketRow) {
      state = row.state
      role = SocketRole(row)
    }
  }

  /// What happened to it last.
  enum Event: Sendable {
    /// It was there at the first reading, and nothing has happened since.
    case present
    case opened
    /// Another state or role.
    case changed
    /// Only its queues moved.
    case moved
    /// It is still there, and the filter does not want it any more.
    case left
    case closed
  }

  static let historyLength = 8
  /// No connection goes through so many.
  private static let longestPath = 12

  private(set) var path: [Step]
  private(set) var event: Event
  /// The reading at which that was seen.
  private(set) var reading: Int
  /// The same for what is more than a queue that moved: what decides on the order.
  private(set) var eventReading: Int
  private(set) var receive = History(length: historyLength)
  private(set) var send = History(length: historyLength)
  /// Whether the filter wants it now, and whether it ever did.
  var isWanted: Bool
  var wasWanted: Bool
  /// Who held it when somebody last did; empty where that is not known.
  var holders: [SocketOwner] = []

  init(_ row: SocketRow, isWanted: Bool, reading: Int) {
    path = [Step(row)]
    event = reading == 0 ? .present : .opened
    self.reading = reading
    eventReading = reading
    self.isWanted = isWanted
    wasWanted = isWanted
    add(row)
  }

  /// Its state before the last one.
  var before: Step? { path.count > 1 ? path[path.count - 2] : nil }

  private mutating func add(_ row: SocketRow) {
    receive.add(row.receiveQueue)
    send.add(row.sendQueue)
  }

  /// The next reading of the same socket.
  ///
  /// - Parameter facts: What differs; nil where nothing does.
  mutating func advance(
    to row: SocketRow, _ facts: TableChanges.Facts?, isWanted wanted: Bool, reading number: Int
  ) {
    add(row)
    wasWanted = isWanted
    isWanted = wanted
    guard let facts else {
      if wasWanted != wanted { note(wanted ? .changed : .left, number) }
      return
    }
    let isStep = !facts.isDisjoint(with: [.state, .role, .ends, .backlog])
    if isStep {
      if path.count == Self.longestPath { path.remove(at: 1) }
      if path.last != Step(row) { path.append(Step(row)) }
    }
    if wasWanted, !wanted {
      note(.left, number)
    } else if isStep || wasWanted != wanted {
      note(.changed, number)
    } else if !facts.isDisjoint(with: .queues) {
      // A mark of what is more stays as long as it is fresh.
      if event == .present || event == .moved || number - reading > 2 { event = .moved }
      if event == .moved { reading = number }
    }
  }

  mutating func close(reading number: Int) {
    wasWanted = isWanted
    isWanted = false
    note(.closed, number)
  }

  private mutating func note(_ event: Event, _ number: Int) {
    self.event = event
    reading = number
    eventReading = number
  }
}
