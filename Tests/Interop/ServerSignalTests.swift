// Signals to a busy server, at any moment: it ends by them, at once, whatever its clients and its own
// streams do.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.waits, .requires("python3")) struct ServerSignals {
  /// Three clients that come, talk, and go or are reset, again and again until nobody is there.
  private static let busyClients = """
    import random, socket, struct, sys, threading
    def client(seed):
        dice = random.Random(seed)
        try:
            while True:
                peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
                peer.settimeout(10)
                for _ in range(dice.randrange(8)):
                    peer.sendall(b"x" * dice.randrange(1, 200000))
                    peer.recv(65536)
                if dice.random() < 0.3:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()
        except OSError:
            pass
    threads = [threading.Thread(target=client, args=(int(sys.argv[2]) + n,)) for n in range(3)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    """

  private static let modes = [
    ["--echo"], ["--echo", "--json", "--trace"], ["--queues=1ms", "--accept-rate", "500"],
    ["--source-data", "1M", "--verbose"], ["--exec", "cat"],
  ]

  /// Thirty moments, no two of them the same in any two runs.
  @Test(arguments: 0..<30)
  func atAnyMoment(_ run: Int) throws {
    let mode = Self.modes[run % Self.modes.count]
    let signal = run.isMultiple(of: 2) ? SIGINT : SIGTERM
    let port = try unusedPort()
    let tool = try Child([try Tool.path, "listen", "-k", "127.0.0.1", "\(port)"] + mode)
    try waitUntilListening(port: port)
    let clients = try Child(["python3", "-c", Self.busyClients, "\(port)", "\(run)"])
    // Somewhere between the first client and the middle of many.
    let lines = Int.random(in: 0...60)
    _ = eventually(within: .milliseconds(.random(in: 1...400))) {
      tool.standardError.count(where: { $0 == 10 }) > lines + 1
    }
    try tool.signal(signal)
    let done = try tool.wait()
    #expect(done.outcome == .signalled(signal), "\(done)")
    #expect(!done.errorText.contains("Error"), "\(done)")
    #expect(try clients.wait().outcome == .exited(0))
    if mode.contains("--json") { _ = try done.events() }
  }

  /// Nobody reads what it tells: more than a pipe holds, so that it has to wait.
  @Test(
    arguments: ["--trace 2>&1 >/dev/null", "--json --trace 2>&1 >/dev/null", "--hex-dump -"],
    [SIGINT, SIGTERM])
  func whileNobodyReadsWhatItTells(_ rest: String, _ signal: Int32) throws {
    let directory = try TemporaryDirectory()
    let tool = try Child(
      [
        "sh", "-c", #"exec "$1" listen -k --echo --port-file port 127.0.0.1 0 "# + rest, "sh",
        try Tool.path,
      ], output: .unread, directory: directory.path)
    var port = ""
    #expect(
      eventually {
        port = String(decoding: contents(of: directory.file("port")), as: UTF8.self)
        return port.hasSuffix("\n")
      })
    let clients = try Child(["python3", "-c", Self.busyClients, String(port.dropLast()), "1"])
    // It waits for its reader, and not in the loop for its clients.
    #expect(
      eventually {
        let place = (try? kernelFile("/proc/\(tool.pid)/wchan")) ?? ""
        return place.contains("pipe_write") || place.contains("poll_schedule")
      })
    try tool.signal(signal)
    #expect(try tool.wait().outcome == .signalled(signal))
    _ = try clients.wait()
  }

  @Test(arguments: [["-k"], ["-k", "--max-concurrent", "1"], ["--max-connections", "3"]])
  func aClosedOutputIsALocalFailureForAll(_ options: [String]) throws {
    let tool = try Child(
      [try Tool.path, "listen", "--json"] + options + ["127.0.0.1", "0"], input: .pipe,
      output: .broken)
    let port = try tool.waitForEvent("listening").port("local")
    let bystander =
      options.contains("--max-concurrent")
      ? nil : try Child(ScriptedPeer.client(of: port, ["receive", "say=finished"]))
    if bystander != nil { try tool.waitForEvent("accepted") }
    // It does not half-close: shutdown(2) fails in another way where the RST is there before it.
    let client = try Child(
      ScriptedPeer.client(of: port, ["send", "receive"]), input: .text("data\n"))
    let done = try tool.wait()
    #expect(done.outcome == .exited(24), "\(done)")
    let told = try done.events()
    #expect(told.last?.name == "error" && told.last?.number("status") == 24)
    let call = options.contains("--max-concurrent") ? "splice" : "write"
    #expect(told.last?.text("message") == "\(call) to standard output: broken pipe (EPIPE)")
    // It is said once, and each connection that there was has its end.
    #expect(told.filter { $0.name.hasSuffix("error") }.count == 1)
    #expect(
      told.filter { $0.name == "closed" }.count == told.filter { $0.name == "accepted" }.count)
    // What was received could not be kept, so that no FIN says that it was.
    #expect(try client.wait().errorText.contains("ConnectionResetError"))
    if let bystander {
      #expect(try bystander.wait().errorText.contains("ConnectionResetError"))
    }
  }
}
