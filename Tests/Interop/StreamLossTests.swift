// --streams of `send` and `recv` where another program is at the other end, and what becomes of the
// other streams when one is lost.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.waits, .timeLimit(.minutes(5))) struct StreamLosses {
  // MARK: Other programs

  /// A server in Python that takes so many connections and does to each what it is told: `read` to the
  /// end, `reset=N` after N bytes, `stop=N`. It waits for a line before it reads, and says what each had.
  private func pythonServer(_ fates: [String]) throws -> (Child, UInt16) {
    let script = """
      import socket, struct, sys, threading
      fates = sys.argv[1:]
      listener = socket.create_server(("127.0.0.1", 0), backlog=64)
      print("listening on", listener.getsockname()[1], file=sys.stderr, flush=True)
      peers = [listener.accept()[0] for _ in fates]
      print("all there", file=sys.stderr, flush=True)
      sys.stdin.readline()
      over = threading.Event()
      def serve(number, peer, fate):
          what, _, limit = fate.partition("=")
          count = 0
          while what == "read" or count < int(limit):
              data = peer.recv(65536)
              if not data: break
              count += len(data)
          if what == "reset":
              peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
          if what == "stop":
              over.wait()
          peer.close()
          sys.stderr.write(f"number {number} had {count}\\n")
      threads = [threading.Thread(target=serve, args=(n + 1, p, f))
          for n, (p, f) in enumerate(zip(peers, fates))]
      for thread in threads: thread.start()
      sys.stdin.readline()
      over.set()
      for thread in threads: thread.join()
      """
    let server = try Child(["python3", "-c", script] + fates, input: .pipe)
    let line = try server.waitForLine(containing: "listening on ")
    return (server, try #require(UInt16(line.split(separator: " ").last ?? "")))
  }

  @Test(.requires("python3", "ss"))
  func anotherProgramGetsAsManyConnections() throws {
    let (server, port) = try pythonServer(Array(repeating: "read", count: 8))
    let sender = try tcptool("send", "--streams", "8", "--size", "128M", "127.0.0.1", "\(port)")
    try server.waitForLine(containing: "all there")
    let table = try run(["ss", "-tnH", "state", "established", "dport = :\(port)"]).outputText
    #expect(table.split(separator: "\n").count == 8, "\(table)")
    try server.write("\n\n")
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(0), "\(sent)")
    let report = try server.wait().errorText
    #expect(report.matches(of: /had 16777216/).count == 8, "\(report)")
  }

  @Test(.requires("nc"))
  func anotherProgramCanSendAStream() throws {
    let receiver = try tcptool("recv", "--streams", "3", "--verify", "zero", "127.0.0.1", "0")
    let port = "\(try announcedPort(of: receiver))"
    let senders = try (1...3).map { _ in
      try Child(
        ["nc", "-n", "-N", "127.0.0.1", port], input: .bytes([UInt8](repeating: 0, count: 70_000)))
    }
    for sender in senders { #expect(try sender.wait().outcome == .exited(0)) }
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received)")
    #expect(received.errorText.contains("3 streams: sent 0 B, received 205 KiB"), "\(received)")
  }

  // MARK: One of eight is lost

  private struct Loss: Sendable, CustomTestStringConvertible {
    var fate: String
    var words: [String] = []
    var status: Int32
    var text: String
    var testDescription: String { fate }
  }

  private static let losses = [
    Loss(fate: "reset=1000000", status: 21, text: "connection reset by peer (ECONNRESET)"),
    Loss(
      fate: "stop=1000000", words: ["--idle-timeout", "2s"], status: 22,
      text: "nothing moved for 2s (--idle-timeout)"),
  ]

  /// The others go on to their end, and the end says which one it was and how much of it has arrived.
  @Test(.requires("python3"), arguments: losses)
  private func oneStreamOfEightLost(_ loss: Loss) throws {
    var fates = Array(repeating: "read", count: 8)
    fates[2] = loss.fate
    let (server, port) = try pythonServer(fates)
    let share = 16 << 20
    let sender = try Child(
      [try Tool.path, "send", "--json", "--streams", "8", "--size", "\(share * 8)"] + loss.words
        + ["127.0.0.1", "\(port)"])
    try server.waitForLine(containing: "all there")
    try server.write("\n")
    let sent = try sender.wait()
    try server.write("\n")
    let report = try server.wait().errorText
    #expect(sent.outcome == .exited(loss.status), "\(sent.errorText)")
    #expect(report.matches(of: /had 16777216/).count == 7, "\(report)")
    let failures = try events("connection_error", in: sent.errorText)
    #expect(failures.count == 1)
    // The server's number is that of accept(2), the sender's that of connect(2).
    let number = try #require(failures.first?["connection"] as? Int)
    let message = try #require(
      try events("error", in: sent.errorText).first?["message"] as? String)
    #expect(message.hasPrefix("1 of 8 streams lost; it is #\(number): "), "\(message)")
    #expect(message.contains(loss.text), "\(message)")
    let told = try #require(message.firstMatch(of: /acknowledged ([0-9,]+) of ([0-9,]+) bytes/))
    let acknowledged = try #require(Int(told.1.filter { $0 != "," }))
    #expect(acknowledged >= 1_000_000 && acknowledged < share)
    #expect(told.2 == "16,777,216")
    let closed = try events("closed", in: sent.errorText)
    #expect(closed.count == 8)
    let lost = try #require(closed.first { $0["connection"] as? Int == number })
    #expect(lost["bytes_acknowledged"] as? Int == acknowledged)
    let totals = try #require(try events("streams", in: sent.errorText).first)
    #expect(totals["failed"] as? Int == 1)
    #expect(totals["bytes_acknowledged"] as? Int == 7 * share + acknowledged)
  }

  /// Resets one of the connections that go through it, on both sides, and passes on all others.
  private func cuttingProxy(to port: UInt16, _ count: Int) throws -> (Child, UInt16) {
    let script = """
      import socket, struct, sys, threading
      target, count = int(sys.argv[1]), int(sys.argv[2])
      listener = socket.create_server(("127.0.0.1", 0), backlog=64)
      print("listening on", listener.getsockname()[1], file=sys.stderr, flush=True)
      def relay(number, one):
          two = socket.create_connection(("127.0.0.1", target))
          passed = 0
          while data := one.recv(65536):
              two.sendall(data)
              passed += len(data)
              if number == 5 and passed > 500000:
                  for end in (one, two):
                      end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                      end.close()
                  return
          two.shutdown(socket.SHUT_WR)
          while two.recv(65536): pass
          one.close()
      threads = [threading.Thread(target=relay, args=(n, listener.accept()[0]))
          for n in range(count)]
      for thread in threads: thread.start()
      for thread in threads: thread.join()
      """
    let proxy = try Child(["python3", "-c", script, "\(port)", "\(count)"])
    let line = try proxy.waitForLine(containing: "listening on ")
    return (proxy, try #require(UInt16(line.split(separator: " ").last ?? "")))
  }

  @Test(.requires("python3")) func bothEndsSayWhichOneWasLost() throws {
    let receiver = try tcptool(
      "recv", "-v", "--streams", "8", "--verify", "random", "127.0.0.1", "0")
    let (proxy, port) = try cuttingProxy(to: try announcedPort(of: receiver), 8)
    let sent = try tcptool(
      "send", "--streams", "8", "--size", "32M", "--pattern", "random", "127.0.0.1", "\(port)"
    ).wait()
    let received = try receiver.wait()
    try proxy.wait()
    #expect(sent.outcome == .exited(21), "\(sent)")
    #expect(sent.errorText.contains(/1 of 8 streams lost; it is #[1-8]: .*acknowledged [0-9,]+ of/))
    #expect(received.outcome == .exited(20), "\(received)")
    #expect(received.errorText.matches(of: /as expected: every byte of random:0/).count == 7)
    #expect(
      received.errorText.contains(/1 of 8 streams lost; it is #[1-8]: recv from .*ECONNRESET/))
  }

  /// Both ends of a transfer that would take a minute.
  private func fourStreamsUnderWay() throws -> (sender: Child, receiver: Child) {
    let receiver = try tcptool("recv", "--streams", "4", "--discard", "127.0.0.1", "0")
    let sender = try tcptool(
      "send", "--streams", "4", "--duration", "60s", "--rate", "80Mbit", "--json", "127.0.0.1",
      "\(try announcedPort(of: receiver))", "--interval", "20ms")
    try sender.waitForLine(containing: "\"interval\"")
    return (sender, receiver)
  }

  @Test func aReceiverThatIsKilledLosesAll() throws {
    let (sender, receiver) = try fourStreamsUnderWay()
    try receiver.signal(SIGKILL)
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(21), "\(sent.errorText.suffix(2_000))")
    #expect(sent.errorText.contains("4 of 4 streams lost; the first is #1"))
  }

  /// The receiver is told by RST that it does not have everything.
  @Test func aSignalCutsAll() throws {
    let (sender, receiver) = try fourStreamsUnderWay()
    try sender.signal(SIGINT)
    #expect(try sender.wait().outcome == .signalled(SIGINT))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(20), "\(received)")
    #expect(received.errorText.contains("4 of 4 streams lost"))
  }

  /// One that is missing is waited for no longer than it may be silent.
  @Test func aMissingStreamIsSaid() throws {
    let receiver = try tcptool(
      "recv", "--streams", "3", "--discard", "--idle-timeout", "1s", "127.0.0.1", "0")
    let sent = try tcptool(
      "send", "--streams", "2", "--size", "1M", "127.0.0.1",
      "\(try announcedPort(of: receiver))"
    ).wait()
    #expect(sent.outcome == .exited(0))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(22), "\(received)")
    #expect(received.errorText.contains("only 2 of 3 streams came"))
  }

  /// A sender that waits for the rest has sent nothing, and says so to those that are there.
  @Test func aSenderWithoutAllReceiversEnds() throws {
    let sender = try tcptool(
      "send", "--streams", "2", "--size", "1M", "--idle-timeout", "1s", "--listen", "127.0.0.1:0")
    let received = try tcptool(
      "recv", "--streams", "1", "--discard", "--connect", "127.0.0.1",
      "\(try announcedPort(of: sender))"
    ).wait()
    #expect(received.outcome == .exited(20), "\(received)")
    #expect(received.errorText.contains("received 0 B"))
    let sent = try sender.wait()
    #expect(sent.outcome == .exited(22), "\(sent)")
    #expect(sent.errorText.contains("1 of 2 streams lost; it is #1: "), "\(sent)")
  }

  /// Where not all can be connected nothing is sent, and those that are there are reset: this listener
  /// has room for one.
  @Test(.requires("python3")) func aStreamThatCannotBeConnectedEndsAll() throws {
    let script = """
      import socket, sys
      listener = socket.socket()
      listener.bind(("127.0.0.1", 0))
      listener.listen(0)
      print("listening on", listener.getsockname()[1], file=sys.stderr, flush=True)
      sys.stdin.readline()
      try:
          print("got", len(listener.accept()[0].recv(1000)), file=sys.stderr)
      except ConnectionResetError:
          print("was reset", file=sys.stderr)
      """
    let peer = try Child(["python3", "-c", script], input: .pipe)
    let line = try peer.waitForLine(containing: "listening on ")
    let sent = try tcptool(
      "send", "--streams", "8", "--size", "1M", "--timeout", "500ms", "127.0.0.1",
      String(try #require(line.split(separator: " ").last))
    ).wait()
    #expect(sent.outcome == .exited(12), "\(sent)")
    #expect(sent.errorText.contains("stream #2 of 8, and with it all: connect to 127.0.0.1:"))
    try peer.write("\n")
    #expect(try peer.wait().errorText.contains("was reset"))
  }
}
