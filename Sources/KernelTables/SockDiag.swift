// The kernel's socket table as sock_diag(7) gives it: in one walk for both families, with the
// backlog of each listener, and at a fraction of the cost of /proc.

internal import CLinux
internal import Glibc
public import SocketCore

/// NETLINK_SOCK_DIAG.
public enum SockDiag {
  /// Calls `body` with each TCP socket of this network namespace, listeners first. Memory does not
  /// grow with the number of rows.
  ///
  /// - Parameters:
  ///   - states: Only sockets in these states; the kernel does the choosing, and listeners alone cost next to nothing.
  ///   - includesBound: Also sockets that are bound and neither listen nor are connected, which no
  ///     other table shows: as CLOSE, since Linux 6.8.
  ///   - body: Gets each row. What it throws ends the walk and is returned.
  /// - Returns: what was handed over and what was not, or what `body` threw.
  /// - Throws: where the kernel does not answer, before `body` was called; or stopped answering, afterwards.
  public static func forEachRow<Failure>(
    in states: Set<TCPState> = Set(TCPState.allCases), includesBound: Bool = false,
    _ body: (SocketRow) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<TableTally, Failure> {
    var mask = states.reduce(UInt32(0)) { $0 | 1 << UInt32($1.rawValue) }
    if includesBound { mask |= boundInactive }
    let socket = try DiagnosticSocket()
    var tally = TableTally()
    do throws(SystemCallError) {
      // The older request knows no protocol but TCP, and therefore may leave the family open.
      return try walk(socket, .bothFamilies(mask, sequence: 1), &tally, body)
    } catch
      where tally.rows == 0
      && (error.errno.rawValue == EOPNOTSUPP || error.errno.rawValue == EINVAL)
    {
      let first = try walk(socket, .oneFamily(.v4, mask, sequence: 2), &tally, body)
      guard case .success = first else { return first }
      return try walk(socket, .oneFamily(.v6, mask, sequence: 3), &tally, body)
    }
  }

  /// TCPF_BOUND_INACTIVE of the kernel's include/net/tcp_states.h, which no header for programs has.
  private static let boundInactive: UInt32 = 1 << 13

  private static func walk<Failure>(
    _ socket: borrowing DiagnosticSocket, _ request: SockDiagRequest, _ tally: inout TableTally,
    _ body: (SocketRow) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<TableTally, Failure> {
    try socket.send(unsafe request.bytes.span.bytes)
    // The kernel fills up to 32 KiB a datagram for a reader that has room for that much.
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let length = try receive(socket, into: &buffer)
      var reader = SockDiagReader(sequence: request.sequence)
      while let message = try reader.next(
        in: unsafe buffer.span.bytes.extracting(first: length))
      {
        switch message {
        case .row(let row):
          tally.rows += 1
          do throws(Failure) {
            try body(row)
          } catch {
            return .failure(error)
          }
        case .damaged: tally.damaged += 1
        case .foreign: break
        case .done(0): return .success(tally)
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

/// A request for a dump.
private struct SockDiagRequest {
  var bytes: [UInt8]
  let sequence: UInt32

  /// TCPDIAG_GETSOCK of the kernels before 3.3, which those after it still answer: all of TCP.
  static func bothFamilies(_ states: UInt32, sequence: UInt32) -> Self {
    var request = inet_diag_req()
    request.idiag_states = states
    return unsafe Self(type: UInt16(TCPDIAG_GETSOCK), request, sequence: sequence)
  }

  /// SOCK_DIAG_BY_FAMILY.
  static func oneFamily(
    _ family: SocketRow.Family, _ states: UInt32, sequence: UInt32
  ) -> Self {
    var request = inet_diag_req_v2()
    request.sdiag_family = UInt8(family == .v4 ? AF_INET : AF_INET6)
    request.sdiag_protocol = UInt8(IPPROTO_TCP)
    request.idiag_states = states
    return unsafe Self(type: UInt16(SOCK_DIAG_BY_FAMILY), request, sequence: sequence)
  }

  /// - Parameter body: a C structure without padding.
  @unsafe private init<Body: BitwiseCopyable>(type: UInt16, _ body: Body, sequence: UInt32) {
    let header = nlmsghdr(
      nlmsg_len: UInt32(MemoryLayout<nlmsghdr>.size + MemoryLayout<Body>.size), nlmsg_type: type,
      nlmsg_flags: UInt16(NLM_F_REQUEST | NLM_F_DUMP), nlmsg_seq: sequence, nlmsg_pid: 0)
    self.sequence = sequence
    bytes =
      unsafe withUnsafeBytes(of: header) { unsafe Array($0) }
      + withUnsafeBytes(of: body) { unsafe Array($0) }
  }
}
