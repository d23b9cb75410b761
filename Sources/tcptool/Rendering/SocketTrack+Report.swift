// What a socket went through, as text.

internal import KernelTables
internal import Report
internal import SocketCore

extension SocketTrack.Step {
  /// The state, and behind it what the state alone does not say.
  ///
  /// - Parameter before: The step before, since a connection that nobody holds any more and one that
  ///   has just been accepted are alike but for that.
  func text(after before: Self?) -> String {
    let note: String? =
      switch role {
      case .pendingAccept: "pending"
      case .connection where before?.role == .pendingAccept: "accepted"
      case .orphan: "orphan"
      case .peerClosed: "EOF not read"
      case .leftOpen: "EOF read"
      case .timeWait where state != .timeWait: "no socket"
      default: nil
      }
    return "\(state.name)" + (note.map { " (\($0))" } ?? "")
  }
}

extension SocketTrack {
  private static let arrow = " → "

  /// All states that were seen, from the first to the last.
  var pathText: String {
    let ending = event == .closed ? ["closed"] : event == .left ? ["not in the filter"] : []
    return (path.indices.map { path[$0].text(after: $0 > 0 ? path[$0 - 1] : nil) } + ending)
      .joined(separator: Self.arrow)
  }

  /// What the last reading saw of it: the last two states, or the only one.
  var stepText: String {
    let last = path.indices.suffix(event == .changed || event == .left ? 2 : 1)
      .map { path[$0].text(after: $0 > 0 ? path[$0 - 1] : nil) }
    return (last + (event == .closed ? ["closed"] : [])).joined(separator: Self.arrow)
  }

  /// Whether it went through more than it shows.
  var hasPath: Bool { path.count > 1 || event == .closed || event == .left }
}

extension SocketTrack.Event {
  /// The mark before a row; a blank where nothing happened.
  var mark: String {
    switch self {
    case .present: " "
    case .opened: "+"
    case .changed: "*"
    case .moved: "~"
    case .left: "<"
    case .closed: "-"
    }
  }

  var ink: Style.Ink? {
    switch self {
    case .present: nil
    case .opened: .green
    case .changed: .magenta
    case .moved: .cyan
    case .left, .closed: .red
    }
  }

  /// The word in lines and JSON.
  var word: String {
    switch self {
    case .present: "present"
    case .opened: "opened"
    case .changed, .moved: "changed"
    case .left: "left"
    case .closed: "closed"
    }
  }
}
