// `states` of another place: a saved table, another network namespace.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.waits, .requiresPrivateNetwork) struct StatesPlaces {
  @Test func aSavedCopyShowsWhatTheKernelShowed() throws {
    let network = try PrivateNetwork()
    let listener = try tcptool("listen", "--hold", "127.0.0.1", "7000", in: network)
    try listener.waitForLine(containing: "listening on ")
    let directory = try TemporaryDirectory()
    let copy = directory.file("tcp")
    let saved = try Child(
      network.command(["cat", "/proc/net/tcp", "/proc/net/tcp6"]), output: .file(copy)
    ).wait()
    #expect(saved.outcome == .exited(0))
    let live = try tcptool("states", "--source", "proc", in: network).wait()
    let replayed = try tcptool("states", "--from", copy).wait()
    #expect(replayed.outputText == live.outputText)
    #expect(replayed.outputText.contains("127.0.0.1:7000"))
    let piped = try tcptool("states", "--from", "-", "lport=7000", input: .file(copy)).wait()
    #expect(piped.outputText.split(separator: "\n").count == 2)
    #expect(try tcptool("states", "--from", copy, "lport=7001").wait().outcome == .exited(1))
  }

  @Test(arguments: ["", "hello\n", "Name: x\nUid: 0\n"])
  func anythingElseIsNoTable(_ text: String) throws {
    let done = try tcptool("states", "--from", "-", input: .text(text)).wait()
    #expect(done.outcome == .exited(1))
    #expect(done.errorText.contains("standard input has no table of sockets in it"))
  }

  /// No heading stands above an error.
  @Test(arguments: [[], ["--csv"], ["--listeners"], ["--summary"], ["--sort", "rtt"]])
  func whatIsNoTableShowsNothing(_ view: [String]) throws {
    let done = try run([try Tool.path, "states", "--from", "/dev/null"] + view)
    #expect(done.outcome == .exited(1), "\(done)")
    #expect(done.outputText == "", "\(done)")
    #expect(done.errorText.contains("no table"), "\(done)")
  }

  /// No table is no empty table: there is no heading, and the status is not that of no row.
  @Test(arguments: [
    ["--from"], ["--csv", "--from"], ["--json", "--from"], ["--summary", "--from"],
    ["--listeners", "--from"], ["--process", "--from"], ["--sort", "rtt", "--from"], ["--diff"],
  ])
  func aFileThatIsNotThereIsSaid(_ words: [String]) throws {
    let directory = try TemporaryDirectory()
    for (file, error) in [
      (directory.file("none"), "no such file or directory (ENOENT)"),
      (directory.path, "is a directory (EISDIR)"),
    ] {
      let done = try Child([try Tool.path, "states"] + words + [file]).wait()
      #expect(done.outcome == .exited(24))
      #expect(done.outputText == "")
      #expect(done.errorText.contains(error), "\(done.errorText)")
    }
  }

  /// As the filter takes them, in either place.
  @Test(arguments: [
    ("LISTEN", 1), ("listening", 1), ("estab", 2), ("ESTAB,listen", 3), ("time-wait", 0),
    ("connected", 2), ("all", 3), ("Syn-Recv", 0),
  ])
  func statesGoByTheNamesOfSS(_ names: String, _ count: Int) throws {
    let network = try PrivateNetwork()
    let listener = try tcptool("listen", "--hold", "127.0.0.1", "7000", in: network)
    try listener.waitForLine(containing: "listening on ")
    let client = try tcptool("connect", "--recv-only", "127.0.0.1", "7000", in: network)
    try client.waitForLine(containing: "connected")
    let done = try tcptool("states", "--no-header", "--state", names, in: network).wait()
    #expect(done.outputText.split(separator: "\n").count == count, "\(done.outputText)")
    #expect(done.outcome == .exited(count > 0 ? 0 : 1))
  }

  @Test(.requiresRoot) func anotherNamespaceIsThatOfAProcess() throws {
    let network = try PrivateNetwork()
    let listener = try tcptool("listen", "--hold", "127.0.0.1", "7000", in: network)
    try listener.waitForLine(containing: "listening on ")
    for place in [["--pid", "\(network.pid)"], ["--netns", "/proc/\(network.pid)/ns/net"]] {
      let done = try Child([try Tool.path, "states", "listening"] + place).wait()
      #expect(done.outcome == .exited(0), "\(done.errorText)")
      #expect(done.outputText.split(separator: "\n").count == 2)
      #expect(done.outputText.contains("127.0.0.1:7000"))
    }
  }

  /// The rows of `states --json`, by the number of their network namespace.
  private func localPorts(_ text: String) throws -> [UInt64: Set<Int>] {
    var ports: [UInt64: Set<Int>] = [:]
    for line in text.split(separator: "\n") {
      let row = try #require(
        JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
      let local = try #require(row["local"] as? [String: Any])
      let port = try #require(local["port"] as? Int)
      guard let namespace = row["netns"] as? UInt64 else { continue }
      ports[namespace, default: []].insert(port)
    }
    return ports
  }

  private func number(of network: PrivateNetwork) throws -> UInt64 {
    var status = stat()
    try #require(unsafe stat("/proc/\(network.pid)/ns/net", &status) == 0)
    return UInt64(status.st_ino)
  }

  /// Those of other tests come and go meanwhile.
  @Test(.requiresRoot) func allNamespacesAreShown() throws {
    let networks = try [PrivateNetwork(), PrivateNetwork()]
    let ports = [7000, 7001]
    let listeners = try zip(networks, ports).map { network, port in
      try tcptool("listen", "--hold", "127.0.0.1", "\(port)", in: network)
    }
    for listener in listeners { try listener.waitForLine(containing: "listening on ") }
    let all = try tcptool("states", "--all-netns", "--json", "listening").wait()
    #expect(all.outcome == .exited(0), "\(all.errorText)")
    let seen = try localPorts(all.outputText)
    let counted = try tcptool("states", "--all-netns", "--by", "netns", "--json").wait()
    for (network, port) in zip(networks, ports) {
      let number = try number(of: network)
      #expect(seen[number] == [port])
      #expect(counted.outputText.contains("\(number)"))
    }
    // It is back in its own when it reads the next one.
    #expect(Set(seen.values.filter { $0.contains(7000) || $0.contains(7001) }).count >= 2)
  }

  private func objects(_ text: String) throws -> [[String: Any]] {
    try text.split(separator: "\n").map { line in
      try #require(
        JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
    }
  }

  /// One that is full, one that is not, and the namespaces of others.
  @Test(.requires("python3"), .requiresRoot) func listenersOfAllNamespacesAreShown() throws {
    let networks = try [PrivateNetwork(), PrivateNetwork()]
    let makers = try zip(networks, [4, 40]).map { network, backlog in
      try QueueMaker.start(
        ["listen=127.0.0.1,7000,\(backlog)", "connect=127.0.0.1,7000,5"], in: network)
    }
    defer { for maker in makers { maker.closeInput() } }
    let numbers = try networks.map { try number(of: $0) }
    let words = [try Tool.path, "states", "--listeners", "--all-netns", "lport=7000"]
    func full(_ text: String) throws -> [UInt64: Int] {
      let rows = try objects(text).filter { $0["record"] as? String == "listener" }
      return Dictionary(
        rows.compactMap { row in
          (row["netns"] as? UInt64).flatMap { number in
            (row["accept_queue_percent"] as? Int).map { (number, $0) }
          }
        }, uniquingKeysWith: max)
    }
    let all = try run(words + ["--json", "--process"])
    #expect(all.outcome == .exited(0), "\(all.errorText)")
    let seen = try full(all.outputText)
    #expect(seen[numbers[0]] == 100 && seen[numbers[1]] == 12, "\(all.outputText)")
    // Each namespace has its own settings and counters, and stands behind all rows.
    let records = try objects(all.outputText).map { $0["record"] as? String }
    #expect(records.firstIndex(of: "namespace") == records.count { $0 == "listener" })
    let namespaces = try objects(all.outputText).filter { $0["record"] as? String == "namespace" }
    for number in numbers {
      #expect(namespaces.count { $0["netns"] as? UInt64 == number } == 1)
    }

    let table = try run(words + ["--process"])
    let heading = try #require(table.outputText.split(separator: "\n").first)
    #expect(heading.contains("Family  Namespace"), "\(heading)")
    for (network, maker) in zip(networks, makers) {
      #expect(
        table.outputText.contains("IPv4    pid \(network.pid)") && maker.pid > 0,
        "\(table.outputText)")
    }

    let checked = try run(words + ["--check", "100"])
    #expect(checked.outcome == .exited(3), "\(checked)")
    #expect(
      checked.outputText.contains("127.0.0.1:7000 in pid \(networks[0].pid): accept queue 5 of 5"))
    #expect(!checked.outputText.contains("pid \(networks[1].pid)"))

    let metrics = try run(words + ["-f", "openmetrics"]).outputText.split(separator: "\n")
    #expect(Set(metrics).count == metrics.count, "two samples with the same labels")
    for number in numbers {
      #expect(metrics.contains { $0.contains("somaxconn{netns=\"\(number)\"") })
    }

    let directory = try TemporaryDirectory()
    let capture = directory.file("capture")
    let saved = try tcptool(
      "states", "--all-netns", "lport=7000", "--process", "--save", capture
    ).wait()
    #expect(saved.outcome == .exited(0), "\(saved)")
    let replayed = try tcptool("states", "--from", capture, "--listeners", "--json").wait()
    #expect(replayed.outcome == .exited(0), "\(replayed)")
    let then = try full(replayed.outputText)
    #expect(then[numbers[0]] == 100 && then[numbers[1]] == 12, "\(replayed.outputText)")
  }

  /// What /proc/PID/net has is open to everybody.
  @Test(.requires("setpriv"), .requiresRoot) func aNamespaceIsSeenWithoutPrivilege() throws {
    let network = try PrivateNetwork()
    let listener = try tcptool("listen", "--hold", "127.0.0.1", "7000", in: network)
    try listener.waitForLine(containing: "listening on ")
    let nobody = try Stranger()
    for words in [["--pid", "\(network.pid)"], ["--all-netns"]] {
      let done = try run(
        nobody.words + [nobody.tool, "states", "--json", "lport=7000", "listening"] + words)
      #expect(done.outcome == .exited(0), "\(done.errorText)")
      let rows = done.outputText.split(separator: "\n")
      // No backlog: that is what /proc does not have.
      #expect(
        rows.contains {
          $0.contains(#""address":"127.0.0.1","port":7000"#) && $0.contains(#""backlog":null"#)
        }, "\(done.outputText)")
      #expect(done.errorText.contains("/proc"), "\(done.errorText)")
    }
    let listeners = try run(
      nobody.words + [nobody.tool, "states", "--listeners", "--all-netns", "lport=7000"])
    #expect(
      listeners.outputText.split(separator: "\n").contains {
        $0.hasPrefix("127.0.0.1:7000 ") && $0.contains("0/-") && $0.contains("pid \(network.pid)")
      }, "\(listeners)")
    #expect(listeners.errorText.contains("/proc/PID/net"), "\(listeners)")
  }

  @Test(arguments: [
    (["--pid", "2147483646"], "there is no such process"),
    (["--netns", "nosuch"], "'ip netns list' shows the names that there are"),
    (["--netns", "/dev/null"], "setns into the network namespace of /dev/null: invalid argument"),
  ])
  func aPlaceThatIsNotThereIsAnError(_ words: [String], _ message: String) throws {
    let done = try Child([try Tool.path, "states"] + words).wait()
    #expect(done.outcome == .exited(1))
    #expect(done.errorText.contains(message), "\(done.errorText)")
  }
}
