// What is said of traffic, from samples as the kernel gave them.

import SocketCore
import Testing

@testable import BacklogLab

@Suite struct TrafficVerdictTests {
  /// Of a backlog of 16, of which the queue was so long and the 30th client was dropped.
  private func result(_ longest: Int, processors: Int, drops: Bool = true) -> TrafficResult {
    let lengths = [3, longest, 11]
    return TrafficResult(
      plan: TrafficPlan(asked: 16, acceptRate: 20, arrivalRate: 40, duration: .seconds(5)),
      surroundings: Surroundings(kernel: KernelVersion("6.18.44")),
      settings: QueueSettings(somaxconn: 4_096), listener: Endpoint(.v4(.loopback), 7_000),
      backlog: 16,
      samples: lengths.enumerated().map { place, length in
        TrafficSample(
          elapsed: .seconds(place), connects: 30 + place, accepted: 13, acceptQueue: length,
          backlog: 16, drops: 1, waiting: 1)
      }, clients: [], firstDrop: drops ? FirstDrop(connect: 30, time: .seconds(1)) : nil,
      measured: Readings(), duration: .seconds(5), lateTurns: 0, processors: processors)
  }

  /// The kernel looks whether there is room and adds a connection later: each processor but one may be
  /// in between. That is no failure, and it is said.
  @Test(arguments: [
    (17, 1, true, false), (17, 2, true, false), (18, 1, false, false), (18, 2, true, true),
    (19, 2, false, false), (19, 4, true, true), (16, 2, false, false),
  ])
  func processorsAtTheSameMoment(_ longest: Int, _ processors: Int, _ match: Bool, _ isRace: Bool) {
    let result = result(longest, processors: processors)
    #expect(result.match == match, "\(result.verdict)")
    let words =
      "; it held \(longest) for a while, as processors that let a connection in at the same"
    #expect(result.verdict.contains(words) == isRace, "\(result.verdict)")
    #expect(result.verdict.hasPrefix("the queue of 17 overflowed after 1 s") == match)
  }

  @Test func moreThanThatIsADifference() {
    #expect(
      result(19, processors: 2).verdict == "the queue held 19, more than its 17 places")
    #expect(
      result(16, processors: 2).verdict
        == "the listener dropped SYNs while the queue held at most 16 of 17")
  }
}
