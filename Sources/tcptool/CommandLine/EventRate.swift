// How often something happens, as a value of the command line.

internal import CommandSpec
internal import SocketCore

/// So many a second or a minute: `20`, `20/s`, `0.5/s`, `30/m`.
struct EventRate: ArgumentValue {
  private var text: String
  /// From one to the next.
  var interval: Duration

  init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let digits = parts.first,
      digits.utf8.allSatisfy({ $0 < 58 && $0 > 45 }),
      let count = Double(digits), count > 0
    else { return nil }
    let period: Double
    switch parts.count == 2 ? parts[1] : "s" {
    case "s": period = 1
    case "m": period = 60
    default: return nil
    }
    let nanoseconds = period / count * 1e9
    guard nanoseconds >= 1, nanoseconds < 1e18 else { return nil }
    interval = .nanoseconds(Int64(nanoseconds.rounded()))
    text = argument
  }

  static let form = "a rate like 20 (a second), 0.5/s or 30/m"
  var argumentText: String { text }

  /// How many a second.
  var perSecond: Double { 1e9 / Double(interval.nanoseconds) }
}
