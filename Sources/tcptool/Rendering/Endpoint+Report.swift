// A row of the socket table as text and as JSON.

internal import KernelTables
internal import Report
internal import SocketCore

extension Endpoint {
  var json: JSONValue { ["address": .init(address.description), "port": .init(port)] }
}

extension SocketRow {
  /// State, Recv-Q, Send-Q, local, peer.
  var cells: [Table.Cell] {
    [
      .init("\(state.name)", ink), .init(String(receiveQueue)),
      .init(sendQueueText),
      .init(local.unmapped.description), .init(peerText),
    ]
  }

  /// What ss(8) has there too: for a listener the backlog in force.
  private var sendQueueText: String {
    guard state == .listen else { return String(sendQueue) }
    return backlog.map { String($0) } ?? "-"
  }

  private var ink: Style.Ink? {
    switch state {
    case .listen: .cyan
    case .established: .green
    case .synSent, .synReceived, .closeWait: .magenta
    default: nil
    }
  }

  /// A listener has no peer: any address, any port.
  private var peerText: String {
    guard peer.port == 0 else { return peer.unmapped.description }
    let text = peer.unmapped.description
    return text.dropLast() + "*"
  }

  private var timerName: String? {
    switch timer {
    case .none: nil
    case .retransmit: "retransmit"
    case .keepalive: "keepalive"
    case .timeWait: "time_wait"
    case .zeroWindowProbe: "zero_window_probe"
    case .other(let number): "\(number)"
    }
  }

  var json: JSONValue {
    [
      "schema": "tcptool/1", "record": "socket", "family": family == .v4 ? "ipv4" : "ipv6",
      "state": .init("\(state.name)"), "local": local.unmapped.json, "peer": peer.unmapped.json,
      "recv_queue": .init(receiveQueue), "send_queue": state == .listen ? nil : .init(sendQueue),
      "backlog": .init(backlog),
      "uid": .init(uid), "inode": .init(inode),
      "timer": [
        "kind": .init(timerName),
        "expires_ms": .init(timerExpiry.map { $0.nanoseconds / 1_000_000 }),
        "retransmits": .init(retransmissions),
      ],
    ]
  }
}
