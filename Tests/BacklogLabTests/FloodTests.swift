// The experiment on this kernel, and what is said about its result.

import SocketCore
import Testing

@testable import BacklogLab

/// Serialized: the floods would count each other's drops in the namespace's counters.
@Suite(.serialized) struct FloodTests {
  @Test(arguments: [Int32(0), 1, 5, 16, 128])
  func measuredIsPredicted(asked: Int32) throws {
    let settings = try QueueSettings.current()
    let result = try Flood.run(FloodPlan(asked: asked, settings: settings), settings: settings)
    #expect(result.matches, "\(result.verdict)")
    #expect(result.comparisons.allSatisfy { $0.agrees == true })
    #expect(result.measured.acceptQueue == Int(asked) + 1)
    #expect(result.snapshotTime >= .milliseconds(500))
    // What this listener dropped is part of what the whole namespace dropped.
    let overflows = try #require(result.counters.first { $0.name == "ListenOverflows" }?.increase)
    #expect(overflows >= result.measured.drops ?? 0)
  }

  @Test func nothingIsLeftBehind() throws {
    let settings = QueueSettings(somaxconn: 4096)
    let result = try Flood.run(FloodPlan(asked: 5, settings: settings), settings: settings)
    #expect(throws: SystemCallError("connect", "to \(result.listener)", .connectionRefused)) {
      let attempt = try ConnectAttempt(to: result.listener)
      _ = try attempt.finish()
    }
  }

  /// A prediction from settings that are not this kernel's has to be found out.
  @Test func aWrongPredictionIsReported() throws {
    let actual = try QueueSettings.current()
    var settings = actual
    settings.somaxconn = 3
    let result = try Flood.run(FloodPlan(asked: 20, settings: settings), settings: settings)
    #expect(!result.matches)
    #expect(result.differences.map(\.name).contains("effective backlog"))
    #expect(result.verdict.hasPrefix("the kernel differs from the prediction: "))
    #expect(result.verdict.contains("effective backlog 20, predicted 3"))
  }

  private func result(
    asked: Int32, somaxconn: Int, _ change: (inout FloodResult) -> Void = { _ in }
  )
    -> FloodResult
  {
    let settings = QueueSettings(somaxconn: somaxconn)
    let plan = FloodPlan(asked: asked, settings: settings)
    let predicted = QueueRules.predict(asked: asked, settings: settings, connects: plan.connects)
    var result = FloodResult(
      plan: plan, kernel: "0", settings: settings, listener: Endpoint(.v4(.loopback), 1),
      floodTime: .zero, firstDropTime: .zero, snapshotTime: .zero, measured: predicted,
      predicted: predicted, otherClients: 0, counters: [])
    change(&result)
    return result
  }

  @Test func theVerdictIsOneSentence() {
    #expect(
      result(asked: 128, somaxconn: 4096).verdict
        == "the queue holds 129 connections that nobody has accepted; "
        + "connect #130 is silently dropped and tries again after 1 s")
    #expect(
      result(asked: 0, somaxconn: 4096).verdict.hasPrefix("the queue holds 1 connection that"))
    let late = result(asked: 5, somaxconn: 4096) { $0.measured.drops = 64 }
    #expect(late.verdict == "the kernel differs from the prediction: drops 64, predicted 32")
    let unknown = result(asked: 5, somaxconn: 4096) { $0.predicted.drops = nil }
    #expect(unknown.matches)
    let odd = result(asked: 5, somaxconn: 4096) { $0.otherClients = 2 }
    #expect(odd.verdict.hasSuffix("2 clients in an unexpected state"))
  }

  @Test func adviceIsGivenWhereTheBacklogIsNotInForce() {
    #expect(result(asked: 128, somaxconn: 4096).advice.isEmpty)
    #expect(result(asked: 5000, somaxconn: 4096).advice.count == 1)
    #expect(result(asked: 5000, somaxconn: 4096).advice[0].contains("net.core.somaxconn"))
    #expect(result(asked: -1, somaxconn: 4096).advice[0].contains("4096"))
  }
}
