// The one table of subcommands, and what is said about the tool as a whole.

internal import CommandSpec

extension Program {
  static let table = CommandTable<any Subcommand>(
    tool: ToolPage(
      name: "tcptool",
      version: "0.1.0",
      date: "November 25, 2026",
      abstract: "Open, feed, watch and test TCP sockets, and tell what the kernel did.",
      discussion: [
        """
        Data goes to standard output and nothing else does; messages go to standard error. \
        HOST:PORT and [IPv6]:PORT are accepted wherever a host and a port are. Durations take \
        units (250ms, 1.5s, 2m); a number without a unit is seconds. Sizes take K, M and G (binary) \
        or KB, MB and GB (decimal); rates are in bits (100Mbit) or bytes (12MB) a second.
        """
      ],
      environment: [
        EnvironmentRow(name: "NO_COLOR", meaning: "If it holds any text, no colour is used."),
        EnvironmentRow(name: "TERM", meaning: "If it is 'dumb', no colour is used."),
        EnvironmentRow(
          name: "COLUMNS", meaning: "The width to write for, instead of the terminal's."),
        EnvironmentRow(
          name: "SHELL", meaning: "The shell for --generate-completion-script without a value."),
      ],
      exitStatuses: ExitStatus.allCases.map { $0.row() },
      examples: [
        Example(command: "tcptool backlog-test", explanation: "See what a listener's queue holds."),
        Example(command: "tcptool listen 7000", explanation: "Wait for a connection."),
        Example(command: "tcptool connect localhost 7000", explanation: "Connect to it."),
        Example(command: "tcptool states", explanation: "See both ends in the kernel's table."),
      ],
      seeAlso: [
        "tcptool-json(7)", "tcptool-queues(7)", "tcptool-trace(7)", "nc(1)", "ss(8)", "tcp(7)",
      ],
      foreignWords: { .ofTool }),
    commands: [
      row(ListenOptions.self), row(ConnectOptions.self), row(SendOptions.self),
      row(ReceiveOptions.self), row(StatesOptions.self), row(BacklogTestOptions.self),
    ])

  private static func row<Options: Subcommand>(_ type: Options.Type) -> Command<any Subcommand> {
    Command(type) { $0 }
  }
}
