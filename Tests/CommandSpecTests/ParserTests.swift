// What the words of a command line become, and each complaint about them.

import CommandSpec
import Testing

@Suite struct Parsing {
  @Test func defaultsStandWhereNothingIsGiven() throws {
    let options = try listen("7000")
    #expect(options.backlog == 128)
    #expect(!options.keepOpen)
    #expect(options.timeout == nil)
    #expect(options.tags == [])
    #expect(options.states.elements == [.listen, .timeWait])
    #expect(options.operands == ["7000"])
  }

  @Test(arguments: [
    ["-b5", "1"], ["-b", "5", "1"], ["-b=5", "1"], ["--backlog=5", "1"], ["--backlog", "5", "1"],
    ["1", "--backlog", "5"], ["-b1", "-b", "5", "1"], ["-kb5", "1"], ["-kb", "5", "1"],
    ["-kb=5", "1"], ["--backlog", "+5", "--", "1"],
  ])
  func anOptionTakesItsValueInEveryForm(words: [String]) throws {
    guard case .invoke(.listen(let options)) = try parse(["listen"] + words) else {
      Issue.record("no invocation")
      return
    }
    #expect(options.backlog == 5)
    #expect(options.operands == ["1"])
    #expect(options.keepOpen == words[0].hasPrefix("-k"))
  }

  @Test(
    arguments: [
      (["1"], nil), (["--queues", "1"], .milliseconds(200)), (["-q", "1"], .milliseconds(200)),
      (["-kq", "1"], .milliseconds(200)), (["1", "--queues"], .milliseconds(200)),
      (["--queues=1s", "1"], .seconds(1)), (["-q1s", "1"], .seconds(1)),
      (["-q=1s", "1"], .seconds(1)), (["-kq1s", "1"], .seconds(1)),
      (["--queues=1s", "--queues", "1"], .milliseconds(200)),
      (["--queues", "-q1s", "1"], .seconds(1)),
    ] as [([String], Duration?)])
  func aValueThatNeedNotBeThereIsAttached(words: [String], queues: Duration?) throws {
    let options = try serve(words)
    #expect(options.queues == queues)
    #expect(options.operands == ["1"])
    #expect(options.format == .text)
    #expect(options.keep == words[0].hasPrefix("-k"))
  }

