// What is answered to options of nc, ss and iperf3 has to be true of tcptool's own.

import CommandSpec
import Testing

@testable import tcptool

@Suite struct ForeignWords {
  private static let commands: [(name: String, words: [ForeignWord])] = [
    ("listen", .ofListen), ("connect", .ofConnect), ("send", .ofSend), ("recv", .ofReceive),
    ("states", .ofStates),
  ]

  /// What stands between single quotes in an answer.
  private static func quoted(in answer: String) -> [String] {
    answer.split(separator: "'", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }

  private static func spellings(of word: ForeignWord) -> [String] {
    if case .words(let words) = word.form { words } else { [] }
  }

  private static func complaint(_ words: [String]) -> String {
    do throws(UsageError) {
      _ = try Program.table.parse(words, columns: 80, shell: nil)
      return ""
    } catch {
      return error.message
    }
  }

  private static let examples = [
    "HOST": "host", "PORT": "80", "PORTS": "80,90", "ADDRESS": "127.0.0.1", "PROGRAM": "cat",
  ]

  @Test(arguments: commands.map(\.name) + [""])
  func whatAnAnswerNamesIsThere(_ name: String) {
    let words = Self.commands.first { $0.name == name }?.words ?? .ofTool
    let options = Program.table.commands.filter { name.isEmpty || $0.page.name == name }
      .flatMap(\.parameters).map { "--\($0.name)" }
    for word in words {
      for text in Self.quoted(in: word.answer) {
        let typed = text.split(separator: " ").map { Self.examples[String($0)] ?? String($0) }
        if typed[0] == "tcptool" {
          #expect(Self.complaint(Array(typed.dropFirst())) == "", "\(text)")
        } else {
          #expect(options.contains(typed[0]), "\(text)")
        }
      }
      #expect(word.answer.hasSuffix("."))
    }
  }

  /// A word that is an option here, or that two answers are about, would never get its answer.
  @Test(arguments: commands.map(\.name))
  func eachIsAnswered(_ name: String) throws {
    let words = try #require(Self.commands.first { $0.name == name }).words
    let operands = name == "states" ? [] : ["host", "80"]
    for word in words {
      for spelling in Self.spellings(of: word) {
        #expect(
          Self.complaint([name] + operands + [spelling])
            == "Unknown option '\(spelling)'. \(word.answer)")
      }
    }
  }

  @Test func eachIsAnsweredInThePlaceOfASubcommandToo() {
    for word in [ForeignWord].ofTool {
      for spelling in Self.spellings(of: word) {
        let kind = spelling.hasPrefix("-") ? "option" : "subcommand"
        #expect(Self.complaint([spelling]) == "Unknown \(kind) '\(spelling)'. \(word.answer)")
      }
    }
  }

  @Test(arguments: [
    ("-lvnp 7000", "Unknown option '-l' in '-lvnp'. 'tcptool listen PORT'"),
    ("-tulpn", "Unknown option '-t' in '-tulpn'. 'tcptool states'"),
    ("-zv 127.0.0.1 80", "Unknown option '-z' in '-zv'. 'tcptool connect --probe PORTS HOST'"),
    ("-s -p 5201", "Unknown option '-s'. 'tcptool recv PORT'"),
    ("127.0.0.1 80", "Unknown subcommand '127.0.0.1'. 'tcptool connect HOST PORT' connects."),
    ("states -tulpn", "Unknown option '-t' in '-tulpn'. It is not needed: all that"),
    ("states -ltn", "Unknown option '-t' in '-ltn'. It is not needed: all that"),
    ("states -4", "Unknown option '-4'. A filter"),
    ("connect -vz 127.0.0.1 80", "Unknown option '-z' in '-vz'. '--probe'"),
    ("connect -w3 127.0.0.1 80", "Unknown option '-w' in '-w3'. '--timeout'"),
    ("listen -lk 7000", "Unknown option '-l' in '-lk'. It listens already"),
    ("listen -kl 7000", "Unknown option '-l' in '-kl'. It listens already"),
    ("-v listen 7000", "Unknown option '-v'. It goes behind a subcommand: listen, connect"),
    ("--json states", "Unknown option '--json'. It goes behind a subcommand: listen, connect"),
  ])
  func habitsAreUnderstood(_ line: String, _ beginning: String) {
    let message = Self.complaint(line.split(separator: " ").map(String.init))
    #expect(message.hasPrefix(beginning), "\(message)")
  }
}
