// Which processes hold a socket: the links of /proc/PID/fd.

internal import Glibc
public import SocketCore

/// A descriptor of a process through which it holds a socket.
public struct SocketOwner: Hashable, Sendable {
  public var pid: Int32
  /// What the process calls itself, at most 15 bytes of any value: sanitize them before a person
  /// sees them. Nil where the process ended before it could be read. /proc/PID/comm.
  public var name: [UInt8]?
  /// The number of the descriptor in that process.
  public var descriptor: Int32

  public init(pid: Int32, name: [UInt8]?, descriptor: Int32) {
    self.pid = pid
    self.name = name
    self.descriptor = descriptor
  }
}

/// Which processes a walk over /proc has seen.
public enum ProcessVisibility: Sendable {
  /// All that /proc shows.
  case all
  /// Not those of other users, which this one may not look at.
  case some
  /// None: /proc is not mounted.
  case none
}

/// The owners of sockets, found by one walk over the descriptors of all processes that can be read.
///
/// A walk is no snapshot: a descriptor that is opened, passed on or closed meanwhile may be missing.
/// Never found are: a socket that waits in a message between two processes (SCM_RIGHTS), one that the
/// kernel holds for itself, and one of a process that /proc does not show (another PID namespace,
/// `hidepid`). Threads share the descriptors of their process and are not looked at; one that has
/// left them by unshare(2) is not seen.
public struct SocketOwners: Sendable {
  /// How many owners of one socket are looked for.
  public enum Extent: Sendable {
    /// All: a socket can be held by several processes, after fork(2), and by several descriptors of
    /// one. The walk goes to its end.
    case every
    /// One, that of the process with the lowest number. The walk ends when each wanted socket has one.
    case first
  }

  /// Processes whose descriptors this process may not see; threads of the kernel, which have none,
  /// are among them where it is not root. Where this is 0 nothing was hidden by lack of privilege.
  public private(set) var unreadable = 0
  /// Whether no process was found at all, not even this one: /proc is not mounted here.
  public private(set) var isWithoutProcesses = false
  private var table: OwnerTable

  /// Looks for the owners of sockets.
  ///
  /// Each descriptor of each process that can be read costs some 5 µs, nearly all of it in the
  /// kernel, whatever is wanted.
  ///
  /// - Parameters:
  ///   - inodes: The sockets by their inode numbers, as in `SocketRow`; 0 is none. One that comes more
  ///     than once is one.
  ///   - extent: How many owners of each.
  /// - Throws: where /proc may not be read, or there is no descriptor left for it. Where it is not
  ///   mounted nothing is found.
  public static func find(
    _ inodes: some Collection<UInt64>, _ extent: Extent = .every
  ) throws(SystemCallError) -> SocketOwners {
    try find(inodes, extent, under: "/proc")
  }

  /// The same in another directory of that form.
  package static func find(
    _ inodes: some Collection<UInt64>, _ extent: Extent = .every, under root: String
  ) throws(SystemCallError) -> SocketOwners {
    var search = Search(wanted: inodes, extent)
    if search.isComplete { return search.found }
    // An empty directory is left of /proc where it is not mounted, or none.
    search.found.isWithoutProcesses = true
    if !ProcFile.exists(root) { return search.found }
    let processes = try ProcDirectory(root)
    while !search.isComplete, let pid = try processes.nextNumber() {
      search.found.isWithoutProcesses = false
      try search.look(at: pid, in: processes)
    }
    return search.found
  }

  private init(wanted inodes: some Collection<UInt64>) {
    table = OwnerTable(wanted: inodes)
  }

  package init(
    _ owners: [UInt64: [SocketOwner]] = [:], unreadable: Int = 0, isWithoutProcesses: Bool = false
  ) {
    self.init(wanted: owners.keys)
    for (inode, holders) in owners {
      guard let place = table.place(of: inode) else { continue }
      for holder in holders { table.add(holder, at: place) }
    }
    self.unreadable = unreadable
    self.isWithoutProcesses = isWithoutProcesses
  }

