// Buffers for connections that need one only while bytes wait in it.

/// Lends buffers of one size. A connection without bytes in flight holds none, so that ten thousand
/// idle ones cost next to nothing. Not for several threads.
public final class BufferPool {
  /// Bytes a buffer.
  public let capacity: Int
  private var free: [[UInt8]] = []
  private static let keptBuffers = 16

  public init(capacity: Int) { self.capacity = capacity }

  /// Gives `buffer` its bytes, whatever they hold, where it has none.
  func lend(to buffer: inout [UInt8]) {
    guard buffer.isEmpty else { return }
    buffer = free.popLast() ?? [UInt8](repeating: 0, count: capacity)
  }

  /// Takes the bytes of `buffer` back.
  func takeBack(from buffer: inout [UInt8]) {
    guard !buffer.isEmpty else { return }
    // What came out of a pipe when the kernel refused to go on may be of another size.
    if free.count < Self.keptBuffers, buffer.count == capacity { free.append(buffer) }
    buffer = []
  }
}

extension [UInt8] {
  /// Lends a part of the array to a call that fills it.
  mutating func fill<Result>(
    _ part: Range<Int>, _ body: (inout MutableRawSpan) throws(SystemCallError) -> Result
  ) throws(SystemCallError) -> Result {
    var span = mutableSpan
    var bytes = unsafe span.mutableBytes
    var target = bytes._mutatingExtracting(part)
    return try body(&target)
  }
}
