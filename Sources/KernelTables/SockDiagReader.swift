// Reads what sock_diag(7) answers: netlink messages, and the row in each. Every length is checked
// before it is used, since a wrong one would make the reader walk for ever or out of the buffer.

internal import CLinux
internal import SocketCore

/// One netlink message of an answer.
enum SockDiagMessage: Equatable {
  /// A socket: the reader's `entry` tells of it.
  case row
  /// A message that is not about a socket that this program knows: skipped and counted.
  case damaged
  /// The last message of a dump, with the errno that the dump ended with: 0 is none.
  case done(Int32)
  /// The request was refused.
  case refused(Int32)
  /// An answer to somebody else's question, or nothing at all.
  case foreign
}

/// A walk over the messages of one datagram after the other. The datagram is handed to each call.
///
/// All rows are read into the same place, from which who keeps one copies it.
struct SockDiagReader: ~Copyable {
  private var offset = 0
  private let sequence: UInt32
  private let wants: SocketWants
  /// The last row, with what came with it.
  private(set) var entry = SocketEntry.empty

  /// - Parameters:
  ///   - sequence: the number of the request; answers with another one are foreign.
  ///   - wants: what is read of that which comes with a row.
  init(sequence: UInt32, wants: SocketWants = []) {
    self.sequence = sequence
    self.wants = wants
  }

  private static let headerSize = MemoryLayout<nlmsghdr>.size
  private static let attributeHeaderSize = MemoryLayout<nlattr>.size
  private static let rowSize = MemoryLayout<inet_diag_msg>.size

