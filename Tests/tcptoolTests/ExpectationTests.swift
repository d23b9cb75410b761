// --expect: what it holds to, what it says where that fails, and where a mistake in it is.

import CommandSpec
import Testing

@testable import tcptool

@Suite struct Expectations {
  private static let names = ExpectationNames(
    keys: [
      "asked", "effective", "syn_recv", "match", "listener.accept_queue", "listener.drops",
      "clients.established", "counters.ListenDrops", "accept.listener.drops", "first_drop.ms",
    ],
    shortForms: ["accept": "listener.accept_queue", "syn": "syn_recv"])

  private static let values = [
    "asked": 5_000.0, "effective": 4_096, "listener.accept_queue": 4_097, "syn_recv": 0, "match": 1,
    "clients.established": 4_097, "counters.ListenDrops": 512, "first_drop.ms": 82.1,
  ]

  private func failures(_ text: String) throws -> [String] {
    try Expectation(parsing: text, names: Self.names).failures { Self.values[$0] }
  }

  /// What a shell offers has to be a name of the result, and its sign one that it may be compared by.
  @Test func shellsOfferNamesThatThereAre() throws {
    let words = BacklogTestOptions.expectationTerms.rows.flatMap(\.words)
    #expect(words.count > 10)
    for word in words {
      let comparison = word.last?.isLetter == true ? word : word + "7"
      let expectation = try Expectation(parsing: comparison, names: .pass)
      #expect(expectation.failures { _ in nil }.count == 1)
    }
  }

  @Test(arguments: [
    "accept>=1024", "accept >= 1024", "accept=4097", "accept==4097", "listener.accept_queue!=1",
    "accept!=5000", "accept_queue>4096 and syn<1", "accept>1,syn=0", "effective<asked",
    "accept=effective+1",
    "accept=asked-903", "match", "match=true", "match != false", "established=accept",
    "ListenDrops<=512", "first_drop.ms<82.2", "  accept>1  ", "syn>-1", "syn>=+0",
  ])
  func holds(_ text: String) throws {
    #expect(try failures(text) == [])
  }

  @Test(arguments: [
    ("accept>=5000", ["accept>=5000: accept is 4097"]),
    ("effective=asked", ["effective=asked: effective is 4096, asked is 5000"]),
    ("syn", ["syn: syn is 0"]),
    ("match=false", ["match=false: match is 1"]),
    ("accept>4097", ["accept>4097: accept is 4097"]),
    ("accept<4097", ["accept<4097: accept is 4097"]),
    ("accept!=4097", ["accept!=4097: accept is 4097"]),
    ("accept<=4096", ["accept<=4096: accept is 4097"]),
    ("accept<10 and syn=0 and ms>100", ["accept<10: accept is 4097", "ms>100: ms is 82.1"]),
    // What is not known is no number, and nothing holds of it.
    ("accept.listener.drops<1", ["accept.listener.drops<1: accept.listener.drops is not known"]),
    ("accept>listener.drops", ["accept>listener.drops: listener.drops is not known"]),
  ])
  func saysWhatDoesNotHold(_ text: String, _ expected: [String]) throws {
    #expect(try failures(text) == expected)
  }

  @Test(arguments: [
    ("", "Expected a name of the result at the end", 0..<0),
    ("acept>1", "The result has no 'acept'. Did you mean 'accept'?", 0..<5),
    ("accept>=", "Expected a number or a name at the end", 8..<8),
    ("accept>1K", "Expected a number without a unit", 7..<9),
    ("accept>0x10", "Expected a number without a unit", 7..<11),
    ("accept>1 or syn=0", "Expected 'and', or a comparison (>=, >, <=, <, =, !=), here", 9..<11),
    ("accept>1 and", "Expected a name of the result at the end", 12..<12),
    ("accept ~ 5", "Expected 'and', or a comparison (>=, >, <=, <, =, !=), here", 7..<8),
    (
      "drops>1", "The name 'drops' stands for several, of which 'listener.drops' is one", 0..<5
    ),
    ("accept>-", "Expected a number at the end", 8..<8),
    ("accept=effective+x", "Expected a number without a unit", 17..<18),
    ("é>1", "Expected a name of the result here", 0..<4),
    ("accept>1e9", "Expected a number without a unit", 7..<10),
    ("accept>1.2.3", "Expected a number without a unit", 7..<12),
  ])
  func pointsAtAMistake(_ text: String, _ message: String, _ range: Range<Int>) {
    let mistake = #expect(throws: Expectation.Mistake.self) {
      try Expectation(parsing: text, names: Self.names)
    }
    #expect(mistake == Expectation.Mistake(message: message, range: range))
  }

  @Test func aWordOfAnyLengthIsAMistakeAndNoMore() {
    let mistake = #expect(throws: Expectation.Mistake.self) {
      try Expectation(parsing: String(repeating: "a", count: 100_000) + ">1", names: Self.names)
    }
    #expect((mistake?.message.count ?? 0) < 100)
  }
}

@Suite struct NumberLists {
  @Test(arguments: [
    ("5", [5]), ("0,1,5,128", [0, 1, 5, 128]), ("1..4", [1, 2, 3, 4]),
    ("1..16*2", [1, 2, 4, 8, 16]),
    ("0..100+50", [0, 50, 100]), ("3..10*3", [3, 9]), ("-1,0", [-1, 0]), ("-2..1", [-2, -1, 0, 1]),
    ("0,1..8*2,5000", [0, 1, 2, 4, 8, 5_000]), ("7..7", [7]),
  ])
  func areRead(_ text: String, _ numbers: [Int]) throws {
    let list = try #require(NumberList(argument: text))
    #expect(list.numbers == numbers)
    #expect(list.argumentText == text)
  }

  @Test(arguments: [
    "", ",", "1,", "x", "1.5", "1..", "..5", "5..1", "1..9*1", "1..9*0", "0..9*2", "1..9+0",
    "1..9+-1", "1..9*x", "1...9", "1..1001", "1..999999999999", "1..2..3", "99999999999999999999",
    "1..9*2*2",
  ])
  func areRefused(_ text: String) { #expect(NumberList(argument: text) == nil) }

  @Test func aFactorMayLeadBeyondAllNumbers() {
    #expect(NumberList(argument: "1..\(Int.max)*1000000000")?.numbers.count == 3)
  }

  @Test(arguments: [
    ("somaxconn=16", "somaxconn", "16"), ("a.b=-1", "a.b", "-1"), ("range=1 9", "range", "1 9"),
  ])
  func settingsAreRead(_ text: String, _ name: String, _ value: String) throws {
    let setting = try #require(SettingValue(argument: text))
    #expect(setting.name == name && setting.value == value)
    #expect(setting.argumentText == text)
  }

  @Test(arguments: ["somaxconn", "=5", "somaxconn=", ""])
  func otherSettingsAreRefused(_ text: String) {
    #expect(SettingValue(argument: text) == nil)
    #expect(SettingList(argument: text) == nil)
  }
}
