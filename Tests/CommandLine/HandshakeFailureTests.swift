// Handshakes that fail in every way that a network without hosts can make: what is said, which status.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requiresPrivateNetwork) struct HandshakeFailures {
  /// A network in which 192.0.2.0/24 swallows everything, and other destinations fail at once.
  private func network(hosts: String = "") throws -> (PrivateNetwork, TemporaryDirectory) {
    let directory = try TemporaryDirectory()
    try Data(("127.0.0.1 localhost\n" + hosts).utf8).write(
      to: URL(filePath: directory.file("hosts")))
    let network = try PrivateNetwork(
      mounts: true,
      setUp: [
        // What loopback brings for an address that is not local is dropped: nothing is forwarded.
        "ip route add 192.0.2.0/24 dev lo", "ip address add 2001:db8::1/64 dev lo",
        "ip route add prohibit 198.51.100.0/24",
        "ip route add unreachable 203.0.113.0/24", "ip route add blackhole 198.18.0.0/15",
        "mount --bind '\(directory.file("hosts"))' /etc/hosts",
      ])
    return (network, directory)
  }

  @Test func eachHasItsStatus() throws {
    let (network, directory) = try network()
    for (address, status, message) in [
      (
        "198.51.100.1", Int32(14),
        "permission denied (EACCES); this host forbids it: a route of type prohibit ('ip route "
          + "get'), or its firewall"
      ),
      (
        "203.0.113.1", 13,
        "no route to host (EHOSTUNREACH); no host on the link has that address ('ip neigh'), or a "
          + "route is of type unreachable ('ip route get')"
      ),
      (
        "233.252.0.1", 13,
        "network is unreachable (ENETUNREACH); this host has no route there: 'ip route' lists "
          + "those that it has"
      ),
      (
        "198.18.0.1", 15,
        "invalid argument (EINVAL); a route of type blackhole leads there: 'ip route get' and the "
          + "address show it"
      ),
    ] {
      for name in ["connect", "send"] {
        let done = try run(network.command([Tool.path, name, address, "80"]))
        #expect(done.outcome == .exited(status))
        #expect(done.errorText == "Error: connect to \(address):80: \(message)\n")
        #expect(done.outputText == "")
      }
    }
    withExtendedLifetime(directory) {}
  }

  @Test func aLinkLocalAddressNeedsItsInterface() throws {
    let (network, directory) = try network()
    for (words, status, message) in [
      (
        ["connect", "fe80::1", "80"], Int32(15),
        "connect to [fe80::1]:80: invalid argument (EINVAL); a link-local address needs its "
          + "interface behind it, as in fe80::1%eth0"
      ),
      (
        ["listen", "fe80::1", "80"], 15,
        "bind to [fe80::1]:80: invalid argument (EINVAL); a link-local address needs its "
          + "interface behind it, as in fe80::1%eth0"
      ),
      (
        ["connect", "fe80::1%nope", "80"], 10,
        "resolve fe80::1%nope: name or service not known (EAI_NONAME); this host has no interface "
          + "'nope': 'ip link' lists them"
      ),
    ] {
      let done = try run(network.command([Tool.path] + words))
      #expect(done.outcome == .exited(status))
      #expect(done.errorText == "Error: \(message)\n")
    }
    withExtendedLifetime(directory) {}
  }

  @Test func silenceIsCutByTheTimeout() throws {
    let (network, directory) = try network()
    let done = try run(
      network.command([Tool.path, "connect", "--timeout", "200ms", "192.0.2.2", "80"]))
    #expect(done.outcome == .exited(12))
    #expect(done.elapsed >= .milliseconds(200))
    let pattern =
      #/Error: connect to 192\.0\.2\.2:80: connection timed out \(ETIMEDOUT\) after [0-9.]+ m?s; 1 SYN sent, none answered: the host is down, a firewall drops the SYN, or the listener's queue is full\n/#
    #expect(done.errorText.wholeMatch(of: pattern) != nil, "\(done)")
    withExtendedLifetime(directory) {}
  }

  /// The first one is silent to the end and the second refuses, which is an answer and counts more. It is said
  /// with --quiet too.
  @Test(arguments: [false, true])
  func theAddressThatGotFarthestDecides(quiet: Bool) throws {
    let (network, directory) = try network(
      hosts: "192.0.2.2 several.example\n127.0.0.1 several.example\n")
    let port = try unusedPort()
    let done = try run(
      network.command(
        [Tool.path, "connect", "-t", "600ms", "several.example:\(port)"] + (quiet ? ["-q"] : [])))
    #expect(done.outcome == .exited(11), "\(done)")
    let lines = done.errorText.split(separator: "\n").map(String.init)
    try #require(lines.count == (quiet ? 1 : 3), "\(done)")
    // The race goes on for as long as the silent one may take.
    if !quiet { #expect(lines[1].hasPrefix("connect to 192.0.2.2:\(port): ")) }
    #expect(
      lines.last == """
        Error: connect to several.example:\(port): 2 addresses tried, none connected; the one that \
        got farthest: connect to 127.0.0.1:\(port): connection refused (ECONNREFUSED): the host \
        answered with RST, so nothing listens on that port, or a firewall rejects the connection
        """)
    withExtendedLifetime(directory) {}
  }

  /// This host's own kernel sends the message while connect(2) is still at work. It then only stays in
  /// the queue: a program that does not look there hears of it after the next SYN, a second later.
  @Test func aMessageThatIsOnlyQueuedIsAnAnswer() throws {
    let (network, directory) = try network()
    let done = try run(
      network.command([Tool.path, "connect", "--timeout", "30s", "2001:db8::2", "80"]))
    #expect(done.outcome == .exited(13))
    #expect(
      done.errorText == """
        Error: connect to [2001:db8::2]:80: network is unreachable (ENETUNREACH): ICMPv6 \
        destination unreachable, no route to destination (1/0), from 2001:db8::1

        """)
    withExtendedLifetime(directory) {}
  }

  @Test func theSecondAddressWillDo() throws {
    let (network, directory) = try network(
      hosts: "203.0.113.1 several.example\n127.0.0.1 several.example\n")
    let port = try unusedPort()
    let server = try Child(network.command([Tool.path, "recv", "127.0.0.1", "\(port)"]))
    try waitUntilListening(port: port, network: network)
    let done = try run(
      network.command([Tool.path, "send", "several.example", "\(port)"]), input: .text("data"))
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(try server.wait().outputText == "data")
    withExtendedLifetime(directory) {}
  }
}
