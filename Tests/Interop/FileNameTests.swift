// Files whose names are not UTF-8: none is mistaken for another, and each can be reached.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .timeLimit(.minutes(5))) struct FileNames {
  /// A name as printf(1) writes it, and as it is told.
  private static let octal = #"\377.bin"#
  private static let shown = #"\xff.bin"#

  /// What the shell makes of a line in which NAME is that name, in a folder of its own.
  private func shell(_ line: String, in directory: TemporaryDirectory) throws -> Finished {
    let name = "$(printf '\(Self.octal)')"
    return try run([
      "sh", "-c", "cd \(directory.path)\n" + line.replacing("NAME", with: "\"\(name)\""),
    ])
  }

  @Test(arguments: [
    "send 127.0.0.1 1 NAME", "recv --output NAME 127.0.0.1 0", "recv -oNAME 127.0.0.1 0",
    "states --from NAME", "connect --log=NAME 127.0.0.1 1", "connect NAME 80", "NAME",
    "listen 0 --exec cat NAME",
  ])
  func aWordThatIsNotUTF8IsRefused(_ words: String) throws {
    let directory = try TemporaryDirectory()
    let done = try shell("exec \(try Tool.path) \(words)", in: directory)
    #expect(done.outcome == .exited(64), "\(done)")
    expectHarmless(done.error)
    #expect(done.errorText.contains("\(Self.shown)' is not UTF-8. "), "\(done)")
    #expect(done.errorText.contains("'< FILE', '> FILE'"))
    #expect(done.errorText.contains("ln -s"))
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(files.isEmpty, "\(files)")
  }

  /// Both ways that the error names, from one such file to another.
  @Test(arguments: ["< NAME", "link"])
  func whatTheErrorSaysWorks(_ source: String) throws {
    let directory = try TemporaryDirectory()
    #expect(try shell("printf text > NAME; ln -s NAME link", in: directory).outcome == .exited(0))
    let receiver = try Child(
      ["sh", "-c", #"cd "$0" && exec "$1" recv 127.0.0.1 0 > "$(printf '\376')""#]
        + [directory.path, try Tool.path])
    let port = try announcedPort(of: receiver)
    let sender = try shell("exec \(try Tool.path) send 127.0.0.1 \(port) \(source)", in: directory)
    #expect(sender.outcome == .exited(0), "\(sender)")
    #expect(try receiver.wait().outcome == .exited(0))
    #expect(try shell(#"cat "$(printf '\376')""#, in: directory).outputText == "text")
  }

  /// What the folder is called does not matter to the names in it.
  @Test(arguments: ["new", "old", "link"])
  func aFolderMayHaveAnyName(_ file: String) throws {
    let directory = try TemporaryDirectory()
    let made = "mkdir NAME && cd NAME && echo old > old && ln -s old link"
    #expect(try shell(made, in: directory).outcome == .exited(0))
    let receiver = try Child(
      ["sh", "-c", #"cd "$0"/* && exec "$1" recv --force -o "$2" 127.0.0.1 0"#]
        + [directory.path, try Tool.path, file])
    let port = try? announcedPort(of: receiver)
    if file == "link" {
      // Where it leads to cannot be said in UTF-8.
      let refused = try receiver.wait()
      #expect(refused.outcome == .exited(24), "\(refused)")
      #expect(refused.errorText.contains("realpath link: "), "\(refused)")
      #expect(refused.errorText.contains("use '> FILE' instead of --output"), "\(refused)")
      #expect(try shell("cat NAME/old; ls NAME", in: directory).outputText == "old\nlink\nold\n")
      return
    }
    let sender = try tcptool("send", "127.0.0.1", "\(try #require(port))", input: .text("text"))
    #expect(try sender.wait().outcome == .exited(0))
    #expect(try receiver.wait().outcome == .exited(0))
    #expect(try shell("cat NAME/\(file)", in: directory).outputText == "text")
  }
}
