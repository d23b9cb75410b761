// What the scenarios around a listener mean, in words: another listen(2), a group on one port, last ACKs
// that come late.

extension RelistenResult {
  private func held(_ event: RelistenStage.Event) -> Int {
    stages.first { $0.event == event }?.measured[.acceptQueue] ?? 0
  }

  private func effective(_ event: RelistenStage.Event) -> Int {
    stages.first { $0.event == event }?.measured[.effectiveBacklog] ?? 0
  }

  /// The result in one sentence, without a full stop.
  public var verdict: String {
    if let stage = stages.first(where: { !$0.comparisons.match }) {
      return "the kernel differs from the prediction (\(stage.event.words)): "
        + stage.comparisons.differenceText
    }
    let (before, after) = (effective(.listened), effective(.listenedAgain))
    if before == after {
      return
        "a backlog of \(before) is in force before and after: neither setting clamps it otherwise"
    }
    return """
      net.core.somaxconn from \(settings.somaxconn) to \(plan.somaxconn) changed nothing for the listener, \
      which kept its backlog of \(before); another listen(2) put \(after) in force
      """
  }

  /// A sentence each.
  public var advice: [String] {
    let kept =
      held(.listenedAgain) > QueueRules.acceptQueueCapacity(backlog: effective(.listenedAgain))
    return [
      """
      after a change of net.core.somaxconn restart the server, or let it call listen(2) again, which \
      closes nothing and loses no connection
      """
    ]
      + (kept
        ? [
          "the queue is longer than its new limit: what waits in it stays, and only newcomers are dropped"
        ]
        : [])
  }
}

extension RelistenStage.Event {
  public var words: String {
    switch self {
    case .listened: "after listen(2)"
    case .settingChanged: "after the setting changed"
    case .listenedAgain: "after listen(2) again"
    }
  }
}

extension PortGroupResult {
  /// The result in one sentence, without a full stop.
  public var verdict: String {
    guard match else {
      return "the kernel differs from the prediction: " + comparisons.differenceText
    }
    let held = measured[.acceptQueue] ?? 0
    let waiting = measured[.synSent] ?? 0
    let start = "\(plural(members.count, "listener")) with \(capacity) places together hold \(held)"
    guard waiting > 0 else { return start + "; each of the \(connects) clients found room" }
    guard let unusable, unusable > 0 else {
      return start + "; \(plural(waiting, "client")) found them all taken"
    }
    return start
      + "; \(plural(unusable, "place")) stayed empty while \(plural(waiting, "client")) were turned away"
  }

  /// A sentence each.
  public var advice: [String] {
    guard members.count > 1 else { return [] }
    return [
      """
      do not count on the sum: a hash of its addresses and ports binds each client to one listener, and its \
      SYNs come back to that one's full queue while others have room
      """
    ] + Advice.clamped(asked: plan.asked, settings: settings)
  }
}

extension LateACKResult {
  /// The result in one sentence, without a full stop.
  public var verdict: String {
    guard match else {
      let others = otherClients == 0 ? "" : "; \(otherClients) clients in an unexpected state"
      return "the kernel differs from the prediction: " + comparisons.differenceText + others
    }
    let start = "\(plural(late, "last ACK")) met a full accept queue"
    let resets = measured[.reset] ?? 0
    if resets > 0 {
      return start + ": with tcp_abort_on_overflow = 1, \(resets) of these clients were reset"
    }
    return start
      + ": these clients are ESTABLISHED, and the server keeps \(measured[.synQueue] ?? 0) of them in SYN_RECV"
  }

  /// A sentence each.
  public var advice: [String] {
    if measured[.reset] ?? 0 > 0 {
      return [
        """
        a reset client knows at least that it is not served, and tries again at once, which a busy server \
        may like less than its waiting
        """
      ]
    }
    return late > 0
      ? [
        """
        such a client may write into nothing for a minute: the server drops what comes until its queue has \
        room, and forgets the handshake after its last SYN-ACK; a timeout of the protocol is the remedy
        """
      ] : []
  }
}

extension Comparisons {
  /// `accept queue 5, predicted 6; …`
  var differenceText: String {
    differences.map {
      "\($0.observable.rawValue) \($0.measured.map { String($0) } ?? "unknown"), predicted "
        + "\($0.predicted.map { "\($0)" } ?? "nothing")"
    }.joined(separator: "; ")
  }
}