  @Test(arguments: [
    ["--exec", "cat", "-n", "--keep", "--", "--help", "-h"],
    ["--exec=cat", "-n", "--keep", "--", "--help", "-h"],
    ["-e", "cat", "-n", "--keep", "--", "--help", "-h"],
    ["-e=cat", "-n", "--keep", "--", "--help", "-h"],
    ["-ecat", "-n", "--keep", "--", "--help", "-h"],
  ])
  func anOptionTakesAllTheWordsThatAreLeft(words: [String]) throws {
    let options = try serve(["7"] + words)
    #expect(options.exec == ["cat", "-n", "--keep", "--", "--help", "-h"])
    #expect(options.operands == ["7"])
    #expect(!options.keep)
    #expect(try serve(["7"]).exec == [])
    #expect(try serve(["7", "-ke", "-"]).exec == ["-"])
    #expect(try serve(["7", "-ke", "-"]).keep)
    #expect(
      try serve(["7", "--exec=--exec", "--exec", "", "1"]).exec == ["--exec", "--exec", "", "1"])
    #expect(complaint(["serve", "--", "--exec"]) == "")
  }

  @Test func negativeNumbersAreValuesAndOperands() throws {
    #expect(try listen("--backlog", "-1", "1").backlog == -1)
    #expect(try listen("-b-1", "1").backlog == -1)
    #expect(try listen("-1").operands == ["-1"])
    #expect(try listen("-").operands == ["-"])
  }

  @Test func aDigitIsAFlagWhereOneIsDeclared() throws {
    #expect(try listen("-4", "1").old)
    #expect(try listen("-k4", "1").old)
    #expect(try listen("-b", "-4", "1").backlog == -4)
    #expect(try !listen("x4", "1").old)
    #expect(try listen("--", "-4").operands == ["-4"])
  }

  @Test func twoDashesEndTheOptions() throws {
    let options = try listen("--", "--backlog", "-k")
    #expect(options.operands == ["--backlog", "-k"])
    #expect(!options.keepOpen)
    #expect(try listen("--", "--").operands == ["--"])
  }

  @Test func repeatedOptionsCollect() throws {
    #expect(try listen("--tag", "a", "-tb", "1", "--tag=").tags == ["a", "b", ""])
    #expect(try listen("--output", "a", "--output", "b=c", "1").output == "b=c")
    #expect(try listen("-o", "-", "1").output == "-")
  }

  @Test func oneWordMayHoldHostAndPort() throws {
    #expect(try listen("localhost:80").operands == ["localhost:80"])
    for words in [
      ["h:1"], ["[::1]:1"], ["h", "1"], ["::1", "1"], ["h:1", "file"], ["h", "1", "f"],
    ] {
      #expect(complaint(["send"] + words) == "", "\(words)")
    }
    for words in [["h"], ["::1"], ["[::1]"], []] {
      #expect(complaint(["send"] + words).hasPrefix("Error: Missing expected argument"), "\(words)")
    }
    #expect(complaint(["send", "h:1", "f", "x"]).hasPrefix("Error: Unexpected argument 'x'\n"))
    #expect(complaint(["listen", "h:1", "2"]).hasPrefix("Error: Unexpected argument '2'\n"))
  }

  @Test func aRepeatedOperandTakesTheRest() throws {
    guard case .invoke(.states(let options)) = try parse(["states", "a", "b", "", "c"]) else {
      Issue.record("no invocation")
      return
    }
    #expect(options.operands == ["a", "b", "", "c"])
  }

  @Test func helpAndVersionStandEverywhere() throws {
    let root = table.help(nil, columns: 80)
    let detail = table.help("listen", columns: 80)
    #expect(root != detail)
    #expect(try printed() == root)
    #expect(try printed("--help") == root)
    #expect(try printed("-h") == root)
    #expect(try printed("help") == root)
    #expect(try printed("help", "help") == root)
    #expect(try printed("help", "--help") == root)
    #expect(try printed("--nope", "--help") == root)
    #expect(try printed("help", "listen") == detail)
    #expect(try printed("listen", "--help") == detail)
    #expect(try printed("listen", "-kh") == detail)
    #expect(try printed("listen", "--nope", "--backlog", "--help") == detail)
    #expect(try printed("--version") == "1.2.3\n")
    #expect(try printed("listen", "a", "b", "c", "--version") == "1.2.3\n")
    #expect(try printed("help", "--version") == "1.2.3\n")
    #expect(try printed("serve", "--exec", "--help") == table.help("serve", columns: 80))
    #expect(try listen("--", "--help").operands == ["--help"])
    #expect(try listen("--tag=--help", "1").tags == ["--help"])
  }

  @Test func theShellIsNamedOrCurrent() throws {
    let zsh = table.completionScript(.zsh)
    #expect(try printed("--generate-completion-script") == zsh)
    #expect(try printed("--generate-completion-script", "zsh") == zsh)
    #expect(try printed("--generate-completion-script=fish") == table.completionScript(.fish))
    #expect(try printed("--generate-completion-script", "bash") == table.completionScript(.bash))
    let missing = """
      Error: Missing value for '--generate-completion-script <shell>'
      Help:  --generate-completion-script <shell>  Print a completion script for a shell; \
      without a value, for the one that $SHELL names.
      Usage: nasty <subcommand>
        See 'nasty --help' for more information.
      """
    for shell in [nil, "", "/", "/bin/tcsh"] {
      let error = #expect(throws: UsageError.self) {
        try table.parse(["--generate-completion-script"], columns: 80, shell: shell)
      }
      #expect(error?.description == missing)
    }
    let tcsh = complaint(["--generate-completion-script", "tcsh"])
    #expect(
      tcsh.hasPrefix(
        "Error: The value 'tcsh' is invalid for '--generate-completion-script <shell>'. "
          + "Please provide one of 'bash', 'zsh' and 'fish'.\n"))
    #expect(
      complaint(["--generate-completion-script", "bash", "x"])
        .hasPrefix("Error: Unexpected argument 'x'\n"))
  }
}

@Suite struct Complaints {
  private static let durations =
    "Give a duration like 250ms, 1.5s, 2m or 1h; a number without a unit is seconds."

