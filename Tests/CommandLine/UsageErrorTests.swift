// What a person reads who typed something wrong: the whole of standard error, word by word.

import TestSupport
import Testing

@Suite(.waits) struct UsageErrors {
  struct Row: Sendable, CustomTestStringConvertible {
    var words: [String]
    var error: String
    var testDescription: String { words.joined(separator: " ") }

    init(_ words: String..., says error: String) {
      (self.words, self.error) = (words, error)
    }
  }

  private static let backlogHelp =
    "Help:  -b, --backlog <n>  Backlog for listen(2), passed on unchanged."
  private static let backlogForm =
    "Give a whole number that 32 bits can hold, signed or not."
  private static let endings: [String: String] = [
    "": """
    Usage: tcptool <subcommand>
      See 'tcptool --help' for more information.
    """,
    "listen": """
    Usage: tcptool listen [<options>] [<host>] [<port>] [--exec <command> ...]
      See 'tcptool listen --help' for more information.
    """,
    "connect": """
    Usage: tcptool connect [<options>] <host> [<port>]
      See 'tcptool connect --help' for more information.
    """,
    "send": """
    Usage: tcptool send [<options>] [<host>] [<port>] [<file> ...]
      See 'tcptool send --help' for more information.
    """,
    "recv": """
    Usage: tcptool recv [<options>] [<host>] [<port>]
      See 'tcptool recv --help' for more information.
    """,
    "states": """
    Usage: tcptool states [<options>] [<filter> ...]
      See 'tcptool states --help' for more information.
    """,
    "backlog-test": """
    Usage: tcptool backlog-test [<options>] [<host>] [<port>]
      See 'tcptool backlog-test --help' for more information.
    """,
  ]

  private static func invalidPort(_ word: String) -> String {
    "The value '\(word)' is invalid for '<port>'. "
      + "Give a number from 0 to 65535 or a service's name."
  }

