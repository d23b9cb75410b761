// Repeated handshakes: when they begin, and what each came to.

import Glibc
import TestSupport
import Testing

@testable import SocketCore

struct TickTests {
  private static func at(_ milliseconds: Int64) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
  }

  /// Each row: when the work at a tick was done, the tick that follows, and what was left out by then.
  @Test(arguments: [
    // In time, exactly at the next tick, and a little past it.
    [(3, 10, 0), (12, 20, 0)], [(10, 10, 0)], [(11, 20, 1)],
    // Late by several: no burst afterwards.
    [(35, 40, 3), (41, 50, 3), (75, 80, 5)],
    // Before the start, as a clock that is set by a test may be.
    [(-5, 10, 0)],
  ])
  func `the next tick is never past`(_ rows: [(done: Int, next: Int, missed: Int)]) {
    var ticks = Ticks(from: Self.at(0), every: .milliseconds(10))
    #expect(ticks.due == Self.at(0))
    for row in rows {
      ticks.advance(past: Self.at(Int64(row.done)))
      #expect(ticks.due == Self.at(Int64(row.next)))
      #expect(ticks.missed == row.missed)
    }
  }

  /// A thousand delays of almost an interval do not add up.
  @Test func `ticks do not drift`() {
    var ticks = Ticks(from: Self.at(7), every: .milliseconds(10))
    for _ in 0..<1_000 {
      ticks.advance(past: ticks.due + .nanoseconds(9_999_999))
    }
    #expect(ticks.due == Self.at(10_007))
    #expect(ticks.missed == 0)
  }

  @Test func `long intervals do not overflow`() {
    var ticks = Ticks(from: Self.at(5), every: .nanoseconds(Int64.max))
    ticks.advance(past: Self.at(6))
    ticks.advance(past: Self.at(7))
    #expect(ticks.due.nanoseconds == .max)
    var shortest = Ticks(from: Self.at(0), every: .zero)
    shortest.advance(past: Self.at(1))
    #expect(shortest.due == Self.at(1))
  }
}

struct HandshakeSeriesTests {
  /// Runs a series to its end.
  private static func run(_ plan: HandshakeSeries.Plan) throws -> (
    rounds: [HandshakeRound], missedTicks: Int
  ) {
    var loop = try ReadinessLoop()
    var series = HandshakeSeries(plan)
    var rounds: [HandshakeRound] = []
    while let next = series.next {
      _ = try loop.wait(until: next)
      guard case .round(let round) = try series.handshake(loop: &loop) else {
        throw TestFailure("a signal")
      }
      rounds.append(round)
    }
    return (rounds, series.missedTicks)
  }

  @Test(arguments: [IPAddress.v4(.loopback), .v6(.loopback)])
  func `each is measured, and closed with FIN`(address: IPAddress) throws {
    let listener = try Listener(on: Endpoint(address, 0))
    let plan = HandshakeSeries.Plan(
      targets: [listener.local], count: 3, interval: .milliseconds(2), timeout: .seconds(30))
    let (rounds, _) = try Self.run(plan)
    #expect(rounds.map(\.number) == [1, 2, 3])
    var locals: Set<Endpoint> = []
    for round in rounds {
      let measured = try #require(round.connected)
      #expect(measured.peer == listener.local)
      #expect(measured.time > .zero)
      let roundTrip = try #require(measured.roundTripTime)
      #expect(roundTrip > .zero)
      #expect(measured.synsSent == 1)
      #expect(round.synsSent == 1 && round.synRetransmissions == 0 && round.synsUnanswered == 0)
      #expect(round.failures.isEmpty)
      locals.insert(measured.local)
      // FIN: the end is read; RST would be an error.
      let peer = try Peer(acceptedBy: listener)
      #expect(try peer.readToEnd() == [])
    }
    #expect(locals.count == 3)
    #expect(zip(rounds, rounds.dropFirst()).allSatisfy { $0.began < $1.began })
  }

