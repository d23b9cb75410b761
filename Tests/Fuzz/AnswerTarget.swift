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
  check(all == read(datagram, sequence, []), "what is wanted besides changes the rows")
  let foreign = read(datagram, sequence ^ 1, everything)
  check(
    !foreign.messages.contains { if case .row = $0 { true } else { false } }
      || foreign.messages.contains(.foreign),
    "a row of another question")
  for case .row(let row) in all.messages {
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
  var isMalformed = false
}

private func read(_ datagram: RawSpan, _ sequence: UInt32, _ wants: SocketWants) -> Answer {
  var answer = Answer()
  var reader = SockDiagReader(sequence: sequence, wants: wants)
  do throws(SystemCallError) {
    while let message = try reader.next(in: datagram) {
      answer.messages.append(message)
      // Each takes a header of 16 bytes.
      check(answer.messages.count <= datagram.byteCount / 16, "it walks on the spot")
      let details = reader.details
      if !wants.contains(.info) { check(details.info == nil, "unwanted TCP_INFO") }
      if let name = details.congestionControl {
        check(name.utf8.count <= 3 * datagram.byteCount, "the name is longer than the datagram")
      }
    }
  } catch {
    check(error.errno == .malformedMessage, "\(error)")
    answer.isMalformed = true
  }
  return answer
}
