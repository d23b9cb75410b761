// The words that a filter knows.

public import SocketCore

/// A condition by its name.
enum FilterCondition: Equatable {
  /// Nil is either end.
  case port(FilterEnd?)
  case host(FilterEnd?)
  case state, excludedState
  case process, processName, user
  case receiveQueue, sendQueue, roundTripTime, retransmissions
  case pending, orphan
  /// Known to ss, and not here.
  case ssOnly

  /// Whether it has to be compared, and with one number only.
  var isQuantity: Bool {
    [.receiveQueue, .sendQueue, .roundTripTime, .retransmissions].contains(self)
  }

  /// Whether only equality makes sense.
  var isUnordered: Bool {
    switch self {
    case .host, .state, .excludedState, .processName: true
    default: false
    }
  }

  /// What its value is, for a message.
  var expected: String {
    switch self {
    case .port: "a port"
    case .host: "an address"
    case .state, .excludedState: "a state"
    case .process: "a process's number"
    case .processName: "a process's name"
    case .user: "a user"
    case .receiveQueue: "a number of bytes (of connections, for a listener)"
    case .sendQueue: "a number of bytes"
    case .roundTripTime: "a time"
    case .retransmissions: "a number"
    case .pending, .orphan, .ssOnly: "nothing"
    }
  }
}

enum FilterWords {
  static func condition(_ word: String) -> FilterCondition? {
    conditions.first { $0.key == word.lowercased() }?.value
  }

  private static let conditions: KeyValuePairs<String, FilterCondition> = [
    "port": .port(nil), "lport": .port(.local), "rport": .port(.peer),
    "sport": .port(.local), "dport": .port(.peer),
    "addr": .host(nil), "local": .host(.local), "peer": .host(.peer),
    "src": .host(.local), "dst": .host(.peer),
    "state": .state, "exclude": .excludedState,
    "pid": .process, "process": .processName, "uid": .user,
    "recvq": .receiveQueue, "sendq": .sendQueue, "rtt": .roundTripTime,
    "retrans": .retransmissions, "pending": .pending, "orphan": .orphan,
    "dev": .ssOnly, "fwmark": .ssOnly, "cgroup": .ssOnly, "autobound": .ssOnly,
  ]

  /// What may have been meant by another word.
  static var all: [String] {
    conditions.filter { $0.value != .ssOnly }.map(\.key) + stateNames + ["and", "or", "not"]
  }

  /// The relation that a sign or a word stands for.
  static func comparison(_ token: FilterToken) -> FilterComparison? {
    if case .comparison(let comparison) = token.kind { return comparison }
    guard token.kind == .word, token.text.utf8.count <= 3 else { return nil }
    return switch token.text.lowercased() {
    case "eq": .equal
    case "ne", "neq": .notEqual
    case "gt": .greater
    case "ge", "geq": .atLeast
    case "lt": .less
    case "le", "leq": .atMost
    default: nil
    }
  }

  /// The states of a name: the kernel's (`SYN_RECV`), ss's (`syn-recv`) or one of ss's for several;
  /// in any case, with hyphens, underscores or neither.
  static func states(_ word: String) -> Set<TCPState>? {
    guard word.utf8.count <= 16 else { return nil }
    let name = String(word.lowercased().filter { $0 != "-" && $0 != "_" })
    let every = Set(TCPState.allCases)
    return switch name {
    case "established", "estab": [.established]
    case "synsent": [.synSent]
    case "synrecv", "synrcv": [.synReceived]
    case "finwait1": [.finWait1]
    case "finwait2": [.finWait2]
    case "timewait": [.timeWait]
    case "close", "closed", "unconnected": [.closed]
    case "closewait": [.closeWait]
    case "lastack": [.lastAck]
    case "listen", "listening": [.listen]
    case "closing": [.closing]
    case "all": every
    case "connected": every.subtracting([.closed, .listen])
    case "synchronized": every.subtracting([.closed, .listen, .synSent])
    case "bucket": [.synReceived, .timeWait]
    case "big": every.subtracting([.synReceived, .timeWait])
    default: nil
    }
  }

  /// The names to suggest: the kernel's, ss's where they differ in more than case, and those for
  /// several.
  static var stateNames: [String] {
    TCPState.allCases.map { "\($0.name)" }
      + ["listening", "closed", "all", "connected", "synchronized", "bucket", "big"]
  }
}

extension TCPState {
  /// The states of a name as a filter takes it: the kernel's (`SYN_RECV`), ss's (`syn-recv`, `estab`)
  /// or one of ss's for several (`connected`); in any case. Nil for all else.
  public static func named(_ name: String) -> Set<TCPState>? { FilterWords.states(name) }
}
