// Line ends as many protocols of the Internet want them: CR LF, whatever was typed.

/// Puts a CR before every LF that has none. Remembers what came last: a CR and its LF may come in
/// two pieces.
public struct LineEnds: Hashable, Sendable {
  private var endsInReturn = false

  public init() {}

  /// Converts a part of `bytes`, which comes behind those of the last call, in place.
  ///
  /// - Parameters:
  ///   - bytes: The buffer.
  ///   - part: What is to be converted.
  ///   - start: Where the result begins, in front of `part` by at least as many bytes as it has:
  ///     each may become two, and none may be written over before it was read.
  /// - Returns: How many bytes the result has.
  public mutating func convert(_ bytes: inout [UInt8], _ part: Range<Int>, to start: Int) -> Int {
    precondition(part.lowerBound - start >= part.count)
    var end = start
    for place in part {
      let byte = bytes[place]
      if byte == UInt8(ascii: "\n") && !endsInReturn {
        bytes[end] = UInt8(ascii: "\r")
        end += 1
      }
      bytes[end] = byte
      end += 1
      endsInReturn = byte == UInt8(ascii: "\r")
    }
    return end - start
  }
}
