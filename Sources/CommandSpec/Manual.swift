// The manual pages, in mdoc. Any text is safe: see `roff`, `argument` and `paragraph`.

extension CommandTable {
  /// The page of the tool (`nil`, or a name that is no subcommand) or of a subcommand, in section 1.
  public func manual(_ name: String?) -> String {
    let command = commands.first { $0.page.name == name }
    let abstract = command?.page.abstract ?? tool.abstract
    let page = pageName(command)
    var lines = [
      ".\\\" Generated from the table of the command line; changes made here will be lost.",
      ".Dd \(tool.date)", ".Dt \(page.uppercased()) 1", ".Os Linux",
      ".Sh NAME", ".Nm \(argument(page))",
      ".Nd \(argument(abstract.hasSuffix(".") ? String(abstract.dropLast()) : abstract))",
      ".Sh SYNOPSIS",
    ]
    if let command {
      lines.append(".Nm \(argument(tool.name)) \(argument(command.page.name))")
      lines += (command.leadingOptions + command.operands + command.lastOptions).map {
        synopsis($0)
      }
    } else {
      lines += [".Nm", ".Ar subcommand", ".Op Ar argument ..."]
    }
    lines.append(".Sh DESCRIPTION")
    lines += paragraphs(command?.page.discussion ?? tool.discussion, else: abstract)
    if let command {
      lines += list(command.operands, introduction: "The arguments are as follows:")
    } else {
      lines += [".Pp", "The subcommands are as follows:", ".Bl -tag -width Ds"]
      for command in commands {
        lines.append(".It Cm \(argument(command.page.name))")
        lines += paragraph(command.page.abstract)
      }
      lines.append(".El")
    }
    lines += list(command?.options ?? rootOptions, introduction: "The options are as follows:")
    if let terms = command?.page.terms {
      lines += table(
        argument(terms.title), terms.rows.map { (".It Li \(argument($0.form))", $0.meaning) })
    }
    if command == nil {
      lines += table(
        "ENVIRONMENT", tool.environment.map { (".It Ev \(argument($0.name))", $0.meaning) })
    }
    let statuses = command.map { exitStatuses($0) } ?? tool.exitStatuses
    lines += table("EXIT STATUS", statuses.map { (".It \($0.status)", $0.meaning) })
    lines += examples(command?.page.examples ?? tool.examples)
    lines += seeAlso(command)
    return lines.joined(separator: "\n") + "\n"
  }

  private func pageName(_ command: Command<Invocation>?) -> String {
    [tool.name, command?.page.name].compactMap(\.self).joined(separator: "-")
  }

  private func seeAlso(_ command: Command<Invocation>?) -> [String] {
    let own = command == nil ? commands.map { pageName($0) } : [tool.name]
    let names = own.map { "\($0)(1)" } + (command?.page.seeAlso ?? tool.seeAlso)
    let pages = names.map { name in
      let parts = name.split(separator: "(", maxSplits: 1)
      return (section: parts.last?.filter { $0.isNumber } ?? "", name: String(parts.first ?? ""))
    }
    let macros = pages.sorted { ($0.section, $0.name) < ($1.section, $1.name) }.map {
      ".Xr \(argument($0.name)) \(argument($0.section))"
    }
    return macros.isEmpty
      ? [] : [".Sh SEE ALSO"] + macros.dropLast().map { $0 + " ," } + macros.suffix(1)
  }
}

/// `.Op Fl -backlog Ar n`, `.Ar port` and the like.
private func synopsis(_ parameter: Parameter) -> String {
  let name =
    parameter.kind == .operand
    ? "Ar \(argument(parameter.name))" : "Fl \(argument("-\(parameter.name)"))"
  let dots = parameter.isRepeated ? " ..." : ""
  return (parameter.isAlwaysRequired ? "." : ".Op ") + name + value(of: parameter) + dots
}

/// What stands behind an option's name: ` Ar n` and the like.
private func value(of option: Parameter) -> String {
  guard option.kind == .option else { return "" }
  let name = "Ar \(argument(option.valueName))"
  return switch option.valueForm {
  case .required: " \(name)"
  case .optional: " Ns Op = Ns \(name)"
  case .remaining: " \(name) ..."
  }
}

