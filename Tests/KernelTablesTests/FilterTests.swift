// Filters, expression by expression: which sockets they choose, and how a mistake is told.

import SocketCore
import Testing

@testable import KernelTables

/// The sockets by letters, so that a row of a test can say which are chosen.
private let sockets: [(letter: Character, socket: Subject)] = [
  ("a", Subject("127.0.0.1:80", "0.0.0.0:0", .listen, receiveQueue: 2, uid: 0, inode: 1)),
  ("b", Subject("[::]:443", "[::]:0", .listen, uid: 33, inode: 2)),
  (
    "c",
    Subject(
      "10.0.0.1:443", "192.0.2.9:50000", receiveQueue: 5, sendQueue: 70_000, uid: 33,
      inode: 3, rtt: .milliseconds(80), retransmissions: 4,
      owners: [SocketOwner(pid: 12, name: Array("nginx".utf8), descriptor: 3)])
  ),
  ("d", Subject("[::ffff:10.0.0.1]:443", "[::ffff:10.2.0.9]:50001", uid: 33, inode: 0)),
  (
    "e",
    Subject(
      "[2001:db8::1]:50002", "[2001:db8::2]:8080", .closeWait, inode: 4, rtt: .milliseconds(2),
      retransmissions: 0,
      owners: [
        SocketOwner(pid: 13, name: Array("kube-controller".utf8), descriptor: 3),
        SocketOwner(pid: 14, name: nil, descriptor: 3),
      ])
  ),
  ("f", Subject("10.0.0.1:50003", "10.2.0.9:80", .timeWait, shape: .timeWait, uid: nil, inode: 0)),
  ("g", Subject("10.0.0.1:50004", "10.2.0.9:80", .finWait1, sendQueue: 1, uid: 0, inode: 0)),
  ("h", Subject("10.0.0.1:80", "10.2.0.9:50005", .synReceived, shape: .request, inode: 0)),
]

