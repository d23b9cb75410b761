// The kernel's rules for the sizes of a listener's queues and for SYNs without an answer, as pure functions.
//
// Verified on Linux 6.18; where another kernel differs, the measurement says so and the prediction
// is what is wrong.

/// Numbers in, numbers out: each rule with the function of the kernel that it is from.
public enum QueueRules {
  /// The effective backlog: listen(2) reads its argument as unsigned and clamps it, silently
  /// (__sys_listen_socket in net/socket.c).
  public static func effectiveBacklog(asked: Int32, somaxconn: Int) -> Int {
    min(Int(UInt32(bitPattern: asked)), somaxconn)
  }

  /// How many connections the accept queue holds: it is full when its length exceeds the backlog
  /// (sk_acceptq_is_full in include/net/sock.h).
  public static func acceptQueueCapacity(backlog: Int) -> Int { backlog + 1 }

  /// How many handshakes the SYN queue holds: it is full when its length exceeds the backlog
  /// (inet_csk_reqsk_queue_is_full; before Linux 6.13 and the stable releases of January 2025 it
  /// held one less). Without cookies a quarter of tcp_max_syn_backlog is also kept free of peers
  /// that are not known (tcp_conn_request).
  ///
  /// - Parameters:
  ///   - places: how many it holds beyond the backlog, see `KernelVersion`.
  ///   - peersAreKnown: whether tcp_metrics has a round-trip time of the clients' address
  ///     (tcp_peer_is_proven), which lifts the limit by tcp_max_syn_backlog.
  /// - Returns: 0 where each SYN is answered with a cookie; nil where a setting that decides is not
  ///   known.
  public static func synQueueCapacity(
    backlog: Int, settings: QueueSettings, placesBeyondBacklog places: Int = 1,
    peersAreKnown: Bool = false
  ) -> Int? {
    switch settings.tcpSyncookies {
    case nil: nil
    case 0 where peersAreKnown: backlog + places
    case 0: settings.tcpMaxSynBacklog.map { min(backlog + places, openToUnknownPeers($0)) }
    case 2: 0
    default: backlog + places
    }
  }

  /// How many handshakes of unknown peers tcp_max_syn_backlog lets in without cookies: the next one is
  /// dropped where less than a quarter of it is left (tcp_conn_request).
  public static func openToUnknownPeers(_ maxSynBacklog: Int) -> Int {
    maxSynBacklog - maxSynBacklog / 4 + 1
  }

  /// When an unanswered SYN is sent again, counted from the first one, in seconds: steps of 1 s, one
  /// more of them than tcp_syn_linear_timeouts says, which then double (tcp_retransmit_timer in
  /// net/ipv4/tcp_timer.c). 1, 2, 3, 4, 5, 7, 11, 19 … by default since Linux 6.5; 1, 3, 7, 15 … before.
  public static func synRetransmissionTimes(linearTimeouts: Int, count: Int) -> [Int] {
    var time = 0
    return (0..<max(0, count)).map { number in
      time += 1 << min(30, max(0, number - linearTimeouts))
      return time
    }
  }

  /// How often a SYN that was sent that long ago has been sent again.
  public static func synRetransmissions(after age: Duration, linearTimeouts: Int) -> Int {
    synRetransmissionTimes(linearTimeouts: linearTimeouts, count: 16)
      .count { .seconds($0) <= age }
  }
}
