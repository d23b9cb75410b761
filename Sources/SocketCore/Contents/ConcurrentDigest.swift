// A digest that is computed beside the moving of the bytes, on a thread of its own.

internal import Glibc

/// Takes bytes in as they are moved, and gives their digest at the end.
///
/// SHA-256 is the one thing here that takes a processor longer than all else of a transfer, so that
/// it is the one thing that has a thread. The sender of a file over loopback comes to 0.65 of the rate
/// of nc, which computes none, and with the thread to 0.87, near what the SHA instructions do by
/// themselves (9.5 and 13.7 Gbit/s; medians of 7 paired runs, two processors). Where both ends have one,
/// two processors have enough to do without it, and it changes nothing (0.58 and 0.59).
///
/// The thread gets copies of exactly the bytes that were moved. To read the file once more by itself
/// would spare the copy, but would be the digest of something else where somebody writes to the file.
public struct ConcurrentDigest: ~Copyable {
  /// What is taken in before a thread is worth its start.
  static let threshold = 4 << 20

  private var mayHaveThread: Bool
  private var count = 0
  /// What has been taken in while there is no thread.
  private var digest: Digest
  private var thread: DigestThread?
  private var handle = pthread_t()
  /// What is handed to the thread next.
  private var piece = DigestPiece()

  /// - Parameter mayHaveThread: Not where there are many digests at the same time: a thread has two
  ///   megabytes. Nothing else is different without it.
  public init(_ algorithm: DigestAlgorithm, mayHaveThread: Bool = true) {
    digest = Digest(algorithm)
    self.mayHaveThread = mayHaveThread && algorithm == .sha256
  }

  deinit {
    guard let thread else { return }
    thread.end()
    pthread_join(handle, nil)
  }

  /// Waits for the thread where that is behind by more than `DigestThread.pieces`.
  public mutating func append(_ bytes: Span<UInt8>) {
    count += bytes.count
    if mayHaveThread, count > Self.threshold {
      // Tried once: the C library counts processors by reading a file.
      mayHaveThread = false
      if sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 { start() }
    }
    guard let thread else { return digest.append(bytes) }
    var rest = bytes
    while !rest.isEmpty {
      rest = rest.extracting(droppingFirst: piece.take(rest))
      if piece.isFull { thread.exchange(&piece) }
    }
  }

  /// The digest of what has been taken in so far. The thread is through with it, and ends.
  public mutating func value() -> DigestValue {
    if let thread {
      if piece.count > 0 { thread.exchange(&piece) }
      thread.end()
      pthread_join(handle, nil)
      digest = thread.digest
      self.thread = nil
      piece = DigestPiece()
    }
    return digest.value
  }

  /// Where there is no room for another thread (RLIMIT_NPROC, memory), it goes on without.
  private mutating func start() {
    let thread = DigestThread(digest)
    let argument = unsafe Unmanaged.passRetained(thread)
    var all = sigset_t()
    var before = sigset_t()
    // Signals are for the thread that has the loop.
    _ = unsafe sigfillset(&all)
    _ = unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    let result = unsafe pthread_create(
      &handle, nil,
      { argument in
        if let argument = unsafe argument {
          unsafe Unmanaged<DigestThread>.fromOpaque(argument).takeRetainedValue().run()
        }
        return nil
      }, argument.toOpaque())
    _ = unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    if result == 0 {
      self.thread = thread
      piece = DigestPiece(capacity: DigestThread.pieceSize)
    } else {
      unsafe argument.release()
    }
  }
}
