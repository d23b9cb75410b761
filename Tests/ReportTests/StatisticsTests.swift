// Statistics of few and of many samples, and what a percentile is.

import Report
import Testing

@Suite struct StatisticsTests {
  @Test func nothingHasNoStatistics() {
    #expect(Statistics([]) == nil)
    #expect(Statistics([.nan, .infinity]) == nil)
  }

  struct Row: Sendable {
    var samples: [Double]
    var minimum, mean, p50, p90, p99, maximum, deviation: Double
  }

  @Test(arguments: [
    Row(samples: [7], minimum: 7, mean: 7, p50: 7, p90: 7, p99: 7, maximum: 7, deviation: 0),
    Row(samples: [3, 1], minimum: 1, mean: 2, p50: 1, p90: 3, p99: 3, maximum: 3, deviation: 1),
    Row(
      samples: [5, 5, 5, 5], minimum: 5, mean: 5, p50: 5, p90: 5, p99: 5, maximum: 5, deviation: 0),
    Row(
      samples: (1...10).map(Double.init), minimum: 1, mean: 5.5, p50: 5, p90: 9, p99: 10,
      maximum: 10, deviation: 8.25.squareRoot()),
    Row(
      samples: (1...100).reversed().map(Double.init), minimum: 1, mean: 50.5, p50: 50, p90: 90,
      p99: 99, maximum: 100, deviation: 833.25.squareRoot()),
    Row(
      samples: [-2, 0, .nan, 2], minimum: -2, mean: 0, p50: 0, p90: 2, p99: 2, maximum: 2,
      deviation: (8.0 / 3).squareRoot()),
  ])
  func inNumbers(_ row: Row) throws {
    let statistics = try #require(Statistics(row.samples))
    #expect(statistics.count == row.samples.count { $0.isFinite })
    #expect(statistics.minimum == row.minimum)
    #expect(statistics.mean == row.mean)
    #expect(statistics.percentile(50) == row.p50)
    #expect(statistics.percentile(90) == row.p90)
    #expect(statistics.percentile(99) == row.p99)
    #expect(statistics.maximum == row.maximum)
    #expect(abs(statistics.deviation - row.deviation) < 1e-12)
  }

  /// The nearest rank is never between two samples.
  @Test(
    arguments: [
      (-1, 15), (0, 15), (5, 15), (20, 15), (20.1, 20), (30, 20), (40, 20), (50, 35), (100, 50),
      (1_000, 50),
    ] as [(Double, Double)])
  func percentiles(percent: Double, value: Double) throws {
    #expect(try #require(Statistics([35, 15, 50, 20, 40])).percentile(percent) == value)
  }

  /// Microseconds around a second, in nanoseconds: their squares have more digits than a Double.
  @Test func aSmallSpreadOfLargeNumbers() throws {
    let statistics = try #require(Statistics([1_000_000_000, 1_000_000_002]))
    #expect(statistics.deviation == 1)
  }
}
