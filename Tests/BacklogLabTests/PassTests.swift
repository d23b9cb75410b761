// The two passes on this kernel, in private network namespaces: predicted is measured.

import SocketCore
import TestSupport
import Testing

@testable import BacklogLab

/// Serialized, since a flood takes a processor, and by one thread each, since a network namespace is
/// a thread's own.
@Suite(.serialized, .requiresRoot) struct PassTests {
  static let backlogs: [Int32] = [0, 1, 2, 3, 5, 8, 16, 64, 128, 511, 1_024, 4_096, 5_000]

  struct Settings: Sendable, CustomTestStringConvertible {
    var somaxconn: Int
    var maxSynBacklog: Int
    var syncookies: Int
    var abortOnOverflow = 0

    var testDescription: String {
      "somaxconn \(somaxconn), tcp_max_syn_backlog \(maxSynBacklog), tcp_syncookies \(syncookies), "
        + "tcp_abort_on_overflow \(abortOnOverflow)"
    }

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

  @Test(.timeLimit(.minutes(5)), arguments: Settings.all)
  func acceptQueue(_ settings: Settings) throws {
    for backlog in Self.backlogs {
      Self.expectAgreement(
        try Self.run(PassPlan(.accept, asked: backlog, changes: settings.changes)))
    }
  }

  @Test(.timeLimit(.minutes(5)), arguments: Settings.all)
  func synQueue(_ settings: Settings) throws {
    for backlog in Self.backlogs {
      Self.expectAgreement(
        try Self.run(PassPlan(.syn, asked: backlog, changes: settings.changes)))
    }
  }
}
