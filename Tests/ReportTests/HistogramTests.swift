// The buckets of a histogram, and its lines at several widths.

import Report
import Testing

@Suite struct HistogramTests {
  private static func number(_ value: Double) -> String {
    value == value.rounded() ? "\(Int(value))" : "\(value)"
  }

  private static func lines(
    _ samples: [Double], rows: Int = 12, width: Int = 30, unicode: Bool = true
  ) -> [String] {
    Histogram(samples, rows: rows).lines(width: width, unicode: unicode, label: number)
  }

  @Test func nothingHasNoLines() {
    #expect(Self.lines([]) == [])
    #expect(Self.lines([.nan]) == [])
  }

  @Test func oneSampleHasOneBar() {
    #expect(Self.lines([50]) == ["50 – 63  1  ██████████████████"])
  }

  /// A sample on a limit is in the bucket that begins there.
  @Test(
    arguments: [
      (40, 40, 50), (49.999, 40, 50), (50, 50, 63), (1, 1, 1.25), (0.5, 0.5, 0.63),
      (1e9, 1e9, 1.25e9), (999_999_999, 8e8, 1e9), (0.001, 0.001, 0.00125),
    ] as [(Double, Double, Double)])
  func limitsAreIncludedBelow(sample: Double, lower: Double, upper: Double) {
    #expect(Histogram([sample]).buckets == [.init(lower: lower, upper: upper, count: 1)])
  }

  /// From fine to coarse as the samples spread: ten steps in a power of ten, then six, three and one.
  @Test func stepsAreAsFineAsTheRowsAllow() {
    #expect(
      Self.lines([10, 11, 12, 13, 20]) == [
        "  10 – 12.5  3  ██████████████", "12.5 –   16  1  ████▋", "  16 –   20  0",
        "  20 –   25  1  ████▋",
      ])
    func limits(_ samples: [Double], rows: Int) -> [Double] {
      Histogram(samples, rows: rows).buckets.map(\.lower)
    }
    let spread: [Double] = [10, 15, 20, 30, 50, 70, 100, 150]
    #expect(limits(spread, rows: 20).count == 12)
    #expect(limits(spread, rows: 8) == [10, 15, 20, 30, 50, 70, 100, 150])
    #expect(limits(spread, rows: 7) == [10, 20, 50, 100])
    #expect(limits(spread, rows: 3) == [10, 100])
    // One bucket for each power of ten is the coarsest that there is.
    #expect(limits([1, 10, 100, 1_000], rows: 2) == [1, 10, 100, 1_000])
  }

  /// One straggler does not coarsen the rest.
  @Test func aGapStandsForManyEmptyBuckets() {
    #expect(
      Self.lines([50, 60, 70, 1_000_000]) == [
        "     50 –      63  2  ████████", "     63 –      80  1  ████", "        ⋮",
        "1000000 – 1250000  1  ████",
      ])
    #expect(Self.lines([50, 1_000], unicode: false)[1] == "     :")
  }

  @Test func whatIsNotAboveZeroHasABucketOfItsOwn() {
    #expect(
      Histogram([0, -1, 5]).buckets == [
        .init(lower: 0, upper: 5, count: 2), .init(lower: 5, upper: 6.3, count: 1),
      ])
    #expect(Histogram([0]).buckets == [.init(lower: 0, upper: 1, count: 1)])
  }

  @Test(arguments: [14, 15, 20, 40, 80, 200], [true, false])
  func theWidthIsObeyed(width: Int, unicode: Bool) {
    let lines = Self.lines([50, 60, 70, 70, 90], width: width, unicode: unicode)
    #expect(lines.count == 3)
    for line in lines {
      #expect(line.count <= width, "\(line)")
      #expect(!line.hasSuffix(" "))
      #expect(unicode || line.allSatisfy(\.isASCII), "\(line)")
    }
    // The longest bar reaches the end, where there is room for one.
    #expect(width < 15 || lines.contains { $0.count == width })
  }

  @Test func labelsAreSpelledInASCIIToo() {
    let lines = Histogram([50]).lines(width: 40, unicode: false) { "\(Int($0)) µs" }
    #expect(lines == ["50 us - 63 us  1  ######################"])
  }
}
