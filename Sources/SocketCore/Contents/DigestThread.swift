// The thread that computes a digest, and what it shares with the thread that moves the bytes.

internal import Glibc
internal import Synchronization

/// Bytes on their way to the thread.
struct DigestPiece: Sendable {
  var bytes: [UInt8] = []
  var count = 0

  init(capacity: Int = 0) { bytes = [UInt8](repeating: 0, count: capacity) }

  var isFull: Bool { count == bytes.count }

  /// - Returns: how many of `source` had room.
  mutating func take(_ source: Span<UInt8>) -> Int {
    let taken = min(source.count, bytes.count - count)
    unsafe source.extracting(first: taken).withUnsafeBytes { source in
      unsafe bytes.withUnsafeMutableBytes { target in
        unsafe UnsafeMutableRawBufferPointer(rebasing: target[count...]).copyMemory(from: source)
      }
    }
    count += taken
    return taken
  }
}

/// What the two threads share. Each piece belongs to one of them, or to neither while it is in a queue.
final class DigestThread: Sendable {
  /// Bytes; with 256 KiB the threads wake each other too often.
  static let pieceSize = 512 << 10
  /// How many there are, the one that is being filled among them.
  static let pieces = 4

  private struct State: Sendable {
    var digest: Digest
    var filled: [DigestPiece] = []
    var empty = (1..<pieces).map { _ in DigestPiece(capacity: pieceSize) }
  }

  private let state: Mutex<State>
  private let filled = Semaphore(0)
  private let empty = Semaphore(pieces - 1)

  init(_ digest: Digest) { state = Mutex(State(digest: digest)) }

  /// What it came to, once the thread has ended.
  var digest: Digest { state.withLock { $0.digest } }

  /// Hands a piece over and gets an empty one, as soon as there is one.
  func exchange(_ piece: inout DigestPiece) {
    state.withLock { $0.filled.append(piece) }
    // The other thread is to be the only owner, or its bytes would be copied when it is refilled.
    piece = DigestPiece()
    filled.signal()
    empty.wait()
    piece = state.withLock { $0.empty.popLast() } ?? DigestPiece(capacity: Self.pieceSize)
  }

  /// Nothing more comes: nothing is in the queue then.
  func end() { filled.signal() }

  /// The life of the thread.
  func run() {
    var digest = digest
    while takeNext(into: &digest) { empty.signal() }
    state.withLock { $0.digest = digest }
  }

  private func takeNext(into digest: inout Digest) -> Bool {
    filled.wait()
    guard var piece = state.withLock({ $0.filled.isEmpty ? nil : $0.filled.removeFirst() }) else {
      return false
    }
    digest.append(piece.bytes.span.extracting(first: piece.count))
    piece.count = 0
    state.withLock { $0.empty.append(piece) }
    return true
  }
}

/// A semaphore of POSIX, sem_overview(7).
///
/// It is safe to share, which the compiler cannot see: the pointer is set before anybody else has the
/// object and freed when nobody has it any more, and what is behind it is only touched by sem_post(3)
/// and sem_wait(3), which are made for several threads.
@safe private final class Semaphore: @unchecked Sendable {
  private let pointer = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init(_ count: Int) {
    // Fails only beyond SEM_VALUE_MAX.
    _ = unsafe sem_init(pointer, 0, UInt32(count))
  }

  deinit {
    _ = unsafe sem_destroy(pointer)
    unsafe pointer.deallocate()
  }

  func signal() { _ = unsafe sem_post(pointer) }

  func wait() {
    // Fails only where a signal's handler ran.
    while unsafe sem_wait(pointer) != 0 {}
  }
}
