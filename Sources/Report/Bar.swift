// A horizontal bar, for the fill of a queue and for progress.

/// A bar of exactly `width` cells.
///
/// It never overstates: only a whole is drawn full, and only nothing is drawn empty. With Unicode a
/// step is an eighth of a cell and the rest is blank; without, a cell, drawn `##..`, and a single cell
/// shows all or nothing.
///
/// - Parameters:
///   - fraction: 0 for nothing to 1 for all. Beyond either end it counts as that end, and what is
///     not a number as 0.
///   - width: In cells.
///   - unicode: Whether block characters can be shown.
/// - Returns: The text, blanks at the end included.
public func bar(fraction: Double, width: Int, unicode: Bool) -> String {
  guard width > 0 else { return "" }
  let stepsPerCell = unicode ? 8 : 1
  let steps = width * stepsPerCell
  let filled: Int
  switch fraction {
  case 1...: filled = steps
  case _ where fraction > 0: filled = min(steps - 1, max(1, Int(fraction * Double(steps))))
  default: filled = 0
  }
  guard unicode else {
    return String(repeating: "#", count: filled) + String(repeating: ".", count: steps - filled)
  }
  let (full, eighths) = filled.quotientAndRemainder(dividingBy: 8)
  let edge = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths]
  return String(repeating: "█", count: full) + edge
    + String(repeating: " ", count: width - full - (eighths > 0 ? 1 : 0))
}
