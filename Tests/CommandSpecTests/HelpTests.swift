// The help's layout, to the letter.

import CommandSpec
import Testing

@Suite struct Help {
  @Test func theToolIn60Columns() {
    #expect(
      table.help(nil, columns: 60) == #"""
        OVERVIEW: Try every text.

        Fl 'one' "two" \back\ $(rm -rf x) `id` [a]:b {c} %d 100% ~ ^
        é日本 <&> ; | # * ! \fBx \n it's --no-op

        USAGE: nasty <subcommand>

        OPTIONS:
          --generate-completion-script <shell>
                                  Print a completion script for a
                                  shell; without a value, for the
                                  one that $SHELL names. (values:
                                  bash, zsh, fish)
          --version               Show the version.
          -h, --help              Show help information.

        SUBCOMMANDS:
          listen                  Wait for a connection.
          send                    Send: [a] "file" it's `here` $(rm)
                                  \back.
          states                  Show sockets.
          many                    Have many options.
          serve                   Run a command.

          See 'nasty help <subcommand>' for detailed help.

        """#)
  }

  @Test func aSubcommandIn60Columns() {
    #expect(
      table.help("listen", columns: 60) == #"""
        OVERVIEW: Wait for a connection.

        .Dot leads. See e.g. the manual, or not. It has sentences!
        Fl 'one' "two" \back\ $(rm -rf x) `id` [a]:b {c} %d 100% ~ ^
        é日本 <&> ; | # * ! \fBx \n it's --no-op

        'Quote leads.
        longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong
        follows.

        USAGE: nasty listen [--backlog <n>] [--keep-open]
               [--format <format>] [--states <state,...>]
               [--odd <x:[y]>] [--timeout <time>] [--buffer <size>]
               [--output <file>] [--peer <host>] [--service <port>]
               [--tag <word> ...] [--old] [<host>] <port>

        ARGUMENTS:
          <host>                  Local address.
          <port>                  Local port.

        OPTIONS:
          -b, --backlog <n>       Length of the accept queue.
                                  (default: 128)
          -k, --keep-open         Stay after the first connection.
          -f, --format <format>   How to print. (values: text, json;
                                  default: text)
          -s, --states <state,...>
                                  States to print. (values: LISTEN,
                                  ESTAB, TIME-WAIT; default:
                                  LISTEN,TIME-WAIT)
          --odd <x:[y]>           Fl 'one' "two" \back\ $(rm -rf x)
                                  `id` [a]:b {c} %d 100% ~ ^ é日本 <&>
                                  ; | # * ! \fBx \n it's --no-op
                                  (values: plain, a b, it's, $(rm),
                                  c:d[e])
          --timeout <time>        Give up.
          --buffer <size>         Bytes to read at once. (default:
                                  64K)
          -o, --output <file>     Write here.
          -p, --peer <host>       Only from it.
          --service <port>        Only for it.
          -t, --tag <word>        A word; repeat for more.
          -4, --old               Version 4 only.
          --version               Show the version.
          -h, --help              Show help information.

        EXAMPLES:
          nasty listen 7000
              Wait on every address.
          .listen '$(rm)' \
            --backlog -1
              Fl 'one' "two" \back\ $(rm -rf x) `id` [a]:b {c} %d
              100% ~ ^ é日本 <&> ; | # * ! \fBx \n it's --no-op

        EXIT STATUS:
          0   Done.
          12  No answer came before the time was over, or none at
              all.

        """#)
  }

  @Test func aSubcommandIn80Columns() {
    #expect(
      table.help("listen", columns: 80) == #"""
        OVERVIEW: Wait for a connection.

        .Dot leads. See e.g. the manual, or not. It has sentences! Fl 'one' "two" \back\
        $(rm -rf x) `id` [a]:b {c} %d 100% ~ ^ é日本 <&> ; | # * ! \fBx \n it's --no-op

        'Quote leads.
        longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong
        follows.

        USAGE: nasty listen [--backlog <n>] [--keep-open] [--format <format>]
               [--states <state,...>] [--odd <x:[y]>] [--timeout <time>]
               [--buffer <size>] [--output <file>] [--peer <host>] [--service <port>]
               [--tag <word> ...] [--old] [<host>] <port>

        ARGUMENTS:
          <host>                  Local address.
          <port>                  Local port.

        OPTIONS:
          -b, --backlog <n>       Length of the accept queue. (default: 128)
          -k, --keep-open         Stay after the first connection.
          -f, --format <format>   How to print. (values: text, json; default: text)
          -s, --states <state,...>
                                  States to print. (values: LISTEN, ESTAB, TIME-WAIT;
                                  default: LISTEN,TIME-WAIT)
          --odd <x:[y]>           Fl 'one' "two" \back\ $(rm -rf x) `id` [a]:b {c} %d
                                  100% ~ ^ é日本 <&> ; | # * ! \fBx \n it's --no-op
                                  (values: plain, a b, it's, $(rm), c:d[e])
          --timeout <time>        Give up.
          --buffer <size>         Bytes to read at once. (default: 64K)
          -o, --output <file>     Write here.
          -p, --peer <host>       Only from it.
          --service <port>        Only for it.
          -t, --tag <word>        A word; repeat for more.
          -4, --old               Version 4 only.
          --version               Show the version.
          -h, --help              Show help information.

        EXAMPLES:
          nasty listen 7000
              Wait on every address.
          .listen '$(rm)' \
            --backlog -1
              Fl 'one' "two" \back\ $(rm -rf x) `id` [a]:b {c} %d 100% ~ ^ é日本 <&> ; | #
              * ! \fBx \n it's --no-op

        EXIT STATUS:
          0   Done.
          12  No answer came before the time was over, or none at all.

        """#)
  }

  @Test func aSubcommandWithoutStatusesHasThoseOfTheTool() {
    #expect(
      table.help("states", columns: 80) == #"""
        OVERVIEW: Show sockets.

        USAGE: nasty states [--order <order>] [--scheme <word>] [--member <word>]
               [--entry <word>] [--nothing <word>] [<filter> ...]

        ARGUMENTS:
          <filter>                What to show.

        OPTIONS:
          --order <order>         What is first. (values: name, time)
          -s, --scheme <word>     A word.
          --member <word>         A word.
          --entry <word>          A name.
          --nothing <word>        A name.
          --version               Show the version.
          -h, --help              Show help information.

        FILTER FORMS:
          port=80                 The port of either end.
          src .1                  Begins with a dot, and 'quotes' and a - hyphen.

        EXIT STATUS:
          0   Done.
          64  Usage.

        """#)
  }

  @Test func valuesThatNeedNotBeThereAndWordsToTheEnd() {
    #expect(
      table.help("serve", columns: 80) == #"""
        OVERVIEW: Run a command.

        USAGE: nasty serve [--keep] [--queues[=<duration>]] [--format[=<format>]] <port>
               [--exec <command> ...] [--then <command> ...]

        ARGUMENTS:
          <port>                  Local port.

        OPTIONS:
          -e, --exec <command> ...
                                  What to run.
          -k, --keep              Stay.
          --then <command> ...    What to run at the end.
          -q, --queues[=<duration>]
                                  Show the queues so often. (without a value: 200ms)
          -f, --format[=<format>] How to print. (values: text, json; without a value:
                                  json; default: text)
          --version               Show the version.
          -h, --help              Show help information.

        EXIT STATUS:
          0   Done.
          64  Usage.

        """#)
  }

  @Test(arguments: [Int.min, -1, 0, 39, 40])
  func fewColumnsAre40(columns: Int) {
    let lines = table.help("send", columns: columns).split(separator: "\n")
    #expect(table.help("send", columns: columns) == table.help("send", columns: 40))
    #expect(lines.allSatisfy { $0.count <= 40 })
    #expect(lines.contains { $0.count > 30 })
  }

  @Test func manyColumnsAreUsed() {
    #expect(
      table.help("listen", columns: 200).contains("(values: plain, a b, it's, $(rm), c:d[e])\n"))
    #expect(table.help("listen", columns: .max).contains("  -b, --backlog <n>       Length of the"))
  }

  @Test func anUnknownNameIsTheTool() {
    #expect(table.help("nope", columns: 80) == table.help(nil, columns: 80))
  }
}
