// Fuzzes the reader of captures: lines that `states --save` and `states --json` wrote, or that only look so.

import KernelTables
import Report

@testable import tcptool

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCapture(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let text = unsafe UnsafeBufferPointer(start: start, count: count)
  var reader = SavedSocketReader(needs: .everything)
  var cutter = LineCutter(longest: 4_096)
  cutter.consume(unsafe text.span) { line, _ in check(line, &reader) }
  cutter.finish { line, _ in check(line, &reader) }
  return 0
}

/// A row that is written out and read again is the same row.
private func check(_ line: Span<UInt8>, _ reader: inout SavedSocketReader) {
  guard case .socket(let socket) = try? reader.read(line) else { return }
  let written = json(of: socket)
  var another = SavedSocketReader(needs: .everything)
  guard case .socket(let again) = try? another.read(Array(written.utf8).span) else {
    return check(false, "not read again: \(written)")
  }
  let rewritten = json(of: again)
  check(rewritten == written, "\(written) is read as \(rewritten)")
}

private func json(of socket: StatesRow) -> String {
  var context = StatesContext()
  context.isSaved = true
  context.showsSavedOwners = true
  let text = try? OutputBuffer.text { output throws(OutputError) in
    var writer = StatesWriter(
      .json, StatesColumn.all, display: Display(descriptor: -1), hasHeader: false, isWhole: true)
    try writer.write(socket, context, to: &output)
    try writer.finish(to: &output)
  }
  return text.map { String($0.dropLast()) } ?? ""
}

extension StatesColumn.Needs {
  fileprivate static let everything: Self = [
    .info, .memory, .congestionControl, .group, .owners,
  ]
}
