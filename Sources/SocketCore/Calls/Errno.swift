// The error number that a system call leaves behind, with its name and its text.

internal import CLinux
internal import Glibc

/// An `errno` value. The texts are libc's own, independent of the locale.
public struct Errno: RawRepresentable, Error, Hashable, Sendable {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let operationNotPermitted = Errno(rawValue: EPERM)
  public static let interrupted = Errno(rawValue: EINTR)
  public static let badDescriptor = Errno(rawValue: EBADF)
  public static let tryAgain = Errno(rawValue: EAGAIN)
  public static let accessDenied = Errno(rawValue: EACCES)
  public static let brokenPipe = Errno(rawValue: EPIPE)
  /// Of this process.
  public static let tooManyDescriptors = Errno(rawValue: EMFILE)
  /// Of the whole host.
  public static let tooManyOpenFiles = Errno(rawValue: ENFILE)
  public static let noBuffers = Errno(rawValue: ENOBUFS)
  public static let noMemory = Errno(rawValue: ENOMEM)
  public static let noSpace = Errno(rawValue: ENOSPC)
  public static let alreadyThere = Errno(rawValue: EEXIST)
  public static let notSeekable = Errno(rawValue: ESPIPE)
  public static let isADirectory = Errno(rawValue: EISDIR)
  public static let notADirectory = Errno(rawValue: ENOTDIR)
  public static let readOnly = Errno(rawValue: EROFS)
  public static let invalidArgument = Errno(rawValue: EINVAL)
  public static let notFound = Errno(rawValue: ENOENT)
  public static let noSuchDevice = Errno(rawValue: ENODEV)
  public static let familyNotSupported = Errno(rawValue: EAFNOSUPPORT)
  public static let addressInUse = Errno(rawValue: EADDRINUSE)
  public static let addressNotAvailable = Errno(rawValue: EADDRNOTAVAIL)
  public static let networkUnreachable = Errno(rawValue: ENETUNREACH)
  public static let networkDown = Errno(rawValue: ENETDOWN)
  public static let hostUnreachable = Errno(rawValue: EHOSTUNREACH)
  public static let hostDown = Errno(rawValue: EHOSTDOWN)
  public static let protocolNotAvailable = Errno(rawValue: ENOPROTOOPT)
  public static let connectionReset = Errno(rawValue: ECONNRESET)
  public static let connectionRefused = Errno(rawValue: ECONNREFUSED)
  public static let notConnected = Errno(rawValue: ENOTCONN)
  public static let timedOut = Errno(rawValue: ETIMEDOUT)
  public static let malformedMessage = Errno(rawValue: EBADMSG)
  public static let inProgress = Errno(rawValue: EINPROGRESS)

  /// Whether there was no descriptor or no memory for a socket: nothing that its peer has to do with,
  /// and it may pass once another socket is closed. socket(2), accept(2).
  var isShortage: Bool {
    [.tooManyDescriptors, .tooManyOpenFiles, .noBuffers, .noMemory].contains(self)
  }

  /// What the last failed call of this thread left. To be read before anything else is called.
  static var last: Errno { Errno(rawValue: Glibc.errno) }

  /// The symbolic name, `ECONNREFUSED`; `errno 4095` for a number that libc does not know.
  /// strerrorname_np(3).
  public var name: String {
    unsafe clinux_strerrorname(rawValue).map { unsafe String(cString: $0) } ?? "errno \(rawValue)"
  }

  /// The text in lower case, `connection refused`. strerrordesc_np(3).
  public var message: String {
    guard let text = unsafe clinux_strerrordesc(rawValue).map({ unsafe String(cString: $0) }),
      let first = text.first
    else { return "unknown error" }
    return first.lowercased() + text.dropFirst()
  }
}
