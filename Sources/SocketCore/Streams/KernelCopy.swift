// The calls that move bytes between a connection and a local stream inside the kernel.

internal import CLinux
internal import Glibc

/// How much is moved by one call.
enum KernelCopy {
  /// Bytes of a file. Each call costs little beside that, and none lasts longer than some
  /// milliseconds: signals and time limits are looked at in between.
  static let fileChunk = 8 << 20
  /// Bytes that are dropped.
  static let dropChunk = 8 << 20
  /// How often one call sends a short buffer: with 64 KiB of them as much as a send buffer holds.
  static let mostRepetitions = 64
  /// The room of a pipe that an unprivileged process may ask for: fs.pipe-max-size.
  static let largestPipe: Int = {
    let unchanged = 1 << 20
    guard
      let file = try? Descriptor.open("/proc/sys/fs/pipe-max-size", flags: O_RDONLY)
    else { return unchanged }
    return unsafe withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { buffer in
      let count = unsafe read(file.rawValue, buffer.baseAddress, buffer.count)
      // Without the end of its line it is the beginning of a number.
      guard count > 0, unsafe buffer[count - 1] == UInt8(ascii: "\n") else { return unchanged }
      let digits = unsafe String(decoding: buffer[..<count], as: UTF8.self).prefix { $0.isNumber }
      return Int(digits).map { min($0, 1 << 30) } ?? unchanged
    }
  }()

  /// Enlarges a pipe. Where that is not permitted (fs.pipe-user-pages-soft), it stays as it is.
  ///
  /// - Returns: the bytes that it has room for now.
  @discardableResult
  static func enlarge(_ pipe: Int32) -> Int {
    let present = Int(clinux_pipe_size(pipe))
    guard present >= 0, present < largestPipe else { return max(present, 65_536) }
    let size = Int(clinux_set_pipe_size(pipe, Int32(clamping: largestPipe)))
    return size > 0 ? size : present
  }

  /// Whether a write would not wait; it is tried where that cannot be asked.
  static func isWritable(_ descriptor: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return unsafe poll(&entry, 1, 0) != 0
  }

  /// Moves bytes from a local stream to a pipe, or from a pipe to a local stream, without waiting.
  ///
  /// - Throws: the errno of splice(2).
  static func splice(
    from source: Int32, to sink: Int32, most count: Int, _ subject: @autoclosure () -> String
  ) throws(SystemCallError) -> TransferResult {
    try SystemCall(name: "splice").transfer(subject()) { clinux_splice(source, sink, count) }
  }
}

extension Connection {
  /// Whether an error of a call between the connection and a local stream is the connection's, which
  /// tells it only once. All others are the stream's, or say that the kernel cannot do it.
  func isOwn(_ errno: Errno) -> Bool {
    switch errno.rawValue {
    case ECONNRESET, ETIMEDOUT, ENOTCONN, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN,
      ENETDOWN, EPROTO:
      true
    // An error that has ended it leaves it in that state.
    default: (try? socket.info().state) == .closed
    }
  }

  /// Sends bytes of a file from its offset on, without waiting and without copying them. sendfile(2).
  ///
  /// - Returns: `endOfInput` at the end of the file.
  /// - Throws: what concerns the connection, what concerns the file, and EINVAL where the kernel cannot
  ///   do that with this file.
  func sendFile(
    _ file: Int32, most count: Int, _ name: String
  ) throws(SystemCallError) -> TransferResult {
    try socket.call("sendfile").transfer("of \(name) to \(peer)", arguments: "\(file), \(count)") {
      clinux_sendfile(socket.descriptor.rawValue, file, count)
    }
  }

  /// Sends bytes out of a pipe, without waiting and without copying them. splice(2).
  ///
  /// - Returns: `endOfInput` once the pipe has neither bytes nor writers.
  func splice(from pipe: Int32, most count: Int) throws(SystemCallError) -> TransferResult {
    try socket.call("splice").transfer("to \(peer)", arguments: "from \(pipe), \(count)") {
      clinux_splice(pipe, socket.descriptor.rawValue, count)
    }
  }

  /// Sends equal bytes, as many as fit, without waiting. sendmsg(2).
  ///
  /// - Parameters:
  ///   - run: some of them, at least one.
  ///   - count: how many at most, at least 1.
  func send(
    _ run: Span<UInt8>, repeatedFor count: Int
  ) throws(SystemCallError) -> TransferResult {
    let most = KernelCopy.mostRepetitions
    return try unsafe run.withUnsafeBytes { run throws(SystemCallError) in
      try unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: most) {
        parts throws(SystemCallError) in
        var left = count
        var used = 0
        while left > 0, used < most {
          let length = min(left, run.count)
          unsafe parts[used] = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: run.baseAddress), iov_len: length)
          left -= length
          used += 1
        }
        var message = unsafe msghdr()
        unsafe message.msg_iov = parts.baseAddress
        unsafe message.msg_iovlen = used
        return try socket.call("sendmsg").transfer("to \(peer)", arguments: "\(count - left)") {
          unsafe sendmsg(
            socket.descriptor.rawValue, &message, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
        }
      }
    }
  }

  /// Receives bytes into a pipe, without waiting and without copying them. splice(2).
  ///
  /// - Returns: `endOfInput` once the peer's FIN has been reached.
  func splice(to pipe: Int32, most count: Int) throws(SystemCallError) -> TransferResult {
    try socket.call("splice").transfer("from \(peer)", arguments: "to \(pipe), \(count)") {
      clinux_splice(socket.descriptor.rawValue, pipe, count)
    }
  }

  /// Drops what is there, without copying it. recv(2) with MSG_TRUNC, tcp(7).
  ///
  /// - Returns: `endOfInput` once the peer's FIN has been reached.
  func drop(most count: Int) throws(SystemCallError) -> TransferResult {
    try socket.call("recv").transfer("from \(peer)", arguments: "\(count), MSG_TRUNC") {
      recv(
        socket.descriptor.rawValue, nil, count, Int32(MSG_DONTWAIT | MSG_TRUNC))
    }
  }
}

