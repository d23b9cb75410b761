// `backlog-test` against the running kernel: the same row of the rules' table in every run, whoever
// runs it and however busy the machine is, and the truth where the kernel does something else.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("ip"), .requiresPrivateNetwork) struct BacklogRuns {
  private struct Report: Decodable {
    struct Clients: Decodable {
      var established: Int
      var syn_sent: Int
    }
    struct Listener: Decodable {
      var accept_queue: Int
      var drops: Int
    }
    struct Drop: Decodable { var connect: Int }
    var asked: Int
    var somaxconn: Int
    var effective: Int
    var connects: Int
    var snapshot_ms: Int
    var clients: Clients
    var listener: Listener
    var syn_recv: Int
    var counters: [String: Int]
    var first_drop: Drop?
    var match: Bool
    var verdict: String

    init(_ done: Finished) throws {
      self = try JSONDecoder().decode(Self.self, from: Data(done.output))
    }
  }

  /// Holds one run to the kernel's rules: an accept queue of the effective backlog and one more, and
  /// a dropped SYN for each client beyond.
  private static func expectRow(_ done: Finished, asked: Int, somaxconn: Int) throws {
    try #require(done.outcome == .exited(0), "\(done)")
    let report = try Report(done)
    let effective = asked < 0 ? somaxconn : min(asked, somaxconn)
    let held = effective + 1
    let dropped = report.connects - held
    #expect(report.asked == asked)
    #expect(report.somaxconn == somaxconn)
    #expect(report.effective == effective)
    #expect(dropped > 0)
    #expect(report.listener.accept_queue == held)
    #expect(report.clients.established == held)
    #expect(report.clients.syn_sent == dropped)
    #expect(report.syn_recv == 0)
    #expect(report.first_drop?.connect == held + 1)
    #expect(report.match)
    let drops = [
      report.listener.drops, report.counters["ListenOverflows"], report.counters["ListenDrops"],
    ]
    if report.snapshot_ms < 900 {
      #expect(drops == [dropped, dropped, dropped])
    } else {
      // Too busy a machine: some of the dropped SYNs have been sent, and dropped, once more.
      #expect(drops.allSatisfy { ($0 ?? 0) >= dropped })
    }
    for name in ["TCPReqQFullDrop", "TCPReqQFullDoCookies", "SyncookiesSent", "SyncookiesRecv"] {
      #expect(report.counters[name] == 0)
    }
  }

  private static func words(_ backlog: Int) throws -> [String] {
    [try Tool.path, "backlog-test", "--json", "--backlog=\(backlog)"]
  }

  private static func somaxconn(of network: PrivateNetwork) throws -> Int {
    let text = try run(network.command(["cat", "/proc/sys/net/core/somaxconn"])).outputText
    return try #require(Int(text.filter(\.isNumber)))
  }

  /// The counters belong to the network, so runs at the same time have a network each.
  @Test(
    .timeLimit(.minutes(5)),
    arguments: [(-1, 2), (0, 5), (1, 5), (5, 5), (128, 5), (5_000, 2)])
  func twentyTimesOutOfTwenty(_ asked: Int, _ atOnce: Int) throws {
    let networks = try (0..<atOnce).map { _ in try PrivateNetwork() }
    let somaxconn = try Self.somaxconn(of: networks[0])
    for _ in 0..<20 / atOnce {
      let runs = try networks.map { try Child($0.command(try Self.words(asked))) }
      for tool in runs {
        try Self.expectRow(try tool.wait(), asked: asked, somaxconn: somaxconn)
      }
    }
  }

  @Test(arguments: [(128, 16), (128, 128), (16, 15), (3, 0), (-1, 1)])
  func theNamespacesOwnLimitHolds(_ asked: Int, _ limit: Int) throws {
    let network = try PrivateNetwork(setUp: ["echo \(limit) >/proc/sys/net/core/somaxconn"])
    let done = try run(network.command(try Self.words(asked)))
    try Self.expectRow(done, asked: asked, somaxconn: limit)
  }

  @Test(.requires("taskset", "python3"))
  func besideABusyProcessOnTheSameProcessor() throws {
    let network = try PrivateNetwork()
    let somaxconn = try Self.somaxconn(of: network)
    let first = "taskset -cp $$ | sed 's/.*: //; s/[-,].*//'"
    let busy = try Child([
      "sh", "-c", "exec taskset -c $(\(first)) python3 -c \"$1\"", "sh",
      "print('busy', flush=True)\nwhile True: pass",
    ])
    try busy.waitForLine(containing: "busy", in: .standardOutput)
    for asked in [5, 128, 128, 128, 1_000] {
      let pinned = ["sh", "-c", "exec taskset -c $(\(first)) \"$@\"", "sh"]
      let done = try run(network.command(pinned + (try Self.words(asked))))
      try Self.expectRow(done, asked: asked, somaxconn: somaxconn)
    }
    #expect(busy.isRunning)
  }

  /// The nobody of most systems, without a capability even in its own network.
  @Test(.requires("setpriv"), .requiresRoot)
  func withoutPrivilege() throws {
    let nobody = try Stranger()
    // A user namespace would give the capabilities back, so that root makes the network alone.
    let network = try PrivateNetwork(mapsUser: false)
    let somaxconn = try Self.somaxconn(of: network)
    for asked in [0, 128] {
      let done = try run(
        network.command(
          nobody.words + [nobody.tool, "backlog-test", "--json", "--backlog=\(asked)"]))
      try Self.expectRow(done, asked: asked, somaxconn: somaxconn)
    }
  }

  /// A queueing discipline without room swallows every SYN, which no rule about backlogs foresees.
  @Test(.requires("tc"))
  func whatTheRulesDoNotForeseeIsSaid() throws {
    let network = try PrivateNetwork(setUp: ["tc qdisc add dev lo root pfifo limit 0"])
    // The discipline is that of this network.
    let done = try run(network.command(try Self.words(5) + ["--isolate", "never"]))
    #expect(done.outcome == .exited(1))
    let report = try Report(done)
    #expect(!report.match)
    #expect(report.clients.established == 0 && report.clients.syn_sent == report.connects)
    #expect(report.listener.accept_queue == 0)
    #expect(report.first_drop == nil)
    #expect(report.verdict.contains("accept queue 0, predicted 6"))
  }

  /// That the same port has a listener here as well says nothing about the other host's.
  @Test(.requires("unshare", "nsenter"))
  func anotherHostsListenerIsNotThisHosts() throws {
    let network = try PrivateNetwork()
    let host = try Child(
      network.command(["unshare", "-n", "sh", "-c", "echo ready; exec cat"]), input: .pipe)
    try host.waitForLine(containing: "ready", in: .standardOutput)
    let enter = ["nsenter", "-n", "-t", "\(host.pid)"]
    for line in [
      ["ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", "\(host.pid)"],
      ["ip", "address", "add", "10.9.0.1/24", "dev", "near"],
      // A connect to it has the first one as its source.
      ["ip", "address", "add", "10.9.0.3/24", "dev", "near"],
      ["ip", "link", "set", "near", "up"],
      enter + ["ip", "address", "add", "10.9.0.2/24", "dev", "far"],
      enter + ["ip", "link", "set", "far", "up"],
    ] {
      let done = try run(network.command(line))
      try #require(done.outcome == .exited(0), "\(done)")
    }
    let words = [try Tool.path, "listen", "--keep-open", "0.0.0.0"]
    let there = try Child(network.command(enter + words + ["0"]), input: .pipe)
    let port = "\(try announcedPort(of: there))"
    let here = try Child(network.command(words + [port]), input: .pipe)
    _ = try announcedPort(of: here)
    // A link that has just come up carries nothing for a while, and the first SYN would be lost.
    let isReached = try eventually {
      try run(network.command([try Tool.path, "connect", "--probe", port, "10.9.0.2"])).outcome
        == .exited(0)
    }
    try #require(isReached)
    for (address, isLocal) in [("10.9.0.1", true), ("10.9.0.3", true), ("10.9.0.2", false)] {
      let done = try run(
        network.command([
          try Tool.path, "backlog-test", "--json", "--allow-remote", "--count", "2", address, port,
        ]))
      try #require(!done.output.isEmpty, "\(done)")
      let found = try #require(
        try JSONSerialization.jsonObject(with: Data(done.output)) as? [String: Any], "\(done)")
      #expect(found["local"] as? Bool == isLocal)
      for reading in ["before", "after"] { #expect((found[reading] is NSNull) == !isLocal) }
    }
  }

  @Test func tooFewDescriptorsAreSaidBeforeAnythingIsOpened() throws {
    let limited = ["sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"]
    let done = try run(limited + (try Self.words(128)))
    #expect(done.outcome == .exited(15))
    #expect(done.output == [])
    #expect(done.errorText.contains("ulimit -n"))
  }
}
