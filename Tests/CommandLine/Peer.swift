// The other end of a connection, made of plain system calls: nothing of what is tested is in it.

import Glibc
import TestSupport

/// A connection to or from the program, which closes with this object. Each call waits as long as `patience`.
final class Peer {
  private let descriptor: Int32

  private init(_ descriptor: Int32) {
    self.descriptor = descriptor
    var limit = timeval(tv_sec: time_t(patience.components.seconds), tv_usec: 0)
    unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  /// Connects to a port of loopback.
  convenience init(connectingTo port: UInt16) throws(TestFailure) {
    let descriptor = try unsafe withAddress(port) { socket, address, length in
      unsafe connect(socket, address, length)
    }
    self.init(descriptor)
  }

  /// A listening socket on loopback.
  final class Listener {
    let port: UInt16
    private let descriptor: Int32

    init() throws(TestFailure) {
      let port = try unusedPort()
      self.port = port
      descriptor = try unsafe withAddress(port) { socket, address, length in
        let result = unsafe bind(socket, address, length)
        return result == 0 ? Glibc.listen(socket, 5) : result
      }
    }

    deinit { close(descriptor) }

    /// The next connection.
    func accept() throws(TestFailure) -> Peer {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&entry, 1, Int32(patience.components.seconds * 1_000)) > 0 else {
        throw TestFailure("nobody connected")
      }
      return Peer(Glibc.accept(descriptor, nil, nil))
    }
  }

  /// Sends text and then FIN.
  func finish(sending text: String = "") {
    let bytes = Array(text.utf8)
    unsafe send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    shutdown(descriptor, Int32(SHUT_WR))
  }

  /// All that comes until FIN or RST.
  func received() throws(TestFailure) -> String {
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = unsafe recv(descriptor, &chunk, chunk.count, 0)
      if count < 0, errno == EAGAIN { throw TestFailure("no end after \(patience): \(all)") }
      guard count > 0 else { return String(decoding: all, as: UTF8.self) }
      all += chunk[..<count]
    }
  }
}

/// A socket on which `call` succeeded with the address of a port of loopback.
private func withAddress(
  _ port: UInt16, _ call: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
) throws(TestFailure) -> Int32 {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  let result = unsafe withUnsafePointer(to: &address) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
      unsafe call(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  guard result == 0 else {
    close(descriptor)
    throw TestFailure("no connection or listener at port \(port): errno \(errno)")
  }
  return descriptor
}
