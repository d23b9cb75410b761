// Names that somebody else chose (of network namespaces, services, files, and in captures) are shown as
// what they are, as those of processes are.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .timeLimit(.minutes(5))) struct UntrustedNames {
  // MARK: Services and network namespaces

  @Test(.requiresPrivateNetwork)
  func aServiceOfAnyName() throws {
    let directory = try TemporaryDirectory(
      files: ["services": "\u{1b}]0;x\u{7}\u{1b}[31mevil\u{202e}\",\u{85} 7777/tcp\n"])
    let network = try PrivateNetwork(
      mounts: true, setUp: ["mount --bind \(directory.file("services")) /etc/services"])
    for words in [[], ["--json"]] {
      let done = try run(
        network.command([try Tool.path, "connect", "--probe", "7777"] + words + ["127.0.0.1"]))
      #expect(done.outcome == .exited(11), "\(done)")
      expectHarmless(done.output)
      expectHarmless(done.error)
      #expect(done.outputText.contains("evil"), "\(done)")
    }
  }

  @Test(.requiresPrivateNetwork)
  func aNamespaceOfAnyName() throws {
    let directory = try TemporaryDirectory()
    let name = "\u{1b}]0;x\u{7}\u{1b}[31m a\nb\u{202e}\",\""
    let network = try PrivateNetwork(
      mounts: true,
      setUp: [
        "mkdir -p /run/netns", "mount -t tmpfs tmpfs /run/netns", ": >'/run/netns/\(name)'",
        "mount --bind /proc/self/ns/net '/run/netns/\(name)'",
      ])
    let listener = try tcptool("listen", "--hold", "127.0.0.1", "0", in: network)
    let port = try announcedPort(of: listener)
    let words = [try Tool.path, "states", "--all-netns", "--columns", "state,local,netns_name"]
    let table = try run(network.command(words + [":\(port)"]))
    #expect(table.outcome == .exited(0), "\(table)")
    expectHarmless(table.output)
    expectHarmless(table.error)
    // Sockets of this port may be in other namespaces too.
    let rows = table.outputText.split(separator: "\n").filter { $0.contains(#"\x1b]0;x"#) }
    #expect(
      rows.count == 1 && rows[0].hasSuffix(##"\x1b]0;x\x07\x1b[31m a\nb\u{202e}",""##), "\(table)")
    let objects = try run(network.command(words + [":\(port)", "--json"]))
    expectHarmless(objects.output)
    let names = try objects.outputText.split(separator: "\n").map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
      return try #require(object as? [String: Any])["netns_name"] as? String
    }
    #expect(names.count { $0 == name } == 1, "\(objects)")
    let save = directory.file("capture")
    let saved = try run(
      network.command([try Tool.path, "states", "--all-netns", "--save", save, ":\(port)"]))
    #expect(saved.outcome == .exited(0), "\(saved)")
    for view in [[], ["--by", "netns"], ["--listeners"], ["--csv"]] {
      let shown = try run([try Tool.path, "states", "--from", save] + view)
      #expect(shown.outcome == .exited(0), "\(view): \(shown)")
      expectHarmless(shown.output)
      expectHarmless(shown.error)
    }
  }

  /// A name that is not UTF-8, of a namespace that is found and entered by nothing else.
  @Test(.requiresPrivateNetwork)
  func aNamespaceWhoseNameIsNotUTF8() throws {
    let path = #""/run/netns/$(printf '\377\033[31m')""#
    let network = try PrivateNetwork(
      mounts: true,
      setUp: [
        "mkdir -p /run/netns", "mount -t tmpfs tmpfs /run/netns", ": >\(path)",
        "unshare -n mount --bind /proc/self/ns/net \(path)",
        "nsenter --net=\(path) ip link set lo up",
      ])
    let save = try run(network.command([try Tool.path, "states", "--all-netns", "--save", "-"]))
    #expect(!save.errorText.contains("not entered"), "\(save)")
    let records = try save.outputText.split(separator: "\n").compactMap {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    let record = try #require(
      records.first { $0["netns_name"] as? String == "\u{fffd}\u{1b}[31m" }, "\(save)")
    let settings = record["settings"] as? [String: Any]
    #expect(settings?["somaxconn"] is Int, "\(record)")

    let listener = try Child(
      network.command([
        "sh", "-c", "exec nsenter --net=\(path) \(try Tool.path) listen --hold 127.0.0.1 0",
      ]))
    let port = try announcedPort(of: listener)
    for view in [[], ["--csv"], ["--listeners"], ["--listeners", "--csv"], ["--by", "netns"]] {
      let done = try run(
        network.command([try Tool.path, "states", "--all-netns", "lport=\(port)"] + view))
      #expect(done.outcome == .exited(0), "\(view): \(done)")
      expectHarmless(done.output)
      #expect(done.outputText.contains(#"\xff\x1b[31m"#), "\(view): \(done)")
    }
  }

  // MARK: Captures

  /// Every text of a capture may be anything.
  @Test(arguments: [
    ["--cgroup", "--info"], ["--listeners"], ["--csv", "--cgroup", "--info"],
    ["--json", "--cgroup", "--info"], ["--by", "process"], ["--explain"],
  ])
  func aCaptureOfAnyWords(_ view: [String]) throws {
    let directory = try TemporaryDirectory()
    let text = #"\u001b]0;x\u0007\u001b[31m\u009b2J\u202e\n# EOF\r\",\"evil"#
    let row = """
      {"schema":"tcptool/1","record":"socket","family":"ipv4","state":"LISTEN","recv_queue":1,\
      "send_queue":null,"backlog":8,"ipv6_only":null,"local":{"address":"127.0.0.1","port":80},\
      "peer":{"address":"0.0.0.0","port":0},"timer":{"kind":null,"expires_ms":null,\
      "retransmits":0},"uid":0,"inode":7,"cookie":7,"interface":0,"netns":5,\
      "netns_name":"\(text)","memory":null,"info":null,"congestion_control":"\(text)",\
      "cgroup":"/\(text)","role":"listener","listener_processes":null,\
      "processes":[{"pid":9,"name":"\(text)","fd":3}]}

      """
    try Data(row.utf8).write(to: URL(filePath: directory.file("rows")))
    let words = ["states", "--process", "--from", directory.file("rows")]
    let shown = try run([try Tool.path] + words + view)
    #expect(shown.outcome == .exited(0), "\(shown)")
    expectHarmless(shown.output)
    expectHarmless(shown.error)
    #expect(shown.outputText.contains("evil"), "\(shown)")
  }

  /// What cannot be read is not quoted as it is.
  @Test(arguments: [
    "\u{1b}]0;x\u{7}\u{1b}[31m\u{202e}", "{\"\u{1b}[31m\":\u{9b}", "{\"state\":\"\u{1b}[31m\"}",
    #"{"schema":"tcptool/1","record":"\u001b[31m"}"#,
    #"{"schema":"tcptool/1","record":"socket","family":"\u001b[31m","state":"\u009b2J"}"#,
    #"{"schema":"tcptool/9\u001b[31m","record":"capture","kernel":"\u001b[31m"}"#,
  ])
  func whatIsNoCapture(_ text: String) throws {
    let directory = try TemporaryDirectory()
    try Data((text + "\n").utf8).write(to: URL(filePath: directory.file("rows")))
    let shown = try run([try Tool.path, "states", "--from", directory.file("rows")])
    #expect(shown.outcome != .exited(0), "\(shown)")
    expectHarmless(shown.output)
    expectHarmless(shown.error)
  }

  // MARK: Files and hosts

  /// A line break in a name makes no second line, in which anything could be said.
  @Test(arguments: ["\n", "\r", "\u{1b}[2K", "\u{85}", "\u{2028}", "\u{202e}"])
  func anErrorQuotesNamesInOneLine(_ part: String) throws {
    let directory = try TemporaryDirectory()
    let name = "a\(part)Error evil"
    let file = directory.file(name)
    for words in [
      ["send", "127.0.0.1", "1", file], ["recv", "--output", file + "/b", "127.0.0.1", "0"],
      ["listen", "--hex-dump", file + "/b", "127.0.0.1", "0"], ["connect", name, "80"],
      ["connect", "127.0.0.1", name], ["send", "--log", file + "/b", "127.0.0.1", "1"],
      ["states", "--from", file], ["states", "--netns", name], ["states", "--diff", file],
      ["send", "--svg", file + "/b", "127.0.0.1", "1"],
      ["connect", "--count", "1", "--svg", file + "/b", "127.0.0.1", "1"],
      ["recv", "--keep-open", "--output", "%x" + name, "127.0.0.1", "0"],
      ["backlog-test", "--svg", file + "/b"], [name], ["send", "--" + name],
    ] {
      let done = try run([try Tool.path] + words)
      expectHarmless(done.error)
      #expect(
        done.errorText.split(separator: "\n").count { $0.hasPrefix("Error") } == 1
          && done.errorText.contains("evil"), "\(words): \(done)")
    }
  }

  /// Told in one line also where all is well, and written as sha256sum(1) writes it.
  @Test(.requires("sha256sum")) func aFileOfAnyName() throws {
    let directory = try TemporaryDirectory()
    let name = "\u{1b}[31ma\nb\\\u{202e}"
    let file = directory.file(name)
    let receiver = try tcptool(
      "recv", "--max-connections", "1", "--verbose", "--digest", "sha256",
      "--output", file + "%n", "127.0.0.1", "0")
    let sender = try tcptool(
      "send", "127.0.0.1", "\(try announcedPort(of: receiver))", input: .text("text"))
    #expect(try sender.wait().outcome == .exited(0))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received)")
    expectHarmless(received.error)
    let sum = try run(["sha256sum", file + "1"]).outputText
    // sha256sum itself leaves what a terminal obeys.
    let shown = sum.replacing("\u{1b}", with: "\\x1b").replacing("\u{202e}", with: "\\u{202e}")
    #expect(received.errorText.contains(shown), "\(received.errorText)")
  }
}
