// `send --rate`: the pace over a whole transfer, kept by the kernel and by the program itself.

import Foundation
import TestSupport
import Testing

/// By the sender's own clock, which starts before the first byte and stops behind the last
/// acknowledgement: whatever load this machine is under makes a transfer slower, never faster.
@Suite(.waits, .timeLimit(.minutes(5))) struct PaceTests {
  /// Bytes a second, from a rate at which the kernel's single segments would be most of a second to one
  /// at which they do not count.
  private static let rates = [100_000, 1_000_000, 20_000_000]
  private static let copies = ["userspace", "sendfile", "splice"]

  private struct Transfer {
    var sent: Finished
    /// Bytes a second, as a part of what was asked for.
    var pace: Double
  }

  /// Sends what the rate gives in a second and a quarter.
  private func send(_ rate: Int, _ copy: String, under words: [String] = []) throws -> Transfer {
    let directory = try TemporaryDirectory()
    let path = directory.file("data")
    let size = rate * 5 / 4
    try Data(count: size).write(to: URL(filePath: path))
    let receiver = try tcptool("recv", "--json", "--discard", "127.0.0.1", "0")
    let port = try receiver.waitForEvent("listening").port("local")
    let sent = try Child(
      words + [
        try Tool.path, "send", "--json", "--trace", "--copy", copy, "--rate", "\(rate)B",
        "127.0.0.1", "\(port)", path,
      ]
    ).wait()
    try #require(sent.outcome == .exited(0), "\(sent.errorText)")
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0))
    let closed = try #require(try sent.events().first { $0.name == "closed" })
    #expect(closed.number("bytes_acknowledged") == size)
    let time = try #require(closed.number("elapsed_ns"))
    return Transfer(sent: sent, pace: Double(size) / (Double(time) / 1e9) / Double(rate))
  }

  /// What the kernel does not pace is no more than a twentieth: of the first ten segments of a
  /// connection, which it lets go at once, and of large segments at low rates.
  @Test(arguments: rates, copies)
  func itIsNeverFaster(_ rate: Int, _ copy: String) throws {
    let transfer = try send(rate, copy)
    #expect(transfer.pace < 1.05)
    #expect(transfer.sent.errorText.contains("SO_MAX_PACING_RATE, [\(rate)]"))
  }

  /// As a kernel before 3.13 and a sandbox answer.
  @Test(.requires("python3"), arguments: [100_000, 20_000_000], copies)
  func itIsNeverFasterWhereTheKernelDoesNotPace(_ rate: Int, _ copy: String) throws {
    let transfer = try send(rate, copy, under: Self.withoutPacing)
    #expect(transfer.pace < 1.05)
    let call = transfer.sent.errorText.split(separator: "\n").first {
      $0.contains("SO_MAX_PACING_RATE")
    }
    #expect(call?.contains("ENOPROTOOPT") == true, "\(transfer.sent.errorText)")
  }

  /// On a machine that has something else to do now and then, one of many transfers.
  @Test(.requires("python3"), arguments: [100_000, 20_000_000], [true, false])
  func itIsReached(_ rate: Int, _ isPacedByKernel: Bool) throws {
    var paces: [Double] = []
    let isReached = try eventually {
      paces.append(
        try send(rate, "sendfile", under: isPacedByKernel ? [] : Self.withoutPacing).pace)
      return paces.last ?? 0 > 0.95
    }
    #expect(isReached, "\(paces)")
  }

  /// Runs a program for which setsockopt(2) does not know SO_MAX_PACING_RATE, by a filter of its calls.
  private static let withoutPacing = [
    "python3", "-c",
    """
    import ctypes, errno, os, platform, struct, sys

    PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
    LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
    ALLOW, ERRNO = 0x7fff0000, 0x00050000
    SETSOCKOPT = {"x86_64": 54, "aarch64": 208}[platform.machine()]
    SO_MAX_PACING_RATE = 47
    # Of struct seccomp_data: the call's number at 0, the lower half of its argument N at 16 + 8 N.
    code = [
        (LOAD, 0, 0, 0), (EQUAL, 0, 5, SETSOCKOPT),
        (LOAD, 0, 0, 24), (EQUAL, 0, 3, 1),
        (LOAD, 0, 0, 32), (EQUAL, 0, 1, SO_MAX_PACING_RATE),
        (RETURN, 0, 0, ERRNO | errno.ENOPROTOOPT), (RETURN, 0, 0, ALLOW),
    ]
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(text)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
            PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0):
        sys.exit(os.strerror(ctypes.get_errno()))
    os.execv(sys.argv[1], sys.argv[1:])
    """,
  ]
}
