// backlog-test --demo: five small experiments for who wants to know what a backlog is.

internal import BacklogLab
internal import Glibc
internal import Report
internal import SocketCore

/// One stop of the tour.
private struct Stop {
  var title: String
  /// What is going to happen.
  var before: String
  var experiment: Experiment
  /// What it means.
  var after: String

  enum Experiment {
    case pass(QueueKind, backlog: Int32, [(name: String, value: String)])
    case traffic(backlog: Int32, arrivals: Double, accepts: Double, Duration)
  }

  static let all = [
    Stop(
      title: "The accept queue",
      before: """
        A listener asks for a backlog of 5 and never accepts. 38 clients connect, one after the other.
        """,
      experiment: .pass(.accept, backlog: 5, []),
      after: """
        It holds 6, one more than was asked for: these clients are connected, though no program has their \
        connections. The SYNs of the others are dropped without a word, and sent again after a second: no \
        "connection refused", only silence.
        """),
    Stop(
      title: "The SYN queue",
      before: """
        The same listener, without SYN cookies. This time the clients send their SYN and never hear the \
        answer, so that no handshake ends.
        """,
      experiment: .pass(.syn, backlog: 5, [("tcp_syncookies", "0")]),
      after: """
        Handshakes that have not ended are in a queue of their own, with as many places again. Old texts \
        say that the backlog bounds both kinds together; this kernel keeps them apart.
        """),
    Stop(
      title: "The clamp",
      before: """
        A listener asks for 128, where net.core.somaxconn is 16.
        """,
      experiment: .pass(.accept, backlog: 128, [("somaxconn", "16")]),
      after: """
        listen(2) says nothing and takes 16. To raise the setting afterwards changes nothing for a listener \
        that is there: its program has to call listen(2) again.
        """),
    Stop(
      title: "SYN cookies",
      before: """
        The SYN queue once more, with cookies (tcp_syncookies=1, the default).
        """,
      experiment: .pass(.syn, backlog: 5, [("tcp_syncookies", "1")]),
      after: """
        When the queue is full each further SYN is answered all the same, with a cookie that has everything \
        the server needs to know, so that nothing has to be kept. What a full accept queue then does to the \
        last ACK, the client never learns: it is connected to nobody.
        """),
    Stop(
      title: "The slow acceptor",
      before: """
        40 clients a second against a server that accepts 20, with a backlog of 16, for 5 seconds.
        """,
      experiment: .traffic(backlog: 16, arrivals: 40, accepts: 20, .seconds(5)),
      after: """
        17 places divided by 20 too many a second: full in less than a second. From then on clients wait \
        whole seconds for their SYN to be sent again, though the server is never idle. A longer queue would \
        only have begun this later.
        """),
  ]
}

extension Experimenter {
  /// How long a reader has before the tour goes on by itself.
  private static let pause = Duration.seconds(15)

  /// Makes the tour.
  mutating func runTour() throws(Failure) -> Ending {
    let display = Display(descriptor: STDOUT_FILENO, color: options.color)
    for (index, stop) in Stop.all.enumerated() {
      try say { output throws(OutputError) in
        if index > 0 { try output.line() }
        try output.line(
          display.style("\(index + 1) of \(Stop.all.count)  \(stop.title)", .bold))
        try output.line(display.fit(stop.before))
        try output.line()
      }
      if let signal = try make(stop.experiment, display) { return .signal(signal) }
      try say { output throws(OutputError) in
        try output.line()
        try output.line(display.fit(stop.after))
      }
      guard index + 1 < Stop.all.count else { break }
      switch try waitForReader() {
      case .goesOn: continue
      case .ends: return .status(.done)
      case .signal(let signal): return .signal(signal)
      }
    }
    try say { output throws(OutputError) in
      try output.line()
      try output.line(
        display.fit(
          "That was the tour. 'tcptool backlog-test --explain' says where the kernel has these rules, and "
            + "'tcptool help backlog-test' what else can be asked."))
    }
    return .status(.done)
  }

  private func say(_ write: (inout OutputBuffer) throws(OutputError) -> Void) throws(Failure) {
    try toStandardOutput(whileWaiting: ReaderWait().mayGoOn, write)
  }

  /// Makes the experiment of a stop, and shows it in a few lines.
  ///
  /// - Returns: the signal that came.
  private mutating func make(
    _ experiment: Stop.Experiment, _ display: Display
  ) throws(Failure) -> Int32? {
    let lines = LabelledLines(display: display)
    switch experiment {
    case .pass(let queue, let backlog, let settings):
      var changes: [SettingChange] = []
      for (name, value) in settings {
        try attempt { () throws(LabError) in
          changes.append(try SettingChange(named: name, value))
        }
      }
      let plan = PassPlan(queue, asked: backlog, changes: changes)
      let outcome: LabOutcome<PassResult>
      do throws(LabError) {
        outcome = try laboratory.run(plan, loop: &loop) { picture.draw($0) }
      } catch {
        guard case .needsIsolation = error else { throw Failure(.failure, error.description) }
        try say { output throws(OutputError) in
          try lines.write("left out", error.description, .magenta, to: &output)
        }
        return nil
      }
      picture.end()
      switch outcome {
      case .signal(let signal): return signal
      case .done(let result):
        try say { output throws(OutputError) in try result.writeShort(to: &output, lines) }
      }
    case .traffic(let backlog, let arrivals, let accepts, let duration):
      let plan = TrafficPlan(
        asked: backlog, acceptRate: accepts, arrivalRate: arrivals, duration: duration)
      let outcome = try attempt { () throws(LabError) in
        try laboratory.run(plan, loop: &loop) { picture.draw($0) }
      }
      picture.end()
      switch outcome {
      case .signal(let signal): return signal
      case .done(let result):
        try say { output throws(OutputError) in
          try TrafficFinding(result: result).writeShort(to: &output, lines)
        }
        return result.signal
      }
    }
    return nil
  }

  private enum Step {
    case goesOn
    case ends
    case signal(Int32)
  }

  /// Lets a person read: Enter goes on, q ends, and so does some time. Goes on at once where nobody watches.
  private mutating func waitForReader() throws(Failure) -> Step {
    guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else { return .goesOn }
    narrator.show("Enter goes on, q and Enter ends")
    var wasTyped = false
    defer { narrator.endShow(lineWasTyped: wasTyped) }
    do throws(SystemCallError) {
      try loop.watch(STDIN_FILENO, for: .readable)
      let wakeup = try loop.wait(until: .now + Self.pause)
      loop.forget(STDIN_FILENO)
      switch wakeup {
      case .signal(let signal): return .signal(signal)
      case .deadline: return .goesOn
      case .ready: break
      }
      var bytes = [UInt8](repeating: 0, count: 256)
      var span = bytes.mutableSpan
      var raw = unsafe span.mutableBytes
      guard case .transferred(let count) = try ByteInput.standard().read(into: &raw), count > 0
      else { return .goesOn }
      wasTyped = true
      return bytes[0] == UInt8(ascii: "q") ? .ends : .goesOn
    } catch {
      throw Failure(.localStream, error)
    }
  }
}

extension PassResult {
  /// A few lines of the report.
  fileprivate func writeShort(
    to output: inout OutputBuffer, _ lines: LabelledLines
  ) throws(OutputError) {
    for (label, text) in facts(lines) where label != "asked" {
      try lines.write(label, text, to: &output)
    }
    try lines.writeVerdict(of: self, to: &output)
  }
}
