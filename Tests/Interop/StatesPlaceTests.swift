// `states` of another place: a saved table, another network namespace.

import Foundation
import TestSupport
import Testing

@Suite(.requiresPrivateNetwork) struct StatesPlaces {
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
