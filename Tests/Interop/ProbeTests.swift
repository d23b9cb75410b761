// connect --probe beside listeners that other programs open, and beside what nc says of the same ports.

import Foundation
import TestSupport
import Testing

@Suite(.waits) struct ProbeInterop {
  /// Programs that listen until they are killed, each with its words for a port of loopback.
  private static let listeners: [(program: String, words: @Sendable (String) -> [String])] = [
    ("nc", { ["nc", "-n", "-l", "-k", "127.0.0.1", $0] }),
    ("ncat", { ["ncat", "-n", "-l", "-k", "127.0.0.1", $0] }),
    ("socat", { ["socat", "TCP4-LISTEN:\($0),bind=127.0.0.1,fork", "/dev/null"] }),
    ("python3", { ["python3", "-m", "http.server", "-b", "127.0.0.1", $0] }),
  ]

  @Test(.requires("nc", "ncat", "socat", "python3")) func openOnesAreThoseThatNcFinds() throws {
    let first = try unusedPort()
    let ports = try [first] + Self.listeners.dropFirst().map { _ in try unusedPort() }
    let children = try zip(Self.listeners, ports).map { try Child($0.words("\($1)")) }
    for port in ports { try waitUntilListening(port: port) }
    let closed = try unusedPort()
    let list = (ports + [closed]).map { "\($0)" }.joined(separator: ",")
    let done = try tcptool("connect", "--json", "--probe", list, "127.0.0.1").wait()
    #expect(done.outcome == .exited(11), "\(done)")
    for line in done.outputText.split(separator: "\n") {
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let endpoint = try #require(object["endpoint"] as? [String: Any])
      let port = try #require(endpoint["port"] as? Int)
      let isOpen = try run(["nc", "-n", "-z", "127.0.0.1", "\(port)"]).outcome == .exited(0)
      #expect(isOpen == (port != Int(closed)))
      #expect(object["state"] as? String == (isOpen ? "open" : "closed"))
    }
    withExtendedLifetime(children) {}
  }

  /// It reads the end of the connection: no byte has come before, and no reset.
  @Test(.requires("python3")) func nothingIsSentToAListenerThatWaitsForData() throws {
    let script = """
      import socket
      listener = socket.socket()
      listener.bind(("127.0.0.1", 0))
      listener.listen()
      print("port", listener.getsockname()[1], flush=True)
      connection, _ = listener.accept()
      print("read", connection.recv(100), flush=True)
      """
    let server = try Child(["python3", "-c", script])
    let line = try server.waitForLine(containing: "port ", in: .standardOutput)
    let port = String(try #require(line.split(separator: " ").last))
    let done = try tcptool("connect", "--probe", port, "127.0.0.1").wait()
    #expect(done.outcome == .exited(0), "\(done)")
    let end = try server.wait()
    #expect(end.outcome == .exited(0), "\(end)")
    #expect(end.outputText.hasSuffix("read b''\n"), "\(end)")
  }

  /// The kernel has no connection in between that the tool forgot: all of them have ended.
  @Test(.requiresPrivateNetwork) func everyConnectionIsClosed() throws {
    let network = try PrivateNetwork()
    let directory = try TemporaryDirectory()
    let log = directory.file("log")
    let server = try Child(
      network.command(
        [try Tool.path, "listen", "-k", "--discard", "--log", log, "127.0.0.1", "4000"]))
    try waitUntilListening(port: 4_000, network: network)
    let done = try tcptool(
      "connect", "--probe", "3990-4010", "127.0.0.1", in: network
    ).wait()
    #expect(done.outcome == .exited(11), "\(done)")
    var closed: [Substring] = []
    let isOver = eventually {
      let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      closed = text.split(separator: "\n").filter { $0.contains(#""event":"closed""#) }
      return !closed.isEmpty
    }
    #expect(isOver && closed.count == 1, "\(closed)")
    let byFIN = #""closed_first":"peer","reset_by":null"#
    #expect(closed.allSatisfy { $0.contains(byFIN) }, "\(closed)")
    // TIME_WAIT is left of a connection that this end closed first. A FIN that is sent again on a
    // machine that stands still can end it before its time (RFC 1337).
    let areClosed = eventually {
      Set(socketStates(of: 4_000, network: network)).isSubset(of: ["06", State.listening.rawValue])
    }
    #expect(areClosed, "\(socketStates(of: 4_000, network: network))")
    withExtendedLifetime(server) {}
  }
}
