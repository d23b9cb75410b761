// How a connection came about, in words and as JSON: resolution, attempts, the winner.

internal import Report
internal import SocketCore

extension Event {
  static func resolved(_ host: String, _ targets: [Endpoint], in elapsed: Duration) -> Event {
    let list = targets.map { "\($0.address)" }
    return Event(
      "resolve", "resolved \(host) in \(Units.duration(elapsed)): \(list.joined(separator: ", "))",
      for: .curious,
      [
        ("host", .init(host)), ("resolution_ns", .init(nanoseconds: elapsed)),
        ("addresses", .array(list.map { .init($0) })),
      ])
  }

  /// An attempt that failed. For a person who gets the same in the error's message it is not told.
  static func attempt(_ failed: FailedAttempt, for audience: Audience) -> Event {
    Event(
      "attempt", describe(failed), for: audience,
      [
        ("peer", failed.target.json), ("outcome", .init(failed.failure.name)),
        ("elapsed_ns", .init(nanoseconds: failed.elapsed)), ("syns_sent", .init(failed.synsSent)),
        ("call", .init(failed.error.call)), ("errno", .init(failed.error.errno.name)),
        ("icmp", failed.icmp?.json ?? .null),
      ])
  }

  /// An attempt that lost the race.
  static func attempt(_ abandoned: AbandonedAttempt) -> Event {
    Event(
      "attempt",
      "connect to \(abandoned.target): given up after \(Units.duration(abandoned.elapsed)), "
        + "\(Units.plural(abandoned.synsSent, "SYN")) sent; another address was faster",
      for: .curious,
      [
        ("peer", abandoned.target.json), ("outcome", "abandoned"),
        ("elapsed_ns", .init(nanoseconds: abandoned.elapsed)),
        ("syns_sent", .init(abandoned.synsSent)), ("call", nil), ("errno", nil), ("icmp", nil),
      ])
  }

  /// A SYN that had to be sent again while nothing has come back yet.
  static func waiting(_ attempt: WaitingAttempt) -> Event {
    Event(
      "syn_retransmitted", attempt.description, for: .curious,
      [
        ("peer", attempt.target.json), ("elapsed_ns", .init(nanoseconds: attempt.elapsed)),
        ("syns_sent", .init(attempt.synsSent)),
      ])
  }

  /// - Parameter number: that of one connection of several.
  static func connected(
    _ connected: borrowing Connected, resolution: Duration?, number: Int? = nil,
    for audience: Audience = .all
  ) -> Event {
    let retried = connected.synRetransmissions
    let note =
      retried == 0 ? "" : " (the SYN was sent \(Units.plural(retried + 1, "time")))"
    let (local, peer) = (connected.connection.local, connected.connection.peer)
    let info = try? connected.connection.socket.info()
    return Event(
      "connected",
      "\(tag(number))connected \(local) → \(peer) "
        + "in \(Units.duration(connected.handshake))\(note)", for: audience,
      [
        ("connection", .init(number ?? 1)), ("local", local.json), ("peer", peer.json),
        ("resolution_ns", .init(nanoseconds: resolution)),
        ("handshake_ns", .init(nanoseconds: connected.handshake)),
        ("rtt_us", .init(microseconds: connected.roundTripTime)), ("syns_sent", .init(retried + 1)),
        ("mss", .init(info?.sendMSS)),
        ("congestion_control", .init(connected.connection.socket.congestionControl)),
      ])
  }

  /// What the connection cost: the program's own measurements, and the kernel's beside them.
  static func timing(_ connected: borrowing Connected, resolution: Duration?) -> Event {
    var parts: [String] = []
    if let resolution { parts.append("name resolution \(Units.duration(resolution))") }
    parts.append("handshake \(Units.duration(connected.handshake))")
    if let time = connected.roundTripTime {
      parts.append("round trip by the kernel's clock \(Units.duration(time))")
    } else if connected.synRetransmissions > 0 {
      parts.append("no round trip to quote, since the SYN was sent more than once")
    }
    return Event(nil, parts.joined(separator: ", "), for: .curious)
  }
}

extension WaitingAttempt: CustomStringConvertible {
  var description: String {
    "connecting to \(target): no answer for \(Units.duration(elapsed)), "
      + "\(Units.plural(synsSent, "SYN")) sent"
  }
}

extension ConnectFailure {
  /// As JSON has it.
  var name: String {
    switch self {
    case .local: "local"
    case .unreachable: "unreachable"
    case .noAnswer: "no_answer"
    case .prohibited: "prohibited"
    case .refused: "refused"
    case .reset: "reset"
    }
  }
}

extension ICMPError {
  var json: JSONValue {
    [
      "version": .init(isICMPv6 ? 6 : 4), "type": .init(type), "code": .init(code),
      "from": .init(from?.description),
    ]
  }
}

/// A failed attempt in words: what was tried, what came of it, and what that means.
func describe(_ failed: FailedAttempt) -> String {
  if let icmp = failed.icmp {
    guard icmp.failure == .refused else { return "\(failed.error): \(icmp)" }
    let sender = icmp.from.map { ", from \($0)" } ?? ""
    return "\(failed.error): refused by \(icmp.isICMPv6 ? "ICMPv6" : "ICMP") port unreachable "
      + "(\(icmp.type)/\(icmp.code))\(sender), and not by RST: a firewall rejects the connection"
  }
  switch failed.failure {
  case .refused:
    return "\(failed.error): the host answered with RST, so nothing listens on that port, "
      + "or a firewall rejects the connection"
  case .reset:
    return "\(failed.error): the handshake was complete, and the host reset the connection at "
      + "once; something accepts there and does not want this peer, or has nobody to pass it on to"
  case .noAnswer:
    return "\(failed.error) after \(Units.duration(failed.elapsed)); "
      + "\(Units.plural(failed.synsSent ?? 1, "SYN")) sent, none answered: the host is down, "
      + "a firewall drops the SYN, or the listener's queue is full"
  case .local, .unreachable, .prohibited:
    return failed.error.description + failed.error.advice
  }
}
