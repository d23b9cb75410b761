// Fuzzes the reader of JSON, which captures of the socket table go through.

import Report

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let text = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  let skipped = error { () throws(JSONError) in
    var scanner = JSONScanner()
    try scanner.skipValue(in: text.span)
    try scanner.finish(in: text.span)
    check(scanner.offset == text.count, "it ends at \(scanner.offset)")
  }
  var value = JSONValue.null
  let parsed = error { () throws(JSONError) in value = try JSONValue(parsing: text.span) }
  // Only where a value is wanted it is seen that a number is too large for one.
  check(
    skipped == nil ? parsed == nil || parsed?.reason == .badNumber : parsed != nil,
    "skipped: \(skipped as Any), read: \(parsed as Any)")
  for error in [skipped, parsed] {
    check((error?.offset).map { (0...count).contains($0) } ?? true, "the place of \(error as Any)")
  }
  guard parsed == nil else { return 0 }
  // What this program writes it reads as the same.
  var written: [UInt8] = []
  value.append(to: &written)
  var again: [UInt8] = []
  check(
    error { () throws(JSONError) in
      try JSONValue(parsing: written.span).append(to: &again)
    } == nil, "not read again")
  check(again == written, "\(String(decoding: written, as: UTF8.self))")
  return 0
}

private func error(_ body: () throws(JSONError) -> Void) -> JSONError? {
  do throws(JSONError) {
    try body()
    return nil
  } catch {
    return error
  }
}