@Suite struct FilterLanguageTests {
  /// An expression, and which of the sockets it chooses.
  static let rows: [(String, String)] = [
    ("", "abcdefgh"), ("   ", "abcdefgh"),
    // States, in every spelling.
    ("state syn-recv", "h"), ("state SYN_RECV", "h"), ("state=syn_recv", "h"),
    ("state syn-rcv", "h"), ("state==Listen", "ab"), ("state eq listening", "ab"),
    ("listening", "ab"), ("LISTEN", "ab"), ("time-wait", "f"), ("fin-wait-1", "g"),
    ("state=LISTEN,TIME_WAIT", "abf"), ("state!=LISTEN,TIME_WAIT", "cdegh"),
    ("exclude listening", "cdefgh"), ("not listening", "cdefgh"), ("!listening", "cdefgh"),
    ("state connected", "cdefgh"), ("state synchronized", "cdefgh"), ("state bucket", "fh"),
    ("state big", "abcdeg"), ("state all", "abcdefgh"), ("state closed", ""),
    ("state listening state time-wait", "abf"), ("state connected exclude established", "efgh"),
    ("exclude listening exclude established", "efgh"),
    ("exclude listening state listening", "abcdefgh"),
    // As in ss, the states in front hold for all the rest.
    ("state established sport = :443 or dport = :80", "cd"),
    ("state=established sport = :443 or dport = :80", "cdfg"),
    ("state established or dport = :80", "cdfg"), ("state established and sport = :443", "cd"),
    ("sport = :443 state established", "cd"), ("( state established )", "cd"),
    // Ports.
    (":80", "afgh"), (":http", "afgh"), (":80,443", "abcdfgh"), ("port=80", "afgh"),
    ("port 80", "afgh"), ("port=80,8000-8100", "aefgh"), ("port=:80,:https", "abcdfgh"),
    ("port=http-alt", "e"), ("sport = :443", "bcd"), ("sport eq 443", "bcd"), ("sport :443", "bcd"),
    ("lport=https", "bcd"), ("rport=80", "fg"), ("dport = :80", "fg"), ("dport!=80", "abcdeh"),
    ("port!=80,443", "e"), ("sport > :443", "efg"), ("sport ge :443", "bcdefg"),
    ("sport gt 443", "efg"), ("sport lt 443", "ah"), ("sport <= :443", "abcdh"),
    ("sport le 80", "ah"), ("sport<80", ""), ("sport < 0", ""), ("sport > 65535", ""),
    ("sport >= 0", "abcdefgh"), ("sport <= 65535", "abcdefgh"), ("dport = 0", "ab"),
    // A listener has no peer: its port 0 is in no range of either end.
    ("port<81", "afgh"), ("port=0", ""), ("rport<81", "abfg"),
    // Addresses.
    ("addr=10.0.0.0/8", "cdfgh"), ("10.0.0.0/8", "cdfgh"), ("dst 10.2.0.0/16", "dfgh"),
    ("peer=10.2.0.9", "dfgh"), ("dst = 10.2.0.9", "dfgh"), ("src 10.0.0.1:443", "cd"),
    ("local=10.0.0.1:443", "cd"), ("10.0.0.1:443", "cd"), ("10.2.0.9:80", "fg"),
    ("addr=192.0.2.9,2001:db8::2", "ce"), ("peer!=10.0.0.0/8", "abce"),
    ("dst 2001:db8::/32", "e"), ("dst [2001:db8::2]", "e"), ("dst [2001:db8::2]:8080", "e"),
    ("dst [2001:db8::]/32", "e"), ("dst [2001:db8::]/32:8080", "e"),
    ("dst [2001:db8::/32]:8080", "e"), ("dst [2001:db8::]/32:80", ""), ("2001:db8::2", "e"),
    ("[2001:db8::2]:8080", "e"), ("src ::", "b"), ("src ::/0", "be"), ("::/0", "be"), ("::", "b"),
    ("dst [::/0]", "be"), ("not src ::/0", "acdfgh"),
    ("src ::ffff:10.0.0.1", "cdfgh"), ("src ::ffff:10.0.0.0/104", "cdfgh"),
    ("src *", "abcdefgh"), ("src *:443", "bcd"), ("src :443", "bcd"), ("dst 0.0.0.0/0", "acdfgh"),
    ("addr=0.0.0.0", ""), ("addr=::", "b"), ("addr=127.0.0.1", "a"),
    // Queues.
    ("recvq>0", "ac"), ("recvq > 0 and not listening", "c"), ("recvq gt 2", "c"),
    ("sendq>64K", "c"), ("sendq>=70000", "c"), ("sendq=1", "g"), ("sendq!=0", "cg"),
    ("sendq<64KB", "defgh"), ("not sendq<64KB", "c"),
    // What is not known matches nothing, with and without not.
    ("rtt>50ms", "c"), ("not rtt>50ms", "e"), ("rtt<=2ms", "e"), ("rtt<1s", "ce"),
    ("retrans>0", "c"), ("retrans=0", "e"), ("not retrans>0", "e"),
    ("uid=0", "ag"), ("uid=root", "ag"), ("uid=web,root", "abcdg"), ("uid!=33", "aegh"),
    ("not uid=33", "aegh"), ("uid>=1000", "eh"),
    ("pid=12", "c"), ("pid=12,13", "ce"), ("pid>12", "e"), ("pid!=12", "defgh"),
    ("process=nginx", "c"), ("process=\"nginx\"", "c"), ("process='nginx'", "c"),
    ("process=kube-controller-manager", "e"), ("process!=nginx", "dfgh"),
    ("not process=nginx", "dfgh"), ("process=nginx or :80", "acfgh"),
    ("process=nginx and :80", ""), ("not (process=nginx and :80)", "bcdefgh"),
    // Roles.
    ("pending", "d"), ("orphan", "g"), ("not pending", "abcefgh"), ("pending or orphan", "dg"),
    // Connectives.
    ("listening and :80", "a"), ("listening & :80", "a"), ("listening && :80", "a"),
    ("listening :80", "a"), ("listening | time-wait", "abf"), ("listening||time-wait", "abf"),
    ("listening OR time-wait", "abf"), ("listening or time-wait and :443", "ab"),
    ("(listening or time-wait) :443", "b"), ("(listening|time-wait)&:443", "b"),
    ("! ( listening | :80 )", "cde"), ("not not listening", "ab"), ("!!!listening", "cdefgh"),
    ("sport = :443 dst 10.0.0.0/8", "d"), ("( dport = :80 or sport = :80 ) and recvq>0", "a"),
    ("port = 80", "afgh"), ("port= 80", "afgh"), ("\tport\n=80", "afgh"),
  ]

