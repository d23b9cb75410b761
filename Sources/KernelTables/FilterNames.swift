// Names that stand for numbers in a filter: services and users.

internal import SocketCore

/// Where a filter's names are looked up.
public struct FilterNames: Sendable {
  /// The port of a TCP service.
  public var port: @Sendable (_ service: String) -> UInt16?
  /// The number of a user.
  public var uid: @Sendable (_ user: String) -> UInt32?
  /// Names to suggest in place of one that is not known.
  public var services: @Sendable () -> [String]
  /// The same for users.
  public var users: @Sendable () -> [String]

  public init(
    port: @escaping @Sendable (String) -> UInt16?, uid: @escaping @Sendable (String) -> UInt32?,
    services: @escaping @Sendable () -> [String] = { [] },
    users: @escaping @Sendable () -> [String] = { [] }
  ) {
    self.port = port
    self.uid = uid
    self.services = services
    self.users = users
  }

  /// Services as getservbyname(3) has them, users as /etc/passwd has them. Users of a directory
  /// (LDAP) are not there: for them libc would load modules, which a static program must not.
  public static let system = FilterNames(
    port: { try? Resolver.port($0) },
    uid: { name in UserFile.users().first { $0.name == name }?.uid },
    services: { ServiceNames.byPort().values.sorted() }, users: { UserFile.users().map(\.name) })
}

/// The users of /etc/passwd. passwd(5).
enum UserFile {
  static func users(in path: String = "/etc/passwd") -> [(name: String, uid: UInt32)] {
    guard let text = try? ProcFile.contents(of: path) else { return [] }
    return users(ofText: text)
  }

  /// Lines `name:password:uid:...`; others are passed over.
  static func users(ofText text: [UInt8]) -> [(name: String, uid: UInt32)] {
    text.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let fields = line.split(
        separator: UInt8(ascii: ":"), maxSplits: 3, omittingEmptySubsequences: false)
      guard fields.count == 4, !fields[0].isEmpty,
        let uid = UInt32(String(decoding: fields[2], as: UTF8.self))
      else { return nil }
      return (String(decoding: fields[0], as: UTF8.self), uid)
    }
  }
}
