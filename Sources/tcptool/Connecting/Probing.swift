// connect --probe and --all-addresses: which of many endpoints accept, instead of a relay with one.

internal import CommandSpec
internal import Report
internal import SocketCore

/// What is to be found out.
struct ProbeOptions: Sendable {
  /// As they were typed; nil where the one port of the operands is meant.
  var ports: String?
  var isOfAllAddresses = false
  /// How many handshakes may be under way at once.
  var parallel = 64
  var showsOnlyOpen = false
  /// The ports that `ports` stands for, each once and in ascending order.
  private(set) var portNumbers: [UInt16] = []

  var isOn: Bool { ports != nil || isOfAllAddresses }

  /// Checks the options, and takes the endpoint from the operands: with a list of ports only a host,
  /// and then the endpoint's port is 0.
  mutating func endpoint(of operands: [String]) throws(UsageError) -> TypedEndpoint {
    guard parallel >= 1 else {
      throw UsageError("The value '\(parallel)' is invalid for '--parallel <n>'. Give at least 1.")
    }
    guard let ports else {
      do throws(UsageError) {
        var words = operands[...]
        return try TypedEndpoint.take(from: &words, hostIsOptional: false, most: 2)
      } catch {
        var error = error
        let port = operands.last?.split(separator: ":").last.map(String.init) ?? ""
        if port.contains(where: { "-,".contains($0) }), (try? PortList.ports(port)) != nil {
          error.message += " '--probe \(port)' tries several, without sending data."
        }
        throw error
      }
    }
    portNumbers = try PortList.ports(ports)
    guard let host = operands.first, !host.isEmpty else {
      throw UsageError("Missing expected argument '<host>'")
    }
    return TypedEndpoint(host: HostAndPort.unbracketed(host), port: 0)
  }
}

/// A subcommand that can probe instead of doing what it does otherwise.
protocol Probing: Dialing, Narrating, OpensSockets {
  var probing: ProbeOptions { get set }
}

extension Probing {
  /// The options of it.
  ///
  /// - Parameter relay: the names of the options that only a relay has a use for.
  static func probeParameters(withoutUseFor relay: [String]) -> [Bound<Self>] {
    func alone(_ option: Bound<Self>) -> Bound<Self> {
      option.excluding(relay, because: "nothing is relayed")
        .excluding(["wait"], because: "each endpoint is tried once")
        .excluding(["attempt-delay"], because: "the addresses do not race")
    }
    return [
      alone(
        .option(
          "probe", \.probing.ports, value: "ports",
          help: """
            Find out which of these ports are open, and print a table: 22,80,8000-8100,https. No \
            data is sent.
            """, completion: .port, waives: ["port"])),
      alone(
        .flag(
          "all-addresses", \.probing.isOfAllAddresses,
          help: """
            Connect to every address of the host at once, and print a table; with --probe, try \
            each port on each address.
            """)),
      .option(
        "parallel", \.probing.parallel, value: "n",
        help: "How many handshakes may be under way at once; fewer if descriptors run out."
      ).needing("probe"),
      .flag(
        "open-only", \.probing.showsOnlyOpen, help: "Show open ports only; the totals count all."
      ).needing("probe"),
    ]
  }

  /// Connects to all that was asked for, prints the rows and tells the totals.
  ///
  /// - Parameter timeout: of each attempt; nil for the usual one.
  func probe(
    _ endpoint: TypedEndpoint, timeout: Duration?, _ narrator: Narrator
  ) throws(Failure) -> Ending {
    let destination = try endpoint.destination(dialing, narrator)
    let plan = ProbePlan(endpoint, destination.targets, probing)
    var options = ConnectScan.Options()
    // The addresses of one name are few enough for all at once.
    options.parallel = min(probing.ports == nil ? .max : probing.parallel, plan.items.count)
    options.timeout = timeout ?? ProbePlan.timeout
    options.end = dialing.race.end
    options.socketOptions = sockets.plan(narrator)
    let report = try scan(plan, options, narrator)
    if let failure = report.commonFailure { throw failure }
    try toStandardOutput { output throws(OutputError) in
      try report.write(
        to: &output, Display(descriptor: output.descriptor), onlyOpen: probing.showsOnlyOpen,
        isJSON: narration.isJSON)
    }
    narrator.tell(report.totals)
    return report.ending
  }

