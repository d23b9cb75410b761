// Fuzzes the reader of JSON, which captures of the socket table go through.

import Report

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  let skipped = error { () throws(JSONError) in
    var scanner = JSONScanner()
    try scanner.skipValue(in: input.span)
    try scanner.finish(in: input.span)
    check(scanner.offset == input.count, "it ends at \(scanner.offset)")
  }
  var value = JSONValue.null
  let parsed = error { () throws(JSONError) in value = try JSONValue(parsing: input.span) }
  // Only where a value is wanted it is seen that a number is too large for one.
  check(
    skipped == nil ? parsed == nil || parsed?.reason == .badNumber : parsed != nil,
    "skipped: \(skipped as Any), read: \(parsed as Any)")
  for error in [skipped, parsed] {
    check((error?.offset).map { (0...count).contains($0) } ?? true, "the place of \(error as Any)")
  }
  guard parsed == nil else { return 0 }
  // What this program writes it reads as the same.
  let written = text(of: value)
  var again = ""
  check(
    error { () throws(JSONError) in
      again = text(of: try JSONValue(parsing: Array(written.utf8).span))
    } == nil, "not read again")
  check(again == written, written)
  return 0
}

private func text(of value: JSONValue) -> String {
  var bytes = ByteBuffer()
  value.append(to: &bytes)
  return bytes.text
}

private func error(_ body: () throws(JSONError) -> Void) -> JSONError? {
  do throws(JSONError) {
    try body()
    return nil
  } catch {
    return error
  }
}
