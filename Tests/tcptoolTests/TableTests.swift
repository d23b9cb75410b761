// What must hold of the real table of subcommands, whatever is added to it.

import CommandSpec
import Testing

@testable import tcptool

@Suite struct Table {
  private static let commands = Program.table.commands
  private static let names = commands.map(\.page.name)

  private static func command(_ name: String) throws -> Command<any Subcommand> {
    try #require(commands.first { $0.page.name == name })
  }

  @Test func namesAreUniqueWords() {
    #expect(Set(Self.names).count == Self.names.count)
    for name in Self.names {
      #expect(name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") })
      #expect(name != "help")
    }
  }

  @Test(arguments: names)
  func parametersAreUniqueWords(_ name: String) throws {
    let parameters = try Self.command(name).parameters
    let names = parameters.map(\.name)
    let shorts = parameters.compactMap(\.short)
    #expect(Set(names + ["help", "version"]).count == names.count + 2)
    #expect(Set(shorts + ["h"]).count == shorts.count + 1)
    for parameter in parameters {
      #expect(!parameter.name.isEmpty)
      #expect(
        parameter.name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") })
      #expect((parameter.kind == .option) == !parameter.valueName.isEmpty, "\(parameter.name)")
    }
  }

  /// A name that is misspelled would exclude, need or waive nothing.
  @Test(arguments: names)
  func parametersNameOnlyOthersOfTheirSubcommand(_ name: String) throws {
    let parameters = try Self.command(name).parameters
    let operands = parameters.filter { $0.kind == .operand }.map(\.name)
    let options = parameters.filter { $0.kind != .operand }.map(\.name)
    for parameter in parameters {
      let others = Set(options).subtracting([parameter.name])
      #expect(others.isSuperset(of: parameter.neededOptions), "\(parameter.name)")
      #expect(others.isSuperset(of: parameter.exclusions.flatMap(\.names)), "\(parameter.name)")
      #expect(Set(operands).isSuperset(of: parameter.waivedOperands), "\(parameter.name)")
    }
  }

