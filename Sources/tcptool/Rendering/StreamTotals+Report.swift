// The sums of several streams, in words and as JSON.

internal import Report
internal import SocketCore

extension Event {
  static func streams(_ totals: StreamTotals) -> Event {
    let whole = totals.whole
    func json(_ stream: StreamTotals.Stream?) -> JSONValue {
      guard let stream else { return .null }
      return [
        "connection": .init(stream.number),
        "bits_per_second": .init(Int(totals.rate(of: stream).rounded())),
      ]
    }
    return Event(
      "streams", totals.lines.joined(separator: "\n"),
      [
        ("streams", .init(totals.count)), ("connections", .init(totals.streams.count)),
        ("failed", .init(totals.streams.count { $0.failure != nil })),
        ("elapsed_ns", .init(nanoseconds: whole.elapsed)),
        ("acknowledged_after_ns", .init(nanoseconds: whole.acknowledgedAfter)),
        ("bytes_read", .init(whole.read)), ("bytes_written", .init(whole.sent)),
        ("bytes_acknowledged", .init(whole.acknowledged)),
        ("bytes_received", .init(whole.received)),
        ("bits_per_second", .init(Int(totals.rate.rounded()))),
        ("slowest", json(totals.extremes?.slowest)), ("fastest", json(totals.extremes?.fastest)),
        ("segments_retransmitted", .init(totals.retransmissions)),
        ("sent_by", whole.sentBy.json), ("received_by", whole.receivedBy.json),
        ("limited_by", .init(totals.slowness?.reason.rawValue)),
        ("processor_user_us", .init(microseconds: whole.processorTime?.user)),
        ("processor_system_us", .init(microseconds: whole.processorTime?.system)),
      ])
  }
}

extension StreamTotals {
  fileprivate var lines: [String] {
    let isWhole = streams.allSatisfy { $0.failure == nil }
    return [
      "\(Units.plural(streams.count, "stream")): \(whole.traffic(isWhole: isWhole))", spread,
      whole.ways, whole.cost,
      again, whole.sent >= 1 << 20 ? slowness?.sentence : nil,
    ].compactMap(\.self)
  }

  private var spread: String? {
    guard bytes >= 65_536, let extremes else { return nil }
    func text(_ stream: Stream) -> String {
      "#\(stream.number) with \(Units.bitRate(rate(of: stream)))"
    }
    return "slowest \(text(extremes.slowest)), fastest \(text(extremes.fastest))"
  }

  private var again: String? {
    guard sends, whole.sent > 0 else { return nil }
    guard retransmissions > 0 else { return "nothing retransmitted" }
    let most = streams.max {
      $0.outcome.info?.totalRetransmissions ?? 0 < $1.outcome.info?.totalRetransmissions ?? 0
    }
    return "\(Units.plural(retransmissions, "segment")) retransmitted"
      + (most.map { stream in
        ", \(Units.count(stream.outcome.info?.totalRetransmissions ?? 0)) of them by #\(stream.number)"
      } ?? "")
  }
}
