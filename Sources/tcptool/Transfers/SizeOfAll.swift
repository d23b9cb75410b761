// --expect-size of a transfer over several streams: what it holds for is their sum.

internal import CommandSpec
internal import Report
internal import SocketCore

/// Looks whether all streams together have the size that was expected. That is known with the end of
/// the last of them, or as soon as there is too much.
final class SizeOfAll {
  private let verb: String
  private let expected: Int
  /// The streams that have not ended.
  private var open: Set<Int>
  /// Bytes of the streams that have.
  private var ended = 0
  /// Counts what comes, where it is received.
  let budget: ByteBudget

  /// - Parameters:
  ///   - verb: What is done with the data: `received`, `sent`.
  ///   - expected: Its bytes.
  ///   - streams: How many streams there will be.
  init(_ verb: String, expected: Int, streams: Int) {
    self.verb = verb
    self.expected = expected
    open = Set(1...streams)
    budget = ByteBudget(most: expected)
  }

  /// Why the data of a stream is not accepted at its end; nil where it is.
  func refusal(of stream: Int, _ count: Int) -> Failure? {
    end(stream, moved: count)
    guard max(ended, budget.taken) <= expected else {
      return Failure(
        .mismatch,
        "more \(verb) on all streams than the \(Units.plural(expected, "byte")) that were "
          + "expected (--expect-size)")
    }
    guard open.isEmpty, ended < expected else { return nil }
    return Failure(
      .mismatch,
      "short: \(Units.count(ended)) of \(Units.plural(expected, "byte")) \(verb) on all streams "
        + "(--expect-size)")
  }

  /// Takes in that a stream is over, whether or not it came to its end.
  func end(_ stream: Int, moved count: Int) {
    if open.remove(stream) != nil { ended += count }
  }
}
