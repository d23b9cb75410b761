// Why nobody is shown as the owner of a socket, in words.

internal import KernelTables
internal import Report

extension ProcessVisibility {
  /// Told once, below the rows.
  ///
  /// - Parameters:
  ///   - count: How many sockets have no owner.
  ///   - noun: What they are called, one of them.
  ///   - isRoot: Whether this process may look at all others.
  func remark(onMissingOwnersOf count: Int, _ noun: String, isRoot: Bool) -> String {
    let owners = "the owners of \(Units.plural(count, noun)) are"
    return switch self {
    case .all:
      "\(owners) not in /proc: hidden (hidepid), in another PID namespace, or the kernel itself"
    case .some: "\(owners) hidden from this user" + (isRoot ? "" : "; root sees them")
    case .none: "\(owners) not known: /proc is not mounted here"
    }
  }

  /// What would help to see more.
  func hint(isRoot: Bool) -> String {
    switch self {
    case .all: ""
    case .some: isRoot ? "" : "; run as root to see them"
    case .none: ": /proc is not mounted here"
    }
  }
}
