// A file that appears under its name only when it is whole.

internal import CLinux
internal import Glibc

/// A file that is written under another name in the same directory, and gets its own at the end.
///
/// The other name is the own one with `.tcptool-part` behind it, which no other program gives. What a
/// run that was killed has left there is removed; while another process writes there, which a lock
/// tells, the name gets a random part too.
/// A device, a FIFO or a socket is written as it is, and has no other name.
public struct NewFile: ~Copyable {
  /// The name that the file is to get. A symbolic link has been followed.
  public let path: String
  /// The name under which it is written now; nil for what is written as it is, and once it is named.
  public private(set) var temporaryPath: String?
  private let replaces: Bool
  private let isDurable: Bool
  /// To be written to.
  private var file: Descriptor?
  /// The same open file once more: it keeps the lock until the file has its name.
  private let lock: KeptDescriptor

  /// Makes the file.
  ///
  /// - Parameters:
  ///   - path: The name.
  ///   - replaces: Whether another file may lose that name to this one. Its mode is taken over.
  ///   - isDurable: Whether it is on the disk when it gets its name, so that it also survives the
  ///     loss of power. Takes its time.
  ///   - waitsForReader: Whether the open of a FIFO waits until somebody reads it; else it is ENXIO
  ///     where nobody does. fifo(7).
  /// - Throws: EEXIST where the name is taken and may not be, else the errno of open(2).
  public init(
    _ path: String, replaces: Bool, isDurable: Bool = false, waitsForReader: Bool = true
  ) throws(SystemCallError) {
    var status = stat()
    let exists = unsafe stat(path, &status) == 0
    if exists, status.st_mode & S_IFMT != S_IFREG {
      let file: Descriptor
      do throws(SystemCallError) {
        file = try Descriptor.open(path, flags: O_WRONLY | (waitsForReader ? 0 : O_NONBLOCK))
      } catch  where error.errno.rawValue == ENXIO && !waitsForReader {
        throw SystemCallError("open", "\(path), which nobody reads", error.errno)
      }
      try self.init(
        path: path, temporaryPath: nil, replaces: replaces, isDurable: isDurable, file: file)
      return
    }
    try Self.check(path, replaces: replaces)
    // The link stays, and the file behind it is replaced on its own file system.
    let target = exists ? try Self.resolved(path) : path
    var temporary = ""
    let file = try Self.open(beside: target, &temporary)
    if exists { _ = fchmod(file.rawValue, status.st_mode & 0o777) }
    do throws(SystemCallError) {
      try self.init(
        path: target, temporaryPath: temporary, replaces: replaces, isDurable: isDurable,
        file: file)
    } catch {
      _ = unsafe unlink(temporary)
      throw error
    }
  }

  private init(
    path: String, temporaryPath: String?, replaces: Bool, isDurable: Bool,
    file: consuming Descriptor
  ) throws(SystemCallError) {
    let copy = try SystemCall(name: "fcntl").make("F_DUPFD_CLOEXEC of \(temporaryPath ?? path)") {
      fcntl(file.rawValue, F_DUPFD_CLOEXEC, 3)
    }
    self.path = path
    self.temporaryPath = temporaryPath
    self.replaces = replaces
    self.isDurable = isDurable
    lock = KeptDescriptor(Descriptor(owning: copy))
    self.file = consume file
  }

  /// Finds out without making anything whether `path` could be the name of a new file.
  ///
  /// - Throws: EEXIST where it is taken and may not be.
  public static func check(_ path: String, replaces: Bool) throws(SystemCallError) {
    var status = stat()
    // A symbolic link that leads nowhere has the name as well.
    guard !replaces, unsafe lstat(path, &status) == 0 else { return }
    if unsafe stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG { return }
    throw SystemCallError("open", path, .alreadyThere)
  }

  /// Where the file's bytes go; to be asked for once. Closing it does not name the file.
  public mutating func output() -> ByteOutput {
    guard let file = file.take() else { return .discarding() }
    return ByteOutput(file.release(), name: temporaryPath ?? path)
  }

  /// Gives the file its name. To be called when everything is written and the output is closed.
  ///
  /// - Throws: EEXIST where somebody has taken the name meanwhile, else the errno of fsync(2) or
  ///   rename(2). The file then keeps its other name.
  public mutating func commit() throws(SystemCallError) {
    guard let temporary = temporaryPath else { return }
    if isDurable {
      try SystemCall(name: "fsync").make("of \(temporary)") { fsync(lock.number) }
    }
    if replaces {
      try SystemCall(name: "rename").make("of \(temporary) to \(path)") {
        unsafe Glibc.rename(temporary, path)
      }
    } else {
      try Self.rename(temporary, unlessThere: path)
    }
    temporaryPath = nil
    if isDurable {
      let directory = Self.directory(of: path)
      let opened = try Descriptor.open(directory, flags: O_RDONLY | O_DIRECTORY)
      try SystemCall(name: "fsync").make("of \(directory)") { fsync(opened.rawValue) }
    }
  }

