// A connected socket: bytes in, bytes out, half-close.

internal import CLinux
internal import Glibc

/// One connection with its 4-tuple. Its end is closed when its owner goes.
public struct Connection: ~Copyable, Sendable {
  public let socket: Socket
  /// This end and the other; IPv4 peers of a dual-stack listener are shown as IPv4.
  public let local: Endpoint
  public let peer: Endpoint

  init(_ socket: consuming Socket, local: Endpoint, peer: Endpoint) {
    self.socket = socket
    self.local = local
    self.peer = peer
  }

  /// Receives what is there, without waiting. recv(2).
  ///
  /// - Returns: `endOfInput` once the peer's FIN has been reached.
  /// - Throws: ECONNRESET after an RST, ETIMEDOUT where the peer went silent, and the rest of recv(2).
  public func receive(into buffer: inout MutableRawSpan) throws(SystemCallError) -> TransferResult {
    try unsafe buffer.withUnsafeMutableBytes { bytes throws(SystemCallError) in
      try socket.call("recv").transfer("from \(peer)", arguments: "\(bytes.count)") {
        unsafe recv(
          socket.descriptor.rawValue, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT))
      }
    }
  }

  /// Copies bytes into the send buffer, without waiting; the kernel sends them later. send(2).
  ///
  /// - Throws: EPIPE or ECONNRESET where the peer no longer receives, and the rest of send(2). Never SIGPIPE.
  public func send(_ bytes: RawSpan) throws(SystemCallError) -> TransferResult {
    try unsafe bytes.withUnsafeBytes { bytes throws(SystemCallError) in
      try socket.call("send").transfer("to \(peer)", arguments: "\(bytes.count)") {
        unsafe Glibc.send(
          socket.descriptor.rawValue, bytes.baseAddress, bytes.count,
          Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
      }
    }
  }

  /// Says that nothing more will be sent: FIN follows what is in the send buffer. The other
  /// direction stays open. shutdown(2) with SHUT_WR.
  ///
  /// - Returns: false where the connection is already gone and cannot be half-closed; that it is
  ///   gone is what the next receive tells.
  @discardableResult
  public func finishSending() throws(SystemCallError) -> Bool {
    let result = socket.call("shutdown").attempt(arguments: "SHUT_WR") {
      shutdown(socket.descriptor.rawValue, Int32(SHUT_WR))
    }
    if case .failure(let errno) = result, errno != .notConnected {
      throw SystemCallError("shutdown", "of \(peer)", errno)
    }
    return (try? result.get()) != nil
  }

  /// Bytes that have come and wait to be received. SIOCINQ, tcp(7).
  public func unreadBytes() -> Int? {
    var value: Int32 = 0
    let result = unsafe ioctl(socket.descriptor.rawValue, UInt(FIONREAD), &value)
    return result == -1 ? nil : Int(value)
  }

  /// Bytes in the send buffer that the peer has not acknowledged, sent or not, a FIN counted as 1.
  /// SIOCOUTQ, tcp(7). It keeps its value after the connection has ended.
  public func unacknowledgedBytes() -> Int? {
    var value: Int32 = 0
    let result = unsafe ioctl(socket.descriptor.rawValue, UInt(clinux_siocoutq()), &value)
    return result == -1 ? nil : Int(value)
  }
}