/// A tagged list of parameters with an introduction; nothing if there are none.
private func list(_ parameters: [Parameter], introduction: String) -> [String] {
  guard !parameters.isEmpty else { return [] }
  var lines = [".Pp", introduction, ".Bl -tag -width Ds"]
  for parameter in parameters {
    let flags = parameter.spellings.map { "Fl \(argument(String($0.dropFirst())))" }
    let head = flags.isEmpty ? "Ar \(argument(parameter.name))" : flags.joined(separator: " , ")
    lines.append(".It \(head)\(value(of: parameter))")
    lines += paragraph(parameter.details)
  }
  return lines + [".El"]
}

/// A section that holds one tagged list; nothing if there are no rows.
private func table(_ title: String, _ rows: [(item: String, text: String)]) -> [String] {
  rows.isEmpty
    ? []
    : [".Sh \(title)", ".Bl -tag -width Ds"] + rows.flatMap { [$0.item] + paragraph($0.text) }
      + [".El"]
}

private func examples(_ examples: [Example]) -> [String] {
  var lines: [String] = []
  for example in examples {
    lines.append(lines.isEmpty ? ".Sh EXAMPLES" : ".Pp")
    lines += paragraph(example.explanation) + [".Bd -literal -offset indent"]
    // Not filled, so that the line can be copied.
    lines += example.command.split(whereSeparator: \.isNewline).map { protected(roff(String($0))) }
    lines.append(".Ed")
  }
  return lines
}

private func paragraphs(_ texts: [String], else text: String) -> [String] {
  Array((texts.isEmpty ? [text] : texts).map { paragraph($0) }.joined(separator: [".Pp"]))
}

/// Text as source lines: a sentence starts a line, and only the end of one looks like it.
private func paragraph(_ text: String) -> [String] {
  var lines: [String] = []
  var line: [String] = []
  func finish() {
    lines += wrap(line, width: 78).map { protected($0) }
    line = []
  }
  let all = words(of: text)
  for (index, word) in all.enumerated() {
    let next = index + 1 < all.count ? all[index + 1].first : nil
    let isEnd = endsSentence(word) && word.count > 2 && next?.isUppercase != false
    // Elsewhere a full stop may come to stand at the end of a source line: `\&` says what it isn't.
    // Only plain words may be hyphenated; others are to be copied.
    let isPlain = word.dropFirst().dropLast().allSatisfy { $0.isLowercase }
    line.append(
      (isPlain ? "" : "\\%") + roff(String(word)) + (endsSentence(word) && !isEnd ? "\\&" : ""))
    if isEnd { finish() }
  }
  finish()
  return lines.isEmpty ? ["\\&"] : lines
}

/// Whether roff would take the end of this text for the end of a sentence.
private func endsSentence(_ text: some StringProtocol) -> Bool {
  let closers: Set<Character> = [")", "]", "'", "\"", "*"]
  let end = text.last { !closers.contains($0) }
  return end == "." || end == "?" || end == "!"
}

/// A source line that roff does not take for a request.
private func protected(_ line: String) -> String {
  line.hasPrefix(".") ? "\\&" + line : line
}

/// One argument of a macro, which is neither another macro nor punctuation, whatever it says.
private func argument(_ text: String) -> String {
  let words = words(of: text).map { roff(String($0)) }
  let plain = words.joined(separator: " ")
  let isName = text.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" }
  // Macros have two or three letters, and punctuation is no name.
  let safe = isName && ![0, 2, 3].contains(text.count) ? plain : "\\&" + plain
  return words.count > 1 ? "\"\(safe)\"" : safe
}

/// Text in which each character stands for itself, and can be copied as what it is.
private func roff(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\\": result += "\\e"
    case "-": result += "\\-"
    case "'": result += "\\(aq"
    case "`": result += "\\(ga"
    case "\"": result += "\\(dq"
    case "^": result += "\\(ha"
    case "~": result += "\\(ti"
    case _ where scalar.properties.generalCategory == .control: result += " "
    case _ where scalar.isASCII: result.unicodeScalars.append(scalar)
    default:
      let digits = String(scalar.value, radix: 16, uppercase: true)
      result += "\\[u\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)]"
    }
  }
  return result
}
