// Many samples of one quantity in a few numbers.

/// The range, the middle, the tail and the spread of samples, all in the unit of the samples.
public struct Statistics: Sendable, Equatable {
  private let sorted: [Double]
  public let mean: Double
  /// The standard deviation of these samples themselves, as ping(8) has it under the name mdev:
  /// sqrt(mean of squares − square of mean). 0 for one sample.
  public let deviation: Double

  /// - Parameter samples: In any order. What is not finite is left out.
  /// - Returns: nil where there is no sample, since then there is no number to show.
  public init?(_ samples: some Sequence<Double>) {
    sorted = samples.filter(\.isFinite).sorted()
    guard !sorted.isEmpty else { return nil }
    let count = Double(sorted.count)
    let mean = sorted.reduce(0, +) / count
    // The same as the difference of the two means, without the digits that a difference of two large
    // numbers loses: microseconds of spread around a second are nothing to squares of nanoseconds.
    deviation = (sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    self.mean = mean
  }

  /// How many samples there are, at least 1.
  public var count: Int { sorted.count }
  public var minimum: Double { sorted[0] }
  public var maximum: Double { sorted[sorted.count - 1] }

  /// The percentile by the nearest rank: the smallest sample that `percent` of the samples do not
  /// exceed. It is always a value that was measured; with few samples the high ones are the maximum.
  ///
  /// - Parameter percent: 0 to 100; beyond either end it counts as that end.
  public func percentile(_ percent: Double) -> Double {
    let rank = (min(100, max(0, percent)) * Double(count) / 100).rounded(.up)
    return sorted[max(1, Int(rank)) - 1]
  }
}
