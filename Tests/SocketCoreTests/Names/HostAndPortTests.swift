// HOST:PORT as people type it.

import SocketCore
import Testing

struct HostAndPortTests {
  @Test(arguments: [
    ("host:80", "host", "80"), ("127.0.0.1:http", "127.0.0.1", "http"), ("[::1]:80", "::1", "80"),
    ("[fe80::1%lo]:80", "fe80::1%lo", "80"), ("[host]:80", "host", "80"), (":80", "", "80"),
    ("host:99999", "host", "99999"), ("é.example:80", "é.example", "80"),
  ])
  func `a joined word is taken apart`(word: String, host: String, port: String) {
    #expect(HostAndPort(joined: word) == HostAndPort(host: host, port: port))
  }

  @Test(arguments: [
    "", ":", "host", "host:", "80", "::1:80", "::1", "[::1]", "[::1]:", "[::1]80", "[::1",
    "::1]:80", "[", "]", "[]", "a:b:80", "[::1]:80:90x]",
  ])
  func `what could mean something else is refused`(word: String) {
    #expect(HostAndPort(joined: word) == nil)
  }

  @Test(arguments: ["a", ":", "[", "]", "[::1]:80"])
  func `a word of 10,000 bytes is taken apart or refused without harm`(part: String) {
    let long = String(repeating: part, count: 10_000)
    #expect(HostAndPort(joined: part + ":" + long + ":80") == nil || part.first == "[")
    #expect(HostAndPort(joined: "[" + long + "]:80")?.host == long)
  }

  @Test(arguments: [
    ("[::1]", "::1"), ("::1", "::1"), ("[host]", "host"), ("[]", ""), ("[", "["), ("]", "]"),
    ("", ""), ("[::1", "[::1"),
  ])
  func `brackets are taken off`(text: String, expected: String) {
    #expect(HostAndPort.unbracketed(text) == expected)
  }
}
