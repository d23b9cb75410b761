// A row of numbers as a small graph in one line of text.

/// The numbers as a graph of as many cells, from left to right.
///
/// Each cell has one of eight heights, rounded up: only 0 is blank, and only the top is full.
///
/// - Parameters:
///   - values: From 0.
///   - top: What a full cell stands for; nil for the largest of the values.
///   - unicode: Whether block characters can be shown; else heights are `.:-=+*#@`.
public func sparkline(_ values: [Int], top: Int? = nil, unicode: Bool) -> String {
  let heights = unicode ? Array("▁▂▃▄▅▆▇█") : Array(".:-=+*#@")
  let top = max(1, top ?? values.max() ?? 1)
  return String(
    values.map { value in
      guard value > 0 else { return " " }
      let height = Int((Int128(value) * Int128(heights.count) + Int128(top) - 1) / Int128(top))
      return heights[min(heights.count, height) - 1]
    })
}
