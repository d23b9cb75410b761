// The manual pages: no fault in the source, and every text as it was written in what a person reads.

import CommandSpec
import Foundation
import TestSupport
import Testing

@Suite struct Manual {
  private static let pages: [String?] = [nil, "listen", "send", "states", "many", "serve"]

  @Test(.requires("mandoc"), arguments: pages)
  func mandocFindsNoFault(page: String?) throws {
    let folder = try TemporaryDirectory(files: ["page.1": table.manual(page)])
    let done = try run(
      ["mandoc", "-T", "lint", "-W", "style", "page.1"], directory: folder.path)
    // Whether the other pages are installed is not the page's fault.
    let faults = (done.outputText + done.errorText).split(separator: "\n").filter {
      !$0.contains("referenced manual not found") && !$0.contains("outdated mandoc.db")
    }
    #expect(faults == [])
  }

  @Test func aLanguageHasASectionOfItsOwn() {
    #expect(
      table.manual("states").contains(
        """
        .Sh "\\&FILTER FORMS"
        .Bl -tag -width Ds
        .It Li \\&port=80
        The port of either end.
        .It Li "\\&src .1"
        """))
  }

  @Test(.requires("mandoc"))
  func mandocShowsEveryText() throws {
    try checkTexts { name in ["mandoc", "-T", "utf8", name] }
  }

  @Test(.requires("man"))
  func manShowsEveryText() throws {
    try checkTexts { name in ["man", "-l", name] }
  }

  private func checkTexts(with viewer: (String) -> [String]) throws {
    let folder = try TemporaryDirectory(files: [
      "tool.1": table.manual(nil), "listen.1": table.manual("listen"),
      "serve.1": table.manual("serve"),
    ])
    func read(_ name: String) throws -> String {
      let environment = ["MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""]
      let done = try run(viewer(name), environment: environment, directory: folder.path)
      #expect(done.outcome == .exited(0), "\(done)")
      return plain(done.outputText)
    }
    let listen = try read("listen.1")
    for text in [
      "nasty-listen", "Wait for a connection", "nasty listen [--backlog n] [--keep-open]",
      ".Dot leads. See e.g. the manual, or not. It has sentences! \(nasty)", "'Quote leads.",
      "-b, --backlog n Length of the accept queue. (default: 128)", "--odd x:[y] \(nasty)",
      "(values: plain, a b, it's, $(rm), c:d[e])", "-4, --old Version 4 only.",
      "[--tag word ...]", "[host] port", #".listen '$(rm)' \ --backlog -1"#, "12 No answer came",
      "-h, --help Show help", "nasty(1), listen(2), ss(8)",
    ] {
      #expect(listen.contains(text), "\(listen)")
    }
    let serve = try read("serve.1")
    for text in [
      "nasty serve [--keep] [--queues[=duration]] [--format[=format]] port [--exec command ...] "
        + "[--then command ...]",
      "-e, --exec command ... What to run.",
      "-q, --queues[=duration] Show the queues so often. (without a value: 200ms)",
    ] {
      #expect(serve.contains(text), "\(serve)")
    }
    let tool = try read("tool.1")
    for text in [
      "nasty subcommand [argument ...]", nasty, "NO_COLOR No colour. \(nasty)", "64 Usage.",
      #"send Send: [a] "file" it's `here` $(rm) \back."#, "nasty-listen(1), nasty-many(1),",
    ] {
      #expect(tool.contains(text), "\(tool)")
    }
  }

  /// The text without bold, underline and layout.
  private func plain(_ text: String) -> String {
    var result: [Unicode.Scalar] = []
    for scalar in text.unicodeScalars {
      if scalar == "\u{8}" { result.removeLast() } else { result.append(scalar) }
    }
    let words = String(String.UnicodeScalarView(result)).split(whereSeparator: \.isWhitespace)
    return words.joined(separator: " ")
  }

  // Some systems print these characters as they are, others as typographic ones.
  @Test(arguments: [
    #"\(gaid\(ga"#, #"\(aqone\(aq"#, #"\(dqtwo\(dq"#, #"\(ti"#, #"\(ha"#, #"\-\-no\-op"#,
  ])
  func asciiStaysAscii(source: String) {
    #expect(table.manual(nil).contains(source))
  }

  @Test func namesThatAreMacrosStayText() throws {
    struct Odd: CommandOptions {
      var on = false
      var operands: [String] = []
      static let page = CommandPage(name: "Fl", abstract: "", operands: [Operand("Ar", help: "")])
      static let parameters: [Bound<Self>] = [.flag("Op", \.on, help: ".")]
    }
    let odd = CommandTable(
      tool: ToolPage(name: "Nm", version: "1", date: "May 1, 2026", abstract: "Xr \"a\" .Sh b"),
      commands: [Command(Odd.self) { _ in 0 }])
    let lines = odd.manual("Fl").split(separator: "\n").map(String.init)
    for line in [#".Nm \&Nm \&Fl"#, #".Op Fl \&\-Op"#, #".Ar \&Ar"#, #".Nd \&"#, #".Xr \&Nm 1"#] {
      #expect(lines.contains(line), "\(line)")
    }
    #expect(odd.manual(nil).contains("\n.Nd \"\\&Xr \\(dqa\\(dq .Sh b\"\n"))
  }
}
