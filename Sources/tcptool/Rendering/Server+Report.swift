// What happens while a listener is served, in words and as JSON.

internal import Report
internal import SocketCore

extension Event {
  static func rejected(_ peer: Endpoint) -> Event {
    Event(
      "rejected", "reset \(peer): its address is not in --allow", [("peer", peer.json)])
  }

  static func commandEnded(_ status: ChildStatus, number: Int?) -> Event {
    let (text, exit, signal): (String, Int32?, Int32?) =
      switch status {
      case .exited(let status): ("ended with status \(status)", status, nil)
      case .signalled(let signal): ("was ended by signal \(signal)", nil, signal)
      case .unknown: ("has ended, and the kernel does not tell how", nil, nil)
      }
    return Event(
      "command_ended", "\(tag(number))the program \(text)",
      for: status == .exited(0) ? .curious : .all,
      [("connection", .init(number ?? 1)), ("status", .init(exit)), ("signal", .init(signal))])
  }

  static func relistened(
    _ backlog: Int32, _ result: Result<Listener.Queue, SystemCallError>
  ) -> Event {
    let (text, effective): (String, Int?) =
      switch result {
      case .success(let queue):
        (
          "backlog \(queue.backlog) in force"
            + (queue.backlog == backlog ? "" : ", clamped by net.core.somaxconn"), queue.backlog
        )
      case .failure(let error): ("\(error)", nil)
      }
    return Event(
      "relistened", "listen(2) again with \(backlog): \(text)",
      [("backlog_asked", .init(backlog)), ("backlog", .init(effective))])
  }

  static func outOfDescriptors(_ error: SystemCallError, open: Int) -> Event {
    Event(
      "out_of_descriptors",
      "\(error): \(Units.plural(open, "connection")) open; others wait in the accept queue until "
        + "one ends"
        + (error.errno == .tooManyDescriptors ? "; raise the limit (ulimit -n) for more" : ""),
      [("open", .init(open)), ("errno", .init(error.errno.name))])
  }

  static func queues(_ reading: QueueReading, for audience: Audience) -> Event {
    Event(
      "queues", reading.line, for: audience,
      [
        ("accept_queue", .init(reading.length)), ("accept_queue_limit", .init(reading.backlog + 1)),
        ("accept_queue_most", .init(reading.highWater)), ("syn_recv", .init(reading.synReceived)),
        ("drops", .init(reading.drops)),
        ("listen_overflows", .init(reading.overflows)),
      ])
  }
}

extension QueueReading {
  private func text(_ value: Int?) -> String { value.map { Units.count($0) } ?? "unknown" }
  private var limit: Int { backlog + 1 }

  var line: String {
    "accept queue \(Units.count(length)) of \(Units.count(limit)) (most \(Units.count(highWater))), "
      + "SYN queue \(text(synReceived)), dropped here \(text(drops)), "
      + "ListenOverflows of the namespace +\(text(overflows))"
  }

  /// As it fits into one line of a terminal.
  func liveLine(unicode: Bool) -> String {
    let fill = bar(fraction: Double(length) / Double(limit), width: 10, unicode: unicode)
    return "accept queue \(fill) \(length) of \(limit), most \(highWater); "
      + "SYN queue \(text(synReceived)); dropped \(text(drops)); overflows +\(text(overflows))"
  }

  /// The same where there is less room.
  var shortLine: String {
    "queue \(Units.count(length))/\(Units.count(limit)) (most \(Units.count(highWater))), "
      + "SYN \(text(synReceived)), drops \(text(drops)), overflows +\(text(overflows))"
  }
}