  @Test func `a refusal is an answer`() throws {
    let target = Endpoint(.v4(.loopback), try unusedPort())
    let (rounds, missed) = try Self.run(
      .init(targets: [target], count: 2, interval: .milliseconds(200), timeout: .seconds(30)))
    #expect(missed == 0)
    #expect(rounds.count == 2)
    for round in rounds {
      guard case .failed(let failed) = round.outcome else {
        Issue.record("\(round)")
        continue
      }
      #expect(failed.failure == .refused)
      #expect(round.connected == nil)
      #expect(round.synsSent == 1 && round.synsUnanswered == 0 && round.synRetransmissions == 0)
    }
  }

  /// A handshake that takes longer than the interval is followed by the next tick, not by a burst.
  @Test func `ticks that pass are left out`() throws {
    var options = Listener.Options()
    options.backlog = 0
    let listener = try Listener(on: Endpoint(.v4(.loopback), 0), options)
    let waiting = try ConnectAttempt(to: listener.local)
    #expect(eventually { (try? waiting.state()) == .established })
    let (rounds, missed) = try Self.run(
      .init(
        targets: [listener.local], count: 2, interval: .milliseconds(10),
        timeout: .milliseconds(105)))
    #expect(rounds.map(\.number) == [1, 2])
    // At 110 ms or later; what passed after the last one is not counted.
    #expect(rounds[1].began >= .milliseconds(110))
    #expect(missed >= 10)
    #expect(missed <= Int(rounds[1].began.nanoseconds / 10_000_000) - 1)
    for round in rounds {
      guard case .failed(let failed) = round.outcome else {
        Issue.record("\(round)")
        continue
      }
      #expect(failed.failure == .noAnswer)
      #expect(failed.elapsed >= .milliseconds(105))
      #expect(round.synsSent >= 1 && round.synsUnanswered == round.synsSent)
      #expect(round.synRetransmissions == round.synsSent - 1)
    }
    withExtendedLifetime(waiting) {}
  }

  // MARK: Counting SYNs

  private static let place = Endpoint(.v4(.loopback), 80)

  private static func failure(_ errno: Errno, syns: Int?) -> FailedAttempt {
    FailedAttempt(
      target: place, error: SystemCallError("connect", "to \(place)", errno), elapsed: .seconds(1),
      synsSent: syns)
  }

  private static func connected(syns: Int) -> HandshakeRound.Outcome {
    .connected(
      MeasuredHandshake(
        local: place, peer: place, time: .seconds(1), roundTripTime: nil, synsSent: syns))
  }

  @Test(
    arguments: [
      (connected(syns: 3), [], 3, 2, 2),
      (.failed(failure(.timedOut, syns: 4)), [failure(.timedOut, syns: 4)], 4, 3, 4),
      (
        .failed(failure(.connectionRefused, syns: 2)), [failure(.connectionRefused, syns: 2)], 2, 1,
        1
      ),
      // connect(2) had its answer before it returned, or sent nothing.
      (
        .failed(failure(.connectionRefused, syns: nil)), [failure(.connectionRefused, syns: nil)],
        1, 0, 0
      ),
      (
        .failed(failure(.networkUnreachable, syns: nil)), [failure(.networkUnreachable, syns: nil)],
        0, 0, 0
      ),
      // Another address was connected.
      (
        connected(syns: 1), [failure(.hostUnreachable, syns: 2), failure(.timedOut, syns: 3)], 6, 3,
        4
      ),
    ] as [(HandshakeRound.Outcome, [FailedAttempt], Int, Int, Int)])
  func `SYNs are counted`(
    outcome: HandshakeRound.Outcome, failures: [FailedAttempt], sent: Int, again: Int,
    unanswered: Int
  ) {
    let round = HandshakeRound(number: 1, began: .zero, outcome: outcome, failures: failures)
    #expect(round.synsSent == sent)
    #expect(round.synRetransmissions == again)
    #expect(round.synsUnanswered == unanswered)
  }
}
