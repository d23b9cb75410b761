// Conditions that a test puts on the machine. Where CI is set nothing is skipped: there a missing
// program is a defect of the machine, and the test fails for the lack of it.

import Foundation
import Glibc
public import Testing

extension Trait where Self == ConditionTrait {
  /// Skips the test where one of these programs is not in `PATH`.
  public static func requires(_ programs: String...) -> Self {
    let missing = programs.filter { installedPath(of: $0) == nil }
    return .enabled(
      if: missing.isEmpty || isCI,
      "not installed: \(missing.joined(separator: ", "))")
  }

  /// Skips the test where this user cannot make a network namespace.
  public static var requiresPrivateNetwork: Self {
    .enabled(if: isCI || canMakePrivateNetwork, "this user cannot make a network namespace")
  }

  /// Skips the test where it does not run as root.
  public static var requiresRoot: Self {
    .enabled(if: isCI || geteuid() == 0, "not root")
  }
}

private var isCI: Bool { ProcessInfo.processInfo.environment["CI"] != nil }

/// Tried once for all tests.
private let canMakePrivateNetwork: Bool = (try? PrivateNetwork()) != nil
