// Probes of what does not answer: causes, statuses, the rows that Ctrl-C leaves, and what a terminal
// shows while it lasts.

import Foundation
import TestSupport
import Testing

/// In a network with addresses that swallow, forbid and do not exist.
@Suite(.waits, .requiresPrivateNetwork) struct ProbesOfSilence {
  private static func network(
    hosts: String = ""
  ) throws -> (PrivateNetwork, TemporaryDirectory) {
    let directory = try TemporaryDirectory(files: ["hosts": "127.0.0.1 localhost\n" + hosts])
    let network = try PrivateNetwork(
      mounts: true,
      setUp: [
        "ip route add 192.0.2.0/24 dev lo", "ip route add prohibit 198.51.100.0/24",
        "ip route add unreachable 203.0.113.0/24",
        "mount --bind '\(directory.file("hosts"))' /etc/hosts",
      ])
    return (network, directory)
  }

  private static let hosts = """
    127.0.0.1 all.example
    198.51.100.1 all.example
    192.0.2.2 all.example
    127.0.0.1 some.example
    198.51.100.1 some.example
    127.0.0.1 one.example
    198.51.100.1 every.example
    192.0.2.2 every.example
    203.0.113.1 every.example

    """

  @Test(
    arguments: [
      ("198.51.100.1", 14, "permission denied (EACCES)", "-"),
      ("203.0.113.1", 13, "no route to host (EHOSTUNREACH)", "-"),
      ("192.0.2.2", 12, "none of the SYNs was answered", "1"),
    ] as [(String, Int32, String, String)])
  func filteredPortsHaveTheirCause(
    _ host: String, _ status: Int32, _ cause: String, _ syns: String
  ) throws {
    let (network, directory) = try Self.network()
    let done = try run(
      network.command([Tool.path, "connect", "-t", "200ms", "--probe", "4000-4001", host]))
    #expect(done.outcome == .exited(status), "\(done)")
    let shown = rows(done.outputText)
    #expect(shown.count == 2)
    for line in done.outputText.split(separator: "\n").dropFirst() {
      #expect(line.contains("  filtered  "))
      #expect(line.hasSuffix("  \(syns)  \(cause)"), "\(line)")
    }
    #expect(done.errorText.hasPrefix("0 open, 2 filtered of 2 ports in "), "\(done)")
    withExtendedLifetime(directory) {}
  }

