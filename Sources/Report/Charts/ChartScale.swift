// From a value to its place on an axis, and which values are marked there.

import Glibc

/// An axis that has been fitted to its values.
struct ChartScale {
  /// The values that are marked, in ascending order.
  let ticks: [Double]
  private let isLogarithmic: Bool
  /// The ends of the axis: values, or their decimal logarithms.
  private let lower: Double
  private let upper: Double
  /// Where 0 is among the logarithms; nil where it has no place.
  private let zero: Double?
  /// Differences of larger numbers could overflow.
  private static let limit = 1e100

  /// - Parameters:
  ///   - values: All that is drawn.
  ///   - endsAtTicks: Whether the axis goes on to the next round number at both ends.
  ///   - mostTicks: On a linear axis.
  ///   - fits: Whether the labels of these ticks find room, at places from 0 to 1.
  init(
    _ axis: Chart.Axis, _ values: [Double], endsAtTicks: Bool, mostTicks: Int,
    fits: ([(place: Double, label: String)]) -> Bool
  ) {
    let values = (values + axis.covered).filter { $0.magnitude < Self.limit }
    let candidates =
      axis.scale == .linear
      ? Self.linear(values, axis.isWhole, endsAtTicks, mostTicks)
      : Self.logarithmic(values.filter { $0 >= 0 }, endsAtTicks)
    // The last candidate has the fewest ticks.
    self =
      candidates.first { scale in
        fits(
          scale.ticks.compactMap { tick in scale.place(of: tick).map { ($0, axis.label(tick)) } })
      } ?? candidates[candidates.count - 1]
  }

  private init(
    ticks: [Double], isLogarithmic: Bool, lower: Double, upper: Double, zero: Double? = nil
  ) {
    self.ticks = ticks
    self.isLogarithmic = isLogarithmic
    self.lower = lower
    self.upper = upper
    self.zero = zero
  }

  /// 0 at the lower end to 1 at the upper one; nil for what has no place on the axis.
  func place(of value: Double) -> Double? {
    guard value.magnitude < Self.limit else { return nil }
    guard isLogarithmic else { return (value - lower) / (upper - lower) }
    if value == 0 { return zero.map { ($0 - lower) / (upper - lower) } }
    return value > 0 ? (Glibc.log10(value) - lower) / (upper - lower) : nil
  }

  // MARK: Linear

  /// Fits with fewer and fewer ticks.
  private static func linear(
    _ values: [Double], _ isWhole: Bool, _ endsAtTicks: Bool, _ mostTicks: Int
  ) -> [ChartScale] {
    var lower = values.min() ?? 0
    var upper = values.max() ?? 1
    if lower == upper {
      // One value is in the middle of its surroundings, and 0 is at the bottom.
      let margin = isWhole ? 1 : max(abs(lower) / 2, 1e-9)
      upper += margin
      if lower != 0 { lower -= margin }
    }
    return stride(from: max(2, mostTicks), through: 2, by: -1).map { most in
      let step = roundStep(atLeast: (upper - lower) / Double(most), isWhole)
      let first = (lower / step).rounded(endsAtTicks ? .down : .up)
      let last = (upper / step).rounded(endsAtTicks ? .up : .down)
      // A multiple, since a sum of steps gathers rounding errors.
      let ticks = stride(from: first, through: last, by: 1).map { $0 * step }
      return ChartScale(
        ticks: ticks, isLogarithmic: false,
        lower: endsAtTicks ? first * step : lower, upper: endsAtTicks ? last * step : upper)
    }
  }

  /// 1, 2 or 5 times a power of ten.
  private static func roundStep(atLeast least: Double, _ isWhole: Bool) -> Double {
    let power = Glibc.pow(10, Glibc.log10(least).rounded(.down))
    let step = [1, 2, 5, 10].first { $0 * power >= least * (1 - 1e-9) } ?? 10
    return isWhole ? max(1, step * power) : step * power
  }

  // MARK: Logarithmic

  /// Fits with fewer and fewer ticks: every digit, 1-2-5, powers of ten, every second power ….
  private static func logarithmic(_ values: [Double], _ endsAtTicks: Bool) -> [ChartScale] {
    let positive = values.filter { $0 > 0 }
    var lower = positive.min() ?? 1
    var upper = positive.max() ?? 10
    if lower == upper {
      // One value is in the middle of its surroundings.
      lower /= 1.5
      upper *= 1.5
    }
    if endsAtTicks {
      lower = roundNumber(below: lower)
      upper = roundNumber(above: upper)
    }
    let (start, end) = (Glibc.log10(lower), Glibc.log10(upper))
    // Off the scale, but near: 0 has no logarithm.
    let zero: Double? = values.contains(0) ? start - 0.08 * (end - start) : nil
    let decades = Int(start.rounded(.down))...Int(end.rounded(.up))
    let choices: [(digits: [Double], every: Int)] =
      [([1, 2, 3, 4, 5, 6, 7, 8, 9], 1), ([1, 2, 5], 1)]
    let thinned: [(digits: [Double], every: Int)] = (1...16).map { ([1], $0) }
    let scales = (choices + thinned).map { digits, every in
      var ticks: [Double] = zero == nil ? [] : [0]
      for power in decades where power.isMultiple(of: every) {
        for digit in digits {
          let number = digit * Glibc.pow(10, Double(power))
          if number >= lower * (1 - 1e-9) && number <= upper * (1 + 1e-9) { ticks.append(number) }
        }
      }
      return ChartScale(
        ticks: ticks, isLogarithmic: true, lower: zero ?? start, upper: end, zero: zero)
    }
    // A single tick says nothing about a scale; where that is all there is, it is better than none.
    let telling = scales.filter { $0.ticks.count { $0 > 0 } >= 2 }
    return telling.isEmpty ? [scales[0]] : telling
  }

  private static func roundNumber(below value: Double) -> Double {
    let power = Glibc.pow(10, Glibc.log10(value).rounded(.down))
    return ([5, 2, 1].first { $0 * power <= value * (1 + 1e-9) } ?? 1) * power
  }

  private static func roundNumber(above value: Double) -> Double {
    let power = Glibc.pow(10, Glibc.log10(value).rounded(.down))
    return ([1, 2, 5, 10].first { $0 * power >= value * (1 - 1e-9) } ?? 10) * power
  }
}
