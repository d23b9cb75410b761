// What would fail for every client is found out before the first one comes.

internal import Glibc

extension Service {
  /// Looks whether the file can be read from its start as often as it is asked for, and whether there
  /// is such a program. Nothing holds it to that afterwards.
  ///
  /// - Throws: the errno of open(2), EISDIR for a directory and ESPIPE for what has no start; that of
  ///   execve(2).
  public func check() throws(SystemCallError) {
    switch self {
    case .file(let path): try checkFile(path)
    case .command(let words): try checkProgram(words.first ?? "")
    case .relay, .echo, .discard, .receive, .supply, .generate: break
    }
  }
}

private func checkFile(_ path: String) throws(SystemCallError) {
  // The open(2) of a FIFO would wait for its writer.
  let file = try Descriptor.open(path, flags: O_RDONLY | O_NONBLOCK)
  var status = stat()
  if unsafe fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
    throw SystemCallError("read", "from \(path)", .isADirectory)
  }
  try SystemCall(name: "lseek").make("to the start of \(path)") {
    lseek(file.rawValue, 0, SEEK_SET)
  }
}

/// Where execvp(3) looks where PATH is not set.
private let defaultPath = "/bin:/usr/bin"

private func checkProgram(_ name: String) throws(SystemCallError) {
  let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? defaultPath
  let candidates =
    name.utf8.contains(UInt8(ascii: "/"))
    ? [name]
    : path.split(separator: ":", omittingEmptySubsequences: false).map {
      $0.isEmpty ? name : "\($0)/\(name)"
    }
  var errno = Errno.notFound
  for candidate in candidates {
    var status = stat()
    guard unsafe stat(candidate, &status) == 0 else {
      let reason = Errno.last
      if reason != .notFound && reason != .notADirectory { errno = reason }
      continue
    }
    if status.st_mode & S_IFMT == S_IFREG, unsafe access(candidate, X_OK) == 0 { return }
    errno = .accessDenied
  }
  throw SystemCallError("execve", "of \(name)", errno)
}