  /// Those that are under way make room for the rest, and each port has its row.
  @Test(
    .requires("strace"),
    arguments: [
      ("EMFILE", ", since there are no more descriptors (ulimit -Hn)"),
      (
        "ENFILE",
        ": socket AF_INET: too many open files in system (ENFILE); fs.file-max bounds how many "
          + "the whole host may have"
      ),
      (
        "ENOBUFS",
        ": socket AF_INET: no buffer space available (ENOBUFS); this host is short of memory"
      ),
      ("ENOMEM", ": socket AF_INET: cannot allocate memory (ENOMEM); this host is short of memory"),
    ])
  func aShortageOfSocketsIsWaitedOut(_ errno: String, _ reason: String) throws {
    let (network, directory) = try Self.network()
    // None of those before has an answer: the socket that is missing is not the only one.
    let done = try run(
      network.command([
        "strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=socket:error=\(errno):when=21",
        Tool.path, "connect", "-t", "200ms", "--probe", "4000-4039", "192.0.2.2",
      ]))
    #expect(done.outcome == .exited(12), "\(done)")
    #expect(rows(done.outputText).count == 40)
    let remark = try #require(
      done.errorText.firstMatch(of: /only ([0-9]+) handshakes? at once(.+)\n/))
    #expect(remark.2 == reason, "\(done)")
    #expect((1..<20).contains(try #require(Int(remark.1))), "\(done)")
    withExtendedLifetime(directory) {}
  }

  /// What got least far decides, whatever else was met.
  @Test(
    arguments: [
      ("one.example", 11, "0 open, 1 closed of 1 address in "),
      ("some.example", 14, "0 open, 1 closed, 1 filtered of 2 addresses in "),
      ("all.example", 12, "0 open, 1 closed, 2 filtered of 3 addresses in "),
      ("every.example", 13, "0 open, 3 filtered of 3 addresses in "),
    ] as [(String, Int32, String)])
  func theFailureThatGotLeastFarDecides(
    _ host: String, _ status: Int32, _ totals: String
  ) throws {
    let (network, directory) = try Self.network(hosts: Self.hosts)
    let done = try run(
      network.command([Tool.path, "connect", "-t", "200ms", "--all-addresses", host, "4000"]))
    #expect(done.outcome == .exited(status), "\(done)")
    #expect(done.errorText.hasPrefix(totals), "\(done)")
    withExtendedLifetime(directory) {}
  }

  @Test func everyAddressHasARow() throws {
    let (network, directory) = try Self.network(hosts: Self.hosts)
    let server = try Child(network.command([Tool.path, "listen", "-k", "-q", "127.0.0.1", "4000"]))
    try waitUntilListening(port: 4_000, network: network)
    let words = ["connect", "-t", "200ms", "--all-addresses", "all.example", "4000"]
    let done = try run(network.command([Tool.path] + words))
    #expect(done.outcome == .exited(12), "\(done)")
    let shown = rows(done.outputText)
    #expect(Set(shown.map { $0["Address"] }) == ["127.0.0.1", "198.51.100.1", "192.0.2.2"])
    for row in shown {
      #expect(row["Family"] == "IPv4")
      let outcome = try #require(row["Outcome"])
      switch row["Address"] {
      case "127.0.0.1":
        #expect(outcome == "connected")
        #expect(row["RTT"]?.hasSuffix("s") == true)
      case "192.0.2.2": #expect(outcome == "no answer")
      default: #expect(outcome == "prohibited")
      }
    }

    let json = try objects(try run(network.command([Tool.path] + words + ["--json"])).outputText)
    #expect(json.count == 3)
    for object in json {
      #expect(object["event"] as? String == "address")
      #expect(object["service"] == nil)
      #expect(object["host"] as? String == "all.example")
    }
    #expect(
      Set(json.map { $0["outcome"] as? String }) == ["connected", "no_answer", "prohibited"])
    withExtendedLifetime((directory, server)) {}
  }

  @Test func eachPortIsTriedOnEachAddress() throws {
    let (network, directory) = try Self.network(hosts: Self.hosts)
    let server = try Child(network.command([Tool.path, "listen", "-k", "-q", "127.0.0.1", "4000"]))
    try waitUntilListening(port: 4_000, network: network)
    let done = try run(
      network.command([
        Tool.path, "connect", "--probe", "4000-4001", "--all-addresses", "some.example",
      ]))
    #expect(done.outcome == .exited(14), "\(done)")
    let shown = rows(done.outputText)
    #expect(shown.map { $0["Port"] } == ["4000", "4000", "4001", "4001"])
    #expect(Set(shown.map { $0["Address"] }) == ["127.0.0.1", "198.51.100.1"])
    #expect(
      done.errorText.hasPrefix("1 open, 1 closed, 2 filtered of 2 ports on 2 addresses in "),
      "\(done)")

    // Without --all-addresses an address that accepts is enough.
    let any = try run(network.command([Tool.path, "connect", "--probe", "4000", "some.example"]))
    #expect(any.outcome == .exited(0), "\(any)")
    #expect(rows(any.outputText).map { $0["Address"] } == ["127.0.0.1"])
    withExtendedLifetime((directory, server)) {}
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func aSignalLeavesTheRowsSoFar(_ signal: Int32) throws {
    let (network, directory) = try Self.network(hosts: Self.hosts)
    let events = directory.file("events")
    let tool = try Child(
      network.command([
        Tool.path, "connect", "--log", events, "-t", "1h", "--all-addresses", "all.example",
        "4000",
      ]))
    let areKnown = eventually {
      let text = (try? String(contentsOfFile: events, encoding: .utf8)) ?? ""
      return text.split(separator: "\n").count { $0.contains(#""event":"address""#) } == 2
    }
    try #require(areKnown)
    try tool.signal(signal)
    let done = try tool.wait()
    #expect(done.outcome == .signalled(signal), "\(done)")
    #expect(Set(rows(done.outputText).map { $0["Address"] }) == ["127.0.0.1", "198.51.100.1"])
    #expect(done.errorText.hasPrefix("0 open, 1 closed, 1 filtered of 3 addresses in "), "\(done)")
    #expect(done.errorText.hasSuffix(", interrupted with 1 unknown\n"))
  }

  @Test(.requires("tmux"), arguments: [(80, "C.UTF-8", "█"), (200, "C", "#")])
  func aTerminalShowsHowFarItIs(_ columns: Int, _ locale: String, _ mark: String) throws {
    let (network, directory) = try Self.network()
    // Who looks too late for a short one sees a longer one.
    var seen: Terminal?
    for timeout in ["400ms", "4s"] where seen == nil {
      let command = network.command([
        try Tool.path, "connect", "-t", timeout, "--parallel", "20", "--probe", "1-100",
        "--open-only", "192.0.2.2",
      ])
      let terminal = try Terminal(
        columns: columns,
        command: command,
        environment: ["LC_ALL": locale])
      let screen = try terminal.waitFor { screen in
        screen.contains("END: ")
          || [" of 100 ports, 0 open  ", " left", mark, " %  ", "/s  "]
            .allSatisfy { screen.contains($0) }
      }
      if !screen.contains("END: ") { seen = terminal }
    }
    let terminal = try #require(seen)
    let screen = try terminal.waitFor { $0.contains("END: status 12") }
    #expect(!screen.contains(mark))
    #expect(!screen.contains(" left"))
    let lines = screen.split(separator: "\n").map(String.init)
    #expect(lines.first?.hasPrefix(" Port  State ") == true, "\(screen)")
    #expect(lines.dropFirst().first?.hasPrefix("0 open, 100 filtered of 100 ports in ") == true)
    withExtendedLifetime(directory) {}
  }

  /// The cause is broken between words, under its own column.
  @Test(.requires("tmux")) func aNarrowTerminalBreaksCausesBetweenWords() throws {
    let network = try PrivateNetwork(setUp: ["ip address add 2001:db8::1/64 dev lo"])
    let command = network.command([try Tool.path, "connect", "--probe", "80", "2001:db8::2"])
    let terminal = try Terminal(columns: 80, command: command)
    let screen = try terminal.waitFor { $0.contains("END: status 13") }
    let lines = screen.split(separator: "\n").map(String.init)
    let place = try #require(lines.first?.range(of: "Cause"))
    let column = lines[0].distance(from: lines[0].startIndex, to: place.lowerBound)
    // Where it is broken depends on the width of the time in front of it.
    #expect(lines[2].prefix(column).allSatisfy { $0 == " " })
    let cause = lines[1...2].map { String($0.dropFirst(column)) }.joined(separator: " ")
    #expect(
      cause.hasPrefix("ICMPv6 destination unreachable, no route to destination (1/0), from"),
      "\(screen)")
  }
}
