// What arrivals against a slow acceptor mean, in words.

internal import SocketCore

extension TrafficResult {
  /// How many connections the accept queue holds.
  public var capacity: Int { QueueRules.acceptQueueCapacity(backlog: backlog) }

  /// The longest that the queue was.
  public var longestQueue: Int { samples.map(\.acceptQueue).max() ?? 0 }

  /// How far the queue may go beyond its places: the kernel looks whether it is full when the last ACK
  /// comes (tcp_v4_syn_recv_sock) and adds the connection some time later (inet_csk_reqsk_queue_add), so
  /// that each further processor may let one in meanwhile. Two clients on two processors that meet the
  /// last place do so in two of five tries (Linux 6.18). Those here are one thread, but a SYN is sent again
  /// by a timer, on any processor.
  private var mostBeyond: Int { processors - 1 }

  /// Whether the queue kept to its limit, and dropped nothing without having been full: the rules that
  /// hold whatever the rates are.
  public var match: Bool {
    longestQueue <= capacity + mostBeyond && (firstDrop == nil || longestQueue >= capacity)
  }

  /// Connects that took a second or more, since their SYN had to be sent again.
  public var delayed: Int { clients.count { $0.latency.map { $0 >= .milliseconds(900) } ?? false } }

  /// How many clients were connected after so many seconds, by the times at which a SYN is sent again;
  /// those that were connected at once have 0.
  public var latencySteps: [(seconds: Int, clients: Int)] {
    let steps =
      [0]
      + QueueRules.synRetransmissionTimes(
        linearTimeouts: settings.tcpSynLinearTimeouts ?? 0, count: 10)
    var counts = [Int](repeating: 0, count: steps.count)
    for client in clients {
      guard let latency = client.latency else { continue }
      // The step that was reached: an answer comes a little after the SYN.
      let step = steps.lastIndex { .seconds($0) <= latency + .milliseconds(50) } ?? 0
      counts[step] += 1
    }
    return zip(steps, counts).filter { $0.1 > 0 }.map { ($0, $1) }
  }

  public var isInterrupted: Bool { signal != nil }

  /// The result in one sentence, without a full stop.
  public var verdict: String {
    guard isInterrupted else { return course + race }
    return "interrupted after \(rounded(Double(duration.nanoseconds) / 1e9)) s of "
      + "\(rounded(plan.seconds)) s: \(course)\(race)"
  }

  /// Why it held more than its places; empty where it did not, or by more than that explains.
  private var race: String {
    guard longestQueue > capacity, match else { return "" }
    return
      "; it held \(longestQueue) for a while, as processors that let a connection in at the same "
      + "moment do not see each other's"
  }

  private var course: String {
    guard longestQueue <= capacity + mostBeyond else {
      return "the queue held \(longestQueue), more than its \(capacity) places"
    }
    guard match else {
      return
        "the listener dropped SYNs while the queue held at most \(longestQueue) of \(capacity)"
    }
    let surplus = plan.arrivalRate - plan.acceptRate
    guard let firstDrop else {
      let grew = "the queue held at most \(longestQueue) of \(capacity) connections"
      if surplus <= 0 { return (isInterrupted ? "" : "the acceptor keeps up: ") + grew }
      let seconds = Double(capacity) / surplus
      return grew + "; at these rates it is full after \(rounded(seconds)) s"
    }
    let time = Double(firstDrop.time.nanoseconds) / 1e9
    let rule =
      surplus > 0
      ? " (expected after \(capacity) / (\(rounded(plan.arrivalRate)) − "
        + "\(rounded(plan.acceptRate))) = \(rounded(Double(capacity) / surplus)) s)" : ""
    var text = "the queue of \(capacity) overflowed after \(rounded(time)) s\(rule)"
    var ends: [String] = []
    if delayed > 0 { ends.append("\(delayed) took 1 s or longer to connect") }
    let waiting = count(.waiting)
    if waiting > 0 {
      ends.append("\(waiting) had no answer \(isInterrupted ? "until then" : "by the end")")
    }
    let unknown = count(.ghost) + count(.stuck)
    if unknown > 0 {
      ends.append(
        unknown == 1
          ? "1 believes that it is connected and is not in the queue"
          : "\(unknown) believe that they are connected and are not in the queue")
    }
    if let last = ends.popLast() {
      text += "; of \(plural(clients.count, "client")) "
      text += ends.isEmpty ? last : ends.joined(separator: ", ") + " and " + last
    }
    return text
  }

  /// A sentence each.
  public var advice: [String] {
    let drops = firstDrop == nil ? 0 : measured[.drops] ?? 0
    return Advice.clamped(asked: plan.asked, settings: settings)
      + (drops > 0
        ? Advice.burst(
          backlog: backlog, arrivals: plan.arrivalRate, accepts: plan.acceptRate) : [])
      + Advice.ghosts(finalACKs: count(.stuck), cookies: measured[.cookiesSent] ?? 0)
      + Advice.abort(settings, drops: drops)
  }
}
