// System calls as lines for a person: what --trace writes.

internal import KernelTables
internal import Report
internal import SocketCore
internal import Synchronization

/// Tells each call as it is made.
final class CallNarration: Sendable {
  private let narrator: Narrator
  private let explains: Bool
  private let memory = Mutex(Memory())

  /// What has to be known from earlier calls.
  fileprivate struct Memory {
    var explained: Set<String> = []
    /// The 4-tuples by descriptor: a socket that was reset does not know its own any more.
    var connections: [Int32: FourTuple] = [:]
  }

  init(_ narrator: Narrator, explains: Bool) {
    self.narrator = narrator
    self.explains = explains
  }

  func tell(_ call: TracedCall) {
    narrator.tell(.call(call))
    let (isNew, closed) = memory.withLock { $0.note(call) }
    if explains, isNew, let sentence = call.explanation {
      narrator.tell(.explanation(sentence))
    }
    if let change = call.stateChange { narrator.tell(change) }
    if let closed { narrator.tell(closed.remainder()) }
  }
}

extension CallNarration.Memory {
  /// Takes a call in.
  ///
  /// - Returns: whether it is the first of its kind, and the connection that it closed.
  fileprivate mutating func note(_ call: TracedCall) -> (isNew: Bool, closed: FourTuple?) {
    if let made = call.made { connections[made.descriptor] = FourTuple(made) }
    if let socket = call.socket, let known = FourTuple(socket) {
      connections[socket.descriptor] = known
    }
    var closed: FourTuple?
    if call.name == "close", let descriptor = call.descriptor {
      closed = connections.removeValue(forKey: descriptor)
    }
    return (explained.insert(call.name).inserted, closed)
  }
}

/// The two ends of a connection.
struct FourTuple: Hashable, Sendable, CustomStringConvertible {
  var local: Endpoint
  var peer: Endpoint

  init?(_ socket: TracedSocket) {
    guard let local = socket.local, let peer = socket.peer else { return nil }
    self.local = local
    self.peer = peer
  }

  var description: String { "\(local) → \(peer)" }

  /// Ends a walk through the table.
  private struct Found: Error {
    var row: SocketRow
  }

  /// What the kernel's table holds of a closed connection now.
  func remainder() -> Event {
    func event(_ text: String, _ row: SocketRow?) -> Event {
      Event(
        "remainder", "    \(text)", for: .everybody, indent: 4,
        [
          ("local", local.json), ("peer", peer.json),
          ("state", .init(row.map { "\($0.state.name)" })),
          (
            "expires_ms",
            .init(
              row.flatMap { $0.shape == .timeWait ? $0.timerExpiry : nil }
                .map { $0.nanoseconds / 1_000_000 })
          ),
        ])
    }
    do throws(SystemCallError) {
      // A closed connection has no row in LISTEN. The kernel compares the ports itself, so that also
      // on a busy host few rows are left to read.
      var query = SocketQuery(states: Set(TCPState.allCases).subtracting([.listen]))
      query.selection = SockDiagSelection(
        states: query.states, localPort: local.port, peerPort: peer.port)
      let walked = try SocketTable.forEachRow(query) { row, _ throws(Found) in
        if local.isSame(asIn: row.local) && peer.isSame(asIn: row.peer) { throw Found(row: row) }
      }
      guard case .failure(let found) = walked else {
        return event("nothing is kept of \(self)", nil)
      }
      return event(
        "\(self) stays in \(found.row.state.name)\(rest(of: found.row))", found.row)
    } catch {
      return .note("    what is kept of \(self) is unknown: \(error)", for: .everybody)
    }
  }

  private func rest(of row: SocketRow) -> String {
    guard row.shape == .timeWait, let expiry = row.timerExpiry else { return "" }
    return " for \(Units.duration(expiry))"
  }
}

extension Endpoint {
  /// Whether a row's end is this one. Rows of /proc have no scope for link-local addresses.
  fileprivate func isSame(asIn row: Endpoint) -> Bool {
    row.unmapped == self || row == unscoped
  }
}

