// Text from outside (a peer, a file name, a process name) made harmless for a terminal.

/// The text with everything invisible spelled out, so that it cannot move the cursor, colour the
/// screen, break a line or reorder its neighbours.
///
/// `\t`, `\n` and `\r` stand for these three, `\x1b` for the other ASCII controls, `\u{9b}` for C1
/// controls, line and paragraph separators and format characters (bidirectional overrides,
/// zero-width characters). A backslash stays as it is.
public func sanitized(_ text: String) -> String {
  if text.utf8.allSatisfy(isPlain) { return text }
  var safe = ""
  for scalar in text.unicodeScalars { appendVisibly(scalar, to: &safe) }
  return safe
}

/// The bytes as text, with everything invisible spelled out as for text, and every byte that is
/// not part of valid UTF-8 as `\xff`.
public func sanitized(_ bytes: [UInt8]) -> String {
  if let text = String(validating: bytes, as: UTF8.self) { return sanitized(text) }
  var safe = ""
  var rest = bytes[...]
  while let first = rest.first {
    let length = max(1, (~first).leadingZeroBitCount)  // the length that a lead byte announces
    if let text = String(validating: rest.prefix(length), as: UTF8.self) {
      for scalar in text.unicodeScalars { appendVisibly(scalar, to: &safe) }
      rest = rest.dropFirst(length)
    } else {
      safe += "\\x" + hexadecimal(UInt32(first), digits: 2)
      rest = rest.dropFirst()
    }
  }
  return safe
}

/// The text as a field of a table for spreadsheets: of one that they would take for a formula, and
/// so would run, the first character is spelled out like what a terminal would obey. `=1+1` becomes
/// `\x3d1+1`.
///
/// Formulas begin with one of `=+-@`, or with its full width form. A single character is none.
public func withoutFormula(_ text: String) -> String {
  guard let first = text.unicodeScalars.first, "=+-@＝＋－＠".unicodeScalars.contains(first),
    text.unicodeScalars.count > 1
  else { return text }
  let code =
    first.isASCII
    ? "\\x" + hexadecimal(first.value, digits: 2)
    : "\\u{" + hexadecimal(first.value, digits: 0) + "}"
  return code + text.unicodeScalars.dropFirst().reduce(into: "") { $0.unicodeScalars.append($1) }
}

extension ByteBuffer {
  /// Appends the same, without making a String of bytes that need nothing.
  public mutating func append(sanitized bytes: [UInt8]) {
    if bytes.allSatisfy(isPlain) {
      append(bytes.span)
    } else {
      self += Report.sanitized(bytes).utf8
    }
  }
}

private func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x7f }

private func appendVisibly(_ scalar: Unicode.Scalar, to text: inout String) {
  switch scalar {
  case "\t": text += "\\t"
  case "\n": text += "\\n"
  case "\r": text += "\\r"
  case _ where scalar.isASCII:
    if isPlain(UInt8(ascii: scalar)) {
      text.unicodeScalars.append(scalar)
    } else {
      text += "\\x" + hexadecimal(scalar.value, digits: 2)
    }
  default:
    if isInvisible(scalar) {
      text += "\\u{" + hexadecimal(scalar.value, digits: 0) + "}"
    } else {
      text.unicodeScalars.append(scalar)
    }
  }
}

/// Controls, separators of lines, and format characters: what acts on a terminal or on its
/// neighbours instead of being seen.
func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator: true
  default: false
  }
}

/// Lower-case digits, at least as many as asked.
func hexadecimal(_ value: UInt32, digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