  /// The loop, which holds signals back, ends with this: a table that nobody reads can be left.
  private func scan(
    _ plan: ProbePlan, _ options: ConnectScan.Options, _ narrator: Narrator
  ) throws(Failure) -> ProbeReport {
    var report = ProbeReport(plan)
    var options = options
    options.pulse = narrator.showsLive ? .milliseconds(100) : nil
    var loop = try ReadinessLoop.forProgram()
    let ending: ConnectScan.Ending
    do throws(SystemCallError) {
      ending = try ConnectScan.run(
        plan.items, options: options, loop: &loop, tracer: sockets.tracer(narrator)
      ) { event in
        switch event {
        case .settled(let item, let result):
          report.add(result, of: item)
          narrator.record(report.event(result))
        case .pulse: narrator.show(report.progress(Display(descriptor: 2)))
        }
      }
    } catch {
      throw Failure(.localEnd, error)
    }
    narrator.endShow()
    report.end(by: ending.signal)
    if ending.parallel < options.parallel {
      narrator.tell(
        .note("only \(Units.plural(ending.parallel, "handshake")) at once\(ending.reason)"))
    }
    return report
  }
}

extension ConnectScan.Ending {
  /// Why there were not as many handshakes at once as there might have been.
  fileprivate var reason: String {
    guard let shortage, shortage.errno != .tooManyDescriptors else {
      return ", since there are no more descriptors (ulimit -Hn)"
    }
    return ": \(shortage)\(shortage.advice)"
  }
}

extension [String] {
  /// What the manual says about it.
  static let probeNotes = [
    """
    With --probe or --all-addresses nothing is relayed. Many handshakes are made at once. Each \
    is tried once, and closed again without data. The result is a table on standard output or, \
    with --json, a line for each row. Where the host has several addresses, --probe tries a port \
    on one address after another, until one accepts.
    """,
    """
    A port is open if the handshake succeeds, even if a RST follows at once; closed if a RST or \
    an ICMP port unreachable refuses it; filtered if nothing answers, or if ICMP or a route says \
    that it cannot or may not be reached; untested if this end could not send. The exit status \
    is 0 if all are open. Otherwise it is that of the failure that got the least far: 15, 13, 12, 14 or 11, in this \
    order.
    """,
  ]
}

extension [Example] {
  static let probing = [
    Example(
      command: "tcptool connect --probe 22,80,443,8000-8100 192.0.2.7",
      explanation: "Find out which of these ports are open, and why others are not."),
    Example(
      command: "tcptool connect --probe 1-999 --open-only --parallel 9 ::1",
      explanation: "Find the open ports of a host, gently."),
    Example(
      command: "tcptool connect --all-addresses example.org 443",
      explanation: "Find out which addresses of a name accept."),
  ]
}

/// The endpoints to try, and what they are.
struct ProbePlan {
  /// The longest time of an attempt, where no other is asked for.
  static let timeout = Duration.seconds(2)

  let host: String
  /// The endpoints of each row; several where one that accepts is enough.
  let items: [[Endpoint]]
  let ports: Int
  let addresses: Int
  /// Whether the rows are addresses, all of them with one port.
  let isOfOnePort: Bool

  init(_ endpoint: TypedEndpoint, _ targets: [Endpoint], _ options: ProbeOptions) {
    host = endpoint.host ?? ""
    addresses = targets.count
    isOfOnePort = options.ports == nil
    let numbers = isOfOnePort ? [endpoint.port] : options.portNumbers
    ports = numbers.count
    items = numbers.flatMap { port in
      let all = targets.map { Endpoint($0.address, port) }
      return options.isOfAllAddresses ? all.map { [$0] } : [all]
    }
  }
}
