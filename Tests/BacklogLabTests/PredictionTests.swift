// The rules as pure functions: versions of the kernel, handshakes in flight, repeated SYNs, and what
// is made of a measurement that does not fit.

import Testing

@testable import BacklogLab

@Suite struct PredictionTests {
  @Test(arguments: [
    ("6.18.44-fc-v857", 6, 18, 44), ("5.15.0-91-generic", 5, 15, 0), ("4.9", 4, 9, 0),
    ("6.13.0-rc1", 6, 13, 0), ("unknown", 0, 0, 0), ("", 0, 0, 0),
  ])
  func release(_ text: String, _ major: Int, _ minor: Int, _ patch: Int) {
    let version = KernelVersion(text)
    #expect((version.major, version.minor, version.patch) == (major, minor, patch))
    #expect("\(version)" == text)
  }

  @Test(arguments: [
    ("6.18.44", 1), ("6.13.0", 1), ("6.12.9", 0), ("6.12.10", 1), ("6.11.11", 0), ("6.6.71", 0),
    ("6.6.72", 1), ("5.15.177", 1), ("5.15.0-91-generic", 0), ("4.19.325", 0),
  ])
  func placesInTheSYNQueue(_ release: String, _ places: Int) {
    #expect(KernelVersion(release).placesBeyondBacklogInSYNQueue == places)
  }

  private func conditions(
    _ asked: Int32, cookies: Int? = 1, most: Int? = 2_048, abort: Int? = 0,
    kernel: String = "6.18.44"
  ) -> Conditions {
    Conditions(
      asked: asked,
      settings: QueueSettings(
        somaxconn: 4_096, tcpMaxSynBacklog: most, tcpSyncookies: cookies,
        tcpAbortOnOverflow: abort),
      kernel: KernelVersion(kernel))
  }

  struct Flight: Sendable, CustomTestStringConvertible {
    var backlog: Int32 = 8
    var queued: Int
    var inFlight: Int
    var cookies: Int
    var abort = 0
    var expected: [Observable: Int]
    var testDescription: String {
      "\(queued) queued, \(inFlight) in flight, cookies \(cookies), abort \(abort)"
    }
  }

