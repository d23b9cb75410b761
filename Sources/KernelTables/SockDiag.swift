// The kernel's socket table as sock_diag(7) gives it: in one walk for both families, with the
// backlog of each listener, and at a fraction of the cost of /proc.

internal import CLinux
internal import Glibc
public import SocketCore

/// NETLINK_SOCK_DIAG.
public enum SockDiag {
  /// Calls `body` with each TCP socket of this network namespace, listeners first, and with what was
  /// wanted besides. Memory does not grow with the number of rows.
  ///
  /// - Parameters:
  ///   - query: Which sockets.
  ///   - body: Gets each row. What it throws ends the walk and is returned.
  /// - Returns: what was handed over and what was not, or what `body` threw.
  /// - Throws: where the kernel does not answer, before `body` was called; or stopped answering, afterwards.
  public static func forEachEntry<Failure>(
    _ query: SocketQuery, _ body: (inout SocketEntry) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<TableTally, Failure> {
    var tally = TableTally()
    return try forEachEntry(query, &tally, body).map { tally }
  }

  /// The same with a tally that is up to date also where the kernel stopped answering.
  static func forEachEntry<Failure>(
    _ query: SocketQuery, _ tally: inout TableTally,
    _ body: (inout SocketEntry) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<Void, Failure> {
    let socket = try DiagnosticSocket()
    do throws(SystemCallError) {
      // The older request knows no protocol but TCP, and therefore may leave the family open.
      return try walk(socket, .bothFamilies(query, sequence: 1), query.wants, &tally, body)
    } catch
      where tally.rows == 0
      && (error.errno.rawValue == EOPNOTSUPP || error.errno.rawValue == EINVAL)
    {
      let first = try walk(
        socket, .oneFamily(.v4, query, sequence: 2), query.wants, &tally, body)
      guard case .success = first else { return first }
      return try walk(socket, .oneFamily(.v6, query, sequence: 3), query.wants, &tally, body)
    }
  }

  /// The same in two parts.
  public static func forEachRow<Failure>(
    _ query: SocketQuery, _ body: (SocketRow, SocketDetails) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<TableTally, Failure> {
    try forEachEntry(query) { entry throws(Failure) in try body(entry.row, entry.details) }
  }

  /// The same for rows alone.
  public static func forEachRow<Failure>(
    in states: Set<TCPState> = Set(TCPState.allCases), includesBound: Bool = false,
    _ body: (SocketRow) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<TableTally, Failure> {
    try forEachEntry(SocketQuery(states: states, includesBound: includesBound)) {
      entry throws(Failure) in try body(entry.row)
    }
  }

  /// Asks about one socket after the other, and not for a dump: the kernel looks each up by its ends.
  ///
  /// - Parameters:
  ///   - identities: Which sockets. One that is no more is passed over.
  ///   - body: Gets each row as it is now.
  /// - Throws: where the kernel does not answer.
  static func forEachEntry(
    of identities: [SockDiagIdentity], wants: SocketWants, _ body: (inout SocketEntry) -> Void
  ) throws(SystemCallError) {
    if identities.isEmpty { return }
    let socket = try DiagnosticSocket()
    var buffer = [UInt8](repeating: 0, count: 8_192)
    var sequence: UInt32 = 0
    for identity in identities {
      sequence &+= 1
      let request = SockDiagRequest.one(identity, wants, sequence: sequence)
      try socket.send(unsafe request.bytes.span.bytes)
      var reader = SockDiagReader(sequence: sequence, wants: wants)
      var isAnswered = false
      while !isAnswered {
        let length = try receive(socket, into: &buffer)
        while let message = try reader.next(
          in: unsafe buffer.span.bytes.extracting(first: length))
        {
          if message == .foreign { continue }
          isAnswered = true
          switch message {
          case .row: reader.lend(to: body)
          // Nobody has these ends any more, or another socket has.
          case .refused(ENOENT), .refused(ESTALE): break
          case .refused(let errno):
            throw SystemCallError("look-up", "by sock_diag", Errno(rawValue: errno))
          case .damaged, .done, .foreign: break
          }
        }
      }
    }
  }

  private static func walk<Failure>(
    _ socket: borrowing DiagnosticSocket, _ request: SockDiagRequest, _ wants: SocketWants,
    _ tally: inout TableTally,
    _ body: (inout SocketEntry) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<Void, Failure> {
    try socket.send(unsafe request.bytes.span.bytes)
    // The kernel fills up to 32 KiB a datagram for a reader that has room for that much.
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var reader = SockDiagReader(sequence: request.sequence, wants: wants)
    while true {
      let length = try receive(socket, into: &buffer)
      while let message = try reader.next(
        in: unsafe buffer.span.bytes.extracting(first: length))
      {
        switch message {
        case .row:
          tally.rows += 1
          do throws(Failure) {
            try reader.lend(to: body)
          } catch {
            return .failure(error)
          }
        case .damaged: tally.damaged += 1
        case .foreign: break
        case .done(0): return .success(())
        case .done(let errno), .refused(let errno):
          throw SystemCallError("dump", "by sock_diag", Errno(rawValue: errno))
        }
      }
    }
  }

  private static func receive(
    _ socket: borrowing DiagnosticSocket, into buffer: inout [UInt8]
  ) throws(SystemCallError) -> Int {
    var span = buffer.mutableSpan
    var bytes = unsafe span.mutableBytes
    let room = bytes.byteCount
    let length = try socket.receive(into: &bytes)
    guard length > 0, length <= room else {
      throw SystemCallError("recv", "from sock_diag", .malformedMessage)
    }
    return length
  }
}

/// Which socket is meant, in the kernel's words.
struct SockDiagIdentity: Sendable {
  fileprivate var family: SocketRow.Family
  fileprivate var id = inet_diag_sockid()

  /// - Returns: nil where the row is not from sock_diag, which alone gives it a cookie.
  init?(_ row: SocketRow, _ details: SocketDetails) {
    guard let cookie = details.cookie else { return nil }
    family = row.family
    id.idiag_sport = row.local.port.bigEndian
    id.idiag_dport = row.peer.port.bigEndian
    id.idiag_src = Self.words(row.local.address)
    id.idiag_dst = Self.words(row.peer.address)
    id.idiag_if = details.interface ?? 0
    id.idiag_cookie = (UInt32(truncatingIfNeeded: cookie), UInt32(cookie >> 32))
  }

  private static func words(_ address: IPAddress) -> (UInt32, UInt32, UInt32, UInt32) {
    switch address {
    case .v4(let address): return (address.bits.bigEndian, 0, 0, 0)
    case .v6(let address):
      func word(_ half: UInt64, _ shift: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: half >> shift).bigEndian
      }
      return (
        word(address.high, 32), word(address.high, 0), word(address.low, 32), word(address.low, 0)
      )
    }
  }
}

/// A request for a dump, or for one socket.
private struct SockDiagRequest {
  var bytes: [UInt8]
  let sequence: UInt32

  /// TCPDIAG_GETSOCK of the kernels before 3.3, which those after it still answer: all of TCP.
  static func bothFamilies(_ query: SocketQuery, sequence: UInt32) -> Self {
    var request = inet_diag_req()
    request.idiag_ext = query.wants.extensions
    request.idiag_states = query.mask
    request.id = query.selection.identity
    return unsafe Self(
      type: UInt16(TCPDIAG_GETSOCK), request, query.selection.attribute, sequence: sequence)
  }

  /// SOCK_DIAG_BY_FAMILY.
  static func oneFamily(
    _ family: SocketRow.Family, _ query: SocketQuery, sequence: UInt32
  ) -> Self {
    var request = inet_diag_req_v2()
    request.sdiag_family = UInt8(family == .v4 ? AF_INET : AF_INET6)
    request.sdiag_protocol = UInt8(IPPROTO_TCP)
    request.idiag_ext = query.wants.extensions
    request.idiag_states = query.mask
    request.id = query.selection.identity
    return unsafe Self(
      type: UInt16(SOCK_DIAG_BY_FAMILY), request, query.selection.attribute, sequence: sequence)
  }

  /// SOCK_DIAG_BY_FAMILY for one socket, which the kernel answers with one message.
  static func one(_ identity: SockDiagIdentity, _ wants: SocketWants, sequence: UInt32) -> Self {
    var request = inet_diag_req_v2()
    request.sdiag_family = UInt8(identity.family == .v4 ? AF_INET : AF_INET6)
    request.sdiag_protocol = UInt8(IPPROTO_TCP)
    request.idiag_ext = wants.extensions
    request.idiag_states = .max
    request.id = identity.id
    return unsafe Self(
      type: UInt16(SOCK_DIAG_BY_FAMILY), flags: NLM_F_REQUEST, request, [], sequence: sequence)
  }

  /// - Parameters:
  ///   - body: a C structure without padding.
  ///   - attribute: what follows it.
  @unsafe private init<Body: BitwiseCopyable>(
    type: UInt16, flags: Int32 = NLM_F_REQUEST | NLM_F_DUMP, _ body: Body, _ attribute: [UInt8],
    sequence: UInt32
  ) {
    let length = MemoryLayout<nlmsghdr>.size + MemoryLayout<Body>.size + attribute.count
    let header = nlmsghdr(
      nlmsg_len: UInt32(length), nlmsg_type: type,
      nlmsg_flags: UInt16(flags), nlmsg_seq: sequence, nlmsg_pid: 0)
    self.sequence = sequence
    bytes =
      unsafe withUnsafeBytes(of: header) { unsafe Array($0) }
      + withUnsafeBytes(of: body) { unsafe Array($0) } + attribute
  }
}

extension SockDiagSelection {
  /// The ports in the place where the request has those of one socket; 0 stands for any.
  fileprivate var identity: inet_diag_sockid {
    var identity = inet_diag_sockid()
    identity.idiag_sport = (localPort ?? 0).bigEndian
    identity.idiag_dport = (peerPort ?? 0).bigEndian
    return identity
  }

  /// The program as the netlink attribute INET_DIAG_REQ_BYTECODE; nothing where there is none.
  fileprivate var attribute: [UInt8] {
    if program.isEmpty { return [] }
    let header = nlattr(
      nla_len: UInt16(MemoryLayout<nlattr>.size + program.count),
      nla_type: UInt16(INET_DIAG_REQ_BYTECODE))
    return unsafe withUnsafeBytes(of: header) { unsafe Array($0) } + program
  }
}

extension SocketQuery {
  /// The states as the kernel's bits: a state's number is the place of its bit.
  var mask: UInt32 {
    let mask = states.intersection(selection.states).reduce(UInt32(0)) {
      $0 | 1 << UInt32($1.rawValue)
    }
    return includesBound && selection.states.contains(.closed) ? mask | Self.boundInactive : mask
  }

  /// TCPF_BOUND_INACTIVE of the kernel's include/net/tcp_states.h, which no header for programs has.
  private static let boundInactive: UInt32 = 1 << 13
}

extension SocketWants {
  /// idiag_ext: bit n − 1 asks for attribute n. The control group needs no asking.
  fileprivate var extensions: UInt8 {
    var bits: UInt8 = 0
    for (want, attribute) in [
      (SocketWants.info, INET_DIAG_INFO), (.memory, INET_DIAG_SKMEMINFO),
      (.congestionControl, INET_DIAG_CONG),
    ] where contains(want) {
      bits |= 1 << UInt8(attribute - 1)
    }
    return bits
  }
}
