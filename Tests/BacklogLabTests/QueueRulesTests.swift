// The kernel's rules as rows: what was asked and set, and what follows.

import Testing

@testable import BacklogLab

@Suite struct QueueRulesTests {
  struct EffectiveRow: Sendable, CustomTestStringConvertible {
    var asked: Int32
    var somaxconn: Int
    var effective: Int
    var testDescription: String { "listen(\(asked)) with somaxconn \(somaxconn)" }
  }

  @Test(arguments: [
    EffectiveRow(asked: 0, somaxconn: 4096, effective: 0),
    EffectiveRow(asked: 5, somaxconn: 4096, effective: 5),
    EffectiveRow(asked: 4096, somaxconn: 4096, effective: 4096),
    EffectiveRow(asked: 5000, somaxconn: 4096, effective: 4096),
    EffectiveRow(asked: .max, somaxconn: 4096, effective: 4096),
    EffectiveRow(asked: -1, somaxconn: 4096, effective: 4096),
    EffectiveRow(asked: .min, somaxconn: 4096, effective: 4096),
    EffectiveRow(asked: 128, somaxconn: 16, effective: 16),
    EffectiveRow(asked: 128, somaxconn: 0, effective: 0),
    EffectiveRow(asked: -1, somaxconn: 2_147_483_647, effective: 2_147_483_647),
  ])
  func listenClampsItsArgument(_ row: EffectiveRow) {
    let effective = QueueRules.effectiveBacklog(asked: row.asked, somaxconn: row.somaxconn)
    #expect(effective == row.effective)
  }

  struct FloodRow: Sendable, CustomTestStringConvertible {
    var asked: Int32
    var somaxconn = 4096
    var connects: Int
    var held: Int
    var waiting: Int
    var firstDrop: Int?
    var testDescription: String { "\(connects) connects to listen(\(asked)), \(somaxconn)" }
  }

  @Test(arguments: [
    FloodRow(asked: 0, connects: 33, held: 1, waiting: 32, firstDrop: 2),
    FloodRow(asked: 5, connects: 38, held: 6, waiting: 32, firstDrop: 7),
    FloodRow(asked: 128, connects: 161, held: 129, waiting: 32, firstDrop: 130),
    FloodRow(asked: 511, connects: 575, held: 512, waiting: 63, firstDrop: 513),
    FloodRow(asked: 5000, connects: 4609, held: 4097, waiting: 512, firstDrop: 4098),
    FloodRow(asked: 128, somaxconn: 16, connects: 49, held: 17, waiting: 32, firstDrop: 18),
    // Too few to fill the queue, and exactly enough: nothing is dropped.
    FloodRow(asked: 128, connects: 100, held: 100, waiting: 0, firstDrop: nil),
    FloodRow(asked: 128, connects: 129, held: 129, waiting: 0, firstDrop: nil),
  ])
  func floodFillsTheAcceptQueueAndTheRestIsDropped(_ row: FloodRow) {
    let conditions = Conditions(
      asked: row.asked, settings: QueueSettings(somaxconn: row.somaxconn),
      kernel: KernelVersion("6.18.0"))
    let predicted = QueueRules.acceptPass(conditions, connects: row.connects)
    #expect(predicted[.acceptQueue]?.number == row.held)
    #expect(predicted[.established]?.number == row.held)
    #expect(predicted[.synSent]?.number == row.waiting)
    #expect(predicted[.drops]?.number == row.waiting)
    #expect(predicted[.synQueue]?.number == 0)
    #expect(predicted[.firstDrop]?.number == row.firstDrop)
  }

  /// Each client that does not hear the answer sends its SYN again after a second, also one that is in
  /// the queue.
  @Test func whatIsSentAgainCounts() {
    let conditions = Conditions(
      asked: 8,
      settings: QueueSettings(somaxconn: 4096, tcpMaxSynBacklog: 2_048, tcpSyncookies: 0),
      kernel: KernelVersion("6.18.0"))
    let once = Repetition(least: 0, most: 1)
    let predicted = QueueRules.synPass(
      conditions, connects: 50, repetition: once, repetitionOfHeld: once)
    #expect(predicted[.drops] == PredictedRange(41, 91))
    #expect(predicted[.listenDrops] == PredictedRange(41, 82))
    // Those in the queue are the older ones.
    let early = QueueRules.synPass(conditions, connects: 50, repetitionOfHeld: once)
    #expect(early[.drops] == PredictedRange(41, 50))
    #expect(early[.listenDrops] == .exactly(41))
  }

  @Test(arguments: [
    (Int32(0), 33), (5, 38), (128, 161), (256, 289), (511, 575), (4096, 4609), (5000, 4609),
    (-1, 4609),
  ])
  func planOverflowsTheQueueByAnEighthOrThirtyTwo(asked: Int32, connects: Int) {
    let settings = QueueSettings(somaxconn: 4096)
    #expect(PassPlan(asked: asked).connects(settings: settings) == connects)
    #expect(PassPlan(asked: asked, count: 7).connects(settings: settings) == 7)
  }
}

@Suite struct SynQueueRules {
  /// tcp_syncookies, tcp_max_syn_backlog, the backlog, and how many handshakes are kept: measured on
  /// Linux 6.18.
  @Test(arguments: [
    (1, 2048, 0, 1), (1, 8, 128, 129), (1, 2048, 4096, 4097), (2, 2048, 128, 0),
    (0, 2048, 0, 1), (0, 8, 7, 7), (0, 8, 128, 7), (0, 2048, 1536, 1537),
    (0, 2048, 1537, 1537), (0, 2048, 4096, 1537),
  ])
  func capacity(_ cookies: Int, _ most: Int, _ backlog: Int, _ held: Int) {
    let settings = QueueSettings(
      somaxconn: 4096, tcpMaxSynBacklog: most, tcpSyncookies: cookies)
    #expect(QueueRules.synQueueCapacity(backlog: backlog, settings: settings) == held)
  }

  /// What tcp_metrics knows is not held up by tcp_max_syn_backlog, and by nothing else less.
  @Test(arguments: [(0, 8, 129), (1, 8, 129), (2, 8, 0), (0, 2_048, 129)])
  func capacityForKnownPeers(_ cookies: Int, _ most: Int, _ held: Int) {
    let settings = QueueSettings(
      somaxconn: 4096, tcpMaxSynBacklog: most, tcpSyncookies: cookies)
    let capacity = QueueRules.synQueueCapacity(
      backlog: 128, settings: settings, peersAreKnown: true)
    #expect(capacity == held)
  }

  @Test func unknownSettings() {
    let none = QueueSettings(somaxconn: 4096)
    #expect(QueueRules.synQueueCapacity(backlog: 5, settings: none) == nil)
    let half = QueueSettings(somaxconn: 4096, tcpSyncookies: 0)
    #expect(QueueRules.synQueueCapacity(backlog: 5, settings: half) == nil)
  }
}
