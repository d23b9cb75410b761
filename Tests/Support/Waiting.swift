// How a test waits and how its helpers fail: one polling function, one error.

import Glibc

/// What a helper of the tests could not do, told so that the log alone is enough to see why.
public struct TestFailure: Error, CustomStringConvertible {
  public let description: String

  public init(_ description: String) {
    self.description = description
  }
}

/// How long a test waits for what has to come: so much longer than it takes that no machine is too
/// slow for it. Only a failure takes that long.
public let patience = Duration.seconds(120)

/// Asks `condition` again and again until it holds.
///
/// It is asked at least once, and once more at the very end, so a slow machine cannot fail a
/// condition that holds.
///
/// - Parameters:
///   - limit: How long to go on asking.
///   - pause: The sleep between two questions.
///   - condition: What is waited for.
/// - Returns: Whether it held before the time ran out.
/// - Throws: What `condition` throws.
public func eventually(
  within limit: Duration = patience, every pause: Duration = .milliseconds(2),
  _ condition: () throws -> Bool
) rethrows -> Bool {
  let deadline = ContinuousClock.now + limit
  while ContinuousClock.now < deadline {
    if try condition() { return true }
    var time = timespec(
      tv_sec: Int(pause.components.seconds),
      tv_nsec: Int(pause.components.attoseconds / 1_000_000_000))
    unsafe nanosleep(&time, nil)
  }
  return try condition()
}

/// The text of an `errno` value, as `strerror` gives it.
func errorText(_ code: Int32) -> String {
  var text = [CChar](repeating: 0, count: 256)
  unsafe strerror_r(code, &text, text.count)
  let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
  return "\(String(decoding: bytes, as: UTF8.self)) (errno \(code))"
}
