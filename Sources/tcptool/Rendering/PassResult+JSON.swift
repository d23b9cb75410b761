// What a pass over a queue measured, as a JSON object and as comma-separated values.

internal import BacklogLab
internal import Report
internal import SocketCore

extension PassResult {
  /// The object, without what says which schema and event it is.
  var members: [(String, JSONValue)] {
    [
      ("kernel", .init(surroundings.kernel.release)), ("queue", .init(plan.queue.rawValue)),
      ("isolated", .init(surroundings.isIsolated)), ("set", surroundings.changesJSON),
      ("asked", .init(plan.asked)),
      ("somaxconn", .init(settings.somaxconn)), ("effective", .init(measured[.effectiveBacklog])),
      ("sysctl", settings.json), ("connects", .init(connects)),
      ("flood_us", .init(microseconds: floodTime)),
      ("flood_ms", .init(floodTime.nanoseconds / 1_000_000)),
      ("connects_per_second", .init(Int(connectsPerSecond))),
      ("snapshot_ms", .init(snapshotTime.nanoseconds / 1_000_000)),
      ("clients", ObservedJSON.clients { .init(measured[$0]) }),
      (
        "listener",
        ObservedJSON.listener(backlog: measured[.effectiveBacklog]) { .init(measured[$0]) }
      ),
      ("syn_recv", .init(measured[.synQueue])),
      ("counters", ObservedJSON.counters { .init(measured[$0]) }),
      ("dropped_syns", .init(droppedSYNs)), ("dropped_final_acks", .init(droppedFinalACKs)),
      ("first_drop", firstDrop?.json ?? .null), ("predicted", ObservedJSON.predicted(predicted)),
      ("match", .init(match)),
      ("variation", .init(comparisons.variation)), ("verdict", .init(verdict)),
      ("advice", .array(advice.map { .init($0) })),
    ]
  }
}

/// The observables as the objects that every result of an own listener has.
enum ObservedJSON {
  static func clients(_ value: (Observable) -> JSONValue) -> JSONValue {
    [
      "established": value(.established), "syn_sent": value(.synSent), "reset": value(.reset),
      "refused": value(.refused), "timeout": value(.timedOut), "ghosts": value(.ghosts),
    ]
  }

  /// - Parameter backlog: the one in force.
  static func listener(
    backlog: Int?, _ value: (Observable) -> JSONValue
  ) -> JSONValue {
    [
      "accept_queue": value(.acceptQueue), "accept_queue_limit": .init(backlog.map { $0 + 1 }),
      "drops": value(.drops),
    ]
  }

  static func counters(_ value: (Observable) -> JSONValue) -> JSONValue {
    .object(Observable.counters.map { ($0.rawValue, value($0)) })
  }

  static func predicted(_ prediction: Prediction) -> JSONValue {
    // A range is no number; it is told apart.
    func number(_ observable: Observable) -> JSONValue { .init(prediction[observable]?.number) }
    let ranges = Observable.allCases.compactMap { observable -> JSONValue? in
      guard let range = prediction[observable], range.number == nil else { return nil }
      return [
        "of": .init(observable.rawValue), "least": .init(range.least), "most": .init(range.most),
      ]
    }
    return [
      "effective": number(.effectiveBacklog), "clients": clients(number),
      "listener": listener(backlog: prediction[.effectiveBacklog]?.number, number),
      "syn_recv": number(.synQueue), "counters": counters(number),
      "first_drop": ["connect": number(.firstDrop)], "ranges": .array(ranges),
    ]
  }
}

extension Surroundings {
  /// What was set for the experiment, by the settings' full names.
  var changesJSON: JSONValue {
    .object(changes.map { ($0.setting.name, .init($0.value)) })
  }
}

extension QueueSettings {
  var json: JSONValue { .object(named.map { ($0.name, .init($0.value)) }) }
}

extension PassSample {
  static let heading = "connect,elapsed_us,accept_queue,backlog,syn_recv,drops"
}

extension [PassSample] {
  /// One line for each connect.
  ///
  /// - Parameter queue: a first column that is the same in all.
  func write(as queue: String? = nil, to output: inout OutputBuffer) throws(OutputError) {
    let first = queue.map { $0 + "," } ?? ""
    for sample in self {
      let microseconds = sample.elapsed.nanoseconds / 1_000
      let known = [sample.synQueue, sample.drops].map { $0.map { String($0) } ?? "" }
      try output.line(
        "\(first)\(sample.connect),\(microseconds),\(sample.acceptQueue),\(sample.backlog),"
          + known.joined(separator: ","))
    }
  }
}
