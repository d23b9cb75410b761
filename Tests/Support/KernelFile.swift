// Files of /proc, read whole.

import Glibc

/// The text of a file whose size the kernel does not tell beforehand.
///
/// Foundation takes the first short read of such a file for its end, and the kernel gives the tables
/// of /proc/net by the page: beyond some 26 sockets the rest was missing.
///
/// - Throws: `TestFailure` when it cannot be read.
public func kernelFile(_ path: String) throws(TestFailure) -> String {
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw TestFailure("open \(path): \(errorText(errno))") }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = unsafe read(descriptor, &chunk, chunk.count)
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { throw TestFailure("read \(path): \(errorText(errno))") }
    if count == 0 { return String(decoding: bytes, as: UTF8.self) }
    bytes.append(contentsOf: chunk[..<count])
  }
}