  @Test(arguments: [
    ("listen --backlgo 5 a 1 2 3", "Unknown option '--backlgo'. Did you mean '--backlog'?"),
    ("listen --backlog x --nope 1", "Unknown option '--nope'"),
    ("listen --back 5 1", "Unknown option '--back'. Did you mean '--backlog'?"),
    ("listen -backlog 5 1", "Unknown option '-backlog'. Did you mean '--backlog'?"),
    ("listen --b 5 1", "Unknown option '--b'. Did you mean '-b'?"),
    ("listen -B 5 1", "Unknown option '-B'. Did you mean '-b'?"),
    ("listen -x 1", "Unknown option '-x'"),
    ("listen -kx 1", "Unknown option '-x' in '-kx'"),
    ("listen -utput 1", "Unknown option '-utput'. Did you mean '--output'?"),
    ("listen --=5 1", "Unknown option '--'"),
    ("listen --x 1", "Unknown option '--x'"),
    ("listen 1 --backlog", "Missing value for '--backlog <n>'"),
    ("listen 1 -b", "Missing value for '-b <n>'"),
    ("listen --backlog --keep-open 1", "Missing value for '--backlog <n>'"),
    ("listen --backlog -- 1", "Missing value for '--backlog <n>'"),
    ("listen", "Missing expected argument '<port>'"),
    ("listen a 1 2", "Unexpected argument '2'"),
    ("send", "Missing expected argument '<host>'"),
    ("send h", "Missing expected argument '<port>'"),
    (
      "send ::1:80",
      "Missing expected argument '<port>'. Behind an IPv6 address in brackets it is one word: "
        + "'[::1]:80'."
    ),
    ("send http://h/x?y", "'http://h/x?y' is a URL. Did you mean 'h http'?"),
    ("send https://u:p@h:81/ 1", "'https://u:p@h:81/' is a URL. Did you mean 'h:81'?"),
    ("send ftp://[::1]", "'ftp://[::1]' is a URL. Did you mean '[::1] ftp'?"),
    ("send ://", "'://' is a URL. Did you mean 'HOST '?"),
    (
      "listen --format xml 1",
      "The value 'xml' is invalid for '--format <format>'. Please provide one of 'text' and 'json'."
    ),
    (
      "listen -sLISTEN, 1",
      "The value 'LISTEN,' is invalid for '-s <state,...>'. "
        + "Please provide a comma-separated list of 'LISTEN', 'ESTAB' and 'TIME-WAIT'."
    ),
    (
      "listen -b 99999999999999999999 1",
      "The value '99999999999999999999' is invalid for '-b <n>'. Give a whole number."
    ),
    ("listen -z 1", "Unknown option '-z'. There is no zero."),
    ("listen -zk 1", "Unknown option '-z' in '-zk'. There is no zero."),
    ("listen -kz 1", "Unknown option '-z' in '-kz'. There is no zero."),
    ("listen -6 1", "Unknown option '-6'. There is no zero."),
    ("listen --zero=1 1", "Unknown option '--zero'. There is no zero."),
    ("listen --backlogs 1", "Unknown option '--backlogs'. There is one."),
    ("-l 7000", "Unknown option '-l'. 'nasty states' does that."),
    ("-lk 7000", "Unknown option '-l' in '-lk'. 'nasty states' does that."),
    ("-k 7000", "Unknown option '-k'. It goes behind a subcommand: listen, serve."),
    ("--tag x", "Unknown option '--tag'. It goes behind a subcommand: listen."),
    ("ss -tan", "Unknown subcommand 'ss'. 'nasty states' does that."),
    ("help ss", "Unknown subcommand 'ss'. 'nasty states' does that."),
    ("[::1]:80", "Unknown subcommand '[::1]:80'. Who is that?"),
    ("7000", "Unknown subcommand '7000'. How many?"),
    ("listen -o= 1", "The value '' is invalid for '-o <file>'. Give the name of a file."),
    (
      "listen --backlog -x 1",
      "Missing value for '--backlog <n>'. If '-x' is the value, write '--backlog=-x'."
    ),
    ("listen -b --backlog=3 1", "Missing value for '-b <n>'"),
    (
      "listen -k=1 1", "The option '-k' does not take any value, but '1' was specified."
    ),
    (
      "listen --keep-open= 1",
      "The option '--keep-open' does not take any value, but '' was specified."
    ),
    (
      "serve --queues= 1", "The value '' is invalid for '--queues[=<duration>]'. \(durations)"
    ),
    ("serve -qk 1", "The value 'k' is invalid for '-q[<duration>]'. \(durations)"),
    ("serve --queues 1s 1", "Unexpected argument '1'"),
    (
      "serve --format=xml 1",
      "The value 'xml' is invalid for '--format[=<format>]'. "
        + "Please provide one of 'text' and 'json'."
    ),
    ("serve 1 --exec", "Missing value for '--exec <command> ...'"),
    ("serve 1 -ke", "Missing value for '-e <command> ...'"),
    ("serve 1 --exec --keep", "Missing value for '--exec <command> ...'"),
    ("serve 1 --exec -- cat", "Missing value for '--exec <command> ...'"),
    (
      "serve 1 --exec= cat",
      "The value '' is invalid for '--exec <command> ...'. Give the name of a program."
    ),
    (
      "serve --exec cat 1",
      "Missing expected argument '<port>'. Words after '--exec' belong to that option."
    ),
    ("serve 1 2 --exec cat", "Unexpected argument '2'"),
    ("listen -k --timeout 1s 1", "--timeout makes no sense with --keep-open"),
    ("lisen", "Unknown subcommand 'lisen'. Did you mean 'listen'?"),
    ("stat", "Unknown subcommand 'stat'. Did you mean 'states'?"),
    ("hepl", "Unknown subcommand 'hepl'. Did you mean 'help'?"),
    ("frobnicate", "Unknown subcommand 'frobnicate'"),
    ("help nope", "Unknown subcommand 'nope'"),
    ("help snd", "Unknown subcommand 'snd'. Did you mean 'send'?"),
    ("help send x", "Unexpected argument 'x'"),
    ("--vresion", "Unknown option '--vresion'. Did you mean '--version'?"),
    ("-v", "Unknown option '-v'"),
    ("--", "Missing subcommand"),
    ("-5", "Unknown subcommand '-5'"),
  ])
  func eachMistakeHasItsText(line: String, message: String) {
    let text = complaint(line.split(separator: " ").map(String.init))
    #expect(text.split(separator: "\n").first.map(String.init) == "Error: \(message)")
  }

