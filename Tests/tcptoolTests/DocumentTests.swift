// Commands that stand in the sentences of the README and of the guide pages are commands that there
// are. Those in blocks are run: Tests/Interop/Documents.

import CommandSpec
import Foundation
import Testing

@testable import tcptool

@Suite struct Documents {
  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  private static let commands: [String] = {
    func text(_ path: String) -> String {
      (try? String(contentsOf: root.appending(path: path), encoding: .utf8)) ?? ""
    }
    let readme = text("README.md").matches(of: #/`(tcptool [^`]*)`/#).map { String($0.1) }
    let pages = ["queues", "trace", "json"].flatMap { name in
      text("man/tcptool-\(name).7").matches(of: #/\.Ql (tcptool .*)/#).map {
        String($0.1).replacing(#/ [.,]$/#, with: "").replacing("\\-", with: "-")
      }
    }
    return readme + pages
  }()

  /// Options that stand in sentences without a command: somebody has to have them.
  @Test(arguments: ["README.md", "CHANGELOG.md"])
  func nameOptionsThatThereAre(_ path: String) throws {
    let text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    let names = text.matches(of: #/`(-[^`]*)`/#).flatMap {
      $0.1.matches(of: #/--([a-z][a-z-]*)/#).map { String($0.1) }
    }
    #expect(names.count >= 10)
    let known = Program.table.commands.flatMap { $0.parameters.map(\.name) }
    let own = ["version", "help", "generate-completion-script"]
    for name in names { #expect(known.contains(name) || own.contains(name), "--\(name)") }
  }

  @Test func areRead() {
    #expect(Self.commands.count >= 10)
  }

  @Test(arguments: commands)
  func nameCommandsThatThereAre(_ command: String) throws {
    let words = command.replacing("PORT", with: "7000").split(separator: " ").dropFirst()
      .map(String.init)
    // Where a sentence leaves the port out, one is put in. Throws where the program ends with status 64.
    if (try? Program.table.parse(words + ["7000"], columns: 80, shell: nil)) == nil {
      _ = try Program.table.parse(words, columns: 80, shell: nil)
    }
  }
}
