// Values of the options of `listen` that only it has.

internal import CommandSpec
internal import SocketCore

/// What a client gets that a service without end or a size describes.
enum SourceSize: ArgumentValue {
  case unbounded
  case bytes(ByteCount)

  init?(argument: String) {
    if argument == "unbounded" {
      self = .unbounded
    } else {
      guard let size = ByteCount(argument: argument) else { return nil }
      self = .bytes(size)
    }
  }

  var argumentText: String {
    switch self {
    case .unbounded: "unbounded"
    case .bytes(let size): size.argumentText
    }
  }

  var size: Int? {
    if case .bytes(let size) = self { size.bytes } else { nil }
  }
}

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

  var argumentText: String { text }
}

/// Another listen(2): `128` on SIGHUP, `128@5s` after five seconds.
struct Relisten: ArgumentValue {
  var backlog: Backlog
  /// Since the first listen(2); nil waits for SIGHUP.
  var after: Duration?

  init?(argument: String) {
    let parts = argument.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let backlog = Backlog(argument: String(first)) else {
      return nil
    }
    self.backlog = backlog
    if parts.count == 2 {
      guard let after = Duration(argument: String(parts[1])) else { return nil }
      self.after = after
    }
  }

  var argumentText: String {
    backlog.argumentText + (after.map { "@\($0.argumentText)" } ?? "")
  }
}

/// A range of addresses.
struct AddressRange: ArgumentValue {
  var prefix: AddressPrefix

  init?(argument: String) {
    guard let prefix = AddressPrefix(argument) else { return nil }
    self.prefix = prefix
  }

  var argumentText: String { "\(prefix)" }
}
