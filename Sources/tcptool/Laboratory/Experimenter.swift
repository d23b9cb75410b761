// Makes the experiment that the options ask for, shows how it stands, and tells what came of it.

internal import BacklogLab
internal import Glibc
internal import Report
internal import SocketCore

/// What every experiment of a run has in common.
struct Experimenter: ~Copyable {
  let options: BacklogTestOptions
  let publication: Publication
  let narrator: Narrator
  let laboratory: Laboratory
  var loop: ReadinessLoop
  var picture: LivePicture

  init(_ options: BacklogTestOptions, _ narrator: Narrator) throws(Failure) {
    let publication = try Publication(options)
    let loop = try ReadinessLoop.forProgram()
    self.options = options
    self.narrator = narrator
    self.publication = publication
    self.loop = loop
    // Before the first experiment: it remembers the host's settings.
    laboratory = Laboratory(isolation: options.isolation)
    picture = LivePicture(narrator)
  }

  mutating func run() throws(Failure) -> Ending {
    do throws(Failure) {
      switch options.experiment {
      case .passes: return try runPasses()
      case .sweep: return try runSweep()
      }
    } catch {
      // The loop keeps SIGPIPE back, which would have ended the program without a word.
      if error.isUnreadOutput { return .signal(SIGPIPE) }
      throw error
    }
  }

  /// The settings that --set asks for.
  func changes() throws(Failure) -> [SettingChange] {
    var changes: [SettingChange] = []
    for setting in options.settings {
      try attempt { () throws(LabError) in
        changes.append(try SettingChange(named: setting.name, setting.value))
      }
    }
    return changes
  }

  // MARK: Passes

  /// One pass.
  mutating func pass(_ plan: PassPlan) throws(Failure) -> LabOutcome<PassResult> {
    let outcome = try attempt { () throws(LabError) in
      try laboratory.run(plan, loop: &loop) { picture.draw($0) }
    }
    picture.end()
    return outcome
  }

  private func plan(
    _ queue: QueueKind, asked: Int32, changes: [SettingChange]
  ) -> PassPlan {
    PassPlan(
      queue, asked: asked, count: options.count?.value, isIPv6: options.isIPv6, changes: changes)
  }

  private mutating func runPasses() throws(Failure) -> Ending {
    var results: [PassResult] = []
    for queue in options.queue.queues {
      switch try pass(plan(queue, asked: options.backlog.value, changes: try changes())) {
      case .done(let result): results.append(result)
      case .signal(let signal): return .signal(signal)
      }
    }
    if results.count == 2 {
      return try publication.publish(TwoPassesFinding(accept: results[0], syn: results[1]))
    }
    return try publication.publish(PassFinding(result: results[0]))
  }

  // MARK: Sweeps

  private mutating func runSweep() throws(Failure) -> Ending {
    let common = try changes()
    let setting = options.settingSweep
    let values = setting?.values.numbers ?? options.sweep?.numbers ?? []
    var sweep = Sweep(setting: setting?.name)
    var unmet: [String] = []
    var output = OutputBuffer(descriptor: STDOUT_FILENO)
    let display = Display(descriptor: output.descriptor, color: options.color)
    var table = sweep.table(options.queue, display)
    for (index, value) in values.enumerated() {
      picture.caption = "\(setting?.name ?? "backlog") \(value), \(index + 1) of \(values.count)"
      var changes = common
      var asked = options.backlog.value
      if let setting {
        try attempt { () throws(LabError) in
          changes.append(try SettingChange(named: setting.name, "\(value)"))
        }
      } else {
        asked = Backlog(argument: "\(value)")?.value ?? 0
      }
      var row = SweepRow(value: value)
      for queue in options.queue.queues {
        switch try pass(plan(queue, asked: asked, changes: changes)) {
        case .done(let result):
          if queue == .accept { row.accept = result } else { row.syn = result }
        case .signal(let signal): return .signal(signal)
        }
      }
      unmet += publication.unmet(row.members).map { "at \(value): \($0)" }
      try written { () throws(OutputError) in
        if options.isJSON {
          try output.line(publication.json(row.event, row.members))
        } else {
          try table.row(sweep.cells(row, display), to: &output)
        }
        try output.flush()
      }
      sweep.rows.append(row)
    }
    if !options.isJSON {
      try written { () throws(OutputError) in
        let lines = LabelledLines(display: display)
        try table.finish(to: &output)
        try output.line()
        try lines.write(
          verdict: sweep.verdict, sweep.match ? .green : .red, advice: sweep.advice, to: &output)
        if let pass = sweep.rows.first?.passes.first {
          for (label, text) in pass.surroundings.lines { try lines.write(label, text, to: &output) }
          if options.explains {
            for passage in [ExplanationPassage].of(accept: pass, syn: sweep.rows.first?.syn) {
              try lines.write(passage, to: &output)
            }
          }
        }
        try output.flush()
      }
    }
    if let chart = sweep.chart { try publication.draw(chart) }
    return try publication.ending(matches: sweep.match, unmet: unmet)
  }
}

/// What a laboratory says, as a failure of the program.
func attempt<Value: ~Copyable>(
  _ body: () throws(LabError) -> Value
) throws(Failure) -> Value {
  do throws(LabError) {
    return try body()
  } catch {
    throw Failure(error.status, error.description)
  }
}

/// What an output says, as a failure of the program.
private func written(_ body: () throws(OutputError) -> Void) throws(Failure) {
  do throws(OutputError) {
    try body()
  } catch {
    throw Failure(error)
  }
}

extension LabError {
  /// What was typed is wrong, or the host does not allow it.
  fileprivate var status: ExitStatus {
    switch self {
    case .unknownSetting, .outOfRange, .remoteTarget, .remoteCount: .usage
    default: .failure
    }
  }
}
