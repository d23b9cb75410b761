// What a person sees while an experiment runs: both queues filling against their limits.

internal import BacklogLab
internal import Glibc
internal import Report
internal import SocketCore

/// Draws how an experiment stands in the last lines of the terminal, and nothing elsewhere.
struct LivePicture {
  private let narrator: Narrator
  private let isShown: Bool
  /// What is said of the experiment in front of its numbers; nil where there is one alone.
  var caption: String?
  /// More pictures than this in a second are not seen.
  private static let interval = Duration.milliseconds(40)
  private var drawn: MonotonicInstant?

  init(_ narrator: Narrator) {
    self.narrator = narrator
    isShown = narrator.showsLive
  }

  mutating func draw(_ progress: LabProgress) {
    guard isShown else { return }
    let now = MonotonicInstant.now
    if let drawn, now - drawn < Self.interval { return }
    drawn = now
    let display = Display(descriptor: STDERR_FILENO)
    narrator.show(
      lines: progress.picture(columns: display.columns, unicode: display.hasUnicode, caption))
  }

  func end() { narrator.endShow() }
}

extension LabProgress {
  /// The lines of the picture.
  ///
  /// - Parameter caption: what is under way; nil for what the step says.
  func picture(columns: Int, unicode: Bool, _ caption: String?) -> [String] {
    // The label in front and the numbers behind.
    let width = min(60, max(10, columns - 14 - 24))
    func queue(_ name: String, _ length: Int?) -> String {
      let label = name + String(repeating: " ", count: max(1, 14 - name.count))
      guard let length else { return label + "not read yet" }
      let limit = acceptQueueLimit.map { " of \(Units.count($0))" } ?? ""
      let share = acceptQueueLimit.map { Double(length) / Double(max(1, $0)) } ?? 0
      return label + bar(fraction: share, width: width, unicode: unicode)
        + "  \(Units.count(length))\(limit)"
    }
    let drops = drops.map { ", \(Units.plural($0, "drop"))" } ?? ""
    let place = total > 1 ? "\(number) of \(total): " : ""
    let count = planned.map { " of \(Units.count($0))" } ?? ""
    let what = (caption.map { "\($0), " } ?? "") + place
    return [
      queue("accept queue", acceptQueue), queue("SYN queue", synQueue),
      "\(what)\(Units.count(connects))\(count) connects\(drops), \(step.text) \(Units.duration(elapsed))",
    ]
  }
}

extension LabProgress.Step {
  fileprivate var text: String {
    switch self {
    case .flood, .traffic, .sequence: "after"
    case .settling: "all sent, looking after"
    }
  }
}
