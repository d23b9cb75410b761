// A row of `states` with all that was found out about it.

internal import KernelTables
internal import SocketCore

/// A socket as it is shown.
typealias StatesRow = SocketEntry

extension StatesRow {
  var role: SocketRole { SocketRole(row) }

  /// TCP_INFO where it tells of a path: that of a listener is about its queue, which the row has.
  var info: TCPInfo? { row.state == .listen ? nil : details.info }
}

/// What is known about the sockets together.
struct StatesContext: Sendable {
  /// Nil where nobody asked for them.
  var owners: SocketOwners?
  /// The inodes of the listeners that the sockets can wait at.
  var listeners = ListenerIndex<UInt64>()
  /// Those of other network namespaces, where rows are of several.
  var listenersElsewhere: [RowSupplement.Place: ListenerIndex<UInt64>] = [:]
  /// Nil where nobody asked for them.
  var groups: ControlGroups?
  /// The network namespace that the rows are of, and its name.
  var namespace: UInt64?
  var namespaceName: [UInt8]?
  /// Whether the rows are saved ones, and so bring their processes with them; and whether these were
  /// asked for.
  var isSaved = false
  var showsSavedOwners = false

  /// Who holds the socket; nil where nobody asked.
  func processes(of socket: StatesRow) -> [SocketOwner]? {
    if isSaved { return showsSavedOwners ? socket.supplement?.processes : nil }
    return owners?[socket.row.inode]
  }

  func namespace(of socket: StatesRow) -> UInt64? {
    socket.supplement.map { $0.namespace } ?? namespace
  }

  func namespaceName(of socket: StatesRow) -> [UInt8]? {
    socket.supplement.map { $0.namespaceName } ?? namespaceName
  }

  /// Who holds the listener at which the socket waits, each descriptor once; nil where nobody asked,
  /// and where the socket does not wait.
  func listenerProcesses(of socket: StatesRow) -> [SocketOwner]? {
    if isSaved { return showsSavedOwners ? socket.supplement?.listenerProcesses : nil }
    guard let owners, socket.role.belongsToListener else { return nil }
    let listeners =
      listenersElsewhere.isEmpty
      ? listeners : socket.supplement.flatMap { listenersElsewhere[$0.place] } ?? listeners
    return listeners.candidates(for: socket.row, interface: socket.details.interface)
      .flatMap { owners[$0] }
  }
}

/// One value of a row, before it is text, CSV or JSON.
enum StatesValue: Sendable {
  case unknown
  /// No value at all, not even null: what only closes an object.
  case nothing
  case integer(Int)
  case bool(Bool)
  case unsigned(UInt64)
  case endpoint(Endpoint)
  case name(StaticString)
  /// A name for programs, and a few words for a person.
  case role(SocketRole)
  /// What stands in a person's column for another thing, and is none of this column's for programs:
  /// a listener's backlog under Send-Q.
  case inPlace(Int?)
  /// Text from outside.
  case text(String)
  /// A name from outside that need not be UTF-8.
  case outsideName([UInt8])
  case bytes(UInt64)
  /// Bytes a second.
  case rate(UInt64)
  /// Whole milliseconds for programs.
  case milliseconds(Duration)
  /// Whole microseconds for programs.
  case microseconds(Duration)
  /// Who holds the socket, or the listener at which it waits.
  case processes([SocketOwner])
  /// A person's column has the processes of the listener at which the socket waits; for programs it
  /// has no process.
  case listenerInPlace([SocketOwner])

  init(_ number: Int?) { self = number.map { .integer($0) } ?? .unknown }
  init(bytes: UInt64?) { self = bytes.map { .bytes($0) } ?? .unknown }
  init(bytes: Int?) { self = bytes.map { .bytes(UInt64(clamping: $0)) } ?? .unknown }
  init(milliseconds: Duration?) { self = milliseconds.map { .milliseconds($0) } ?? .unknown }
  init(microseconds: Duration?) { self = microseconds.map { .microseconds($0) } ?? .unknown }
}

extension StatesValue {
  /// What decides on the order of two values of one column.
  struct SortKey: Comparable {
    var isUnknown = false
    var text = ""
    var number: Int128 = 0
    var port: UInt16 = 0

    static func < (left: Self, right: Self) -> Bool {
      if left.text != right.text { return left.text < right.text }
      if left.number != right.number { return left.number < right.number }
      return left.port < right.port
    }
  }

  /// Numbers by size, addresses by number with IPv4 first, all else as text.
  var sortKey: SortKey {
    switch self {
    case .unknown, .nothing, .inPlace(nil): SortKey(isUnknown: true)
    case .integer(let number), .inPlace(let number?): SortKey(number: Int128(number))
    case .bool(let value): SortKey(number: value ? 1 : 0)
    case .unsigned(let number), .bytes(let number), .rate(let number):
      SortKey(number: Int128(number))
    case .endpoint(let endpoint): Self.key(endpoint)
    case .name(let name): SortKey(text: "\(name)")
    case .role(let role): SortKey(text: "\(role.name)")
    case .text(let text): SortKey(text: text)
    case .outsideName(let name): SortKey(text: String(decoding: name, as: UTF8.self))
    case .milliseconds(let duration), .microseconds(let duration):
      SortKey(number: duration.attoseconds)
    case .processes(let owners), .listenerInPlace(let owners):
      owners.first.map {
        SortKey(text: String(decoding: $0.name ?? [], as: UTF8.self), number: Int128($0.pid))
      } ?? SortKey(isUnknown: true)
    }
  }

  private static func key(_ endpoint: Endpoint) -> SortKey {
    switch endpoint.address.unmapped {
    case .v4(let v4): SortKey(number: Int128(v4.bits), port: endpoint.port)
    case .v6(let v6):
      // As an unsigned number, moved to where a signed one has the same order.
      SortKey(
        text: "v6",
        number: Int128(bitPattern: (UInt128(v6.high) << 64 | UInt128(v6.low)) ^ (1 << 127)),
        port: endpoint.port)
    }
  }
}
