// A small tool whose texts are as nasty as texts can be; the tests read it through every generator.

import CommandSpec

/// The nastiest text: quotes, backslashes, expansions, brackets, colons, a macro's name, a leading dot.
let nasty =
  #"Fl 'one' "two" \back\ $(rm -rf x) `id` [a]:b {c} %d 100% ~ ^ é日本 <&> ; | # * ! \fBx \n it's --no-op"#

enum Format: String, ArgumentValue, CaseIterable {
  case text, json
}

enum State: String, ArgumentValue, CaseIterable {
  case listen = "LISTEN"
  case established = "ESTAB"
  case timeWait = "TIME-WAIT"
}

enum Odd: String, ArgumentValue, CaseIterable {
  case plain
  case blank = "a b"
  case quote = "it's"
  case shell = "$(rm)"
  case colon = "c:d[e]"
}

struct Listen: CommandOptions {
  var backlog = 128
  var keepOpen = false
  var format = Format.text
  var states = CommaSeparated<State>([.listen, .timeWait])
  var odd: Odd?
  var timeout: Duration?
  var buffer = ByteCount(bytes: 65536)
  var output: String?
  var peer: String?
  var service: String?
  var tags: [String] = []
  var old = false
  var operands: [String] = []

  static let page = CommandPage(
    name: "listen", abstract: "Wait for a connection.",
    discussion: [
      ".Dot leads. See e.g. the manual, or not. It has sentences! \(nasty)",
      "'Quote leads. " + String(repeating: "long", count: 30) + " follows.",
    ],
    operands: [
      Operand("host", required: false, help: "Local address.", completion: .host),
      Operand("port", help: "Local port.", completion: .port),
    ],
    examples: [
      Example(command: "nasty listen 7000", explanation: "Wait on every address."),
      Example(command: ".listen '$(rm)' \\\n  --backlog -1", explanation: nasty),
    ],
    exitStatuses: [
      ExitStatusRow(status: 0, meaning: "Done."),
      ExitStatusRow(
        status: 12, meaning: "No answer came before the time was over, or none at all."),
    ],
    seeAlso: ["ss(8)", "listen(2)"])

  static let parameters: [Bound<Self>] = [
    .option("backlog", "b", \.backlog, value: "n", help: "Length of the accept queue."),
    .flag("keep-open", "k", \.keepOpen, help: "Stay after the first connection."),
    .option("format", "f", \.format, value: "format", help: "How to print."),
    .option("states", "s", \.states, value: "state,...", help: "States to print."),
    .option("odd", \.odd, value: "x:[y]", help: nasty),
    .option("timeout", \.timeout, value: "time", help: "Give up."),
    .option("buffer", \.buffer, value: "size", help: "Bytes to read at once."),
    .option("output", "o", \.output, value: "file", help: "Write here.", completion: .file),
    .option("peer", "p", \.peer, value: "host", help: "Only from it.", completion: .host),
    .option("service", \.service, value: "port", help: "Only for it.", completion: .port),
    .option("tag", "t", \.tags, value: "word", help: "A word; repeat for more."),
    .flag("old", "4", \.old, help: "Version 4 only."),
  ]

  static var foreignOptions: [ForeignWord] {
    [
      ForeignWord(["-z", "-6", "--zero"], "There is no zero."),
      ForeignWord(["--backlogs"], "There is one."),
    ]
  }

  mutating func validate() throws(UsageError) {
    if keepOpen && timeout != nil { throw UsageError("--timeout makes no sense with --keep-open") }
  }
}

struct Send: CommandOptions {
  var quiet = false
  var operands: [String] = []
  static let page = CommandPage(
    name: "send", abstract: "Send: [a] \"file\" it's `here` $(rm) \\back.",
    operands: [
      Operand("host", help: "Where.", completion: .host),
      Operand("port", help: "Which.", completion: .port),
      Operand("file", required: false, help: "What.", completion: .file),
    ])
  static let parameters: [Bound<Self>] = [
    .flag("quiet", "q", \.quiet, help: "Say nothing.")
  ]
}

/// A value with words of its own for a shell, beside its choices.
struct Order: ArgumentValue {
  var argumentText: String
  init?(argument: String) { argumentText = argument }
  static let choices = ["name", "time"]
  static let completion = Parameter.Completion.words(choices + choices.map { "-\($0)" })
}

