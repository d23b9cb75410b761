// Options that exclude each other, and options that need another.

import CommandSpec
import Testing

@Suite struct Combinations {
  private struct Dial: CommandOptions {
    var probes: String?
    var linger: Int?
    var waits = false
    var onlyOpen = false
    var isAll = false
    var operands: [String] = []
    var isFar = false
    static let page = CommandPage(
      name: "dial", abstract: "Dial.",
      operands: [
        Operand("host", required: false, help: "Whom."),
        Operand("port", required: false, help: "Where."),
      ])
    static let parameters: [Bound<Self>] = [
      .option("probe", "p", \.probes, value: "ports", help: "Try these.")
        .excluding(["linger", "other"], because: "nothing is relayed")
        .excluding(["wait"], because: "each port is tried once"),
      .flag("all", \.isAll, help: "Try all."),
      .option("linger", "l", \.linger, value: "n", help: "So long."),
      .flag("wait", \.waits, help: "Wait."),
      .flag("open", \.onlyOpen, help: "Only open ones.").needing("probe", "all"),
      .flag("far", \.isFar, help: "Far away, too.").needingOperands("host", "port"),
    ]
  }

  private let table = CommandTable(
    tool: ToolPage(name: "t", version: "1", date: "November 23, 2026", abstract: "Try."),
    commands: [Command(Dial.self) { $0 }])

  private func parse(_ line: String) throws(UsageError) -> Dial? {
    let words = line.split(separator: " ").map(String.init)
    guard case .invoke(let dial) = try table.parse(["dial"] + words, columns: 80, shell: nil)
    else { return nil }
    return dial
  }

  @Test(arguments: [
    "", "-p 1", "--linger 1 --wait", "--open -p 1", "-p 1 --open", "--all --open", "--all --wait",
    "--far h 7", "--far h:7",
  ])
  func someGoTogether(_ line: String) throws {
    let dial = try #require(try parse(line))
    #expect((dial.probes != nil) == line.contains("-p"))
    #expect(dial.onlyOpen == line.contains("--open"))
  }

  @Test(arguments: [
    (
      "-p 1 --linger 2",
      "The options '--probe' and '--linger' exclude each other: nothing is relayed"
    ),
    ("-l2 -p1", "The options '--probe' and '--linger' exclude each other: nothing is relayed"),
    (
      "--wait --probe=1",
      "The options '--probe' and '--wait' exclude each other: each port is tried once"
    ),
    ("--open", "The option '--open' needs '--probe' or '--all'"),
    ("--open --wait", "The option '--open' needs '--probe' or '--all'"),
    ("--far", "The option '--far' needs '<host>' and '<port>'"),
    ("--wait --far", "The option '--far' needs '<host>' and '<port>'"),
    // What a word is comes before what it means beside others.
    ("-p 1 --linger x", "The value 'x' is invalid for '--linger <n>'. Give a whole number."),
  ])
  func othersDoNot(_ line: String, _ message: String) {
    let error = #expect(throws: UsageError.self) { try parse(line) }
    #expect(error?.message == message)
  }

  @Test func theHelpSaysWhatAnOptionNeeds() {
    #expect(
      table.help("dial", columns: 80)
        .contains("  --open                  Only open ones. (only with --probe, --all)\n"))
    #expect(
      table.help("dial", columns: 80)
        .contains("  --far                   Far away, too. (only with <host>, <port>)\n"))
  }
}
