// The names of control groups, by the numbers under which sock_diag(7) knows them.

internal import Glibc

/// The control groups of this host: their paths by number. cgroups(7).
///
/// The number of a group is the inode of its directory, so that one walk over the tree's directories
/// names them all. A group that was made after the walk has no name here.
public struct ControlGroups: Sendable {
  private var paths: [UInt64: String] = [:]

  /// Where version 2's tree is mounted; beside version 1's it is one floor further down.
  private static let mounts = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]

  /// Walks over the tree. Where none is mounted, or it must not be read, no group has a name.
  public static func read() -> ControlGroups {
    for mount in mounts where ProcFile.exists("\(mount)/cgroup.controllers") {
      return ControlGroups(under: mount)
    }
    return ControlGroups()
  }

  package init(_ paths: [UInt64: String] = [:]) { self.paths = paths }

  /// The path of a group from the tree's root, `/` for the root itself; nil where it is not known.
  public subscript(number: UInt64) -> String? { paths[number] }

  /// All directories below one.
  package init(under mount: String) {
    var status = stat()
    if unsafe stat(mount, &status) == 0 { paths[UInt64(status.st_ino)] = "/" }
    // Whatever bytes a name has, its directory is found; where they are not UTF-8, it is shown repaired.
    var left: [[CChar]] = [[]]
    while let path = left.popLast() {
      let place = mount.utf8.map { CChar(bitPattern: $0) } + path + [0]
      guard let stream = unsafe opendir(place) else { continue }
      defer { _ = unsafe closedir(stream) }
      while let entry = unsafe readdir(stream) {
        guard unsafe Int32(entry.pointee.d_type) == Int32(DT_DIR) else { continue }
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { name in
          unsafe Array(name.bindMemory(to: CChar.self).prefix { $0 != 0 })
        }
        let text = String(decoding: name.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if text == "." || text == ".." { continue }
        let group = path + [CChar(bitPattern: UInt8(ascii: "/"))] + name
        unsafe paths[UInt64(entry.pointee.d_ino)] = String(
          decoding: group.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        left.append(group)
      }
    }
  }
}
