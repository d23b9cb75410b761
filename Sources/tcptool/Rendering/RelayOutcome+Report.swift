// A relay that a time limit has cut, in words: what was cut, and what was outstanding.

internal import CommandSpec
internal import Report
internal import SocketCore

extension RelayOutcome {
  /// The message for a relay that ran into a limit; nil for every other.
  func cutMessage(_ options: RelayOptions, peer: Endpoint) -> String? {
    let reason: String
    switch timeout {
    case nil: return nil
    case .idle:
      reason = "nothing moved for \((options.idleTimeout ?? .zero).argumentText) (--idle-timeout)"
    case .total:
      reason =
        "it was not over after \((options.totalTimeout ?? .zero).argumentText) (--total-timeout)"
    }
    var outstanding: [String] = []
    if options.readsInput && !inputEnded { outstanding.append("standard input has not ended") }
    if !peerEnded { outstanding.append("the peer has not ended its side") }
    if undelivered > 0 {
      outstanding.append("\(Units.plural(undelivered, "byte")) received but not written")
    }
    let sent =
      options.readsInput
      ? "the peer acknowledged \(Units.count(acknowledged)) of \(Units.count(read)) bytes"
        + "\(inputEnded ? "" : " read so far"), " : ""
    return "connection to \(peer) cut, \(reason): \(sent)"
      + "\(Units.plural(received + undelivered, "byte")) received"
      + (outstanding.isEmpty ? "" : "; " + outstanding.joined(separator: "; "))
  }
}
