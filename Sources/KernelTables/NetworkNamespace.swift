// The network namespaces of this host, as far as they can be found: by their names in /run/netns, and
// by the processes in them.

internal import Glibc
internal import SocketCore

/// The network namespaces of this host.
public enum NetworkNamespace {
  /// The number of a network namespace, as `lsns` shows it: the inode of /proc/PID/ns/net.
  ///
  /// - Parameter process: A process in it; nil for the calling thread's own.
  /// - Returns: nil where it cannot be read; other users' processes are hidden.
  public static func number(of process: Int32? = nil) -> UInt64? {
    Status("\(directory(of: process))/ns/net")?.inode
  }

  /// A network namespace that was found.
  public struct Found: Hashable, Sendable {
    /// Nil where its processes are another user's.
    public var number: UInt64?
    /// What ip-netns(8) calls it: the name of a file, which need not be UTF-8.
    public var name: [UInt8]?
    /// The process in it with the lowest number; nil where none was found.
    public var process: Int32?
    /// Whether the calling thread is in it.
    public var isOwn: Bool
  }

  /// All that can be found, this thread's own first, then by the lowest process. One without a
  /// process and without a name in /run/netns (held by a socket or a mount alone) is not.
  ///
  /// Numbers are hidden where another user's processes may not be looked at. The table of sockets
  /// that /proc shows of them is not, and each namespace has its own file of it (`proc_create_net`),
  /// by whose inode they are told apart.
  public static func all() -> [Found] {
    var found = [Found(number: number(), name: nil, process: nil, isOwn: true)]
    var byTable: [UInt64: Int] = [:]
    if let table = Status("\(directory(of: nil))/net/tcp")?.inode { byTable[table] = 0 }
    if let processes = try? ProcDirectory("/proc") {
      while let process = try? processes.nextNumber() {
        guard let table = Status("/proc/\(process)/net/tcp")?.inode else { continue }
        if let place = byTable[table] {
          if found[place].number == nil { found[place].number = number(of: process) }
          if found[place].process == nil { found[place].process = process }
        } else {
          byTable[table] = found.count
          found.append(
            Found(number: number(of: process), name: nil, process: process, isOwn: false))
        }
      }
    }
    for (name, number) in named() {
      if let place = found.firstIndex(where: { $0.number == number }) {
        if found[place].name == nil { found[place].name = name }
      } else {
        found.append(Found(number: number, name: name, process: nil, isOwn: false))
      }
    }
    return found
  }

  /// The names in /run/netns with the numbers of what is mounted there, sorted.
  private static func named() -> [(name: [UInt8], number: UInt64)] {
    guard let own = Status("\(directory(of: nil))/ns/net"),
      let stream = unsafe opendir("/run/netns")
    else { return [] }
    defer { _ = unsafe closedir(stream) }
    var named: [(name: [UInt8], number: UInt64)] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { name in
        unsafe Array(name.prefix { $0 != 0 })
      }
      // What is not mounted any more is an empty file of another file system.
      guard let status = unsafe Status(of: name, in: stream), status.device == own.device else {
        continue
      }
      named.append((name, status.inode))
    }
    return named.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }

  private static func directory(of process: Int32?) -> String {
    process.map { "/proc/\($0)" } ?? "/proc/thread-self"
  }

  private struct Status {
    let inode: UInt64
    let device: UInt64

    /// stat(2); nil where it fails.
    init?(_ path: String) {
      var status = stat()
      guard unsafe stat(path, &status) == 0 else { return nil }
      self.init(status)
    }

    /// fstatat(2) of a name in an open directory; nil where it fails.
    init?(of name: [UInt8], in directory: OpaquePointer) {
      var status = stat()
      let path = name.map(CChar.init(bitPattern:)) + [0]
      guard unsafe fstatat(dirfd(directory), path, &status, 0) == 0 else { return nil }
      self.init(status)
    }

    private init(_ status: stat) {
      inode = UInt64(status.st_ino)
      device = UInt64(status.st_dev)
    }
  }
}
