// OpenMetrics, line by line. That others can read it is shown in Tests/Interop.

import Glibc
import Report
import TestSupport
import Testing

@Suite struct OpenMetricsTests {
  private static func text(_ families: [MetricFamily]) throws -> String {
    let directory = try TemporaryDirectory()
    let path = directory.file("metrics")
    let descriptor = unsafe creat(path, 0o600)
    defer { close(descriptor) }
    var output = OutputBuffer(descriptor: descriptor)
    try output.metrics(families)
    try output.flush()
    return try kernelFile(path)
  }

  @Test func aGaugeAndACounter() throws {
    let text = try Self.text([
      MetricFamily(
        "room_temperature_celsius", .gauge, unit: "celsius", help: "How warm it is.",
        samples: [.init([("room", "hall"), ("floor", "1")], 21.5), .init([("room", "attic")], -4)]),
      MetricFamily(
        "door_openings", .counter, help: "Since \"1970\" \\ or\nso.", samples: [.init([], 3)]),
    ])
    #expect(
      text == """
        # TYPE room_temperature_celsius gauge
        # UNIT room_temperature_celsius celsius
        # HELP room_temperature_celsius How warm it is.
        room_temperature_celsius{room="hall",floor="1"} 21.5
        room_temperature_celsius{room="attic"} -4
        # TYPE door_openings counter
        # HELP door_openings Since \\"1970\\" \\\\ or\\nso.
        door_openings_total 3
        # EOF

        """)
  }

  @Test(arguments: [
    ("plain", "plain"), ("a\"b", "a\\\"b"), ("a\\b", "a\\\\b"), ("a\nb", "a\\nb"), ("", ""),
    ("\r\n", "\r\\n"), ("é\u{301}\"", "é\u{301}\\\""),
  ])
  func labelsCannotEndTheirLine(_ value: String, _ written: String) throws {
    let family = MetricFamily("x", .gauge, help: "X.", samples: [.init([("l", value)], 1)])
    #expect(
      try Self.text([family]) == "# TYPE x gauge\n# HELP x X.\nx{l=\"\(written)\"} 1\n# EOF\n")
  }

  @Test(
    arguments: [
      (0, "0"), (-0.5, "-0.5"), (4_294_967_296, "4294967296"), (0.001, "0.001"), (1e300, "1e+300"),
      (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
    ] as [(Double, String)])
  func numbers(_ value: Double, _ written: String) throws {
    let family = MetricFamily("x", .gauge, help: "X.", samples: [.init([], value)])
    #expect(try Self.text([family]) == "# TYPE x gauge\n# HELP x X.\nx \(written)\n# EOF\n")
  }

  @Test func nothingToSayIsNotSaid() throws {
    let empty = MetricFamily("x", .gauge, help: "X.", samples: [])
    #expect(try Self.text([empty]) == "# EOF\n")
  }
}
