// Starting tcptool, and looking at what it and the kernel say.

import Foundation
import TestSupport
import Testing

/// Starts the program.
func tcptool(
  _ words: String..., input: Child.Input = .null, output: Child.Output = .captured,
  in network: PrivateNetwork? = nil
) throws -> Child {
  try Child(command([try Tool.path] + words, in: network), input: input, output: output)
}

/// The words that run `words` in a private network, or here.
func command(_ words: [String], in network: PrivateNetwork?) -> [String] {
  network?.command(words) ?? words
}

/// The port on which `listen` or `recv` says that it listens.
func announcedPort(of tool: Child) throws -> UInt16 {
  let line = try tool.waitForLine(containing: "listening on ")
  guard let match = line.firstMatch(of: /:([0-9]+)(,| |$)/), let port = UInt16(match.1) else {
    throw TestFailure("no port in “\(line)”")
  }
  return port
}

/// The states that a connection's end can be waited for in, as `/proc/net/tcp` has them.
enum State: String {
  case synSent = "02"
  case closeWait = "08"
  case listening = "0A"
}

/// Waits until an end of a connection of `port` is in a state.
func waitForConnection(
  of port: UInt16, in state: State, _ family: Family = .ipv4, network: PrivateNetwork? = nil
) throws {
  var seen: [String] = []
  let found = eventually {
    seen = socketStates(of: port, family, network: network)
    return seen.contains(state.rawValue)
  }
  if !found { throw TestFailure("no end of \(port) in state \(state), only \(seen)") }
}

/// The states of the sockets that have `port` at one of their ends, as hexadecimal numbers.
func socketStates(
  of port: UInt16, _ family: Family = .ipv4, network: PrivateNetwork? = nil
) -> [String] {
  let table = family == .ipv4 ? "tcp" : "tcp6"
  let path = "/proc/\(network.map { "\($0.pid)" } ?? "self")/net/\(table)"
  let suffix = ":" + String(port, radix: 16, uppercase: true).leftPadded(to: 4)
  return ((try? kernelFile(path)) ?? "").split(separator: "\n")
    .compactMap { row in
      let fields = row.split(separator: " ")
      guard fields.count > 3, fields[1].hasSuffix(suffix) || fields[2].hasSuffix(suffix) else {
        return nil
      }
      return String(fields[3])
    }
}

extension String {
  fileprivate func leftPadded(to width: Int) -> String {
    String(repeating: "0", count: max(0, width - count)) + self
  }
}

/// Records an issue unless both are the same, and says where they part: a log of 16 MiB helps nobody.
func expectSame(
  _ received: [UInt8], _ sent: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
) {
  if Data(received) == Data(sent) { return }
  let common = zip(received, sent).prefix { $0 == $1 }.count
  Issue.record(
    "\(received.count) bytes in place of \(sent.count), the same up to byte \(common)",
    sourceLocation: sourceLocation)
}

/// Whether a sender was told by RST that its data has not been kept: that may come before or behind
/// the acknowledgement of the last byte.
func isTold(_ outcome: Finished.Outcome) -> Bool {
  outcome == .exited(20) || outcome == .exited(21)
}

/// Waits until a program has written so many bytes to standard output.
func waitForBytes(_ count: Int, from child: Child, within limit: Duration = patience) throws {
  guard eventually(within: limit, { child.standardOutput.count >= count }) else {
    throw TestFailure("only \(child.standardOutput.count) of \(count) bytes within \(limit)")
  }
}

/// The bytes of a file; none where it does not exist.
func contents(of path: String) -> [UInt8] {
  FileManager.default.contents(atPath: path).map { Array($0) } ?? []
}
