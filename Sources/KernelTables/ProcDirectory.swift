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
    let number = try ProcFile.make("open", shown) {
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
    while true {
      Glibc.errno = 0
      guard let entry = unsafe readdir(stream) else {
        let code = Glibc.errno
        // The second is what /proc says of a process that has ended.
        if code == 0 || code == ENOENT || code == ESRCH { return nil }
        throw SystemCallError("readdir", path, Errno(rawValue: code))
      }
      let number = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
        unsafe Self.number(UnsafeRawPointer(name).assumingMemoryBound(to: UInt8.self))
      }
      if let number { return number }
    }
  }

  /// Reads the text of the link whose name is a number into the start of `buffer`. readlinkat(2).
  ///
  /// - Returns: its length; the buffer's length where that was too short.
  /// - Throws: the errno: ENOENT where the descriptor was closed meanwhile, EACCES without the
  ///   privilege to look at the process.
  func link(_ number: Int32, into buffer: inout [UInt8]) throws(Errno) -> Int {
    var name = InlineArray<12, CChar>(repeating: 0)
    var rest = number
    var place = name.count - 1
    repeat {
      place -= 1
      name[place] = CChar(truncatingIfNeeded: 0x30 + rest % 10)
      rest /= 10
    } while rest > 0
    let length = unsafe name.span.extracting(droppingFirst: place).withUnsafeBufferPointer { text in
      unsafe buffer.withUnsafeMutableBytes { bytes in
        guard let text = text.baseAddress, let room = bytes.baseAddress else { return 0 }
        return unsafe readlinkat(
          descriptor, text, room.assumingMemoryBound(to: CChar.self), bytes.count)
      }
    }
    if length < 0 { throw Errno(rawValue: Glibc.errno) }
    return length
  }

  /// The number that a name is.
  private static func number(_ name: UnsafePointer<UInt8>) -> Int32? {
    var value: Int32 = 0
    var place = 0
    while true {
      let byte = unsafe name[place]
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
