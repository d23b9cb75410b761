// Reading a file of /proc. With the directories of /proc (ProcDirectory.swift) these are the only
// system calls of this module.

internal import Glibc
internal import SocketCore

/// What this process can see of /proc as a whole.
public enum ProcFileSystem {
  /// Whether it is mounted here. In a minimal container or chroot it may not be.
  public static var isMounted: Bool { ProcFile.exists("/proc/self") }
}

/// A file of /proc that is open for reading.
///
/// It is read forward only. For a changed offset the kernel would walk its table from the start
/// again (fs/seq_file.c `traverse`).
struct ProcFile: ~Copyable {
  let path: String
  private let descriptor: Descriptor

  /// - Throws: the errno of open(2).
  init(_ path: String) throws(SystemCallError) {
    let number = try SystemCall(name: "open").make(path) {
      unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
    }
    self.path = path
    descriptor = Descriptor(owning: number)
  }

  /// A file whose path starts in a directory that is open. openat(2).
  private init(_ path: String, in directory: borrowing ProcDirectory) throws(SystemCallError) {
    let shown = "\(directory.path)/\(path)"
    let parent = directory.descriptor
    // No closure here may have `self` in it: Swift 6.3 takes the descriptor, which is not there yet, for
    // one that has to be closed before it is set, and closes 0.
    let number = try SystemCall(name: "open").make(shown) {
      unsafe openat(parent, path, O_RDONLY | O_CLOEXEC)
    }
    self.path = shown
    descriptor = Descriptor(owning: number)
  }

  /// Reads what one read(2) gives into the start of `buffer`.
  ///
  /// - Returns: how many bytes; 0 at the end of the file.
  /// - Throws: the errno of read(2).
  func read(into buffer: inout [UInt8]) throws(SystemCallError) -> Int {
    let number = descriptor.rawValue
    let room = buffer.count
    return try SystemCall(name: "read").make(path) { unsafe Glibc.read(number, &buffer, room) }
  }

  /// The whole of a short file.
  static func contents(of path: String) throws(SystemCallError) -> [UInt8] {
    try ProcFile(path).contents()
  }

  /// The same for a path that starts in a directory that is open.
  static func contents(
    of path: String, in directory: borrowing ProcDirectory
  ) throws(SystemCallError) -> [UInt8] {
    try ProcFile(path, in: directory).contents()
  }

  private func contents() throws(SystemCallError) -> [UInt8] {
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = try read(into: &buffer)
      if count == 0 { return text }
      text.append(contentsOf: buffer[..<count])
    }
  }

  /// Writes a text in one write(2), as the files of /proc/sys want it.
  ///
  /// - Throws: the errno of open(2) or write(2).
  static func write(_ text: String, to path: String) throws(SystemCallError) {
    let number = try SystemCall(name: "open").make(path) {
      unsafe Glibc.open(path, O_WRONLY | O_CLOEXEC)
    }
    let descriptor = Descriptor(owning: number)
    let bytes = Array(text.utf8)
    try SystemCall(name: "write").make(path) {
      unsafe Glibc.write(descriptor.rawValue, bytes, bytes.count)
    }
  }

  static func exists(_ path: String) -> Bool {
    unsafe access(path, F_OK) == 0 || Glibc.errno != ENOENT
  }

  /// The directory of what the kernel's network stack shows to `process`, or to the calling thread
  /// (which may stand in another network namespace than the rest of its process).
  static func networkDirectory(of process: Int32?) -> String {
    process.map { "/proc/\($0)/net" } ?? "/proc/thread-self/net"
  }
}
