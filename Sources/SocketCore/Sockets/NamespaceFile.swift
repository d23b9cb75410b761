// Other network namespaces: sockets that are made after entering one belong to it.

internal import CLinux
internal import Glibc

/// A file that stands for a network namespace, which this process can enter by it.
public struct NamespaceFile: ~Copyable, Sendable {
  private let descriptor: Descriptor
  private let name: String

  /// That of a process.
  ///
  /// - Throws: ENOENT where there is no such process, EACCES where it may not be looked into.
  public init(of process: Int32) throws(SystemCallError) {
    name = "process \(process)"
    descriptor = try Descriptor.open("/proc/\(process)/ns/net", flags: O_RDONLY)
  }

  /// This thread's own, to come back to.
  ///
  /// - Throws: ENOENT without /proc.
  public static func own() throws(SystemCallError) -> NamespaceFile {
    NamespaceFile(
      name: "this process",
      descriptor: try Descriptor.open("/proc/thread-self/ns/net", flags: O_RDONLY))
  }

  private init(name: String, descriptor: consuming Descriptor) {
    self.name = name
    self.descriptor = descriptor
  }

  /// One that has a name in /run/netns, as ip-netns(8) gives it, or a path.
  ///
  /// - Throws: ENOENT where there is none of that name.
  public init(named name: String) throws(SystemCallError) {
    self.name = name
    descriptor = try Descriptor.open(
      name.contains("/") ? name : "/run/netns/\(name)", flags: O_RDONLY)
  }

  /// One that has a name in /run/netns, whatever bytes that is made of.
  ///
  /// - Throws: ENOENT where there is none of that name.
  public init(named name: [UInt8]) throws(SystemCallError) {
    self.name = String(decoding: name, as: UTF8.self)
    let path = Array("/run/netns/".utf8) + name + [0]
    descriptor = try Descriptor.open(path.map(CChar.init(bitPattern:)), flags: O_RDONLY)
  }

  /// Moves this thread, the program's only one, into it for good. setns(2).
  ///
  /// - Throws: EPERM without CAP_SYS_ADMIN here and in the user namespace that owns it, EINVAL where the
  ///   file is no network namespace.
  public func enter() throws(SystemCallError) {
    try SystemCall(name: "setns").make("into the network namespace of \(name)") {
      clinux_enter_network_namespace(descriptor.rawValue)
    }
  }
}
