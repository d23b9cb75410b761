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
      let display = Display(descriptor: STDERR_FILENO)
      // A file has lines of any length; this is only against those that nobody would read.
      throw UsageError(error.text(columns: display.isTerminal ? display.columns : 1_000))
    }
  }
}

extension FilterError {
  /// The message with the expression and a mark under the mistake, each in a line of its own.
  func text(columns: Int) -> String {
    // As far as the message is behind "Error: ".
    let indent = String(repeating: " ", count: 7)
    let (line, mark) = pointed(expression, at: range, width: columns - indent.count)
    return "\(message)\n\(indent)\(line)\n\(indent)\(mark)"
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
      let hint = unreadableProcesses > 0 && !isRoot ? "; run as root to see them" : ""
      lines.append(
        "\(Units.plural(withoutOwner, "socket")) left out, whose processes are not readable\(hint)")
    }
    return lines
  }
}

extension StatesOptions {
  /// Paragraphs about the filter.
  static let filterDiscussion = [
    """
    The filter takes ss's grammar and shorter forms, of which most need no quotes. Ports: ':80', \
    'port=80,443,8000-8100' for either end, 'lport' (or 'sport') for the local one and 'rport' \
    ('dport') for the peer's; services go by name too. Addresses: '10.0.0.0/8', \
    'addr=[2001:db8::1]:443', 'local' ('src') and 'peer' ('dst'); an IPv4 peer of an IPv6 socket is \
    IPv4 here too. States: 'state=SYN_RECV,ESTABLISHED' or the name alone, the kernel's or ss's \
    ('syn-recv'), and ss's 'connected', 'synchronized', 'bucket' and 'big'.
    """,
    """
    Others: 'recvq' and 'sendq' in bytes ('sendq>64K'), 'rtt' ('rtt>50ms'), 'retrans' (segments sent \
    again since the beginning), 'uid' (a number, or a name of /etc/passwd), 'pid', 'process' (its \
    name), 'pending' (waits for accept(2)) and 'orphan' (closed by its process, and not yet over).
    """,
    """
    Comparisons are '=', '!=', '<', '<=', '>' and '>=', or in words 'eq', 'ne', 'lt', 'le', 'gt' and \
    'ge', which the shell leaves alone. Conditions are joined by 'and' ('&'), which may be left out, \
    by 'or' ('|') and 'not' ('!'), and grouped by parentheses. 'state' and 'exclude' at the very \
    front hold for all that follows, as in ss. A list is any of its members; '!=' is none of them. \
    What is not known (the owner of another user's socket, the user of a TIME_WAIT) matches \
    nothing, not even 'not'.
    """,
  ]
}
