// Sets of ports as ranges.

/// Sets of ports as ascending ranges that neither overlap nor touch.
enum PortRanges {
  /// Any ranges in that form.
  static func merged(_ ranges: [ClosedRange<UInt16>]) -> [ClosedRange<UInt16>] {
    var merged: [ClosedRange<UInt16>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = merged.last, Int(range.lowerBound) <= Int(last.upperBound) + 1 {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    return merged
  }

  /// All other ports.
  static func complement(_ ranges: [ClosedRange<UInt16>]) -> [ClosedRange<UInt16>] {
    var others: [ClosedRange<UInt16>] = []
    var next = 0
    for range in ranges {
      if next < Int(range.lowerBound) { others.append(UInt16(next)...(range.lowerBound - 1)) }
      next = Int(range.upperBound) + 1
    }
    if next <= Int(UInt16.max) { others.append(UInt16(next)...(.max)) }
    return others
  }

  /// The same ports without 0.
  static func without0(_ ranges: [ClosedRange<UInt16>]) -> [ClosedRange<UInt16>] {
    guard let first = ranges.first, first.lowerBound == 0 else { return ranges }
    return (first.upperBound == 0 ? [] : [1...first.upperBound]) + ranges.dropFirst()
  }
}