extension Event {
  fileprivate static func call(_ call: TracedCall) -> Event {
    Event(
      "call", call.line, for: .everybody, indent: 4,
      [
        ("call", .init(call.name)), ("descriptor", .init(call.descriptor)),
        ("arguments", .init(call.arguments)), ("result", .init(call.result)),
        ("errno", .init(call.errno?.name)), ("duration_ns", .init(nanoseconds: call.duration)),
        ("state_before", .init(call.stateBefore.map { "\($0.name)" })),
        ("state_after", .init(call.stateAfter.map { "\($0.name)" })),
      ])
  }

  fileprivate static func explanation(_ sentence: String) -> Event {
    Event(
      "explanation", "    \(sentence)", for: .everybody, indent: 4, [("text", .init(sentence))])
  }
}

extension TracedCall {
  /// The event of a socket that is in another state after the call; its line is the call's own.
  fileprivate var stateChange: Event? {
    let now = made?.state ?? stateAfter
    guard let now, now != stateBefore, stateBefore != nil || made != nil else { return nil }
    return Event(
      "state", "", for: .programs,
      [
        ("descriptor", .init(made?.descriptor ?? descriptor)),
        ("from", .init(made == nil ? stateBefore.map { "\($0.name)" } : nil)),
        ("to", .init("\(now.name)")), ("cause", .init(name)),
      ])
  }

  /// `listen(3, 10) = 0      4.2 µs  CLOSE → LISTEN`, in columns that leave room for the states.
  var line: String {
    let operands = [descriptor.map { "\($0)" }, arguments.isEmpty ? nil : arguments]
      .compactMap(\.self).joined(separator: ", ")
    let call = "\(name)(\(operands)) = \(result)" + (errno.map { " \($0.name)" } ?? "")
    let tenths = (duration.nanoseconds + 50) / 100
    let time = "\(tenths / 10).\(tenths % 10) µs"
    var text = call + blanks(44 - call.count) + blanks(9 - time.count) + " " + time
    if let states { text += "  \(states)" }
    if name == "accept4", let made, let tuple = FourTuple(made) {
      let state = made.state.map { ", \($0.name)" } ?? ""
      text += "\n    \(made.descriptor) is a new socket: \(tuple)\(state)"
    }
    return text
  }

  private func blanks(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

  /// The state, or the two of a call that changed it.
  private var states: String? {
    guard let before = stateBefore else { return made?.state.map { "\($0.name)" } }
    guard let after = stateAfter, after != before else { return "\(before.name)" }
    return "\(before.name) → \(after.name)"
  }

  /// What calls of this kind do, for somebody who learns.
  var explanation: String? {
    switch name {
    case "socket":
      "Makes an endpoint without address or queue; the number it returns stands for it from now on."
    case "setsockopt":
      "Changes one setting of the socket; what is to hold for the handshake is set before it."
    case "getsockopt":
      "Reads a setting back: in brackets what the kernel made of it. SO_ERROR is how a connect ended."
    case "bind":
      "Reserves the local address and port; port 0 lets the kernel choose. Nothing is sent."
    case "listen":
      """
      Gives the socket its accept queue, bounded by the backlog; from now on the kernel answers \
      SYNs by itself.
      """
    case "accept4":
      """
      Takes the oldest finished handshake off the accept queue as a socket of its own; the listener \
      stays in LISTEN.
      """
    case "connect":
      """
      Chooses a local port, sends the SYN and returns (EINPROGRESS); the kernel finishes the \
      handshake, or sends the SYN again.
      """
    case "send":
      """
      Copies bytes into the send buffer; the kernel sends them as the peer's window allows and keeps \
      them until they are acknowledged.
      """
    case "recv":
      """
      Takes bytes out of the receive buffer, which opens the window again. 0 is the peer's FIN, \
      EAGAIN an empty buffer.
      """
    case "sendfile":
      """
      Puts pages of a file into the send buffer without copying them; the rest is as with send(2).
      """
    case "splice":
      """
      Moves bytes between the connection and a pipe without copying them: into the send buffer, or \
      out of the receive buffer. 0 is the end, EAGAIN that one of the two is not ready.
      """
    case "recvmsg":
      "Asks the socket's error queue for an ICMP message about the handshake; EAGAIN means none came."
    case "shutdown":
      "Puts a FIN behind what is in the send buffer; the receive buffer stays in use."
    case "close":
      """
      Gives the descriptor back. An open connection ends with FIN, or with RST if unread bytes are \
      in the receive buffer. TIME_WAIT is kept apart from the socket, which only says CLOSE.
      """
    default: nil
    }
  }
}
