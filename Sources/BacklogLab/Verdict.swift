// What the measurement means, in words.

/// One observable with its two values.
public struct FloodComparison: Hashable, Sendable {
  /// What it is: `accept queue`.
  public var name: String
  public var measured: Int?
  public var predicted: Int?

  /// Nil where one of them is not known, so that there is nothing to compare.
  public var agrees: Bool? {
    guard let measured, let predicted else { return nil }
    return measured == predicted
  }
}

extension FloodResult {
  /// Every observable, measured beside predicted.
  public var comparisons: [FloodComparison] {
    func row(_ name: String, _ path: KeyPath<Observables, Int?>) -> FloodComparison {
      FloodComparison(
        name: name, measured: measured[keyPath: path], predicted: predicted[keyPath: path])
    }
    return [
      row("effective backlog", \.effectiveBacklog),
      row("accept queue", \.acceptQueue),
      row("clients established", \.established),
      row("clients in SYN_SENT", \.synSent),
      row("SYN queue", \.synReceived),
      row("drops", \.drops),
      row("first drop at connect", \.firstDrop),
    ]
  }

  /// Whether the kernel did what the rules say, in everything that could be compared.
  public var matches: Bool { differences.isEmpty && otherClients == 0 }

  public var differences: [FloodComparison] { comparisons.filter { $0.agrees == false } }

  /// The result in one sentence.
  public var verdict: String {
    guard matches else {
      let list = differences.map {
        "\($0.name) \($0.measured ?? 0), predicted \($0.predicted ?? 0)"
      }
      let others = otherClients == 0 ? [] : ["\(otherClients) clients in an unexpected state"]
      return "the kernel differs from the prediction: " + (list + others).joined(separator: "; ")
    }
    let held = measured.acceptQueue ?? 0
    let holds = "the queue holds \(held) connection\(held == 1 ? "" : "s") that nobody has accepted"
    guard let drop = measured.firstDrop else { return holds + "; nothing was dropped" }
    return holds + "; connect #\(drop) is silently dropped and tries again after 1 s"
  }

  /// What to do about it; empty where there is nothing to be done.
  public var advice: [String] {
    let effective = measured.effectiveBacklog ?? 0
    if plan.asked < 0 {
      return ["a negative backlog means the largest: net.core.somaxconn, \(settings.somaxconn)"]
    }
    guard Int(plan.asked) > effective else { return [] }
    return [
      """
      the \(plan.asked) that was asked for is not in force: raise net.core.somaxconn to at least \
      that, then restart the server or call listen(2) again; the setting alone changes no listener
      """
    ]
  }
}
