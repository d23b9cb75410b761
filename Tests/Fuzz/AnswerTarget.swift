// Fuzzes the reader of sock_diag's answers: any bytes as one datagram.

import SocketCore

@testable import KernelTables

/// The input is the datagram; the question's number is that of its first message.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzAnswer(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let datagram = unsafe RawSpan(_unsafeStart: start, byteCount: count)
  var sequence: UInt32 = 7
  if count >= 12 {
    sequence = unsafe datagram.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt32.self)
  }
  let everything: SocketWants = [.info, .memory, .congestionControl, .controlGroup]
  let all = read(datagram, sequence, everything)
  let rows = read(datagram, sequence, [])
  check(
    all.messages == rows.messages && all.rows == rows.rows,
    "what is wanted besides changes the rows")
  check(!all.isMalformed || rows.isMalformed, "malformed")
  // A reader goes on from datagram to datagram, and keeps nothing of a row for the next one.
  var reader = SockDiagReader(sequence: sequence, wants: everything)
  if !all.isMalformed {
    _ = read(datagram, &reader, everything)
    check(read(datagram, &reader, everything) == all, "a second look finds something else")
  }
  let foreign = read(datagram, sequence ^ 1, everything)
  check(foreign.rows.isEmpty || foreign.messages.contains(.foreign), "a row of another question")
  for row in all.rows {
    check(
      row.local.address.isIPv6 == (row.family == .v6)
        && row.peer.address.isIPv6 == (row.family == .v6), "family")
    check((row.backlog != nil) == (row.state == .listen), "backlog")
    check((row.uid != nil) == (row.shape == .full), "uid")
    check((row.timerExpiry == nil) == (row.timer == .none), "timer")
    _ = SocketRole(row)
  }
  return 0
}

private struct Answer: Equatable {
  var messages: [SockDiagMessage] = []
  var rows: [SocketRow] = []
  /// What came with each row, as text.
  var details: [String] = []
  var isMalformed = false
}

private func read(_ datagram: RawSpan, _ sequence: UInt32, _ wants: SocketWants) -> Answer {
  var reader = SockDiagReader(sequence: sequence, wants: wants)
  return read(datagram, &reader, wants)
}

private func read(
  _ datagram: RawSpan, _ reader: inout SockDiagReader, _ wants: SocketWants
) -> Answer {
  var answer = Answer()
  do throws(SystemCallError) {
    while let message = try reader.next(in: datagram) {
      answer.messages.append(message)
      // Each takes a header of 16 bytes.
      check(answer.messages.count <= datagram.byteCount / 16, "it walks on the spot")
      guard case .row = message else { continue }
      let details = reader.entry.details
      answer.rows.append(reader.entry.row)
      answer.details.append(
        "\(details.cookie as Any) \(details.controlGroup as Any) \(details.memory as Any) "
          + "\(details.shutdown?.rawValue as Any) \(details.congestionControl as Any) "
          + "\(details.info?.roundTripTime as Any) \(details.info?.bytesSent as Any)")
      if !wants.contains(.info) { check(details.info == nil, "unwanted TCP_INFO") }
    }
  } catch {
    check(error.errno == .malformedMessage, "\(error)")
    answer.isMalformed = true
  }
  return answer
}
