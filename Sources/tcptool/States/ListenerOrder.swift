// The order of the listeners: `states --listeners --sort`, and the key s of its watch.

internal import CommandSpec
internal import KernelTables
internal import Report

/// What listeners can be sorted by, as --sort calls it. What sockets have too has the same name there.
enum ListenerKey: String, CaseIterable, Sendable {
  /// By port, then by address: the order in which they are read.
  case local
  case recvq, full, synq, drops, backlog

  /// Nil where it is not known.
  func value(of item: ListenerReport.Item) -> Int? {
    switch self {
    case .local: 0
    case .recvq: item.acceptQueue.length
    case .full: item.fullness
    case .synq: item.synQueue.length
    case .drops: item.status.drops
    case .backlog: item.status.row.backlog
    }
  }

  var next: ListenerKey {
    let all = Self.allCases
    return all.firstIndex(of: self).map { all[($0 + 1) % all.count] } ?? .local
  }
}

/// An order of listeners.
struct ListenerOrder: Sendable {
  var key = ListenerKey.local
  var isReversed = false

  /// What is equal keeps its order, and what is not known comes last either way.
  func sorted<Element>(
    _ listeners: [Element], _ item: (Element) -> ListenerReport.Item
  ) -> [Element] {
    if key == .local { return isReversed ? listeners.reversed() : listeners }
    let values = listeners.map { key.value(of: item($0)) }
    return listeners.indices.sorted { left, right in
      switch (values[left], values[right]) {
      case (let first?, let second?) where first != second:
        isReversed ? first > second : first < second
      case (.some, nil): true
      case (nil, .some): false
      default: left < right
      }
    }.map { listeners[$0] }
  }
}

extension ListenerReport.Item {
  /// How full the fuller one of its queues is.
  fileprivate var fullness: Int? {
    [acceptQueue.percent, synQueue.percent].compactMap { $0 }.max()
  }
}

/// What --sort names: a column of the rows or of the listeners, with `-` before it for the other
/// direction. Which of them there are is known only with the other options: any word is taken here.
struct SortKey: ArgumentValue {
  var name: String
  var isReversed: Bool

  init(argument: String) {
    isReversed = argument.hasPrefix("-")
    name = argument.dropFirst(isReversed ? 1 : 0).lowercased()
  }

  static var choices: [String] {
    let columns = ColumnName.choices
    return columns + ListenerKey.allCases.map(\.rawValue).filter { !columns.contains($0) }
  }
  static var completion: Parameter.Completion { .words(choices + choices.map { "-\($0)" }) }
  var argumentText: String { (isReversed ? "-" : "") + name }
}

extension StatesOptions {
  var order: SortOrder? { sortKey.flatMap { SortOrder(argument: $0.argumentText) } }

  var listenerOrder: ListenerOrder {
    guard let sortKey, let key = ListenerKey(rawValue: sortKey.name) else { return ListenerOrder() }
    return ListenerOrder(key: key, isReversed: sortKey.isReversed)
  }

  func checkSortKey() throws(UsageError) {
    guard let sortKey else { return }
    func refusal(_ what: String, _ names: [String]) -> UsageError {
      let near = nearest(to: sortKey.name, in: names).map { "Did you mean '\($0)'?" }
      return UsageError(
        "\(what) cannot be sorted by '\(sortKey.name)'. "
          + (near ?? "Give one of \(names.joined(separator: ", ")).")
      )
    }
    if listeners.areWanted {
      let names = ListenerKey.allCases.map(\.rawValue)
      guard names.contains(sortKey.name) else { throw refusal("Listeners", names) }
    } else if order == nil {
      guard ListenerKey(rawValue: sortKey.name) == nil else {
        throw UsageError("'\(sortKey.name)' is a column of '--listeners' only. Give that, too.")
      }
      throw refusal("Sockets", ColumnName.choices)
    }
  }
}