  @Test(arguments: rows)
  func chooses(_ expression: String, _ letters: String) throws {
    let filter = try Filter(parsing: expression, names: .fixed)
    let chosen = sockets.filter { filter.matches($0.socket) }.map(\.letter)
    #expect(String(chosen) == letters)
    // What the kernel would be asked to leave out is never one of them.
    for (letter, socket) in sockets where letters.contains(letter) {
      #expect(socket.row.passes(filter.selection), "\(letter)")
    }
  }

  @Test(
    arguments: [
      ("port=80", []), ("rtt>1ms", .info), ("not retrans=0", .info),
      ("pid=1 or rtt>1ms", [.info, .owners]),
      ("(state=LISTEN process=a)", .owners), ("uid=0 pending orphan recvq>0", []),
    ] as [(String, Filter.Needs)])
  func needs(_ expression: String, _ needs: Filter.Needs) throws {
    #expect(try Filter(parsing: expression, names: .fixed).needs == needs)
  }

  @Test func everythingNeedsNothing() {
    #expect(Filter.everything.needs == [])
    #expect(Filter.everything.selection == .everything)
    #expect(Filter.everything.selection.states == Set(TCPState.allCases))
    #expect(Filter.everything.selection.program == [])
  }

  /// A row alone says that nobody holds a socket without an inode, and of others not who does.
  @Test func aRowIsASubject() throws {
    let filter = try Filter(parsing: "pid!=5", names: .fixed)
    #expect(filter.answer(about: sockets[5].socket.row) == .yes)
    #expect(filter.answer(about: sockets[2].socket.row) == .unknown)
  }
}

