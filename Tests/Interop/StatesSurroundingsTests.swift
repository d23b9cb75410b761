// `states` on systems that are not as most are: without IPv6, with hidden processes, with nothing to
// show, with very much, with large numbers of users.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("ss"), .requiresPrivateNetwork) struct StatesSurroundings {
  private static let sources = ["proc", "diag"]

  private static func rows(_ done: Finished) -> [[Substring]] {
    done.outputText.split(separator: "\n").map { $0.split(separator: " ") }
  }

  @Test(arguments: [
    (["--source", "proc"], "no TCP sockets"), (["--source", "diag"], "no TCP sockets"),
    (["--json"], "no TCP sockets"), (["--listeners"], "nothing listens"),
  ])
  func nothingToShowIsSaid(_ words: [String], _ message: String) throws {
    let network = try PrivateNetwork()
    let done = try run(network.command([try Tool.path, "states"] + words))
    #expect(done.outcome == .exited(1))
    #expect(done.errorText.contains(message), "\(done.errorText)")
    #expect(!done.outputText.contains("127.0.0.1"))
  }

  /// Other users' processes are not in /proc at all; their sockets are in its tables as ever.
  @Test(.requires("setpriv"), .requiresRoot, arguments: sources)
  func hiddenProcesses(_ source: String) throws {
    let network = try PrivateNetwork(
      mapsUser: false, mounts: true, setUp: ["mount -t proc -o hidepid=2 proc /proc"])
    let listener = try tcptool("listen", "--hold", "127.0.0.1", "7000", in: network)
    try listener.waitForLine(containing: "listening on ")
    // A user of its own for each row: of others' processes one that begins may be seen, and be closed.
    let stranger = try Stranger(source == "proc" ? 65_410 : 65_411)
    func states(_ words: String...) throws -> Finished {
      try run(
        network.command(stranger.words + [stranger.tool, "states", "--source", source] + words))
    }
    let done = try states("--process", "--json")
    try #require(done.outcome == .exited(0), "\(done)")
    let row = try #require(
      JSONSerialization.jsonObject(with: Data(done.outputText.utf8)) as? [String: Any],
      "\(done.outputText)")
    #expect(row["state"] as? String == "LISTEN")
    #expect((row["processes"] as? [Any])?.isEmpty == true)
    #expect(done.errorText.contains("the owners of 1 socket are not in /proc: hidden (hidepid)"))
    let listeners = try states("--listeners", "--process")
    #expect(listeners.errorText.contains("the owners of 1 listener are not in /proc"))
    // What nobody knows matches nothing, and that is said.
    let filtered = try states("process=tcptool")
    #expect(filtered.outcome == .exited(1))
    #expect(filtered.errorText.contains("1 socket left out"), "\(filtered.errorText)")
    // Root sees them all the same.
    let seen = try run(network.command([try Tool.path, "states", "--process"]))
    #expect(seen.outputText.contains("tcptool(\(listener.pid),"), "\(seen.outputText)")
  }

  /// The kernel was told to do without IPv6: the table of it is there and empty.
  @Test(.requiresRoot, arguments: sources)
  func disabledIPv6(_ source: String) throws {
    let network = try PrivateNetwork(
      mapsUser: false, setUp: ["echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"])
    let listener = try tcptool("listen", "--hold", "127.0.0.1", "7000", in: network)
    try listener.waitForLine(containing: "listening on ")
    let done = try run(network.command([try Tool.path, "states", "--source", source]))
    #expect(done.outcome == .exited(0))
    #expect(done.errorText == "")
    #expect(Self.rows(done).count == 2)
  }

  /// A kernel without IPv6 (`ipv6.disable=1`) has no tcp6. A /proc with the one table stands for
  /// its own.
  @Test(.requiresRoot, arguments: [[], ["--listeners"], ["--summary"], ["--process"]])
  func noTableOfIPv6(_ words: [String]) throws {
    let directory = try TemporaryDirectory()
    for folder in ["proc/self", "proc/net"] {
      try FileManager.default.createDirectory(
        atPath: directory.file(folder), withIntermediateDirectories: true)
    }
    let network = try PrivateNetwork(mapsUser: false, mounts: true)
    let listener = try tcptool("listen", "--hold", "127.0.0.1", "7000", in: network)
    try listener.waitForLine(containing: "listening on ")
    let script = """
      set -e
      cat /proc/net/tcp > proc/net/tcp
      ln -s ../net proc/self/net
      ln -s self proc/thread-self
      mount --bind proc /proc
      test ! -e /proc/net/tcp6
      "$@"
      """
    let command = ["sh", "-c", script, "sh", try Tool.path, "states", "--source", "proc"] + words
    let done = try run(
      network.command(["unshare", "-m", "env", "-C", directory.path] + command))
    #expect(done.outcome == .exited(0), "\(done.errorText)")
    #expect(!done.errorText.contains("tcp6"))
    #expect(done.outputText.contains(words == ["--summary"] ? "LISTEN" : "127.0.0.1:7000"))
  }

  /// Wider than the five columns that the table has for it.
  @Test(.requires("setpriv"), .requiresRoot, arguments: sources)
  func largeUserNumbers(_ source: String) throws {
    let network = try PrivateNetwork(mapsUser: false)
    for (port, uid) in [(7000, 123_456), (7001, 4_294_967_294)] {
      let stranger = try Stranger(uid)
      let listener = try Child(
        network.command(
          stranger.words + [stranger.tool, "listen", "--hold", "127.0.0.1", "\(port)"]))
      try listener.waitForLine(containing: "listening on ")
      let command = [try Tool.path, "states", "--source", source, "--uid", "lport=\(port)"]
      let done = try run(network.command(command))
      #expect(Self.rows(done).last?.last == "\(uid)", "\(done.outputText)")
      let filtered = try run(network.command(command + ["uid=\(uid)"]))
      #expect(filtered.outputText == done.outputText)
    }
  }

  /// From the 10,000th row on a line is longer than the kernel's padding has foreseen.
  @Test(.requires("python3"), .timeLimit(.minutes(3)))
  func tenThousandRows() throws {
    let network = try PrivateNetwork()
    let script = """
      import resource, socket, sys
      hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
      resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
      listener = socket.create_server(("127.0.0.1", 7000), backlog=128)
      held = []
      for _ in range(5200):
          held.append(socket.create_connection(("127.0.0.1", 7000)))
          held.append(listener.accept()[0])
      print("ready", flush=True)
      sys.stdin.read()
      """
    let holder = try Child(network.command(["python3", "-c", script]), input: .pipe)
    try holder.waitForLine(containing: "ready", in: .standardOutput)
    defer { holder.closeInput() }
    for source in Self.sources {
      let done = try run(
        network.command([try Tool.path, "states", "--no-header", "--source", source]))
      let rows = Self.rows(done)
      #expect(rows.count == 10_401)
      #expect(Set(rows).count == rows.count)
      #expect(rows.count { $0.first == "ESTABLISHED" } == 10_400)
      #expect(done.errorText == "")
    }
    // So it is in the table: the number of the last line has five digits.
    let table = try run(network.command(["cat", "/proc/net/tcp"])).outputText
    #expect(table.contains("\n10400: "))
  }
}

