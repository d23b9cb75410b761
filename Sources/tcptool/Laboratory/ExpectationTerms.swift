// The names that --expect knows, as the help and the manual have them.

internal import CommandSpec

extension BacklogTestOptions {
  static let expectationTerms = TermList(
    title: "NAMES OF --expect",
    rows: [
      .init(
        "accept", "Connections in the accept queue: listener.accept_queue.", words: ["accept>="]),
      .init("syn", "Handshakes in the SYN queue: syn_recv.", words: ["syn>="]),
      .init("effective", "The backlog in force.", words: ["effective="]),
      .init(
        "limit", "How many the accept queue holds: listener.accept_queue_limit.", words: ["limit="]),
      .init(
        "asked, somaxconn", "What listen(2) was given, and what clamps it.",
        words: ["asked=", "somaxconn="]),
      .init(
        "established, syn_sent, reset", "Clients in this state: clients.established.",
        words: ["established=", "syn_sent=", "reset="]),
      .init("ghosts", "Clients that are connected to nothing.", words: ["ghosts="]),
      .init("drops", "What the listener dropped: listener.drops.", words: ["drops="]),
      .init(
        "first_drop", "Which connect was the first to be dropped: first_drop.connect.",
        words: ["first_drop>"]),
      .init(
        "overflows", "The counter ListenOverflows; the others go by their own names.",
        words: ["overflows="]),
      .init("cookies", "The counter SyncookiesSent.", words: ["cookies="]),
      .init("rate", "Connects a second: connects_per_second.", words: ["rate>="]),
      .init(
        "match", "Whether the kernel did what was predicted; alone it stands for match=true.",
        words: ["match"]),
      .init(
        "accept.NAME, syn.NAME", "With --queue both, the NAME of the pass over that queue."),
    ])
}
