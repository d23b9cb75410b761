// tcptool states --watch: its options, and what they lead to.

internal import CommandSpec
internal import Report

extension StatesOptions {
  static let watchDiscussion = [
    """
    With --watch the table is read again and again. On a terminal it fills the screen: q quits, \
    j and k or the arrows scroll, s sorts, / edits the filter, p pauses and ? shows all keys. \
    Rows where something happened are marked: '+' opened, '*' another state or role, '~' its \
    queues moved, '-' closed, '<' no longer in the filter. The states that a socket was seen in \
    stand after its row, or below it. Elsewhere than on a terminal, and with --json, there is \
    first a line for each socket, and then one for each that was opened, changed or closed. A \
    socket is identified by the kernel's cookie or, where /proc is read, by its two ends. What \
    happens between two readings is not seen.
    """
  ]

  static let watchParameters: [Bound<Self>] = [
    .option(
      "watch", \.watchInterval, value: "duration", bare: "1s",
      help: """
        Read the table again at this interval: on a terminal as a full screen, elsewhere with a \
        line for each change.
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
      throw UsageError("'--watch' has no format '\(format?.argumentText ?? "")'. Use text or json.")
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
      restriction: states.map { Set($0.elements.flatMap(\.states)) }, interval: interval,
      hasHeader: !hasNoHeader, isWhole: isWide)
    return try watch(&view, options, narrator)
  }
}