@Suite(.waits, .requires("ss", "python3"), .requiresPrivateNetwork) struct StatesInfo {
  /// Nothing is sent any more, so that both look at the same numbers.
  @Test func aQuietConnectionIsAsInSs() throws {
    let network = try PrivateNetwork()
    let script = """
      import socket, sys
      listener = socket.create_server(("127.0.0.1", 7000))
      client = socket.create_connection(("127.0.0.1", 7000))
      server = listener.accept()[0]
      client.sendall(b"x" * 100000)
      left = 100000
      while left:
          left -= len(server.recv(65536))
      server.sendall(b"y" * 5000)
      left = 5000
      while left:
          left -= len(client.recv(65536))
      print("ready", flush=True)
      sys.stdin.read()
      """
    let holder = try Child(network.command(["python3", "-c", script]), input: .pipe)
    try holder.waitForLine(containing: "ready", in: .standardOutput)
    defer { holder.closeInput() }
    let filter = ["dst", "127.0.0.1:7000"]
    let words = ["ss", "-tinHO", "state", "established"] + filter
    var listing = ""
    var row: [String: Any] = [:]
    // An acknowledgement may be late, and the time since the last one goes on.
    let timeless = { (text: String) in
      text.split(separator: " ").filter { !$0.hasPrefix("last") }.joined(separator: " ")
    }
    let isQuiet = try eventually {
      listing = try run(network.command(words)).outputText
      let done = try run(
        network.command([try Tool.path, "states", "--json", "--info", "dport=7000"]))
      row =
        try JSONSerialization.jsonObject(with: Data(done.outputText.utf8)) as? [String: Any] ?? [:]
      return timeless(try run(network.command(words)).outputText) == timeless(listing)
    }
    #expect(isQuiet)
    let info = try #require(row["info"] as? [String: Any], "\(row)")
    let told = Self.numbers(listing)
    var compared = 0
    for (key, value) in told {
      let own = try #require(info[key] as? Double, "\(key) of \(listing)")
      #expect(abs(own - value) < 0.5, "\(key): \(own), ss \(value)")
      compared += 1
    }
    #expect(compared >= 12, "\(told.keys.sorted())")
    #expect(row["congestion_control"] as? String == Self.control(listing))
  }

  /// What ss tells, under the keys and in the units of JSON. What is 0 it leaves out.
  private static func numbers(_ listing: String) -> [String: Double] {
    var numbers: [String: Double] = [:]
    let words = listing.split(separator: " ").map(String.init)
    for (place, word) in words.enumerated() {
      if word == "delivery_rate", place + 1 < words.count {
        // Bits there, bytes here.
        numbers["delivery_rate_bytes_per_second"] = Double(words[place + 1].dropLast(3)).map {
          ($0 / 8).rounded()
        }
      }
      let parts = word.split(separator: ":", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { continue }
      let value = Double(parts[1])
      switch parts[0] {
      case "rtt":
        let times = parts[1].split(separator: "/").compactMap { Double($0) }
        if times.count == 2 {
          (numbers["rtt_us"], numbers["rttvar_us"]) = (times[0] * 1_000, times[1] * 1_000)
        }
      case "minrtt": numbers["min_rtt_us"] = value.map { $0 * 1_000 }
      case "rto": numbers["rto_us"] = value.map { $0 * 1_000 }
      case "mss", "pmtu", "cwnd", "ssthresh", "bytes_sent", "bytes_acked", "bytes_received",
        "segs_out", "segs_in", "unacked", "notsent", "lost", "reord_seen":
        numbers[parts[0]] = value
      default: break
      }
    }
    return numbers
  }

  /// It stands among the words without a colon behind the two ends.
  private static func control(_ listing: String) -> String? {
    listing.split(separator: " ").map(String.init).first {
      ["bbr", "cubic", "reno", "dctcp", "vegas", "westwood", "htcp"].contains($0)
    }
  }
}