  /// Takes back a file that has not got its name; what had that name before stays as it was.
  public mutating func abandon() {
    guard let temporary = temporaryPath.take() else { return }
    // What cannot be removed is in nobody's way.
    _ = unsafe unlink(temporary)
  }

  // MARK: The other name

  /// Not `.part` alone: browsers and others have files of that name, which are not ours to remove.
  private static let suffix = ".tcptool-part"

  /// - Parameter name: gets the name.
  private static func open(
    beside path: String, _ name: inout String
  ) throws(SystemCallError) -> Descriptor {
    name = path + suffix
    if let file = try create(name, isLast: false) { return file }
    removeLeftover(name)
    if let file = try create(name, isLast: false) { return file }
    while true {
      var generator = SystemRandomNumberGenerator()
      let random: UInt64 = generator.next()
      name = "\(path).\(String(random | 1 << 63, radix: 16))\(suffix)"
      // Nobody guesses this one, so that what is in its way is an error.
      if let file = try create(name, isLast: true) { return file }
    }
  }

  /// - Returns: nil where the name is taken, or was lost to somebody at once.
  private static func create(
    _ name: String, isLast: Bool
  ) throws(SystemCallError) -> Descriptor? {
    let file: Descriptor
    do throws(SystemCallError) {
      file = try Descriptor.open(name, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
    } catch  where error.errno == .alreadyThere && !isLast {
      return nil
    }
    do throws(SystemCallError) {
      // Between the two calls somebody may have taken it for a leftover.
      guard tryLock(file) || isLast, try links(of: file, name) == 1 else { return nil }
    } catch {
      _ = unsafe unlink(name)
      throw error
    }
    return file
  }

  /// Removes a file of this user that nobody writes to.
  private static func removeLeftover(_ name: String) {
    guard let file = try? Descriptor.open(name, flags: O_WRONLY | O_NOFOLLOW | O_NONBLOCK) else {
      return
    }
    var status = stat()
    guard unsafe fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_uid == geteuid(), tryLock(file), (try? links(of: file, name)) == 1
    else { return }
    _ = unsafe unlink(name)
  }

  /// - Returns: false where another process has the lock; true also where there are no locks.
  private static func tryLock(_ file: borrowing Descriptor) -> Bool {
    flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 || Errno.last != .tryAgain
  }

  private static func links(
    of file: borrowing Descriptor, _ name: String
  ) throws(SystemCallError) -> Int {
    var status = stat()
    try SystemCall(name: "fstat").make("of \(name)") { unsafe fstat(file.rawValue, &status) }
    return Int(status.st_nlink)
  }

  // MARK: The own name

  private static func rename(
    _ temporary: String, unlessThere path: String
  ) throws(SystemCallError) {
    let subject = "of \(temporary) to \(path)"
    let result = SystemCall(name: "rename").attempt {
      unsafe clinux_rename_unless_there(temporary, path)
    }
    switch result {
    case .success: return
    case .failure(let errno) where lacksFlag(errno): break
    case .failure(let errno): throw SystemCallError("rename", subject, errno)
    }
    // link(2) does not replace either; where there are no links (FAT), what is left is to look first.
    switch SystemCall(name: "link").attempt({ unsafe link(temporary, path) }) {
    case .success: _ = unsafe unlink(temporary)
    case .failure(let errno) where errno == .alreadyThere:
      throw SystemCallError("rename", subject, errno)
    case .failure:
      try check(path, replaces: false)
      try SystemCall(name: "rename").make(subject) { unsafe Glibc.rename(temporary, path) }
    }
  }

  /// Kernels before 3.15, and file systems that cannot rename so.
  private static func lacksFlag(_ errno: Errno) -> Bool {
    [EINVAL, ENOSYS, EOPNOTSUPP].contains(errno.rawValue)
  }

  /// What a symbolic link leads to; anything else is itself, whatever its folder is called.
  ///
  /// - Throws: EILSEQ where that name is not UTF-8.
  private static func resolved(_ path: String) throws(SystemCallError) -> String {
    var status = stat()
    guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK,
      let target = unsafe realpath(path, nil)
    else { return path }
    defer { unsafe free(target) }
    guard let name = unsafe String(validatingCString: target) else {
      throw SystemCallError("realpath", path, Errno(rawValue: EILSEQ))
    }
    return name
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
