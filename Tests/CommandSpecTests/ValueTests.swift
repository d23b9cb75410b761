// How words become values, and how values are shown.

import CommandSpec
import Testing

@Suite struct Values {
  @Test(
    arguments: [
      ("250ms", .milliseconds(250), "250ms"), ("1.5s", .milliseconds(1500), "1.5s"),
      ("2m", .seconds(120), "2m"), ("1h", .seconds(3600), "1h"), ("90", .seconds(90), "90s"),
      ("500us", .microseconds(500), "500us"), ("7ns", .nanoseconds(7), "7ns"),
      ("1500us", .microseconds(1500), "1.5ms"), ("0.5m", .seconds(30), "30s"),
      ("0", .zero, "0s"), ("0ms", .zero, "0s"), ("1.05", .milliseconds(1050), "1.05s"),
      ("60s", .seconds(60), "1m"), ("90m", .seconds(5400), "90m"),
      ("9223372036s", .seconds(9_223_372_036), "9223372036s"),
      ("9223372036854775807ns", .nanoseconds(Int64.max), "9223372036.854775807s"),
    ] as [(String, Duration, String)])
  func durations(word: String, value: Duration, text: String) {
    #expect(Duration(argument: word) == value)
    #expect(value.argumentText == text)
    #expect(Duration(argument: text) == value)
  }

  @Test(arguments: [
    "", "s", ".5s", "1.s", "1.5.2s", "-1", "+1", "1 s", "1S", "1M", "1d", "1e3", "NaN", "inf",
    "0x10",
    "9223372037s", "9223372036854775808ns", "99999999999999999999999999999999999999999999",
    "0.0000000000000000001", "١s",
  ])
  func noDurations(word: String) {
    #expect(Duration(argument: word) == nil)
  }

  @Test func durationsThatNobodyTypesAreShownToo() {
    #expect(Duration.milliseconds(-1500).argumentText == "-1.5s")
    #expect(Duration.nanoseconds(1).argumentText == "1ns")
    #expect(Duration(attoseconds: 1).argumentText == "0.000000001ns")
  }

  @Test(arguments: [
    ("65536", 65536, "64K"), ("64K", 65536, "64K"), ("64KB", 64000, "64KB"), ("1M", 1 << 20, "1M"),
    ("1MB", 1_000_000, "1MB"), ("1.5k", 1536, "1536"), ("2G", 2 << 30, "2G"), ("1T", 1 << 40, "1T"),
    ("1TB", 1_000_000_000_000, "1TB"), ("3GiB", 3 << 30, "3G"), ("0", 0, "0"), ("17B", 17, "17"),
    ("9223372036854775807", Int.max, "9223372036854775807"),
  ])
  func sizes(word: String, bytes: Int, text: String) {
    #expect(ByteCount(argument: word) == ByteCount(bytes: bytes))
    #expect(ByteCount(bytes: bytes).argumentText == text)
    #expect(ByteCount(argument: text)?.bytes == bytes)
  }

  @Test(arguments: [
    "", "K", "-1", "1.3", "1.3K", "8388608T", "9223372036854775808", "1KK", "1 K", "0x1", "1e3",
    "1P",
    "170141183460469231731687303715884105727", "170141183460469231731687303715884105728",
  ])
  func noSizes(word: String) {
    #expect(ByteCount(argument: word) == nil)
  }

  @Test(arguments: [
    ("100Mbit", 100_000_000, "100Mbit"), ("100mbit/s", 100_000_000, "100Mbit"),
    ("12MB", 96_000_000, "96Mbit"), ("12M", 100_663_296, "100663296bit"),
    ("1.5gbit", 1_500_000_000, "1500Mbit"),
    ("64kB", 512_000, "512kbit"), ("8bit", 8, "8bit"), ("1B/s", 8, "8bit"),
    ("1KiB", 8_192, "8192bit"),
  ])
  func rates(word: String, bits: Int, text: String) {
    #expect(BitRate(argument: word) == BitRate(bits: bits))
    #expect(BitRate(bits: bits).argumentText == text)
    #expect(BitRate(argument: text)?.bits == bits)
    #expect(BitRate(bits: bits).bytes == bits / 8)
  }