@Suite struct FilterMistakeTests {
  /// An expression, what stands under the caret, and how the message begins.
  static let rows: [(String, String, String)] = [
    ("prot=80", "prot", "expected a condition, not 'prot'. Did you mean 'port'?"),
    (
      "port=80 and lisening", "lisening",
      "expected a condition, not 'lisening'. Did you mean 'listening'?"
    ),
    (
      "state=LISTENING,TIME_WAT", "TIME_WAT",
      "expected a state, not 'TIME_WAT'. Did you mean 'TIME_WAIT'?"
    ),
    ("state foo", "foo", "expected a state, not 'foo': ESTABLISHED, "),
    ("state", "", "expected a comparison and a state after 'state'"),
    ("state=", "", "expected a state after '='"),
    ("state>LISTEN", ">", "'state' has no order: expected '=' or '!=', not '>'"),
    ("port", "", "expected a comparison and a port after 'port'"),
    ("port=", "", "expected a port after '='"),
    (
      "port=htp", "htp",
      "expected a port, a range like 8000-8100 or a service's name, not 'htp'. Did you mean 'http'?"
    ),
    ("port=99999", "99999", "expected a port from 0 to 65535, not '99999'"),
    ("port=80,99999,443", "99999", "expected a port from 0 to 65535"),
    ("port=80,,443", ",", "expected a port on both sides of a comma"),
    ("port=80,", "", "expected a port on both sides of a comma"),
    ("port=,80", ",", "expected a port on both sides of a comma"),
    ("port=90-80", "90-80", "the range ends before it begins. Did you mean '80-90'?"),
    ("port>80,90", "90", "expected one port: a list has no order"),
    ("port>80-90", "80-90", "expected one port: a range has no order"),
    ("port=-5", "-5", "expected a port, a range"), (":", ":", "expected a port, a range"),
    ("7000", "7000", "a number alone says nothing. Did you mean ':7000'?"),
    ("addr=10.1.2.3/8", "10.1.2.3/8", "bits are set behind the prefix. Did you mean '10.0.0.0/8'?"),
    ("addr=10.0.0.0/33", "10.0.0.0/33", "expected a length from 0 to 32 after the '/'"),
    ("addr=::/129", "::/129", "expected a length from 0 to 128 after the '/'"),
    (
      "dst example.com", "example.com",
      "expected an address like 10.0.0.1, 10.0.0.0/8 or [::1]:443, not 'example.com': names"
    ),
    ("dst 1.2.3", "1.2.3", "expected an address"), ("dst [::1", "[::1", "expected an address"),
    ("dst [::1]x", "[::1]x", "expected an address"),
    ("dst 10.0.0.1:x", "10.0.0.1:x", "expected a port"),
    ("dst fe80::1%1", "fe80::1%1", "expected an address without an interface"),
    ("addr>10.0.0.1", ">", "'addr' has no order"),
    (
      "recvq", "",
      "expected a comparison and a number of bytes (of connections, for a listener) after 'recvq'; the shell takes > and <"
    ),
    ("recvq 5", "5", "expected a comparison and a number of bytes"),
    ("recvq>x", "x", "expected a number of bytes like 0, 1500 or 64K, not 'x'"),
    ("recvq>1.5", "1.5", "expected a number of bytes"),
    ("sendq>-1", "-1", "expected a number of bytes"),
    ("sendq>99999999999G", "99999999999G", "expected a number of bytes"),
    (
      "rtt>50", "50",
      "expected a time with a unit like 500us, 50ms or 1.5s, not '50'. Did you mean '50ms'?"
    ),
    ("rtt>fast", "fast", "expected a time with a unit like 500us, 50ms or 1.5s, not 'fast'"),
    ("retrans>1.5", "1.5", "expected a whole number, not '1.5'"),
    ("pid=nginx", "nginx", "expected a process's number, not 'nginx'; names go with 'process='"),
    ("pid=0", "0", "expected a process's number"),
    ("uid=nobdy", "nobdy", "expected a user's number, or a name from /etc/passwd, not 'nobdy'"),
    (
      "uid=roto", "roto",
      "expected a user's number, or a name from /etc/passwd, not 'roto'. Did you mean 'root'?"
    ),
    ("pending=1", "=", "'pending' stands alone: it is not compared"),
    ("listening=1", "=", "'listening' stands alone: it is not compared"),
    ("dev eth0", "dev", "'dev' is a condition of ss that tcptool lacks"),
    ("process=", "", "expected a process's name after '='"),
    ("process=''", "''", "expected a process's name between the quotes"),
    ("process=\"a", "\"a", "a quote is opened here and never closed"),
    ("(:80", "(", "this '(' is never closed"), (":80)", ")", "there is no '(' for this ')'"),
    ("()", ")", "expected a condition between the parentheses"),
    ("(:80 or", "", "expected a condition after 'or'"),
    ("and :80", "and", "expected a condition before 'and'"),
    (":80 and or :90", "or", "expected a condition before 'or'"),
    (":80 and", "", "expected a condition after 'and'"),
    ("not", "", "expected a condition after 'not'"),
    ("= 80", "=", "expected what to compare before '='"),
    ("port= and :80", "and", "expected a port, a range"),
    ("state LISTEN or", "", "expected a condition after 'or'"),
    ("état=x", "état", "expected a condition"), ("'port'=80", "'port'", "expected a condition"),
    ("foo\u{1b}[31m", "foo\u{1b}[31m", "expected a condition"),
  ]

