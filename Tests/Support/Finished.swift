// What is known of a process that has ended, and the short way to run one to its end.

/// A process that has ended.
public struct Finished: Sendable, CustomStringConvertible {
  public enum Outcome: Sendable, Equatable {
    /// It ended by itself with this status, 0–255.
    case exited(Int32)
    /// This signal ended it.
    case signalled(Int32)
  }

  public let outcome: Outcome
  /// All that it wrote to standard output; empty where that was not captured.
  public let output: [UInt8]
  /// All that it wrote to standard error.
  public let error: [UInt8]
  /// From the start to the end of the process.
  public let elapsed: Duration

  public var outputText: String { String(decoding: output, as: UTF8.self) }
  public var errorText: String { String(decoding: error, as: UTF8.self) }

  public var description: String {
    "\(outcome) after \(elapsed)\n\(transcript(output: output, error: error))"
  }
}

/// Runs a program to its end.
///
/// - Parameters:
///   - arguments: The words; the first is looked up in `PATH`.
///   - input: Standard input.
///   - environment: Variables that are added to this process's own.
///   - directory: The working directory; `nil` for this process's own.
///   - limit: When to kill it and throw.
/// - Returns: Its outcome and outputs, whatever they are.
/// - Throws: `TestFailure` when it cannot be started or takes longer than `limit`.
public func run(
  _ arguments: [String], input: Child.Input = .null, environment: [String: String] = [:],
  directory: String? = nil, within limit: Duration = patience
) throws(TestFailure) -> Finished {
  let child = try Child(
    arguments, input: input, environment: environment, directory: directory)
  return try child.wait(within: limit)
}

/// Both outputs as a log shows them: long ones by their end, where the reason usually is.
func transcript(output: [UInt8], error: [UInt8]) -> String {
  func section(_ name: String, _ bytes: [UInt8]) -> String {
    let shown = bytes.suffix(4_000)
    let cut = shown.count < bytes.count ? ", the last \(shown.count)" : ""
    return "--- \(name), \(bytes.count) bytes\(cut)\n\(String(decoding: shown, as: UTF8.self))"
  }
  return section("standard output", output) + "\n" + section("standard error", error)
}
