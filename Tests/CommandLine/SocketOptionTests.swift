// Socket options by the words of the command line: what is in force, what is told, what is refused.

import Foundation
import TestSupport
import Testing

@Suite(.waits) struct SocketOptions {
  struct Row: Sendable, CustomTestStringConvertible {
    var words: [String]
    /// What is told with --verbose, line by line.
    var told: [String]
    var testDescription: String { words.joined(separator: " ") }

    init(_ words: String..., tells told: String...) { (self.words, self.told) = (words, told) }
  }

  private static let good = [
    Row("--nodelay", tells: "TCP_NODELAY: 1, as asked for"),
    Row(
      "--rcvbuf", "32K",
      tells:
        "SO_RCVBUF: 32768 asked for, 65536 in force (doubled, for the kernel's own bookkeeping)"
    ),
    Row(
      "--sndbuf=30KB",
      tells:
        "SO_SNDBUF: 30000 asked for, 60000 in force (doubled, for the kernel's own bookkeeping)"
    ),
    Row(
      "--keepalive", "60", tells: "SO_KEEPALIVE: 1, as asked for", "TCP_KEEPIDLE: 60, as asked for"),
    Row(
      "--keepalive", "2m,10s,5", tells: "SO_KEEPALIVE: 1, as asked for",
      "TCP_KEEPIDLE: 120, as asked for", "TCP_KEEPINTVL: 10, as asked for",
      "TCP_KEEPCNT: 5, as asked for"),
    Row("--mss", "1000", tells: "TCP_MAXSEG: 1000, as asked for"),
    Row("--ttl", "33", tells: "IP_TTL: 33, as asked for"),
    Row("--dscp", "10", tells: "IP_TOS: 40, as asked for"),
    Row("--dscp", "ef", tells: "IP_TOS: 184, as asked for"),
    Row("--dscp", "CS1", tells: "IP_TOS: 32, as asked for"),
    Row("--dscp", "af41", tells: "IP_TOS: 136, as asked for"),
    Row("--dscp", "va", tells: "IP_TOS: 176, as asked for"),
    Row("--congestion", "reno", tells: "TCP_CONGESTION: reno, as asked for"),
    Row("--user-timeout", "1.5s", tells: "TCP_USER_TIMEOUT: 1500, as asked for"),
    Row("--notsent-lowat", "16K", tells: "TCP_NOTSENT_LOWAT: 16384, as asked for"),
  ]

  private static let goodForListeners = [
    Row("--reuse-port", tells: "SO_REUSEPORT: 1, as asked for"),
    Row("--defer-accept", "7s", tells: "TCP_DEFER_ACCEPT: 7, as asked for"),
    Row(
      "--defer-accept", "4s",
      tells:
        "TCP_DEFER_ACCEPT: 4 asked for, 7 in force (the kernel counts in retransmissions of the SYN-ACK)"
    ),
    Row("--fast-open", "5", tells: "TCP_FASTOPEN: 5, as asked for"),
  ]

