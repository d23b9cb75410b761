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

  static let form = "whole bytes, like 1000, 64K or 64KB, or 'unbounded'"
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

  static let form = "a backlog, like 128, or with a duration behind it, like 128@5s"
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

  static let form = "an address, or a range like 10.0.0.0/8"
  var argumentText: String { "\(prefix)" }
}
