// The scripts that the built program prints, in the real shells, installed as the README says; the
// generators have deeper tests.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("tmux")) struct Completions {
  /// What the README has a person type to get the completions of a shell.
  private static func installation(of shell: String) throws -> String {
    let readme = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "README.md")
    let lines = try String(contentsOf: readme, encoding: .utf8).split(separator: "\n")
    let line = lines.first { $0.contains("--generate-completion-script \(shell)") }
    return String(try #require(line).replacing(#/ {2,}#.*/#, with: ""))
  }

  /// Starts a shell with the script, and checks what Tab makes of some lines.
  private func check(
    _ shell: String, command: [String], start: String, host: String = "localhost"
  ) throws {
    let home = try TemporaryDirectory()
    let start = start.replacing("INSTALL", with: try Self.installation(of: shell))
    try Data(start.utf8).write(to: URL(filePath: home.file("start")))
    for folder in ["bin", "functions", ".config/fish/completions"] {
      try FileManager.default.createDirectory(
        atPath: home.file(folder), withIntermediateDirectories: true)
    }
    try FileManager.default.createSymbolicLink(
      atPath: home.file("bin/tcptool"), withDestinationPath: Tool.path)
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    try Data("127.0.0.1 localhost\n".utf8).write(to: URL(filePath: home.file("hosts")))
    try FileManager.default.createDirectory(
      atPath: home.file(".ssh"), withIntermediateDirectories: true)
    try Data("known.example ssh-ed25519 AAAA\n".utf8).write(
      to: URL(filePath: home.file(".ssh/known_hosts")))
    let terminal = try Terminal(
      columns: 100, rows: 30, command: ["env", "-C", home.path] + command,
      environment: [
        "HOME": home.path, "HOSTFILE": home.file("hosts"), "PATH": "\(home.file("bin")):\(path)",
      ])
    try terminal.waitFor { !$0.allSatisfy(\.isWhitespace) }
    try terminal.type(" . ./start")
    try terminal.send("Enter")
    // A key pressed before the prompt could interrupt what the shell reads.
    try terminal.waitFor { $0.contains("READY>") }

    /// Types on an empty screen and presses Tab.
    func tab(_ line: String, _ condition: (String) -> Bool) throws {
      // Not Ctrl-C: its signal overtakes other keys, or comes late and takes the next line or Tab with it.
      var keys = ["C-u", "C-l"]
      let isEmpty = try eventually(every: .milliseconds(50)) {
        if try terminal.screen.split(whereSeparator: \.isWhitespace) == ["READY>"] { return true }
        try terminal.send(keys[0])
        keys.swapAt(0, 1)
        return false
      }
      let seen = try terminal.screen
      try #require(isEmpty, "\(seen)")
      try terminal.type(line)
      try terminal.waitFor { $0.contains("READY> " + line.words) }
      try terminal.send("Tab")
      try terminal.waitFor(condition)
    }
    try tab("tcptool ") { screen in
      let list = screen.split(separator: "\n").dropFirst().joined(separator: " ")
        .split(whereSeparator: \.isWhitespace).map(String.init)
      return subcommands.allSatisfy { list.contains($0) }
    }
    try tab("tcptool states --state SYN_RECV,") { screen in
      ["SYN_SENT", "LISTEN", "TIME_WAIT"].allSatisfy { screen.contains($0) }
    }
    // The language of the filter: its words, and the values of one of them.
    try tab("tcptool states ") { screen in
      ["port=", "state=", "process=", "listening", "pending"].allSatisfy { screen.contains($0) }
    }
    try tab("tcptool states pend") { $0.contains("READY> tcptool states pending") }
    try tab("tcptool states not recv") { $0.contains(#"READY> tcptool states not recvq\>"#) }
    try tab("tcptool states state=") { screen in
      ["SYN_SENT", "LISTEN", "connected"].allSatisfy { screen.contains($0) }
    }
    try tab("tcptool states :80 state=LISTEN,TIME") {
      $0.contains("READY> tcptool states :80 state=LISTEN,TIME_WAIT")
    }
    // Values that are no closed set: the other direction, names with a sign behind, what the kernel has.
    try tab("tcptool states --sort=-rttv") { $0.contains("READY> tcptool states --sort=-rttvar") }
    try tab("tcptool backlog-test --set ") { screen in
      ["somaxconn=", "tcp_syncookies=", "tcp_abort_on_overflow="].allSatisfy { screen.contains($0) }
    }
    try tab("tcptool backlog-test --expect eff") {
      $0.contains("READY> tcptool backlog-test --expect effective=")
    }
    try tab("tcptool send --pattern ") { screen in
      ["zero", "counter", "random", "random:"].allSatisfy { screen.contains($0) }
    }
    try tab("tcptool recv --verify=coun") { $0.contains("READY> tcptool recv --verify=counter") }
    try tab("tcptool connect --dscp ") { screen in
      ["ef", "cs7", "af41"].allSatisfy { screen.contains($0) }
    }
    let algorithms = try String(
      contentsOfFile: "/proc/sys/net/ipv4/tcp_available_congestion_control", encoding: .utf8
    ).split(whereSeparator: \.isWhitespace)
    try tab("tcptool listen --congestion ") { screen in
      algorithms.allSatisfy { screen.contains($0) }
    }
    try tab("tcptool connect --interface=") { $0.contains("lo") }
    try tab("tcptool connect \(host.dropLast(3))") {
      $0.contains("READY> tcptool connect \(host)")
    }
  }

  @Test(.requires("bash")) func bash() throws {
    try check(
      "bash", command: ["bash", "--norc", "--noprofile", "-i"],
      start: """
        PS1='READY> '
        bind 'set show-all-if-ambiguous on'
        bind 'set page-completions off'
        INSTALL
        """)
  }

  @Test(.requires("zsh")) func zsh() throws {
    try check(
      "zsh", command: ["zsh", "-f"],
      start: """
        PROMPT='READY> '
        unsetopt beep
        fpath=(~/functions $fpath)
        INSTALL
        autoload -Uz compinit
        compinit -D -u
        """)
  }

  /// fish leaves this host's own names out of its list of hosts.
  @Test(.requires("fish")) func fish() throws {
    try check(
      "fish", command: ["fish"],
      start: """
        function fish_prompt; printf 'READY> '; end
        function fish_right_prompt; end
        set -g fish_autosuggestion_enabled 0
        INSTALL
        """, host: "known.example")
  }
}
