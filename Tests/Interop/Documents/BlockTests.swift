// Every block of code in a document has a test that runs it: a new one that nobody runs fails here.

import Foundation
import TestSupport
import Testing

@Suite struct Blocks {
  /// Everything that a reader may copy a command from.
  private static let documents: [Document] = {
    func names(in folder: String) -> [String] {
      let path = Document.root.appending(path: folder).path
      return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
    let pages = names(in: "man").filter { $0.hasSuffix(".1") || $0.hasSuffix(".7") }
    let notes = names(in: "Tests").map { "Tests/\($0)/README.md" }.filter {
      FileManager.default.fileExists(atPath: Document.root.appending(path: $0).path)
    }
    return (["README.md", "CHANGELOG.md"] + notes + pages.map { "man/\($0)" }).map {
      Document(path: $0, width: 0)
    }
  }()

  /// Commands that take minutes, change the host or need another shell, and where they are run: a
  /// file, and what it says there.
  private static let ranElsewhere = [
    "make": (".ci/run", "within 20m make\n"),
    "sudo make install": ("Tests/Installation/run", #"run("make", "install""#),
    "make deb": (".ci/run", " make deb "), "make lint": (".ci/run", " make lint\n"),
    // What it runs is what this folder's tests are.
    "make docs": ("Makefile", "\ndocs:\n"),
    "swift run -c release tcptool backlog-test": (
      ".ci/run", " swift run -c release tcptool backlog-test\n"
    ),
    "swift test": (".ci/run", " swift test\n"),
    "swift build --build-tests": (".ci/run", " swift build --build-tests\n"),
    "swift test --skip-build --filter StatesColumn": (
      "Tests/tcptoolTests/StatesColumnTests.swift", "struct StatesColumn"
    ),
    ".ci/run": (".ci/run", "#!"),
    "source <(tcptool --generate-completion-script bash)": completions,
    "tcptool --generate-completion-script zsh > \"${fpath[1]}/_tcptool\"": completions,
    "tcptool --generate-completion-script fish > ~/.config/fish/completions/tcptool.fish":
      completions,
    "Tests/Faults/run": (".ci/run", "Tests/Faults/run --every 10"),
    "Tests/Faults/run --every 10": (".ci/run", "Tests/Faults/run --every 10"),
    "Tests/Faults/run --only recv/splice/ENOSPC/2": (
      ".ci/run", "Tests/Faults/run --only recv/splice/ENOSPC/2\n"
    ),
    "Tests/Faults/run --only 'send*/*/EPIPE/*'": (
      ".ci/run", "Tests/Faults/run --only 'send*/*/EPIPE/*'\n"
    ),
    "Tests/Faults/run --list": (".ci/run", "Tests/Faults/run --list >/dev/null\n"),
  ]
  private static let completions = ("Tests/CommandLine/CompletionTests.swift", "installation(of:")

  /// What a line of a block of shell runs, without the words about it.
  private static func command(_ line: String) -> String {
    line.replacing(#/ {2,}.*$/#, with: "").trimmingCharacters(in: .whitespaces)
  }

  @Test(arguments: documents) func areRun(_ document: Document) throws {
    let isPage = document.path.hasSuffix(".1")
    for block in try document.blocks() {
      let place: Comment = "\(document.path):\(block.lines.lowerBound)"
      if block.head.hasPrefix("session") || block.head.hasPrefix("commands") {
        #expect(Document.all.contains { $0.path == document.path }, place)
        if block.head.hasPrefix("session"), !isPage, document.path.hasSuffix(".md") {
          #expect(block.kind == "console", place)
        }
      } else if let name = block.head.wholeMatch(of: #/recorded: (.*)/#)?.1 {
        #expect(
          document.path == Document.trace.path && Guides.recorded.contains(String(name)), place)
      } else if isPage {
        let page = document.path.split(separator: "/").last.map(String.init)
        #expect(
          block.text.count == 1
            && Examples.all.contains { $0.page == page && $0.command == block.text[0] }, place)
      } else {
        #expect(block.kind == "sh", place)
        for line in block.text where !line.isEmpty {
          let command = Self.command(line)
          guard let (path, text) = Self.ranElsewhere[command] else {
            Issue.record("\(place): nothing runs '\(command)': put it behind a comment 'session'")
            continue
          }
          let file = try Document(path: path, width: 0).text()
          #expect(file.contains(text), "\(path) does not run '\(command)' any more")
        }
      }
    }
  }

  /// What is read above are all blocks that there are, whatever their form.
  @Test func areAllRead() throws {
    var count = 0
    for document in Self.documents {
      let lines = try document.text().split(separator: "\n").map { $0.drop { $0 == " " } }
      let fences = lines.count { $0.hasPrefix("```") || $0.hasPrefix("~~~") }
      let displays = lines.count {
        $0.hasPrefix(".Bd") || $0.hasPrefix(".Dl") || $0.hasPrefix(".D1")
      }
      let isManual = !document.path.hasSuffix(".md")
      let blocks = try document.blocks().count
      #expect(isManual ? displays == blocks : fences == 2 * blocks, "\(document.path)")
      count += blocks
      // In Markdown four blanks make a block as well, which no test would find.
      if !isManual {
        var isInside = false
        for line in try document.text().split(separator: "\n") {
          if line.hasPrefix("```") { isInside.toggle() }
          #expect(isInside || !line.hasPrefix("    "), "\(document.path): \(line)")
        }
      }
    }
    #expect(count >= 150)
  }

  /// A command that stands in the list has to stand in a document.
  @Test func listsNothingInVain() throws {
    let lines = try Self.documents.flatMap { try $0.blocks().flatMap(\.text) }.map(Self.command)
    for command in Self.ranElsewhere.keys {
      #expect(lines.contains(command), "'\(command)' is in no document")
    }
  }
}
