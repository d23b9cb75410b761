// When a transfer tells how an interval went, and when there is nothing to tell.

import Foundation
import SocketCore
import TestSupport
import Testing

@testable import tcptool

@Suite struct TransferMeterTests {
  /// The lines of a transfer of a second, reported every half, that ends with `last`.
  private static func ends(with last: RelayReading, within end: Duration) throws -> [Int] {
    let directory = try TemporaryDirectory()
    let file = directory.file("events")
    var options = MeasureOptions()
    options.interval = .milliseconds(500)
    let narrator = Narrator(
      options: NarrationOptions(isQuiet: true),
      log: EventLog(try Descriptor.creating(file), name: file))
    let meter = try TransferMeter(options, sends: true, size: nil, isLive: false, narrator)
    for part in 1...2 {
      meter.take(RelayReading(elapsed: .milliseconds(500 * part), sent: part, acknowledged: part))
    }
    _ = meter.finish(last, within: end, title: "")
    return try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return try #require(object?["end_ns"] as? Int) / 1_000
    }
  }

  @Test(
    arguments: [
      // The moment that the FIN takes.
      (2, .microseconds(1_000_300), [500_000, 1_000_000]),
      // Bytes are told, however few and late.
      (3, .microseconds(1_000_300), [500_000, 1_000_000, 1_000_300]),
      // A wait is told too.
      (2, .milliseconds(1_100), [500_000, 1_000_000, 1_100_000]),
    ] as [(Int, Duration, [Int])])
  func theLastIntervalSaysSomething(bytes: Int, end: Duration, ends: [Int]) throws {
    let last = RelayReading(elapsed: end, sent: bytes, acknowledged: bytes)
    #expect(try Self.ends(with: last, within: end) == ends)
  }
}
