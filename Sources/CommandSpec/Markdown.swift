// Exit statuses as a Markdown table, for the README.

extension CommandTable {
  /// The tool's exit statuses.
  public func exitStatusTable() -> String {
    let rows = tool.exitStatuses.map { "| \($0.status) | \(cell($0.meaning)) |" }
    return "| status | meaning |\n|---|---|\n\(rows.joined(separator: "\n"))\n"
  }

  /// A bar would end the cell, a newline the row.
  private func cell(_ text: String) -> String {
    text.map { $0 == "|" ? "\\|" : $0.isNewline ? " " : String($0) }.joined()
  }
}
