// Which failure gets which exit status.

import SocketCore
import Testing

@testable import tcptool

@Suite struct ExitStatuses {
  private static let handshakes: [(ConnectFailure, Int32)] = [
    (.refused, 11), (.noAnswer, 12), (.unreachable, 13), (.prohibited, 14), (.local, 15),
  ]

  @Test(arguments: handshakes)
  func ofAFailedHandshake(_ failure: ConnectFailure, _ status: Int32) {
    #expect(ExitStatus(failure).rawValue == status)
  }

  /// Scripts depend on the numbers; a changed one breaks them silently.
  @Test func areStable() {
    let statuses = Dictionary(
      uniqueKeysWithValues: ExitStatus.allCases.map { ("\($0)", $0.rawValue) })
    let promised: [String: Int32] = [
      "done": 0, "failure": 1, "notResolved": 10, "refused": 11, "noAnswer": 12,
      "unreachable": 13, "prohibited": 14, "localEnd": 15, "reset": 20,
      "peerStoppedReceiving": 21, "timeout": 22, "localStream": 24, "usage": 64, "bug": 70,
    ]
    #expect(statuses.merging(promised) { $1 } == statuses)
  }

  @Test func haveMeaningsOfTheirOwn() {
    let meanings = ExitStatus.allCases.map(\.meaning)
    #expect(Set(meanings).count == meanings.count)
    for meaning in meanings { #expect(meaning.hasSuffix("."), "\(meaning)") }
  }
}
