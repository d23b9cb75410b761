// What a pass over a queue means, in words: one sentence, and what can be done about it.

extension PassResult {
  /// The result in one sentence, without a full stop.
  public var verdict: String {
    guard match else {
      let list = comparisons.differences.isEmpty ? [] : [comparisons.differenceText]
      let others = otherClients == 0 ? [] : ["\(otherClients) clients in an unexpected state"]
      return "the kernel differs from the prediction: " + (list + others).joined(separator: "; ")
    }
    let rule = comparisons.variation.map { ", by \($0)" } ?? ""
    return (plan.queue == .accept ? acceptVerdict : synVerdict) + rule
  }

  private var acceptVerdict: String {
    let held = measured[.acceptQueue] ?? 0
    let holds = "the accept queue holds \(plural(held, "connection")) that nobody has accepted"
    guard let firstDrop else { return holds + "; each of the \(connects) connects found room" }
    return holds + "; connect #\(firstDrop.connect) is silently dropped and tries again after 1 s"
  }

  private var synVerdict: String {
    let held = measured[.synQueue] ?? 0
    let cookies = measured[.cookiesSent] ?? 0
    if cookies > 0, held == 0 {
      return "each SYN is answered with a cookie, and the SYN queue is not used"
    }
    let holds =
      "the SYN queue holds \(plural(held, "handshake")) that \(held == 1 ? "has" : "have") not ended"
    if cookies > 0 {
      return holds
        + "; from connect #\(held + 1) on each SYN is answered with a cookie, and none is dropped"
    }
    guard let firstDrop else { return holds + "; each of the \(connects) SYNs found room" }
    return holds + "; connect #\(firstDrop.connect) is silently dropped and tries again after 1 s"
  }

  /// What a person can do about it, a sentence each without a full stop; empty where there is nothing.
  public var advice: [String] {
    // Clients that never hear an answer send no last ACK, so that nothing of the kind can be inferred.
    let finalACKs = plan.queue == .accept ? droppedFinalACKs ?? 0 : 0
    return Advice.clamped(asked: plan.asked, settings: settings)
      + Advice.synQueue(self)
      + Advice.ghosts(finalACKs: finalACKs, cookies: measured[.cookiesSent] ?? 0)
      + Advice.abort(settings, drops: measured[.drops] ?? 0)
  }
}

/// Advice by its rules, each of which looks at a few numbers alone.
public enum Advice {
  /// A backlog that is not in force.
  public static func clamped(asked: Int32, settings: QueueSettings) -> [String] {
    let limit = settings.somaxconn
    let effective = QueueRules.effectiveBacklog(asked: asked, somaxconn: limit)
    if asked < 0 {
      return [
        """
        listen(2) reads \(asked) as \(UInt32(bitPattern: asked)), so that net.core.somaxconn, \
        \(limit), is in force
        """
      ]
    }
    guard effective < Int(asked) else { return [] }
    return [
      """
      the \(asked) that was asked for is not in force: raise net.core.somaxconn to at least that, \
      then restart the server or call listen(2) again; the setting alone changes no listener
      """
    ]
  }

  /// A SYN queue that is smaller than the backlog.
  public static func synQueue(_ result: PassResult) -> [String] {
    guard let held = result.measured[.synQueue], let drops = result.measured[.drops],
      let backlog = result.measured[.effectiveBacklog], result.plan.queue == .syn
    else { return [] }
    return synQueue(held: held, drops: drops, backlog: backlog, settings: result.settings)
  }

  static func synQueue(
    held: Int, drops: Int, backlog: Int, settings: QueueSettings
  ) -> [String] {
    guard settings.tcpSyncookies == 0, drops > 0, let most = settings.tcpMaxSynBacklog,
      held <= backlog, held == QueueRules.openToUnknownPeers(most)
    else { return [] }
    // The smallest m of which that is at least the backlog + 1.
    let wanted = (backlog - 1) * 4 / 3 + 1
    return [
      """
      the SYN queue ends at \(held) by net.ipv4.tcp_max_syn_backlog = \(most), of which a quarter is \
      kept for peers that are known: raise it to at least \(wanted), or set net.ipv4.tcp_syncookies = 1
      """
    ]
  }

