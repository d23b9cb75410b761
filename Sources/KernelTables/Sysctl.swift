// Kernel settings: /proc/sys.

internal import Glibc
public import SocketCore

/// The settings of the kernel. sysctl(8), proc_sys(5).
public enum Sysctl {
  /// Reads a setting that is one integer, such as `net.core.somaxconn`. Those of `net` are of the
  /// calling thread's network namespace.
  ///
  /// - Parameter name: The parts with dots between them. A dot inside a part, as in an interface's
  ///   name, is written as a slash: `net.ipv4.conf.eth0/7.forwarding`.
  /// - Throws: the errno of open(2) or read(2), ENOENT where there is no such setting; EINVAL where
  ///   its value is not one integer.
  public static func integer(_ name: String) throws(SystemCallError) -> Int {
    try integer(name, under: "/proc/sys")
  }

  /// The same for settings in another directory.
  package static func integer(
    _ name: String, under root: String
  ) throws(SystemCallError) -> Int {
    let values = try integers(name, under: root)
    guard values.count == 1 else {
      throw SystemCallError("read", path(name, under: root), Errno(rawValue: EINVAL))
    }
    return values[0]
  }

  /// Reads a setting of several integers, such as `net.ipv4.ip_local_port_range`.
  ///
  /// - Throws: as `integer`; EINVAL where there is anything but integers.
  public static func integers(_ name: String) throws(SystemCallError) -> [Int] {
    try integers(name, under: "/proc/sys")
  }

  /// The ports that connect(2) chooses from, of the calling thread's network namespace:
  /// net.ipv4.ip_local_port_range. Nil where that cannot be read.
  public static var localPorts: ClosedRange<UInt16>? {
    guard let range = try? integers("net.ipv4.ip_local_port_range"), range.count == 2,
      let first = UInt16(exactly: range[0]), let last = UInt16(exactly: range[1]), first <= last
    else { return nil }
    return first...last
  }

  /// Reads a setting as it is, without the line's end.
  ///
  /// - Throws: as `integer`, without EINVAL.
  public static func text(_ name: String) throws(SystemCallError) -> String {
    let path = path(name, under: "/proc/sys")
    let text = String(decoding: try ProcFile.contents(of: path), as: UTF8.self)
    return String(text.prefix { $0 != "\n" })
  }

  /// Changes a setting. Those of `net` are of the calling thread's network namespace.
  ///
  /// - Throws: the errno of open(2) or write(2): ENOENT where there is no such setting, EACCES or
  ///   EROFS where it may not be changed, EINVAL where the kernel does not take the value.
  public static func set(_ name: String, to value: String) throws(SystemCallError) {
    try ProcFile.write(value + "\n", to: path(name, under: "/proc/sys"))
  }

  private static func integers(
    _ name: String, under root: String
  ) throws(SystemCallError) -> [Int] {
    let path = path(name, under: root)
    let words = String(decoding: try ProcFile.contents(of: path), as: UTF8.self)
      .split { $0.isWhitespace }
    let values = words.compactMap { Int($0) }
    guard !values.isEmpty, values.count == words.count else {
      throw SystemCallError("read", path, Errno(rawValue: EINVAL))
    }
    return values
  }

  private static func path(_ name: String, under root: String) -> String {
    let parts = name.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "."): UInt8(ascii: "/")
      case UInt8(ascii: "/"): UInt8(ascii: ".")
      default: byte
      }
    }
    return "\(root)/\(String(decoding: parts, as: UTF8.self))"
  }
}
