// How a relay went and how it ended, in words and as JSON.

internal import CommandSpec
internal import Report
internal import SocketCore

extension RelayOutcome {
  /// The message for a relay that ran into a limit; nil for every other.
  ///
  /// - Parameters:
  ///   - input: what the source of what is sent is called; nil where it has no end.
  ///   - whole: how many bytes it has; nil where that is not known.
  func cutMessage(
    _ options: RelayOptions, input: String?, whole: Int?, peer: Endpoint
  ) -> String? {
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
    if let input, options.readsInput, !inputEnded { outstanding.append("\(input) has not ended") }
    if !peerEnded { outstanding.append("the peer has not ended its side") }
    if undelivered > 0 {
      outstanding.append("\(Units.plural(undelivered, "byte")) received but not written")
    }
    let sent =
      options.readsInput ? "\(acknowledgement(of: whole)), " : ""
    return "connection to \(peer) cut, \(reason): \(sent)"
      + "\(Units.plural(received + undelivered, "byte")) received"
      + (outstanding.isEmpty ? "" : "; " + outstanding.joined(separator: "; "))
  }

  /// How much of what was to be sent has arrived.
  func acknowledgement(of whole: Int?) -> String {
    "the peer acknowledged \(Units.count(acknowledged)) of \(Units.count(whole ?? read)) bytes"
      + (inputEnded || whole != nil ? "" : " read so far")
  }
}

extension Event {
  /// What happens during a relay.
  ///
  /// - Parameter asksForEnd: whether only a person at the keyboard can end it now.
  static func relay(_ event: RelayEvent, asksForEnd: Bool, number: Int?) -> Event {
    let fields: [(String, JSONValue)] = [("connection", .init(number ?? 1))]
    switch event {
    case .localEnded: return Event("local_eof", "", for: .programs, fields)
    case .peerEnded:
      return Event(
        "peer_eof", "the peer closed its side; Ctrl-D closes ours",
        for: asksForEnd ? .all : .programs, fields)
    case .failed(let errno):
      let isReset = errno == .connectionReset || errno == .brokenPipe
      return Event(
        isReset ? "reset" : "connection_lost", "", for: .programs,
        fields + [("errno", .init(errno.name))])
    case .progress(let sent, let received):
      return Event(
        "progress", "", for: .programs,
        fields + [("bytes_written", .init(sent)), ("bytes_received", .init(received))])
    // Told by whoever asked for it, as an interval.
    case .reading: return Event(nil, "", for: .programs)
    }
  }

  /// - Parameters:
  ///   - number: that of one connection of several, which gets a single line.
  ///   - context: what was sent.
  ///   - audience: whom the line is for.
  static func closed(
    _ ending: RelayEnding, local: Endpoint, peer: Endpoint, number: Int?,
    context: TransferContext = TransferContext(), for audience: Audience = .curious
  ) -> Event {
    let outcome = ending.outcome
    let info = outcome.info
    let lines = outcome.summary(context)
    let text =
      number == nil
      ? lines.joined(separator: "\n") : tag(number) + lines.prefix(2).joined(separator: "; ")
    return Event(
      "closed", text, for: audience,
      [
        ("connection", .init(number ?? 1)), ("local", local.json), ("peer", peer.json),
        (
          "class",
          .init(outcome.signal != nil ? "signal" : "\(ending.failure?.status.name ?? "done")")
        ),
        ("closed_first", .init(outcome.closedFirst?.rawValue)),
        ("reset_by", .init(outcome.resetBy?.rawValue)),
        ("peer_ended", .init(outcome.peerEnded)),
        ("elapsed_ns", .init(nanoseconds: outcome.elapsed)),
        ("first_byte_ns", .init(nanoseconds: outcome.firstByte)),
        ("acknowledged_after_ns", .init(nanoseconds: outcome.acknowledgedAfter)),
        ("bytes_read", .init(outcome.read)), ("bytes_written", .init(outcome.sent)),
        ("bytes_acknowledged", .init(outcome.acknowledged)),
        ("bytes_unacknowledged", .init(outcome.sent - outcome.acknowledged)),
        ("bytes_received", .init(outcome.received)),
        ("bytes_undelivered", .init(outcome.undelivered)),
        ("sent_by", outcome.sentBy.json), ("received_by", outcome.receivedBy.json),
        ("limited_by", .init(Slowness(outcome, context)?.reason.rawValue)),
        ("processor_user_us", .init(microseconds: outcome.processorTime?.user)),
        ("processor_system_us", .init(microseconds: outcome.processorTime?.system)),
        ("congestion_control", .init(outcome.congestionControl)),
        ("tcp_info", info?.json ?? .null),
      ])
  }
}

extension RelayOutcome {
  /// What moved, who ended it, and what the kernel measured, a line each.
  func summary(_ context: TransferContext) -> [String] {
    [traffic, end, ways, cost, path, slowness(context)].compactMap(\.self)
  }

  var traffic: String { traffic(isWhole: true) }

  /// - Parameter isWhole: whether what was sent is what was to be sent.
  func traffic(isWhole: Bool) -> String {
    let acknowledgement =
      switch acknowledged {
      case _ where sent == 0: ""
      case sent where isWhole:
        " (all acknowledged\(rate(of: sent, within: acknowledgedAfter ?? elapsed, after: ", ")))"
      default: " (\(Units.bytes(acknowledged)) acknowledged)"
      }
    let receivedRate = rate(of: received, within: elapsed, after: "")
    return "sent \(Units.bytes(sent))\(acknowledgement), received \(Units.bytes(received))"
      + (receivedRate.isEmpty ? "" : " (\(receivedRate))") + ", in \(Units.duration(elapsed))"
      + (firstByte.map { "; first byte after \(Units.duration($0))" } ?? "")
  }

