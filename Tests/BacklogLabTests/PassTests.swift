// The two passes on this kernel, in private network namespaces: predicted is measured.

import Glibc
import KernelTables
import SocketCore
import TestSupport
import Testing

@testable import BacklogLab

/// Serialized, since a flood takes a processor, and by one thread each, since a network namespace is
/// a thread's own.
@Suite(.waits, .serialized, .requiresRoot) struct PassTests {
  static let backlogs: [Int32] = [0, 1, 2, 3, 5, 8, 16, 64, 128, 511, 1_024, 4_096, 5_000]

  struct Settings {
    var somaxconn: Int
    var maxSynBacklog: Int
    var syncookies: Int
    var abortOnOverflow = 0

    var changes: [SettingChange] {
      get throws {
        [
          SettingChange(.somaxconn, "\(somaxconn)"),
          SettingChange(.maxSynBacklog, "\(maxSynBacklog)"),
          SettingChange(.syncookies, "\(syncookies)"),
          SettingChange(.abortOnOverflow, "\(abortOnOverflow)"),
        ]
      }
    }

    static let all: [Settings] = [4_096, 16].flatMap { somaxconn in
      [2_048, 8].flatMap { most in
        [0, 1, 2].flatMap { cookies in
          [0, 1].map { abort in
            Settings(
              somaxconn: somaxconn, maxSynBacklog: most, syncookies: cookies,
              abortOnOverflow: abort)
          }
        }
      }
    }
  }

  static func run(_ plan: PassPlan) throws -> PassResult {
    var loop = try ReadinessLoop()
    switch try Laboratory(isolation: .always).run(plan, loop: &loop) {
    case .done(let result): return result
    case .signal(let signal): throw TestFailure("signal \(signal)")
    }
  }

  static func expectAgreement(_ result: PassResult) {
    #expect(result.surroundings.isIsolated && result.otherClients == 0)
    #expect(result.surroundings.notCopied == [])
    for row in result.comparisons.rows {
      #expect(row.agreement == .agrees, "\(result.plan): \(row)")
    }
  }

  /// The longest of all tests, and one: each row of a serialized suite would wait for a turn behind
  /// all other tests, so that the rows went on alone when nothing else was left.
  @Test(.timeLimit(.minutes(15)))
  func acceptQueue() throws {
    for settings in Settings.all {
      for backlog in Self.backlogs {
        Self.expectAgreement(
          try Self.run(PassPlan(.accept, asked: backlog, changes: settings.changes)))
      }
    }
  }

  /// Those where the rules of the SYN queue meet: its own size, and tcp_max_syn_backlog of 8 and 2048.
  static let synBacklogs: [Int32] = [0, 1, 5, 6, 7, 8, 128, 511, 1_536, 1_537, 4_096]

  @Test(.timeLimit(.minutes(5)), arguments: [2_048, 8], [0, 1, 2])
  func synQueue(most: Int, cookies: Int) throws {
    let settings = Settings(somaxconn: 4_096, maxSynBacklog: most, syncookies: cookies)
    for backlog in Self.synBacklogs {
      let result = try Self.run(PassPlan(.syn, asked: backlog, changes: settings.changes))
      Self.expectAgreement(result)
      #expect(result.synQueueByProc == result.measured[.synQueue])
    }
  }

  @Test(.timeLimit(.minutes(5)), arguments: [QueueKind.accept, .syn], [0, 1, 2])
  func overIPv6(_ queue: QueueKind, cookies: Int) throws {
    for backlog: Int32 in [0, 5, 128, -1] {
      let settings = Settings(somaxconn: 600, maxSynBacklog: 64, syncookies: cookies)
      let result = try Self.run(
        PassPlan(queue, asked: backlog, isIPv6: true, changes: settings.changes))
      Self.expectAgreement(result)
      #expect(result.listener.address == .v6(.loopback))
    }
  }

  @Test(.timeLimit(.minutes(5)), arguments: [QueueKind.accept, .syn])
  func fiftyTimesTheSame(_ queue: QueueKind) throws {
    let first = try Self.run(PassPlan(queue, asked: 8))
    Self.expectAgreement(first)
    for _ in 1..<50 {
      let again = try Self.run(PassPlan(queue, asked: 8))
      #expect(again.measured == first.measured)
    }
  }

  @Test func samplesTellOfEachConnect() throws {
    let result = try Self.run(PassPlan(asked: 5))
    #expect(result.samples.map(\.connect) == Array(1...38))
    #expect(result.samples.map(\.acceptQueue) == (1...38).map { min($0, 6) })
    #expect(result.samples.map(\.drops) == (1...38).map { max(0, $0 - 6) })
    #expect(result.samples.allSatisfy { $0.backlog == 5 && $0.elapsed <= result.floodTime })
    #expect(result.firstDrop?.connect == 7)
    #expect(result.droppedSYNs == 32 && result.droppedFinalACKs == 0)
  }

