// What can be seen of an experiment: each number that is measured, predicted and compared.

/// One number. Its raw value is what a person calls it, or the kernel's name of a counter.
public enum Observable: String, CaseIterable, Hashable, Sendable {
  /// The backlog in force: Send-Q of the listener.
  case effectiveBacklog = "effective backlog"
  /// Connections that wait for accept(2): Recv-Q of the listener.
  case acceptQueue = "accept queue"
  /// Handshakes that are not complete: rows in SYN_RECV.
  case synQueue = "SYN queue"
  case established = "clients established"
  /// Clients whose SYN is not answered yet, or that do not hear the answer.
  case synSent = "clients in SYN_SENT"
  /// Clients whose connection was reset after the handshake.
  case reset = "clients reset"
  case refused = "clients refused"
  case timedOut = "clients timed out"
  /// Clients in ESTABLISHED of which the server knows nothing.
  case ghosts = "ghosts"
  /// What this listener turned away: its own counter, not its namespace's (sk_drops).
  case drops = "drops of the listener"
  /// Which connect, counted from 1, was the first to be dropped. Without a value also where none was.
  case firstDrop = "first drop at connect"

  // The rest are counters of the whole network namespace.

  /// SYNs and final ACKs that met a full accept queue.
  case listenOverflows = "ListenOverflows"
  /// Whatever a listener dropped on the way to a connection, for any cause.
  case listenDrops = "ListenDrops"
  /// SYNs that were dropped since the SYN queue was full.
  case queueFullDrops = "TCPReqQFullDrop"
  /// SYNs that were to be answered with a cookie.
  case queueFullCookies = "TCPReqQFullDoCookies"
  case cookiesSent = "SyncookiesSent"
  case cookiesReceived = "SyncookiesRecv"
  /// Handshakes that an RST ended.
  case embryonicResets = "EmbryonicRsts"
  /// Connections that came into being at a listener.
  case passiveOpens = "PassiveOpens"

  /// Those that the kernel counts for the whole namespace; the raw value is the counter's name.
  public static let counters: [Observable] = [
    .listenOverflows, .listenDrops, .queueFullDrops, .queueFullCookies, .cookiesSent,
    .cookiesReceived, .embryonicResets, .passiveOpens,
  ]
}

/// What was measured. What has no value is not known, and `reasons` says why where there is something
/// to be said; it is never 0.
public struct Readings: Hashable, Sendable {
  private var values: [Observable: Int] = [:]
  public private(set) var reasons: [Observable: String] = [:]

  public init() {}

  public subscript(_ observable: Observable) -> Int? {
    get { values[observable] }
    set { values[observable] = newValue }
  }

  mutating func leaveOut(_ observable: Observable, since reason: String) {
    values[observable] = nil
    reasons[observable] = reason
  }
}

/// What is predicted of one observable: a number, or a range where time, chance or other processes
/// have a part in it.
public struct PredictedRange: Hashable, Sendable, CustomStringConvertible {
  public var least: Int
  /// Nil where there is no end.
  public var most: Int?

  public init(_ least: Int, _ most: Int?) {
    self.least = least
    self.most = most
  }

  public static func exactly(_ number: Int) -> Self { Self(number, number) }
  public static func atLeast(_ number: Int) -> Self { Self(number, nil) }

  /// The number where only one is possible.
  public var number: Int? { least == most ? least : nil }

  public func contains(_ number: Int) -> Bool {
    number >= least && (most.map { number <= $0 } ?? true)
  }

  /// `5`, `5–7`, `5 or more`.
  public var description: String {
    guard let most else { return "\(least) or more" }
    return least == most ? "\(least)" : "\(least)–\(most)"
  }
}

/// What a kernel does by one set of rules.
public struct Prediction: Hashable, Sendable {
  /// What sets this apart from the rules of the running kernel, as words that follow “by”: nil for
  /// those themselves.
  public var variation: String?
  private var ranges: [Observable: PredictedRange] = [:]

  init(variation: String? = nil) { self.variation = variation }

  public subscript(_ observable: Observable) -> PredictedRange? {
    get { ranges[observable] }
    set { ranges[observable] = newValue }
  }

  /// Whether nothing that was measured is outside of it.
  func agrees(with readings: Readings) -> Bool {
    ranges.allSatisfy { observable, range in readings[observable].map(range.contains) ?? true }
  }

  /// Whether something else is predicted, the name left aside.
  func differs(from other: Prediction) -> Bool { ranges != other.ranges }

  /// The same where other processes are in the network namespace and move its counters too.
  func besideOthers() -> Prediction {
    var prediction = self
    for counter in Observable.counters {
      if let range = ranges[counter] { prediction[counter] = .atLeast(range.least) }
    }
    return prediction
  }
}

/// One observable, measured beside predicted.
public struct Comparison: Hashable, Sendable {
  public enum Agreement: Hashable, Sendable {
    case agrees
    case differs
    /// Another rule holds here that is known to be in force on some kernels or in some surroundings,
    /// in words that follow “by”. It is no failure.
    case varies(String)
    /// One of the two is not known; why, where there is something to be said.
    case unknown(String?)
  }

  public var observable: Observable
  public var measured: Int?
  public var predicted: PredictedRange?
  public var agreement: Agreement
}

/// Everything measured beside what was predicted.
public struct Comparisons: Sendable {
  /// In the order of `Observable`; those that are neither measured nor predicted are left out.
  public var rows: [Comparison]
  /// By what other rules the kernel works than those that were expected first; nil where it is by those.
  public var variation: String?

  /// - Parameters:
  ///   - prediction: by the rules of the running kernel.
  ///   - alternatives: by rules that may be in force in place of these.
  init(_ measured: Readings, _ prediction: Prediction, alternatives: [Prediction]) {
    let other =
      prediction.agrees(with: measured)
      ? nil : alternatives.first { $0.agrees(with: measured) }
    variation = other?.variation
    rows = Observable.allCases.compactMap { observable in
      let value = measured[observable]
      let range = prediction[observable]
      if value == nil && range == nil { return nil }
      let agreement: Comparison.Agreement
      if let value, let range {
        agreement =
          range.contains(value)
          ? .agrees : other.map { .varies($0.variation ?? "another rule") } ?? .differs
      } else {
        agreement = .unknown(measured.reasons[observable])
      }
      return Comparison(
        observable: observable, measured: value, predicted: range, agreement: agreement)
    }
  }

  public var differences: [Comparison] { rows.filter { $0.agreement == .differs } }
  /// Whether the kernel did what the rules say, in everything that could be compared.
  public var match: Bool { differences.isEmpty }
}