  @Test(arguments: rows)
  func isTold(_ expression: String, _ under: String, _ message: String) throws {
    do throws(FilterError) {
      let filter = try Filter(parsing: expression, names: .fixed)
      Issue.record("no error but \(filter.expression)")
    } catch {
      let bytes = Array(expression.utf8)
      #expect(error.expression == expression)
      #expect(String(decoding: bytes[error.range], as: UTF8.self) == under)
      if under.isEmpty { #expect(error.range == bytes.count..<bytes.count) }
      #expect(error.message.hasPrefix(message), "\(error.message)")
    }
  }

  @Test func parenthesesAreBounded() throws {
    func nested(_ count: Int) -> String {
      String(repeating: "(", count: count) + ":80" + String(repeating: ")", count: count)
    }
    _ = try Filter(parsing: nested(FilterParser.deepest), names: .fixed)
    for count in [FilterParser.deepest + 1, 10_000] {
      let error = #expect(throws: FilterError.self) {
        try Filter(parsing: nested(count), names: .fixed)
      }
      #expect(error?.range == FilterParser.deepest..<(FilterParser.deepest + 1))
      #expect(error?.message == "more than 100 parentheses are open here")
    }
  }

  /// What has no parentheses may be of any length.
  @Test(arguments: [
    (String(repeating: "! ", count: 10_000) + ":80", "not"),
    (String(repeating: ":80 and ", count: 10_000) + ":80", "and"),
    (String(repeating: ":80 or ", count: 10_000) + ":80", "or"),
    (String(repeating: ":80 ", count: 10_000), "nothing"),
    ("port=" + String(repeating: "80,", count: 10_000) + "80", "comma"),
    ("port=" + String(repeating: "http,", count: 10_000) + "80", "name"),
    (String(repeating: "(:80) ", count: 10_000), "parentheses"),
    (String(repeating: "state LISTEN ", count: 10_000) + ":80", "states"),
  ])
  func length(_ expression: String, _ joint: String) throws {
    let filter = try Filter(parsing: expression, names: .fixed)
    #expect(filter.matches(sockets[0].socket))
    #expect(!filter.matches(sockets[2].socket))
    #expect(filter.selection.program.count <= SockDiagProgram.longest)
  }

  /// Whatever bytes come, there is a filter or an error whose place lies in them.
  @Test func anythingIsReadOrRefused() {
    var random = SeededGenerator(seed: 4)
    let words = [
      "port", "=", "80", "(", ")", "!", "and", "or", "not", "state", "LISTEN", ",", "'", "\"",
      "addr",
      "::1", "[", "]", "/", "8", ":", "%", "-", ">", "<", "é", "\0", " ", " ", "rtt", "5ms",
      "exclude",
      "pid", "uid", "*", ".", "10.0.0.0", "process",
    ]
    for _ in 0..<10_000 {
      let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in
        words.randomElement(using: &random) ?? ""
      }.joined()
      do throws(FilterError) {
        _ = try Filter(parsing: text, names: .fixed)
      } catch {
        #expect(error.range.upperBound <= text.utf8.count && !error.message.isEmpty)
      }
    }
  }

  @Test(
    arguments: [
      ("root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/:\n", [("root", 0), ("web", 33)]),
      ("", []), ("broken\n:x:5:5\nx:y:z:0\n+::::\na:b:4294967295:", [("a", 4_294_967_295)]),
    ] as [(String, [(String, UInt32)])])
  func users(_ text: String, _ users: [(String, UInt32)]) {
    let found = UserFile.users(ofText: Array(text.utf8))
    #expect(found.map(\.name) == users.map(\.0) && found.map(\.uid) == users.map(\.1))
  }

  @Test func namesOfThisMachine() throws {
    #expect(try Filter(parsing: "uid=root").matches(sockets[0].socket))
    #expect(try Filter(parsing: ":http").matches(sockets[0].socket))
    #expect(throws: FilterError.self) { try Filter(parsing: "uid=no-such-user-here") }
  }
}
