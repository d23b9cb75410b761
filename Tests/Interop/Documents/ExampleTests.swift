// Every example of the manual pages, which are those of `--help` too, does what it says: it is run
// as it stands, in a network where the hosts and files that it names are there.

import Foundation
import Glibc
import TestSupport
import Testing

/// Each has a network, mounts and a directory of its own, so that they do not meet.
@Suite(.waits, .requiresPrivateNetwork, .requires("python3", "ip")) struct Examples {
  struct Example: Sendable, CustomTestStringConvertible {
    var page: String
    var command: String
    var testDescription: String { command }

    /// Whether it waits for others to connect.
    var isServer: Bool {
      !command.contains("recv --connect")
        && command.contains(#/tcptool (listen|recv|send --listen)/#)
    }
  }

  /// The blocks behind EXAMPLES, as they are copied from a page.
  static let all: [Example] = {
    let folder = Document.root.appending(path: "man")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".1") }.sorted().flatMap { name in
      ((try? Document(path: "man/\(name)", width: 75).blocks()) ?? []).map {
        Example(page: name, command: $0.text.joined(separator: "\n"))
      }
    }
  }()

  @Test func areThere() {
    #expect(Self.all.count >= 80)
  }

  @Test(.timeLimit(.minutes(3)), arguments: all)
  func work(_ example: Example) throws {
    let scene = try Scene(setUp: Self.surroundings)
    let others = try Self.others(of: example, scene)
    let line = example.command.replacing("4711", with: "\(scene.network.pid)")
    let child = try Child(
      scene.network.command(["sh", "-c", "cd \(scene.directory.path)\n\(line)"]),
      input: .text("GET / HTTP/1.0\n\n"), environment: scene.environment)
    var clients: [Child] = []
    if example.isServer {
      let port = try Self.port(of: child, scene)
      let isSending = example.command.contains("send --listen")
      for _ in 0..<(example.command.contains("--streams") ? 8 : 1) {
        let client =
          isSending
          ? "tcptool recv --connect localhost \(port) > copy"
          : "tar -c photos | tcptool send localhost \(port)"
        clients.append(
          try Child(
            scene.network.command(["sh", "-c", "cd \(scene.directory.path)\n\(client)"]),
            environment: scene.environment))
      }
    }
    // What ends by itself has its time; what does not is ended as Ctrl-C would.
    let endsByItself = !example.command.contains(
      #/-k|--keep-open|--hold|--watch|--events|--interval|--on-stdin-eof wait|--duration 10s|--count 100|1G|4G/#
    )
    let hasEnded = eventually(
      within: endsByItself ? patience : .seconds(2), every: .milliseconds(20), { !child.isRunning })
    if !hasEnded { _ = kill(-child.pid, SIGINT) }
    #expect(hasEnded || !endsByItself, "it did not end by itself")
    let done = try child.wait()
    switch done.outcome {
    case .signalled(let signal): #expect(!hasEnded && signal == SIGINT, "\(done)")
    case .exited(let status):
      // 130 is how a shell tells of SIGINT.
      let isInterrupted = !hasEnded && status == 130
      #expect(isInterrupted || Self.statuses(of: example.command).contains(status), "\(done)")
    }
    withExtendedLifetime((others, clients)) {}
  }

  /// The statuses that an example may end with here by itself.
  private static func statuses(of command: String) -> [Int32] {
    switch command {
    // Whether a row is there is not up to the example; and no nginx runs.
    case let words where words.contains("tcptool states"): [0, 1]
    // What comes is not what was expected.
    case let words where words.contains("--expect-") || words.contains("--verify"): [23]
    // Not every port that is asked is open.
    case let words where words.contains("--probe "): [0, 11]
    // On a busy machine the arrivals are not as even as the prediction takes them to be.
    case let words where words.contains("-rate "): [0, 1]
    default: [0]
    }
  }

  // MARK: The stage

  private static let surroundings =
    [
      "mount -t tmpfs none /run", "mkdir /run/netns", "ip netns add blue",
      "nsenter --net=/run/netns/blue ip link set lo up",
      "ip netns add far", "ip link add eth1 type veth peer name eth0 netns far",
      "ip address add 10.0.0.5/24 dev eth1", "ip link set eth1 up",
      "nsenter --net=/run/netns/far ip address add 10.0.0.7/24 dev eth0",
      "nsenter --net=/run/netns/far ip link set eth0 up",
      "nsenter --net=/run/netns/far ip link set lo up",
    ] + ["192.0.2.1", "192.0.2.7"].map { "ip address add \($0)/32 dev lo" }

  /// The programs that the example talks to, and the files that it reads.
  private static func others(of example: Example, _ scene: Scene) throws -> [Child] {
    let command = example.command
    var stage = [
      "mkdir photos", "echo picture > photos/one", "echo hello > request", "echo hello > a.html",
      "tcptool states --save before", "cat /proc/net/tcp > saved-tcp", "cp saved-tcp router-tcp",
    ]
    if !command.contains("tcptool recv") {
      stage += ["head -c 100000 /dev/zero > disk.img", "cp disk.img a.img", "cp disk.img a"]
    }
    let service =
      command.contains("recv --connect")
      ? "--source-data 100K" : command.contains("tcptool send") ? "--discard" : "--echo"
    if !example.isServer {
      let ports =
        command.contains("backlog-test") ? [] : [22, 80, 443, 5432, 7000, 8000]
      stage += ports.map { "app listen -k \(service) \($0) &" }
      stage += ["app listen --hold --backlog 7 8080 &"]
      stage += [
        "nsenter --net=/run/netns/blue app listen --hold --backlog 7 ::1 80 &",
        "nsenter --net=/run/netns/far app listen -k --echo 7000 &",
        "nsenter --net=/run/netns/far app listen --hold --backlog 7 80 &",
      ]
      stage += (ports + [8080]).map { "await tcptool states -l :\($0)" }
      stage += [
        "await tcptool states --netns blue -l :80", "await tcptool states --netns far -l :80",
        "await tcptool states --netns far -l :7000",
        // A link that has just come up carries nothing for a while.
        "await tcptool connect --probe 7000 10.0.0.7",
      ]
    }
    let child = try Child(
      scene.network.command([
        "sh", "-c",
        "cd \(scene.directory.path)\n\(shellAwait)\n\(stage.joined(separator: "\n"))\n"
          + "echo ready\nexec cat",
      ]),
      input: .pipe, environment: scene.environment)
    try child.waitForLine(containing: "ready", in: .standardOutput)
    return [child]
  }

  /// The port on which the example has come to listen.
  private static func port(of child: Child, _ scene: Scene) throws -> String {
    var port = ""
    let found = try eventually(every: .milliseconds(50)) {
      let done = try Child(
        scene.network.command([try Tool.path, "states", "--columns", "local", "listening"])
      ).wait()
      let rows = done.outputText.split(separator: "\n").dropFirst()
      port = rows.first.flatMap { $0.split(separator: ":").last }.map { String($0) } ?? ""
      port = port.trimmingCharacters(in: .whitespaces)
      return !port.isEmpty || !child.isRunning
    }
    guard found, !port.isEmpty else { throw TestFailure("it does not listen: \(try child.wait())") }
    return port
  }
}
