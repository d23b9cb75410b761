// What was found about another program's listener, in words.

internal import SocketCore

extension TargetResult {
  /// Whether what was found is what the kernel says of the listener; true where it says nothing.
  public var match: Bool {
    guard let found = backlogFound, let before, before.listeners == 1, let backlog = before.backlog
    else { return true }
    return found == backlog
  }

  /// The result in one sentence, without a full stop.
  public var verdict: String {
    let patience = rounded(Double(plan.patience.nanoseconds) / 1e9)
    switch ending {
    case .refused where connected == 0:
      return "nothing listens there: the first connect was refused"
    case .refused: return "connect #\(clients.count) was refused: the listener is gone"
    case .failed(let error):
      return "connect #\(clients.count + 1) could not be made: \(error.description)"
    case .unanswered(let connect):
      if isAccepting == true {
        return
          "the server accepts: \(accepted ?? 0) of \(connected) connections were taken meanwhile, so that "
          + "connect #\(connect), which had no answer within \(patience) s, tells no length of a queue"
      }
      let start = "connect #\(connect) had no answer within \(patience) s"
      guard let found = backlogFound else {
        return start + ": the queue is full, or the SYN was lost"
      }
      let others = leftovers.map { $0 > 0 ? " beside the \($0) that waited already" : "" } ?? ""
      let held =
        switch connected {
        case 0: "no connection has"
        case 1: "1 connection has"
        default: "\(connected) connections have"
        }
      let known = match ? "" : ", while the kernel says \(before?.backlog ?? 0)"
      return start + ": \(held) room\(others), so that the backlog in force is \(found)\(known)"
    case .countReached:
      if isAccepting == true {
        return
          "the server accepts: it withstood \(plural(connected, "connect")) at "
          + "\(Int(connectsPerSecond)) a second, which tells no length of its queue"
      }
      return "each of the \(connected) connects found room: the queue holds that many or more"
    }
  }

  /// A sentence each.
  public var advice: [String] {
    var lines: [String] = []
    if let leftovers, leftovers > 0 {
      lines.append(
        "the queue was not empty: \(plural(leftovers, "connection")) waited in it before the test")
    }
    if case .unanswered = ending {
      if let found = backlogFound {
        lines.append(
          """
          accept faster first: a backlog of \(found) takes up \(found + 1) / (arrivals − accepts a second) \
          seconds of burst; a longer queue only delays the drops
          """)
      }
      if !isLocal {
        lines.append(
          """
          on another host an unanswered SYN may also have been lost, or dropped by a filter: do it again \
          before you believe it
          """)
      }
    }
    if let ghosts, ghosts > 0 { lines += Advice.ghosts(finalACKs: ghosts, cookies: 0) }
    if let listeners = before?.listeners, listeners > 1 {
      lines.append(
        """
        \(listeners) listeners share the port (SO_REUSEPORT): each has a queue of its own, to which clients \
        are bound by their addresses, so that their sum is never usable as a whole
        """)
    }
    return lines
  }
}
