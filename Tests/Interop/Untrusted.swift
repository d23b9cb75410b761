// What is looked at where somebody else chose a text that is shown.

import Foundation
import TestSupport
import Testing

/// No character is left that a terminal would obey or that reorders its neighbours, but line breaks.
func expectHarmless(
  _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
) {
  guard let text = String(validating: bytes, as: UTF8.self) else {
    Issue.record("invalid UTF-8: \(bytes)", sourceLocation: sourceLocation)
    return
  }
  let harmful = text.unicodeScalars.filter {
    $0 != "\n"
      && [.control, .format, .lineSeparator, .paragraphSeparator]
        .contains($0.properties.generalCategory)
  }
  #expect(
    harmful.isEmpty, "\(harmful.map { $0.escaped(asASCII: true) }) in \(text)",
    sourceLocation: sourceLocation)
}

/// The records of CSV as Python reads them, which takes no other form.
func readCSV(
  _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
) throws -> [[String]] {
  let read = try run(
    [
      "python3", "-c",
      """
      import csv, io, json, sys
      text = io.TextIOWrapper(sys.stdin.buffer, "utf-8", "strict", newline="")
      json.dump(list(csv.reader(text, strict=True)), sys.stdout)
      """,
    ], input: .bytes(bytes))
  #expect(read.outcome == .exited(0), "\(read.errorText)", sourceLocation: sourceLocation)
  let rows = try JSONSerialization.jsonObject(with: Data(read.output)) as? [[String]]
  return try #require(rows, sourceLocation: sourceLocation)
}
