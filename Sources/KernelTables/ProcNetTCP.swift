// The kernel's socket table as /proc/net/tcp and /proc/net/tcp6 show it.

internal import Glibc
public import SocketCore

/// The tables /proc/net/tcp and /proc/net/tcp6. proc_pid_net(5).
///
/// The kernel gives them page by page and takes no snapshot: a socket that changes its place in the
/// meantime can be given twice, and one that is opened or closed in the meantime may be missing.
/// Sockets that stay as they are come once.
public enum ProcNetTCP {
  /// Calls `body` with each row of one table, in the kernel's order: listeners first, the others
  /// unsorted. It is lent without what sock_diag alone tells. Memory does not grow with the number of
  /// rows.
  ///
  /// - Parameters:
  ///   - family: Which table. IPv6's is empty where the kernel has no IPv6.
  ///   - process: A process whose network namespace is shown; this needs no privilege. Nil for the
  ///     calling thread's own.
  ///   - body: Gets each row. What it throws ends the walk and is returned.
  /// - Returns: what was handed over and what was not, or what `body` threw.
  /// - Throws: `SystemCallError` of open(2) or read(2), ENOENT where the process does not exist.
  public static func forEachEntry<Failure>(
    in family: SocketRow.Family, process: Int32? = nil,
    _ body: (inout SocketEntry) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<TableTally, Failure> {
    try walk(family, in: ProcFile.networkDirectory(of: process), body)
  }

  /// The same for rows alone.
  public static func forEachRow<Failure>(
    in family: SocketRow.Family, process: Int32? = nil, _ body: (SocketRow) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<TableTally, Failure> {
    try forEachEntry(in: family, process: process) { entry throws(Failure) in
      try body(entry.row)
    }
  }

  /// More bytes than any row has: with the largest numbers one of IPv6's has 287.
  private static let longestRow = 300

  /// The same for tables in another directory.
  package static func walk<Failure>(
    _ family: SocketRow.Family, in directory: String,
    _ body: (inout SocketEntry) throws(Failure) -> Void
  ) throws(SystemCallError) -> Result<TableTally, Failure> {
    let path = directory + (family == .v4 ? "/tcp" : "/tcp6")
    // Only where IPv4's table stands beside it the lack of IPv6's says something about IPv6.
    if family == .v6, !ProcFile.exists(path), ProcFile.exists(directory + "/tcp") {
      return .success(TableTally())
    }
    let file = try ProcFile(path)
    // One read(2) gives a page. Where it has left room for another row the kernel has come to the end
    // of its table; asked again, it would count from the start, and if the table has grown meanwhile
    // give as many of the last rows once more (fs/seq_file.c, `tcp_get_idx`). These could be tens of
    // thousands. The kernel gives whole rows; whoever gives parts of them (a sandbox) has more.
    let least = sysconf(Int32(_SC_PAGESIZE)) - longestRow
    var isAtEnd = false
    var isBetweenRows = true
    return try ProcNetTCPParser.walk(.host, body) { buffer throws(SystemCallError) in
      if isAtEnd { return 0 }
      let count = try file.read(into: &buffer)
      let endsRow = count == 0 || buffer[count - 1] == UInt8(ascii: "\n")
      isAtEnd = count < least && isBetweenRows && endsRow
      isBetweenRows = endsRow
      return count
    }
  }
}