/// A pipe of our own, between two calls of splice(2).
struct InternalPipe: ~Copyable {
  private let readEnd: Descriptor
  private let writeEnd: Descriptor
  /// Bytes that it has room for, if they come in whole pages.
  private let capacity: Int

  /// - Throws: EMFILE and its kind from pipe2(2).
  init() throws(SystemCallError) {
    var ends: (Int32, Int32) = (-1, -1)
    try SystemCall(name: "pipe2").make("") {
      unsafe withUnsafeMutableBytes(of: &ends) { bytes in
        unsafe clinux_make_pipe(bytes.assumingMemoryBound(to: Int32.self).baseAddress)
      }
    }
    readEnd = Descriptor(owning: ends.0)
    writeEnd = Descriptor(owning: ends.1)
    capacity = KernelCopy.enlarge(ends.0)
  }

  var numbers: (read: Int32, write: Int32, capacity: Int) {
    (readEnd.rawValue, writeEnd.rawValue, capacity)
  }

  /// Takes all bytes out of it again.
  ///
  /// - Parameters:
  ///   - part: where in the result they are; as many as it holds.
  ///   - room: bytes that the result has at least.
  /// - Throws: the errno of read(2): EIO where they are those of a file that cannot be read.
  func take(_ part: Range<Int>, room: Int) throws(SystemCallError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: max(part.upperBound, room))
    var place = part.lowerBound
    while place < part.upperBound {
      let result = try bytes.fill(place..<part.upperBound) { target throws(SystemCallError) in
        try unsafe target.withUnsafeMutableBytes { buffer throws(SystemCallError) in
          try SystemCall(name: "read").transfer("from a pipe") {
            unsafe read(readEnd.rawValue, buffer.baseAddress, buffer.count)
          }
        }
      }
      guard case .transferred(let count) = result else {
        throw SystemCallError("read", "from a pipe", Errno(rawValue: EIO))
      }
      place += count
    }
    return bytes
  }
}

/// How one direction of a relay is moved, and what it waits for.
struct CopyPath: ~Copyable {
  var route = CopyRoute.userspace
  /// Whether another way is not to be taken in its place.
  var isForced = false
  /// For a call from end to end, whether it is the sink that has to be ready next, and not the source.
  var awaitsSink = false
  /// Where bytes wait between two calls of splice(2); made when the first come.
  private var pipe: InternalPipe?
  /// /dev/null, where bytes are to be moved to nowhere.
  private var null: Descriptor?
  /// How often in a row a source said to be ready gave nothing.
  private var emptyTurns = 0
  private var hasEnlarged = false

  /// Takes in that bytes have reached the sink.
  mutating func count(_ bytes: Int, in tally: inout CopyTally) {
    let call: CopyCall =
      switch route {
      case .userspace, .repeated: .userspace
      case .sendfile: .sendfile
      case .splice, .spliceTwice: .splice
      case .drop: .drop
      }
    tally[call] += bytes
    emptyTurns = 0
  }

  /// The pipe of its own.
  ///
  /// - Throws: EMFILE and its kind from pipe2(2).
  mutating func ends() throws(SystemCallError) -> (read: Int32, write: Int32, capacity: Int) {
    if pipe == nil { pipe = try InternalPipe() }
    guard let ends = pipe?.numbers else { return (-1, -1, 0) }
    return ends
  }

  /// Where splice(2) gives bytes that nobody wants.
  ///
  /// - Throws: the errno of open(2).
  mutating func nowhere() throws(SystemCallError) -> Int32 {
    if null == nil { null = try Descriptor.open("/dev/null", flags: O_WRONLY) }
    return null?.rawValue ?? -1
  }

  /// Whether more may wait in between: a pipe is filled again only once it is empty, since what one
  /// that holds some bytes can take depends on how these lie in it.
  func hasRoom(beside half: RelayHalf) -> Bool { route != .spliceTwice || half.filled.isEmpty }

  /// Enlarges the pipe at a local end, once so much has gone through it that it matters.
  mutating func enlarge(_ descriptor: Int32, after moved: Int) {
    guard !hasEnlarged, moved >= 65_536 else { return }
    hasEnlarged = true
    KernelCopy.enlarge(descriptor)
  }

  /// Takes in that a source said to be ready gave nothing though its sink had room. What the kernel
  /// cannot move this way would make it so for ever: urgent data, for example, stops splice(2).
  ///
  /// - Returns: whether another way has to be taken.
  mutating func noteEmptyTurn() -> Bool {
    emptyTurns += 1
    return emptyTurns >= 3
  }

  /// Goes on through this process's memory.
  ///
  /// - Parameters:
  ///   - filled: which bytes wait in between.
  ///   - buffer: gets them, and has room for what may come behind them before they are written.
  ///   - capacity: bytes that a buffer has.
  /// - Throws: where they cannot be had: the errno of read(2).
  mutating func fallBack(
    _ filled: Range<Int>, to buffer: inout [UInt8], capacity: Int
  ) throws(SystemCallError) {
    route = .userspace
    awaitsSink = false
    emptyTurns = 0
    if let pipe = pipe.take(), !filled.isEmpty {
      buffer = try pipe.take(filled, room: capacity)
    }
  }
}
