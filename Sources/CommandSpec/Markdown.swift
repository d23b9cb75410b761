// Options and exit statuses as Markdown tables, for the README.

extension CommandTable {
  /// A heading, the usage and a table of the options for each subcommand. The options that every
  /// subcommand has are left out.
  public func optionTables() -> String {
    commands.map { command in
      let options = command.parameters.filter { $0.kind != .operand }
      let rows = options.map { "| \(code($0.label)) | \(cell($0.details)) |" }
      return """
        **\(code(usage(command).joined(separator: " ")))**

        | option | meaning |
        |---|---|
        \(rows.joined(separator: "\n"))

        """
    }.joined(separator: "\n")
  }

  /// The tool's exit statuses.
  public func exitStatusTable() -> String {
    let rows = tool.exitStatuses.map { "| \($0.status) | \(cell($0.meaning)) |" }
    return "| status | meaning |\n|---|---|\n\(rows.joined(separator: "\n"))\n"
  }

  private func code(_ text: String) -> String { "`\(cell(text))`" }

  /// A bar would end the cell, a newline the row.
  private func cell(_ text: String) -> String {
    text.map { $0 == "|" ? "\\|" : $0.isNewline ? " " : String($0) }.joined()
  }
}
