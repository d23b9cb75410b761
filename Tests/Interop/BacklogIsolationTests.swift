// The private network namespace of `backlog-test`: whoever runs it, where it is refused, and that
// nothing is left of it, however it ends.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("ip")) struct BacklogIsolation {
  private static func namespace(of process: pid_t) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/net")
  }

  /// A flood that is under way in a namespace of its own, with some hundred clients.
  private static func flood(_ queue: String) throws -> Child {
    let own = namespace(of: getpid())
    let child = try Child([
      try Tool.path, "backlog-test", "--queue", queue, "--backlog", "8000",
      "--set", "somaxconn=8000",
    ])
    let isUnderWay = eventually(every: .milliseconds(1)) {
      guard child.isRunning else { return true }
      let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(child.pid)/fd")
      return namespace(of: child.pid) != own && open?.count ?? 0 > 300
    }
    guard isUnderWay, child.isRunning else { throw TestFailure("no flood is under way") }
    return child
  }

  @Test(
    .requiresPrivateNetwork, .timeLimit(.minutes(5)), arguments: [SIGINT, SIGTERM, SIGKILL],
    ["accept", "syn"])
  func aSignalLeavesNothing(_ signal: Int32, _ queue: String) throws {
    let child = try Self.flood(queue)
    try child.signal(signal)
    let done = try child.wait()
    #expect(done.outcome == .signalled(signal))
    // Its process was the only one there, and its group has no other.
    #expect(kill(-child.pid, 0) == -1)
    #expect(done.output == [])
  }

  @Test(.requires("setpriv"), .requiresRoot, .requiresPrivateNetwork, .timeLimit(.minutes(5)))
  func anOrdinaryUserHasOneToo() throws {
    let nobody = try Stranger(mayWrite: true)
    let samples = nobody.directory.file("samples.csv")
    let done = try run(
      nobody.words + [
        nobody.tool, "backlog-test", "--json", "--set", "tcp_syncookies=0", "--samples", samples,
      ])
    try #require(done.outcome == .exited(0), "\(done)")
    #expect(done.outputText.contains(#""isolated":true"#))
    #expect(done.outputText.contains(#""match":true"#))
    // What it writes it writes with its own rights.
    let owner = try FileManager.default.attributesOfItem(atPath: samples)[.ownerAccountID] as? Int
    #expect(owner == 65_534)
  }

  /// A user namespace in which no more may be made, without the right to make a network one either.
  @Test(.requires("setpriv", "unshare"), .requiresPrivateNetwork)
  func whereItIsRefusedThatIsSaid() throws {
    func refused(_ words: String...) throws -> Finished {
      let script = """
        ip link set lo up
        echo 0 >/proc/sys/user/max_user_namespaces
        exec setpriv --bounding-set=-all --inh-caps=-all "$@"
        """
      return try run(
        ["unshare", "-rn", "sh", "-ec", script, "sh", try Tool.path, "backlog-test", "--json"]
          + words)
    }
    let here = try refused()
    try #require(here.outcome == .exited(0), "\(here)")
    #expect(here.outputText.contains(#""isolated":false"#))
    #expect(here.outputText.contains(#""match":true"#))
    let always = try refused("--isolate", "always")
    #expect(always.outcome == .exited(1) && always.output == [])
    #expect(always.errorText.contains("user.max_user_namespaces"))
    let what = try refused("--set", "somaxconn=5")
    #expect(what.outcome == .exited(1) && what.output == [])
    #expect(what.errorText.contains("in a private network namespace alone"))
  }
}
