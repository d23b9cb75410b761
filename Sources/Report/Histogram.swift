// How samples are distributed, as lines of text: a bar for each bucket of a logarithmic scale.

import Glibc

/// Samples counted in buckets whose limits are round numbers and grow by about the same factor.
///
/// The steps are as fine as the rows allow: ten, six, three or one in each power of ten. Where no
/// sample is for more than two buckets there is a gap instead of buckets, so that one straggler does
/// not coarsen the rest.
public struct Histogram: Sendable, Equatable {
  /// Samples from `lower`, included, to `upper`, excluded.
  public struct Bucket: Sendable, Hashable {
    public var lower: Double
    public var upper: Double
    public var count: Int

    public init(lower: Double, upper: Double, count: Int) {
      self.lower = lower
      self.upper = upper
      self.count = count
    }
  }

  /// In ascending order; the first and the last are not empty. After a gap a bucket does not begin
  /// where the one before it ends.
  public let buckets: [Bucket]

  /// - Parameters:
  ///   - samples: In any order. What is not finite is left out; what is not above 0 is counted in a
  ///     first bucket that begins at 0.
  ///   - rows: The most lines that it may take; exceeded only where one bucket for each power of ten
  ///     is too many.
  public init(_ samples: some Sequence<Double>, rows: Int = 12) {
    let samples = samples.filter(\.isFinite)
    let finest = Steps.all.lazy.map { Self.buckets(samples, $0) }
      .first { $0.count + Self.gaps($0) <= rows }
    buckets = finest ?? Self.buckets(samples, .decades)
  }

  private static func buckets(_ samples: [Double], _ steps: Steps) -> [Bucket] {
    var counts: [Int: Int] = [:]
    for sample in samples where sample > 0 { counts[steps.index(of: sample), default: 0] += 1 }
    var buckets: [Bucket] = []
    var last: Int?
    for (index, count) in counts.sorted(by: { $0.key < $1.key }) {
      if let last, index - last <= 3 {
        for empty in last + 1..<index {
          buckets.append(Bucket(lower: steps[empty], upper: steps[empty + 1], count: 0))
        }
      }
      buckets.append(Bucket(lower: steps[index], upper: steps[index + 1], count: count))
      last = index
    }
    let rest = samples.count { $0 <= 0 }
    guard rest > 0 else { return buckets }
    return [Bucket(lower: 0, upper: buckets.first?.lower ?? 1, count: rest)] + buckets
  }

  private static func gaps(_ buckets: [Bucket]) -> Int {
    zip(buckets, buckets.dropFirst()).count { $0.upper != $1.lower }
  }

  /// A line for each bucket: its limits, its count, a bar as long as the count is against the
  /// largest one; and a line for each gap.
  ///
  /// - Parameters:
  ///   - width: In cells; obeyed as long as the limits and the counts fit.
  ///   - unicode: Whether characters outside ASCII can be shown.
  ///   - label: The text of a limit.
  /// - Returns: The lines, without blanks at their ends.
  public func lines(width: Int, unicode: Bool, label: (Double) -> String) -> [String] {
    func text(_ value: Double) -> String { unicode ? label(value) : spelledInASCII(label(value)) }
    let limits = buckets.map { (lower: text($0.lower), upper: text($0.upper)) }
    let counts = buckets.map { Units.count($0.count) }
    func longest(_ texts: [String]) -> Int { texts.map(\.unicodeScalars.count).max() ?? 0 }
    let lowerWidth = longest(limits.map(\.lower))
    let upperWidth = longest(limits.map(\.upper))
    let countWidth = longest(counts)
    let barWidth = width - (lowerWidth + 3 + upperWidth + 2 + countWidth + 2)
    let largest = Double(buckets.map(\.count).max() ?? 1)

    var lines: [String] = []
    var end: Double?
    for (place, bucket) in buckets.enumerated() {
      if let end, end != bucket.lower {
        let indent = String(repeating: " ", count: lowerWidth + 1)
        lines.append(indent + (unicode ? "⋮" : ":"))
      }
      end = bucket.upper
      let range =
        padded(limits[place].lower, to: lowerWidth) + (unicode ? " – " : " - ")
        + padded(limits[place].upper, to: upperWidth)
      let fill = bar(
        fraction: Double(bucket.count) / largest, width: barWidth, unicode: unicode)
      let line = "\(range)  \(padded(counts[place], to: countWidth))  \(fill)"
      lines.append(String(line.reversed().drop { $0 == " " }.reversed()))
    }
    return lines
  }
}

/// The text with blanks before it, so that the ends of texts stand under each other.
private func padded(_ text: String, to width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.unicodeScalars.count)) + text
}

/// Round numbers, numbered through all powers of ten.
private struct Steps {
  /// From 1 to below 10.
  let digits: [Double]

  static let decades = Steps(digits: [1])
  /// The finest first.
  static let all = [
    Steps(digits: [1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8]), Steps(digits: [1, 1.5, 2, 3, 5, 7]),
    Steps(digits: [1, 2, 5]), decades,
  ]

  /// The number at a place; 1 is at 0.
  subscript(index: Int) -> Double {
    let place = ((index % digits.count) + digits.count) % digits.count
    let power = (index - place) / digits.count
    // A quotient, since the powers below 1 are not exact.
    return power < 0
      ? digits[place] / Glibc.pow(10, Double(-power)) : digits[place] * Glibc.pow(10, Double(power))
  }

  /// The place of the largest number that is not above a value.
  func index(of value: Double) -> Int {
    // The logarithm may be off by a rounding error at the very limit; the comparison is not.
    var index = (Int(Glibc.log10(value).rounded(.down)) - 1) * digits.count
    while self[index + 1] <= value { index += 1 }
    return index
  }
}
