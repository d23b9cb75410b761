// The experiments beyond a flood: late last ACKs, a second listen(2), shared ports, slow acceptors,
// and someone else's listener. Each in a private network namespace.

import KernelTables
import SocketCore
import TestSupport
import Testing

@testable import BacklogLab

@Suite(.waits, .serialized, .requiresRoot) struct ScenarioTests {
  private static let laboratory = Laboratory(isolation: .always)

  private func done<Value>(_ outcome: LabOutcome<Value>) throws -> Value {
    switch outcome {
    case .done(let value): return value
    case .signal(let signal): throw TestFailure("signal \(signal)")
    }
  }

  // MARK: Late last ACKs

  @Test(.timeLimit(.minutes(5)), arguments: [false, true], [0, 1])
  func lateACKsMeetAFullQueue(isIPv6: Bool, abort: Int) throws {
    var plan = LateACKPlan(asked: 8, lateACKs: 5)
    plan.isIPv6 = isIPv6
    plan.changes = [SettingChange(.abortOnOverflow, "\(abort)")]
    var loop = try ReadinessLoop()
    let result = try done(Self.laboratory.run(plan, loop: &loop))
    #expect(result.match, "\(result.comparisons.differences)")
    // The last place was for one of them; the others believe that they are connected, or were told.
    #expect(result.measured[.acceptQueue] == 9)
    #expect(result.measured[.synQueue] == (abort == 0 ? 4 : 0))
    #expect(result.measured[.reset] == (abort == 0 ? 0 : 4))
    #expect(result.measured[.established] == (abort == 0 ? 13 : 9))
    #expect(result.measured[.embryonicResets] == (abort == 0 ? 0 : 4))
  }

