// Which kernel runs, and which of the rules it has.

internal import Glibc

/// The release of a kernel.
public struct KernelVersion: Hashable, Sendable, CustomStringConvertible {
  /// As uname(2) gives it: `6.18.44`, `5.15.0-91-generic`.
  public var release: String
  /// The first three numbers of it; 0 for what is not there.
  public var major: Int
  public var minor: Int
  public var patch: Int

  public init(_ release: String) {
    self.release = release
    let numbers = release.prefix { $0.isNumber || $0 == "." }.split(separator: ".").map { Int($0) }
    func number(_ index: Int) -> Int { index < numbers.count ? numbers[index] ?? 0 : 0 }
    (major, minor, patch) = (number(0), number(1), number(2))
  }

  /// That of the running kernel. uname(2).
  public static var running: KernelVersion {
    var name = utsname()
    guard unsafe uname(&name) == 0 else { return KernelVersion("unknown") }
    return unsafe withUnsafeBytes(of: name.release) { bytes in
      unsafe KernelVersion(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
    }
  }

  public var description: String { release }

  /// Whether it is this release or a later one, by its numbers.
  public func isAtLeast(_ major: Int, _ minor: Int, _ patch: Int = 0) -> Bool {
    (self.major, self.minor, self.patch) >= (major, minor, patch)
  }

  /// Whether a SYN that meets a full accept queue is dropped at once (commit 5ea8ea2cb7f1, 4.10).
  /// Before, it was answered as long as at most one handshake was fresh, and the last ACK was dropped.
  public var dropsSYNsAtFullAcceptQueue: Bool { isAtLeast(4, 10) }

  /// What net.ipv4.tcp_syn_linear_timeouts is in a new network namespace (`tcp_sk_init`, since
  /// 6.5); nil where there is no such setting.
  public var defaultLinearTimeouts: Int? { isAtLeast(6, 5) ? 4 : nil }

  /// How many handshakes the SYN queue holds beyond the backlog: 1 since the test is `>` (commit
  /// 3479c7549fb1: 6.13 and the stable releases of January 2025), 0 before (`>=`).
  ///
  /// - Returns: what is to be expected; distributions carry fixes under older numbers.
  public var placesBeyondBacklogInSYNQueue: Int {
    if isAtLeast(6, 13) { return 1 }
    // The first stable release with it, by series.
    let firstStable = [
      (6, 12, 10), (6, 6, 72), (6, 1, 125), (5, 15, 177), (5, 10, 234), (5, 4, 290),
    ]
    return firstStable.contains { major == $0.0 && minor == $0.1 && patch >= $0.2 } ? 1 : 0
  }
}
