// The local ends of a relay: standard input, standard output, files. They never make the program
// wait, and what they do to a descriptor is never felt by another process that shares it.

internal import CLinux
internal import Glibc

/// How a descriptor can be used without waiting.
private enum Nature {
  /// A regular file or a device without poll: always ready.
  case file
  /// Not open, or not for this use: every call fails, and nothing is waited for.
  case unusable
  /// A socket: each call can be told not to wait.
  case socket
  /// A pipe or a terminal, opened anew with O_NONBLOCK. Setting O_NONBLOCK on the descriptor that we
  /// were given would set it for every process that shares it, the shell included.
  case nonBlocking
  /// A pipe or a terminal that cannot be opened anew (another user's, or no /proc): it is used only
  /// when it is ready, in pieces that a ready pipe takes whole.
  case patient
}

/// A descriptor number and the calls to make on it. A class, so that a stream without one is small.
private final class LocalDescriptor {
  /// The number that was given, which is somebody else's to close, or is closed by `close`.
  let given: Int32
  let name: String
  let nature: Nature
  let kind: StreamKind
  /// Why it is not even known what it is.
  let refusal: SystemCallError?
  private var reopened: Descriptor?
  /// The number to use.
  let number: Int32

  init(_ given: Int32, name: String, access: Int32) {
    self.given = given
    self.name = name
    var status = stat()
    var mode: Int32 = -1
    var failure: SystemCallError?
    do throws(SystemCallError) {
      mode = try SystemCall(name: "fcntl").make("F_GETFL of \(name)") { fcntl(given, F_GETFL) }
      try SystemCall(name: "fstat").make("of \(name)") { unsafe fstat(given, &status) }
    } catch {
      mode = -1
      failure = error
    }
    // What is not open is told by the call that uses it.
    refusal = failure?.errno == .badDescriptor ? nil : failure
    guard mode != -1, mode & O_ACCMODE == access || mode & O_ACCMODE == O_RDWR else {
      // Opening it anew would give what the descriptor itself denies, the other end of its own pipe
      // for example.
      nature = .unusable
      kind = .unusable
      number = -1
      return
    }
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG, S_IFBLK: mode & O_APPEND == 0 ? .file : .appendingFile
      case S_IFIFO: .pipe
      case S_IFSOCK: .socket
      case S_IFCHR where access == O_WRONLY && clinux_is_null_device(status.st_rdev) != 0:
        .nowhere
      default: .device
      }
    switch status.st_mode & S_IFMT {
    case S_IFSOCK: nature = .socket
    case S_IFIFO, S_IFCHR:
      reopened = try? Descriptor.open(
        "/proc/self/fd/\(given)", flags: access | O_NONBLOCK | O_NOCTTY)
      nature = reopened == nil ? .patient : .nonBlocking
    default: nature = .file
    }
    number = reopened?.rawValue ?? given
  }

  /// To be called before each use.
  func check() throws(SystemCallError) {
    if let refusal { throw refusal }
  }

  /// Closes the stream for good, so that its other end sees the end. Standard descriptors are
  /// filled again at once: no socket is to get their number.
  func close() throws(SystemCallError) {
    if let descriptor = reopened.take() { try descriptor.close(name) }
    let given = given
    let result = SystemCall(name: "close", retryOnInterrupt: false).attempt { Glibc.close(given) }
    Descriptor.fillStandardDescriptors()
    if case .failure(let errno) = result, errno != .interrupted {
      throw SystemCallError("close", name, errno)
    }
  }
}

/// Where bytes to be sent come from.
public struct ByteInput: ~Copyable {
  private let stream: LocalDescriptor?
  private let file: Descriptor?
  /// Where the bytes come from in place of a descriptor.
  private let source: (any InternalInput)?

  /// Standard input.
  public static func standard() -> ByteInput { ByteInput(STDIN_FILENO, name: "standard input") }

  /// For a relay that only receives; never read.
  public static func nothing() -> ByteInput { ByteInput(nil) }

