// Control groups of hostile names, made in the kernel: what a container is called is chosen by who
// starts it.

import Foundation
import Glibc
import TestSupport
import Testing

/// A directory of the cgroup2 file system, which is a control group, with its name's bytes.
private final class ControlGroup: Sendable {
  /// Where cgroup2 is mounted; beside version 1 it is one floor further down.
  private static let mount = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].first {
    FileManager.default.fileExists(atPath: "\($0)/cgroup.controllers")
  }

  /// Why none can be made here, or nil. Not even CI has to allow it: the tree is the host's.
  static let obstacle: String? =
    if mount == nil {
      "no cgroup2 file system is mounted"
    } else if let group = try? ControlGroup(named: Array("tcptool-test-\(getpid())".utf8)) {
      group.isEnterable ? nil : "this user cannot move a process into a control group"
    } else {
      "this user cannot make a control group"
    }

  private let path: [CChar]

  /// - Throws: `TestFailure` where the kernel makes none.
  init(named name: [UInt8]) throws(TestFailure) {
    path =
      Array("\(Self.mount ?? "")/".utf8CString.dropLast()) + name.map(CChar.init(bitPattern:)) + [0]
    guard unsafe mkdir(path, 0o755) == 0 else { throw TestFailure("mkdir: errno \(errno)") }
  }

  deinit {
    // Its processes have been ended, and leave it soon after.
    _ = eventually { unsafe rmdir(path) == 0 || errno == ENOENT }
  }

  /// The words of a command that runs in it, by a shell that goes in first.
  func command(_ words: [String]) -> [String] {
    let digits = path.dropLast().map { byte in
      "\\" + String(repeating: "0", count: 3 - octal(byte).count) + octal(byte)
    }.joined()
    return [
      "sh", "-c", #"echo $$ > "$(printf '\#(digits)')/cgroup.procs" && exec "$@""#, "sh",
    ] + words
  }

  private func octal(_ byte: CChar) -> String { String(UInt8(bitPattern: byte), radix: 8) }

  private var isEnterable: Bool { (try? run(command(["true"])).outcome) == .exited(0) }
}

@Suite(
  .waits, .enabled(if: ControlGroup.obstacle == nil, .init(rawValue: ControlGroup.obstacle ?? "")),
  .timeLimit(.minutes(5)))
struct UntrustedGroups {
  /// The kernel refuses a line break and a slash in such a name, and nothing else.
  private static let names = HostileName.all.filter { !$0.bytes.contains(UInt8(ascii: "\n")) }

  /// A listener in a group of that name, which nobody else's group has.
  private struct Scene {
    let group: ControlGroup
    let listener: Child
    let port: UInt16
    /// Tests run beside each other, and there is one tree.
    private let prefix = "tcptool-test-\(UInt32.random(in: 0...(.max)))-"

    init(_ name: HostileName) throws {
      group = try ControlGroup(named: Array(prefix.utf8) + name.bytes)
      listener = try Child(group.command([try Tool.path, "listen", "--hold", "127.0.0.1", "0"]))
      port = try announcedPort(of: listener)
    }

    /// How a person sees the group.
    func shown(_ name: HostileName) -> String { "/\(prefix)\(name.shown)" }

    /// How a program sees it, where bytes that are no text are repaired.
    func decoded(_ name: HostileName) -> String { "/\(prefix)\(name.decoded)" }

    var words: [String] { ["states", "--columns", "state,cgroup", "lport=\(port)"] }

    func states(_ words: String...) throws -> Finished {
      let done = try run([try Tool.path] + self.words + words)
      #expect(done.outcome == .exited(0), "\(done)")
      expectHarmless(done.output)
      expectHarmless(done.error)
      return done
    }

    /// Ends the listener before its group is removed.
    func end() throws {
      try listener.signal(SIGTERM)
      _ = try listener.wait()
    }
  }

  @Test(arguments: names) func aTableHasOneRow(_ name: HostileName) throws {
    let scene = try Scene(name)
    let rows = try scene.states().outputText.split(separator: "\n")
    #expect(rows.count == 2, "\(rows)")
    #expect(rows.last == "LISTEN       \(scene.shown(name))", "\(rows)")
    try scene.end()
  }

  @Test(.requires("tmux"), arguments: names, [80, 200])
  func aTerminalShowsIt(_ name: HostileName, _ columns: Int) throws {
    let scene = try Scene(name)
    let terminal = try Terminal(
      columns: columns, rows: 10, command: [try Tool.path] + scene.words + ["--color", "never"])
    let screen = try terminal.waitFor { $0.contains("LISTEN") }
    // Had anything been obeyed, it would be missing here.
    let row = "LISTEN       \(scene.shown(name))".trimmingCharacters(in: .whitespaces)
    #expect(screen.split(separator: "\n").dropFirst().first ?? "" == row, "\(screen)")
    try scene.end()
  }

  @Test(arguments: names) func anObjectHasItsKey(_ name: HostileName) throws {
    let scene = try Scene(name)
    let told = try scene.states("--json")
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(told.output)) as? [String: Any])
    #expect(object["cgroup"] as? String == scene.decoded(name), "\(told.outputText)")
    try scene.end()
  }

  @Test(.requires("python3"), arguments: names)
  func aRecordHasItsFields(_ name: HostileName) throws {
    let scene = try Scene(name)
    let rows = try readCSV(try scene.states("--csv").output)
    #expect(rows.dropFirst().map(\.self) == [["LISTEN", scene.shown(name)]], "\(rows)")
    try scene.end()
  }

  /// A group in one of such a name is found as well.
  @Test func aGroupBelowIsNamed() throws {
    let name = Array("tcptool-test-\(getpid())-\u{7}".utf8) + [0xff]
    let outer = try ControlGroup(named: name)
    let inner = try ControlGroup(named: name + Array("/in".utf8))
    let listener = try Child(inner.command([try Tool.path, "listen", "--hold", "127.0.0.1", "0"]))
    let port = try announcedPort(of: listener)
    let done = try run([try Tool.path, "states", "--columns", "cgroup", "lport=\(port)"])
    #expect(done.outputText == "Cgroup\n/tcptool-test-\(getpid())-\\x07\\xff/in\n", "\(done)")
    try listener.signal(SIGTERM)
    _ = try listener.wait()
    withExtendedLifetime(outer) { withExtendedLifetime(inner) {} }
  }
}