  /// A word that another program's option begins like is a value, an operand or a number as before.
  @Test func aForeignOptionIsAskedForLast() throws {
    #expect(try listen("-b", "-6", "1").backlog == -6)
    #expect(try listen("--", "-6").operands == ["-6"])
    #expect(try listen("-7").operands == ["-7"])
    #expect(try listen("--tag", "ss", "1").tags == ["ss"])
  }

  @Test func anErrorHasItsContext() {
    #expect(
      complaint(["listen", "--format", "xml", "1"]) == """
        Error: The value 'xml' is invalid for '--format <format>'. \
        Please provide one of 'text' and 'json'.
        Help:  -f, --format <format>  How to print.
        Usage: nasty listen [--backlog <n>] [--keep-open] [--format <format>]
               [--states <state,...>] [--odd <x:[y]>] [--timeout <time>]
               [--buffer <size>] [--output <file>] [--peer <host>] [--service <port>]
               [--tag <word> ...] [--old] [<host>] <port>
          See 'nasty listen --help' for more information.
        """)
    #expect(
      complaint(["lisen"]) == """
        Error: Unknown subcommand 'lisen'. Did you mean 'listen'?
        Usage: nasty <subcommand>
          See 'nasty --help' for more information.
        """)
    #expect(
      complaint(["many", "1"]) == """
        Error: Unexpected argument '1'
        Usage: nasty many [<options>]
          See 'nasty many --help' for more information.
        """)
    #expect(
      complaint(["send"]) == """
        Error: Missing expected argument '<host>'
        Help:  <host>  Where.
        Usage: nasty send [--quiet] <host> <port> [<file>]
          See 'nasty send --help' for more information.
        """)
    #expect(UsageError("Free text").description == "Error: Free text")
  }

  @Test func noInputCrashes() {
    let long = String(repeating: "9", count: 10_000)
    let values = [
      "", "-", "--", "=", "\u{1B}[31m", "\0", "é", "-\u{301}", "--\u{301}", "NaN", "inf",
    ]
    for value in values + [long, long + "s", "0." + long, long + "." + long + "K", "-" + long] {
      for words in [
        ["listen", "-b", value], ["listen", "--timeout=\(value)"], ["listen", "--buffer=\(value)"],
        ["listen", "--states=\(value)"], ["listen", "--" + value], ["listen", "-" + value], [value],
        ["help", value], ["listen", value, value, value, value],
      ] {
        let text = complaint(words)
        #expect(text.count < 1000, "\(words[0])")
        #expect(!text.unicodeScalars.contains { $0.value < 32 && $0 != "\n" })
      }
    }
  }
}
