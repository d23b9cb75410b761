// The names that --expect knows, as the help and the manual have them.

internal import CommandSpec

extension BacklogTestOptions {
  static let expectationTerms = TermList(
    title: "NAMES OF --expect",
    rows: [
      .init("accept", "Connections in the accept queue: listener.accept_queue."),
      .init("syn", "Handshakes in the SYN queue: syn_recv."),
      .init("effective", "The backlog in force."),
      .init("limit", "How many the accept queue holds: listener.accept_queue_limit."),
      .init("asked, somaxconn", "What listen(2) was given, and what clamps it."),
      .init("established, syn_sent, reset", "Clients in this state: clients.established."),
      .init("ghosts", "Clients that are connected to nothing."),
      .init("drops", "What the listener dropped: listener.drops."),
      .init("first_drop", "Which connect was the first to be dropped: first_drop.connect."),
      .init("overflows", "The counter ListenOverflows; the others go by their own names."),
      .init("cookies", "The counter SyncookiesSent."),
      .init("rate", "Connects a second: connects_per_second."),
      .init("match", "Whether the kernel did what was predicted; alone it stands for match=true."),
      .init(
        "accept.NAME, syn.NAME", "With --queue both, the NAME of the pass over that queue."),
    ])
}