  @Test(arguments: ["listen", "recv"], good + goodForListeners)
  func ofAListener(_ subcommand: String, _ row: Row) throws {
    let child = try start(
      #"exec "$@""#, [subcommand, "-v"] + row.words + ["127.0.0.1", "0"])
    try child.waitForLine(containing: "listening on ")
    let lines = String(decoding: child.standardError, as: UTF8.self).split(separator: "\n")
      // Whether Fast Open has an effect is this host's setting.
      .filter { !$0.contains("without effect") && !$0.hasPrefix("listening on ") }
    #expect(lines.map(String.init) == row.told)
  }

  @Test(arguments: ["connect", "send"], good)
  func ofAClient(_ subcommand: String, _ row: Row) throws {
    let port = try unusedPort()
    let receiver = try start(#"exec "$@""#, ["recv", "127.0.0.1", "\(port)"])
    try waitUntilListening(port: port)
    let done = try tcptool([subcommand, "-v"] + row.words + ["127.0.0.1", "\(port)"])
    #expect(done.outcome == .exited(0))
    #expect(try receiver.wait().outcome == .exited(0))
    let lines = done.errorText.split(separator: "\n").map(String.init)
    #expect(Array(lines.prefix(row.told.count)) == row.told)
  }

  /// What is in force as asked for is told only to those who want to know it.
  @Test func onlyDifferencesAreToldUnasked() throws {
    let child = try start(
      #"exec "$@""#, ["listen", "--ttl", "33", "--rcvbuf", "32K", "127.0.0.1", "0"])
    try child.waitForLine(containing: "listening on ")
    let text = String(decoding: child.standardError, as: UTF8.self)
    #expect(!text.contains("IP_TTL"))
    #expect(text.contains("SO_RCVBUF: 32768 asked for, 65536 in force"))
  }

  @Test(arguments: [
    ["--rcvbuf", "-1"], ["--rcvbuf", "2G"], ["--sndbuf", "many"], ["--keepalive", "0"],
    ["--keepalive", "1.5s"], ["--keepalive", "60,"], ["--keepalive", "60,10,0"],
    ["--keepalive", "60,10,5,1"], ["--mss", "0"], ["--mss", "65536"], ["--ttl", "0"],
    ["--ttl", "256"], ["--dscp", "64"], ["--dscp", "af44"], ["--dscp", "af51"], ["--dscp", "cs8"],
    ["--dscp", "af4"], ["--dscp", ""], ["--congestion", ""], ["--congestion", "sixteen_bytes_16"],
    ["--user-timeout", "0"], ["--user-timeout", "1us"], ["--user-timeout", "1000h"],
    ["--notsent-lowat", "3G"], ["--mark", "4294967296"], ["--mark", "0x"], ["--mark", "-1"],
  ])
  func badValuesAreUsageErrors(_ words: [String]) throws {
    for subcommand in ["listen", "connect", "send", "recv"] {
      let done = try tcptool([subcommand] + words + ["127.0.0.1", "1"])
      #expect(done.outcome == .exited(64))
      #expect(
        done.errorText.hasPrefix("Error: The value '\(words[1])' is invalid for '\(words[0])"))
    }
  }

  @Test(arguments: [
    ["--defer-accept", "0"], ["--defer-accept", "10ms"], ["--fast-open", "0"],
    ["--fast-open", "2147483648"],
  ])
  func badValuesOfListenersAreUsageErrors(_ words: [String]) throws {
    for subcommand in ["listen", "recv"] {
      #expect(try tcptool([subcommand] + words + ["127.0.0.1", "1"]).outcome == .exited(64))
    }
    let done = try tcptool(["connect"] + words + ["127.0.0.1", "1"])
    #expect(done.outcome == .exited(64))
    #expect(done.errorText.contains("Unknown option '\(words[0])'"))
  }

  /// What only a listening socket has needs one.
  @Test func anOptionOfListenersNeedsToListenWithSend() throws {
    let words = ["send", "--fast-open", "5", "127.0.0.1", "1"]
    let done = try tcptool(words)
    #expect(done.outcome == .exited(64))
    #expect(done.errorText.contains("The option '--fast-open' needs '--listen'"))
  }

  @Test(arguments: ["listen", "connect", "send", "recv"])
  func whatTheKernelRefusesIsAFailureOfThisEnd(_ subcommand: String) throws {
    let port = try unusedPort()
    for (words, message) in [
      (
        ["--congestion", "nosuch"],
        """
        setsockopt TCP_CONGESTION nosuch: no such file or directory (ENOENT); \
        net.ipv4.tcp_available_congestion_control lists what this kernel has loaded
        """
      ),
      (
        ["--mss", "10"],
        "setsockopt TCP_MAXSEG 10: invalid argument (EINVAL); the kernel takes 88 to 32767"
      ),
      (
        ["--keepalive", "60,10,1000"],
        "setsockopt TCP_KEEPCNT 1000: invalid argument (EINVAL); the kernel takes 1 to 127"
      ),
    ] {
      let done = try tcptool([subcommand, "-q"] + words + ["127.0.0.1", "\(port)"])
      #expect(done.outcome == .exited(15))
      #expect(done.errorText == "Error: \(message)\n")
    }
  }

  /// Without the privilege the mark is refused, which is no prohibition on the way.
  @Test func aMarkNeedsPrivilege() throws {
    let port = try unusedPort()
    let words = ["--mark", "0x10", "127.0.0.1", "\(port)"]
    guard geteuid() == 0 else {
      let done = try tcptool(["connect"] + words)
      #expect(done.outcome == .exited(15))
      #expect(done.errorText.contains("setsockopt SO_MARK 16: operation not permitted (EPERM); it"))
      return
    }
    let child = try start(#"exec "$@""#, ["listen", "-v"] + words)
    try child.waitForLine(containing: "SO_MARK: 16, as asked for")
  }

  @Test func twoListenersShareAPort() throws {
    let port = try unusedPort()
    let words = ["listen", "--reuse-port", "127.0.0.1", "\(port)"]
    let first = try start(#"exec "$@""#, words)
    try first.waitForLine(containing: "listening on ")
    let second = try start(#"exec "$@""#, words)
    try second.waitForLine(containing: "listening on ")
    #expect(first.isRunning)
  }
}
