// Names to addresses, and services to ports.

internal import CLinux
internal import Glibc

/// Which address families are wanted.
public enum AddressFamily: Sendable {
  case any, v4, v6
}

/// A name that gave no address. getaddrinfo(3).
public struct ResolutionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The host or service that was looked up.
  public var name: String
  /// The EAI_* code.
  public var code: Int32
  /// What the system call behind it said; only with EAI_SYSTEM.
  public var errno: Errno?
  /// A file of the system that would have said where to look, and is not there.
  public var missingFile: String?

  init(name: String, code: Int32, errno: Errno? = nil) {
    self.name = name
    self.code = code
    self.errno = errno
    let source: String? =
      switch code {
      case EAI_AGAIN: "/etc/resolv.conf"
      case EAI_SERVICE: "/etc/services"
      default: nil
      }
    missingFile = source.flatMap { unsafe access($0, F_OK) == 0 ? nil : $0 }
  }

  /// `resolve nosuch.example: name or service not known (EAI_NONAME)`.
  public var description: String {
    if let errno { return "resolve \(name): \(errno.message) (\(errno.name))" }
    let text = unsafe String(cString: gai_strerror(code))
    let symbol = unsafe clinux_gai_name(code).map { unsafe String(cString: $0) } ?? "\(code)"
    return "resolve \(name): \(text.prefix(1).lowercased() + text.dropFirst()) (\(symbol))"
  }

  /// Whether the name server could not be asked, so that a later try may succeed.
  public var isTemporary: Bool { code == EAI_AGAIN }

  /// Whether there are addresses, but none of the family that was asked for.
  public var isOfOtherFamily: Bool { code == Self.otherFamily }

  // EAI_ADDRFAMILY, which the Glibc module hides.
  fileprivate static let otherFamily: Int32 = -9
}

/// What getaddrinfo(3) says of names and services.
public enum Resolver {
  /// The addresses of a host in the order of RFC 6724, each once. Waits for the name server, up to
  /// resolv.conf's limits, and lets signals end the program meanwhile.
  ///
  /// A statically linked program asks /etc/hosts and DNS whatever nsswitch.conf says: the modules
  /// named there would bring the host's libc into a process that has its own.
  public static func addresses(
    of host: String, family: AddressFamily = .any
  ) throws(ResolutionError) -> [IPAddress] {
    if let literal = IPAddress(host) {
      switch (literal, family) {
      case (.v4, .v6), (.v6, .v4):
        throw ResolutionError(name: host, code: ResolutionError.otherFamily)
      default: return [literal]
      }
    }
    var found: [IPAddress] = []
    do throws(ResolutionError) {
      for endpoint in try lookUp(host: host, service: nil, family: family)
      where !found.contains(endpoint.address) {
        found.append(endpoint.address)
      }
    } catch {
      // In a container /etc/hosts may not be there; what this name means is no question (RFC 6761, 6.3).
      guard host.lowercased() == "localhost" else { throw error }
      return [.v6(.loopback), .v4(.loopback)].filter { address in
        switch (address, family) {
        case (.v4, .v6), (.v6, .v4): false
        default: true
        }
      }
    }
    return found
  }

  /// The port that a number or a service's name (`http`, from /etc/services) stands for.
  public static func port(_ text: String) throws(ResolutionError) -> UInt16 {
    if let number = UInt16(text), text.isDecimal { return number }
    // A number out of range must not reach getaddrinfo(3), which takes it modulo 65,536; it reads
    // numbers with strtoul(3), so white space or a sign before one makes no difference to it.
    guard let first = text.utf8.first, !text.isDecimal,
      first > UInt8(ascii: " "), first != UInt8(ascii: "-"), first != UInt8(ascii: "+"),
      let endpoint = try lookUp(host: nil, service: text, family: .v4).first
    else { throw ResolutionError(name: text, code: EAI_SERVICE) }
    return endpoint.port
  }

  private static func lookUp(
    host: String?, service: String?, family: AddressFamily
  ) throws(ResolutionError) -> [Endpoint] {
    let name = host ?? service ?? ""
    // An embedded NUL would silently cut the name short on its way into C.
    guard !name.utf8.contains(0) else {
      throw ResolutionError(name: name, code: EAI_NONAME)
    }
    if clinux_is_static() != 0 { _ = clinux_use_builtin_name_sources() }
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    switch family {
    case .any: unsafe hints.ai_family = AF_UNSPEC
    case .v4: unsafe hints.ai_family = AF_INET
    case .v6: unsafe hints.ai_family = AF_INET6
    }
    var list: UnsafeMutablePointer<addrinfo>?
    let code = unsafe getaddrinfo(host, service, &hints, &list)
    let errno = Errno.last
    guard code == 0 else {
      throw ResolutionError(name: name, code: code, errno: code == EAI_SYSTEM ? errno : nil)
    }
    defer { unsafe freeaddrinfo(list) }
    var found: [Endpoint] = []
    var entry = unsafe list
    while let info = unsafe entry {
      if let address = unsafe info.pointee.ai_addr,
        let endpoint = unsafe SocketAddress(
          copying: address, length: info.pointee.ai_addrlen
        ).endpoint
      {
        found.append(endpoint)
      }
      unsafe entry = info.pointee.ai_next
    }
    return found
  }
}

extension StringProtocol {
  /// Whether it consists of ASCII digits: no sign, no blank, no other script's digits, and not nothing.
  package var isDecimal: Bool { !isEmpty && utf8.allSatisfy { (48...57).contains($0) } }
}
