// Sets of ports as ranges: one form for each set.

import Testing

@testable import KernelTables

@Suite struct PortRangesTests {
  @Test(
    arguments: [
      ([], []), ([5...9, 1...3], [1...3, 5...9]), ([1...4, 5...9], [1...9]),
      ([1...9, 2...3], [1...9]),
      ([3...3, 3...3], [3...3]), ([65_535...65_535, 0...65_535], [0...65_535]),
    ] as [([ClosedRange<UInt16>], [ClosedRange<UInt16>])])
  func rangesThatOverlapOrTouchAreOne(
    _ ranges: [ClosedRange<UInt16>], _ merged: [ClosedRange<UInt16>]
  ) {
    #expect(PortRanges.merged(ranges) == merged)
  }

  @Test(
    arguments: [
      ([], [0...65_535]), ([0...65_535], []), ([0...0], [1...65_535]),
      ([65_535...65_535], [0...65_534]),
      ([1...3, 5...9], [0...0, 4...4, 10...65_535]),
    ] as [([ClosedRange<UInt16>], [ClosedRange<UInt16>])])
  func allOthers(_ ranges: [ClosedRange<UInt16>], _ others: [ClosedRange<UInt16>]) {
    #expect(PortRanges.complement(ranges) == others)
    #expect(PortRanges.complement(others) == ranges)
  }

  @Test(
    arguments: [
      ([], []), ([0...0], []), ([0...5], [1...5]), ([1...5], [1...5]), ([0...0, 7...8], [7...8]),
    ] as [([ClosedRange<UInt16>], [ClosedRange<UInt16>])])
  func withoutPort0(_ ranges: [ClosedRange<UInt16>], _ others: [ClosedRange<UInt16>]) {
    #expect(PortRanges.without0(ranges) == others)
  }
}
