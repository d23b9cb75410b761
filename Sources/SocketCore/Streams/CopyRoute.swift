// How the bytes of one direction are moved: which of the kernel's ways past this process's memory fit
// the two ends. Rules without a descriptor in them; KernelCopy.swift makes the calls.

/// What kind of thing a local stream is, as far as moving bytes is concerned.
public enum StreamKind: Hashable, Sendable {
  /// A regular file or a block device.
  case file
  /// A file opened with O_APPEND: splice(2) refuses to write there.
  case appendingFile
  case pipe
  case socket
  /// A terminal or another character device.
  case device
  /// What is written there is dropped: nowhere at all, or /dev/null.
  case nowhere
  /// Made or used up inside this process.
  case inside
  /// Made inside this process, and all bytes of it the same.
  case uniform
  /// Not open, or not for this use.
  case unusable
}

/// What was asked for of the ways to move bytes.
public enum CopyChoice: String, CaseIterable, Hashable, Sendable {
  /// The fastest that fits; where the kernel refuses it, the next.
  case auto
  case splice
  case sendfile
  /// Through this process's memory.
  case userspace
}

/// A way to move the bytes of one direction.
public enum CopyRoute: Hashable, Sendable {
  /// Into a buffer of this process, and out of it.
  case userspace
  /// File to connection: sendfile(2).
  case sendfile
  /// Between a pipe and the connection: splice(2).
  case splice
  /// By splice(2) into a pipe of our own, and out of it again. From a file this is 1.2 times as fast as
  /// sendfile(2), and needs a fifth less CPU time: the pipe inside that call has 16 pages, ours 256 (both
  /// ends, loopback, Linux 6.18).
  case spliceTwice
  /// From one short buffer of equal bytes, many times in each sendmsg(2). The buffer stays in the
  /// processor's cache, which makes the copy no dearer than to give the kernel pages of a memory file
  /// (memfd_create(2)) by sendfile(2).
  case repeated
  /// From the connection to nowhere: recv(2) with MSG_TRUNC. Both ends together need a fifth less
  /// CPU time than with splice(2) into /dev/null (loopback, Linux 6.18), and neither pipe nor file.
  case drop

  /// The way from a local stream to the connection.
  ///
  /// - Parameter mayOwnPipe: Whether the direction may have a pipe of its own: two descriptors and
  ///   up to a megabyte of the kernel's memory.
  /// - Returns: nil where what was asked for does not fit.
  public static func outbound(
    from kind: StreamKind, _ choice: CopyChoice, mayOwnPipe: Bool = true
  ) -> CopyRoute? {
    switch (choice, kind) {
    case (.userspace, _): .userspace
    case (.auto, .file) where mayOwnPipe: .spliceTwice
    case (.auto, .appendingFile) where mayOwnPipe: .spliceTwice
    case (.auto, .file), (.auto, .appendingFile): .sendfile
    case (.auto, .pipe), (.splice, .pipe): .splice
    case (.auto, .socket) where mayOwnPipe: .spliceTwice
    case (.auto, .uniform): .repeated
    case (.auto, _): .userspace
    case (.splice, .file), (.splice, .appendingFile), (.splice, .socket): .spliceTwice
    case (.splice, .device): .spliceTwice
    case (.sendfile, .file), (.sendfile, .appendingFile): .sendfile
    case (.splice, _), (.sendfile, _): nil
    }
  }

  /// The way from the connection to a local stream.
  ///
  /// - Returns: nil where what was asked for does not fit. sendfile(2) takes from no connection.
  public static func inbound(
    to kind: StreamKind, _ choice: CopyChoice, mayOwnPipe: Bool = true
  ) -> CopyRoute? {
    switch (choice, kind) {
    case (.userspace, _): .userspace
    case (.auto, .nowhere): .drop
    case (.auto, .pipe), (.splice, .pipe): .splice
    case (.auto, .file) where mayOwnPipe: .spliceTwice
    case (.auto, .socket) where mayOwnPipe: .spliceTwice
    case (.auto, _): .userspace
    case (.splice, .file), (.splice, .socket), (.splice, .nowhere): .spliceTwice
    case (.splice, _), (.sendfile, _): nil
    }
  }

  /// Whether there is something to read at any time, so that only the sink is waited for.
  var awaitsOnlySink: Bool { self == .sendfile || self == .repeated }

  /// Whether a call takes bytes from the one end and gives them to the other, so that none ever wait
  /// in between.
  var isDirect: Bool {
    switch self {
    case .sendfile, .splice, .repeated, .drop: true
    case .userspace, .spliceTwice: false
    }
  }
}

/// The calls that moved bytes, as a person would name them.
public enum CopyCall: String, CaseIterable, Hashable, Sendable {
  case sendfile, splice
  /// recv(2) with MSG_TRUNC.
  case drop
  /// read(2) or recv(2), then send(2) or write(2); for what is made here only one of them.
  case userspace
}

/// How many bytes of one direction were moved by which call.
public struct CopyTally: Hashable, Sendable {
  // Not an array: each connection has some of these, and most move nothing.
  private var sendfile = 0
  private var splice = 0
  private var drop = 0
  private var userspace = 0

  public init() {}

  public internal(set) subscript(call: CopyCall) -> Int {
    get {
      switch call {
      case .sendfile: sendfile
      case .splice: splice
      case .drop: drop
      case .userspace: userspace
      }
    }
    set {
      switch call {
      case .sendfile: sendfile = newValue
      case .splice: splice = newValue
      case .drop: drop = newValue
      case .userspace: userspace = newValue
      }
    }
  }

  /// Counts those of another direction, too.
  public static func += (left: inout Self, right: Self) {
    for call in CopyCall.allCases { left[call] += right[call] }
  }
}