  /// As on a machine that is busy for a second: those in the queue send their SYNs again, which the
  /// listener counts as drops, long before the first one finds no room.
  @Test(.timeLimit(.minutes(5)), arguments: [0, 1])
  func aFloodThatIsHeldUpAgreesAsWell(cookies: Int) throws {
    let settings = Settings(somaxconn: 4_096, maxSynBacklog: 8_192, syncookies: cookies)
    var isRepeated = false
    var loop = try ReadinessLoop()
    let plan = PassPlan(.syn, asked: 4_096, changes: try settings.changes)
    let outcome = try Laboratory(isolation: .always).run(plan, loop: &loop) { progress in
      guard progress.step == .flood, !isRepeated else { return }
      #expect(progress.connects < 4_097)
      isRepeated = eventually {
        (try? CounterSnapshot.read())?["TCPSynRetrans"] ?? 0 >= progress.connects
      }
    }
    guard case .done(let result) = outcome else { throw TestFailure("a signal") }
    #expect(isRepeated)
    #expect(result.match, "\(result.comparisons.differences)")
    #expect(result.firstDrop?.connect == (cookies == 0 ? 4_098 : nil))
    // Without the repetitions they were the same.
    let drops = try #require(result.measured[.drops])
    #expect(drops > (cookies == 0 ? 512 : 0))
  }

  /// More clients than one address has ports for without a search, on a listener without a limit.
  @Test(.timeLimit(.minutes(5)))
  func clientsAreSpreadOverAddresses() throws {
    let result = try Self.run(
      PassPlan(
        asked: .max, count: 15_000, changes: [SettingChange(.somaxconn, "2147483647")]))
    Self.expectAgreement(result)
    #expect(result.measured[.effectiveBacklog] == Int(Int32.max))
    #expect(result.measured[.acceptQueue] == 15_000 && result.sourceAddresses == 2)
    #expect(result.firstDrop == nil)
  }

  @Test func aThousandPortsAreEnough() throws {
    let range = [SettingChange(.localPortRange, "40000 40999")]
    let result = try Self.run(PassPlan(asked: 1_024, changes: range))
    Self.expectAgreement(result)
    #expect(result.connects == 1_153 && result.sourceAddresses > 1)
    // ::1 is one address alone.
    #expect(throws: LabError.ephemeralPorts(needed: 1_153, available: 999)) {
      _ = try Self.run(PassPlan(asked: 1_024, isIPv6: true, changes: range))
    }
  }

  /// What another listener of the same network drops is in the counters of all, and not in ours.
  @Test func anotherListenersDropsAreNotOurs() throws {
    let network = try IsolatedNetwork()
    var options = Listener.Options()
    options.backlog = 0
    let other = try Listener(on: Endpoint(.v4(.loopback), 0), options)
    var clients = ClientCrowd(to: other.local)
    for _ in 0..<10 { try clients.connect() }
    #expect(other.socket.dropCount() == 9)
    var loop = try ReadinessLoop()
    // Its clients send their SYNs again every second; that these fall into our time is not needed.
    guard
      case .done(let result) = try Laboratory(isolation: .never).run(
        PassPlan(asked: 5), loop: &loop)
    else { throw TestFailure("a signal") }
    #expect(result.match, "\(result.comparisons.differences)")
    #expect(!result.surroundings.isIsolated && result.droppedFinalACKs == nil)
    #expect(result.measured[.drops] == 32)
    for _ in 0..<10 { try clients.connect() }
    #expect(other.socket.dropCount() ?? 0 >= 19)
    clients.close(client: 0)
    _ = network.means
  }

  @Test func aRefusedSettingSaysWhich() throws {
    let change = try SettingChange(named: "tcp_syncookies", "many")
    let error = #expect(throws: LabError.self) {
      _ = try Self.run(PassPlan(asked: 5, changes: [change]))
    }
    #expect("\(try #require(error))".hasPrefix("net.ipv4.tcp_syncookies = many: "))
  }

  /// The thread is back where it was, with the settings as they were. In a process of its own, where
  /// no other test opens descriptors.
  @Test func nothingIsLeftOfIt() async {
    await #expect(processExitsWith: .success) {
      let plan = PassPlan(asked: 9, changes: [SettingChange(.somaxconn, "3")])
      let before = try QueueSettings.current()
      let open = Self.descriptors()
      for _ in 0..<20 { #expect(try Self.run(plan).settings.somaxconn == 3) }
      #expect(try QueueSettings.current() == before)
      // The run-time may have opened some, too, but not one each time.
      let more = Self.descriptors() - open
      #expect(more < 20, "\(more) more descriptors")
    }
  }

  private static func descriptors() -> Int {
    (0..<1_024).count { fcntl($0, F_GETFD) != -1 }
  }
}