  /// A number alone could be bits or bytes.
  @Test(arguments: ["", "100", "0Mbit", "7bit", "-1Mbit", "1Mbps", "/s", "Mbit", "9999999999Tbit"])
  func noRates(word: String) {
    #expect(BitRate(argument: word) == nil)
  }

  @Test(arguments: [("7", 7), ("-7", -7), ("+7", 7)] as [(String, Int?)])
  func integers(word: String, value: Int?) {
    #expect(Int(argument: word) == value)
  }

  @Test(arguments: ["", "7x", "0x7", " 7", "7.0", "9223372036854775808", "1_000"])
  func noIntegers(word: String) {
    #expect(Int(argument: word) == nil)
  }

  @Test func lists() {
    typealias States = CommaSeparated<State>
    #expect(States(argument: "LISTEN")?.elements == [.listen])
    #expect(
      States(argument: "ESTAB,LISTEN,ESTAB")?.elements == [.established, .listen, .established])
    #expect(States.choices == ["LISTEN", "ESTAB", "TIME-WAIT"])
    #expect(States([.listen, .established]).argumentText == "LISTEN,ESTAB")
    for word in ["", ",", "LISTEN,", ",LISTEN", "LISTEN,,ESTAB", "LISTEN ,ESTAB", "listen"] {
      #expect(States(argument: word) == nil, "\(word)")
    }
    #expect(CommaSeparated<Int>.choices == [])
    #expect(CommaSeparated<Int>(argument: "1,2")?.elements == [1, 2])
  }
}

@Suite struct ParametersAsData {
  @Test func defaultsComeFromTheOptions() {
    let command = table.commands[0]
    let defaults = Dictionary(
      uniqueKeysWithValues: command.parameters.map { ($0.name, $0.defaultText) })
    #expect(defaults["backlog"] == "128")
    #expect(defaults["buffer"] == "64K")
    #expect(defaults["states"] == "LISTEN,TIME-WAIT")
    #expect(defaults["format"] == "text")
    for name in ["host", "odd", "timeout", "tag", "keep-open"] {
      #expect(defaults[name] == .some(nil), "\(name)")
    }
  }

  @Test func theValueForAnOptionAloneIsRead() throws {
    for parameter in table.commands.flatMap(\.parameters) {
      guard case .optional(let bare) = parameter.valueForm else { continue }
      #expect(
        try String(reflecting: serve(["--\(parameter.name)", "1"]))
          == String(reflecting: serve(["--\(parameter.name)=\(bare)", "1"])), "\(parameter.name)")
    }
  }

  @Test func aRowHasAllThatItsDeclarationSays() {
    #expect(
      table.commands[0].parameters.first { $0.name == "states" }
        == Parameter(
          kind: .option, name: "states", short: "s", valueName: "state,...",
          help: "States to print.", choices: ["LISTEN", "ESTAB", "TIME-WAIT"], isList: true,
          defaultText: "LISTEN,TIME-WAIT"))
    #expect(
      table.commands[4].parameters.first { $0.name == "queues" }
        == Parameter(
          kind: .option, name: "queues", short: "q", valueName: "duration",
          valueForm: .optional(bare: "200ms"), help: "Show the queues so often.",
          form: Duration.form))
    #expect(
      table.commands[4].parameters.first { $0.name == "exec" }
        == Parameter(
          kind: .option, name: "exec", short: "e", valueName: "command", valueForm: .remaining,
          help: "What to run.", form: "the name of a program", completion: .command))
    #expect(
      table.commands[1].parameters[2]
        == Parameter(kind: .operand, name: "file", help: "What.", completion: .file))
    #expect(
      table.commands[0].parameters.map(\.name).prefix(3) == ["host", "port", "backlog"])
  }
}
