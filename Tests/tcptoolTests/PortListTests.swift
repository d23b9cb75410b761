// PORTS of connect --probe: what a list comes to, and what is said of one that is none.

import CommandSpec
import Testing

@testable import tcptool

@Suite struct PortLists {
  @Test(
    arguments: [
      ("80", [80]), ("1", [1]), ("65535", [65_535]), ("22,80,443", [22, 80, 443]),
      ("443,80,22", [22, 80, 443]), ("80,80,http,79-81", [79, 80, 81]), ("80-80", [80]),
      ("http,ssh", [22, 80]), ("8000-8003,8002-8005", [8000, 8001, 8002, 8003, 8004, 8005]),
      ("65534-65535", [65_534, 65_535]), ("0022", [22]),
    ] as [(String, [UInt16])])
  func eachPortIsThereOnce(_ text: String, _ ports: [UInt16]) throws {
    #expect(try PortList.ports(text) == ports)
  }

  @Test func allOfThem() throws {
    let ports = try PortList.ports("1-65535")
    // A log of all of them helps nobody.
    let areAllThere = ports == Array(1...65_535)
    #expect(areAllThere, "\(ports.count) ports")
  }

  private static let form =
    "Give ports from 1 to 65535, ranges and services' names: 22,8000-8100,https."

  @Test(arguments: [
    ("0", "0", "Nothing can listen on port 0; give ports from 1 to 65535."),
    ("22,0-5", "0-5", "Nothing can listen on port 0; give ports from 1 to 65535."),
    ("90-80", "90-80", "The range ends before it begins. Did you mean '80-90'?"),
    ("22,100-1", "100-1", "The range ends before it begins. Did you mean '1-100'?"),
    ("65536", "65536", form), ("1-70000", "1-70000", form), ("70000-1", "70000-1", form),
    ("", "", form), ("22,,80", "", form), ("22,", "", form), (",", "", form),
    ("nosuch", "nosuch", form), ("-80", "-80", form), ("80-", "80-", form), ("-", "-", form),
    ("1-2-3", "1-2-3", form), ("+80", "+80", form), (" 80", " 80", form), ("80 ", "80 ", form),
    ("http-https", "http-https", form), ("1-http", "1-http", form), ("22;80", "22;80", form),
    ("٨٠", "٨٠", form), ("99999999999999999999", "99999999999999999999", form),
  ])
  func badOnes(_ text: String, _ word: String, _ reason: String) {
    let error = #expect(throws: UsageError.self) { try PortList.ports(text) }
    #expect(error?.message == "The value '\(word)' is invalid for '--probe <ports>'. \(reason)")
  }
}
