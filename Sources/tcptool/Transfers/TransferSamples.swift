// The course of a transfer, in as many points as a chart can show.

internal import SocketCore

/// Readings at even distances. Where there are too many, each second one goes: totals lose nothing by
/// that, and rates become means over longer times.
struct TransferSamples {
  /// One reading, as far as it is drawn.
  struct Sample: Equatable {
    var elapsed: Duration
    /// Bytes so far.
    var bytes: Int
    var retransmissions: Int
    var roundTrip: Duration?
    /// Segments.
    var congestionWindow: Int?
    var unread: Int?
    var window: Int?
  }

  private(set) var all: [Sample]
  /// How many readings make a sample.
  private var stride = 1
  private var skipped = 0
  static let most = 2_000

  init() {
    all = [Sample(elapsed: .zero, bytes: 0, retransmissions: 0)]
  }

  mutating func add(_ reading: RelayReading, sends: Bool) {
    skipped += 1
    guard skipped == stride else { return }
    skipped = 0
    let path = reading.path
    all.append(
      Sample(
        elapsed: reading.elapsed, bytes: sends ? reading.acknowledged : reading.received,
        retransmissions: path.retransmissions, roundTrip: path.roundTrip,
        congestionWindow: path.congestionWindow, unread: reading.unread,
        window: path.receiveWindow))
    guard all.count > Self.most else { return }
    all = all.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
    stride *= 2
  }

  /// Adds the last reading. Where it comes soon after the one before it, it takes its place: a rate
  /// over next to no time is none.
  mutating func finish(_ reading: RelayReading, sends: Bool) {
    if all.count > 2, let last = all.last,
      (reading.elapsed - last.elapsed) * 2 < last.elapsed - all[all.count - 2].elapsed
    {
      all.removeLast()
    }
    skipped = stride - 1
    add(reading, sends: sends)
  }

  /// Bits a second from each sample to the next.
  var rates: [Double] { zip(all, all.dropFirst()).map { Self.rate(from: $0, to: $1) } }

  /// Bits a second over the last part of the time, at most so long.
  func rate(over time: Duration) -> Double {
    guard let last = all.last else { return 0 }
    let first = all.last { last.elapsed - $0.elapsed >= time } ?? all.first ?? last
    return Self.rate(from: first, to: last)
  }

  private static func rate(from first: Sample, to last: Sample) -> Double {
    let seconds = (last.elapsed - first.elapsed) / .seconds(1)
    return seconds > 0 ? Double(last.bytes - first.bytes) * 8 / seconds : 0
  }
}
