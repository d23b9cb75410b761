// The manual pages and completion scripts in the repository are what the table generates. With
// TCPTOOL_RECORD=1 in the environment they are written instead of compared.

import CommandSpec
import Foundation
import Testing

@testable import tcptool

@Suite struct GeneratedFiles {
  struct File: Sendable, CustomTestStringConvertible {
    var path: String
    var text: String
    var testDescription: String { path }
  }

  static let all: [File] = {
    let table = Program.table
    let pages = [nil] + table.commands.map { Optional($0.page.name) }
    let names = [Shell.bash: "tcptool.bash", .zsh: "_tcptool", .fish: "tcptool.fish"]
    return pages.map { name in
      File(path: "man/tcptool\(name.map { "-\($0)" } ?? "").1", text: table.manual(name))
    }
      + names.map { shell, name in
        File(path: "completions/\(name)", text: table.completionScript(shell))
      }
  }()

  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private static let isRecording = ProcessInfo.processInfo.environment["TCPTOOL_RECORD"] == "1"

  @Test(arguments: all)
  func isFresh(_ file: File) throws {
    let url = Self.root.appending(path: file.path)
    if Self.isRecording {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(file.text.utf8).write(to: url)
    }
    let committed = try? String(contentsOf: url, encoding: .utf8)
    #expect(committed == file.text, "run the tests with TCPTOOL_RECORD=1 and commit \(file.path)")
  }

  /// The README's table stands between a line that begins `<!-- exit statuses:` and its end.
  @Test func readmeIsFresh() throws {
    let url = Self.root.appending(path: "README.md")
    let text = Program.table.exitStatusTable()
    var readme = try String(contentsOf: url, encoding: .utf8)
    let start = try #require(readme.range(of: "<!-- exit statuses:"))
    let lineEnd = try #require(readme[start.upperBound...].firstIndex(of: "\n"))
    let end = try #require(readme.range(of: "<!-- end of exit statuses -->"))
    let place = readme.index(after: lineEnd)..<end.lowerBound
    if Self.isRecording {
      readme.replaceSubrange(place, with: "\n\(text)\n")
      try Data(readme.utf8).write(to: url)
    } else {
      #expect(readme[place] == "\n\(text)\n", "run 'make docs' and commit README.md")
    }
  }

  /// A page or script of a subcommand that is gone would stay installed for ever.
  @Test(.enabled(if: !isRecording), arguments: ["man", "completions"])
  func nothingElseIsThere(_ folder: String) throws {
    let names = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appending(path: folder).path)
    let wanted = Self.all.filter { $0.path.hasPrefix(folder + "/") }.map {
      String($0.path.dropFirst(folder.count + 1))
    }
    // Pages of section 7 are written by hand, and the pictures are not of the table.
    #expect(names.filter { !$0.hasSuffix(".7") && $0 != "pictures" }.sorted() == wanted.sorted())
  }
}
