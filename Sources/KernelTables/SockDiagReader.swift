// Reads what sock_diag(7) answers: netlink messages, and the row in each. Every length is checked
// before it is used, since a wrong one would make the reader walk for ever or out of the buffer.

internal import CLinux
internal import SocketCore

/// One netlink message of an answer.
enum SockDiagMessage: Equatable {
  case row(SocketRow)
  /// A message that is not about a socket that this program knows: skipped and counted.
  case damaged
  /// The last message of a dump, with the errno that the dump ended with: 0 is none.
  case done(Int32)
  /// The request was refused.
  case refused(Int32)
  /// An answer to somebody else's question, or nothing at all.
  case foreign
}

/// A walk over the messages of one datagram. The datagram is handed to each call.
struct SockDiagReader {
  private var offset = 0
  private let sequence: UInt32

  /// - Parameter sequence: the number of the request; answers with another one are foreign.
  init(sequence: UInt32) { self.sequence = sequence }

  private static let headerSize = MemoryLayout<nlmsghdr>.size
  private static let rowSize = MemoryLayout<inet_diag_msg>.size

  /// The next message; nil at the end of the datagram.
  ///
  /// - Throws: EBADMSG where the lengths in it contradict each other.
  mutating func next(in datagram: RawSpan) throws(SystemCallError) -> SockDiagMessage? {
    guard offset < datagram.byteCount else { return nil }
    let malformed = SystemCallError("recv", "from sock_diag", Errno.malformedMessage)
    let rest = datagram.extracting(offset..<datagram.byteCount)
    guard let header = rest.load(nlmsghdr.self, at: 0) else { throw malformed }
    let length = Int(header.nlmsg_len)
    guard length >= Self.headerSize, length <= rest.byteCount else { throw malformed }
    // Messages start at multiples of four; the last one may end without its padding.
    offset += (length + 3) & ~3
    guard header.nlmsg_seq == sequence else { return .foreign }
    let body = rest.extracting(Self.headerSize..<length)
    switch Int32(header.nlmsg_type) {
    case NLMSG_DONE:
      // A dump that failed on its way says so here, as a negative errno.
      return .done(-(body.load(Int32.self, at: 0) ?? 0))
    case NLMSG_ERROR:
      guard let error = body.load(Int32.self, at: 0) else { throw malformed }
      return .refused(-error)
    case NLMSG_NOOP: return .foreign
    default: return row(in: body).map { .row($0) } ?? .damaged
    }
  }

  private func row(in body: RawSpan) -> SocketRow? {
    guard let message = body.load(inet_diag_msg.self, at: 0),
      let state = TCPState(rawValue: message.idiag_state)
    else { return nil }
    let family: SocketRow.Family
    switch UInt16(message.idiag_family) {
    case UInt16(AF_INET): family = .v4
    case UInt16(AF_INET6): family = .v6
    default: return nil
    }
    let isWhole = attribute(UInt16(INET_DIAG_SHUTDOWN), in: body) != nil
    let isIPv6Only =
      family == .v6 && (state == .listen || state == .closed)
      ? attribute(UInt16(INET_DIAG_SKV6ONLY), in: body).map { $0 != 0 } : nil
    let timer = SocketRow.TimerKind(rawValue: message.idiag_timer)
    let shape: SocketRow.Shape =
      switch state {
      case .timeWait, .finWait2: timer == .timeWait ? .timeWait : .full
      // The kernel tells of a Fast Open child with the same state, and that one is a whole socket.
      case .synReceived: isWhole ? .full : .request
      default: .full
      }
    let id = message.id
    return SocketRow(
      family: family, shape: shape, state: state,
      local: endpoint(family, id.idiag_src, id.idiag_sport, id.idiag_if),
      peer: endpoint(family, id.idiag_dst, id.idiag_dport, id.idiag_if),
      receiveQueue: Int(message.idiag_rqueue),
      sendQueue: state == .listen ? 0 : Int(message.idiag_wqueue),
      timer: timer,
      timerExpiry: timer == .none ? nil : .milliseconds(Int64(message.idiag_expires)),
      retransmissions: Int(message.idiag_retrans),
      uid: shape == .full ? message.idiag_uid : nil, inode: UInt64(message.idiag_inode),
      backlog: state == .listen ? Int(message.idiag_wqueue) : nil, isIPv6Only: isIPv6Only)
  }

  private func endpoint(
    _ family: SocketRow.Family, _ words: (UInt32, UInt32, UInt32, UInt32), _ port: UInt16,
    _ interface: UInt32
  ) -> Endpoint {
    let port = UInt16(bigEndian: port)
    if family == .v4 {
      return Endpoint(.v4(IPv4Address(bits: UInt32(bigEndian: words.0))), port)
    }
    var address = IPv6Address(
      high: UInt64(UInt32(bigEndian: words.0)) << 32 | UInt64(UInt32(bigEndian: words.1)),
      low: UInt64(UInt32(bigEndian: words.2)) << 32 | UInt64(UInt32(bigEndian: words.3)))
    // Only a link-local address means nothing without its interface.
    if address.high >> 54 == 0x3FA { address.scope = interface }
    return Endpoint(.v6(address), port)
  }

  /// The first byte of an attribute behind the fixed part; nil where it is not there. The kernel gives
  /// each whole socket some unasked.
  private func attribute(_ wanted: UInt16, in body: RawSpan) -> UInt8? {
    var offset = Self.rowSize
    while let length = body.load(UInt16.self, at: offset),
      let type = body.load(UInt16.self, at: offset + 2), length >= 4
    {
      if type == wanted && length > 4 { return body.load(UInt8.self, at: offset + 4) }
      offset += (Int(length) + 3) & ~3
    }
    return nil
  }
}

extension RawSpan {
  /// Reads a plain value; nil where it does not lie within the bytes. Only for types that any bytes
  /// are a value of.
  fileprivate func load<Value: BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value? {
    guard offset >= 0, offset <= byteCount - MemoryLayout<Value>.size else { return nil }
    return unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type)
  }
}
