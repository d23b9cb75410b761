// What the states mean, a sentence each: --explain.

internal import KernelTables
internal import SocketCore

extension TCPState {
  /// What it means that a socket is in this state, and who has to act next.
  var explanation: String {
    switch self {
    case .established: "the handshake is done and both ends may send."
    case .synSent: "connect(2) has sent its SYN and waits for the answer."
    case .synReceived:
      """
      a SYN came and was answered; the ACK that completes the handshake has not come, or was \
      dropped because the accept queue is full.
      """
    case .finWait1: "this end has closed or half-closed; its FIN is not acknowledged."
    case .finWait2:
      "this end has closed or half-closed and the peer knows; the peer has not closed yet."
    case .timeWait:
      """
      this end closed first and all is done; the 4-tuple is kept for 60 s so that late segments \
      meet no new connection.
      """
    case .closed: "the socket has an address and neither listens nor is connected."
    case .closeWait:
      "the peer has closed; the program here has not yet, and nothing else will do it."
    case .lastAck: "both ends have closed; the FIN of this one is not acknowledged."
    case .listen: "waits for connections; Recv-Q of them wait for accept(2)."
    case .closing: "both ends closed at the same time; the FIN of this one is not acknowledged."
    }
  }
}

extension SocketRole {
  /// What a role says beyond the state; nil for those of which the state says all.
  var explanation: String? {
    switch self {
    case .listener, .connecting, .connection, .closing, .timeWait, .bound: nil
    case .synQueue: "SYN queue: the handshake has no socket yet; its listener is on the same port."
    case .pendingAccept:
      """
      pending accept: the connection waits in its listener's accept queue, and no program has it \
      yet. Where these stay, the program accepts too slowly or not at all.
      """
    case .peerClosed:
      """
      EOF not read: the program has not read all that came, and so does not know yet \
      that the peer has closed.
      """
    case .leftOpen:
      """
      EOF read, not closed: the program has read the end of the stream and keeps the socket \
      open. Where these grow, it forgets to close.
      """
    case .orphan:
      "orphan: no program holds the socket; the kernel alone sends what is left and finishes."
    }
  }
}

/// What is said about the rows that were shown: the states in the kernel's order of numbers, then
/// the roles.
struct Explanations {
  private var states: Set<TCPState> = []
  private var roles: Set<String> = []
  private var lines: [String] = []

  mutating func add(_ row: SocketRow) {
    states.insert(row.state)
    let role = SocketRole(row)
    if let text = role.explanation, roles.insert("\(role.name)").inserted { lines.append(text) }
  }

  var text: [String] {
    TCPState.allCases.filter { states.contains($0) }.map { "\($0.name): \($0.explanation)" } + lines
  }
}
