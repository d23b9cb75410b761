// Makes the experiment that the options ask for, shows how it stands, and tells what came of it.

internal import BacklogLab
internal import CommandSpec
internal import Glibc
internal import KernelTables
internal import Report
internal import SocketCore

/// What every experiment of a run has in common.
struct Experimenter: ~Copyable {
  let options: BacklogTestOptions
  let publication: Publication
  let narrator: Narrator
  let laboratory: Laboratory
  /// The addresses of another program's listener, where that is tested.
  private let targets: [Endpoint]
  var loop: ReadinessLoop
  var picture: LivePicture

  init(_ options: BacklogTestOptions, _ narrator: Narrator) throws(Failure) {
    let publication = try Publication(options)
    // Before the loop keeps signals back, since a name server may take long to answer; and here, since
    // another network namespace may have no way to one.
    let targets = try options.target?.resolve(options.isIPv6 ? .v6 : .any) ?? []
    let loop = try ReadinessLoop.forProgram()
    self.options = options
    self.narrator = narrator
    self.publication = publication
    self.targets = targets
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
      case .traffic: return try runTraffic()
      case .relisten(let somaxconn): return try runRelisten(somaxconn)
      case .portGroup(let size): return try runPortGroup(size)
      case .lateACKs(let number): return try runLateACKs(number)
      case .target(let target): return try runTarget(target)
      case .tour: return try runTour()
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
    var output = OutputBuffer(descriptor: STDOUT_FILENO, whileWaiting: ReaderWait().mayGoOn)
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
        try lines.write(sweep, to: &output)
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

extension Experimenter {
  // MARK: Scenarios

  private mutating func runRelisten(_ somaxconn: Int) throws(Failure) -> Ending {
    var plan = RelistenPlan(asked: options.backlog.value, somaxconn: somaxconn)
    plan.isIPv6 = options.isIPv6
    plan.changes = try changes()
    let outcome = try attempt { () throws(LabError) in
      try laboratory.run(plan, loop: &loop) { picture.draw($0) }
    }
    return try tell(outcome) { RelistenFinding(result: $0) }
  }

  private mutating func runPortGroup(_ size: Int) throws(Failure) -> Ending {
    var plan = PortGroupPlan(asked: options.backlog.value, listeners: size)
    plan.count = options.count?.value
    plan.isIPv6 = options.isIPv6
    plan.changes = try changes()
    let outcome = try attempt { () throws(LabError) in
      try laboratory.run(plan, loop: &loop) { picture.draw($0) }
    }
    return try tell(outcome) { PortGroupFinding(result: $0) }
  }

  private mutating func runLateACKs(_ number: Int) throws(Failure) -> Ending {
    var plan = LateACKPlan(asked: options.backlog.value, lateACKs: number)
    plan.isIPv6 = options.isIPv6
    plan.changes = try changes()
    let outcome = try attempt { () throws(LabError) in
      try laboratory.run(plan, loop: &loop) { picture.draw($0) }
    }
    return try tell(outcome) { LateACKFinding(result: $0) }
  }

  /// Takes the picture away and tells what came of an experiment.
  private func tell<Value>(
    _ outcome: LabOutcome<Value>, as finding: (Value) -> some Finding
  ) throws(Failure) -> Ending {
    picture.end()
    switch outcome {
    case .done(let value): return try publication.publish(finding(value))
    case .signal(let signal): return .signal(signal)
    }
  }

  // MARK: Traffic

  /// How much faster clients come than they are accepted where only one of the rates is given.
  private static let defaultRatio = 2.0
  /// Long enough for a dropped SYN to be sent again after 7 s.
  private static let defaultDuration = Duration.seconds(10)

  private mutating func runTraffic() throws(Failure) -> Ending {
    let arrivals =
      options.arrivalRate?.perSecond
      ?? (options.acceptRate?.perSecond ?? 0) * Self.defaultRatio
    let accepts = options.acceptRate?.perSecond ?? arrivals / Self.defaultRatio
    var plan = TrafficPlan(
      asked: options.backlog.value, acceptRate: accepts, arrivalRate: arrivals,
      duration: options.duration ?? Self.defaultDuration)
    plan.isIPv6 = options.isIPv6
    plan.changes = try changes()
    let outcome = try attempt { () throws(LabError) in
      try laboratory.run(plan, loop: &loop) { picture.draw($0) }
    }
    return try tell(outcome) { TrafficFinding(result: $0) }
  }

  // MARK: Another program's listener

  private mutating func runTarget(_ typed: TypedEndpoint) throws(Failure) -> Ending {
    if let namespace = options.namespace {
      var place = StatesPlace()
      place.namespace = namespace
      try place.enter()
    }
    var hasWarned = false
    var failure = Failure(withoutAddress: typed.text)
    for target in targets {
      var plan = TargetPlan(target: target)
      plan.count = options.count?.value
      plan.probesData = options.probesData
      plan.allowsRemote = options.allowsRemote
      plan.isInOtherNamespace = options.namespace != nil
      try attempt { () throws(LabError) in try plan.check() }
      if !hasWarned {
        narrator.line(
          "what this puts into the queue of \(typed.text) stays there until its server accepts it, "
            + "even when this is over")
        hasWarned = true
      }
      let outcome = try attempt { () throws(LabError) in
        try laboratory.test(plan, loop: &loop) { picture.draw($0) }
      }
      picture.end()
      switch outcome {
      case .signal(let signal): return .signal(signal)
      case .done(let result):
        let finding = TargetFinding(result: result)
        guard let problem = finding.failure else { return try publication.publish(finding) }
        // A host's next address may be the one that is listened on.
        failure = problem
        if problem.status != .refused { throw problem }
      }
    }
    throw failure
  }
}

/// What a laboratory says, as a failure of the program.
func attempt<Value: ~Copyable>(
  _ body: () throws(LabError) -> Value
) throws(Failure) -> Value {
  do throws(LabError) {
    return try body()
  } catch {
    throw Failure(error.status, error.message)
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
  /// With the name that was probably meant, or where to look for it, or what is missing.
  fileprivate var message: String {
    switch self {
    case .settingRefused, .isolation, .needsIsolation:
      // Settings, and the users of a namespace, are files of it.
      return description + (ProcFileSystem.isMounted ? "" : "; /proc is not mounted here")
    case .unknownSetting(let name):
      let near = nearest(to: name, in: Setting.known.flatMap { [$0.shortName, $0.name] })
      return description
        + (near.map { ". Did you mean '\($0)'?" }
          ?? "; /proc/sys/net/core and /proc/sys/net/ipv4 have those that there are")
    default: return description
    }
  }

  /// What was typed is wrong, or the host does not allow it.
  fileprivate var status: ExitStatus {
    switch self {
    case .unknownSetting, .outOfRange, .remoteTarget, .remoteCount: .usage
    case .descriptorLimit, .ephemeralPorts: .localEnd
    default: .failure
    }
  }
}
