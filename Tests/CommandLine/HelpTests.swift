// What is asked for and printed: help, the version, completion scripts. Standard output only.

import TestSupport
import Testing

@Suite(.waits) struct Help {
  private func printed(_ words: [String], columns: Int = 80) throws -> String {
    let done = try tcptool(words, environment: ["COLUMNS": "\(columns)"])
    #expect(done.outcome == .exited(0))
    #expect(done.errorText == "")
    #expect(done.outputText.hasSuffix("\n"))
    return done.outputText
  }

  @Test(arguments: [[]] + subcommands.map { [$0] }, [80, 100])
  func keepsToTheWidth(_ words: [String], _ columns: Int) throws {
    let text = try printed(words + ["--help"], columns: columns)
    #expect(text.hasPrefix("OVERVIEW: "))
    #expect(text.contains("\nUSAGE: tcptool \(words.first ?? "<subcommand>")"))
    let widest = text.split(separator: "\n").map(\.count).max() ?? 0
    #expect(widest <= columns)
    // It would also keep to the width if it ignored it and were narrow.
    #expect(try printed(words + ["--help"], columns: 60) != text)
  }

  @Test(arguments: subcommands)
  func hasOneTextForAllThatAskForIt(_ name: String) throws {
    let text = try printed(["help", name])
    #expect(try printed([name, "--help"]) == text)
    #expect(try printed([name, "-h"]) == text)
    // Whoever asks for help gets it, whatever else is wrong.
    #expect(try printed([name, "--nosuch", "1", "2", "3", "4", "-h"]) == text)
  }

  @Test(arguments: [["help"], ["-h"], [], ["help", "help"]])
  func ofTheTool(_ words: [String]) throws {
    let text = try printed(words)
    #expect(text == (try printed(["--help"])))
    for name in subcommands { #expect(text.contains("\n  \(name) ")) }
  }

  @Test(arguments: [[]] + subcommands.map { [$0] })
  func versionIsBare(_ words: [String]) throws {
    let text = try printed(words + ["--version"])
    #expect(text.wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+\n/) != nil, "\(text)")
  }

  @Test func completionScriptIsForTheShellOfTheUser() throws {
    for shell in ["bash", "zsh", "fish"] {
      let text = try printed(["--generate-completion-script", shell])
      let byShell = try tcptool(
        ["--generate-completion-script"], environment: ["SHELL": "/usr/bin/\(shell)"])
      #expect(byShell.outputText == text)
      #expect(text.contains("for \(shell), printed by"))
    }
  }
}
