// A listener and what it accepts, in words and as JSON.

internal import Report
internal import SocketCore

extension Event {
  static func listening(_ listener: borrowing Listener, asked: Backlog?) -> Event {
    let inForce = try? listener.queue().backlog
    let families =
      switch listener.isDualStack {
      case true: " (IPv6 and IPv4)"
      case false where listener.local.address.isUnspecified: " (IPv6 only)"
      default: ""
      }
    let backlog = inForce.map { ", backlog \($0)\(clamp(asked, $0))" } ?? ""
    return Event(
      "listening", "listening on \(listener.local)\(families)\(backlog)",
      [
        ("local", listener.local.json), ("backlog_asked", .init(asked?.typed)),
        ("backlog", .init(inForce)), ("ipv6_only", .init(listener.isDualStack.map { !$0 })),
      ])
  }

  /// - Parameter connection: its number, where there may be several.
  static func accepted(
    local: Endpoint, peer: Endpoint, connection: Int?, for audience: Audience = .all
  ) -> Event {
    Event(
      "accepted", "\(tag(connection))accepted \(peer) → \(local)", for: audience,
      [("connection", .init(connection ?? 1)), ("local", local.json), ("peer", peer.json)])
  }
}

/// What stands before the lines of one connection of several.
func tag(_ number: Int?) -> String { number.map { "#\($0) " } ?? "" }

/// What became of the backlog that was asked for, where it is not in force as it stands.
private func clamp(_ asked: Backlog?, _ effective: Int) -> String {
  guard let asked, asked.typed != effective else { return "" }
  return asked.value < 0
    ? " (\(asked.typed) means the largest: net.core.somaxconn)"
    : " (\(asked.typed) asked for, clamped by net.core.somaxconn)"
}
