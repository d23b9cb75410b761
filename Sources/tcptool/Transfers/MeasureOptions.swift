// --interval and --svg of `send` and `recv`: the options that measure a transfer while it lasts.

internal import CommandSpec
internal import SocketCore

struct MeasureOptions: Sendable {
  var interval: Duration?
  var plotFile: String?

  /// Shorter ones would measure the measuring.
  private static let shortest = Duration.milliseconds(10)

  func validate() throws(UsageError) {
    if let interval, interval < Self.shortest {
      throw UsageError(
        "The value of '--interval' must be at least \(Self.shortest.argumentText)")
    }
  }
}

protocol MeasuresTransfer: Subcommand {
  var measures: MeasureOptions { get set }
}

extension MeasuresTransfer {
  /// - Parameter facts: what a line of --interval has beside the rate.
  static func measureParameters(_ facts: String) -> [Bound<Self>] {
    [
      .option(
        "interval", "i", \.measures.interval, value: "duration",
        help: "Report at this interval how fast it is: a line with the rate, \(facts)."),
      .option(
        "svg", \.measures.plotFile, value: "file",
        help: "Plot the rate and what explains it over time to a file.", completion: .file),
    ]
  }
}