  /// Measured over a path of 50 ms.
  @Test(arguments: [
    Flight(
      queued: 5, inFlight: 35, cookies: 0,
      expected: [
        .established: 14, .acceptQueue: 9, .synQueue: 5, .queueFullDrops: 26, .ghosts: 0,
        .listenOverflows: 5, .listenDrops: 31, .drops: 36, .synSent: 26,
      ]),
    Flight(
      queued: 5, inFlight: 35, cookies: 1,
      expected: [
        .established: 40, .acceptQueue: 9, .synQueue: 5, .ghosts: 26, .listenOverflows: 31,
        .listenDrops: 31, .drops: 36, .synSent: 0,
      ]),
    Flight(
      queued: 5, inFlight: 35, cookies: 1, abort: 1,
      expected: [
        .established: 35, .acceptQueue: 9, .synQueue: 0, .reset: 5, .embryonicResets: 5,
        .ghosts: 26,
      ]),
    // The two queues have the same size, so that nothing gets stuck.
    Flight(
      queued: 0, inFlight: 9, cookies: 0,
      expected: [.established: 9, .acceptQueue: 9, .synQueue: 0, .drops: 0]),
    // With cookies for all no handshake keeps a place.
    Flight(
      queued: 5, inFlight: 35, cookies: 2,
      expected: [.established: 40, .acceptQueue: 9, .synQueue: 0, .ghosts: 31, .cookiesSent: 35]),
  ])
  func inFlight(_ row: Flight) throws {
    let prediction = try #require(
      QueueRules.inFlight(
        conditions(row.backlog, cookies: row.cookies, abort: row.abort), queued: row.queued,
        inFlight: row.inFlight))
    for (observable, number) in row.expected {
      #expect(prediction[observable] == .exactly(number), "\(observable.rawValue)")
    }
  }

  @Test func unknownSettingsPredictNothing() {
    #expect(QueueRules.inFlight(conditions(8, cookies: nil), queued: 0, inFlight: 1) == nil)
    #expect(QueueRules.inFlight(conditions(8, abort: nil), queued: 0, inFlight: 1) == nil)
    let half = QueueRules.synPass(conditions(8, cookies: 0, most: nil), connects: 40)
    #expect(half[.synSent] == .exactly(40) && half[.synQueue] == nil && half[.drops] == nil)
  }

  @Test func oldKernelsAnswerSYNsAtAFullQueue() {
    let old = QueueRules.acceptPass(conditions(8, kernel: "4.9.0"), connects: 41)
    #expect(old[.acceptQueue] == .exactly(9))
    #expect(old[.established] == PredictedRange(9, 41))
    #expect(old[.listenDrops] == nil)
  }

  @Test(arguments: [
    (4, [1, 2, 3, 4, 5, 7, 11, 19, 35]), (0, [1, 3, 7, 15, 31, 63]), (1, [1, 2, 4, 8]),
  ])
  func whenASYNComesAgain(linear: Int, times: [Int]) {
    #expect(
      QueueRules.synRetransmissionTimes(linearTimeouts: linear, count: times.count) == times)
    for (index, time) in times.enumerated() {
      #expect(
        QueueRules.synRetransmissions(after: .seconds(time), linearTimeouts: linear) == index + 1)
    }
  }

  @Test func repeatedSYNsWidenThePrediction() {
    let once = Repetition(
      youngest: .milliseconds(950), oldest: .milliseconds(1_200), linearTimeouts: 4)
    #expect(once == Repetition(least: 0, most: 1))
    let flood = QueueRules.acceptPass(conditions(8), connects: 41, repetition: once)
    #expect(flood[.drops] == PredictedRange(32, 64))
    #expect(flood[.acceptQueue] == .exactly(9))
    let early = Repetition(
      youngest: .zero, oldest: .milliseconds(890), linearTimeouts: 4)
    #expect(early == .none)
  }

  // MARK: What is made of a difference

  @Test func anOlderRuleIsNamedAndNoFailure() {
    let now = conditions(8, cookies: 0)
    let other = now.alternatives(isIsolated: true)[0]
    #expect(other.words.contains(">="))
    var old = QueueRules.synPass(other.conditions, connects: 41)
    old.variation = other.words
    let expected = QueueRules.synPass(now, connects: 41)
    var measured = Readings()
    for observable in Observable.allCases { measured[observable] = old[observable]?.number }
    let comparisons = Comparisons(measured, expected, alternatives: [old])
    #expect(comparisons.match && comparisons.variation == other.words)
    let row = comparisons.rows.first { $0.observable == .synQueue }
    #expect(row?.measured == 8 && row?.predicted == .exactly(9))
    #expect(row?.agreement == .varies(other.words))
    // A mixture of both rules is neither.
    measured[.listenDrops] = 32
    let mixed = Comparisons(measured, expected, alternatives: [old])
    #expect(!mixed.match && mixed.variation == nil)
  }

  @Test func whatIsNotKnownIsNotCompared() {
    let expected = QueueRules.acceptPass(conditions(8), connects: 41)
    var measured = Readings()
    for observable in Observable.allCases { measured[observable] = expected[observable]?.number }
    measured.leaveOut(.drops, since: "no reason")
    let comparisons = Comparisons(measured, expected, alternatives: [])
    #expect(comparisons.match)
    let row = comparisons.rows.first { $0.observable == .drops }
    #expect(row?.agreement == .unknown("no reason"))
  }

  @Test func othersMoveTheCountersOfASharedNetwork() {
    let shared = QueueRules.acceptPass(conditions(8), connects: 41).besideOthers()
    #expect(shared[.listenDrops] == .atLeast(32))
    #expect(shared[.drops] == .exactly(32))
    #expect("\(PredictedRange.atLeast(32))" == "32 or more")
    #expect("\(PredictedRange(1, 3))" == "1–3")
  }

  // MARK: Names of settings

  @Test(arguments: [
    ("somaxconn", "net.core.somaxconn"), ("net.core.somaxconn", "net.core.somaxconn"),
    ("tcp_syncookies", "net.ipv4.tcp_syncookies"), ("tcp_retries2", "net.ipv4.tcp_retries2"),
  ])
  func settingsHaveShortNames(_ text: String, _ name: String) throws {
    #expect(try Setting(named: text).name == name)
  }

  @Test(arguments: [
    "tcp_syncookie", "", "kernel.hostname", "../../kernel/hostname", "net.core/somaxconn", "net.",
  ])
  func otherNamesAreRefused(_ text: String) {
    #expect(throws: LabError.unknownSetting(text)) { _ = try Setting(named: text) }
  }
}
