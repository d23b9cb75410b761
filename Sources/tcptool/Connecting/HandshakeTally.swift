// What many handshakes have in common: counts, loss, times.

internal import Report
internal import SocketCore

/// The sum of handshakes. It keeps 56 bytes of each, since percentiles and the plot need them all:
/// 4.8 MB a day at one a second.
struct HandshakeTally: Sendable {
  enum Kind: Hashable, Sendable {
    /// The first SYN was answered.
    case answered
    /// Connected, but the SYN had to be sent again. The time is that of the kernel's timers, and not
    /// of the network.
    case retransmitted
    case failed(ConnectFailure)
  }

  struct Record: Sendable {
    var number: Int
    var kind: Kind
    /// From connect(2) to the answer, or to the failure.
    var time: Duration
    /// As the kernel measured it.
    var roundTripTime: Duration?
  }

  private(set) var records: [Record] = []
  private(set) var synsSent = 0
  private(set) var synRetransmissions = 0
  private(set) var synsUnanswered = 0

  mutating func add(_ round: HandshakeRound) {
    synsSent += round.synsSent
    synRetransmissions += round.synRetransmissions
    synsUnanswered += round.synsUnanswered
    let record =
      switch round.outcome {
      case .connected(let measured):
        Record(
          number: round.number, kind: measured.synsSent > 1 ? .retransmitted : .answered,
          time: measured.time, roundTripTime: measured.roundTripTime)
      case .failed(let failed):
        Record(number: round.number, kind: .failed(failed.failure), time: failed.elapsed)
      }
    records.append(record)
  }

  var count: Int { records.count }
  var connected: Int { records.count { $0.isConnected } }
  var retransmitted: Int { records.count { $0.kind == .retransmitted } }
  func failed(_ failure: ConnectFailure) -> Int { records.count { $0.kind == .failed(failure) } }

  /// The failure that got least far: the worst that can be said. Nil where there is none.
  var worst: ConnectFailure? {
    records.lazy.compactMap { record in
      if case .failed(let failure) = record.kind { failure } else { nil }
    }.min()
  }

  /// The times of all that connected, in nanoseconds.
  var times: [Double] { records.filter(\.isConnected).map { Double($0.time.nanoseconds) } }

  /// The same without those that waited for a timer of the kernel to send the SYN again.
  var timesOfFirstSYN: [Double] {
    records.filter { $0.kind == .answered }.map { Double($0.time.nanoseconds) }
  }

  /// The kernel's measurements, in nanoseconds.
  var roundTripTimes: [Double] {
    records.compactMap(\.roundTripTime).map { Double($0.nanoseconds) }
  }
}

extension HandshakeTally.Record {
  var isConnected: Bool { kind == .answered || kind == .retransmitted }
}