struct States: CommandOptions {
  var order: Order?
  var word: String?
  var operands: [String] = []
  static let page = CommandPage(
    name: "states", abstract: "Show sockets.",
    operands: [
      Operand("filter", required: false, repeated: true, help: "What to show.", completion: .port)
    ],
    terms: TermList(
      title: "FILTER FORMS",
      rows: [
        .init("port=80", "The port of either end."),
        .init("src .1", "Begins with a dot, and 'quotes' and a - hyphen."),
      ]))
  static let parameters: [Bound<Self>] = [
    .option("order", \.order, value: "order", help: "What is first."),
    .option(
      "scheme", "s", \.word, value: "word", help: "A word.",
      completion: .words(["plain", "seed", "seed:", "level=low,high", "share>="])),
    .option("member", \.word, value: "word", help: "A word.", completion: .listed(at: "members")),
    .option("entry", \.word, value: "word", help: "A name.", completion: .listed(at: "bin")),
    .option("nothing", \.word, value: "word", help: "A name.", completion: .listed(at: "none")),
  ]
}

struct Many: CommandOptions {
  var on = false
  var operands: [String] = []
  static let page = CommandPage(name: "many", abstract: "Have many options.")
  static let parameters: [Bound<Self>] = (1...13).map { .flag("flag-\($0)", \.on, help: "On.") }
}

/// Options whose values stand in other ways than behind the name.
struct Serve: CommandOptions {
  var keep = false
  var queues: Duration?
  var format = Format.text
  var exec: [String] = []
  var then: [String] = []
  var operands: [String] = []
  static let page = CommandPage(
    name: "serve", abstract: "Run a command.",
    operands: [Operand("port", help: "Local port.", completion: .port)])
  static let parameters: [Bound<Self>] = [
    .command("exec", "e", \.exec, value: "command", help: "What to run."),
    .flag("keep", "k", \.keep, help: "Stay."),
    .command("then", \.then, value: "command", help: "What to run at the end."),
    .option(
      "queues", "q", \.queues, value: "duration", bare: "200ms", help: "Show the queues so often."),
    .option("format", "f", \.format, value: "format", bare: "json", help: "How to print."),
  ]
}

enum Invocation: Sendable {
  case listen(Listen), send(Send), states(States), many(Many), serve(Serve)
}

let table = CommandTable(
  tool: ToolPage(
    name: "nasty", version: "1.2.3", date: "November 23, 2026", abstract: "Try every text.",
    discussion: [nasty],
    environment: [EnvironmentRow(name: "NO_COLOR", meaning: "No colour. \(nasty)")],
    exitStatuses: [
      ExitStatusRow(status: 0, meaning: "Done."), ExitStatusRow(status: 64, meaning: "Usage."),
    ],
    examples: [Example(command: "nasty states", explanation: "Show all.")],
    foreignWords: {
      [
        ForeignWord(["-l", "ss"], "'nasty states' does that."), ForeignWord(.host, "Who is that?"),
        ForeignWord(.number, "How many?"),
      ]
    }),
  commands: [
    Command(Listen.self) { Invocation.listen($0) },
    Command(Send.self) { Invocation.send($0) },
    Command(States.self) { Invocation.states($0) },
    Command(Many.self) { Invocation.many($0) },
    Command(Serve.self) { Invocation.serve($0) },
  ])

/// What `listen` reads from its words.
func listen(_ words: String...) throws -> Listen {
  guard case .invoke(.listen(let options)) = try parse(["listen"] + words) else {
    throw UsageError("not an invocation of listen")
  }
  return options
}

/// What `serve` reads from its words.
func serve(_ words: [String]) throws -> Serve {
  guard case .invoke(.serve(let options)) = try parse(["serve"] + words) else {
    throw UsageError("not an invocation of serve")
  }
  return options
}

func parse(_ words: [String]) throws(UsageError) -> CommandTable<Invocation>.Request {
  try table.parse(words, columns: 80, shell: "/bin/zsh")
}

/// The text that the words print on standard output.
func printed(_ words: String...) throws -> String {
  guard case .print(let text) = try parse(words) else { throw UsageError("nothing is printed") }
  return text
}

/// The error's whole text, or nothing.
func complaint(_ words: [String]) -> String {
  do throws(UsageError) {
    _ = try parse(words)
    return ""
  } catch {
    return error.description
  }
}
