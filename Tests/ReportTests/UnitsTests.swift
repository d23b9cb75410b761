// Units: what a person reads, at and around each change of unit.

import Report
import Testing

@Suite struct UnitsTests {
  @Test(
    arguments: [
      (.zero, "0 s"), (.nanoseconds(1), "1 ns"), (.nanoseconds(870), "870 ns"),
      (.nanoseconds(999), "999 ns"), (.nanoseconds(1_000), "1 µs"), (.microseconds(87), "87 µs"),
      (.nanoseconds(87_649), "87.6 µs"), (.nanoseconds(999_499), "999 µs"),
      (.nanoseconds(999_500), "1 ms"), (.nanoseconds(1_519_900), "1.52 ms"),
      (.microseconds(9_994), "9.99 ms"), (.microseconds(9_996), "10 ms"),
      (.milliseconds(100), "100 ms"), (.milliseconds(2_500), "2.5 s"), (.seconds(10), "10 s"),
      (.milliseconds(59_940), "59.9 s"), (.milliseconds(59_960), "1 min"), (.seconds(60), "1 min"),
      (.seconds(200), "3 min 20 s"), (.milliseconds(3_599_600), "1 h"),
      (.seconds(7_500), "2 h 5 min"), (.seconds(86_399), "1 d"), (.seconds(356_400), "4 d 3 h"),
      (.milliseconds(-1_520), "-1.52 s"), (Duration(attoseconds: 1), "0 ns"),
      (.seconds(Int64.max), "11574074074 d 2 h"), (.seconds(Int64.min), "-11574074074 d 2 h"),
    ] as [(Duration, String)])
  func durations(duration: Duration, text: String) {
    #expect(Units.duration(duration) == text)
  }

  @Test(arguments: [
    (0, "0 B"), (1, "1 B"), (512, "512 B"), (1_023, "1023 B"), (1_024, "1 KiB"),
    (1_536, "1.50 KiB"), (65_536, "64 KiB"), (65_537, "64.0 KiB"), (1_048_064, "1.00 MiB"),
    (1_047_900, "1023 KiB"), (1_610_612_736, "1.50 GiB"), (-2_048, "-2 KiB"),
    (Int.max, "8 EiB"), (Int.min, "-8 EiB"),
  ])
  func bytes(count: Int, text: String) {
    #expect(Units.bytes(count) == text)
  }

  @Test func bytesOfAnyInteger() {
    #expect(Units.bytes(UInt64.max) == "16 EiB")
    #expect(Units.bytes(UInt8(7)) == "7 B")
  }

  @Test(
    arguments: [
      (0, "0 bit/s"), (999, "999 bit/s"), (1_000, "1 kbit/s"), (12_345_678_901, "12.3 Gbit/s"),
      (9_996_000, "10.0 Mbit/s"), (999_600_000, "1.00 Gbit/s"), (1e15, "1,000 Tbit/s"),
      (0.5, "0.50 bit/s"), (-1_500, "-1.50 kbit/s"), (.nan, "unknown"), (.infinity, "unknown"),
      (-1e300, "-9,223,372,036,854,775,807 Tbit/s"),
    ] as [(Double, String)])
  func bitRates(rate: Double, text: String) {
    #expect(Units.bitRate(rate) == text)
  }

  @Test(arguments: [
    (0, "0"), (999, "999"), (1_024, "1,024"), (100_000, "100,000"), (1_000_000, "1,000,000"),
    (-1_024, "-1,024"), (-999, "-999"), (Int.min, "-9,223,372,036,854,775,808"),
  ])
  func counts(count: Int, text: String) {
    #expect(Units.count(count) == text)
  }

  @Test(arguments: [
    (0, 0, "0 %"), (0, 5, "0 %"), (5, 5, "100 %"), (1, 2, "50 %"), (1, 3, "33.3 %"),
    (2, 3, "66.7 %"), (1, 1_000, "0.1 %"), (1, 1_001, "< 0.1 %"), (999, 1_000, "99.9 %"),
    (9_999, 10_000, "> 99.9 %"), (4, 103, "3.9 %"),
  ])
  func percents(part: Int, whole: Int, text: String) {
    #expect(Units.percent(part, of: whole) == text)
  }

  @Test func plurals() {
    #expect(Units.plural(1, "row") == "1 row")
    #expect(Units.plural(0, "row") == "0 rows")
    #expect(Units.plural(1_024, "row") == "1,024 rows")
    #expect(Units.plural(2, "entry", "entries") == "2 entries")
    #expect(Units.plural(1, "entry", "entries") == "1 entry")
  }
}
