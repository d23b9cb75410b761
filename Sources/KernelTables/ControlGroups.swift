// The names of control groups, by the numbers under which sock_diag(7) knows them.

internal import Glibc

/// The control groups of this host: their paths by number, which need not be UTF-8. cgroups(7).
///
/// The number of a group is the inode of its directory, so that one walk over the tree's directories
/// names them all. A group that was made after the walk has no name here.
public struct ControlGroups: Sendable {
  private var paths: [UInt64: [UInt8]] = [:]

  /// Where version 2's tree is mounted; beside version 1's it is one floor further down.
  private static let mounts = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]

  /// Walks over the tree. Where none is mounted, or it must not be read, no group has a name.
  public static func read() -> ControlGroups {
    for mount in mounts where ProcFile.exists("\(mount)/cgroup.controllers") {
      return ControlGroups(under: mount)
    }
    return ControlGroups()
  }

  package init(_ paths: [UInt64: [UInt8]] = [:]) { self.paths = paths }

  /// The path of a group from the tree's root, `/` for the root itself; nil where it is not known.
  public subscript(number: UInt64) -> [UInt8]? { paths[number] }

  /// All directories below one.
  package init(under mount: String) {
    var status = stat()
    if unsafe stat(mount, &status) == 0 { paths[UInt64(status.st_ino)] = Array("/".utf8) }
    var left: [[UInt8]] = [[]]
    while let path = left.popLast() {
      let place = Array(mount.utf8) + path + [0]
      guard let stream = unsafe opendir(place.map(CChar.init(bitPattern:))) else { continue }
      defer { _ = unsafe closedir(stream) }
      while let entry = unsafe readdir(stream) {
        guard unsafe Int32(entry.pointee.d_type) == Int32(DT_DIR) else { continue }
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { name in
          unsafe Array(name.prefix { $0 != 0 })
        }
        if name == Array(".".utf8) || name == Array("..".utf8) { continue }
        let group = path + Array("/".utf8) + name
        unsafe paths[UInt64(entry.pointee.d_ino)] = group
        left.append(group)
      }
    }
  }
}
