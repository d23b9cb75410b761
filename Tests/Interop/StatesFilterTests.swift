// The filter of `states` beside that of ss, and beside itself with nothing left to the kernel.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("python3", "ss"), .requiresPrivateNetwork) struct StatesFilter {
  /// The sockets of a table as `LOCAL PEER`, with IPv4 addresses as such.
  private static func pairs(ofSS text: String) -> [String] {
    text.split(separator: "\n").map { line in
      // Where only one state is asked for ss leaves its column out.
      line.split(separator: " ").suffix(2).map { word in
        let shown = word.hasPrefix("*:") ? "[::]\(word.dropFirst())" : "\(word)"
        return shown.replacing(/\[::ffff:([0-9.]+)\]/) { "\($0.output.1)" }
      }.joined(separator: " ")
    }.sorted()
  }

  private static func pairs(of text: String) -> [String] {
    text.split(separator: "\n").dropFirst().map {
      $0.split(separator: " ").dropFirst(3).joined(separator: " ")
    }.sorted()
  }

  /// Expressions that ss and `states` know; P is the port of a listener with many connections.
  private static let shared = [
    "state syn-recv", "state established", "state time-wait", "state listening", "state closing",
    "state connected", "state synchronized", "state bucket", "state big", "state all",
    "exclude listening", "exclude established exclude time-wait", "state listening state syn-sent",
    "state connected exclude established", "sport = :P", "sport eq :P", "dport = :P", "dport == :P",
    "sport != :P", "sport neq :P", "sport > :P", "sport gt :P", "sport >= :P", "sport ge :P",
    "sport geq :P", "sport < :P", "sport lt :P", "sport <= :P", "sport leq :P", "dport < :P",
    "dport >= :1024", "dst 127.0.0.1", "dst 127.0.0.0/8", "src 127.0.0.1", "src 127.0.0.1:P",
    "dst 127.0.0.1:P", "dst = 127.0.0.1", "dst [::1]", "src [::1]", "dst [::1]:P",
    "dst [::/128]", "src 0.0.0.0/0", "dst 0.0.0.0/0", "src 10.0.0.0/8", "not dst 127.0.0.1",
    "! sport = :P", "sport = :P or dport = :P", "sport = :P | dport = :P",
    "sport = :P || dport = :P",
    "( sport = :P or dport = :P ) and dst 127.0.0.0/8", "sport = :P and dst 127.0.0.1",
    "sport = :P & dst 127.0.0.1", "sport = :P && dst 127.0.0.1", "sport = :P dst 127.0.0.1",
    "not ( sport = :P or dport = :P )", "state established ( sport = :P or dport = :P )",
    "state established sport = :P or dport = :P", "state listening src [::]", "src [::1/128]",
  ]

  @Test(.timeLimit(.minutes(5)))
  func choosesWhatSSChooses() throws {
    let network = try PrivateNetwork()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    let port = try Self.busiestPort(in: network)
    var matched = 0
    for form in Self.shared {
      let words = form.replacing("P", with: "\(port)").split(separator: " ").map(String.init)
      var listing = ""
      var shown = Finished?.none
      let settled = try eventually {
        listing = try run(network.command(["ss", "-tanH"] + words)).outputText
        shown = try run(network.command([Tool.path, "states"] + words))
        return try run(network.command(["ss", "-tanH"] + words)).outputText == listing
      }
      #expect(settled)
      let done = try #require(shown)
      let expected = Self.pairs(ofSS: listing)
      #expect(Self.pairs(of: done.outputText) == expected, "\(form)")
      #expect(done.outcome == .exited(expected.isEmpty ? 1 : 0), "\(form)")
      #expect(done.errorText == "", "\(form)")
      if !expected.isEmpty { matched += 1 }
    }
    #expect(matched > 40)
  }

  /// /proc leaves nothing out by itself but states, so what comes from there is the filter's own doing.
  @Test(arguments: [
    ":P", "lport=P", "rport=P", "port!=P", "port>=P", "addr=127.0.0.0/8 rport!=P", "peer=::1",
    "addr!=::1", "pending", "orphan", "not pending and not orphan", "recvq>0", "sendq>1K",
    "listening recvq>0", "uid=root", "not uid=1", "state=CLOSE_WAIT,LAST_ACK", "::/0",
    "process=python3", "process!=python3", "process=python3 and :P or pending",
  ])
  func bothSourcesAgree(_ form: String) throws {
    let network = try PrivateNetwork()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    let expression = try form.replacing("P", with: "\(Self.busiestPort(in: network))")
    var outputs: [[String]] = []
    let settled = try eventually {
      outputs = try ["diag", "proc", "diag"].map { source in
        let words = [try Tool.path, "states", "--source", source, expression]
        return Self.pairs(of: try run(network.command(words)).outputText)
      }
      return outputs[0] == outputs[2]
    }
    #expect(settled)
    // Only /proc knows the user of a handshake.
    let isAboutUsers = form.contains("uid")
    let extra = Set(outputs[1]).subtracting(outputs[0])
    #expect(isAboutUsers || outputs[0] == outputs[1], "\(extra)")
    #expect(Set(outputs[0]).isSubset(of: outputs[1]))
    #expect(!outputs[0].isEmpty)
  }

  @Test func factsOfTheKernel() throws {
    let network = try PrivateNetwork()
    let maker = try StateMaker.start(in: network)
    defer { maker.closeInput() }
    func count(_ words: String...) throws -> Int {
      try run(network.command([try Tool.path, "states"] + words)).outputText
        .split(separator: "\n").dropFirst().count
    }
    #expect(try count("rtt>0", "or", "rtt=0") > 30)
    #expect(try count("rtt>1h") == 0)
    #expect(try count("listening", "(", "rtt>0", "or", "not", "rtt>0", ")") == 0)
    #expect(try count("retrans>=0", "state=SYN_SENT") == 3)
    #expect(try count("pid=\(maker.pid)", "listening") > 5)
    #expect(try count("pid!=\(maker.pid)", "listening") == 0)
    #expect(try count("process=python3", "pending") == 0)
    #expect(try count("not", "process=python3", "time-wait") == 3)

    let fromProc = try run(network.command([try Tool.path, "states", "--source", "proc", "rtt>0"]))
    #expect(fromProc.outcome == .exited(1))
    #expect(fromProc.errorText.contains("/proc/net does not have rtt"))
  }

  /// The port of the listener with the most connections.
  private static func busiestPort(in network: PrivateNetwork) throws -> String {
    let text = try run(network.command(["ss", "-tanH", "state", "established"])).outputText
    let ports = text.split(separator: "\n").compactMap { line in
      line.split(separator: " ").dropFirst(2).first?.split(separator: ":").last.map(String.init)
    }
    let counts = Dictionary(grouping: ports) { $0 }.mapValues(\.count)
    guard let most = counts.max(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key else {
      throw TestFailure("nothing is established:\n\(text)")
    }
    return most
  }
}
