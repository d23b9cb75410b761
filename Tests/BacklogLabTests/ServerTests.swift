// Real servers that do not accept for the moment: what is found from outside is what they were
// configured with. And what becomes of a server that does accept.

import Foundation
import SocketCore
import TestSupport
import Testing

@testable import BacklogLab

@Suite(.waits, .serialized, .requiresRoot) struct ServerTests {
  private static let port: UInt16 = 7_311
  private static let target = Endpoint(.v4(.loopback), port)

  /// Runs a server in a network namespace of its own, which is this thread's for as long.
  ///
  /// - Parameter isStopped: whether it is stopped (SIGSTOP) once it listens.
  private func test(
    _ server: [String], settings: [SettingChange] = [], isStopped: Bool = true,
    _ change: (inout TargetPlan) -> Void = { _ in }
  ) throws -> TargetResult {
    let network = try IsolatedNetwork()
    for setting in settings { try setting.apply() }
    let child = try Child(server)
    let listens = eventually { ListenerReading.read(at: Self.target) != nil || !child.isRunning }
    guard listens, child.isRunning else { throw TestFailure("\(server) does not listen") }
    if isStopped {
      try child.signal(SIGSTOP)
      guard try eventually({ try state(of: child.pid) == "T" }) else {
        throw TestFailure("\(server) does not stop")
      }
    }
    var plan = TargetPlan(target: Self.target)
    plan.patience = .milliseconds(300)
    change(&plan)
    var loop = try ReadinessLoop()
    let outcome = try Laboratory(isolation: .never).test(plan, loop: &loop)
    _ = network.means
    guard case .done(let result) = outcome else { throw TestFailure("a signal") }
    return result
  }

  /// The letter that follows the name in parentheses. proc_pid_stat(5).
  private func state(of process: pid_t) throws -> Character? {
    let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    return text.split(separator: ")").last?.first { $0 != " " }
  }

  private func expect(backlog: Int, in result: TargetResult) {
    #expect(result.backlogFound == backlog)
    #expect(result.ending == .unanswered(connect: backlog + 2))
    #expect(result.isLocal && result.isAccepting == false && result.leftovers == 0)
    #expect(result.after?.backlog == backlog)
    #expect(result.after?.acceptQueue == backlog + 1)
    #expect(result.unacknowledgedProbes == 0 && result.acknowledgedProbes == backlog + 1)
  }

  @Test(.requires("python3"), .timeLimit(.minutes(5)))
  func pythonsServer() throws {
    let directory = try TemporaryDirectory()
    let result = try test([
      "python3", "-m", "http.server", "--bind", "127.0.0.1", "-d", directory.path,
      "\(Self.port)",
    ]) { $0.probesData = true }
    expect(backlog: 5, in: result)
  }

  /// Its own 511, and what net.core.somaxconn leaves of it.
  @Test(.requires("redis-server"), .timeLimit(.minutes(5)), arguments: [4_096, 128])
  func redis(somaxconn: Int) throws {
    let directory = try TemporaryDirectory()
    let result = try test(
      [
        "redis-server", "--bind", "127.0.0.1", "--port", "\(Self.port)", "--save", "",
        "--appendonly", "no", "--tcp-backlog", "511", "--dir", directory.path,
      ], settings: [SettingChange(.somaxconn, "\(somaxconn)")]
    ) { $0.probesData = true }
    expect(backlog: min(511, somaxconn), in: result)
  }

  @Test(.requires("nginx"), .timeLimit(.minutes(5)), arguments: [nil, 64])
  func nginx(backlog: Int?) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("nginx.conf")
    let option = backlog.map { " backlog=\($0)" } ?? ""
    // One process alone, so that it is stopped with that.
    let text = """
      user root; daemon off; master_process off; pid \(directory.file("pid"));
      events {}
      http {
        access_log off;
        client_body_temp_path \(directory.file("a")); proxy_temp_path \(directory.file("b"));
        fastcgi_temp_path \(directory.file("c")); uwsgi_temp_path \(directory.file("d"));
        scgi_temp_path \(directory.file("e"));
        server { listen 127.0.0.1:\(Self.port)\(option); }
      }
      """
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let result = try test(["nginx", "-e", "stderr", "-c", path]) { $0.probesData = true }
    expect(backlog: backlog ?? 511, in: result)
  }

  /// A server that accepts has no length of a queue to be found.
  @Test(.requires("python3"), .timeLimit(.minutes(5)))
  func oneThatAccepts() throws {
    let script = """
      import socket
      s = socket.create_server(("127.0.0.1", \(Self.port)), backlog=1000)
      held = []
      while True: held.append(s.accept())
      """
    let result = try test(["python3", "-c", script], isStopped: false) { $0.count = 400 }
    #expect(result.ending == .countReached)
    #expect(result.isAccepting == true && result.backlogFound == nil)
    #expect(result.connected == 400 && result.connectsPerSecond > 0)
    #expect(result.clients.allSatisfy { $0.latency != nil })
  }
}