  /// Whoever typed a wrong value learns what a right one looks like.
  @Test(arguments: names)
  func aRefusedValueIsAnsweredWithItsForm(_ name: String) throws {
    let words = name == "states" ? [] : ["host", "80"]
    for option in try Self.command(name).parameters where option.kind == .option {
      for value in ["", "\u{1}", "-0.5x,"] {
        let error = refusal(of: [name] + words + ["--\(option.name)=\(value)"])
        guard let message = error?.message, message.contains("is invalid for") else { continue }
        #expect(
          [" Give ", " Please provide ", " Did you mean ", " lists the names "].contains {
            message.contains($0)
          }, "\(message)")
      }
    }
  }

  private func refusal(of words: [String]) -> UsageError? {
    do throws(UsageError) {
      _ = try Program.table.parse(words, columns: 80, shell: nil)
      return nil
    } catch {
      return error
    }
  }

  /// One sentence or more, as a sentence is written.
  @Test(arguments: names)
  func everythingIsExplainedInSentences(_ name: String) throws {
    let command = try Self.command(name)
    let page = command.page
    let texts =
      [page.abstract] + page.discussion + command.parameters.map(\.help)
      + page.examples.map(\.explanation) + page.exitStatuses.map(\.meaning)
    for text in texts {
      #expect(text.hasSuffix("."), "\(text)")
      let first = try #require(text.first, "an empty text")
      #expect(first.isUppercase || !first.isLetter || text.hasPrefix("net."), "\(text)")
      #expect(!text.contains("  ") && !text.contains("\n") && !text.contains("\t"), "\(text)")
    }
    #expect(!page.examples.isEmpty)
    #expect(!page.discussion.isEmpty)
  }

  /// Examples are not broken, so that they can be copied; they have to be short by themselves.
  @Test(arguments: [nil] + names.map { Optional($0) }, [80, 100])
  func helpKeepsToTheWidth(_ name: String?, _ columns: Int) {
    for line in Program.table.help(name, columns: columns).split(separator: "\n") {
      #expect(line.count <= columns, "\(line)")
    }
  }

  /// The words of each tcptool in a line for the shell, without redirections and quotes.
  static func invocations(in line: String) -> [[String]] {
    // What stands between quotes is one word, whatever is in it; outside there are blanks and pipes.
    var commands: [[String]] = [[]]
    for (index, part) in line.split(separator: "'", omittingEmptySubsequences: false).enumerated() {
      if index % 2 == 1 {
        commands[commands.count - 1].append(String(part))
        continue
      }
      for (place, command) in part.split(separator: "|", omittingEmptySubsequences: false)
        .enumerated()
      {
        if place > 0 { commands.append([]) }
        var words = command.split(separator: " ").map(String.init)
        while let place = words.firstIndex(where: { ["<", ">", "3>"].contains($0) }) {
          words.removeSubrange(place...min(place + 1, words.count - 1))
        }
        commands[commands.count - 1] += words
      }
    }
    return commands.filter { $0.first == "tcptool" }.map { Array($0.dropFirst()) }
  }

  private static let examples =
    (commands.flatMap(\.page.examples) + Program.table.tool.examples).map(\.command)

  @Test(arguments: examples)
  func everyExampleIsAcceptedByItsOwnParser(_ line: String) throws {
    let invocations = Self.invocations(in: line)
    #expect(!invocations.isEmpty, "no tcptool in it")
    for words in invocations {
      let request = try Program.table.parse(words, columns: 80, shell: nil)
      guard case .invoke = request else {
        Issue.record("\(words) runs no subcommand")
        continue
      }
    }
  }

  @Test(arguments: names)
  func anExampleIsOfItsOwnSubcommand(_ name: String) throws {
    for example in try Self.command(name).page.examples {
      #expect(Self.invocations(in: example.command).contains { $0.first == name }, "\(example)")
    }
  }

  /// Each option reaches the options value: one that changed nothing would be a promise unkept.
  @Test(arguments: names)
  func everyOptionChangesSomething(_ name: String) throws {
    let command = try Self.command(name)
    let operands = command.page.operands
    func parsed(
      _ words: [String], beside others: [String] = [], without waived: [String] = [],
      with wanted: [String] = []
    ) throws -> String {
      let given = operands.filter {
        wanted.contains($0.name) || $0.isRequired && !waived.contains($0.name)
      }
      let values = given.map {
        // Where no host is given it goes with the port: some options need one.
        $0.name == "port" ? (given.count == 1 ? "127.0.0.1:7000" : "7000") : "127.0.0.1"
      }
      // Behind the operands, since an option may take all the words that are left.
      let request = try Program.table.parse(
        [name] + values + others + words, columns: 80, shell: nil)
      guard case .invoke(let subcommand) = request else { return "" }
      // The members of a set have no order: two equal ones may be written differently.
      return String(String(reflecting: subcommand).sorted())
    }
    #expect(try !parsed([]).isEmpty)
    for parameter in command.parameters where parameter.kind != .operand {
      let long = "--\(parameter.name)"
      // What it needs is there in both cases, so that only it makes the difference.
      let others = command.parameters.filter { parameter.neededOptions.prefix(1).contains($0.name) }
      let needed = others.flatMap { other in
        ["--\(other.name)"]
          + (other.kind == .flag ? [] : [Self.sample(for: other) { _ in true }])
      }
      let waived = others.flatMap(\.waivedOperands)
      func options(_ words: [String]) throws -> String {
        try parsed(
          words, beside: needed, without: waived + parameter.waivedOperands,
          with: parameter.neededOperands)
      }
      let plain = try parsed(
        [], beside: needed, without: waived, with: parameter.neededOperands)
      var isAttached = false
      if case .optional(let bare) = parameter.valueForm {
        isAttached = true
        #expect(try options([long]) == options(["\(long)=\(bare)"]), "\(long) alone")
      }
      let sample = Self.sample(for: parameter) { value in
        (try? options(isAttached ? ["\(long)=\(value)"] : [long, value])) != nil
      }
      func words(_ spelling: String) -> [String] {
        if parameter.kind == .flag { return [spelling] }
        return isAttached ? ["\(spelling)=\(sample)"] : [spelling, sample]
      }
      #expect(try options(words(long)) != plain, "\(long)")
      if let short = parameter.short {
        #expect(try options(words("-\(short)")) == options(words(long)), "-\(short)")
      }
    }
  }

  /// A value that is accepted and is not the default.
  private static func sample(
    for parameter: Parameter, isAccepted: (String) -> Bool
  ) -> String {
    if let choice = parameter.choices.first(where: { $0 != parameter.defaultText }) {
      return choice
    }
    return [
      "77", "77s", "127.0.0.1:77", "77K", "127.0.0.1", "name", "7", "name=7", "accept>7", "counter",
      "00000000",
    ]
    .first(where: isAccepted)
      ?? ""
  }

  @Test(arguments: [nil] + names.map { Optional($0) })
  func exitStatusesAreKnownUniqueAndSorted(_ name: String?) throws {
    let rows =
      try name.map { try Self.command($0).page.exitStatuses } ?? Program.table.tool.exitStatuses
    let statuses = rows.map(\.status)
    #expect(!statuses.isEmpty)
    #expect(statuses == Set(statuses).sorted())
    let known = ExitStatus.allCases.map { Int($0.rawValue) }
    if name == nil {
      #expect(statuses == known)
    } else {
      #expect(Set(statuses).isSubset(of: known))
      #expect(statuses.contains(0) && statuses.contains(24) && statuses.contains(64))
    }
  }

  @Test func theToolsHelpNamesEverySubcommand() {
    let help = Program.table.help(nil, columns: 80)
    for name in Self.names { #expect(help.contains("\n  \(name) "), "\(name)") }
  }
}
