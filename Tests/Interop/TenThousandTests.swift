// Ten thousand clients of one process.

import Foundation
import Glibc
import TestSupport
import Testing

/// What one process needs for them, and what this one may have.
private let descriptorsNeeded: rlim_t = 10_100
private let mayHaveEnough: Bool = {
  var limit = rlimit()
  let isKnown = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
  return isKnown && limit.rlim_max >= descriptorsNeeded
}()

@Suite(
  .waits, .requires("python3"), .requiresPrivateNetwork,
  .enabled(if: mayHaveEnough, "the hard limit of descriptors is below \(descriptorsNeeded)"))
struct TenThousandClients {
  /// Connects so many and says so; for each line on standard input it sends one in each connection,
  /// and compares what comes back.
  private static let clients = """
    import resource, socket, sys
    count, first = int(sys.argv[1]), int(sys.argv[2])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    peers = []
    for number in range(count):
        peer = socket.socket()
        peer.bind(("127.0.0.%d" % (first + number % 4), 0))
        peer.connect(("127.0.0.1", 7000))
        peers.append(peer)
    print("connected", flush=True)
    for _ in sys.stdin:
        for number, peer in enumerate(peers):
            peer.sendall(b"%d\\n" % number)
        right = 0
        for number, peer in enumerate(peers):
            peer.settimeout(120)
            wanted, got = b"%d\\n" % number, b""
            while len(got) < len(wanted):
                part = peer.recv(64)
                if not part: break
                got += part
            right += got == wanted
        print("echoed", right, flush=True)
    """

  /// Resident memory of its own, in bytes.
  private static func memory(of process: pid_t) throws -> Int {
    let status = try kernelFile("/proc/\(process)/status")
    let line = try #require(status.firstMatch(of: #/RssAnon:\s+([0-9]+) kB/#))
    return try #require(Int(line.1)) * 1_024
  }

  /// A connection that is idle costs 1.3 KiB of the process's memory in a release build; the bound is
  /// there to notice a buffer that stays behind, the smallest of which is more than that.
  private static let mostBytesPerConnection = 4_096

  @Test(.timeLimit(.minutes(5))) func areAllServedByOneProcess() throws {
    let network = try PrivateNetwork()
    let tool = try tcptool(
      "listen", "--keep-open", "--echo", "--quiet", "127.0.0.1", "7000", in: network)
    try waitUntilListening(port: 7000, network: network)
    let before = try Self.memory(of: tool.pid)
    let halves = try [2, 10].map { first in
      try Child(
        network.command(["python3", "-c", Self.clients, "5000", "\(first)"]), input: .pipe)
    }
    for half in halves {
      try half.waitForLine(containing: "connected", in: .standardOutput)
    }
    // Twice: the second time on connections that have been idle after they were busy.
    for round in 1...2 {
      for half in halves { try half.write("\n") }
      for half in halves {
        try half.waitForOutput() { text in
          text.split(separator: "\n").count(where: { $0 == "echoed 5000" }) == round
        }
      }
    }
    let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(tool.pid)/fd")
    #expect(descriptors.count > 10_000)
    let each = (try Self.memory(of: tool.pid) - before) / 10_000
    #expect(each < Self.mostBytesPerConnection)
    for half in halves {
      half.closeInput()
      #expect(try half.wait().outcome == .exited(0))
    }
    try tool.signal(SIGTERM)
    #expect(try tool.wait().outcome == .signalled(SIGTERM))
  }
}
