// backlog-test --json, as an object to look into.

import Foundation
import TestSupport
import Testing

/// Runs it with these words, and gives its one object.
func backlogTest(_ words: [String], status: Int32 = 0) throws -> [String: Any] {
  let done = try tcptool(["backlog-test", "--json"] + words)
  try #require(done.outcome == .exited(status), "\(done)")
  return try #require(
    try JSONSerialization.jsonObject(with: Data(done.output)) as? [String: Any], "\(done)")
}

/// The number at the end of a path of keys.
func number(_ object: [String: Any], _ path: String...) throws -> Int {
  var value: Any? = object
  for key in path { value = (value as? [String: Any])?[key] }
  guard let number = value as? Int else { throw TestFailure("no number \(path) in \(object)") }
  return number
}
