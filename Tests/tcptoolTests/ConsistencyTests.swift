// The same option is the same in every subcommand, and each is shown at work.

import CommandSpec
import Testing

@testable import tcptool

@Suite struct Consistency {
  /// An option as it is declared once, and the subcommands that have it.
  private struct Row {
    let parameter: Parameter
    var commands: [Command<any Subcommand>]
  }

  private static let names: [String] = Array(
    Set(Program.table.commands.flatMap(\.parameters).filter { $0.kind != .operand }.map(\.name))
  ).sorted()

  /// The declarations of a name: subcommands whose help is the same share one.
  private static func rows(_ name: String) -> [Row] {
    var rows: [Row] = []
    for command in Program.table.commands {
      for parameter in command.parameters where parameter.name == name && parameter.kind != .operand
      {
        if let place = rows.firstIndex(where: { $0.parameter.help == parameter.help }) {
          rows[place].commands.append(command)
        } else {
          rows.append(Row(parameter: parameter, commands: [command]))
        }
      }
    }
    return rows
  }

  /// What a person types, and what a shell offers for it.
  private static func form(_ parameter: Parameter) -> String {
    """
    \(parameter.kind) \(parameter.short.map(String.init) ?? "-") \(parameter.valueForm) \
    \(parameter.valueName) \(parameter.choices) \(parameter.completion)
    """
  }

  /// Names whose values differ, since two things have the name in the field.
  private static let differently = [
    "copy": "sendfile(2) leads from a file to a connection, and never back",
    "source": "a connection's source is an address, and a table's is an interface of the kernel",
    "relisten":
      "a listener that serves can call listen(2) again by the clock, an experiment by itself",
    "reuse-port": "an experiment has to be told how many listeners there are on the port",
  ]

  @Test(arguments: names) func anOptionHasTheSameFormEverywhere(_ name: String) {
    let forms = Set(Self.rows(name).map { Self.form($0.parameter) })
    #expect((forms.count > 1) == (Self.differently[name] != nil), "\(forms.sorted())")
  }

  /// Names whose help says what they mean there. Who adds one has compared the texts.
  private static let explainedApart: Set = [
    "accept-rate", "backlog", "copy", "count", "discard", "duration", "expect-digest",
    "expect-size", "explain", "interval", "ipv6", "json", "keep-open", "linger", "netns",
    "relisten", "reuse-port", "source", "streams", "svg", "timeout",
  ]

  @Test(arguments: names) func anOptionIsExplainedInOnePlace(_ name: String) {
    #expect((Self.rows(name).count > 1) == Self.explainedApart.contains(name))
  }

  @Test(arguments: names) func anOptionIsUsedInAnExample(_ name: String) {
    for row in Self.rows(name) {
      let words = row.commands.flatMap { command in
        command.page.examples.flatMap { Table.invocations(in: $0.command).flatMap(\.self) }
      }
      let spellings = ["--\(name)"] + (row.parameter.short.map { ["-\($0)"] } ?? [])
      let isUsed = words.contains { spellings.contains($0) || $0.hasPrefix("--\(name)=") }
      #expect(isUsed, "'\(row.parameter.help)' of \(row.commands.map(\.page.name))")
    }
  }
}
