// Lines with a word in front of each, as the reports of backlog-test have them.

internal import BacklogLab
internal import Report

/// Writes lines of prose behind labels that stand in a column of their own.
struct LabelledLines {
  let display: Display
  /// The column in which the texts begin.
  static let indent = 12

  func write(
    _ label: String, _ text: String, _ ink: Style.Ink = .bold, to output: inout OutputBuffer
  ) throws(OutputError) {
    let blanks = String(repeating: " ", count: max(1, Self.indent - label.unicodeScalars.count))
    try output.line(
      display.fit(display.style(label, .bold, ink) + blanks + text, indent: Self.indent))
  }

  /// The sentence that counts. It stays in the terminal's own ink, which can be read on any ground.
  func writeVerdict(
    of result: some Judged, to output: inout OutputBuffer
  ) throws(OutputError) {
    let ink: Style.Ink = !result.match ? .red : result.isInterrupted ? .magenta : .green
    try write("verdict", result.verdict, ink, to: &output)
  }

  /// The sentence that counts, and what can be done.
  func write(_ result: some Judged, to output: inout OutputBuffer) throws(OutputError) {
    try writeVerdict(of: result, to: &output)
    for text in result.advice { try write("advice", text, .magenta, to: &output) }
  }

  /// A passage of an explanation.
  func write(_ passage: ExplanationPassage, to output: inout OutputBuffer) throws(OutputError) {
    try output.line()
    try output.line(display.style(passage.title, .bold))
    for text in passage.lines { try output.line(display.fit("  " + text, indent: 4)) }
  }

  /// A bar for a queue, and its numbers: `█████  129 of 129 places taken`.
  func fill(_ held: Int, of places: Int) -> String {
    let fill = bar(
      fraction: Double(held) / Double(max(1, places)), width: barWidth,
      unicode: display.hasUnicode)
    return "\(fill)  \(Units.count(held)) of \(Units.count(places)) places taken"
  }

  /// Longer ones say no more.
  private var barWidth: Int { display.columns >= 120 ? 50 : 30 }
}

extension Judged {
  /// The members of the JSON object of every result that come last.
  var judgement: [(String, JSONValue)] {
    [
      ("match", isInterrupted && match ? nil : .init(match)), ("verdict", .init(verdict)),
      ("advice", .array(advice.map { .init($0) })),
    ]
  }
}
