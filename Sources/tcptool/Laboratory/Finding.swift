// The result of an experiment, whichever it was: how it is told, held to expectations, and written to
// files.

internal import Report

/// What came of an experiment.
protocol Finding {
  /// The event's name in JSON.
  static var event: String { get }
  /// The members of the JSON object behind those that every object has.
  var members: [(String, JSONValue)] { get }
  /// Whether the kernel did what was predicted.
  var match: Bool { get }
  /// The signal that ended it too early for a verdict; nil where it was seen to its end.
  var signal: Int32? { get }
  /// The report for a person.
  func write(to output: inout OutputBuffer, _ display: Display) throws(OutputError)
  /// What --explain adds.
  var explanation: [ExplanationPassage] { get }
  /// nil where there is nothing to be drawn.
  var chart: Chart? { get }
  /// Comma-separated values of what was seen on the way.
  func writeSamples(to output: inout OutputBuffer) throws(OutputError)
}

/// What an experiment without a series has.
extension Finding {
  var explanation: [ExplanationPassage] { [BacklogExplanation.rules, BacklogExplanation.versions] }
  var chart: Chart? { nil }
  var signal: Int32? { nil }
  func writeSamples(to output: inout OutputBuffer) throws(OutputError) {}
}

/// What is done with a result: the options that every experiment has.
struct Publication {
  var isJSON = false
  var explains = false
  var color = ColorChoice.auto
  var expectations: [Expectation] = []
  private let plot: ResultFile
  private let samples: ResultFile

  /// Opens the files: what cannot be written is found out before anything is measured.
  init(_ options: BacklogTestOptions) throws(Failure) {
    isJSON = options.isJSON
    explains = options.explains
    color = options.color
    expectations = options.expected
    plot = try ResultFile(options.plotFile)
    samples = try ResultFile(options.sampleFile)
  }

  /// Tells the result, writes the files, and says how the program ends.
  ///
  /// - Throws: also where an expectation is not met. What was interrupted neither meets nor misses any.
  func publish(_ finding: some Finding) throws(Failure) -> Ending {
    try toStandardOutput(whileWaiting: ReaderWait().mayGoOn) { output throws(OutputError) in
      if isJSON {
        try output.line(
          json(type(of: finding).event, finding.members, isWhole: finding.signal == nil))
      } else {
        let display = Display(descriptor: output.descriptor, color: color)
        try finding.write(to: &output, display)
        if explains {
          let lines = LabelledLines(display: display)
          for passage in finding.explanation { try lines.write(passage, to: &output) }
        }
      }
    }
    if plot.isWanted {
      guard let chart = finding.chart else {
        throw Failure(.failure, "this experiment has no chart: leave '--svg' out")
      }
      try plot.write { chart.svg }
    }
    try samples.fill { output throws(OutputError) in try finding.writeSamples(to: &output) }
    if let signal = finding.signal { return .signal(signal) }
    return try ending(matches: finding.match, unmet: unmet(finding.members))
  }

  /// The status; what is not met counts for more than what differs.
  func ending(matches: Bool, unmet: [String]) throws(Failure) -> Ending {
    if !unmet.isEmpty {
      throw Failure(.overThreshold, "not as expected: " + unmet.joined(separator: "; "))
    }
    return .status(matches ? .done : .failure)
  }

  /// What of the expectations does not hold.
  func unmet(_ members: [(String, JSONValue)]) -> [String] {
    let values = JSONValue.object(members).numbers
    return expectations.flatMap { $0.failures { values[$0] } }
  }

  /// The object with what every object has.
  ///
  /// - Parameter isWhole: whether expectations can be held to it.
  func json(
    _ event: String, _ members: [(String, JSONValue)], isWhole: Bool = true
  ) -> JSONValue {
    let values = JSONValue.object(members).numbers
    let held = expectations.map { expectation -> JSONValue in
      let failures = isWhole ? expectation.failures { values[$0] } : []
      return [
        "expectation": .init(expectation.text), "met": isWhole ? .init(failures.isEmpty) : nil,
        "unmet": .array(failures.map { .init($0) }),
      ]
    }
    return .object(
      [("schema", "tcptool/1"), ("event", .init(event))] + members
        + [("expected", .array(held))])
  }

  func draw(_ chart: @autoclosure () -> Chart) throws(Failure) {
    if plot.isWanted { try plot.write { chart().svg } }
  }
}

extension JSONValue {
  /// The numbers in it by their keys, joined by points; what is true is 1.
  var numbers: [String: Double] {
    var found: [String: Double] = [:]
    collect("", into: &found)
    return found
  }

  private func collect(_ key: String, into found: inout [String: Double]) {
    switch self {
    case .integer(let value): found[key] = Double(value)
    case .unsigned(let value): found[key] = Double(value)
    case .number(let value): found[key] = value
    case .bool(let value): found[key] = value ? 1 : 0
    case .object(let members):
      for (name, value) in members {
        value.collect(key.isEmpty ? name : key + "." + name, into: &found)
      }
    case .null, .string, .array: break
    }
  }
}
