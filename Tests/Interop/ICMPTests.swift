// An ICMP message ends the handshake: type, code and sender are told, and the status is theirs. A
// program of few lines plays the router: it answers the first SYN with a message of its own making.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requiresPrivateNetwork, .requires("python3", "ip")) struct ICMPCauses {
  struct Row: Sendable, CustomTestStringConvertible {
    var family: Family
    var type: Int
    var code: Int
    var status: Int32
    var text: String
    var testDescription: String { "\(family) \(type)/\(code)" }
  }

  private static let rows = [
    Row(
      family: .ipv4, type: 3, code: 13, status: 14,
      text: "no route to host (EHOSTUNREACH): ICMP destination unreachable, communication "
        + "administratively prohibited (3/13), from 127.0.0.9"),
    Row(
      family: .ipv4, type: 3, code: 9, status: 14,
      text: "network is unreachable (ENETUNREACH): ICMP destination unreachable, network "
        + "administratively prohibited (3/9), from 127.0.0.9"),
    Row(
      family: .ipv4, type: 3, code: 3, status: 11,
      text: "connection refused (ECONNREFUSED): refused by ICMP port unreachable (3/3), from "
        + "127.0.0.9, and not by RST: a firewall rejects the connection"),
    Row(
      family: .ipv4, type: 3, code: 1, status: 13,
      text: "no route to host (EHOSTUNREACH): ICMP destination unreachable, host unreachable "
        + "(3/1), from 127.0.0.9"),
    Row(
      family: .ipv4, type: 11, code: 0, status: 13,
      text: "no route to host (EHOSTUNREACH): ICMP time exceeded, hop limit reached in transit "
        + "(11/0), from 127.0.0.9"),
    Row(
      family: .ipv6, type: 1, code: 1, status: 14,
      text: "permission denied (EACCES): ICMPv6 destination unreachable, communication "
        + "administratively prohibited (1/1), from 2001:db8::9"),
    Row(
      family: .ipv6, type: 1, code: 4, status: 11,
      text: "connection refused (ECONNREFUSED): refused by ICMPv6 port unreachable (1/4), from "
        + "2001:db8::9, and not by RST: a firewall rejects the connection"),
    Row(
      family: .ipv6, type: 1, code: 0, status: 13,
      text: "network is unreachable (ENETUNREACH): ICMPv6 destination unreachable, no route to "
        + "destination (1/0), from 2001:db8::9"),
  ]

  @Test(arguments: rows)
  func areTold(_ row: Row) throws {
    let (network, router, port) = try Self.network(row)
    let done = try tcptool("connect", row.family.loopback, port, in: network).wait()
    #expect(done.outcome == .exited(row.status), "\(done)")
    let target = row.family == .ipv4 ? "127.0.0.1" : "[::1]"
    #expect(done.errorText == "Error: connect to \(target):\(port): \(row.text)\n")
    #expect(done.outputText == "")
    withExtendedLifetime(router) {}
  }

  /// A mapped address is IPv4's: its messages are kept where those of IPv4 are.
  @Test func areToldOfAMappedAddress() throws {
    let row = try #require(Self.rows.first)
    let (network, router, port) = try Self.network(row)
    let done = try tcptool("connect", "::ffff:127.0.0.1", port, in: network).wait()
    #expect(done.outcome == .exited(row.status), "\(done)")
    #expect(
      done.errorText == "Error: connect to [::ffff:127.0.0.1]:\(port): \(row.text)\n")
    withExtendedLifetime(router) {}
  }

  @Test(arguments: rows)
  func areInTheRowOfAProbe(_ row: Row) throws {
    let (network, router, port) = try Self.network(row)
    let done = try tcptool(
      "connect", "--timeout", "30s", "--probe", port, row.family.loopback, "--json", in: network
    ).wait()
    #expect(done.outcome == .exited(row.status), "\(done)")
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(done.output)) as? [String: Any])
    // Port unreachable says as much as RST does; everything else leaves open what is there.
    #expect(object["state"] as? String == (row.status == 11 ? "closed" : "filtered"))
    let icmp = try #require(object["icmp"] as? [String: Any])
    #expect(icmp["type"] as? Int == row.type)
    #expect(icmp["code"] as? Int == row.code)
    #expect(icmp["version"] as? Int == (row.family == .ipv4 ? 4 : 6))
    #expect(icmp["from"] as? String == (row.family == .ipv4 ? "127.0.0.9" : "2001:db8::9"))
    withExtendedLifetime(router) {}
  }

  /// A network with a router that answers the first SYN to a port.
  private static func network(_ row: Row) throws -> (PrivateNetwork, router: Child, port: String) {
    let network = try PrivateNetwork(setUp: ["ip address add 2001:db8::9/128 dev lo nodad"])
    let router = try Child(
      network.command(
        ["python3", "-c", router, row.family.loopback, "\(row.type)", "\(row.code)"]))
    let line = try router.waitForLine(containing: "ready ", in: .standardOutput)
    return (network, router, String(try #require(line.split(separator: " ").last)))
  }

  /// Makes a listener whose accept queue is full, so that TCP leaves the SYN without an answer.
  private static let router = """
    import socket, struct, sys

    host, kind, code = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    is_v6 = ":" in host
    family = socket.AF_INET6 if is_v6 else socket.AF_INET
    listener = socket.socket(family)
    listener.bind((host, 0))
    listener.listen(0)
    port = listener.getsockname()[1]
    waiting = socket.create_connection((host, port))
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86dd if is_v6 else 0x800))
    wire.bind(("lo", 0))
    sender = socket.socket(
        family, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if is_v6 else socket.IPPROTO_ICMP)
    sender.bind(("2001:db8::9" if is_v6 else "127.0.0.9", 0))
    print("ready", port, flush=True)

    def checksum(data):
        total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        return ~total & 0xffff

    while True:
        packet = wire.recv(65536)
        header = 40 if is_v6 else (packet[0] & 15) * 4
        protocol = packet[6] if is_v6 else packet[9]
        segment = packet[header:]
        if protocol == 6 and segment[2:4] == struct.pack("!H", port) and segment[13] & 0x12 == 2:
            break
    quoted = packet[:header + 20]
    # The kernel fills in the checksum of ICMPv6.
    message = struct.pack("!BBHI", kind, code, 0, 0) + quoted
    if not is_v6:
        message = struct.pack("!BBHI", kind, code, checksum(message), 0) + quoted
    sender.sendto(message, (host, 0))
    """
}
