// The socket table read again and again: what was opened, what changed, what closed.

internal import KernelTables
internal import SocketCore

/// Reads the table and keeps of each socket what it went through.
///
/// Everything that is in the table is followed, whatever its state, so that a socket that the filter
/// does not want any more is known to be still there. The kernel leaves out only what the ends exclude.
struct SocketWatch {
  /// What is read. Its order is not used, since who shows the rows sorts them.
  let reading: StatesReading
  private(set) var filter: Filter
  /// The number of the last reading, from 0; −1 before the first.
  private(set) var number = -1
  private(set) var table = TableReading()
  /// By place in the table.
  private(set) var tracks: [SocketTrack] = []
  /// What closed or left lately, the oldest first.
  private(set) var gone: [Gone] = []
  private(set) var context = StatesContext()
  private(set) var outcome: SocketTable.Outcome?
  private(set) var tally = Tally()
  /// Of all readings since the first.
  private(set) var sum = Tally()
  /// Rows of a socket that a process holds, which is hidden from this user.
  private(set) var unseenOwners = 0
  /// Which processes the last walk over /proc has seen.
  private(set) var visibility = ProcessVisibility.all
  private var owners: [UInt64: [SocketOwner]] = [:]

  /// A socket that is not in the table any more, or not wanted any more.
  struct Gone: Sendable {
    var socket: StatesRow
    var track: SocketTrack
  }

  /// How many sockets had something happen at the last reading, among those that are wanted.
  struct Tally: Equatable, Sendable {
    var opened = 0
    var changed = 0
    var closed = 0
    var wanted = 0
  }

  /// More would be a list of its own.
  private static let mostGone = 200
  /// A descriptor may be handed to another process: all owners are looked for again so often.
  private static let ownersAge = 10

  init(_ reading: StatesReading) {
    self.reading = reading
    filter = reading.filter
  }

  var findsOwners: Bool {
    reading.needs.contains(.owners) || filter.needs.contains(.owners)
  }

  /// Starts over with another filter: the next reading is the first.
  mutating func restart(_ filter: Filter) {
    self.filter = filter
    number = -1
    table = TableReading()
    tracks = []
    gone = []
    sum = Tally()
  }

  func socket(_ place: Int) -> StatesRow {
    let socket = table.sockets[place]
    return StatesRow(row: socket.row, details: socket.details)
  }

  private var query: SocketQuery {
    let selection = filter.selection
    var wants = reading.query.wants
    if filter.needs.contains(.info) { wants.insert(.info) }
    // A socket keeps its ends and not its state.
    return SocketQuery(
      wants: wants,
      selection: SockDiagSelection(
        states: Set(TCPState.allCases), localPort: selection.localPort,
        peerPort: selection.peerPort, program: selection.program))
  }

  /// Reads the table once more.
  ///
  /// - Throws: where the tables, or /proc, could not be read.
  mutating func read() throws(SystemCallError) {
    var next = TableReading()
    outcome = try SocketTable.forEachRow(from: reading.source, query) { row, details in
      next.append(ReadSocket(row, details))
    }.get()
    if number < 0 {
      context.namespace = NetworkNamespace.number()
      if reading.needs.contains(.group) { context.groups = ControlGroups.read() }
    }
    number += 1
    if findsOwners { try findOwners(next) }
    let (changes, earlier) = table.advance(to: next)
    advance(by: changes, from: earlier)
  }

  private mutating func advance(by changes: TableChanges, from earlier: TableReading) {
    tally = Tally()
    var differing = changes.changed[...]
    var followed: [SocketTrack] = []
    followed.reserveCapacity(table.sockets.count)
    for place in table.sockets.indices {
      let row = table.sockets[place].row
      let isWanted = isWanted(place)
      var facts: TableChanges.Facts?
      if let first = differing.first, first.later == place {
        facts = first.facts
        differing.removeFirst()
      }
      var track: SocketTrack
      if let before = changes.predecessor(of: place) {
        track = tracks[before]
        track.advance(to: row, facts, isWanted: isWanted, reading: number)
        if track.event == .left, track.reading == number {
          gone.append(Gone(socket: socket(place), track: track))
        }
      } else {
        track = SocketTrack(row, isWanted: isWanted, reading: number)
      }
      if findsOwners { remember(&track, table.sockets[place]) }
      tally.wanted += isWanted ? 1 : 0
      if track.reading == number, track.isWanted || track.wasWanted {
        switch track.event {
        case .opened: tally.opened += 1
        case .changed, .left: tally.changed += 1
        case .present, .moved, .closed: break
        }
      }
      followed.append(track)
    }
    for place in changes.closed {
      var track = tracks[place]
      track.close(reading: number)
      guard track.wasWanted else { continue }
      tally.closed += 1
      let socket = earlier.sockets[place]
      gone.append(
        Gone(socket: StatesRow(row: socket.row, details: socket.details), track: track))
    }
    // The list is for the eye; those of this reading are told in any case.
    let old = gone.firstIndex { $0.track.reading == number } ?? gone.count
    gone.removeFirst(min(old, max(0, gone.count - Self.mostGone)))
    tracks = followed
    sum.opened += tally.opened
    sum.changed += tally.changed
    sum.closed += tally.closed
  }

  private func isWanted(_ place: Int) -> Bool {
    let socket = table.sockets[place]
    let found = owners[socket.row.inode] ?? []
    return filter.matches(
      KnownSocket(
        row: socket.row, info: socket.details.info, owners: found.isEmpty ? nil : found))
  }

  private func remember(_ track: inout SocketTrack, _ socket: ReadSocket) {
    let found =
      SocketRole(socket.row).belongsToListener
      ? context.listeners.candidates(for: socket.row, interface: socket.details.interface)
        .flatMap { owners[$0] ?? [] }
      : owners[socket.row.inode] ?? []
    if !found.isEmpty { track.holders = found }
  }

  /// Looks for those that are not known yet, and now and then for all.
  private mutating func findOwners(_ next: TableReading) throws(SystemCallError) {
    var inodes = Set(next.sockets.lazy.map(\.row.inode))
    var listeners = ListenerIndex<UInt64>()
    // The listeners may not be among the rows. Listeners alone cost next to nothing.
    let query = SocketQuery(states: [.listen])
    _ = try SocketTable.forEachRow(from: reading.source, query) { row, details in
      listeners.add(row.inode, row, interface: details.interface)
      inodes.insert(row.inode)
    }
    context.listeners = listeners
    inodes.remove(0)
    if number.isMultiple(of: Self.ownersAge) { owners = [:] }
    let unknown = inodes.filter { owners[$0] == nil }
    if !unknown.isEmpty {
      let found = try SocketOwners.find(unknown)
      visibility = found.visibility
      for inode in unknown { owners[inode] = found[inode] }
      if owners.count > inodes.count { owners = owners.filter { inodes.contains($0.key) } }
      context.owners = SocketOwners(owners)
    }
    unseenOwners =
      visibility == .all
      ? 0 : next.sockets.count { $0.row.inode != 0 && owners[$0.row.inode]?.isEmpty != false }
  }
}