  /// The next message; nil at the end of the datagram, where the next one may follow.
  ///
  /// - Throws: EBADMSG where the lengths in it contradict each other.
  mutating func next(in datagram: RawSpan) throws(SystemCallError) -> SockDiagMessage? {
    guard offset < datagram.byteCount else {
      offset = 0
      return nil
    }
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
      return .done(0 &- (body.load(Int32.self, at: 0) ?? 0))
    case NLMSG_ERROR:
      guard let error = body.load(Int32.self, at: 0) else { throw malformed }
      // The least number has no positive one.
      return .refused(0 &- error)
    case NLMSG_NOOP: return .foreign
    default: return readRow(in: body) ? .row : .damaged
    }
  }

  /// Lends the last row and what came with it, without a copy.
  mutating func lend<Failure>(
    to body: (inout SocketEntry) throws(Failure) -> Void
  ) throws(Failure) {
    try body(&entry)
  }

  /// - Returns: false where it is none that this program knows.
  private mutating func readRow(in body: RawSpan) -> Bool {
    guard let message = body.load(inet_diag_msg.self, at: 0),
      let state = TCPState(rawValue: message.idiag_state)
    else { return false }
    let family: SocketRow.Family
    switch UInt16(message.idiag_family) {
    case UInt16(AF_INET): family = .v4
    case UInt16(AF_INET6): family = .v6
    default: return false
    }
    let isIPv6Only = readAttributes(of: body)
    let isWhole = entry.details.shutdown != nil
    let timer = SocketRow.TimerKind(rawValue: message.idiag_timer)
    let shape: SocketRow.Shape =
      switch state {
      case .timeWait, .finWait2: timer == .timeWait ? .timeWait : .full
      // The kernel tells of a Fast Open child with the same state, and that one is a whole socket.
      case .synReceived: isWhole ? .full : .request
      default: .full
      }
    let id = message.id
    entry.details.cookie = UInt64(id.idiag_cookie.1) << 32 | UInt64(id.idiag_cookie.0)
    entry.details.interface = id.idiag_if
    entry.row.family = family
    entry.row.shape = shape
    entry.row.state = state
    entry.row.local = endpoint(family, id.idiag_src, id.idiag_sport, id.idiag_if)
    entry.row.peer = endpoint(family, id.idiag_dst, id.idiag_dport, id.idiag_if)
    entry.row.receiveQueue = Int(message.idiag_rqueue)
    entry.row.sendQueue = state == .listen ? 0 : Int(message.idiag_wqueue)
    entry.row.timer = timer
    entry.row.timerExpiry = timer == .none ? nil : .milliseconds(Int64(message.idiag_expires))
    entry.row.retransmissions = Int(message.idiag_retrans)
    entry.row.uid = shape == .full ? message.idiag_uid : nil
    entry.row.inode = UInt64(message.idiag_inode)
    entry.row.backlog = state == .listen ? Int(message.idiag_wqueue) : nil
    entry.row.isIPv6Only =
      family == .v6 && (state == .listen || state == .closed) ? isIPv6Only : nil
    return true
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

  /// Reads the attributes behind the fixed part into `details`. The kernel gives each whole socket
  /// some unasked; those that this program does not know are passed over, as are those that are too
  /// short for what they should hold.
  ///
  /// - Returns: whether the socket is for IPv6 only; nil where no attribute says so.
  private mutating func readAttributes(of body: RawSpan) -> Bool? {
    if !wants.isDisjoint(with: [.memory, .info, .congestionControl]) {
      entry.details = askedDetails(in: body)
    }
    var shutdown: UInt8?
    var controlGroup: UInt64?
    var isIPv6Only: UInt8?
    var offset = Self.rowSize
    while let (number, value) = nextAttribute(of: body, at: &offset) {
      switch number {
      case INET_DIAG_SHUTDOWN: shutdown = body.load(UInt8.self, in: value)
      case INET_DIAG_SKV6ONLY: isIPv6Only = body.load(UInt8.self, in: value)
      case INET_DIAG_CGROUP_ID: controlGroup = body.load(UInt64.self, in: value)
      default: break
      }
    }
    entry.details.shutdown = shutdown.map { .init(rawValue: $0) }
    entry.details.controlGroup = wants.contains(.controlGroup) ? controlGroup : nil
    return isIPv6Only.map { $0 != 0 }
  }

  /// The large attributes, which most walks do not ask for.
  private func askedDetails(in body: RawSpan) -> SocketDetails {
    var memory: SocketMemory?
    var info: TCPInfo?
    var congestionControl: String?
    var offset = Self.rowSize
    while let (number, place) = nextAttribute(of: body, at: &offset) {
      let value = body.extracting(place)
      switch number {
      case INET_DIAG_SKMEMINFO where wants.contains(.memory): memory = SocketMemory(value)
      case INET_DIAG_INFO where wants.contains(.info): info = TCPInfo(value)
      case INET_DIAG_CONG where wants.contains(.congestionControl):
        congestionControl = text(value)
      default: break
      }
    }
    return SocketDetails(memory: memory, congestionControl: congestionControl, info: info)
  }

  /// The attribute that starts at `offset`, which moves on to the next; nil where there is no whole
  /// one.
  @inline(__always)
  private func nextAttribute(
    of body: RawSpan, at offset: inout Int
  ) -> (number: Int, value: Range<Int>)? {
    guard let header = body.load(nlattr.self, at: offset) else { return nil }
    let length = Int(header.nla_len)
    guard length >= Self.attributeHeaderSize, length <= body.byteCount - offset else { return nil }
    let value = (offset + Self.attributeHeaderSize)..<(offset + length)
    offset += (length + 3) & ~3
    return (Int(header.nla_type), value)
  }

  /// The bytes before the first that is 0.
  private func text(_ bytes: RawSpan) -> String {
    var text: [UInt8] = []
    while let byte = bytes.load(UInt8.self, at: text.count), byte != 0 { text.append(byte) }
    return String(decoding: text, as: UTF8.self)
  }
}

extension SocketMemory {
  /// SK_MEMINFO_VARS numbers of 32 bits, in the order of include/uapi/linux/sock_diag.h. Drops came
  /// last (Linux 4.7); nil where there are fewer.
  fileprivate init?(_ bytes: RawSpan) {
    guard bytes.byteCount >= 9 * 4 else { return nil }
    func number(_ place: Int) -> Int { Int(bytes.load(UInt32.self, at: place * 4) ?? 0) }
    self.init(
      received: number(0), receiveBuffer: number(1), sent: number(2), sendBuffer: number(3),
      reserved: number(4), queued: number(5), options: number(6), backlog: number(7),
      drops: number(8))
  }
}

extension RawSpan {
  /// Reads a plain value at the start of a range that lies within the bytes; nil where the range is too
  /// short for it. Only for types that any bytes are a value of.
  @inline(__always)
  fileprivate func load<Value: BitwiseCopyable>(
    _ type: Value.Type, in range: Range<Int>
  ) -> Value? {
    range.count < MemoryLayout<Value>.size ? nil : load(type, at: range.lowerBound)
  }

  /// Reads a plain value; nil where it does not lie within the bytes. Only for types that any bytes
  /// are a value of.
  @inline(__always)
  fileprivate func load<Value: BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value? {
    guard offset >= 0, offset <= byteCount - MemoryLayout<Value>.size else { return nil }
    return unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type)
  }
}
