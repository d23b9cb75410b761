// The filter of `states`: how it is told in the manual, how a mistake in it, and what it could not
// decide.

internal import CommandSpec
internal import Glibc
internal import KernelTables
internal import Report

extension Filter {
  /// The operands as one expression.
  init(operands: [String]) throws(UsageError) {
    do throws(FilterError) {
      try self.init(parsing: operands.joined(separator: " "))
    } catch {
      throw UsageError(error.message, in: error.expression, at: error.range)
    }
  }
}

extension SocketTable.FilteredOutcome {
  /// What the rows do not show: that facts were missing of which the filter asks.
  func remarks(on filter: Filter, isRoot: Bool) -> [String] {
    var lines: [String] = []
    if filter.needs.contains(.info), outcome.source == .proc {
      lines.append(
        "/proc/net does not have rtt and retrans: what the filter says of them matches nothing")
    }
    if withoutOwner > 0 {
      lines.append(
        "\(Units.plural(withoutOwner, "socket")) left out, whose processes are not readable"
          + visibility.hint(isRoot: isRoot))
    }
    return lines
  }
}

extension StatesOptions {
  /// What the table of forms does not say.
  static let filterDiscussion = [
    """
    The filter takes ss's grammar, and shorter forms, most of which need no quotes. Conditions \
    are joined by 'and' ('&'), which may be left out, or by 'or' ('|'), negated by 'not' ('!') \
    and grouped by parentheses. A comparison is '=', '!=', '<', '<=', '>' or '>=', or in words \
    'eq', 'ne', 'lt', 'le', 'gt' or 'ge', which the shell leaves alone. A list matches each of \
    its members, and '!=' is the opposite of '='. 'state' and 'exclude' at the very beginning \
    apply to all that follows, as in ss.
    """,
    """
    What is not known (the owner of another user's socket, the user of a TIME_WAIT, the \
    round-trip time of a listener) matches nothing, not even 'not'. To the filter, too, an IPv4 \
    peer of an IPv6 socket is IPv4. A listener has no peer: 'port' and 'addr' look at its local \
    end alone, and its 'rport' is 0.
    """,
  ]

  /// The conditions, one a row.
  static let filterTerms = TermList(
    title: "FILTER FORMS",
    rows: [
      .init(
        ":80 or port=80,90-99", "The port of either end; services go by name too.", words: ["port="]
      ),
      .init("lport=80 or sport = :80", "The local port.", words: ["lport="]),
      .init("rport=80 or dport = :80", "The peer's port.", words: ["rport="]),
      .init(
        "10.0.0.0/8 or addr=::1", "The address of either end: a range, or one alone.",
        words: ["addr="]),
      .init(
        "local=ADDR or src ADDR", "The local address; ADDR:PORT and [IPv6]:PORT for both.",
        words: ["local="]),
      .init("peer=ADDR or dst ADDR", "The peer's address.", words: ["peer="]),
      .init(
        "state=LISTEN,CLOSE_WAIT",
        """
        The state, by the kernel's name or ss's ('syn-recv'); 'all', 'connected', 'synchronized', \
        'bucket' and 'big' stand for several. A state is a condition by itself, too.
        """, words: ["state=", "listening", "connected"], choices: Filter.stateNames),
      .init(
        "exclude listening", "The same with 'not'.", words: ["exclude="], choices: Filter.stateNames
      ),
      .init(
        "recvq>0", "Bytes that the program has not read; for a listener, connections that wait.",
        words: ["recvq>"]),
      .init(
        "sendq>64K", "Bytes that the peer has not acknowledged; not for a listener.",
        words: ["sendq>"]),
      .init("rtt>50ms", "The smoothed round-trip time; a unit is required.", words: ["rtt>"]),
      .init(
        "retrans>0", "Segments that were sent again since the connection began.",
        words: ["retrans>"]),
      .init("pending", "Waits in an accept queue.", words: ["pending"]),
      .init(
        "orphan", "Closed by its process; the kernel finishes the connection.", words: ["orphan"]),
      .init("uid=1000,web", "The user, by number or by a name of /etc/passwd.", words: ["uid="]),
      .init("pid=4711", "The number of a process that holds it.", words: ["pid="]),
      .init(
        "process=nginx", "The name of a process that holds it, without its path.",
        words: ["process="]),
    ])
}
