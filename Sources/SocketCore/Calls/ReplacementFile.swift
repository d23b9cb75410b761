// A file that has its name only once it is whole.

internal import Glibc

/// A file that is written under another name beside the one that it is to have. What had that name
/// stays until the new file is whole; where that never happens the new one is removed.
public final class ReplacementFile {
  /// To be written to; it stays open until `commit` or the end of this object.
  public let descriptor: Int32
  private var file: Descriptor?
  private let target: String
  /// Nil where the file is written in place: a device or a pipe can have no substitute.
  private var temporary: String?

  /// - Parameter path: where a link leads to a file, that file is replaced, and the link stays.
  /// - Throws: the errno of open(2).
  public init(for path: String) throws(SystemCallError) {
    var status = stat()
    let exists = unsafe stat(path, &status) == 0
    if exists, status.st_mode & S_IFMT != S_IFREG {
      let opened = try Descriptor.open(path, flags: O_WRONLY)
      target = path
      descriptor = opened.rawValue
      file = consume opened
      return
    }
    target = exists ? Self.resolved(path) : path
    let name = "\(target).\(getpid()).part"
    _ = unsafe unlink(name)
    let opened = try Descriptor.open(name, flags: O_WRONLY | O_CREAT | O_EXCL)
    if exists { _ = fchmod(opened.rawValue, status.st_mode & 0o777) }
    temporary = name
    descriptor = opened.rawValue
    file = consume opened
  }

  deinit { if let temporary { _ = unsafe unlink(temporary) } }

  /// Gives the file its name.
  ///
  /// - Throws: the errno of fsync(2), close(2) or rename(2): a full disk can be found out as late as
  ///   that. The name then still belongs to what had it before.
  public func commit() throws(SystemCallError) {
    guard let opened = file.take() else { return }
    if let temporary {
      let number = opened.rawValue
      try SystemCall(name: "fsync").make(target) { fsync(number) }
      try opened.close(target)
      try SystemCall(name: "rename").make(target) { unsafe rename(temporary, target) }
      self.temporary = nil
    } else {
      try opened.close(target)
    }
  }

  private static func resolved(_ path: String) -> String {
    guard let name = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(name) }
    return unsafe String(cString: name)
  }
}
