// What is advised, row by row of the rules.

import Testing

@testable import BacklogLab

@Suite struct AdviceRules {
  private static func settings(
    somaxconn: Int = 4_096, most: Int? = 2_048, cookies: Int? = 1, abort: Int? = 0
  ) -> QueueSettings {
    QueueSettings(
      somaxconn: somaxconn, tcpMaxSynBacklog: most, tcpSyncookies: cookies,
      tcpAbortOnOverflow: abort)
  }

  @Test(
    arguments: [
      (0, 4_096, nil), (128, 4_096, nil), (4_096, 4_096, nil), (0, 0, nil),
      (5_000, 4_096, "the 5000 that was asked for is not in force: raise net.core.somaxconn"),
      (128, 16, "the 128 that was asked for is not in force"),
      (
        -1, 4_096, "listen(2) reads -1 as 4294967295, so that net.core.somaxconn, 4096, is in force"
      ),
      (.min, 16, "listen(2) reads -2147483648 as 2147483648, so that net.core.somaxconn, 16"),
    ] as [(Int32, Int, String?)])
  func aBacklogThatIsNotInForce(_ asked: Int32, _ somaxconn: Int, _ start: String?) {
    let advice = Advice.clamped(asked: asked, settings: Self.settings(somaxconn: somaxconn))
    #expect(advice.count == (start == nil ? 0 : 1))
    if let start { #expect(advice.first?.hasPrefix(start) == true, "\(advice)") }
  }

  /// held, drops, backlog, tcp_max_syn_backlog, tcp_syncookies → the value that would do.
  @Test(
    arguments: [
      (1_537, 100, 4_096, 2_048, 0, 5_461), (7, 22, 128, 8, 0, 170), (7, 15, 7, 8, 0, 9),
      // The queue's own size came first.
      (129, 32, 128, 2_048, 0, nil),
      // With cookies the setting is not looked at.
      (129, 0, 128, 8, 1, nil), (0, 0, 128, 8, 2, nil),
      // It was not full.
      (7, 0, 128, 8, 0, nil),
    ] as [(Int, Int, Int, Int, Int, Int?)])
  func aSYNQueueThatEndsEarly(
    _ held: Int, _ drops: Int, _ backlog: Int, _ most: Int, _ cookies: Int, _ wanted: Int?
  ) {
    let advice = Advice.synQueue(
      held: held, drops: drops, backlog: backlog,
      settings: Self.settings(most: most, cookies: cookies))
    #expect(advice.count == (wanted == nil ? 0 : 1))
    guard let wanted else { return }
    #expect(advice.first?.contains("raise it to at least \(wanted),") == true, "\(advice)")
    // What is advised is enough, and one less is not.
    func capacity(_ most: Int) -> Int? {
      QueueRules.synQueueCapacity(
        backlog: backlog, settings: Self.settings(most: most, cookies: 0))
    }
    #expect(capacity(wanted) == backlog + 1)
    #expect((capacity(wanted - 1) ?? 0) < backlog + 1)
  }

  @Test(
    arguments: [
      (0, 0, []), (1, 0, ["1 client believes that it is connected"]),
      (26, 0, ["26 clients believe that they are connected"]), (0, 5, ["expect ghosts"]),
      (3, 5, ["3 clients believe", "expect ghosts"]),
    ] as [(Int, Int, [String])])
  func clientsThatAreConnectedToNothing(_ finalACKs: Int, _ cookies: Int, _ starts: [String]) {
    let advice = Advice.ghosts(finalACKs: finalACKs, cookies: cookies)
    #expect(advice.count == starts.count)
    for (line, start) in zip(advice, starts) { #expect(line.hasPrefix(start)) }
  }

  @Test(arguments: [(0, 5, 0), (1, 0, 0), (1, 5, 1), (nil, 5, 0)] as [(Int?, Int, Int)])
  func aSettingThatDoesLessThanIsExpected(_ abort: Int?, _ drops: Int, _ count: Int) {
    #expect(Advice.abort(Self.settings(abort: abort), drops: drops).count == count)
  }

  /// backlog, arrivals, accepts → seconds.
  @Test(
    arguments: [
      (128, 600.0, 100.0, "0.26"), (99, 200, 100, "1"), (4_095, 1_000, 0, "4.1"),
      (5, 100, 100, nil), (5, 50, 100, nil),
    ] as [(Int, Double, Double, String?)])
  func aBurst(_ backlog: Int, _ arrivals: Double, _ accepts: Double, _ seconds: String?) {
    let advice = Advice.burst(backlog: backlog, arrivals: arrivals, accepts: accepts)
    #expect(advice.count == (seconds == nil ? 0 : 1))
    if let seconds {
      #expect(advice.first?.contains("takes up \(seconds) s of burst") == true, "\(advice)")
    }
  }

  @Test(arguments: [
    (0.0, "0"), (1, "1"), (0.258, "0.26"), (4.1, "4.1"), (0.05, "0.05"), (-1.5, "-1.5"),
    (1e30, "10000000000"),
  ])
  func numbersAreShort(_ value: Double, _ text: String) { #expect(rounded(value) == text) }
}