  /// Which calls moved the bytes, where there were enough for that to matter.
  var ways: String? {
    let parts = [("sent by ", sentBy), ("received by ", receivedBy)].compactMap { verb, tally in
      tally.text.map { verb + $0 }
    }
    return sent + received >= 65_536 && !parts.isEmpty ? parts.joined(separator: ", ") : nil
  }

  /// Of what took long enough for a rate to say something.
  private func rate(of bytes: Int, within elapsed: Duration, after separator: String) -> String {
    guard bytes >= 65_536, elapsed > .zero else { return "" }
    return separator + Units.bitRate(Double(bytes) * 8e9 / Double(elapsed.nanoseconds))
  }

  private var end: String? {
    if let resetBy { return resetBy == .peer ? "ended by the peer's RST" : "ended by our RST" }
    switch (closedFirst, peerEnded) {
    case (.local, true): return "ended by our FIN, then the peer's"
    case (.local, false): return "our FIN was sent; the peer keeps its side open"
    case (.peer, _):
      return "ended by the peer's FIN\(hasEndedBoth ? ", then ours" : "; ours follows")"
    case (nil, _): return "no FIN yet on either side; closing sends ours"
    }
  }

  /// Whether our FIN went out too.
  private var hasEndedBoth: Bool {
    signal == nil && timeout == nil && connectionError == nil && localError == nil
  }

  private var path: String? {
    guard let info, info.roundTripTime > .zero else { return nil }
    let least = info.leastRoundTripTime.map { " (least \(Units.duration($0)))" } ?? ""
    let again =
      info.totalRetransmissions == 0
      ? "nothing retransmitted"
      : "\(Units.plural(info.totalRetransmissions, "segment")) retransmitted"
    let order =
      switch info.reorderings {
      case nil: ""
      case 0?: ", no reordering"
      case let count?: ", reordering seen \(Units.plural(count, "time"))"
      }
    return "round trip \(Units.duration(info.roundTripTime))\(least), "
      + "congestion window \(Units.plural(info.congestionWindow, "segment")), "
      + "MSS \(Units.plural(info.sendMSS, "byte"))"
      + (congestionControl.map { ", \($0)" } ?? "") + "; \(again)\(order)"
  }

  /// What it cost this end, where only this connection was at work.
  var cost: String? {
    guard let time = processorTime, sent + received >= 65_536 else { return nil }
    let perGiB = time.total / .seconds(1) / (Double(sent + received) / Double(1 << 30))
    return "processor \(Units.duration(time.total)) (\(Units.duration(time.user)) user, "
      + "\(Units.duration(time.system)) system)"
      + (sent + received >= 1 << 20
        ? ", \(Units.duration(.microseconds(Int64(perGiB * 1e6)))) a GiB" : "")
  }

  /// What kept it from being faster, where enough was sent for that to be a question.
  private func slowness(_ context: TransferContext) -> String? {
    sent >= 1 << 20 ? Slowness(self, context)?.sentence : nil
  }
}

extension CopyTally {
  /// The calls that moved something; nil where none did.
  fileprivate var text: String? {
    let used = CopyCall.allCases.filter { self[$0] > 0 }
    let parts = used.map { call in
      used.count == 1 ? call.text : "\(call.text) (\(Units.bytes(self[call])))"
    }
    return parts.isEmpty ? nil : parts.joined(separator: " and ")
  }

  /// The bytes under the call's name.
  var json: JSONValue {
    .object(CopyCall.allCases.filter { self[$0] > 0 }.map { ($0.rawValue, .init(self[$0])) })
  }
}

extension CopyCall {
  fileprivate var text: String {
    switch self {
    case .sendfile: "sendfile(2)"
    case .splice: "splice(2)"
    case .drop: "recv(2) with MSG_TRUNC"
    case .userspace: "a buffer"
    }
  }
}

extension TCPInfo {
  /// The fields under the kernel's names; null where this kernel does not tell.
  var json: JSONValue {
    [
      "state": .init("\(state.name)"), "rtt_us": .init(microseconds: roundTripTime),
      "rttvar_us": .init(microseconds: roundTripVariation),
      "min_rtt_us": .init(microseconds: leastRoundTripTime),
      "snd_cwnd": .init(congestionWindow), "snd_mss": .init(sendMSS), "rcv_mss": .init(receiveMSS),
      "pmtu": .init(pathMTU), "total_retrans": .init(totalRetransmissions),
      "reord_seen": .init(reorderings), "segs_out": .init(segmentsSent),
      "segs_in": .init(segmentsReceived), "bytes_sent": .init(bytesSent),
      "bytes_acked": .init(bytesAcknowledged), "bytes_received": .init(bytesReceived),
      "bytes_retrans": .init(bytesRetransmitted), "notsent_bytes": .init(bytesUnsent),
      "delivery_rate": .init(deliveryRate), "busy_time_us": .init(microseconds: busyTime),
      "snd_wnd": .init(peerWindow), "rcv_ssthresh": .init(receiveWindowLimit),
      "delivery_rate_app_limited": .init(isDeliveryRateApplicationLimited),
      "rwnd_limited_us": .init(microseconds: receiveWindowLimitedTime),
      "sndbuf_limited_us": .init(microseconds: sendBufferLimitedTime),
    ]
  }
}
