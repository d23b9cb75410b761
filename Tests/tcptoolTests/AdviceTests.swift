// What to do next stands behind the failures that this end can have.

import Glibc
import SocketCore
import Testing

@testable import tcptool

@Suite struct Advice {
  struct Row: Sendable {
    let call: String
    var subject = "x"
    let code: Int32
  }

  /// What a person can change.
  private static let failures = [
    Row(call: "open", code: ENOENT), Row(call: "open", code: EACCES),
    Row(call: "open", code: EEXIST), Row(call: "open", code: ENOTDIR),
    Row(call: "open", code: EISDIR), Row(call: "open", code: EROFS),
    Row(call: "rename", code: EEXIST), Row(call: "write", code: ENOSPC),
    Row(call: "read", code: EISDIR), Row(call: "read", code: ESPIPE),
    Row(call: "lseek", code: ESPIPE), Row(call: "execve", code: ENOENT),
    Row(call: "execve", code: EACCES), Row(call: "bind", code: EADDRNOTAVAIL),
    Row(call: "bind", code: EADDRINUSE), Row(call: "bind", code: EACCES),
    Row(call: "connect", code: EADDRNOTAVAIL), Row(call: "connect", code: ENETUNREACH),
    Row(call: "connect", code: EHOSTUNREACH), Row(call: "connect", code: EACCES),
    Row(call: "connect", code: EPERM), Row(call: "connect", code: EINVAL),
    Row(call: "bind", subject: "to [fe80::1]:80", code: EINVAL), Row(call: "socket", code: EMFILE),
    Row(call: "accept", code: ENFILE), Row(call: "socket", code: ENOBUFS),
    Row(call: "setsockopt", subject: "SO_MARK 1", code: EPERM),
    Row(call: "setsockopt", subject: "TCP_CONGESTION bbr", code: ENOENT),
    Row(call: "setsockopt", subject: "SO_BINDTODEVICE eth9", code: ENODEV),
    Row(call: "setsockopt", subject: "TCP_MAXSEG 1", code: EINVAL),
  ]

  @Test(arguments: failures) func standsBehindTheError(_ row: Row) {
    let error = SystemCallError(row.call, row.subject, Errno(rawValue: row.code))
    let failure = Failure(.localEnd, error)
    #expect(failure.message.hasPrefix(error.description + "; "))
    #expect(!failure.message.hasSuffix("."))
  }

  /// A peer's doing has its cause in the text already.
  @Test func isNotGivenForWhatAPeerDid() {
    let error = SystemCallError("recv", "from 192.0.2.1:80", .connectionReset)
    #expect(Failure(.reset, error).message == error.description)
  }
}
