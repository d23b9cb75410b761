// The options of `states --listeners`: which go together, and what a form has of a listener.

import Foundation
import TestSupport
import Testing

@Suite(.waits) struct ListenerOptions {
  private static let percentage = "Give a percentage from 1 to 100."

  @Test(arguments: [
    (["--check", "5"], "The option '--check' needs '--listeners'"),
    (["--oldest"], "The option '--oldest' needs '--listeners'"),
    (["--format", "openmetrics"], "The format 'openmetrics' needs '--listeners'"),
    (["-l", "--check", "0"], "The value '0' is invalid for '--check <percent>'. \(percentage)"),
    (
      ["-l", "--check", "101%"],
      "The value '101%' is invalid for '--check <percent>'. \(percentage)"
    ),
    (["-l", "--check", "%"], "The value '%' is invalid for '--check <percent>'. \(percentage)"),
    (
      ["-l", "--check", "5", "-f", "openmetrics"],
      "'--check' has no format 'openmetrics', which has all listeners. Leave one of them out."
    ),
    (
      ["-l", "--json", "-f", "csv"],
      "The options '--format' and '--json' exclude each other: both name the form"
    ),
    (
      ["-l", "--state", "LISTEN"],
      "The options '--listeners' and '--state' exclude each other: listeners have columns of "
        + "their own"
    ),
    (
      ["-l", "--sort=-rtt"],
      "Listeners cannot be sorted by 'rtt'. Give one of local, recvq, full, synq, drops, backlog."
    ),
    (
      ["-l", "--sort", "nosuch"],
      "Listeners cannot be sorted by 'nosuch'. Give one of local, recvq, full, synq, drops, backlog."
    ),
    (
      ["-l", "--sort", ""],
      "Listeners cannot be sorted by ''. Give one of local, recvq, full, synq, drops, backlog."
    ),
    (["-l", "--sort=-drop"], "Listeners cannot be sorted by 'drop'. Did you mean 'drops'?"),
    (["--sort=-rtts"], "Sockets cannot be sorted by 'rtts'. Did you mean 'rtt'?"),
    (["--sort=-full"], "'full' is a column of '--listeners' only. Give that, too."),
  ])
  func whatDoesNotGoTogether(_ words: [String], _ error: String) throws {
    let done = try tcptool(["states"] + words)
    #expect(done.errorText.hasPrefix("Error: \(error)\n"), "\(done.errorText)")
    #expect(done.outputText == "")
    #expect(done.outcome == .exited(64))
  }

  /// The row of the listener, field by field, in each form that has fields.
  private static func fields(
    of port: UInt16, _ words: [String]
  ) throws -> [String: String] {
    let csv = try tcptool(["states", "--listeners", "--csv"] + words)
    #expect(csv.outcome == .exited(0))
    var lines = csv.outputText.split(separator: "\n").map { line in
      line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let header = try #require(lines.first)
    // The last field is in quotation marks, for there are commas in it.
    lines = lines.map { line in
      Array(line.prefix(header.count - 1)) + [
        line.dropFirst(header.count - 1).joined(separator: ",")
      ]
    }
    let row = try #require(lines.first { $0.contains("127.0.0.1:\(port)") })
    try #require(header.count == row.count)
    return Dictionary(zip(header, row)) { $1 }
  }

  @Test func csvHasTheKeysOfJSON() throws {
    let listener = try Peer.Listener()
    let fields = try Self.fields(of: listener.port, ["--process"])
    let json = try tcptool(["states", "--listeners", "--process", "--format", "json"])
    let rows = try json.outputText.split(separator: "\n").map { line in
      try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
    }
    let row = try #require(
      rows.first { ($0["local"] as? [String: Any])?["port"] as? Int == Int(listener.port) })
    #expect(Set(fields.keys).union(["schema", "record"]) == Set(row.keys))
    for key in ["accept_queue_limit", "backlog", "inode", "cookie", "drops"] {
      #expect(fields[key] == (row[key] as? Int).map { "\($0)" }, "\(key)")
    }
    #expect(fields["oldest_pending_ms"] == "")
    #expect(fields["processes"]?.contains("(\(ProcessInfo.processInfo.processIdentifier)") == true)
    #expect(rows.last?["record"] as? String == "namespace")
  }

  @Test func aHeadingCanBeLeftOut() throws {
    let listener = try Peer.Listener()
    for form in [[], ["--csv"]] {
      let words = ["states", "--listeners"] + form
      let whole = try tcptool(words).outputText.split(separator: "\n")
      let rest = try tcptool(words + ["--no-header"]).outputText.split(separator: "\n")
      #expect(whole.first?.lowercased().contains("local") == true)
      #expect(rest.first?.lowercased().contains("local") == false)
    }
    withExtendedLifetime(listener) {}
  }
}