  /// Opens a file to be sent.
  ///
  /// - Throws: the errno of open(2), and EISDIR for a directory, before anything is connected.
  public init(file path: String) throws(SystemCallError) {
    let file = try Descriptor.open(path, flags: O_RDONLY)
    var status = stat()
    if unsafe fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      throw SystemCallError("read", "from \(path)", .isADirectory)
    }
    stream = LocalDescriptor(file.rawValue, name: path, access: O_RDONLY)
    self.file = consume file
    source = nil
  }

  /// Bytes that are made inside this process; nil is `nothing`.
  init(_ source: (any InternalInput)?) {
    stream = nil
    file = nil
    self.source = source
  }

  /// A descriptor that stays somebody else's. `name` is what errors call it.
  public init(_ descriptor: Int32, name: String) {
    stream = LocalDescriptor(descriptor, name: name, access: O_RDONLY)
    file = nil
    source = nil
  }

  /// The number to watch: the one that was given. A FIFO that was opened anew after its last writer
  /// had gone never reports the end of its input (fifo_open in fs/pipe.c).
  public var descriptor: Int32 {
    stream.map { $0.nature == .unusable ? $0.number : $0.given } ?? -1
  }

  /// For bytes that are made inside this process, which no descriptor tells of: whether there are
  /// some, or their end. Nil for a descriptor.
  var isReadyInside: Bool? { source?.isReady }

  /// Whether `read` may only be called when the descriptor is ready.
  public var needsReadiness: Bool { stream?.nature == .patient }

  /// What it is.
  public var kind: StreamKind {
    source.map { $0.run == nil ? .inside : .uniform } ?? stream?.kind ?? .unusable
  }

  /// What errors call it.
  public var name: String { stream?.name ?? "nothing" }

  /// The number to move bytes from.
  var number: Int32 { stream?.number ?? -1 }

  /// Whether a file or a source in this process has more to give, as far as that is known. Behind the
  /// last byte the end is found without the connection having room.
  ///
  /// - Parameter size: how many bytes of a file there were.
  func hasMore(behind count: Int, of size: Int?) -> Bool {
    source.map { $0.rest > 0 } ?? (count != size)
  }

  /// Sends bytes that are all the same.
  ///
  /// - Returns: `endOfInput` behind the last one.
  /// - Throws: as the connection's `send`.
  func sendRun(
    to connection: borrowing Connection, most count: Int
  ) throws(SystemCallError) -> TransferResult {
    guard let source, let run = source.run else { return .endOfInput }
    let count = min(count, source.rest)
    guard count > 0 else { return .endOfInput }
    let result = try connection.send(run.span, repeatedFor: count)
    if case .transferred(let sent) = result { source.skip(sent) }
    return result
  }

  /// How many bytes of a file are in front; nil for all else.
  public var size: Int? {
    var status = stat()
    guard let stream, stream.nature == .file, unsafe fstat(stream.number, &status) == 0,
      status.st_mode & S_IFMT == S_IFREG
    else { return nil }
    let offset = lseek(stream.number, 0, SEEK_CUR)
    return offset < 0 ? nil : Int(status.st_size) - Int(offset)
  }

  /// Lets others that share the input go on without this reader. To be called when it reads no more.
  func abandon() { source?.abandon() }

  /// Finds out whether the stream can be used, as far as that is known before it is.
  ///
  /// - Throws: why it is not even known what it is.
  public func check() throws(SystemCallError) { try stream?.check() }

  /// Reads what is there.
  ///
  /// - Throws: the errno of read(2): EBADF where the stream is not open, EIO, EISDIR …
  public func read(into buffer: inout MutableRawSpan) throws(SystemCallError) -> TransferResult {
    if let source { return try source.read(into: &buffer) }
    guard let stream else { return .endOfInput }
    try stream.check()
    return try unsafe buffer.withUnsafeMutableBytes { bytes throws(SystemCallError) in
      try SystemCall(name: "read").transfer("from \(stream.name)") {
        if stream.nature == .socket {
          return unsafe recv(stream.number, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT))
        }
        return unsafe Glibc.read(stream.number, bytes.baseAddress, bytes.count)
      }
    }
  }
}

/// Where received bytes go.
public struct ByteOutput: ~Copyable {
  /// Nil where the bytes are dropped, or go to `sink`.
  private let stream: LocalDescriptor?
  /// Where the bytes go in place of a descriptor.
  private let sink: (any InternalOutput)?

  /// Standard output.
  public static func standard() -> ByteOutput { ByteOutput(STDOUT_FILENO, name: "standard output") }

  /// Drops every byte.
  public static func discarding() -> ByteOutput { ByteOutput(nil) }

  /// A descriptor that `close` closes. `name` is what errors call it.
  public init(_ descriptor: Int32, name: String) {
    stream = LocalDescriptor(descriptor, name: name, access: O_WRONLY)
    sink = nil
  }

  /// Bytes that are used up inside this process; nil is `discarding`.
  init(_ sink: (any InternalOutput)?) {
    stream = nil
    self.sink = sink
  }

  /// Whether there is no descriptor to wait for.
  var isInside: Bool { stream == nil }

  /// The number to watch.
  public var descriptor: Int32 { stream?.number ?? -1 }

  /// Whether `write` may only be called when the descriptor is ready.
  public var needsReadiness: Bool { stream?.nature == .patient }

  /// What it is.
  public var kind: StreamKind { stream?.kind ?? (sink == nil ? .nowhere : .inside) }

  /// What errors call it.
  public var name: String { stream?.name ?? "nowhere" }

  /// Finds out whether the stream can be used, as far as that is known before it is.
  ///
  /// - Throws: why it is not even known what it is.
  public func check() throws(SystemCallError) { try stream?.check() }

  /// Writes as much as the stream takes.
  ///
  /// - Throws: the errno of write(2): EPIPE where nobody reads any more, ENOSPC on a full disk, EBADF where the stream is not open …
  public func write(_ bytes: RawSpan) throws(SystemCallError) -> TransferResult {
    guard let stream else {
      return try sink?.write(bytes) ?? .transferred(bytes.byteCount)
    }
    try stream.check()
    return try unsafe bytes.withUnsafeBytes { bytes throws(SystemCallError) in
      try SystemCall(name: "write").transfer("to \(stream.name)") {
        switch stream.nature {
        case .socket:
          unsafe send(
            stream.number, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
        case .patient:
          unsafe Glibc.write(stream.number, bytes.baseAddress, min(bytes.count, Int(PIPE_BUF)))
        case .file, .nonBlocking, .unusable:
          unsafe Glibc.write(stream.number, bytes.baseAddress, bytes.count)
        }
      }
    }
  }

  /// Writes what is still there when nothing is waited for any more: the last chance of these bytes.
  ///
  /// - Throws: as `write`.
  func writeLast(_ bytes: RawSpan) throws(SystemCallError) -> TransferResult {
    if let sink { return try sink.writeLast(bytes) }
    return try write(bytes)
  }

  /// Closes the stream: its reader sees the end. Nothing can be written afterwards.
  ///
  /// - Throws: what the kernel found out late: EIO, ENOSPC, EDQUOT.
  public mutating func close() throws(SystemCallError) {
    try sink?.close()
    try stream?.close()
  }
}
