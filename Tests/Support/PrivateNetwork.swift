// A network of a test's own, where no other process has ports, routes or counters.

public import Glibc

/// A network namespace with its loopback interface up, which lives as long as this object.
///
/// A process without sockets holds it. Other processes enter by `command`.
public final class PrivateNetwork: Sendable {
  private let holder: Child
  private let namespaces: [String]

  /// A process inside: its `/proc/<pid>/net` is that of the namespace.
  public var pid: pid_t { holder.pid }

  /// Makes the namespace.
  ///
  /// - Parameters:
  ///   - mapsUser: Makes a user namespace as well, in which this user is root: needs no privilege.
  ///     Without it root is needed, and the settings that only the first user namespace may change
  ///     (`net.core.somaxconn` on older kernels) can be changed.
  ///   - mounts: Gives it mounts of its own, so that `setUp` may mount.
  ///   - setUp: Lines of shell that run inside before anything else; one that fails is an error.
  /// - Throws: `TestFailure`, with what the commands said, when something of this does not work.
  public init(mapsUser: Bool = true, mounts: Bool = false, setUp: [String] = []) throws {
    // The holder reads a pipe that nobody writes to, so it ends even if the tests crash.
    let lines = ["ip link set lo up"] + setUp + [Self.addressesAreRouted, "echo ready", "exec cat"]
    holder = try Child(
      ["unshare", "-n"] + (mapsUser ? ["-r"] : []) + (mounts ? ["-m"] : [])
        + ["sh", "-e", "-c", lines.joined(separator: "\n")],
      input: .pipe)
    namespaces =
      ["-n"] + (mapsUser ? ["-U", "--preserve-credentials"] : []) + (mounts ? ["-m"] : [])
    try holder.waitForLine(containing: "ready", in: .standardOutput)
  }

  /// Waits until the addresses of loopback can be reached: the kernel makes the route of an address of
  /// IPv6 by a worker, some time after the call that adds it has returned (addrconf_dad_work).
  private static let addressesAreRouted = """
    timeout 60 sh -c 'until [ "$(ip -6 -o address show dev lo | wc -l)" -le \
    "$(ip -6 route show table local dev lo | wc -l)" ]; do :; done' || :
    """

  /// The words that run `words` inside, in the process that they start (there is no fork between).
  public func command(_ words: [String]) -> [String] {
    ["nsenter", "-t", "\(pid)"] + namespaces + ["--"] + words
  }
}