  /// Why an owner may not have been found.
  public var visibility: ProcessVisibility {
    isWithoutProcesses ? .none : unreadable > 0 ? .some : .all
  }

  /// The owners of a socket, by process and descriptor; none where it was not wanted or not found.
  public subscript(inode: UInt64) -> [SocketOwner] {
    table.place(of: inode).map { table.owners(at: $0) } ?? []
  }

  /// Whether each socket that was wanted has an owner.
  public var areComplete: Bool { table.found == table.wanted }

  /// Whether the socket was wanted and an owner of it was found.
  public func contains(_ inode: UInt64) -> Bool {
    table.place(of: inode).map { table.isFound($0) } ?? false
  }

  /// The inode of the socket that a link leads to; nil where it leads to anything else.
  package static func inode(ofLink link: Span<UInt8>) -> UInt64? {
    let prefix: StaticString = "socket:["
    guard link.count > prefix.utf8CodeUnitCount + 1, link[link.count - 1] == UInt8(ascii: "]")
    else { return nil }
    for place in 0..<prefix.utf8CodeUnitCount {
      guard unsafe link[place] == prefix.utf8Start[place] else { return nil }
    }
    var inode: UInt64 = 0
    for place in prefix.utf8CodeUnitCount..<(link.count - 1) {
      let digit = link[place] &- UInt8(ascii: "0")
      let (tens, isTooMuch) = inode.multipliedReportingOverflow(by: 10)
      let (sum, isTooMuchNow) = tens.addingReportingOverflow(UInt64(digit))
      guard digit < 10, !isTooMuch, !isTooMuchNow else { return nil }
      inode = sum
    }
    return inode
  }

  /// A walk on its way.
  private struct Search {
    let extent: Extent
    var found: SocketOwners
    // A link to a file can be longer, but that is no socket.
    private var link = [UInt8](repeating: 0, count: 64)

    init(wanted inodes: some Collection<UInt64>, _ extent: Extent) {
      self.extent = extent
      found = SocketOwners(wanted: inodes)
    }

    /// Whether there is nothing more to be found.
    var isComplete: Bool {
      found.table.wanted == 0 || extent == .first && found.areComplete
    }

    mutating func look(
      at pid: Int32, in processes: borrowing ProcDirectory
    ) throws(SystemCallError) {
      guard let descriptors = try open(pid, in: processes) else { return }
      var name: [UInt8]??
      while !isComplete, let (number, read) = try descriptors.nextLink(into: &link) {
        do throws(Errno) {
          let length = try read.get()
          guard let inode = SocketOwners.inode(ofLink: link.span.extracting(first: length)),
            let place = found.table.place(of: inode)
          else { continue }
          if extent == .first && found.table.isFound(place) { continue }
          // Found from the directory that is open, so that it is the name of no other process.
          let known = name ?? Self.name(in: descriptors)
          name = known
          found.table.add(SocketOwner(pid: pid, name: known, descriptor: number), at: place)
        } catch {
          // A descriptor was closed meanwhile: the next one. Of a process that must not be looked at
          // the others cannot be read either.
          if error == .notFound { continue }
          return try pass(SystemCallError("readlink", "\(descriptors.path)/\(number)", error))
        }
      }
    }

    private mutating func open(
      _ pid: Int32, in processes: borrowing ProcDirectory
    ) throws(SystemCallError) -> ProcDirectory? {
      do throws(SystemCallError) {
        return try ProcDirectory("\(pid)/fd", in: processes)
      } catch {
        try pass(error)
        return nil
      }
    }

    /// Goes on after an error that is the process's own.
    private mutating func pass(_ error: SystemCallError) throws(SystemCallError) {
      switch error.errno {
      case .notFound, Errno(rawValue: ESRCH): break
      case .accessDenied, .operationNotPermitted: found.unreadable += 1
      default: throw error
      }
    }

    private static func name(in descriptors: borrowing ProcDirectory) -> [UInt8]? {
      guard var name = try? ProcFile.contents(of: "../comm", in: descriptors) else { return nil }
      if name.last == UInt8(ascii: "\n") { name.removeLast() }
      return name
    }
  }
}
