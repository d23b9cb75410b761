// tcptool states --watch: its options, and what they lead to.

internal import CommandSpec
internal import Report

extension StatesOptions {
  static let watchDiscussion = [
    """
    With --watch the table is read again and again. On a terminal it fills the screen: q ends it, \
    j and k or the arrows scroll, s sorts, / edits the filter, p pauses and ? shows all keys. Rows \
    where something happened are marked: '+' opened, '*' another state or role, '~' its queues \
    moved, '-' closed, '<' no longer in the filter. Behind a row, or below it, stand the states that \
    it was seen in. Elsewhere than on a terminal, and with --json, there is a line for each socket \
    at first and then for each that was opened, changed or closed. A socket is known by the \
    kernel's cookie, or by its two ends where /proc is read. What happens between two readings is \
    not seen.
    """
  ]

  static let watchParameters: [Bound<Self>] = [
    .option(
      "watch", \.watchInterval, value: "duration", bare: "1s",
      help: """
        Read the table again, so often: on a terminal as a full screen, elsewhere a line a change.
        """
    ).excluding(
      ["from", "summary", "by", "explain", "check", "csv"],
      because: "a watch goes on and on")
  ]

  func settleWatch() throws(UsageError) {
    guard let watchInterval else { return }
    if watchInterval < .milliseconds(10) {
      throw UsageError(
        "The value '\(watchInterval.argumentText)' is invalid for '--watch[=<duration>]'. "
          + "Give at least 10ms.")
    }
    if format == .csv || format == .openmetrics {
      throw UsageError("'--watch' has no format '\(format?.argumentText ?? "")'.")
    }
  }

  func watchSockets(every interval: Duration, _ narrator: Narrator) throws(Failure) -> Ending {
    let options = WatchOptions(interval: interval, isJSON: isJSON, color: color)
    if listeners.areWanted {
      var view = ListenersWatchView(self, every: interval)
      return try watch(&view, options, narrator)
    }
    var view = SocketWatchView(
      reading, shownColumns, filterText: operands.joined(separator: " "),
      restriction: states.map { Set($0.elements.map(\.state)) }, interval: interval,
      hasHeader: !hasNoHeader, isWhole: isWide)
    return try watch(&view, options, narrator)
  }
}
