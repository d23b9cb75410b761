// The completion scripts in the real shells: what a person who presses Tab sees.

import CommandSpec
import Foundation
import TestSupport
import Testing

/// A line that is typed, what must then be on the screen, and what must not.
struct Tab {
  var line: String
  var shows: [String]
  var hides: [String] = []
}

/// What holds in every shell.
private let common: [Tab] = [
  Tab(
    line: "nasty ", shows: ["listen", "send", "states", "many", "serve", "help"],
    hides: ["--version", "plain.txt"]),
  Tab(line: "nasty lis", shows: ["> nasty listen"]),
  Tab(line: "nasty help st", shows: ["> nasty help states"]),
  Tab(line: "nasty --ver", shows: ["> nasty --version"]),
  Tab(line: "nasty --generate-completion-script ", shows: ["bash", "zsh", "fish"]),
  Tab(line: "nasty listen --bac", shows: ["> nasty listen --backlog"]),
  Tab(
    line: "nasty listen --", shows: ["--backlog", "--keep-open", "--odd", "--help", "--version"],
    hides: ["--quiet", "--generate"]),
  Tab(line: "nasty send --", shows: ["--quiet", "--help"], hides: ["--backlog"]),
  Tab(
    line: "nasty listen --backlog 1 -k --", shows: ["--format", "--tag"],
    hides: ["--keep-open", " --backlog\n", "Length"]),
  Tab(line: "nasty listen --tag a --ta", shows: ["> nasty listen --tag a --tag"]),
  Tab(line: "nasty listen --format ", shows: ["text", "json"], hides: ["plain.txt", "localhost"]),
  Tab(line: "nasty listen --format j", shows: ["> nasty listen --format json"]),
  Tab(line: "nasty listen --format=j", shows: ["> nasty listen --format=json"]),
  Tab(line: "nasty listen -f te", shows: ["> nasty listen -f text"]),
  Tab(line: "nasty listen -kf te", shows: ["> nasty listen -kf text"]),
  Tab(line: "nasty listen --states ", shows: ["LISTEN", "ESTAB", "TIME-WAIT"]),
  Tab(line: "nasty listen --states ESTAB,TI", shows: ["> nasty listen --states ESTAB,TIME-WAIT"]),
  Tab(line: "nasty listen --states=LISTEN,E", shows: ["> nasty listen --states=LISTEN,ESTAB"]),
  // The third element can only be the one that is not there yet.
  Tab(
    line: "nasty listen --states LISTEN,ESTAB,",
    shows: ["> nasty listen --states LISTEN,ESTAB,TIME-WAIT"]),
  Tab(line: "nasty listen --output pla", shows: ["> nasty listen --output plain.txt"]),
  Tab(line: "nasty listen --output=pla", shows: ["> nasty listen --output=plain.txt"]),
  Tab(line: "nasty listen --output some", shows: [#"> nasty listen --output some\ file.txt"#]),
  Tab(line: "nasty listen --peer localho", shows: ["> nasty listen --peer localhost"]),
  Tab(line: "nasty send know", shows: ["> nasty send known.example"]),
  Tab(line: "nasty send brack", shows: ["> nasty send bracket.example"], hides: ["2222"]),
  Tab(line: "nasty send known.example domai", shows: ["> nasty send known.example domain"]),
  Tab(line: "nasty send -q known.example domai", shows: ["> nasty send -q known.example domain"]),
  Tab(line: "nasty send a:1:b 80 pla", shows: ["> nasty send a:1:b 80 plain.txt"]),
  Tab(line: "nasty listen --service domai", shows: ["> nasty listen --service domain"]),
  // The first operand of listen is a host, or else the port.
  Tab(line: "nasty listen domai", shows: ["> nasty listen domain"]),
  Tab(
    line: "nasty listen brack", shows: ["> nasty listen bracket.example"], hides: ["bad option"]),
  Tab(line: "nasty listen -b 5 --keep-open h domai", shows: ["keep-open h domain"]),
  Tab(line: "nasty listen -4 h domai", shows: ["> nasty listen -4 h domain"]),
  Tab(line: "nasty listen --backlog -1 h domai", shows: ["-1 h domain"]),
  // A value is attached or not there: what follows is an operand.
  Tab(line: "nasty serve --queu", shows: ["> nasty serve --queues"]),
  Tab(line: "nasty serve --queues domai", shows: ["> nasty serve --queues domain"]),
  Tab(line: "nasty serve --format domai", shows: ["> nasty serve --format domain"]),
  Tab(line: "nasty serve -kf domai", shows: ["> nasty serve -kf domain"]),
  Tab(line: "nasty serve -q1s domai", shows: ["> nasty serve -q1s domain"]),
  Tab(line: "nasty serve --format=js", shows: ["> nasty serve --format=json"]),
  Tab(line: "nasty serve --queues=1s --format=js", shows: ["--queues=1s --format=json"]),
  Tab(line: "nasty serve 80 -q -", shows: ["--keep"], hides: ["queues"]),
  // A command, then files, and no option or operand of ours.
  Tab(line: "nasty serve 80 --exec nasty_comma", shows: ["--exec nasty_command"]),
  Tab(line: "nasty serve 80 --exec=nasty_comma", shows: ["--exec=nasty_command"]),
  Tab(line: "nasty serve 80 -ke nasty_comma", shows: ["-ke nasty_command"]),
  Tab(line: "nasty serve 80 --exec nasty_command pla", shows: ["nasty_command plain.txt"]),
  Tab(line: "nasty serve 80 --exec=nasty_command pla", shows: ["nasty_command plain.txt"]),
  Tab(line: "nasty serve 80 -enasty_command pla", shows: ["nasty_command plain.txt"]),
  Tab(line: "nasty serve 80 -ke nasty_command a pla", shows: ["nasty_command a plain.txt"]),
  Tab(line: "nasty serve --exec nasty_command domai", shows: ["command domai"], hides: ["domain"]),
  Tab(
    line: "nasty serve 80 --exec nasty_command --k", shows: ["command --k"], hides: ["--keep"]),
  Tab(line: "nasty states a b c domai", shows: ["> nasty states a b c domain"]),
  // Words beside which others may do; what begins with a dash has to be attached.
  Tab(line: "nasty states --order ", shows: ["name", "time"], hides: ["-name"]),
  Tab(line: "nasty states --order=ti", shows: ["> nasty states --order=time"]),
  Tab(line: "nasty states --order=-", shows: ["-name", "-time"]),
  Tab(line: "nasty states --order=-ti", shows: ["> nasty states --order=-time"]),
  Tab(line: "nasty states --scheme ", shows: ["plain", "seed", "seed:", "level=", "share"]),
  Tab(line: "nasty states --scheme pl", shows: ["> nasty states --scheme plain"]),
  Tab(line: "nasty states --scheme seed", shows: ["seed:"]),
  Tab(line: "nasty states -s sh", shows: [#"> nasty states -s share\>="#]),
  Tab(line: "nasty states --scheme=lev", shows: ["> nasty states --scheme=level="]),
  Tab(line: "nasty states --scheme level=", shows: ["low", "high"], hides: ["plain"]),
  Tab(line: "nasty states --scheme=level=hi", shows: ["> nasty states --scheme=level=high"]),
  // What is there when somebody asks: words of a file, names in a folder.
  Tab(line: "nasty states --member ", shows: ["first", "second", "third"]),
  Tab(line: "nasty states --member=sec", shows: ["> nasty states --member=second"]),
  Tab(line: "nasty states --entry ", shows: ["> nasty states --entry nasty_command"]),
  Tab(line: "nasty states --entry bin/n", shows: ["> nasty states --entry bin/nasty_command"]),
  Tab(line: "nasty states --entry=bin/n", shows: ["> nasty states --entry=bin/nasty_command"]),
  Tab(line: "nasty states --nothing a", shows: ["> nasty states --nothing a"]),
]

/// Types each line into a shell, presses Tab, and looks at the screen.
private func check(
  _ shell: Shell, _ command: String, start: String, _ tabs: [Tab], extra: [String: String] = [:]
) throws {
  let folder = try TemporaryDirectory(
    files: [
      "script": table.completionScript(shell), "start": start, "plain.txt": "",
      "some file.txt": "", "bin/nasty_command": "", "members": "first second\n\nthird\n",
      "hosts": "192.0.2.1 localhost fixture.example # comment.example\n#x y\n",
      ".ssh/known_hosts": """
      known.example,192.0.2.9 ssh-ed25519 AAAA
      # comment.example ssh-ed25519 AAAA
      [bracket.example]:2222 ssh-ed25519 AAAA
      |1|hashed|hashed= ssh-ed25519 AAAA

      """,
    ].merging(extra) { $1 })
  try FileManager.default.setAttributes(
    [.posixPermissions: 0o755], ofItemAtPath: folder.file("bin/nasty_command"))
  let terminal = try Terminal(
    columns: 100, rows: 30,
    command: ["env", "-C", folder.path, "-i"]
      + ["PATH=\(environment("PATH")):\(folder.path)/bin", "TERM=\(environment("TERM"))"]
      + ["HOME=\(folder.path)", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "HOSTFILE=hosts"]
      + command.split(separator: " ").map(String.init))
  // Typed only when the shell reads, or it might be echoed twice.
  try terminal.waitFor { !$0.allSatisfy(\.isWhitespace) }
  try terminal.type(" . ./start")
  try terminal.send("Enter")
  // Keys that come before the prompt might be lost.
  try terminal.waitFor { $0.trimmed.hasSuffix("READY>") }
  for tab in tabs {
    for key in ["C-e", "C-u", "C-l"] { try terminal.send(key) }
    try terminal.waitFor { $0.trimmed == "READY>" }
    try terminal.type(tab.line)
    try terminal.waitFor { $0.trimmed.hasSuffix(tab.line.trimmed) }
    try terminal.send("Tab")
    var screen = ""
    _ = try eventually(every: .milliseconds(20)) {
      screen = try terminal.screen
      return tab.shows.allSatisfy { screen.contains($0) }
    }
    let list = screen.split(separator: "\n").dropFirst().joined(separator: "\n") + "\n"
    let missing = tab.shows.filter { !screen.contains($0) }
    let extra = tab.hides.filter { list.contains($0) }
    #expect(missing == [] && extra == [], "\(tab.line)<Tab>\n\(screen.trimmed)")
  }
}

private func environment(_ name: String) -> String {
  // The terminal's own, which env would otherwise take away.
  name == "TERM" ? "screen-256color" : ProcessInfo.processInfo.environment[name] ?? ""
}

extension String {
  fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}

@Suite struct Completion {
  private static let bashStart = """
    PS1='READY> '
    unset HISTFILE
    bind 'set show-all-if-ambiguous on'
    bind 'set page-completions off'
    bind 'set completion-query-items 0'
    . ./script
    """
  private static let bashTabs = [
    Tab(line: "nasty listen --odd ", shows: [#"a\ b"#, #"it\'s"#, #"\$\(rm\)"#, "plain"]),
    Tab(line: #"nasty listen --odd a\"#, shows: [#"> nasty listen --odd a\ b"#]),
    Tab(line: "nasty send fix", shows: ["> nasty send fixture.example"]),
    Tab(line: "nasty send comme", shows: ["> nasty send comme"], hides: ["comment"]),
  ]

  @Test(.requires("tmux", "bash"), .timeLimit(.minutes(3)))
  func bash() throws {
    try check(
      .bash, "bash --norc --noprofile -i", start: Self.bashStart, common + Self.bashTabs)
  }

  @Test(
    .requires("tmux", "bash"), .timeLimit(.minutes(3)),
    arguments: [
      ". /usr/share/bash-completion/bash_completion", "COMP_WORDBREAKS=${COMP_WORDBREAKS//:}",
      "COMP_WORDBREAKS=${COMP_WORDBREAKS//=}", "COMP_WORDBREAKS=${COMP_WORDBREAKS//[:=]}",
    ])
  func bashWithOtherBreaks(setting: String) throws {
    let words = ["=", ":", "-kf", "output"]
    let tabs = common.filter { tab in words.contains { tab.line.contains($0) } }
    try #require(tabs.count > 5)
    try check(
      .bash, "bash --norc --noprofile -i", start: setting + "\n" + Self.bashStart,
      tabs + [Tab(line: "nasty send six::o", shows: ["> nasty send six::one"])],
      extra: ["hosts": "2001:db8::1 six::one localhost\n"])
  }

  @Test(.requires("tmux", "zsh"), .timeLimit(.minutes(3)))
  func zsh() throws {
    try check(
      .zsh, "zsh -f",
      start: """
        PROMPT='READY> '
        unsetopt beep
        autoload -Uz compinit
        compinit -D -u
        . ./script
        """,
      common + [
        Tab(line: "nasty listen --odd ", shows: ["a\\ b", "it\\'s", #"\$\(rm\)"#, #"c:d\[e\]"#]),
        Tab(line: "nasty ", shows: [#"Send: [a] "file" it's `here` $(rm) \back."#]),
        Tab(
          line: "nasty listen --",
          shows: [#"Fl 'one' "two" \back\ $(rm -rf x) `id` [a]:b {c} %d 100% ~ ^ é日本"#]),
        Tab(line: "nasty listen --states ", shows: ["LISTEN", "ESTAB", "TIME-WAIT"]),
      ])
  }

  @Test(.requires("tmux", "fish"), .timeLimit(.minutes(3)))
  func fish() throws {
    try check(
      .fish, "fish --no-config",
      start: """
        function fish_prompt; printf 'READY> '; end
        function fish_right_prompt; end
        set -g fish_autosuggestion_enabled 0
        set -g fish_history ""
        . ./script
        """,
      common + [
        Tab(line: "nasty listen --odd ", shows: ["a b", "it's", "$(rm)", "c:d[e]"]),
        Tab(line: "nasty ", shows: [#"Send: [a] "file" it's `here` $(rm) \back."#]),
        Tab(line: "nasty listen --od", shows: ["> nasty listen --odd"]),
        Tab(line: "nasty send known.example doma", shows: ["53"]),
      ])
  }

  @Test(.requires("bash", "shellcheck"))
  func bashScriptHasNoFaults() throws {
    let folder = try TemporaryDirectory(files: ["script": table.completionScript(.bash)])
    for words in [["shellcheck", "script"], ["bash", "-n", "script"]] {
      let done = try run(words, directory: folder.path)
      #expect(done.outputText + done.errorText == "")
      #expect(done.outcome == .exited(0))
    }
  }

  @Test(.requires("zsh", "fish"))
  func theOtherScriptsParse() throws {
    for (shell, words) in [(Shell.zsh, ["zsh", "-n"]), (.fish, ["fish", "--no-execute"])] {
      let folder = try TemporaryDirectory(files: ["script": table.completionScript(shell)])
      let done = try run(words + ["script"], directory: folder.path)
      #expect(done.outputText + done.errorText == "")
      #expect(done.outcome == .exited(0))
    }
  }
}
