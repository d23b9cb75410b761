// Several files that are sent as one.

internal import Glibc

/// The bytes of several files, one after another as cat(1) gives them.
///
/// Only regular files: they never make the program wait, which no readiness would have to tell of.
public final class FileSequence: InternalInput {
  /// One of the files.
  public struct Part: Sendable {
    public let path: String
    /// Bytes when it was opened.
    public let size: Int
    /// Bytes that were read from it, once its end has been seen.
    public fileprivate(set) var count: Int?
  }

  private var files: [KeptDescriptor] = []
  /// The files in their order.
  public private(set) var parts: [Part] = []
  private var current = 0
  private var countOfCurrent = 0

  /// Opens all of them.
  ///
  /// - Throws: the errno of open(2); ESPIPE for what is no regular file.
  public init(_ paths: [String]) throws(SystemCallError) {
    for path in paths {
      let file = KeptDescriptor(try Descriptor.open(path, flags: O_RDONLY | O_NONBLOCK))
      var status = stat()
      try SystemCall(name: "fstat").make("of \(path)") { unsafe fstat(file.number, &status) }
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw SystemCallError("read", "from \(path)", .notSeekable)
      }
      files.append(file)
      parts.append(Part(path: path, size: Int(status.st_size)))
    }
  }

  var isReady: Bool { true }

  func read(into buffer: inout MutableRawSpan) throws(SystemCallError) -> TransferResult {
    while current < files.count {
      let number = files[current].number
      let result = try unsafe buffer.withUnsafeMutableBytes { bytes throws(SystemCallError) in
        try SystemCall(name: "read").transfer("from \(parts[current].path)") {
          unsafe Glibc.read(number, bytes.baseAddress, bytes.count)
        }
      }
      guard case .endOfInput = result else {
        if case .transferred(let count) = result { countOfCurrent += count }
        return result
      }
      parts[current].count = countOfCurrent
      countOfCurrent = 0
      current += 1
    }
    return .endOfInput
  }
}

extension ByteInput {
  /// The bytes of several files, one after another.
  public init(_ files: FileSequence) { self.init(files as any InternalInput) }
}
