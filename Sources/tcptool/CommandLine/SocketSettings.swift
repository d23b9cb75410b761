// What all subcommands that open sockets offer about them: --trace, and options of the sockets.

internal import CommandSpec
internal import SocketCore

/// How the sockets of a subcommand are to be watched and set.
struct SocketSettings: Sendable {
  var traces = false
  var explains = false

  var noDelay = false
  var receiveBuffer: BufferSize?
  var sendBuffer: BufferSize?
  var keepAlive: KeepAlive?
  var segment: OptionNumber<SegmentLimits>?
  var hopLimit: OptionNumber<HopLimits>?
  var codePoint: CodePoint?
  var congestion: AlgorithmName?
  var userTimeout: WholeMilliseconds?
  var unsentLimit: BufferSize?
  var mark: OptionNumber<MarkLimits>?

  // Of listeners.
  var sharesPort = false
  var deferral: WholeSeconds?
  var fastOpen: OptionNumber<QueueLimits>?

  /// Watches the calls, where that was asked for.
  func tracer(_ narrator: Narrator) -> CallTracer {
    guard traces || explains else { return .silent }
    let narration = CallNarration(narrator, explains: explains)
    return CallTracer { narration.tell($0) }
  }

  /// The socket options that were asked for; what became of them is told.
  func plan(_ narrator: Narrator) -> SocketOptionPlan {
    let narration = OptionNarration(narrator)
    return SocketOptionPlan(requested) { narration.tell($0) }
  }

  private var requested: [RequestedOption] {
    var all: [RequestedOption] = []
    func add<Value>(_ option: SocketOption<Value>, _ value: Value?) {
      if let value { all.append(RequestedOption(option, value)) }
    }
    add(.reusePort, sharesPort ? true : nil)
    add(.mark, mark?.value)
    add(.receiveBuffer, receiveBuffer?.value)
    add(.sendBuffer, sendBuffer?.value)
    add(.noDelay, noDelay ? true : nil)
    add(.maximumSegment, segment.map { Int32($0.value) })
    add(.congestionControl, congestion?.name)
    add(.notSentLowWater, unsentLimit.map { UInt32($0.value) })
    add(.userTimeout, userTimeout?.milliseconds)
    add(.keepAlive, keepAlive == nil ? nil : true)
    add(.keepAliveIdle, keepAlive?.idle.seconds)
    add(.keepAliveInterval, keepAlive?.interval?.seconds)
    add(.keepAliveCount, keepAlive?.count)
    add(.deferAccept, deferral?.seconds)
    add(.fastOpen, fastOpen.map { Int32($0.value) })
    if let hopLimit { all += RequestedOption.hopLimit(UInt8(hopLimit.value)) }
    if let codePoint { all += RequestedOption.codePoint(codePoint.value) }
    return all
  }
}

/// A subcommand that opens TCP sockets.
protocol OpensSockets: Subcommand {
  var sockets: SocketSettings { get set }
}

extension OpensSockets {
  /// The options of every subcommand that opens sockets.
  static var socketParameters: [Bound<Self>] {
    [
      .flag("nodelay", \.sockets.noDelay, help: "Send small segments at once (TCP_NODELAY)."),
      .option(
        "rcvbuf", \.sockets.receiveBuffer, value: "size",
        help: "Receive buffer (SO_RCVBUF), instead of one that grows; the kernel doubles it."),
      .option(
        "sndbuf", \.sockets.sendBuffer, value: "size",
        help: "Send buffer (SO_SNDBUF), instead of one that grows; the kernel doubles it."),
      .option(
        "keepalive", \.sockets.keepAlive, value: "idle[,interval[,count]]",
        help: """
          Probe the peer after this much silence, at this interval, and give up after this many \
          unanswered probes: 60s,10s,5 (SO_KEEPALIVE).
          """),
      .option(
        "mss", \.sockets.segment, value: "n",
        help: "Largest segment in bytes, announced to the peer as well (TCP_MAXSEG)."),
      .option(
        "ttl", \.sockets.hopLimit, value: "n",
        help: "Hops that packets may take, 1 to 255 (IP_TTL, IPV6_UNICAST_HOPS)."),
      .option(
        "dscp", \.sockets.codePoint, value: "n",
        help: "Code point of packets, 0 to 63, or ef, cs1, af41 ... (IP_TOS, IPV6_TCLASS)."),
      .option(
        "congestion", \.sockets.congestion, value: "name",
        help: "Congestion control algorithm: cubic, reno, bbr ... (TCP_CONGESTION)."),
      .option(
        "user-timeout", \.sockets.userTimeout, value: "duration",
        help: """
          Give up the connection if data stays unacknowledged for this long (TCP_USER_TIMEOUT).
          """),
      .option(
        "notsent-lowat", \.sockets.unsentLimit, value: "size",
        help: "How much may wait unsent in the send buffer (TCP_NOTSENT_LOWAT)."),
      .option(
        "mark", \.sockets.mark, value: "n",
        help: "Mark of packets for routing and firewalls (SO_MARK); needs CAP_NET_ADMIN."),
      .flag(
        "trace", \.sockets.traces,
        help: """
          Show each system call on the sockets as it happens: its result, its time, the TCP \
          state, and what the kernel keeps of a closed connection.
          """),
      .flag(
        "explain", \.sockets.explains,
        help: "As --trace, with a sentence under the first call of each kind."),
    ]
  }

  /// The options of those that listen.
  static var listenerParameters: [Bound<Self>] { listenerOnlyParameters + socketParameters }

  /// Those that a listening socket alone has.
  static var listenerOnlyParameters: [Bound<Self>] {
    [
      .flag(
        "reuse-port", \.sockets.sharesPort,
        help: "Share the port with other listeners that also ask for it (SO_REUSEPORT)."),
      .option(
        "defer-accept", \.sockets.deferral, value: "duration",
        help: "Accept a connection when data has arrived, or after this long (TCP_DEFER_ACCEPT)."),
      .option(
        "fast-open", \.sockets.fastOpen, value: "n",
        help: "Accept data in the SYN; this many such handshakes may be pending (TCP_FASTOPEN)."),
    ]
  }
}
