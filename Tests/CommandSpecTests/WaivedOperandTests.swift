// Options that leave an operand nothing to say: it need not be there, and must not.

import CommandSpec
import Testing

@Suite struct WaivedOperands {
  private struct Dial: CommandOptions {
    var probes: String?
    var isUnbound = false
    var operands: [String] = []
    static let page = CommandPage(
      name: "dial", abstract: "Dial.",
      operands: [
        Operand("host", help: "Where.", completion: .host),
        Operand("port", help: "Which.", completion: .port),
      ])
    static let parameters: [Bound<Self>] = [
      .option("probe", "p", \.probes, value: "ports", help: "Try these.", waives: ["port"]),
      .flag("unbound", \.isUnbound, help: "Anywhere.", waives: ["host", "port"]),
    ]
  }

  private let table = CommandTable(
    tool: ToolPage(name: "t", version: "1", date: "November 23, 2026", abstract: "Try."),
    commands: [Command(Dial.self) { $0 }])

  private func operands(_ words: [String]) throws(UsageError) -> [String] {
    guard case .invoke(let dial) = try table.parse(["dial"] + words, columns: 80, shell: nil)
    else { return ["no invocation"] }
    return dial.operands
  }

  @Test(arguments: [
    (["h", "--probe", "1-9"], ["h"]), (["-p1", "::1"], ["::1"]), (["-p1", "[::1]"], ["[::1]"]),
    (["--unbound"], []), (["--unbound", "-p1"], []), (["h", "80"], ["h", "80"]),
    (["h:80"], ["h:80"]),
  ])
  func theyNeedNotBeThere(_ words: [String], _ operands: [String]) throws {
    #expect(try self.operands(words) == operands)
  }

  @Test(arguments: [
    (
      ["h", "80", "--probe", "1"], "Unexpected argument '80'. With '--probe' there is no '<port>'."
    ),
    (["-p1", "h:80"], "Unexpected argument 'h:80'. With '-p' there is no '<port>'."),
    (["-p1", "[::1]:80"], "Unexpected argument '[::1]:80'. With '-p' there is no '<port>'."),
    (
      ["--unbound", "80"],
      "Unexpected argument '80'. With '--unbound' there is no '<host>' and no '<port>'."
    ),
    (
      ["--unbound", "h:80"],
      "Unexpected argument 'h:80'. With '--unbound' there is no '<host>' and no '<port>'."
    ),
    (["h", "80", "90"], "Unexpected argument '90'"),
    (["-p1"], "Missing expected argument '<host>'"),
    (["h"], "Missing expected argument '<port>'"),
  ])
  func theyMustNotBeThere(_ words: [String], _ message: String) {
    let error = #expect(throws: UsageError.self) { try operands(words) }
    #expect(error?.message == message)
  }

  @Test func theTextsSaySo() {
    let help = table.help("dial", columns: 80)
    #expect(
      help.contains("USAGE: t dial [--probe <ports>] [--unbound] [<host>] [<port>]\n"), "\(help)")
    #expect(help.contains("  <host>                  Where. (not with --unbound)\n"), "\(help)")
    #expect(help.contains("  <port>                  Which. (not with --probe, --unbound)\n"))
    #expect(table.manual("dial").contains(".Op Ar host\n"))
  }
}
