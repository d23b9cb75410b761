// Error numbers and failed calls as text.

import Glibc
@testable import SocketCore
import Testing

struct ErrorTests {
  @Test(
    arguments: [
      (ECONNREFUSED, "ECONNREFUSED", "connection refused"),
      (EADDRINUSE, "EADDRINUSE", "address already in use"),
      (ETIMEDOUT, "ETIMEDOUT", "connection timed out"),
      (EPIPE, "EPIPE", "broken pipe"),
      (ENOSPC, "ENOSPC", "no space left on device"),
      (EAGAIN, "EAGAIN", "resource temporarily unavailable"),
    ] as [(Int32, String, String)])
  func `an errno has its name and its text`(number: Int32, name: String, message: String) {
    let errno = Errno(rawValue: number)
    #expect(errno.name == name)
    #expect(errno.message == message)
  }

  @Test(arguments: [4095, -1, .max, .min] as [Int32])
  func `an unknown errno is told by its number`(number: Int32) {
    #expect(Errno(rawValue: number).name == "errno \(number)")
    #expect(Errno(rawValue: number).message == "unknown error")
  }

  @Test func `a failed call says what was tried on what, and why`() {
    let error = SystemCallError("connect", "to 192.0.2.1:80", .connectionRefused)
    #expect("\(error)" == "connect to 192.0.2.1:80: connection refused (ECONNREFUSED)")
  }

  @Test func `a failed call without a subject has no gap in its text`() {
    let error = SystemCallError("epoll_wait", "", .interrupted)
    #expect("\(error)" == "epoll_wait: interrupted system call (EINTR)")
  }

  @Test func `a failed connect ranks by how far it got`() {
    let order: [Errno] = [
      .addressNotAvailable, .networkUnreachable, .timedOut, .accessDenied, .connectionRefused,
    ]
    #expect(
      order.map { failure($0) } == [.local, .unreachable, .noAnswer, .prohibited, .refused])
    #expect(order.map { failure($0) } == order.map { failure($0) }.sorted())
  }

  @Test(
    arguments: [
      (EHOSTUNREACH, .unreachable), (ENETDOWN, .unreachable), (EHOSTDOWN, .unreachable),
      (EPERM, .prohibited), (ECONNRESET, .reset), (EPIPE, .reset), (EMFILE, .local),
      (EADDRNOTAVAIL, .local),
      // What the kernel makes of the rarer ICMP messages: protocol unreachable, host isolated,
      // source route failed, parameter problem.
      (ENOPROTOOPT, .unreachable), (ENONET, .unreachable), (EOPNOTSUPP, .unreachable),
      (EPROTO, .unreachable),
    ] as [(Int32, ConnectFailure)])
  func `a failed connect has a class`(number: Int32, expected: ConnectFailure) {
    #expect(failure(Errno(rawValue: number)) == expected)
  }

  private func failure(_ errno: Errno) -> ConnectFailure {
    FailedAttempt(
      target: Endpoint(.v4(.loopback), 1), error: SystemCallError("connect", "", errno),
      elapsed: .zero, synsSent: nil
    ).failure
  }
}
