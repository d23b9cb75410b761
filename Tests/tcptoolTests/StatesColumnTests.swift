// The table of columns holds what everything that reads it relies on.

import CommandSpec
import KernelTables
import Report
import SocketCore
import Testing

@testable import tcptool

@Suite struct StatesColumnTests {
  @Test func namesAndKeysAreDifferent() {
    #expect(Set(StatesColumn.all.map(\.name)).count == StatesColumn.all.count)
    let keys = StatesColumn.all.compactMap { column in
      column.key.map { "\(column.group?.rawValue ?? "")/\($0)" }
    }
    #expect(Set(keys).count == keys.count)
  }

  /// The object of a group stands where its first member does, so that the others must follow it.
  @Test func groupsStandTogether() {
    var groups: [String] = []
    for column in StatesColumn.all {
      let name = column.group?.rawValue ?? ""
      if groups.last != name { groups.append(name) }
    }
    let named = groups.filter { !$0.isEmpty }
    #expect(Set(named).count == named.count)
    #expect(Set(named) == ["timer", "memory", "info"])
  }

  @Test func whatAnOccasionShowsIsAlsoFoundOut() {
    for column in StatesColumn.all where !column.occasion.contains(.always) {
      #expect(column.occasion.isEmpty || column.needs.isSubset(of: column.occasion.needs))
    }
  }

  @Test(arguments: [("rtt", false), ("-rtt", true), ("-RECVQ", true)])
  func orders(_ word: String, _ isReversed: Bool) {
    #expect(SortOrder(argument: word)?.isReversed == isReversed)
  }

  @Test(arguments: ["", "-", "--rtt", "rtt-", "nonsense"]) func noOrder(_ word: String) {
    #expect(SortOrder(argument: word) == nil)
  }

  private static let endpoints = [
    "0.0.0.0:1", "9.0.0.1:80", "10.0.0.1:79", "10.0.0.1:80", "[::1]:1", "[fe80::1]:1",
  ]

  @Test func addressesHaveTheOrderOfNumbers() throws {
    let keys = try Self.endpoints.map { text -> StatesValue.SortKey in
      let colon = try #require(text.lastIndex(of: ":"))
      let address = text[..<colon].filter { $0 != "[" && $0 != "]" }
      let port = try #require(UInt16(text[text.index(after: colon)...]))
      return StatesValue.endpoint(Endpoint(try #require(IPAddress(address)), port)).sortKey
    }
    #expect(keys.sorted() == keys)
    #expect(Set(keys.map { "\($0)" }).count == keys.count)
  }

  @Test(arguments: [
    ("plain", "plain"), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""),
    ("two\nlines", "two\\nlines"), ("\u{1b}[31m,\u{202e}", "\"\\x1b[31m,\\u{202e}\""),
    // What a spreadsheet would run.
    ("=1+1", #"\x3d1+1"#), ("+1", #"\x2b1"#), ("-a", #"\x2da"#),
    ("@SUM(A1,2)", #""\x40SUM(A1,2)""#),
    ("＝1", #"\u{ff1d}1"#), ("=\"x\"", #""\x3d""x""""#), ("-", "-"), ("a=1", "a=1"),
    ("\t=1", #"\t=1"#), ("/=1", "/=1"),
  ])
  func fieldsOfCSV(_ text: String, _ expected: String) {
    var bytes = ByteBuffer()
    StatesValue.text(text).appendCSV(to: &bytes)
    #expect(bytes.text == expected)
  }

  @Test(arguments: [
    (StatesValue.microseconds(.microseconds(87)), "87us", "87"),
    (.milliseconds(.milliseconds(1_520)), "1.52s", "1520"), (.bytes(65_536), "64KiB", "65536"),
    (.rate(125_000), "1Mbit/s", "125000"), (.unknown, "-", "null"), (.inPlace(128), "128", "null"),
    (.unsigned(.max), "18446744073709551615", "18446744073709551615"),
    (.text("a\u{1B}[31m\""), "a\\x1b[31m\"", "\"a\\u001b[31m\\\"\""),
    (
      .processes([SocketOwner(pid: 7, name: [0x61, 0x0A], descriptor: 3)]), "a\\n(7,fd=3)",
      "[{\"pid\":7,\"name\":\"a\\n\",\"fd\":3}]"
    ),
  ])
  func textAndJSON(_ value: StatesValue, _ text: String, _ json: String) {
    var bytes = ByteBuffer()
    value.appendText(to: &bytes, isWhole: false)
    #expect(bytes.text == text)
    bytes = ByteBuffer()
    value.appendJSON(to: &bytes)
    #expect(bytes.text == json)
  }
}

@Suite struct FilterTermTests {
  /// What a shell offers is a filter once its value is typed.
  @Test(arguments: StatesOptions.filterTerms.rows)
  func whatIsOfferedIsAFilter(_ row: TermList.Row) throws {
    #expect(!row.words.isEmpty, "nothing of '\(row.form)' is offered")
    let values = [
      "port=": "80", "lport=": "80", "rport=": "80", "addr=": "::1", "local=": "10.0.0.1",
      "peer=": "10.0.0.0/8", "recvq>": "0", "sendq>": "64K", "rtt>": "50ms", "retrans>": "0",
      "uid=": "0", "pid=": "1", "process=": "nginx",
    ]
    for word in row.words {
      let isWhole = word.allSatisfy(\.isLetter)
      let offered = word.hasSuffix("=") && !row.choices.isEmpty ? row.choices : []
      let known = try isWhole ? [""] : offered.isEmpty ? [#require(values[word])] : offered
      for value in known + (offered.isEmpty ? [] : [offered.joined(separator: ",")]) {
        _ = try Filter(operands: [word + value])
      }
    }
  }
}
