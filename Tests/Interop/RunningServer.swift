// `listen` as a running program: started, asked for its port and its events, looked at from outside.

import Foundation
import TestSupport
import Testing

/// `listen` on a port of loopback that the kernel chose.
struct RunningServer {
  let tool: Child
  let port: UInt16
  private let network: PrivateNetwork?

  /// - Parameters:
  ///   - options: of `listen`.
  ///   - host: where it listens; nil is every address.
  ///   - command: what stands behind --exec, where that is given.
  ///   - portFile: the file of --port-file, for one that announces nothing.
  init(
    _ options: String..., host: String? = "127.0.0.1", exec command: [String] = [],
    input: Child.Input = .null, output: Child.Output = .captured,
    environment: [String: String] = [:], port portFile: String? = nil,
    in network: PrivateNetwork? = nil
  ) throws {
    let program = command.isEmpty ? [] : ["--exec"] + command
    let words =
      [try Tool.path, "listen"] + options
      + (options.contains("--unbound") ? [] : [host].compactMap(\.self) + ["0"])
      + program
    tool = try Child(
      InteropTests.command(words, in: network), input: input, output: output,
      environment: environment)
    self.network = network
    if let portFile {
      port = try Self.port(in: portFile)
    } else if options.contains("--json") {
      port = try tool.waitForEvent("listening").port("local")
    } else {
      port = try announcedPort(of: tool)
    }
  }

  /// What a file of --port-file says once it is there.
  private static func port(in path: String) throws -> UInt16 {
    var text = ""
    _ = eventually {
      text = String(decoding: contents(of: path), as: UTF8.self)
      return !text.isEmpty
    }
    guard text.hasSuffix("\n"), let port = UInt16(text.dropLast()) else {
      throw TestFailure("no port in \(path): “\(text)”")
    }
    return port
  }

  /// Ends it by a signal, which is how a server that keeps its port open ends.
  func stop(by signal: Int32 = SIGTERM) throws -> Finished {
    try tool.signal(signal)
    let done = try tool.wait()
    #expect(done.outcome == .signalled(signal), "\(done)")
    return done
  }

  /// Waits until so many connections wait for accept(2), as the kernel's table has it.
  func waitForQueue(_ length: Int, sourceLocation: SourceLocation = #_sourceLocation) {
    var seen = -1
    let found = eventually {
      seen = acceptQueue
      return seen == length
    }
    #expect(found, "\(seen) in the accept queue, not \(length)", sourceLocation: sourceLocation)
  }

  /// Connections that wait for accept(2): the receive queue of the listener's row.
  var acceptQueue: Int {
    for table in ["tcp", "tcp6"] {
      let path = "/proc/\(network.map { "\($0.pid)" } ?? "self")/net/\(table)"
      for row in ((try? kernelFile(path)) ?? "").split(separator: "\n").dropFirst() {
        let fields = row.split(separator: " ")
        guard fields.count > 4, fields[3] == State.listening.rawValue,
          fields[1].split(separator: ":").last.flatMap({ UInt16($0, radix: 16) }) == port
        else { continue }
        return fields[4].split(separator: ":").last.flatMap { Int($0, radix: 16) } ?? -1
      }
    }
    return -1
  }

  /// A client of it.
  func client(_ steps: String..., input: Child.Input = .null) throws -> Child {
    try Child(
      command(ScriptedPeer.client(of: port, steps), in: network), input: input)
  }

  /// Another program as a client that relays its standard streams.
  func client(_ peer: Peer, input: Child.Input = .null) throws -> Child {
    try Child(command(peer.client(of: port, .ipv4), in: network), input: input)
  }
}

// MARK: Events

/// A JSON object of --json or --log.
struct Event: CustomStringConvertible {
  let fields: [String: Any]
  /// Names in the order of the line.
  let description: String

  init(_ line: some StringProtocol) throws {
    description = String(line)
    guard
      let fields = try? JSONSerialization.jsonObject(with: Data(description.utf8)) as? [String: Any]
    else { throw TestFailure("no JSON object: \(line)") }
    self.fields = fields
    guard fields["schema"] as? String == "tcptool/1", fields["event"] is String,
      let time = fields["unix_time_us"] as? Int, time > 1_000_000_000_000_000
    else { throw TestFailure("no event: \(line)") }
  }

  var name: String { fields["event"] as? String ?? "" }

  func text(_ key: String) -> String? { fields[key] as? String }
  func number(_ key: String) -> Int? { fields[key] as? Int }
  func flag(_ key: String) -> Bool? { fields[key] as? Bool }
  func object(_ key: String) -> [String: Any]? { fields[key] as? [String: Any] }
  /// Whether it says that this is unknown.
  func isNull(_ key: String) -> Bool { fields[key] is NSNull }

  func port(_ key: String) throws -> UInt16 {
    try #require((object(key)?["port"] as? Int).flatMap { UInt16(exactly: $0) }, "\(self)")
  }
}

/// All of them; each line has to be one.
func events(in text: String) throws -> [Event] {
  try text.split(separator: "\n").map { try Event($0) }
}

extension Child {
  /// Waits for an event on standard error and returns it.
  @discardableResult
  func waitForEvent(_ name: String, where fits: (Event) -> Bool = { _ in true }) throws -> Event {
    var found: Event?
    try waitForOutput(of: .standardError) { text in
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      found = try lines.map { try Event($0) }.first { $0.name == name && fits($0) }
      return found != nil
    }
    return try #require(found)
  }
}

extension Finished {
  /// The events on standard error.
  func events() throws -> [Event] { try InteropTests.events(in: errorText) }
}
