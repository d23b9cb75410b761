// HOST PORT, HOST:PORT and PORT as operands of the four subcommands that carry data.

import CommandSpec
import Testing

@testable import tcptool

@Suite struct EndpointOperands {
  struct Good: Sendable {
    var words: [String]
    /// What it amounts to, `HOST:PORT` or `:PORT`.
    var text: String
    var rest: [String] = []

    init(_ words: String..., means text: String, rest: [String] = []) {
      (self.words, self.text, self.rest) = (words, text, rest)
    }
  }

  private func take(
    _ words: [String], hostIsOptional: Bool, most: Int
  ) throws -> (text: String, rest: [String]) {
    var slice = words[...]
    let endpoint = try TypedEndpoint.take(
      from: &slice, hostIsOptional: hostIsOptional, most: most)
    return (endpoint.text, Array(slice))
  }

  @Test(arguments: [
    Good("7000", means: ":7000"), Good(":7000", means: ":7000"), Good("0", means: ":0"),
    Good("65535", means: ":65535"), Good("http", means: ":80"), Good(":http", means: ":80"),
    Good("127.0.0.1:7000", means: "127.0.0.1:7000"),
    Good("127.0.0.1", "7000", means: "127.0.0.1:7000"),
    Good("::1", "7000", means: "[::1]:7000"), Good("[::1]", "7000", means: "[::1]:7000"),
    Good("[::1]:7000", means: "[::1]:7000"), Good("localhost:http", means: "localhost:80"),
    Good("", "7000", means: ":7000"),
  ])
  func ofListenAndReceive(_ good: Good) throws {
    let taken = try take(good.words, hostIsOptional: true, most: 2)
    #expect(taken.text == good.text)
    #expect(taken.rest == good.rest)
    for name in ["listen", "recv"] { try isInvoked(name, good.words) }
  }

  @Test(arguments: [
    Good("host", "80", means: "host:80"), Good("host:80", means: "host:80"),
    Good("host", "http", means: "host:80"), Good("[fe80::1%eth0]:80", means: "[fe80::1%eth0]:80"),
    Good("::1", "80", means: "[::1]:80"), Good("[::1]:80", means: "[::1]:80"),
    Good("host:0", means: "host:0"), Good("host:65535", means: "host:65535"),
  ])
  func ofConnect(_ good: Good) throws {
    let taken = try take(good.words, hostIsOptional: false, most: 2)
    #expect(taken.text == good.text)
    #expect(taken.rest == good.rest)
    try isInvoked("connect", good.words)
    try isInvoked("send", good.words)
  }

  @Test(arguments: [
    Good("host:80", means: "host:80"), Good("host", "80", means: "host:80"),
    Good("host:80", "file", means: "host:80", rest: ["file"]),
    Good("host", "80", "file", means: "host:80", rest: ["file"]),
    Good("host", "80", "a:1", means: "host:80", rest: ["a:1"]),
    Good("host:80", "-", means: "host:80", rest: ["-"]),
    Good("[::1]:80", "file", means: "[::1]:80", rest: ["file"]),
    Good("host:80", "file", "more", means: "host:80", rest: ["file", "more"]),
    Good("host", "80", "file", "more", means: "host:80", rest: ["file", "more"]),
  ])
  func ofSend(_ good: Good) throws {
    let taken = try take(good.words, hostIsOptional: false, most: .max)
    #expect(taken.text == good.text)
    #expect(taken.rest == good.rest)
    try isInvoked("send", good.words)
  }

  private func isInvoked(_ name: String, _ words: [String]) throws {
    let request = try Program.table.parse([name] + words, columns: 80, shell: nil)
    guard case .invoke = request else {
      Issue.record("\(name) \(words) runs nothing")
      return
    }
  }

  private static func invalid(_ port: String) -> String {
    "The value '\(port)' is invalid for '<port>'. "
      + "Give a number from 0 to 65535 or a service's name."
  }

  @Test(arguments: [
    ("listen", [], "Missing expected argument '<port>'"),
    ("listen", ["65536"], invalid("65536")), ("listen", ["-1"], invalid("-1")),
    ("listen", ["nosuch"], invalid("nosuch")), ("listen", [""], invalid("")),
    ("listen", ["+80"], invalid("+80")), ("listen", ["0x50"], invalid("0x50")),
    ("listen", ["99999999999999999999"], invalid("99999999999999999999")),
    ("listen", ["127.0.0.1:65536"], invalid("65536")), ("listen", ["a", "b"], invalid("b")),
    ("listen", ["::1"], "Missing a port after the address '::1'"),
    ("listen", ["[::1]"], "Missing a port after the address '[::1]'"),
    ("listen", ["127.0.0.1"], "Missing a port after the address '127.0.0.1'"),
    ("listen", ["127.0.0.1:7000", "80"], "Unexpected argument '80'"),
    ("recv", ["127.0.0.1", "7000", "file"], "Unexpected argument 'file'"),
    ("recv", ["65536"], invalid("65536")),
    ("connect", [], "Missing expected argument '<host>'"),
    ("connect", ["host"], "Missing expected argument '<port>'"),
    ("connect", ["host:"], "Missing expected argument '<port>'"),
    (
      "connect", ["::1"],
      "Missing expected argument '<port>'. Behind an IPv6 address in brackets it is one word: "
        + "'[::1]:80'."
    ),
    ("connect", [":80"], "Missing a host before ':80'"),
    ("connect", ["", "80"], "Missing a host before ':80'"),
    ("connect", ["host", "-1"], invalid("-1")), ("connect", ["host:99999"], invalid("99999")),
    ("connect", ["host:nosuch"], invalid("nosuch")),
    ("connect", ["host:80", "90"], "Unexpected argument '90'"),
    ("connect", ["host", "80", "90"], "Unexpected argument '90'"),
    ("send", ["host"], "Missing expected argument '<port>'"),
    ("send", ["host", "file"], invalid("file")),
  ])
  func badOnes(_ name: String, _ words: [String], _ message: String) {
    let error = #expect(throws: UsageError.self) {
      try Program.table.parse([name] + words, columns: 80, shell: nil)
    }
    #expect(error?.message == message)
  }
}
