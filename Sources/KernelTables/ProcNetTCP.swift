// The kernel's socket table as /proc/net/tcp and /proc/net/tcp6 show it.

public import SocketCore

/// The tables /proc/net/tcp and /proc/net/tcp6. proc_pid_net(5).
///
/// The kernel gives them page by page and takes no snapshot: a socket that changes its place in the
/// meantime can be given twice, and one that is opened or closed in the meantime may be missing.
public enum ProcNetTCP {
  /// Calls `body` with each row of one table, in the kernel's order: listeners first, the others
  /// unsorted. Memory does not grow with the number of rows.
  ///
  /// - Parameters:
  ///   - family: Which table. IPv6's is empty where the kernel has no IPv6.
  ///   - process: A process whose network namespace is shown; this needs no privilege. Nil for the
  ///     calling thread's own.
  ///   - body: Gets each row. What it throws ends the walk and is returned.
  /// - Returns: what was handed over and what was not, or what `body` threw.
  /// - Throws: `SystemCallError` of open(2) or read(2), ENOENT where the process does not exist.
  public static func forEachRow<Failure>(
    in family: SocketRow.Family, process: Int32? = nil, _ body: (SocketRow) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<TableTally, Failure> {
    try walk(family, in: ProcFile.networkDirectory(of: process), body)
  }

  /// The same for tables in another directory.
  package static func walk<Failure>(
    _ family: SocketRow.Family, in directory: String, _ body: (SocketRow) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<TableTally, Failure> {
    var parser = ProcNetTCPParser()
    let file: ProcFile
    do throws(SystemCallError) {
      file = try ProcFile(directory + (family == .v4 ? "/tcp" : "/tcp6"))
    } catch {
      // Only where IPv4's table stands beside it the lack of IPv6's says something about IPv6.
      if family == .v6, error.errno == .notFound, ProcFile.exists(directory + "/tcp") {
        return .success(parser.tally)
      }
      throw error
    }
    // One read(2) gives at most a page, which is 64 KiB on some machines.
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = try file.read(into: &buffer)
      do throws(Failure) {
        if count == 0 {
          try parser.finish(body)
          return .success(parser.tally)
        }
        try parser.consume(buffer.span.extracting(first: count), body)
      } catch {
        return .failure(error)
      }
    }
  }
}