  /// Clients that believe that they are connected.
  public static func ghosts(finalACKs: Int, cookies: Int) -> [String] {
    var lines: [String] = []
    if finalACKs > 0 {
      lines.append(
        """
        \(plural(finalACKs, "client")) \(finalACKs == 1 ? "believes that it is" : "believe that they are") connected, and the \
        server knows nothing of \(finalACKs == 1 ? "it" : "them"): the last ACK met a full accept queue
        """)
    }
    if cookies > 0 {
      lines.append(
        """
        expect ghosts: of a handshake by cookie the server keeps nothing, so that a client whose last ACK \
        meets a full accept queue stays ESTABLISHED for nothing; a server that speaks first is never heard
        """)
    }
    return lines
  }

  /// A setting of which more is expected than it does.
  public static func abort(_ settings: QueueSettings, drops: Int) -> [String] {
    guard settings.tcpAbortOnOverflow == 1, drops > 0 else { return [] }
    return [
      """
      net.ipv4.tcp_abort_on_overflow = 1 resets only clients whose last ACK meets a full queue; a dropped \
      SYN, which is the rule, is never answered
      """
    ]
  }

  /// How long a queue takes up a burst: backlog + 1 places, which fill by the difference of the rates.
  ///
  /// - Parameters:
  ///   - arrivals: a second.
  ///   - accepts: a second.
  public static func burst(backlog: Int, arrivals: Double, accepts: Double) -> [String] {
    guard arrivals > accepts else { return [] }
    let seconds = Double(QueueRules.acceptQueueCapacity(backlog: backlog)) / (arrivals - accepts)
    return [
      """
      accept faster first: with \(rounded(arrivals)) arrivals and \(rounded(accepts)) accepts a second a \
      backlog of \(backlog) takes up \(rounded(seconds)) s of burst; a longer queue only delays the drops
      """
    ]
  }
}

/// `1 client`, `5 clients`.
func plural(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

/// Two decimals at most.
func rounded(_ value: Double) -> String {
  let hundredths = Int(min(1e12, max(-1e12, value * 100)).rounded())
  let (whole, rest) = hundredths.magnitude.quotientAndRemainder(dividingBy: 100)
  let sign = hundredths < 0 ? "-" : ""
  if rest == 0 { return "\(sign)\(whole)" }
  return rest % 10 == 0
    ? "\(sign)\(whole).\(rest / 10)" : "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
}

/// What ends a queue.
public enum QueueLimit: Hashable, Sendable {
  /// The backlog that was asked for.
  case backlog
  /// net.core.somaxconn, which clamps it.
  case somaxconn(Int)
  /// A quarter of net.ipv4.tcp_max_syn_backlog is kept free of unknown peers; with tcp_syncookies 0 alone.
  case maxSynBacklog(Int)
  /// Every SYN is answered with a cookie (tcp_syncookies 2), and the queue is not used.
  case cookies
}

extension PassResult {
  /// What ended the queue that was filled; nil where it was not full, or did what no rule foresees.
  public var limitedBy: QueueLimit? {
    guard match else { return nil }
    let backlog = measured[.effectiveBacklog] ?? 0
    let clamp: QueueLimit =
      Int(plan.asked) == backlog ? .backlog : .somaxconn(settings.somaxconn)
    switch plan.queue {
    case .accept: return firstDrop == nil ? nil : clamp
    case .syn:
      if settings.tcpSyncookies == 2 { return .cookies }
      guard let held = measured[.synQueue], held < connects else { return nil }
      if let most = settings.tcpMaxSynBacklog, settings.tcpSyncookies == 0, held < backlog {
        return .maxSynBacklog(most)
      }
      return clamp
    }
  }
}
