// The one way out: bytes are gathered and written to a descriptor in large pieces, and none is lost
// without an error.

import Glibc

/// Bytes on their way to a descriptor, written 64 KiB at a time.
///
/// The descriptor is borrowed and stays open. What is still gathered when the buffer goes is not
/// written, because that could fail unheard: call `flush` at the end.
public struct OutputBuffer: ~Copyable {
  /// Where the bytes go.
  public let descriptor: Int32
  /// What errors call it.
  public let name: String
  private var bytes = ByteBuffer(capacity: 2 * capacity)
  private let mayWait: (() -> Bool)?
  private static let capacity = 65_536
  /// Whether the bytes go nowhere.
  private var isText = false

  /// - Parameters:
  ///   - descriptor: An open descriptor, blocking or not.
  ///   - name: What errors call it; by default “standard output”, “standard error” or its number.
  ///   - mayWait: Asked again and again while the descriptor takes nothing; false gives up with
  ///     EAGAIN. Without it a write waits for ever.
  public init(descriptor: Int32, name: String? = nil, whileWaiting mayWait: (() -> Bool)? = nil) {
    self.descriptor = descriptor
    self.mayWait = mayWait
    switch descriptor {
    case STDOUT_FILENO: self.name = name ?? "standard output"
    case STDERR_FILENO: self.name = name ?? "standard error"
    default: self.name = name ?? "descriptor \(descriptor)"
    }
  }

  /// What `write` would write, as text: for who has another way out.
  public static func text(
    _ write: (inout OutputBuffer) throws(OutputError) -> Void
  ) throws(OutputError) -> String {
    var buffer = OutputBuffer(descriptor: -1)
    buffer.isText = true
    try write(&buffer)
    return buffer.bytes.text
  }

  /// Adds bytes.
  public mutating func write(_ more: [UInt8]) throws(OutputError) {
    try write { $0 += more }
  }

  /// Adds text as UTF-8.
  public mutating func write(_ text: String) throws(OutputError) {
    try write { $0 += text.utf8 }
  }

  /// Adds text and a newline.
  public mutating func line(_ text: String = "") throws(OutputError) {
    try write { buffer in
      buffer += text.utf8
      buffer.append(UInt8(ascii: "\n"))
    }
  }

  /// Adds whatever `append` appends, without a copy in between.
  public mutating func write(_ append: (inout ByteBuffer) -> Void) throws(OutputError) {
    append(&bytes)
    if bytes.count >= Self.capacity, !isText { try flush() }
  }

  /// Writes all that is gathered.
  ///
  /// - Throws: `OutputError`. What was not written stays, so a second `flush` can go on from there.
  public mutating func flush() throws(OutputError) {
    var done = 0
    // In place: what is written goes, also when the rest fails.
    defer { bytes.removeFirst(done) }
    while done < bytes.count {
      let piece = try nextPiece(bytes.count - done)
      let (count, code) = bytes.withSpan(done..<(done + piece)) { rest in
        unsafe rest.withUnsafeBufferPointer { rest in
          let count = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
          return (count, errno)
        }
      }
      switch code {
      case _ where count >= 0: done += count
      case EINTR: continue
      case EAGAIN: _ = isWritable(within: mayWait == nil ? -1 : 0)
      default: throw OutputError(code: code, descriptor: descriptor, name: name)
      }
    }
  }

  /// How many of so many bytes may be written at once. Where the wait has a limit, that is what a
  /// ready pipe takes whole, once it is ready.
  private func nextPiece(_ count: Int) throws(OutputError) -> Int {
    guard let mayWait else { return count }
    while !isWritable(within: 0) {
      guard mayWait() else { throw OutputError(code: EAGAIN, descriptor: descriptor, name: name) }
      _ = isWritable(within: 50)
    }
    return min(count, Int(PIPE_BUF))
  }

  /// Whether a write would not wait, or would fail. Another program may have made the shared terminal
  /// or pipe non-blocking. Where that cannot be asked, the write is tried.
  private func isWritable(within milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return unsafe poll(&entry, 1, milliseconds) != 0
  }
}

/// Output that the kernel did not take.
public struct OutputError: Error, Equatable, CustomStringConvertible {
  /// The `errno` of write(2).
  public let code: Int32
  /// The descriptor that was written to.
  public let descriptor: Int32
  /// What a person calls that descriptor.
  public let name: String

  public init(code: Int32, descriptor: Int32, name: String) {
    self.code = code
    self.descriptor = descriptor
    self.name = name
  }

  /// Whether the reader is gone, which is no fault of ours.
  public var isBrokenPipe: Bool { code == EPIPE }

  public var description: String {
    "write to \(name): \(Self.reason(code))"
  }

  /// The errors of write(2), in the C library's words; others by number.
  private static func reason(_ code: Int32) -> String {
    switch code {
    case EAGAIN: "its reader takes nothing (EAGAIN)"
    case EBADF: "bad file descriptor (EBADF)"
    case EDQUOT: "disk quota exceeded (EDQUOT)"
    case EFBIG: "file too large (EFBIG)"
    case EINVAL: "invalid argument (EINVAL)"
    case EIO: "input/output error (EIO)"
    case ENOSPC: "no space left on device (ENOSPC)"
    case EPERM: "operation not permitted (EPERM)"
    case EPIPE: "broken pipe (EPIPE)"
    default: "errno \(code)"
    }
  }
}
