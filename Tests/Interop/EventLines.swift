// What a tool told as JSON lines, by event.

import Foundation

/// The objects of one event.
func events(_ name: String, in text: String) throws -> [[String: Any]] {
  try text.split(separator: "\n").compactMap { line in
    let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    return object?["event"] as? String == name ? object : nil
  }
}

/// The sum of a number of theirs.
func sum(_ key: String, of events: [[String: Any]]) -> Int {
  events.reduce(0) { $0 + ($1[key] as? Int ?? 0) }
}
