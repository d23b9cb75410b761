// Ownership of a file descriptor.

internal import CLinux
internal import Glibc

/// A file descriptor that is closed when its owner goes.
public struct Descriptor: ~Copyable, Sendable {
  public let rawValue: Int32

  /// Takes over a descriptor that nobody else will close.
  public init(owning rawValue: Int32) { self.rawValue = rawValue }

  deinit { _ = Glibc.close(rawValue) }

  /// Closes now, and says so where the kernel reports that something went wrong (a full disk found
  /// out late, for example). Never repeated: after close(2) the number is free, whatever it said.
  ///
  /// - Throws: the errno of close(2); EINTR counts as closed.
  public consuming func close(_ subject: String = "") throws(SystemCallError) {
    let call = SystemCall(name: "close", retryOnInterrupt: false)
    let result = call.attempt { Glibc.close(rawValue) }
    discard self
    if case .failure(let errno) = result, errno != .interrupted {
      throw SystemCallError("close", subject, errno)
    }
  }

  /// Gives the descriptor away: from now on somebody else closes it.
  consuming func release() -> Int32 {
    let number = rawValue
    discard self
    return number
  }

  /// Opens a file. open(2), with O_CLOEXEC.
  static func open(
    _ path: String, flags: Int32, mode: mode_t = 0o666
  ) throws(SystemCallError) -> Descriptor {
    let call = SystemCall(name: "open")
    return Descriptor(
      owning: try call.make(path) { unsafe Glibc.open(path, flags | O_CLOEXEC, mode) })
  }

  /// The same of a name that need not be UTF-8.
  ///
  /// - Parameter path: Ends with a 0.
  static func open(_ path: [CChar], flags: Int32) throws(SystemCallError) -> Descriptor {
    let shown = String(decoding: path.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    return Descriptor(
      owning: try SystemCall(name: "open").make(shown) {
        unsafe Glibc.open(path, flags | O_CLOEXEC)
      })
  }

  /// Opens a file to be written from its start; it is made where it is not there. open(2).
  ///
  /// - Throws: the errno of open(2).
  public static func creating(_ path: String) throws(SystemCallError) -> Descriptor {
    try open(path, flags: O_WRONLY | O_CREAT | O_TRUNC)
  }

  /// Makes sure that descriptors 0, 1 and 2 are taken.
  ///
  /// A program started with one of them closed would get its number for its first socket, and then
  /// print into the connection. The placeholder can be neither read nor written: the use of what
  /// was closed still fails with EBADF.
  public static func fillStandardDescriptors() {
    for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number is this one, since those below are taken by now.
      _ = clinux_open_placeholder()
    }
  }
}

/// A descriptor where only a reference has a place: an array, or what may be read but not moved.
final class KeptDescriptor {
  private let descriptor: Descriptor
  var number: Int32 { descriptor.rawValue }

  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}