  @Test func lateACKsNeedRoomInTheSYNQueue() throws {
    var loop = try ReadinessLoop()
    #expect(throws: LabError.outOfRange(what: "the number of late ACKs", value: 9, allowed: 1...8))
    {
      _ = try Self.laboratory.run(LateACKPlan(asked: 8, lateACKs: 9), loop: &loop)
    }
    var always = LateACKPlan(asked: 8, lateACKs: 1)
    always.changes = [SettingChange(.syncookies, "2")]
    let error = #expect(throws: LabError.self) {
      _ = try Self.laboratory.run(always, loop: &loop)
    }
    #expect("\(try #require(error))".contains("tcp_syncookies = 2"))
  }

  // MARK: A second listen(2)

  struct Relisten: Sendable, CustomTestStringConvertible {
    var asked: Int32
    var before: Int
    var after: Int
    /// Accept queue after each step.
    var held: [Int]
    var testDescription: String { "listen(\(asked)), somaxconn \(before) → \(after)" }
  }

  @Test(arguments: [
    Relisten(asked: 100, before: 16, after: 64, held: [17, 17, 65]),
    Relisten(asked: 100, before: 16, after: 4_096, held: [17, 17, 101]),
    Relisten(asked: 100, before: 64, after: 16, held: [65, 65, 65]),
    Relisten(asked: -1, before: 0, after: 3, held: [1, 1, 4]),
  ])
  func onlyASecondListenAppliesASetting(_ row: Relisten) throws {
    var plan = RelistenPlan(asked: row.asked, somaxconn: row.after)
    plan.changes = [SettingChange(.somaxconn, "\(row.before)")]
    var loop = try ReadinessLoop()
    let result = try done(Self.laboratory.run(plan, loop: &loop))
    #expect(result.match, "\(result.stages.map(\.comparisons.differences))")
    #expect(result.stages.map { $0.measured[.acceptQueue] } == row.held)
    #expect(result.stages.map(\.somaxconn) == [row.before, row.after, row.after])
  }

  @Test func aSettingIsNeverChangedOnTheHost() throws {
    var loop = try ReadinessLoop()
    let here = Laboratory(isolation: .never)
    for run in [
      { _ = try here.run(RelistenPlan(asked: 5, somaxconn: 6), loop: &loop) },
      {
        _ = try here.run(
          PassPlan(asked: 5, changes: [SettingChange(.somaxconn, "6")]), loop: &loop)
      },
    ] {
      let error = #expect(throws: LabError.self) { try run() }
      guard case .needsIsolation = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
  }

  // MARK: Shared ports

  @Test(arguments: [(1, 16), (4, 8), (16, 0), (3, 128)])
  func aGroupNeverHoldsWhatItHasRoomFor(listeners: Int, asked: Int) throws {
    var loop = try ReadinessLoop()
    let result = try done(
      Self.laboratory.run(
        PortGroupPlan(asked: Int32(asked), listeners: listeners), loop: &loop))
    #expect(result.match, "\(result.comparisons.differences)")
    #expect(result.capacity == listeners * (asked + 1))
    #expect(result.members.count == listeners)
    #expect(result.members.allSatisfy { $0.acceptQueue <= asked + 1 })
    let held = try #require(result.measured[.acceptQueue])
    #expect(result.unusable == min(result.connects, result.capacity) - held)
    #expect(result.expectedHeld <= Double(result.capacity))
    if listeners == 1 { #expect(result.unusable == 0 && result.expectedHeld == Double(held)) }
  }

  @Test func whatChanceLeavesFree() {
    // Two clients and two listeners of one place each: half the time they meet at one of them.
    #expect(abs(QueueRules.expectedHeld(connects: 2, listeners: 2, capacity: 1) - 1.5) < 1e-9)
    #expect(abs(QueueRules.expectedHeld(connects: 3, listeners: 2, capacity: 3) - 3) < 1e-9)
    #expect(QueueRules.expectedHeld(connects: 9, listeners: 1, capacity: 4) == 4)
  }

  // MARK: Traffic

  /// As on a machine that is busy for more than a second: many arrive at once, and before anybody looks
  /// again the server has caught up, too.
  @Test(.timeLimit(.minutes(5)))
  func aRunThatIsHeldUpHasSeenAFullQueue() throws {
    var loop = try ReadinessLoop()
    var isHeldUp = false
    let plan = TrafficPlan(asked: 4, acceptRate: 5, arrivalRate: 10, duration: .seconds(2))
    let result = try done(
      Self.laboratory.run(plan, loop: &loop) { progress in
        guard progress.connects >= 3, !isHeldUp else { return }
        isHeldUp = true
        let begin = MonotonicInstant.now
        _ = eventually { .now - begin >= .milliseconds(1_300) }
      })
    #expect(isHeldUp)
    #expect(result.firstDrop != nil)
    #expect(result.longestQueue >= result.capacity && result.match, "\(result.verdict)")
  }

  @Test(.timeLimit(.minutes(5)))
  func aSlowAcceptorOverflows() throws {
    var loop = try ReadinessLoop()
    let plan = TrafficPlan(
      asked: 16, acceptRate: 50, arrivalRate: 400, duration: .milliseconds(600))
    // The first SYN is sent again after a second: of a run that ended before, that and no less, more
    // can be said. A machine that is too busy for one gets another, in which the same has to hold.
    for _ in 0..<20 {
      let result = try done(Self.laboratory.run(plan, loop: &loop))
      try expectOverflow(result, of: plan)
      guard result.duration < .seconds(1) else { continue }
      let connected = try #require(result.measured[.passiveOpens])
      let known = connected + result.count(.waiting)
      #expect(result.clients.count == known)
      #expect(result.count(.queued) == result.measured[.acceptQueue])
      // Nobody was told anything wrong.
      #expect(result.count(.ghost) == 0 && result.count(.stuck) == 0)
      return
    }
    Issue.record("not one of 20 runs of 600 ms took less than a second")
  }

  /// What holds of slow acceptors however long it takes.
  private func expectOverflow(_ result: TrafficResult, of plan: TrafficPlan) throws {
    let capacity = Int(plan.asked) + 1
    #expect(result.backlog == Int(plan.asked))
    #expect(result.samples.allSatisfy { $0.acceptQueue <= capacity })
    #expect(result.samples.contains { $0.acceptQueue == capacity })
    #expect(try #require(result.firstDrop).connect > capacity)
    #expect(try #require(result.expectedOverflow) < plan.duration)
    #expect(result.count(.accepted) > 0)
    let accepted = result.clients.filter { $0.outcome == .accepted }
    #expect(accepted.allSatisfy { $0.latency != nil && $0.acceptedAfter != nil })
  }

  @Test(.timeLimit(.minutes(5)))
  func afterASecondThereAreGhosts() throws {
    var loop = try ReadinessLoop()
    var plan = TrafficPlan(
      asked: 8, acceptRate: 20, arrivalRate: 200, duration: .milliseconds(2_500))
    plan.changes = [SettingChange(.syncookies, "1")]
    let result = try done(Self.laboratory.run(plan, loop: &loop))
    let late = result.clients.compactMap(\.latency).filter { $0 > .milliseconds(800) }
    // The steps of the repeated SYN.
    #expect(!late.isEmpty)
    // What the kernel counts and what was matched end by end are the same clients.
    let matched = result.count(.queued) + result.count(.stuck) + result.count(.ghost)
    #expect(result.measured[.established] == matched)
    #expect(result.count(.queued) == result.measured[.acceptQueue])
  }

  @Test func aFastServerIsNeverFull() throws {
    var loop = try ReadinessLoop()
    let plan = TrafficPlan(
      asked: 64, acceptRate: 10_000, arrivalRate: 200, duration: .milliseconds(200))
    let result = try done(Self.laboratory.run(plan, loop: &loop))
    #expect(result.firstDrop == nil && result.expectedOverflow == nil)
    #expect(result.count(.accepted) + result.count(.queued) == result.clients.count)
  }

  @Test(arguments: [
    TrafficPlan(asked: 5, acceptRate: 1, arrivalRate: 1, duration: .seconds(601)),
    TrafficPlan(asked: 5, acceptRate: 1, arrivalRate: 1, duration: .zero),
    TrafficPlan(asked: 5, acceptRate: -1, arrivalRate: 1, duration: .seconds(1)),
    TrafficPlan(asked: 5, acceptRate: 1, arrivalRate: 1e9, duration: .seconds(1)),
    TrafficPlan(asked: 5, acceptRate: .infinity, arrivalRate: 1, duration: .seconds(1)),
  ])
  func trafficHasBounds(_ plan: TrafficPlan) throws {
    var loop = try ReadinessLoop()
    #expect(throws: LabError.self) { _ = try Self.laboratory.run(plan, loop: &loop) }
  }

  // MARK: Someone else's listener

  /// A listener of this test in a network of its own, which nobody accepts from.
  private func stalled<Value>(
    backlog: Int32, address: IPAddress = .v4(.loopback), leftovers: Int = 0,
    _ body: (Endpoint) throws -> Value
  ) throws -> Value {
    let network = try IsolatedNetwork()
    defer { _ = network.means }
    var options = Listener.Options()
    options.backlog = backlog
    let listener = try Listener(on: Endpoint(address, 0), options)
    var earlier = ClientCrowd(to: listener.local)
    for _ in 0..<leftovers { try earlier.connect() }
    let value = try body(listener.local)
    earlier.close(client: 0)
    return value
  }

  @Test(.timeLimit(.minutes(5)), arguments: [0, 5, 64], [0, 3])
  func aStalledServerIsMeasuredFromOutside(backlog: Int, leftovers: Int) throws {
    guard leftovers <= backlog else { return }
    let result = try stalled(backlog: Int32(backlog), leftovers: max(1, leftovers)) { target in
      var loop = try ReadinessLoop()
      var plan = TargetPlan(target: target)
      plan.patience = .milliseconds(100)
      plan.probesData = true
      return try done(Laboratory(isolation: .never).test(plan, loop: &loop))
    }
    let room = backlog + 1 - max(1, leftovers)
    #expect(result.ending == .unanswered(connect: room + 1))
    #expect(result.connected == room)
    #expect(result.leftovers == max(1, leftovers))
    #expect(result.backlogFound == backlog)
    #expect(result.isAccepting == false)
    #expect(result.acknowledgedProbes == room && result.unacknowledgedProbes == 0)
    #expect(result.after?.acceptQueue == backlog + 1 && result.after?.backlog == backlog)
  }

  @Test(.timeLimit(.minutes(5)), arguments: [TargetPlan.Order.sequential, .burst])
  func withoutAnyoneItIsRefused(_ order: TargetPlan.Order) throws {
    let network = try IsolatedNetwork()
    var loop = try ReadinessLoop()
    var plan = TargetPlan(target: Endpoint(.v4(.loopback), 9))
    plan.order = order
    let result = try done(Laboratory(isolation: .never).test(plan, loop: &loop))
    #expect(result.ending == .refused && result.connected == 0)
    #expect(result.backlogFound == nil && result.before == nil)
    _ = network.means
  }

  @Test(.timeLimit(.minutes(5)))
  func aBurstIsToldFromGhostsByAByte() throws {
    let result = try stalled(backlog: 7, leftovers: 1) { target in
      var loop = try ReadinessLoop()
      var plan = TargetPlan(target: target)
      plan.order = .burst
      plan.count = 20
      plan.patience = .milliseconds(100)
      plan.probesData = true
      return try done(Laboratory(isolation: .never).test(plan, loop: &loop))
    }
    #expect(result.connected == 7 && result.acknowledgedProbes == 7)
    #expect(result.backlogFound == 7)
    #expect(result.measured[.synSent] == 13)
  }

  @Test func anotherHostHasToBeAllowed() throws {
    var loop = try ReadinessLoop()
    let target = Endpoint(try #require(IPAddress("192.0.2.1")), 80)
    var plan = TargetPlan(target: target)
    let laboratory = Laboratory(isolation: .never)
    #expect(throws: LabError.remoteTarget(target)) {
      _ = try laboratory.test(plan, loop: &loop)
    }
    plan.allowsRemote = true
    #expect(throws: LabError.remoteCount(nil)) { _ = try laboratory.test(plan, loop: &loop) }
    plan.count = 1_025
    #expect(throws: LabError.remoteCount(1_025)) { _ = try laboratory.test(plan, loop: &loop) }
  }
}
