// Standard input and output for several connections at once: what is typed goes to all of them, and
// what they send comes line by line with the number of the connection before it.

/// Where several connections write lines; bytes of two never stand in one line.
final class SharedOutput {
  private var output: ByteOutput
  /// `ServeHooks.line`.
  private let shows: (([UInt8]) -> [UInt8])?
  private var pending: [UInt8] = []
  /// Whether a connection was turned away for lack of room since `grantRoom`.
  private var isAwaited = false
  /// Beyond that nothing is taken before the reader has read.
  private static let most = 256 * 1024
  /// A longer line is broken.
  fileprivate static let longestLine = 64 * 1024

  init(_ output: consuming ByteOutput, shows: (([UInt8]) -> [UInt8])? = nil) {
    self.output = output
    self.shows = shows
  }

  var descriptor: Int32 { output.descriptor }

  /// Whether another line may come; whoever is told no waits for `grantRoom`.
  fileprivate func hasRoom() -> Bool {
    let isFull = pending.count >= Self.most
    if isFull { isAwaited = true }
    return !isFull
  }

  /// Whether there is room again for those who were turned away.
  var owesRoom: Bool { isAwaited && pending.count < Self.most }

  /// Takes back that somebody was turned away: all of them are to try again now.
  func grantRoom() { isAwaited = false }

  fileprivate func append(_ tag: [UInt8], _ line: [UInt8]) {
    pending += tag
    pending += shows?(line) ?? line
    pending.append(UInt8(ascii: "\n"))
  }

  /// Writes what can be written, and watches for the rest.
  ///
  /// - Throws: the errno of write(2), or a failure of the loop.
  func flush(_ loop: inout ReadinessLoop) throws(SystemCallError) {
    if !pending.isEmpty,
      !output.needsReadiness || !loop.readiness(of: output.descriptor).isEmpty
    {
      let bytes = pending
      if case .transferred(let count) = try unsafe output.write(bytes.span.bytes) {
        pending.removeFirst(count)
      }
    }
    if pending.isEmpty {
      loop.forget(output.descriptor)
    } else {
      try loop.watch(output.descriptor, for: .writable)
    }
  }

  var isEmpty: Bool { pending.isEmpty }
}

/// The lines of one connection on their way to the shared output.
final class TaggedOutput: InternalOutput {
  private let shared: SharedOutput
  private let tag: [UInt8]
  /// The beginning of a line whose end has not come.
  private var partial: [UInt8] = []

  init(_ shared: SharedOutput, number: Int) {
    self.shared = shared
    tag = Array("#\(number) ".utf8)
  }

  func write(_ bytes: RawSpan) -> TransferResult {
    guard shared.hasRoom() else { return .wouldBlock }
    return writeLast(bytes)
  }

  /// Beyond the shared output's room too: what is lost here nobody will send again.
  func writeLast(_ bytes: RawSpan) -> TransferResult {
    unsafe bytes.withUnsafeBytes { bytes in
      var rest = unsafe bytes[...]
      while unsafe !rest.isEmpty {
        let room = SharedOutput.longestLine - partial.count
        // One more, in case that is the end of the line.
        if let end = unsafe rest.prefix(room + 1).firstIndex(of: UInt8(ascii: "\n")) {
          unsafe partial += rest[..<end]
          unsafe rest = rest[(end + 1)...]
          finishLine()
        } else {
          let piece = unsafe rest.prefix(room)
          unsafe partial += piece
          unsafe rest = rest[piece.endIndex...]
          if unsafe !rest.isEmpty { finishLine() }
        }
      }
    }
    return .transferred(bytes.byteCount)
  }

  private func finishLine() {
    shared.append(tag, partial)
    // A connection that is idle keeps no buffer.
    partial = []
  }

  func close() {
    if !partial.isEmpty { finishLine() }
  }
}

/// One input for several connections: each piece is read once all of them have taken the last.
final class Broadcast {
  private let input: ByteInput
  fileprivate var chunk: [UInt8] = []
  fileprivate var generation = 0
  fileprivate var hasEnded = false
  /// Connections that take what comes, and how many of them have not taken all of the chunk.
  fileprivate var readers = 0
  fileprivate var behind = 0
  private let pool: BufferPool

  init(_ input: consuming ByteInput, _ pool: BufferPool) {
    self.input = input
    self.pool = pool
  }

  var descriptor: Int32 { input.descriptor }

  /// Watches the input while somebody is there who could take what it gives.
  func watch(_ loop: inout ReadinessLoop) throws(SystemCallError) {
    if readers > 0 && behind == 0 && !hasEnded {
      try loop.watch(input.descriptor, for: .readable)
    } else {
      loop.forget(input.descriptor)
    }
  }

  /// Reads the next piece, once everybody has taken the last.
  ///
  /// - Returns: whether there is something new for them.
  /// - Throws: the errno of read(2).
  func read() throws(SystemCallError) -> Bool {
    guard behind == 0, readers > 0, !hasEnded else { return false }
    chunk.removeAll(keepingCapacity: true)
    var buffer: [UInt8] = []
    pool.lend(to: &buffer)
    defer { pool.takeBack(from: &buffer) }
    var span = buffer.mutableSpan
    var target = unsafe span.mutableBytes
    switch try input.read(into: &target) {
    case .wouldBlock: return false
    case .endOfInput: hasEnded = true
    case .transferred(let count):
      chunk += buffer[..<count]
      generation += 1
      behind = readers
    }
    return true
  }
}

/// One connection's view of the shared input, from when it was made.
final class BroadcastInput: InternalInput {
  private let shared: Broadcast
  private var generation: Int
  private var position: Int
  private var isAbandoned = false

  init(_ shared: Broadcast) {
    self.shared = shared
    generation = shared.generation
    position = shared.chunk.count
    shared.readers += 1
  }

  deinit { abandon() }

  /// A connection that only ends now, however long that takes, holds up nobody.
  func abandon() {
    guard !isAbandoned else { return }
    if isBehind { shared.behind -= 1 }
    shared.readers -= 1
    isAbandoned = true
  }

  private var isBehind: Bool {
    generation != shared.generation || position < shared.chunk.count
  }

  var isReady: Bool { isBehind || shared.hasEnded }

  func read(into buffer: inout MutableRawSpan) -> TransferResult {
    guard isBehind else { return shared.hasEnded ? .endOfInput : .wouldBlock }
    if generation != shared.generation {
      generation = shared.generation
      position = 0
    }
    let count = min(buffer.byteCount, shared.chunk.count - position)
    unsafe buffer.withUnsafeMutableBytes { target in
      unsafe shared.chunk.withUnsafeBytes { chunk in
        unsafe target.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: chunk[position..<position + count]))
      }
    }
    position += count
    if !isBehind { shared.behind -= 1 }
    return .transferred(count)
  }
}
