// The states' names and numbers are the kernel's.

import Glibc
import SocketCore
import Testing

struct TCPStateTests {
  @Test(
    arguments: zip(
      TCPState.allCases,
      [
        ("ESTABLISHED", TCP_ESTABLISHED), ("SYN_SENT", TCP_SYN_SENT), ("SYN_RECV", TCP_SYN_RECV),
        ("FIN_WAIT1", TCP_FIN_WAIT1), ("FIN_WAIT2", TCP_FIN_WAIT2), ("TIME_WAIT", TCP_TIME_WAIT),
        ("CLOSE", TCP_CLOSE), ("CLOSE_WAIT", TCP_CLOSE_WAIT), ("LAST_ACK", TCP_LAST_ACK),
        ("LISTEN", TCP_LISTEN), ("CLOSING", TCP_CLOSING),
      ]))
  func `a state is named and numbered as in the kernel`(
    state: TCPState, expected: (name: String, number: Int)
  ) {
    #expect("\(state.name)" == expected.name)
    #expect(Int(state.rawValue) == expected.number)
  }

  @Test func `there are eleven states`() {
    #expect(TCPState.allCases.count == 11)
    #expect(TCPState(rawValue: 0) == nil)
    #expect(TCPState(rawValue: 12) == nil)
  }
}
