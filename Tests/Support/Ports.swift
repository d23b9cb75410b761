// Ports that a test may use, and when somebody listens on one.

import Foundation
public import Glibc
import Synchronization

/// A TCP port that nobody has, on any local address; never the same one twice in this process.
///
/// It is below the range from which the kernel gives ports to clients, so that a connection made
/// elsewhere between this call and its use cannot take it.
///
/// - Throws: `TestFailure` when none is free.
public func unusedPort() throws(TestFailure) -> UInt16 {
  for _ in candidates {
    let turn = nextCandidate.wrappingAdd(1, ordering: .relaxed).oldValue
    let port = candidates.lowerBound + UInt16(turn % UInt64(candidates.count))
    if isFree(port) { return port }
  }
  throw TestFailure("no free port in \(candidates)")
}

private let candidates: Range<UInt16> = 20_000..<32_000

/// Test processes that run at the same time start at different places.
private let nextCandidate = Atomic<UInt64>(.random(in: 0..<UInt64(candidates.count)))

private func isFree(_ port: UInt16) -> Bool {
  var any4 = sockaddr_in()
  any4.sin_family = sa_family_t(AF_INET)
  any4.sin_port = port.bigEndian
  var any6 = sockaddr_in6()
  any6.sin6_family = sa_family_t(AF_INET6)
  any6.sin6_port = port.bigEndian
  // A socket of family 6 takes the port in both families, unless the machine has no IPv6.
  return canBind(AF_INET, any4) && (canBind(AF_INET6, any6) || errno == EAFNOSUPPORT)
}

private func canBind<Address>(_ family: Int32, _ address: Address) -> Bool {
  let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
  guard descriptor >= 0 else { return false }
  defer { close(descriptor) }
  return unsafe withUnsafeBytes(of: address) { bytes in
    guard let base = bytes.baseAddress else { return false }
    return unsafe bind(
      descriptor, base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
  }
}

/// Waits until a socket listens on `port`, in the kernel's own table: no connection is made, so
/// the listener's queues stay empty.
///
/// - Parameters:
///   - port: The local port, of either family and any address.
///   - pid: A process in the network namespace to look at; `nil` for this process's own.
///   - limit: How long to wait.
/// - Throws: `TestFailure`, with the ports that are listened on, when the time has passed.
public func waitUntilListening(
  port: UInt16, pid: pid_t? = nil, within limit: Duration = patience
) throws(TestFailure) {
  var seen: Set<UInt16> = []
  let found = eventually(within: limit) {
    seen = listeningPorts(pid: pid)
    return seen.contains(port)
  }
  if !found {
    throw TestFailure("nobody listens on \(port) after \(limit), only on \(seen.sorted())")
  }
}

/// Waits until a socket listens on `port` in a private network.
///
/// - Throws: As the other `waitUntilListening`.
public func waitUntilListening(
  port: UInt16, network: PrivateNetwork, within limit: Duration = patience
) throws(TestFailure) {
  try waitUntilListening(port: port, pid: network.pid, within: limit)
}

/// The local ports of the rows in state LISTEN (0A) of `/proc/<pid>/net/tcp` and `tcp6`.
private func listeningPorts(pid: pid_t?) -> Set<UInt16> {
  var ports: Set<UInt16> = []
  for table in ["tcp", "tcp6"] {
    let path = "/proc/\(pid.map { "\($0)" } ?? "self")/net/\(table)"
    for row in ((try? kernelFile(path)) ?? "").split(separator: "\n") {
      let fields = row.split(separator: " ")
      guard fields.count > 3, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":"),
        let port = UInt16(fields[1][fields[1].index(after: colon)...], radix: 16)
      else { continue }
      ports.insert(port)
    }
  }
  return ports
}
