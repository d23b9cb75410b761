// The options about serving: their values, which of them go together, and what the server is told.

import CommandSpec
import SocketCore
import Testing

@testable import tcptool

@Suite struct ServingOptions {
  // MARK: Values

  @Test(
    arguments: [
      ("unbounded", nil, "unbounded"), ("0", 0, "0"), ("64K", 65_536, "64K"),
      ("1MB", 1_000_000, "1MB"),
    ] as [(String, Int?, String)])
  func sourceSizes(_ word: String, _ size: Int?, _ text: String) throws {
    let value = try #require(SourceSize(argument: word))
    #expect(value.size == size)
    #expect(value.argumentText == text)
  }

  @Test(arguments: ["", "Unbounded", "unbounded ", "-1", "1.5", "1 K", "inf"])
  func noSourceSizes(_ word: String) { #expect(SourceSize(argument: word) == nil) }

  @Test(
    arguments: [
      ("20", .milliseconds(50)), ("20/s", .milliseconds(50)), ("1/s", .seconds(1)),
      ("0.5/s", .seconds(2)), ("30/m", .seconds(2)), ("0.5/m", .seconds(120)),
      ("1000000000", .nanoseconds(1)), ("3/s", .nanoseconds(333_333_333)),
      ("0.000001/m", .seconds(60_000_000)),
    ] as [(String, Duration)])
  func rates(_ word: String, _ interval: Duration) throws {
    let value = try #require(EventRate(argument: word))
    #expect(value.interval == interval)
    #expect(value.argumentText == word)
  }

  @Test(arguments: [
    "", "/", "/s", "0", "0/s", "0.0", "-1", "+1", "1/", "1/h", "1/S", "1/s/s", "1e3", "inf", "nan",
    "0x10", " 1", "1 /s", "1,5", "1..5", ".", "1000000000000/s", "0.0000000001/m", "١",
  ])
  func noRates(_ word: String) { #expect(EventRate(argument: word) == nil) }

  @Test(
    arguments: [
      ("128", 128, nil, "128"), ("0", 0, nil, "0"), ("-1", -1, nil, "-1"),
      ("128@5s", 128, .seconds(5), "128@5s"), ("5@0", 5, .zero, "5@0s"),
      ("4294967295@250ms", -1, .milliseconds(250), "4294967295@250ms"),
    ] as [(String, Int32, Duration?, String)])
  func relistens(_ word: String, _ backlog: Int32, _ after: Duration?, _ text: String) throws {
    let value = try #require(Relisten(argument: word))
    #expect(value.backlog.value == backlog)
    #expect(value.after == after)
    #expect(value.argumentText == text)
  }

  @Test(arguments: ["", "@", "@5s", "128@", "128@x", "128@-1s", "4294967296", "a@5s", "1@1s@1s"])
  func noRelistens(_ word: String) { #expect(Relisten(argument: word) == nil) }

  /// Any 32 bits, which listen(2) gets as they are.
  @Test(
    arguments: [
      ("0", 0, 0), ("128", 128, 128), ("-1", -1, -1), ("2147483647", .max, 2_147_483_647),
      ("2147483648", .min, 2_147_483_648), ("4294967295", -1, 4_294_967_295),
      ("-2147483648", .min, -2_147_483_648),
    ] as [(String, Int32, Int)])
  func backlogs(_ word: String, _ value: Int32, _ typed: Int) throws {
    let backlog = try #require(Backlog(argument: word))
    #expect(backlog.value == value)
    #expect(backlog.typed == typed)
    #expect(backlog.argumentText == word)
  }

  @Test(arguments: [
    "", "4294967296", "-2147483649", "99999999999999999999", "1K", "1.0", "1e3", "0x10", " 1",
    "many",
  ])
  func noBacklogs(_ word: String) { #expect(Backlog(argument: word) == nil) }

  @Test(
    arguments: [
      ("3", 3), ("9", 9), ("2147483647", .max), ("0", nil), ("1", nil), ("2", nil), ("-1", nil),
      ("2147483648", nil), ("", nil), ("x", nil), ("&3", nil),
    ] as [(String, Int32?)])
  func readyDescriptors(_ word: String, _ number: Int32?) {
    #expect(ReadyDescriptor(argument: word)?.number == number)
  }

  @Test(arguments: [
    ("1", 1), ("1000000", 1_000_000), ("0", nil), ("-1", nil), ("", nil), ("1K", nil),
  ])
  func counts(_ word: String, _ value: Int?) {
    #expect(PositiveCount(argument: word)?.value == value)
  }

  // MARK: Together

  private func parsed(_ words: [String]) throws -> ListenOptions {
    let request = try Program.table.parse(["listen"] + words, columns: 80, shell: nil)
    guard case .invoke(let subcommand) = request else {
      throw UsageError("\(words) runs nothing")
    }
    return try #require(subcommand as? ListenOptions)
  }

  @Test(arguments: [
    (["--echo", "--discard"], "a connection gets one service"),
    (["--file", "f", "--echo"], "a connection gets one service"),
    (["--source-data", "1K", "--file", "f"], "a connection gets one service"),
    (["--echo", "--send-only"], "standard input and output are not used"),
    (["--discard", "--crlf"], "standard input and output are not used"),
    (["--file", "f", "--on-peer-eof", "close"], "standard input and output are not used"),
    (["--hold", "--echo"], "nothing is ever accepted"),
    (["--hold", "--keep-open"], "nothing is ever accepted"),
    (["--hold", "--accept-rate", "1"], "nothing is ever accepted"),
    (["--hold", "--allow", "::1"], "nothing is ever accepted"),
    (["--hold", "--hex-dump", "-"], "nothing is ever accepted"),
  ])
  func someExcludeEachOther(_ words: [String], _ reason: String) {
    let error = #expect(throws: UsageError.self) { try parsed(words + ["7000"]) }
    #expect(error?.message.hasSuffix(" exclude each other: \(reason)") == true, "\(words)")
  }

  @Test(arguments: [
    (["--idle-timeout", "1s", "7000"], "the program has the connection"),
    (["--hex-dump", "f", "7000"], "the program has the connection"),
    (["--echo", "7000"], "a connection gets one service"),
    (["--recv-only", "7000"], "standard input and output are not used"),
    (["--hold", "7000"], "nothing is ever accepted"),
    (["--unbound"], "a program is offered on every local address only where that is named"),
  ])
  func aProgramExcludesMore(_ words: [String], _ reason: String) {
    let error = #expect(throws: UsageError.self) { try parsed(words + ["--exec", "date"]) }
    #expect(error?.message.hasSuffix(" exclude each other: \(reason)") == true, "\(words)")
  }

  @Test func someNeedAnother() throws {
    let error = #expect(throws: UsageError.self) {
      try parsed(["--max-concurrent", "2", "7000"])
    }
    #expect(error?.message.contains("'--keep-open' or '--max-connections'") == true)
    #expect(throws: UsageError.self) { try parsed(["--queues=0", "7000"]) }
    #expect(throws: UsageError.self) { try parsed(["--unbound", "7000"]) }
    _ = try parsed(["--unbound"])
  }

  // MARK: What the server is told

  private func options(_ words: String...) throws -> ServeOptions {
    let parsed = try parsed(words + ["7000"])
    return parsed.serve.options(parsed.relay)
  }

  @Test func howManyAndHow() throws {
    let one = try options()
    #expect(one.mostConnections == 1 && one.mostConcurrent == 1)
    #expect(!one.sharesStreams && one.readsStandardInput && one.writesStandardOutput)
    // One connection is the default; it is no plural either where it is asked for.
    #expect(try !options("--max-connections", "1").sharesStreams)

    let all = try options("-k")
    #expect(all.mostConnections == nil && all.mostConcurrent == nil)
    #expect(all.sharesStreams)
    // A line of the output is closed, not the output: it is needed again.
    #expect(all.relay.closesOutput && all.relay.endsWithPeer)

    let few = try options("--max-connections", "5", "--max-concurrent", "2")
    #expect(few.mostConnections == 5 && few.mostConcurrent == 2 && few.sharesStreams)

    let each = try options("-k", "--max-concurrent", "1")
    #expect(each.mostConnections == nil && !each.sharesStreams)
    #expect(!each.relay.closesOutput)
  }

  @Test(
    arguments: [
      (["--echo"], Service.echo, nil, false), (["--discard"], .discard, nil, false),
      (["--source-data", "unbounded"], .generate(size: nil), .seconds(5), false),
      (["--source-data", "1K"], .generate(size: 1_024), .seconds(5), true),
      (["--file", "f"], .file("f"), .seconds(5), true),
      (["--file", "f", "--linger", "1s"], .file("f"), .seconds(1), true),
    ] as [([String], Service, Duration?, Bool)])
  func services(
    _ words: [String], _ service: Service, _ linger: Duration?, _ mustDeliver: Bool
  ) throws {
    let parsed = try parsed(words + ["-k", "7000"])
    let options = parsed.serve.options(parsed.relay)
    #expect(options.service == service)
    #expect(options.relay.linger == linger)
    #expect(options.relay.mustDeliver == mustDeliver)
    #expect(!options.relay.endsWithPeer)
    #expect(!options.sharesStreams && !options.readsStandardInput && !options.writesStandardOutput)
    #expect(options.connectionRelay.readsInput == (service != .discard))
  }

  @Test func aProgramIsAllThatFollows() throws {
    let parsed = try parsed(["-k", "7000", "--exec", "sh", "-c", "--", "-k"])
    #expect(parsed.serve.options(parsed.relay).service == .command(["sh", "-c", "--", "-k"]))
  }

  @Test func theLaboratory() throws {
    #expect(try !options("--hold").accepts)
    let paced = try options("--accept-delay", "1s", "--accept-rate", "4/s")
    #expect(paced.accepts)
    #expect(paced.pace == AcceptPace(delay: .seconds(1), interval: .milliseconds(250)))
    #expect(try options().pace.isUnlimited)
    let again = try #require(try options("--relisten", "7@2s").relisten)
    #expect(again.backlog == 7 && again.after == .seconds(2))
    #expect(try options("--queues").queueInterval == .milliseconds(200))
    #expect(try options("--queues=1s").queueInterval == .seconds(1))
    #expect(try options().queueInterval == nil)
    #expect(
      try options("--allow", "10.0.0.0/8,::1").allowed.map(\.description)
        == ["10.0.0.0/8", "::1/128"])
  }
}
