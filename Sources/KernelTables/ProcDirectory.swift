// Walking a directory of /proc whose names are numbers, without a String for each.

internal import Glibc
internal import SocketCore

/// A directory of /proc that is open for reading: /proc itself, or the descriptors of a process.
@safe struct ProcDirectory: ~Copyable {
  let path: String
  private let stream: OpaquePointer

  /// opendir(3).
  ///
  /// - Throws: the errno of open(2).
  init(_ path: String) throws(SystemCallError) {
    try self.init(path, shown: path, in: AT_FDCWD)
  }

  /// A directory inside another one, found from there: what has taken its place in the meantime is
  /// not opened. openat(2).
  init(_ name: String, in parent: borrowing ProcDirectory) throws(SystemCallError) {
    try self.init(name, shown: "\(parent.path)/\(name)", in: parent.descriptor)
  }

  private init(_ path: String, shown: String, in parent: Int32) throws(SystemCallError) {
    let number = try SystemCall(name: "open").make(shown) {
      unsafe openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    guard let stream = unsafe fdopendir(number) else {
      let code = Glibc.errno
      _ = Glibc.close(number)
      throw SystemCallError("fdopendir", shown, Errno(rawValue: code))
    }
    self.path = shown
    unsafe self.stream = stream
  }

  deinit { _ = unsafe closedir(stream) }

  /// For calls that look up a name from here; not to be closed.
  var descriptor: Int32 { unsafe dirfd(stream) }

  /// The next name that is a decimal number below 2³¹; others are passed over. readdir(3).
  ///
  /// - Returns: nil at the end, and where the process whose directory it is has ended.
  /// - Throws: the errno of getdents(2).
  func nextNumber() throws(SystemCallError) -> Int32? {
    unsafe try next { number, _ in number }
  }

  /// Reads the text of the next link whose name is such a number into the start of `buffer`.
  /// readlinkat(2).
  ///
  /// - Returns: its number, and the length of the text, which is the buffer's where that was too short;
  ///   or why there is none: ENOENT where the descriptor was closed meanwhile, EACCES without the
  ///   privilege to look at the process. Nil as for `nextNumber`.
  /// - Throws: the errno of getdents(2).
  func nextLink(
    into buffer: inout [UInt8]
  ) throws(SystemCallError) -> (number: Int32, length: Result<Int, Errno>)? {
    unsafe try next { number, name in
      let length = unsafe buffer.withUnsafeMutableBytes { bytes in
        guard let room = bytes.baseAddress else { return 0 }
        return unsafe readlinkat(
          descriptor, name, room.assumingMemoryBound(to: CChar.self), bytes.count)
      }
      return (number, length < 0 ? .failure(Errno(rawValue: Glibc.errno)) : .success(length))
    }
  }

  /// Hands over the next name that is a number, which is valid until the next one is asked for.
  private func next<Value>(
    _ body: (Int32, UnsafePointer<CChar>) -> Value
  ) throws(SystemCallError) -> Value? {
    while true {
      Glibc.errno = 0
      guard let entry = unsafe readdir(stream) else {
        let code = Glibc.errno
        // The second is what /proc says of a process that has ended.
        if code == 0 || code == ENOENT || code == ESRCH { return nil }
        throw SystemCallError("readdir", path, Errno(rawValue: code))
      }
      let value: Value? = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
        let name = unsafe UnsafeRawPointer(field).assumingMemoryBound(to: CChar.self)
        return unsafe Self.number(name).map { unsafe body($0, name) }
      }
      if let value { return value }
    }
  }

  /// The number that a name is.
  private static func number(_ name: UnsafePointer<CChar>) -> Int32? {
    var value: Int32 = 0
    var place = 0
    while true {
      let byte = unsafe UInt8(bitPattern: name[place])
      if byte == 0 { return place > 0 ? value : nil }
      let digit = byte &- UInt8(ascii: "0")
      let (tens, isTooMuch) = value.multipliedReportingOverflow(by: 10)
      let (sum, isTooMuchNow) = tens.addingReportingOverflow(Int32(digit))
      guard digit < 10, !isTooMuch, !isTooMuchNow else { return nil }
      value = sum
      place += 1
    }
  }
}
