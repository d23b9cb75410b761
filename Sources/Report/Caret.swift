// A place in a line of text, shown by a mark under it.

/// The text in one line, and below it a line with `^` under a part of it.
///
/// What is invisible in the text is spelled out first, and wide characters are known to take two
/// cells, so that the marks stand where they belong. A text that is wider than `width` is cut around
/// the part, with `...` where something is missing.
///
/// - Parameters:
///   - range: Bytes of the text's UTF-8. Where it is empty one mark stands at its place.
///   - width: How many cells a line may take; at least 20 are taken.
public func pointed(_ text: String, at range: Range<Int>, width: Int) -> (String, String) {
  let pieces = text.unicodeScalars.map { Piece($0) }
  // The pieces of the part, by their numbers.
  var (first, last) = (pieces.count, pieces.count)
  var byte = 0
  for (number, piece) in pieces.enumerated() {
    if byte >= range.lowerBound { first = min(first, number) }
    byte += piece.bytes
    if byte >= range.upperBound { last = min(last, number + 1) }
  }
  last = max(first, range.isEmpty ? first : last)

  let dots = "..."
  // One cell for a mark behind the text.
  let room = max(20, width) - 1
  var shown = pieces.indices
  if cells(pieces[...]) > room {
    // A third of the room is for what stands before the part, where there is so much.
    let rest = room - 2 * dots.count
    var start = first
    var used = 0
    while start > 0, used + pieces[start - 1].cells <= rest / 3 {
      start -= 1
      used += pieces[start].cells
    }
    var end = start
    used = 0
    while end < pieces.count, used + pieces[end].cells <= rest {
      used += pieces[end].cells
      end += 1
    }
    while start > 0, used + pieces[start - 1].cells <= rest {
      start -= 1
      used += pieces[start].cells
    }
    shown = start..<end
  }
  let before = shown.lowerBound > 0 ? dots : ""
  let after = shown.upperBound < pieces.count ? dots : ""
  let line = before + pieces[shown].map(\.text).joined() + after
  let marked = max(first, shown.lowerBound)..<max(first, min(last, shown.upperBound))
  let indent = before.count + cells(pieces[shown.lowerBound..<marked.lowerBound])
  return (
    line,
    String(repeating: " ", count: indent)
      + String(repeating: "^", count: max(1, cells(pieces[marked])))
  )
}

/// A scalar as it is shown.
private struct Piece {
  let text: String
  let bytes: Int
  let cells: Int

  init(_ scalar: Unicode.Scalar) {
    text = sanitized(String(scalar))
    bytes = UTF8.width(scalar)
    cells = text.unicodeScalars.reduce(0) { $0 + cellCount($1) }
  }
}

private func cells(_ pieces: ArraySlice<Piece>) -> Int { pieces.reduce(0) { $0 + $1.cells } }

/// How many cells of a terminal a scalar takes: none for a mark over the one before it, two where
/// East Asian Width (Unicode's UAX 11) is W or F, coarsely.
func cellCount(_ scalar: Unicode.Scalar) -> Int {
  if scalar.isASCII { return 1 }
  switch scalar.properties.generalCategory {
  case .nonspacingMark, .enclosingMark: return 0
  default: break
  }
  let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97C,
    0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6,
    0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF, 0x20000...0x3FFFD,
  ]
  return wide.contains { $0.contains(scalar.value) } ? 2 : 1
}
