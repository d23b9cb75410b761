// backlog-test --explain: what the kernel's rule is, where the kernel has it, what old texts say
// instead, and which versions differ.

internal import Report

/// A passage under a title of its own.
struct ExplanationPassage {
  var title: String
  /// A sentence or more each.
  var lines: [String]
}

enum BacklogExplanation {
  /// The rules that decide what was seen, and the functions that have them.
  static let rules = ExplanationPassage(
    title: "what the kernel does",
    lines: [
      """
      listen(2) reads its argument as an unsigned number and clamps it to net.core.somaxconn, \
      silently: __sys_listen_socket in net/socket.c. What results is the backlog in force. The setting \
      is read there and nowhere else, so that a change of it reaches a listener only by another \
      listen(2).
      """,
      """
      Connections that nobody has accepted wait in the accept queue. It is full once there are more of \
      them than the backlog, so that it holds one more: sk_acceptq_is_full in include/net/sock.h.
      """,
      """
      Handshakes that are not finished wait in the SYN queue, which has the same limit but counts for \
      itself: inet_csk_reqsk_queue_is_full in include/net/inet_connection_sock.h.
      """,
      """
      A SYN that meets a full accept queue is dropped without an answer, cookies or not; the client \
      sends it again after 1, 2, 3, 4, 5 and 7 s: tcp_conn_request in net/ipv4/tcp_input.c. Nothing is \
      refused: "connection refused" means that there is no listener.
      """,
      """
      A SYN that meets a full SYN queue gets a cookie (tcp_syncookies 1) or is dropped (0). With 2 \
      every SYN gets a cookie. Only with 0 does tcp_max_syn_backlog matter: a quarter of it is kept for \
      peers that the host knows (tcp_conn_request, tcp_peer_is_proven).
      """,
      """
      The ACK that ends a handshake and meets a full accept queue is ignored: the client believes that \
      it is connected, the server never hears of it. With tcp_abort_on_overflow 1 the client is reset \
      instead, unless its handshake went by cookie: tcp_v4_syn_recv_sock, tcp_check_req.
      """,
    ])

  /// - Parameter seen: what this run has to say of the old rule; nil where it says nothing.
  static func claim(effective: Int, seen: [String]) -> ExplanationPassage {
    ExplanationPassage(
      title: "what old texts say",
      lines: [
        """
        "The backlog bounds completed and incomplete connections together": that was BSD's rule, with a \
        factor of 1.5 on top. By it this listener would hold \(Units.count(effective)) \
        (\(Units.count(effective + effective / 2)) with the factor), both kinds counted.
        """
      ] + seen + [
        """
        "A queue of 128 really has 256 places" comes from Linux before 4.4, which rounded the SYN queue \
        up to a power of two. listen(2)'s "with cookies there is no limit" holds for the SYN queue alone.
        """
      ])
  }

  /// What happens over time, when clients come faster than they are accepted.
  static let traffic = ExplanationPassage(
    title: "what happens over time",
    lines: [
      """
      A queue of N places in front of an acceptor that is slower than its clients is full after \
      N / (arrivals − accepts a second) seconds. Then each freed place goes to whoever sends a SYN next, \
      new or again, so that a client waits whole seconds though the server is never idle.
      """,
      """
      After a second the first dropped SYNs come again, all that were dropped in a second within that \
      second: what was a queue of connections has become a queue of timers.
      """,
      """
      A longer queue moves the beginning of the drops, and adds the time of its own length to every \
      client's wait; only a faster acceptor, or fewer clients, ends them.
      """,
    ])

  /// How a listener's backlog shows from outside.
  static let target = ExplanationPassage(
    title: "how it is found from outside",
    lines: [
      """
      A kernel answers SYNs for a server that does not accept until the accept queue is full. One client \
      after the other, each has its handshake behind it when the next one begins, so that connect N + 2 is \
      the first one without an answer where the backlog is N, also over a slow path.
      """,
      """
      Many clients at once prove less: with cookies (tcp_syncookies 1) all of them believe that they are \
      connected. A byte that the server's kernel acknowledges tells those apart that it knows \
      (--probe-data).
      """,
      """
      A client that goes away while it waits keeps its place: accept(2) returns a connection that is over. \
      What a test has put into a queue therefore stays until the server takes it out.
      """,
    ])

  /// What other versions do; only the one that runs here was measured.
  static let versions = ExplanationPassage(
    title: "other kernels",
    lines: [
      "2.2: the backlog bounds completed connections only; before, as in BSD, both kinds.",
      "2007: the accept queue holds one more than the backlog again (64a146513f8f).",
      "4.1: the backlog has 32 bits; before, 65536 was 0.",
      "4.4: the limit of the SYN queue is the backlog (ef547f2ac16b).",
      "4.7: a listener counts its own drops.",
      """
      4.10: a full accept queue drops every SYN (5ea8ea2cb7f1). Before, it did only when more than one \
      young handshake waited, which is why older texts show clients that are ESTABLISHED beyond the limit.
      """,
      "5.4: net.core.somaxconn is 4096; before, 128.",
      "5.14: net.ipv4.tcp_migrate_req moves a closed listener's connections to its SO_REUSEPORT group.",
      "6.5: SYNs are sent again after 1, 2, 3, 4, 5 and 7 s; before, after 1, 3, 7 and 15 s.",
      """
      6.13 and the stable releases of January 2025: the SYN queue holds one more than the backlog \
      (3479c7549fb1); before, exactly the backlog. Distributions' kernels have it or not, so the test \
      takes both for right and says which it saw.
      """,
    ])
}
