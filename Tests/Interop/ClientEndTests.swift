// The own end of a client: --source and --interface, and what is said where they cannot be had.

import TestSupport
import Testing

@Suite(.waits, .requiresPrivateNetwork, .requires("python3", "ip")) struct ClientEnds {
  @Test(arguments: [
    ("127.0.0.7", Family.ipv4, "127.0.0.7:"), ("127.0.0.7:4321", .ipv4, "127.0.0.7:4321 "),
    ("::1", .ipv6, "[::1]:"), ("[::1]:4321", .ipv6, "[::1]:4321 "),
  ])
  func theSourceIsTheOneAskedFor(source: String, family: Family, shown: String) throws {
    let network = try PrivateNetwork()
    // Twice: the first connection's end stays in TIME_WAIT with its port.
    for subcommand in ["connect", "send"] {
      let listener = try tcptool("recv", family.loopback, "0", in: network)
      let port = try announcedPort(of: listener)
      let done = try tcptool(
        subcommand, "--source", source, "--interface", "lo", family.loopback, "\(port)",
        in: network
      ).wait()
      #expect(done.outcome == .exited(0), "\(done)")
      #expect(done.errorText.contains("connected \(shown)"), "\(done)")
      #expect(try listener.wait().outcome == .exited(0))
    }
  }

  @Test func theSourceDecidesTheFamily() throws {
    let network = try PrivateNetwork()
    let done = try tcptool("connect", "--source", "127.0.0.7", "::1", "1", in: network).wait()
    #expect(done.outcome == .exited(64), "\(done)")
  }

  @Test func failuresOfTheOwnEndHaveTheirStatus() throws {
    let network = try PrivateNetwork()
    let listener = try tcptool("listen", "127.0.0.1", "4000", in: network)
    try listener.waitForLine(containing: "listening on ")
    for (words, text) in [
      (
        ["--source", "192.0.2.77"],
        "bind to 192.0.2.77:0: cannot assign requested address (EADDRNOTAVAIL); no interface of "
          + "this host has that address"
      ),
      (
        ["--source", "127.0.0.1:4000"],
        "bind to 127.0.0.1:4000: address already in use (EADDRINUSE); 'tcptool states' shows who "
          + "has that port"
      ),
      (
        ["--interface", "nosuch0"],
        "setsockopt SO_BINDTODEVICE nosuch0: no such device (ENODEV); this host has no interface "
          + "of that name"
      ),
      // The kernel would cut it to 15 bytes.
      (
        ["--interface", "lo-with-a-name-too-long"],
        "setsockopt SO_BINDTODEVICE lo-with-a-name-too-long: no such device (ENODEV); this host "
          + "has no interface of that name"
      ),
    ] {
      let done = try Child(
        command([try Tool.path, "connect"] + words + ["127.0.0.1", "4000"], in: network)
      ).wait()
      #expect(done.outcome == .exited(15), "\(done)")
      #expect(done.errorText == "Error: \(text)\n")
    }
  }

  /// As root of a user namespace that does not own the network.
  @Test func aSourcePortThatNeedsPrivilege() throws {
    let network = try PrivateNetwork()
    let done = try Child(
      network.command([
        "unshare", "-r", try Tool.path, "connect", "--source", "127.0.0.1:80", "127.0.0.1", "4000",
      ])
    ).wait()
    #expect(done.outcome == .exited(15), "\(done)")
    #expect(done.errorText.contains("(EACCES); ports below net.ipv4.ip_unprivileged_port_start"))
  }
}
