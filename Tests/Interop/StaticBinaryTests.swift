// The release binary on a host that is not the one it was built on: names resolve from /etc/hosts
// and DNS, whatever modules nsswitch.conf names.

import Foundation
import TestSupport
import Testing

/// The binary that `make` builds; it is not part of a test build, so its path comes from outside.
private let releaseBinary = ProcessInfo.processInfo.environment["TCPTOOL_RELEASE_BINARY"]

@Suite(
  .waits,
  .enabled(
    if: releaseBinary != nil || ProcessInfo.processInfo.environment["CI"] != nil,
    "TCPTOOL_RELEASE_BINARY is not set"))
struct StaticBinaryTests {
  /// Answers every question for `in-dns.example` with 127.0.0.4, and others with “no such name”.
  private static let nameServer = """
    import socket, struct
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    print("ready", flush=True)
    for _ in range(1000):
        query, client = server.recvfrom(512)
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]])
            at += query[at] + 1
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        known = b".".join(labels) == b"in-dns.example"
        answer = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4\\x7f\\0\\0\\4" if known and kind == 1 else b""
        flags = b"\\x81\\x80" if known else b"\\x81\\x83"
        counts = b"\\0\\1" + (b"\\0\\1" if answer else b"\\0\\0") + b"\\0\\0\\0\\0"
        server.sendto(query[:2] + flags + counts + query[12:at + 5] + answer, client)
    """

  /// A network with that name server and these files in place of the host's.
  private func network(in directory: TemporaryDirectory) throws -> PrivateNetwork {
    let files = [
      "nsswitch.conf": """
      hosts: nosuchmodule [!UNAVAIL=return] mymachines resolve [!UNAVAIL=return] mdns4 files dns
      services: nosuchmodule
      """,
      "hosts": "127.0.0.3 in-hosts.example",
      "resolv.conf": "nameserver 127.0.0.1",
    ]
    for (name, text) in files {
      try Data((text + "\n").utf8).write(to: URL(filePath: directory.file(name)))
    }
    return try PrivateNetwork(
      mounts: true,
      setUp: files.keys.map { "mount --bind \(directory.file($0)) /etc/\($0)" })
  }

  @Test(
    .requires("python3"), .requiresPrivateNetwork,
    arguments: [
      ("in-hosts.example", Int32(11), "127.0.0.3:9"), ("in-dns.example", 11, "127.0.0.4:9"),
      ("nowhere.example", 10, "EAI_NONAME"),
    ])
  func namesResolveWithoutModules(name: String, status: Int32, text: String) throws {
    let binary = try #require(releaseBinary, "CI has to say where the release binary is")
    let directory = try TemporaryDirectory()
    let network = try network(in: directory)
    let server = try Child(network.command(["python3", "-c", Self.nameServer]))
    _ = try server.waitForLine(containing: "ready", in: .standardOutput)
    let done = try run(network.command([binary, "connect", "--timeout", "5s", name, "9"]))
    #expect(done.outcome == .exited(status), "\(done)")
    #expect(done.errorText.contains(text))
  }

  /// No shared object is opened: a second libc in the process would be one of another version.
  @Test(.requires("python3", "strace"), .requiresPrivateNetwork)
  func nothingIsLoaded() throws {
    let binary = try #require(releaseBinary, "CI has to say where the release binary is")
    let directory = try TemporaryDirectory()
    let network = try network(in: directory)
    let trace = directory.file("trace")
    let words = ["strace", "-f", "-o", trace, "-e", "trace=open,openat", binary]
    let done = try run(network.command(words + ["connect", "in-hosts.example", "http"]))
    #expect(done.outcome == .exited(11), "\(done)")
    let opened = try String(contentsOfFile: trace, encoding: .utf8)
    #expect(opened.contains("/etc/hosts"))
    #expect(opened.contains("/etc/services"))
    #expect(!opened.contains(".so"), "\(opened)")
  }
}