  private static let rows = [
    Row("lisen", "7000", says: "Unknown subcommand 'lisen'. Did you mean 'listen'?"),
    Row("state", says: "Unknown subcommand 'state'. Did you mean 'states'?"),
    Row("backlog", says: "Unknown subcommand 'backlog'. Did you mean 'backlog-test'?"),
    Row("xyz", says: "Unknown subcommand 'xyz'"),
    Row("help", "conect", says: "Unknown subcommand 'conect'. Did you mean 'connect'?"),
    Row("help", "listen", "send", says: "Unexpected argument 'send'"),
    Row("--versoin", says: "Unknown option '--versoin'. Did you mean '--version'?"),
    Row(
      "listen", "--backlgo", "5", "a", "1",
      says: "Unknown option '--backlgo'. Did you mean '--backlog'?"),
    Row("states", "--colour", "never", says: "Unknown option '--colour'. Did you mean '--color'?"),
    Row("states", "-S", "LISTEN", says: "Unknown option '-S'. Did you mean '-s'?"),
    Row("send", "-y", "host", "80", says: "Unknown option '-y'"),
    Row(
      "connect", "-z", "host", "80",
      says: "Unknown option '-z'. '--probe' tries ports without sending data: 'tcptool connect "
        + "--probe PORTS HOST'."),
    Row(
      "listen",
      says: """
        Missing expected argument '<port>'
        Help:  <port>  Port from 0 to 65535, or a service's name; 0 lets the kernel choose.
        """),
    Row(
      "connect", "host",
      says: """
        Missing expected argument '<port>'
        Help:  <port>  Port from 0 to 65535, or a service's name.
        """),
    Row(
      "connect",
      says: """
        Missing expected argument '<host>'
        Help:  <host>  Name or address to connect to.
        """),
    Row("connect", "host", "80", "more", says: "Unexpected argument 'more'"),
    Row(
      "states", "7000",
      says: """
        a number alone says nothing. Did you mean ':7000'?
               7000
               ^^^^
        """),
    Row(
      "states", "--json", "state", "LISTEN", "and", "prot=80",
      says: """
        expected a condition, not 'prot'. Did you mean 'port'?
               state LISTEN and prot=80
                                ^^^^
        """),
    Row(
      "states", "port=htp",
      says: """
        expected a port, a range like 8000-8100 or a service's name, not 'htp'. Did you mean 'http'?
               port=htp
                    ^^^
        """),
    Row(
      "states", "(", ":80", "or",
      says: """
        expected a condition after 'or'
               ( :80 or
                       ^
        """),
    // What is invisible is spelled out, and wide characters take two cells.
    Row(
      "states", "process=日本\u{1b}", "prot=80",
      says: #"""
        expected a condition, not 'prot'. Did you mean 'port'?
               process=日本\x1b prot=80
                                ^^^^
        """#),
    Row("backlog-test", "7000", says: "Missing expected argument '<port>'"),
    Row(
      "connect", "localhost", "80-90",
      says: invalidPort("80-90") + " '--probe 80-90' tries several, without sending data."),
    Row(
      "connect", "[::1]:80,443",
      says: invalidPort("80,443") + " '--probe 80,443' tries several, without sending data."),
    Row("connect", "localhost", "8080-https", says: invalidPort("8080-https")),
    Row(
      "connect", "--timeout", "0", "localhost", "80",
      says:
        "The value of '--timeout' must be greater than zero. Without the option the kernel's own "
        + "holds."),
    Row(
      "send", "--wait", "0s", "localhost", "80",
      says: "The value of '--wait' must be greater than zero. Without the option there is one try."),
    Row(
      "listen", "--accept-timeout", "0ms", "80",
      says:
        "The value of '--accept-timeout' must be greater than zero. Without the option there is "
        + "no limit."),
    Row("listen", "99999", says: invalidPort("99999")),
    Row("listen", "-1", says: invalidPort("-1")),
    Row("recv", "localhost:65536", says: invalidPort("65536")),
    Row("connect", "localhost", "nosuch", says: invalidPort("nosuch")),
    Row("listen", "::1", says: "Missing a port after the address '::1'"),
    Row("listen", "\u{1b}[31m", says: invalidPort(#"\x1b[31m"#)),
    Row(
      "backlog-test", "--backlog", "99999999999",
      says: "The value '99999999999' is invalid for '--backlog <n>'. \(backlogForm)\n"
        + backlogHelp),
    Row(
      "backlog-test", "-b", "abc",
      says: "The value 'abc' is invalid for '-b <n>'. \(backlogForm)\n"
        + backlogHelp),
    Row(
      "backlog-test", "--backlog=1e9",
      says: "The value '1e9' is invalid for '--backlog <n>'. \(backlogForm)\n"
        + backlogHelp),
    Row(
      "backlog-test", "--backlog", says: "Missing value for '--backlog <n>'\n" + backlogHelp),
    Row(
      "backlog-test", "--json=yes",
      says: """
        The option '--json' does not take any value, but 'yes' was specified.
        Help:  -j, --json  One JSON object; with --sweep one a line.
        """),
    Row(
      "recv", "--copy", "sendfile", "7000",
      says: """
        The value 'sendfile' is invalid for '--copy <way>'. Please provide one of 'auto', 'splice' \
        and 'userspace'.
        Help:  --copy <way>  How bytes are moved: auto (the fastest way that fits), splice, or userspace \
        (through a buffer). All but auto fail where the kernel refuses.
        """),
    Row(
      "send", "-t", "5x", "host", "80",
      says: """
        The value '5x' is invalid for '-t <duration>'. Give a duration like 250ms, 1.5s, 2m or 1h; a number \
        without a unit is seconds.
        Help:  -t, --timeout <duration>  Longest time for connecting: 500ms, 2s, 1m.
        """),
    Row(
      "send", "--timeout=-1s", "host", "80",
      says: """
        The value '-1s' is invalid for '--timeout <duration>'. Give a duration like 250ms, 1.5s, 2m or 1h; a number \
        without a unit is seconds.
        Help:  -t, --timeout <duration>  Longest time for connecting: 500ms, 2s, 1m.
        """),
    Row(
      "send", "--linger", "", "host", "80",
      says: """
        The value '' is invalid for '--linger <duration>'. Give a duration like 250ms, 1.5s, 2m or 1h; a number \
        without a unit is seconds.
        Help:  --linger <duration>  How long the peer may keep its side open once it has \
        acknowledged everything.
        """),
    Row(
      "connect", "-46", "host", "80",
      says: "'--ipv4' and '--ipv6' exclude each other; without them both are used."),
    Row(
      "states", "--csv", "-j", says: "'--csv' and '--json' exclude each other. Give one of them."),
    Row(
      "states", "--by", "peer", "--sort", "rtt",
      says:
        "A summary has no rows for '--csv', '--columns' and '--sort'. Leave them out, or use '--json'."
    ),
    Row(
      "listen", "-6", "80", "--ipv4",
      says: "'--ipv4' and '--ipv6' exclude each other; without them both are used."),
    Row(
      "connect", "--attempt-delay", "9.9ms", "host", "80",
      says: "The value '9.9ms' is invalid for '--attempt-delay <duration>'. Give at least 10ms."),
    Row(
      "send", "--ipv6", "--source", "127.0.0.1", "host", "80",
      says: "The source address 127.0.0.1 is not of the family that '--ipv6' asks for."),
    Row(
      "connect", "--interface=", "host", "80",
      says: """
        The value '' is invalid for '--interface <name>'. 'ip link' lists the names that there are.
        """),
    Row(
      "connect", "--wait", "soon", "host", "80",
      says: """
        The value 'soon' is invalid for '--wait <duration>'. Give a duration like 250ms, 1.5s, 2m or 1h; a number \
        without a unit is seconds.
        Help:  --wait <duration>  Try again until the port accepts, for this long at most; --timeout then \
        applies to each try.
        """),
    Row(
      "states", "--pid", "4294967297",
      says: """
        The value '4294967297' is invalid for '--pid <pid>'. Give the number of a process, from 1 to 2147483647.
        Help:  --pid <pid>  Show the network namespace of this process: a container's, for example. Without \
        privilege it is read from /proc/PID/net, which tells less.
        """),
    Row(
      "states", "--state", "nosuch",
      says: """
        The value 'nosuch' is invalid for '--state <state,...>'. Please provide a \
        comma-separated list of 'ESTABLISHED', 'SYN_SENT', 'SYN_RECV', 'FIN_WAIT1', 'FIN_WAIT2', \
        'TIME_WAIT', 'CLOSE', 'CLOSE_WAIT', 'LAST_ACK', 'LISTEN' and 'CLOSING'.
        Help:  -s, --state <state,...>  Show only sockets in these states; ss's names, such as \
        'estab', will do too.
        """),
    Row(
      "states", "--columns", "local,rtts",
      says: """
        The value 'local,rtts' is invalid for '--columns <column,...>'. Did you mean 'rtt'?
        Help:  -c, --columns <column,...>  Show these columns, in this order; in JSON, these keys.
        """),
    Row(
      "states", "--sort", "-rtt",
      says: """
        Missing value for '--sort <column>'. If '-rtt' is the value, write '--sort=-rtt'.
        Help:  --sort <column>  Sort by a column, the smallest first; --sort=-COLUMN puts the \
        largest first. This holds all rows in memory. With --listeners: local, recvq, full, synq, \
        drops or backlog.
        """),
    Row(
      "recv", "--output=", "80",
      says: """
        The value '' is invalid for '--output <file>'. Give the name of a file.
        Help:  -o, --output <file>  Where to write; '-' is standard output, the default. With \
        --keep-open '%n' in it is the connection's number, '%a' the peer's address, '%p' its port, \
        '%%' a percent sign.
        """),
    Row(
      "states", "--color", "red",
      says: """
        The value 'red' is invalid for '--color <when>'. Please provide one of 'auto', 'always' \
        and 'never'.
        Help:  --color <when>  Whether to use colour.
        """),
  ]

  /// Relay options that contradict each other, or would do nothing.
  private static let contradictions = [
    Row(
      "connect", "--send-only", "--recv-only", "host", "80",
      says: """
        The options '--recv-only' and '--send-only' exclude each other: each leaves the other out
        """),
    Row(
      "connect", "--recv-only", "--on-stdin-eof", "shutdown", "host", "80",
      says: """
        The options '--recv-only' and '--on-stdin-eof' exclude each other: standard input is not \
        read
        """),
    Row(
      "listen", "--recv-only", "--on-peer-eof", "finish", "80",
      says: """
        The options '--recv-only' and '--on-peer-eof finish' exclude each other: there is nothing \
        left to send
        """),
    Row(
      "listen", "-qv", "80",
      says: """
        The options '--quiet' and '--verbose' exclude each other: one wants less, the other more
        """
    ),
    Row(
      "listen", "--recv-only", "-C", "80",
      says: """
        The options '--recv-only' and '--crlf' exclude each other: standard input is not read
        """),
    Row(
      "listen", "--recv-only", "--linger", "1s", "80",
      says: """
        The options '--recv-only' and '--linger' exclude each other: our side ends only after the \
        peer's
        """),
    Row(
      "connect", "--on-stdin-eof", "wait", "--linger", "1s", "host", "80",
      says: """
        The options '--linger' and '--on-stdin-eof wait' exclude each other: our side ends only \
        after the peer's
        """),
    Row(
      "connect", "--on-stdin-eof", "close", "--linger", "1s", "host", "80",
      says: """
        The options '--linger' and '--on-stdin-eof close' exclude each other: that gives the peer \
        no time at all
        """),
    Row(
      "listen", "--keep-open", "--on-stdin-eof", "close", "80",
      says: """
        The options '--keep-open' and '--on-stdin-eof close' exclude each other: once standard \
        input has ended, every further connection would be closed at once
        """),
    Row(
      "connect", "--idle-timeout", "0", "host", "80",
      says:
        "The value of '--idle-timeout' must be greater than zero. Without the option there is no limit."
    ),
    Row(
      "listen", "--total-timeout", "0s", "80",
      says:
        "The value of '--total-timeout' must be greater than zero. Without the option there is no limit."
    ),
    Row(
      "listen", "--on-stdin-eof", "quit", "80",
      says: """
        The value 'quit' is invalid for '--on-stdin-eof <action>'. Please provide one of \
        'shutdown', 'wait' and 'close'.
        Help:  --on-stdin-eof <action>  At the end of standard input: shutdown (half-close, the \
        peer may go on), wait (tell the peer nothing until it has ended), or close (end once \
        everything is acknowledged). Default: shutdown.
        """),
  ]

  /// What send and recv cannot do with the data.
  private static let transfers = [
    Row(
      "send", "--pattern", "random", "host", "80",
      says: "The option '--pattern' needs '--size' or '--duration'\n"
        + "Help:  --pattern <pattern>  Which data to generate: zero, counter, random or random:SEED. "
        + "Default: zero."),
    Row(
      "send", "--size", "1K", "host", "80", "file",
      says: "Unexpected argument 'file'. With '--size' there is no '<file>'."),
    Row(
      "send", "--listen", "7000", "--timeout", "1s",
      says: "The options '--listen' and '--timeout' exclude each other: with --listen the receiver "
        + "connects"),
    Row(
      "send", "host", "80", "a", "-",
      says: "'-' does not go together with other files. Use 'cat FILE - | tcptool send ...'."),
    Row(
      "send", "--expect-digest", "00000000", "host", "80", "a", "b",
      says: "'--expect-digest' goes with one file: each of several has its own digest."),
    Row(
      "recv", "--digest", "sha256", "--expect-digest", "crc32c:00000000", "80",
      says: "'--expect-digest crc32c:…' and '--digest sha256' are not of one kind: leave "
        + "'--digest' out, or make it '--digest crc32c'."),
    Row(
      "recv", "--connect", "80",
      says: "With '--connect' a host is needed: 'tcptool recv --connect HOST PORT'."),
    Row(
      "recv", "--connect", "--keep-open", "host", "80",
      says: "The options '--connect' and '--keep-open' exclude each other: with --connect nothing "
        + "listens"),
    Row(
      "recv", "--discard", "-o", "file", "80",
      says: "The options '--discard' and '--output' exclude each other: nothing is written"),
    Row(
      "recv", "--keep-open", "-o", "file", "80",
      says: "With '--keep-open' every file would replace the one before it: put '%n' into "
        + "'--output file', which is the number of the connection, or give '--force'."),
    Row(
      "recv", "--keep-open", "-o", "in-%x", "80",
      says: "'%x' in '--output in-%x' stands for nothing. With --keep-open there are %n (number), "
        + "%a (the peer's address), %p (its port) and %%."),
    Row(
      "recv", "--verify", "zero", "--copy", "splice", "80",
      says: "The options '--verify' and '--copy splice' exclude each other: bytes that the kernel "
        + "moves are not seen here"),
    Row(
      "recv", "--idle-timeout", "0", "80",
      says:
        "The value of '--idle-timeout' must be greater than zero. Without the option there is no limit."
    ),
  ]

  @Test(arguments: [
    ["--expect-digest", "123"], ["--expect-digest", "sha256:00000000"],
    ["--expect-digest", "md5:00000000"], ["--expect-size", "-1"], ["--expect-size", "many"],
    ["--verify", "random:"], ["--verify", "random:-1"], ["--verify", "noise"],
    ["--verify", "random:18446744073709551616"],
  ])
  func aBadValueOfRecvIsRefused(_ words: [String]) throws {
    let done = try tcptool(["recv", "\(words[0])=\(words[1])", "80"])
    #expect(done.errorText.hasPrefix("Error: The value '\(words[1])' is invalid for '\(words[0])"))
    #expect(done.outcome == .exited(64))
  }

  @Test(arguments: rows + contradictions + transfers)
  func isTold(_ row: Row) throws {
    let done = try tcptool(row.words)
    let ending = Self.endings[row.words[0]] ?? Self.endings[""] ?? ""
    #expect(done.errorText == "Error: \(row.error)\n\(ending)\n")
    #expect(done.outputText == "")
    #expect(done.outcome == .exited(64))
  }

  @Test(arguments: ["localhost", "127.0.0.1:http", "127.0.0.1:0", "[::1]:99999", ""])
  func aSourceIsAnAddress(_ word: String) throws {
    let done = try tcptool(["connect", "--source", word, "host", "80"])
    #expect(done.errorText.hasPrefix("Error: The value '\(word)' is invalid for '--source "))
    #expect(done.outcome == .exited(64))
  }

  /// The whole range of listen(2)'s argument is passed on: what is too large is the kernel's business.
  @Test(arguments: ["0", "-1", "1000000000", "2147483647", "-2147483648"])
  func aBacklogOfAnySizeIsNone(_ backlog: String) throws {
    let port = try unusedPort()
    let child = try start(#"exec "$@""#, ["listen", "--backlog", backlog, "127.0.0.1", "\(port)"])
    let line = try child.waitForLine(containing: "listening on 127.0.0.1:\(port), backlog ")
    #expect(backlog == "0" ? line.hasSuffix(" 0") : line.contains("net.core.somaxconn"))
  }
}
